# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.export, and its files provisioned back by inventory and by ``src``."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.inventories import ALL_VARIABLES
from support.playbook_runner import PlaybookRunner, Run

EXPORT, PROVISION = "publica.la.export", "publica.la.provision"
MODULE = "publica_export"
PLAN = {"plan_id": 12, "valid_to": "2031-12-31"}


@pytest.fixture
def south() -> Iterator[SandboxStore]:
    with SandboxStore(token="token-of-the-southern-store-0123456789") as store:
        yield store


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is there once something was evaluated."""
    return tmp_path / "evaluated"


@pytest.fixture
def hostile(mark: Path) -> list[dict[str, Any]]:
    """Users by whom somebody tries to get at the machine of whoever exports."""
    touch = f"{{{{ lookup('pipe', 'touch {mark}') }}}}"
    return [
        {"email": "one@example.org", "external_id": touch[:64]},
        {"email": touch, "external_id": "hostile-2"},
        {"email": "three@example.org", "external_id": f"=cmd|'/C touch {mark.name}'!A0"},
        {"email": "four@example.org", "external_id": "{%if lookup('pipe','touch evaluated')%}"},
        {"email": "five@example.org", "external_id": "x\n- email: forged@example.org"},
        {"email": "six@example.org", "external_id": "\u202egnp.exe", "plans": [PLAN]},
        {"email": "seven@example.org", "external_id": "#jinja2:variable_start_string:'x'"},
    ]  # fmt: skip


def _inventory(runner: PlaybookRunner, **stores: SandboxStore) -> Path:
    for name, store in stores.items():
        runner.write(
            f"inventory/host_vars/{name}/store.yml",
            {"publica_users_base_url": store.base_url, "publica_users_api_token": store.token},
        )
    runner.write("inventory/group_vars/all.yml", ALL_VARIABLES)
    runner.write("inventory/stores.yml", {"publica_stores": {"hosts": dict.fromkeys(stores)}})
    return runner.folder / "inventory"


def _extra(**variables: Any) -> list[str]:
    return ["--extra-vars", json.dumps(variables)]


def _assert_nothing_changed(run: Run, count: int) -> None:
    [task] = run.succeeded().of_module("publica_user_bulk")
    assert task.result["changed"] is False, task.result["results"]
    assert task.result["summary"]["desired"] == count
    assert task.result["summary"]["unchanged"] == count


def test_what_is_exported_provisions_back_without_a_change(
    store: SandboxStore, runner: PlaybookRunner, mark: Path, hostile: list[dict[str, Any]]
) -> None:
    store.generate_users(20, deactivated=3, admins=2)
    store.add_users(hostile)
    before = store.users()
    inventory = _inventory(runner, press=store)
    folder = runner.folder / "exported"

    exported = runner.playbook(
        EXPORT, inventory, arguments=["-vvv", *_extra(publica_export_dir=str(folder))]
    ).succeeded()

    assert "27 users, 3 of them deactivated and 2 admins" in exported.stdout
    store.clear_journal()
    # As variables of the inventory.
    (inventory / "host_vars/press/users.yml").write_bytes((folder / "press.yml").read_bytes())
    _assert_nothing_changed(runner.playbook(PROVISION, inventory), len(before))
    (inventory / "host_vars/press/users.yml").unlink()
    # As files, which are read as they are.
    for name in ("press.yml", "press.csv"):
        src = _extra(publica_users_src=str(folder / name))
        _assert_nothing_changed(runner.playbook(PROVISION, inventory, arguments=src), len(before))
    assert store.journal(writes=True) == []
    assert store.users() == before
    assert not mark.exists()
    assert not list(runner.folder.rglob(mark.name))


def test_nobody_is_created_from_an_export_but_who_was_exported(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner, hostile: list[dict[str, Any]]
) -> None:
    """Into another store, an empty one, the same users come with the same attributes."""
    store.add_users(user for user in hostile if user["external_id"].isprintable())
    store.add_user("ana@example.org", external_id="007", sessions_limit=2, plans=[PLAN], admin=True)
    store.add_user("ben@example.org", external_id="gone", active=False)
    inventory = _inventory(runner, press=store)
    folder = runner.folder / "exported"
    runner.playbook(
        EXPORT,
        inventory,
        arguments=_extra(publica_export_dir=str(folder), publica_export_status="active"),
    ).succeeded()
    other = _inventory(runner, press=south)
    (other / "host_vars/press/users.yml").write_bytes((folder / "press.yml").read_bytes())

    run = runner.playbook(PROVISION, other)

    [task] = run.of_module("publica_user_bulk")
    # Whose address no list can have cannot be created; everybody else is.
    failed = [item["external_id"] for item in task.result["results"] if item["failed"]]
    assert failed == ["hostile-2"]
    kept = ("email", "external_id", "sessions_limit", "admin", "plan_admin", "only_sees_readable")
    wanted = [user for user in store.users(active=True) if user["external_id"] != "hostile-2"]
    assert sorted([user[name] for name in kept] for user in south.users()) == sorted(
        [user[name] for name in kept] for user in wanted
    )
    ana = south.user(email="ana@example.org")
    assert [plan["valid_to"] for plan in south.plans_of(ana["id"])] == ["2031-12-31"]


def test_two_stores_and_a_second_export(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    for one in (store, south):
        one.generate_users(5)
    inventory = _inventory(runner, north=store, south=south)
    # Relative to where ansible-playbook was started.
    words = _extra(publica_export_dir="new/exported", publica_export_delimiter="semicolon")

    planned = runner.playbook(EXPORT, inventory, arguments=[*words, "--check", "--diff"])

    planned.succeeded()
    assert planned.stdout.count("changed=1") == 2
    assert not (runner.folder / "new").exists()
    first = runner.playbook(EXPORT, inventory, arguments=words).succeeded()
    folder = runner.folder / "new/exported"
    names = ["north.csv", "north.yml", "south.csv", "south.yml"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert {task.result["changed"] for task in first.of_module(MODULE)} == {True}

    second = runner.playbook(EXPORT, inventory, arguments=words).succeeded()

    assert {task.result["changed"] for task in second.of_module(MODULE)} == {False}
    user = south.users()[0]
    south.change_user(user["id"], sessions_limit=77)
    third = runner.playbook(EXPORT, inventory, arguments=[*words, "--diff"]).succeeded()
    changed = {task.host: task.result["changed"] for task in third.of_module(MODULE)}
    assert changed == {"north": False, "south": True}
    assert "sessions_limit: 77" in third.stdout
    assert ";77;" in (folder / "south.csv").read_text(encoding="utf-8-sig")
    for one in (store, south):
        assert one.journal(writes=True) == []
        assert all(one.token not in path.read_text(encoding="utf-8") for path in folder.iterdir())
        assert all("imperson" not in path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_a_store_that_cannot_be_read_stops_no_other(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    south.generate_users(2)
    store.fault(403, times=None)
    inventory = _inventory(runner, north=store, south=south)

    run = runner.playbook(EXPORT, inventory, arguments=_extra(publica_export_dir="out")).failed()

    [failed] = (task for task in run.tasks if task.failed)
    assert (failed.host, failed.result["failure"]["code"]) == ("north", "forbidden")
    assert sorted(path.name for path in (runner.folder / "out").iterdir()) == [
        "south.csv",
        "south.yml",
    ]


@pytest.mark.parametrize("given", [{}, {"publica_export_dir": ""}, {"publica_export_dir": None}])
def test_without_a_folder_nothing_is_asked(
    given: dict[str, Any], store: SandboxStore, runner: PlaybookRunner
) -> None:
    run = runner.playbook(
        EXPORT, _inventory(runner, press=store), arguments=_extra(**given)
    ).failed()

    [failed] = (task for task in run.tasks if task.failed)
    assert "-e publica_export_dir=exported" in failed.result["msg"]
    assert store.journal() == []


def test_every_option_in_a_task(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_user("ana@example.org", external_id="A", plans=[PLAN])
    store.add_user("ben@example.org", external_id="B", active=False)
    folder = runner.folder / "tables"
    options = {
        "dir": str(folder),
        "name": "readers",
        "formats": ["csv"],
        "status": "active",
        "delimiter": "tab",
        "on_incomplete": "warn",
    }

    run = runner.tasks([{"name": "export", f"publica.la.{MODULE}": options}], store).succeeded()

    assert run.named("export").result["summary"]["exported"] == 1
    [path] = folder.iterdir()
    header, row = path.read_text(encoding="utf-8-sig").splitlines()
    assert header.split("\t")[:2] == ["email", "external_id"]
    assert row.split("\t")[:6] == [
        "ana@example.org",
        "A",
        "present",
        "unlimited",
        "12",
        "2031-12-31",
    ]
