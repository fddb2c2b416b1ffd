# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.offboard: given people, deactivated and logged out in every store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.inventories import ALL_VARIABLES
from support.playbook_runner import PlaybookRunner, Run

OFFBOARD = "publica.la.offboard"
BULK = "publica_user_bulk"
ANA, BRUNO, CARLA = "ana@example.org", "bruno@example.org", "carla@example.org"


@pytest.fixture
def south() -> Iterator[SandboxStore]:
    with SandboxStore(token="token-of-the-southern-store-0123456789") as store:
        yield store


@pytest.fixture
def inventory(store: SandboxStore, south: SandboxStore, runner: PlaybookRunner) -> Path:
    """Two stores: Ana reads in both, Bruno in one, and Carla has left one already."""
    for one in (store, south):
        one.add_user(ANA, external_id="staff-1", open_sessions=2, plans=[{"plan_id": 12}])
        one.add_user("stays@example.org", external_id="staff-9", open_sessions=1)
    store.add_user(BRUNO, external_id="staff-2", open_sessions=1)
    south.add_user(CARLA, external_id="staff-3", active=False)
    stores = {"north": store, "south": south}
    hosts = {
        name: {"publica_users_base_url": one.base_url, "publica_users_api_token": one.token}
        for name, one in stores.items()
    }
    runner.write("inventory/group_vars/all.yml", ALL_VARIABLES)
    return runner.write("inventory/stores.yml", {"publica_stores": {"hosts": hosts}}).parent


def _offboard(runner: PlaybookRunner, inventory: Path, emails: Any, *words: str) -> Run:
    extra = json.dumps({"publica_offboard_emails": emails})
    return runner.playbook(OFFBOARD, inventory, arguments=["--extra-vars", extra, *words])


def _active(store: SandboxStore) -> list[str]:
    return [user["email"] for user in store.users(active=True)]


EMAILS = [ANA, BRUNO, CARLA, "Ana@Example.org"]


def test_they_are_gone_from_every_store_and_a_second_run_changes_nothing(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    emails = EMAILS
    planned = _offboard(runner, inventory, emails, "--check", "--diff").succeeded()
    assert ANA in _active(store)
    assert ANA in _active(south)
    assert store.journal(writes=True) == south.journal(writes=True) == []

    first = _offboard(runner, inventory, emails).succeeded()

    assert _active(store) == _active(south) == ["stays@example.org"]
    for one in (store, south):
        assert one.user(email=ANA)["forced_logouts"] == 1
        assert one.user(email=ANA)["open_sessions"] == 0
        assert one.user(email="stays@example.org")["forced_logouts"] == 0
    assert store.user(email=BRUNO)["forced_logouts"] == 1
    # Never created: Bruno is no user of the south, nor Carla of the north.
    assert (len(store.users()), len(south.users())) == (3, 3)
    assert f"2 deactivated and logged out: {ANA}, {BRUNO}; 1 not active at this store: {CARLA}" in (
        first.stdout
    )
    for run in (planned, first):
        summaries = {task.host: task.result["summary"] for task in run.of_module(BULK)}
        assert (summaries["north"]["deactivated"], summaries["south"]["deactivated"]) == (2, 1)
        assert summaries["north"]["desired"] == 3
    for one in (store, south):
        one.clear_journal()

    second = _offboard(runner, inventory, emails).succeeded()

    assert {task.result["changed"] for task in second.of_module(BULK)} == {False}
    assert store.journal(writes=True) == south.journal(writes=True) == []


def test_every_bad_address_is_told_before_the_first_request(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    run = _offboard(runner, inventory, [ANA, "ana@", 7, {"email": BRUNO}, "b c@d.e"]).failed()

    failed = [task for task in run.tasks if task.failed]
    assert {task.host for task in failed} == {"north", "south"}
    for task in failed:
        assert task.result["failure"]["code"] == "invalid_input"
        assert len(task.result["failure"]["fields"]) == 4
        assert "ana@" in task.result["msg"]
    assert store.journal() == south.journal() == []


@pytest.mark.parametrize(
    "emails",
    [",".join(EMAILS), f" {ANA}; {BRUNO}\n{CARLA}"],
    ids=["with commas", "pasted"],
)
def test_addresses_in_one_text(
    emails: str, store: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    run = _offboard(runner, inventory, emails, "--limit", "north").succeeded()

    [task] = run.of_module(BULK)
    assert task.args["users"] == [{"email": email} for email in (ANA, BRUNO, CARLA)]
    assert _active(store) == ["stays@example.org"]


@pytest.mark.parametrize("emails", [[], "", " , ;", None, {"ana": 1}, 5], ids=json.dumps)
def test_nobody_is_an_error_with_its_remedy(
    emails: Any, store: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    run = _offboard(runner, inventory, emails).failed()

    failed = [task for task in run.tasks if task.failed]
    assert len(failed) == 2
    assert all("-e publica_offboard_emails=ana@example.org" in t.result["msg"] for t in failed)
    assert store.journal() == []


def test_without_the_variable(store: SandboxStore, runner: PlaybookRunner, inventory: Path) -> None:
    run = runner.playbook(OFFBOARD, inventory).failed()

    assert "publica_offboard_emails names nobody" in run.output
    assert store.journal() == []


def test_a_store_that_fails_stops_no_other(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner, inventory: Path
) -> None:
    store.fault(403, times=None)

    run = _offboard(runner, inventory, ANA).failed()

    [failed] = (task for task in run.tasks if task.failed)
    assert (failed.host, failed.result["failure"]["code"]) == ("north", "forbidden")
    assert ANA in _active(store)
    assert ANA not in _active(south)
    store.clear_faults()

    again = _offboard(runner, inventory, ANA).succeeded()

    changed = {task.host: task.result["changed"] for task in again.of_module(BULK)}
    assert changed == {"north": True, "south": False}
    assert ANA not in _active(store)


def test_an_address_is_text(store: SandboxStore, runner: PlaybookRunner, inventory: Path) -> None:
    odd = "o'${x}`y`$z&a=b|c@example.org"
    store.add_user(odd, external_id="odd")

    _offboard(runner, inventory, [odd]).succeeded()

    assert not store.user(email=odd)["active"]
