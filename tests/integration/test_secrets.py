# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing secret is told, at the highest verbosity, of success and of failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.echo_store import echo_store
from support.inventories import write_inventory
from support.playbook_runner import PlaybookRunner, Run

LOUD = ["-vvvv", "--diff"]
# Each is in one place only, so a leak tells where it came from.
PASSWORDS = {
    place: f"canary-{place}-a1b2c3d4e5f6"
    for place in (
        *("one", "always", "row", "misspelt", "default", "short", "echoed", "echoed-row"),
        *("playbook", "refused"),
    )
}
TOKEN = "canary-token-f6e5d4c3b2a1"
KEYS = {"email": "ana@example.org", "external_id": "staff-1"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ansible.log"


def secrets_of(store: SandboxStore) -> dict[str, str]:
    """Everything that must be told nowhere, by a name that may be."""
    links = {
        f"impersonation link of {user['email']}": user["impersonation_secret"]
        for user in store.users()
    }
    return {"token": store.token, "canary token": TOKEN, **PASSWORDS, **links}


def assert_untold(store: SandboxStore, run: Run, log: Path) -> None:
    """No secret is in what a run has printed or logged."""
    places = {"stdout": run.stdout, "stderr": run.stderr, "log": log.read_text(encoding="utf-8")}
    assert "TASK" in places["stdout"], "the run told nothing at all"
    assert "TASK" in places["log"], "the run logged nothing at all"
    told = [
        f"{name} in {place}"
        for name, secret in secrets_of(store).items()
        for place, text in places.items()
        if secret in text
    ]
    assert told == []


def _tasks(echo: str) -> list[dict[str, Any]]:
    user, bulk = "publica.la.publica_user", "publica.la.publica_user_bulk"
    # As a careful operator has them: Ansible itself quotes a playbook's own lines in errors.
    password = {place: f"{{{{ passwords['{place}'] }}}}" for place in PASSWORDS}
    other = {"email": "bruno@example.org", "external_id": "staff-2"}
    tasks: list[dict[str, Any]] = [
        {user: {**KEYS, "password": password["one"]}},
        {user: {**KEYS, "password": password["always"], "update_password": "always"}},
        {user: {**KEYS, "email": "no address", "password": password["refused"]}},
        {user: {**other, "password": password["echoed"], "base_url": echo}},
        {user: {**KEYS, "api_token": TOKEN}},
        {bulk: {"users": [{**other, "password": password["row"]}], "report": "all"}},
        {bulk: {"users": [{**KEYS, "pasword": password["misspelt"]}]}},
        {bulk: {"users": [KEYS], "defaults": {"new_password": password["default"]}}},
        {bulk: {"users": [{**KEYS, "password": [password["short"]]}]}},
        {bulk: {"users": [{**other, "password": password["echoed-row"]}], "base_url": echo}},
        {"publica.la.publica_user_info": {"status": "all"}},
        {"publica.la.publica_user_logout": {"email": KEYS["email"]}},
        {"publica.la.publica_user_logout": {"email": "nobody@example.org"}},
    ]
    return [{"name": f"task {n}", **task, "ignore_errors": True} for n, task in enumerate(tasks)]


def test_no_module_tells_a_secret(store: SandboxStore, runner: PlaybookRunner, log: Path) -> None:
    # The impersonation links of these are in every list that is read.
    store.add_users([{"email": "zoe@example.org"}, {"email": "yuri@example.org", "active": False}])
    with echo_store() as echo:
        run = runner.tasks(
            _tasks(echo),
            store,
            play={"vars_files": [str(runner.write("passwords.yml", {"passwords": PASSWORDS}))]},
            arguments=LOUD,
            environment={"ANSIBLE_LOG_PATH": str(log)},
        ).succeeded()

    assert_untold(store, run, log)
    failed = [task.name for task in run.tasks if task.failed]
    assert failed == [f"task {number}" for number in (2, 3, 4, 6, 8, 9, 12)]
    echoed = run.named("task 3").result
    assert echoed["failure"]["code"] == "validation", "the echo was not heard"
    row = store.user(email="bruno@example.org")
    assert store.has_password(row["id"], PASSWORDS["row"])


def test_the_playbook_tells_no_secret(
    store: SandboxStore, runner: PlaybookRunner, log: Path
) -> None:
    store.add_user("zoe@example.org")
    inventory = write_inventory(runner, {"north": store})
    guests = [
        {**KEYS, "password": PASSWORDS["playbook"]},
        {"email": "bruno@example.org", "external_id": "staff-2", "plan_id": 999},
    ]
    runner.write("inventory/host_vars/north/guests.yml", {"publica_users_desired_guests": guests})

    run = runner.playbook(
        "publica.la.provision",
        inventory,
        arguments=LOUD,
        environment={"ANSIBLE_LOG_PATH": str(log)},
    ).failed()

    assert_untold(store, run, log)
    row = store.user(email=str(KEYS["email"]))
    assert store.has_password(row["id"], PASSWORDS["playbook"])
