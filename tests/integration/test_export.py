# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.export, and its files provisioned back by inventory and by ``src``."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.in_process import ModuleRunner
from support.inventories import connection_of, write_hosts
from support.playbooks import PlaybookRunner
from support.saved_workbook import SAVED_BY_LIBREOFFICE, USERS

EXPORT, PROVISION = "publica.la.export", "publica.la.provision"
MODULE = "publica_export"
PLAN = {"plan_id": 12, "valid_to": "2031-12-31"}


@pytest.fixture
def hostile(mark: Path) -> list[dict[str, Any]]:
    """Users whose values would harm the machine that exports them, if they were evaluated."""
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


def _extra(**variables: Any) -> list[str]:
    return ["--extra-vars", json.dumps(variables)]


def test_an_export_provisions_back_without_a_change(
    store: SandboxStore, runner: PlaybookRunner, mark: Path, hostile: list[dict[str, Any]]
) -> None:
    store.generate_users(20, deactivated=3, admins=2)
    store.add_users(hostile)
    before = store.users()
    inventory = write_hosts(runner, {"press": connection_of(store)})
    directory = runner.directory / "exported"

    formats = ["yaml", "csv", "xlsx"]
    words = _extra(publica_export_dir=str(directory), publica_export_formats=formats)
    exported = runner.playbook(EXPORT, inventory, arguments=["-vvv", *words]).succeeded()

    (task,) = exported.of_module(MODULE)
    assert task.result["summary"] == {"exported": 27, "active": 24, "deactivated": 3, "admins": 2}
    store.clear_journal()
    # As variables of the inventory, and as the files of two more hosts.
    (runner.directory / "inventory/host_vars/press").mkdir(parents=True)
    users = runner.directory / "inventory/host_vars/press/users.yml"
    users.write_bytes((directory / "press.yml").read_bytes())
    sources = {
        name: {**connection_of(store), "publica_users_src": str(directory / name)}
        for name in ("press.yml", "press.csv", "press.xlsx")
    }
    inventory = write_hosts(runner, {"press": connection_of(store), **sources})
    run = runner.playbook(PROVISION, inventory).succeeded()
    tasks = run.of_module("publica_user_bulk")
    assert len(tasks) == 4
    for task in tasks:
        assert task.result["changed"] is False, task.result["results"]
        assert task.result["summary"]["desired"] == len(before)
        assert task.result["summary"]["unchanged"] == len(before)
    assert store.journal(writes=True) == []
    assert store.users() == before
    assert not mark.exists()
    assert not list(runner.directory.rglob(mark.name))


def test_a_workbook_that_libreoffice_has_saved_changes_nothing(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    for values in USERS:
        given = {name: value for name, value in values.items() if name != "plan"}
        if "plan" in values:
            given["plans"] = [dict(zip(("plan_id", "valid_to"), values["plan"], strict=True))]
        store.add_user(**given)
    export = {"dir": "exported", "name": "press", "formats": ["xlsx"]}
    tasks: list[dict[str, Any]] = [
        {"name": "export", f"publica.la.{MODULE}": export},
        {"name": "again", f"publica.la.{MODULE}": export},
    ]
    for src in ("exported/press.xlsx", str(SAVED_BY_LIBREOFFICE)):
        tasks.append({"name": src, "publica.la.publica_user_bulk": {"src": src}})  # noqa: PERF401

    run = modules.tasks(tasks, store).succeeded()

    assert [task.result["changed"] for task in run.tasks] == [True, False, False, False]
    assert run.tasks[-1].result["summary"]["unchanged"] == len(USERS)
    assert store.journal(writes=True) == []


@pytest.mark.full
def test_an_export_creates_the_same_users_in_an_empty_store(
    store: SandboxStore, south: SandboxStore, modules: ModuleRunner, hostile: list[dict[str, Any]]
) -> None:
    store.add_users(user for user in hostile if user["external_id"].isprintable())
    store.add_user("ana@example.org", external_id="007", sessions_limit=2, plans=[PLAN], admin=True)
    store.add_user("ben@example.org", external_id="gone", active=False)
    options = {"dir": "exported", "name": "press", "status": "active"}
    modules.tasks([{"name": "export", f"publica.la.{MODULE}": options}], store).succeeded()
    back = {"src": "exported/press.yml", "report": "all"}

    (task,) = modules.tasks([{"name": "back", "publica.la.publica_user_bulk": back}], south).tasks

    # No list can hold this address, so its user is not created.
    failed = [item["external_id"] for item in task.result["results"] if item["failed"]]
    assert failed == ["hostile-2"]
    kept = ("email", "external_id", "sessions_limit", "admin", "plan_admin", "only_sees_readable")
    expected = [user for user in store.users(active=True) if user["external_id"] != "hostile-2"]
    assert sorted([user[name] for name in kept] for user in south.users()) == sorted(
        [user[name] for name in kept] for user in expected
    )
    ana = south.user(email="ana@example.org")
    assert [plan["valid_to"] for plan in south.plans_of(ana["id"])] == ["2031-12-31"]


@pytest.mark.full
@pytest.mark.oldest_core
def test_two_stores_and_a_second_export(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    for one in (store, south):
        one.generate_users(5)
    inventory = write_hosts(runner, {"north": connection_of(store), "south": connection_of(south)})
    # Relative to where ansible-playbook was started.
    words = _extra(publica_export_dir="new/exported", publica_export_delimiter="semicolon")

    planned = runner.playbook(EXPORT, inventory, arguments=[*words, "--check", "--diff"])

    planned.succeeded()
    assert planned.stdout.count("changed=1") == 2
    assert not (runner.directory / "new").exists()
    twice = runner.playbook([EXPORT, EXPORT], inventory, arguments=words).succeeded()
    directory = runner.directory / "new/exported"
    names = ["north.csv", "north.yml", "south.csv", "south.yml"]
    assert sorted(path.name for path in directory.iterdir()) == names
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in directory.iterdir())
    assert [task.result["changed"] for task in twice.of_module(MODULE)] == [True] * 2 + [False] * 2

    user = south.users()[0]
    south.change_user(user["id"], sessions_limit=77)
    third = runner.playbook(EXPORT, inventory, arguments=[*words, "--diff"]).succeeded()
    changed = {task.host: task.result["changed"] for task in third.of_module(MODULE)}
    assert changed == {"north": False, "south": True}
    assert "sessions_limit: 77" in third.stdout
    assert ";77;" in (directory / "south.csv").read_text(encoding="utf-8-sig")
    for one in (store, south):
        assert one.journal(writes=True) == []
        texts = [path.read_text(encoding="utf-8") for path in directory.iterdir()]
        assert not any(one.token in text or "imperson" in text for text in texts)


@pytest.mark.full
def test_failing_stores_and_missing_directories(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    """A store that refuses stops no other; without a directory, no request is sent."""
    south.generate_users(2)
    store.fault(403, times=None)
    with SandboxStore() as unused:
        hosts = {
            "north": {**connection_of(store), "publica_export_dir": "out"},
            "south": {**connection_of(south), "publica_export_dir": "out"},
            "undefined": connection_of(unused),
            "empty": {**connection_of(unused), "publica_export_dir": ""},
            "null": {**connection_of(unused), "publica_export_dir": None},
        }

        run = runner.playbook(EXPORT, write_hosts(runner, hosts)).failed()

        assert unused.journal() == []
    failed = {task.host: task for task in run.tasks if task.failed}
    assert failed.pop("north").code == "forbidden"
    assert set(failed) == {"undefined", "empty", "null"}
    assert all("publica_export_dir" in task.result["msg"] for task in failed.values())
    names = sorted(path.name for path in (runner.directory / "out").iterdir())
    assert names == ["south.csv", "south.yml"]


def test_every_option_in_a_task(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_user("ana@example.org", external_id="A", plans=[PLAN])
    store.add_user("ben@example.org", external_id="B", active=False)
    options = {
        "dir": "tables",
        "name": "readers",
        "formats": ["csv"],
        "status": "active",
        "delimiter": "tab",
        "on_incomplete": "warn",
    }

    run = modules.tasks([{"name": "export", f"publica.la.{MODULE}": options}], store).succeeded()

    assert run.named("export").result["summary"]["exported"] == 1
    [path] = (modules.directory / "tables").iterdir()
    header, row = path.read_text(encoding="utf-8-sig").splitlines()
    assert header.split("\t")[:2] == ["email", "external_id"]
    cells = ["ana@example.org", "A", "present", "unlimited", "12", "2031-12-31"]
    assert row.split("\t")[:6] == cells
