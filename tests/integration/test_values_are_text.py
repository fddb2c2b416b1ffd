# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of a store or a file are text: never evaluated, and without control of a terminal.

A reader who chooses a name at the store must not gain access to the operator's machine, or forge
the output of a dry run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from publica_sandbox.testing import SandboxStore

from support.playbooks import PlaybookRunner

USER, BULK = "publica.la.publica_user", "publica.la.publica_user_bulk"
INFO = "publica.la.publica_user_info"
ESCAPE, ONE_BYTE_ESCAPE, OVERRIDE = "\x1b", "\x9b", "\u202e"
FORGED = "changed: [forged]"
# The effects on a terminal, and addresses that have them.
CONTROL = {
    "clears the screen": f"{ESCAPE}[2Jclear@example.org",
    "clears the screen with one byte": f"{ONE_BYTE_ESCAPE}2Jbyte@example.org",
    "turns around": f"{OVERRIDE}gro.elpmaxe@around",
    "forges a line": f"line@example.org\n{FORGED}",
}

PLAIN = "plain-"
# Rows made from the result of a task, of the users whose address the store accepts.
WANTED = (
    "{%- set rows = [] -%}{%- for user in found.users if user.email is search('@') -%}"
    "{%- set _ = rows.append({'id': user.id, 'email': user.email, "
    "'external_id': user.external_id, 'sessions_limit': 3}) -%}{%- endfor -%}{{ rows }}"
)


@pytest.fixture
def templates(mark: Path) -> dict[str, str]:
    """Texts that create the mark, or change, if they are evaluated."""
    return {
        "lookup": f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}",
        "statement": f"{{% if lookup('ansible.builtin.pipe', 'touch {mark}') %}}x{{% endif %}}",
        "sum": "{{ 7 * 7 }}",
        "comment": "a{# gone #}b",
        "tag": "!unsafe {{ 7 * 7 }}",
        "shell": f"$(touch {mark})`touch {mark}`",
        "list": "['a', 'b']",
    }


def _everywhere(store: SandboxStore, templates: dict[str, str]) -> list[dict[str, Any]]:
    """Store users with these texts as external id and plan, and as address; returns the rows."""
    for number, (name, text) in enumerate(templates.items()):
        plan = [{"plan_id": store.add_plan(text, id=100 + number)}]
        store.add_user(f"{name}@example.org", external_id=text[:64], plans=plan)
        store.add_user(text, external_id=f"{PLAIN}{name}", plans=plan)
    return store.users()


def test_values_of_a_store_are_never_evaluated(
    store: SandboxStore, runner: PlaybookRunner, mark: Path, templates: dict[str, str]
) -> None:
    users = _everywhere(store, templates)
    written = {name: runner.directory / f"written.{name}" for name in ("json", "yml", "txt")}
    addresses = "found.users | map(attribute='email') | list"
    tasks: list[dict[str, Any]] = [
        {"name": "found", INFO: {"status": "all"}, "register": "found"},
        # Each place of a later task where Ansible evaluates.
        {"name": "fact", "ansible.builtin.set_fact": {"them": f"{{{{ {addresses} }}}}"}},
        {
            "name": "shown",
            "ansible.builtin.debug": {"msg": "{{ one }} {{ them[0] }} {{ item.email }}"},
            "vars": {"one": f"{{{{ ({addresses})[0] }}}}"},
            "loop": "{{ found.users }}",
            "when": ["item.email != them", "item.plans[0].name != item.uuid"],
        },
        {
            "name": "as JSON",
            "ansible.builtin.copy": {
                "content": "{{ found.users | to_nice_json }}", "dest": str(written["json"]),
            },
        },
        {
            "name": "as YAML",
            "ansible.builtin.copy": {
                "content": "{{ found.users | to_nice_yaml }}", "dest": str(written["yml"]),
            },
        },
        {
            "name": "as a report",
            "ansible.builtin.copy": {
                "content": "{% for user in found.users %}{{ user.email }}\n{% endfor %}",
                "dest": str(written["txt"]),
            },
        },
        # Back to the store.
        {
            "name": "back",
            BULK: {"users": "{{ wanted }}", "report": "all", "lookup": "list"},
            "vars": {"wanted": WANTED},
        },
    ]  # fmt: skip

    run = runner.tasks(tasks, store, arguments=["--diff"]).succeeded()

    assert not mark.exists(), run.output
    returned = {user["id"]: user for user in run.named("found").result["users"]}
    for user, text in zip(users, [text for text in templates.values() for _twice in range(2)]):
        assert returned[user["id"]]["email"] == user["email"]
        assert returned[user["id"]]["external_id"] == user["external_id"]
        assert returned[user["id"]]["plans"][0]["name"] == text
    in_order = [user["email"] for user in run.named("found").result["users"]]
    for name, load in (("json", json.loads), ("yml", yaml.safe_load)):
        assert [user["email"] for user in load(written[name].read_text())] == in_order
    assert written["txt"].read_text() == "".join(f"{email}\n" for email in in_order)
    # The change reached these users, with the texts unchanged.
    after = store.users()
    assert [user["sessions_limit"] for user in after] == [3, None] * len(templates)
    for key in ("email", "external_id"):
        assert [user[key] for user in after] == [user[key] for user in users]
    assert run.named("back").result["summary"]["updated"] == len(templates)


@pytest.mark.full
@pytest.mark.oldest_core
def test_no_name_controls_the_terminal(store: SandboxStore, runner: PlaybookRunner) -> None:
    users = [
        store.add_user(email, external_id=f"control-{number}", active=number % 2 == 0)
        for number, email in enumerate(CONTROL.values())
    ]
    by_id = [{"id": user["id"], "sessions_limit": 2} for user in users]
    tasks = [
        # Deactivated users give a warning with their address, and all users a difference.
        {"name": "dry", BULK: {"users": by_id}, "check_mode": True},
        {"name": "run", USER: by_id[0]},
        # A guard names the users to remove.
        {
            "name": "guarded",
            BULK: {"users": by_id[:1], "exclusive": True},
            "check_mode": True,
        },
        # A failure names the users that it found.
        {
            "name": "conflict",
            USER: {"id": users[0]["id"], "external_id": "control-1"},
            "ignore_errors": True,
        },
        {"name": "data", INFO: {"status": "all"}},
    ]

    run = runner.tasks(tasks, store, arguments=["--diff"]).succeeded()

    dry = run.named("dry").result
    assert len(dry["diff"]) == len(users)
    assert len(dry["warnings"]) == 1
    assert run.named("conflict").failed
    assert run.named("guarded").result["guard"]["code"] == "too_many_deactivations"
    assert r"\u202e" in run.named("guarded").result["guard"]["message"]
    for unwanted in (ESCAPE, ONE_BYTE_ESCAPE, OVERRIDE, "\r"):
        assert unwanted not in run.output
    assert not [line for line in run.output.splitlines() if line.startswith(FORGED)]
    # The names remain different, and a playbook gets them unchanged.
    for code in (r"\x1b[2J", r"\x9b2J", r"\u202e", rf"\n{FORGED}"):
        assert code in run.stdout
    data = run.named("data").result["users"]
    assert {user["email"] for user in data} == set(CONTROL.values())
