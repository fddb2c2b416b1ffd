# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.offboard: given users are deactivated and logged out in every store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.inventories import connection_of, write_hosts
from support.playbooks import PlaybookRunner, Run

OFFBOARD = "publica.la.offboard"
BULK = "publica_user_bulk"
ANA, BRUNO, CARLA = "ana@example.org", "bruno@example.org", "carla@example.org"
STAYS = "stays@example.org"
ODD = "o'${x}`y`$z&a=b|c@example.org"
EMAILS = [ANA, BRUNO, CARLA, "Ana@Example.org"]


@pytest.fixture
def inventory(store: SandboxStore, south: SandboxStore, runner: PlaybookRunner) -> Path:
    """Two stores: Ana is in both, Bruno in one, and Carla is deactivated in one."""
    for one in (store, south):
        one.add_user(ANA, external_id="staff-1", open_sessions=2, plans=[{"plan_id": 12}])
        one.add_user(STAYS, external_id="staff-9", open_sessions=1)
    store.add_user(BRUNO, external_id="staff-2", open_sessions=1)
    south.add_user(CARLA, external_id="staff-3", active=False)
    return write_hosts(runner, {"north": connection_of(store), "south": connection_of(south)})


def _offboard(runner: PlaybookRunner, inventory: Path, emails: Any, *words: str) -> Run:
    extra = json.dumps({"publica_offboard_emails": emails})
    playbooks = [OFFBOARD] if "--check" in words else [OFFBOARD, OFFBOARD]
    return runner.playbook(playbooks, inventory, arguments=["--extra-vars", extra, *words])


def _active(store: SandboxStore) -> list[str]:
    return [user["email"] for user in store.users(active=True)]


def test_users_leave_every_store_and_a_second_run_changes_nothing(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    store.add_user(ODD, external_id="odd")
    emails = [*EMAILS, ODD]
    planned = _offboard(runner, inventory, emails, "--check", "--diff").succeeded()
    assert ANA in _active(store)
    assert ANA in _active(south)
    assert store.journal(writes=True) == south.journal(writes=True) == []

    message = planned.named("Show which users were deactivated", "south").result["msg"]
    assert message == (
        f"Dry run: nothing was written. 1 user would be deactivated and logged out: {ANA}; "
        f"3 not active at this store: {BRUNO}, {CARLA}, {ODD}"
    )

    run = _offboard(runner, inventory, emails).succeeded()

    assert f"3 deactivated and logged out: {ANA}, {BRUNO}" in run.stdout
    assert "Dry run" not in run.stdout
    assert _active(store) == _active(south) == [STAYS]
    for one in (store, south):
        assert one.user(email=ANA)["forced_logouts"] == 1
        assert one.user(email=ANA)["open_sessions"] == 0
        assert one.user(email=STAYS)["forced_logouts"] == 0
    assert store.user(email=BRUNO)["forced_logouts"] == 1
    # No account was created.
    assert (len(store.users()), len(south.users())) == (4, 3)
    assert all(email in run.stdout for email in (ANA, BRUNO, CARLA, ODD))
    tasks = run.of_module(BULK)
    for first in (planned.of_module(BULK), tasks[:2]):
        summaries = {task.host: task.result["summary"] for task in first}
        assert (summaries["north"]["deactivated"], summaries["south"]["deactivated"]) == (3, 1)
        assert summaries["north"]["desired"] == 4
    for again in tasks[2:]:
        assert again.result["changed"] is False
        assert again.result["plan"]["requests"] == 0


@pytest.mark.usefixtures("inventory")
@pytest.mark.full
def test_values_of_the_variable(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    """Every value in one run, with a host for each."""
    texts = [",".join(EMAILS), f" {ANA}; {BRUNO}\n{CARLA}"]
    empty = [[], "", " , ;", None, {"ana": 1}, 5]
    bad = [ANA, "ana@", 7, {"email": BRUNO}, "b c@d.e"]
    hosts = {f"text{n}": {"publica_offboard_emails": text} for n, text in enumerate(texts)}
    hosts |= {f"empty{n}": {"publica_offboard_emails": value} for n, value in enumerate(empty)}
    hosts |= {"missing": {}, "bad": {"publica_offboard_emails": bad}}
    connections = {"text0": store, "text1": south}
    with SandboxStore() as unused:
        variables = {
            name: {**connection_of(connections.get(name, unused)), **values}
            for name, values in hosts.items()
        }
        run = runner.playbook(OFFBOARD, write_hosts(runner, variables)).failed()
        assert unused.journal() == []

    for task in run.of_module(BULK):
        if task.host == "bad":
            assert task.code == "invalid_input"
            assert len(task.result["failure"]["fields"]) == 4
            assert "ana@" in task.result["msg"]
        else:
            assert task.args["users"] == [{"email": email} for email in (ANA, BRUNO, CARLA)]
    failed = {task.host: task.result["msg"] for task in run.tasks if task.failed}
    assert set(failed) == {name for name in hosts if not name.startswith("text")}
    del failed["bad"]
    assert all("publica_offboard_emails" in message for message in failed.values())
    assert _active(store) == _active(south) == [STAYS]


@pytest.mark.full
def test_a_failing_store_stops_no_other(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    store.fault(403, times=None)

    run = runner.playbook(
        OFFBOARD, inventory, arguments=["--extra-vars", f"publica_offboard_emails={ANA}"]
    ).failed()

    [failed] = (task for task in run.tasks if task.failed)
    assert (failed.host, failed.code) == ("north", "forbidden")
    assert ANA in _active(store)
    assert ANA not in _active(south)
    store.clear_faults()

    again = _offboard(runner, inventory, ANA).succeeded()

    changed = {task.host: task.result["changed"] for task in again.of_module(BULK)[:2]}
    assert changed == {"north": True, "south": False}
    assert ANA not in _active(store)
