# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the modules and the pages runs, and runs again without a change."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from publica_sandbox.testing import SandboxStore

from support import documentation
from support.documentation import FILE, INVENTORY, PLAYBOOK, TASKS, VARS, Block, blocks_of, pages
from support.playbooks import INTERPRETER, LOCALHOST, PlaybookRunner, TaskRun
from support.workbooks import workbook

EXAMPLE_STORE = "https://example.publica.la"
# Ending sessions is always a change.
ALWAYS_CHANGES = "publica.la.publica_user_logout"
ANA = {
    "email": "ana@example.org",
    "external_id": "staff-1001",
    "plans": [{"plan_id": 12, "valid_to": "2031-12-31"}],
}
# The users that the examples of a module need.
USERS_BEFORE = {"publica_user_info": [ANA], "publica_user_logout": [ANA]}
# The users that the examples of a page need.
USERS_OF_PAGES = {"adopting-a-store.md": [ANA, {"email": "bruno@example.org", "active": False}]}
# The files next to the playbook that the examples of a module read.
FILES_BEFORE = {
    "publica_user_bulk": {
        "seats.csv": "Email;External ID;Sessions limit\nelena@example.org;staff-1004;2\n",
        "personnel.csv": "Mail,Staff no.,Department\nfarid@example.org,staff-1005,Press\n",
        "readers.xlsx": workbook(("email", "external_id"), ("gala@example.org", "staff-1006")),
    }
}
RUNNABLE = (PLAYBOOK, TASKS)
# Cells of the page on Excel that are not text, such as external ids.
CELLS: dict[str, Any] = {
    "": None,
    "2": 2,
    "12": 12,
    "TRUE": True,
    "FALSE": False,
    "2031-12-31": datetime.date(2031, 12, 31),
}


def at(store: SandboxStore, content: Any) -> Any:
    """An example with the sandbox's address in place of the example's."""
    text = json.dumps(content, default=str)
    return json.loads(text.replace(EXAMPLE_STORE, store.base_url))


def twice(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each task, followed by its repetition."""
    return [
        {**task, "name": f"{number}. {task['name']}{again}"}
        for number, task in enumerate(tasks)
        for again in ("", ", again")
    ]


def changes(tasks: list[TaskRun]) -> list[str]:
    """The tasks that changed something, without dry runs and those that always do."""
    return [
        task.name
        for task in tasks
        if task.result.get("changed") and not task.check_mode and task.action != ALWAYS_CHANGES
    ]


def oldest_core(module: str) -> list[pytest.MarkDecorator]:
    """The mark for a module with code on the controller, which depends on ansible-core more."""
    action = documentation.collection() / "plugins" / "action" / f"{module}.py"
    return [pytest.mark.oldest_core] if action.exists() else []


# The modules and the page whose examples run without PUBLICA_TEST_FULL=1.
BY_DEFAULT = ("publica_user_logout", "publica_variables", "getting-started.md")


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(
            module,
            marks=[] if module in BY_DEFAULT else [pytest.mark.full, *oldest_core(module)],
        )
        for module in documentation.module_names()
    ],
)
def test_the_examples_of_a_module(module: str, store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users(USERS_BEFORE.get(module, []))
    for name, content in FILES_BEFORE.get(module, {}).items():
        runner.write(name, content)
    tasks = twice(at(store, documentation.examples(module)))
    play = {"vars": {"publica_api_token": store.token}, "module_defaults": {}}

    run = runner.tasks(tasks, store, play=play).succeeded()

    assert any(task.action == f"publica.la.{module}" for task in run.tasks)
    again = [task for task in run.tasks if task.name.endswith(", again")]
    assert changes(again) == []
    writes = store.journal(writes=True)
    assert [row for row in writes if row["status"] >= 400] == []


def runnable_pages() -> list[Any]:
    return [
        pytest.param(page, id=page.name, marks=[] if page.name in BY_DEFAULT else pytest.mark.full)
        for page in pages()
        if any(block.kind in RUNNABLE for block in blocks_of(page))
    ]


@pytest.mark.parametrize("page", runnable_pages())
def test_the_examples_of_a_page(page: Path, store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users(USERS_OF_PAGES.get(page.name, []))
    blocks = list(blocks_of(page))
    inventory = _write_inventory(store, runner, blocks)
    variables = {"publica_api_token": store.token, "publica_python_interpreter": INTERPRETER}
    arguments = ["--extra-vars", json.dumps(variables)]
    environment = {"PUBLICA_BASE_URL": store.base_url, "PUBLICA_API_TOKEN": store.token}
    for number, block in enumerate(block for block in blocks if block.kind in RUNNABLE):
        plays = at(store, yaml.safe_load(block.text))
        if block.kind == TASKS:
            plays = [{"hosts": "localhost", "gather_facts": False, "tasks": plays}]
        playbook = runner.write(f"block-{number}.yml", plays)

        run = runner.playbook(
            [playbook, playbook], inventory, arguments=arguments, environment=environment
        )

        assert run.returncode == 0, f"{block}: {run.output}"
        again = run.tasks[len(run.tasks) // 2 :]
        assert changes(again) == [], f"{block}: changes something when it is run again"


@pytest.mark.full
def test_the_workbook_of_the_page_on_excel(store: SandboxStore, runner: PlaybookRunner) -> None:
    page = documentation.collection() / "docs" / "from-excel.md"
    [example] = [block for block in blocks_of(page) if block.kind == INVENTORY]
    [table, *_others] = re.findall(r"(?:^\|.*\n)+", page.read_text("utf-8"), re.MULTILINE)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    header, _dashes, *rows = [[CELLS.get(text, text) for text in line] for line in lines]
    inventory = runner.write("inventory.yml", at(store, yaml.safe_load(example.text)))
    runner.write("readers.xlsx", workbook(header, *rows))
    store.add_user("buyer@example.org", external_id="buyer-1")
    variables = {"publica_api_token": store.token, "publica_python_interpreter": INTERPRETER}
    arguments = ["--extra-vars", json.dumps(variables)]
    provision = "publica.la.provision"

    dry = runner.playbook(provision, inventory, arguments=[*arguments, "--check", "--diff"])

    dry.succeeded()
    assert not store.journal(writes=True)

    run = runner.playbook([provision, provision], inventory, arguments=arguments).succeeded()

    assert changes(run.tasks[len(run.tasks) // 2 :]) == []
    ana, bruno, carla = (store.user(email=row[1]) for row in rows)
    assert [user["external_id"] for user in (ana, bruno, carla)] == ["00123", "00124", "00125"]
    assert [bool(user["only_sees_readable"]) for user in (ana, bruno)] == [True, False]
    assert [user["sessions_limit"] for user in (ana, bruno)] == [2, None]
    plans = [(plan["plan_id"], plan["valid_to"]) for plan in store.plans_of(ana["id"])]
    assert plans == [(12, "2031-12-31")]

    # Her row is deleted. A third of three readers is more than the limit.
    runner.write("readers.xlsx", workbook(header, *rows[:-1]))
    arguments += ["--extra-vars", "publica_users_max_deactivations=1"]
    runner.playbook(provision, inventory, arguments=arguments).succeeded()

    active = sorted(user["email"] for user in store.users(active=True))
    assert active == ["ana@example.org", "bruno@example.org", "buyer@example.org"]


def _write_inventory(store: SandboxStore, runner: PlaybookRunner, blocks: list[Block]) -> Path:
    """The inventory of the page's blocks, and a host that runs its tasks."""
    runner.write("inventory/zz-localhost.yml", LOCALHOST)
    for block in blocks:
        if block.kind == INVENTORY:
            runner.write("inventory/stores.yml", at(store, yaml.safe_load(block.text)))
        elif block.kind == VARS:
            assert block.name, f"{block}: yaml vars needs the name of a file"
            runner.write(f"inventory/{block.name}", at(store, yaml.safe_load(block.text)))
        elif block.kind == FILE:
            assert block.name, f"{block}: file needs the name of a file"
            runner.write(f"inventory/{block.name}", block.text)
    return runner.directory / "inventory"


def test_every_yaml_block_parses() -> None:
    for block in (block for page in pages() for block in blocks_of(page)):
        if block.language in ("yaml", "yml"):
            # A tag such as !vault is Ansible's own.
            parsed = yaml.load(block.text, Loader=_AnyTag)  # noqa: S506  (a safe loader)
            assert parsed is not None, f"{block}: is empty"
        assert block.kind in ("", *RUNNABLE, INVENTORY, VARS, FILE) or block.language != "yaml", (
            block
        )


class _AnyTag(yaml.SafeLoader):
    """The safe loader, with unknown tags as plain text."""


_AnyTag.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))
