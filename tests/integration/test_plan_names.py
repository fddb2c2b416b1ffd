# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans by name: in lists, files, defaults and exports, and ``publica_plan_info``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.in_process import ModuleRunner
from support.inventories import connection_of, write_hosts
from support.playbooks import PlaybookRunner

PROVISION, EXPORT = "publica.la.provision", "publica.la.export"
CAMPUS, LIBRARY_CARD = 11, 12
TABLE = """\
Email;External ID;Plan name;Plan ID;Plan valid to
ana@example.org;A;library CARD;;2031-12-31
ben@example.org;B;;11;
carla@example.org;C;;;
"""


def keys(name: str, **options: Any) -> dict[str, Any]:
    return {"email": f"{name}@example.org", "external_id": name[0].upper(), **options}


def held(store: SandboxStore) -> dict[str, list[int]]:
    """The ids of each user's plans, by the first part of the address."""
    return {
        user["email"].partition("@")[0]: [plan["plan_id"] for plan in store.plans_of(user["id"])]
        for user in store.users()
    }


def plan_requests(store: SandboxStore) -> list[str]:
    return [row["query"] for row in store.journal() if row["endpoint"] == "plans"]


def test_names_in_a_list_a_file_and_the_defaults(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    for number in range(150):
        store.add_plan(f"Another plan {number}")
    fairs = store.add_plan("Lançamento / Fairs")
    table = runner.write("seats.csv", TABLE)
    variables = {
        "publica_users_src": str(table),
        "publica_users_defaults": {"plan_name": "Lanc\u0327amento  /  FAIRS"},
        "publica_users_desired": [
            keys("diego", plan_name="Campus"),
            keys("elena", plan_id=LIBRARY_CARD),
            keys("farid", state="absent", plan_name="no such plan"),
        ],
    }
    inventory = write_hosts(runner, {"press": {**connection_of(store), **variables}})

    planned = runner.playbook(PROVISION, inventory, arguments=["--check", "--diff"]).succeeded()
    assert held(store) == {}
    # The list has two pages, and possibly a third to see that they were the last; read once.
    assert len(plan_requests(store)) in (2, 3)
    store.clear_journal()
    first = runner.playbook(PROVISION, inventory).succeeded()

    assert held(store) == {
        "ana": [LIBRARY_CARD],
        "ben": [CAMPUS],
        "carla": [fairs],
        "diego": [CAMPUS],
        "elena": [LIBRARY_CARD],
    }
    tasks = [*planned.of_module("publica_user_bulk"), *first.of_module("publica_user_bulk")]
    assert len({task.result["plan"]["hash"] for task in tasks}) == 1
    assert f"plan {fairs}" in planned.stdout
    assert f"plan {CAMPUS} (Campus)" in planned.stdout
    assert len(plan_requests(store)) in (2, 3)
    store.clear_journal()
    (task,) = runner.playbook(PROVISION, inventory).succeeded().of_module("publica_user_bulk")
    assert (task.result["changed"], task.result["summary"]["unchanged"]) == (False, 6)
    assert store.journal(writes=True) == []


def test_bad_names_are_errors_before_any_write(store: SandboxStore, modules: ModuleRunner) -> None:
    store.generate_users(5)
    store.add_plan("campus ", id=40)
    (modules.directory / "seats.csv").write_text(TABLE, encoding="utf-8")
    before = (store.users(), store.sql("SELECT * FROM user_plans"))
    rows = [
        keys("diego"),
        keys("elena", plan_name="Libary card"),
        keys("farid", plan_name="CAMPUS"),
        keys("greta", plan_name="Staff"),
    ]
    names = {"users": rows, "src": "seats.csv", "defaults": {"plan_name": "zzz"}}
    tasks = [
        {"name": name, "publica.la.publica_user_bulk": options, "check_mode": check,
         "ignore_errors": True}
        for name, options, check in (
            ("list and file", names, False),
            ("dry run", names, True),
            ("two plans", {"users": [keys("ana", plan_name="Staff", plan_id=13)]}, False),
        )
    ]  # fmt: skip
    one = {"publica.la.publica_user": keys("ana", plan_name="Stafff"), "ignore_errors": True}

    run = modules.tasks([*tasks, {"name": "one", **one}], store).succeeded()

    for name in ("list and file", "dry run"):
        failure = run.named(name).result["failure"]
        assert failure["code"] == "invalid_input"
        assert {place: text for place, [text] in failure["fields"].items()} == {
            "users[0].plan_name": "'zzz' is not the name of a plan of the store; it has 'Campus' "
            "(11), 'campus ' (40), 'Library card' (12), 'Staff' (13)",
            "users[1].plan_name": "'Libary card' is not the name of a plan of the store; did you "
            "mean 'Library card' (12)?",
            "users[2].plan_name": "'CAMPUS' is the name of 2 plans of the store; give plan_id "
            "instead, one of 11, 40",
            "seats.csv:4.plan_name": "'zzz' is not the name of a plan of the store; it has "
            "'Campus' (11), 'campus ' (40), 'Library card' (12), 'Staff' (13)",
        }
        assert "Nothing was changed." in run.named(name).result["msg"]
    two = run.named("two plans").result
    assert list(two["failure"]["fields"]) == ["users[0].plan_name"]
    assert two["api"]["requests"] == 0
    alone = run.named("one").result["failure"]["fields"]
    assert "did you mean 'Staff' (13)?" in alone["plan_name"][0]
    # Only lists of plans were read: not even the users.
    assert {row["endpoint"] for row in store.journal()} == {"plans"}
    assert len(store.journal()) <= 2 * 3
    assert (store.users(), store.sql("SELECT * FROM user_plans")) == before


def test_only_users_who_are_compared_need_the_list_of_plans(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    bulk = "publica.la.publica_user_bulk"
    first = [keys("ana", plan_name="Campus"), keys("ben", plan_name="Library card")]
    respelled = [keys("ana", plan_name=" CAMPUS"), keys("ben", plan_name="library  card")]
    moved = [respelled[0], keys("ben", plan_name="Staff")]
    wrong = [keys("ana", plan_name="Campsu"), moved[1]]
    steps = {"first": first, "respelled": respelled, "moved": moved, "wrong": wrong}
    tasks = [
        {
            "name": name,
            bulk: {"users": rows, "last_applied": "record.json"},
            "ignore_errors": True,
        }
        for name, rows in steps.items()
    ]
    start = modules.copy(store)

    run = modules.tasks(tasks, store).succeeded()

    states = [start, *(task.database for task in run.tasks)]
    read = {
        task.name: any(row["endpoint"] == "plans" for row in after.requests_since(before))
        for task, before, after in zip(run.tasks, states, states[1:], strict=False)
    }
    assert read == {"first": True, "respelled": False, "moved": True, "wrong": True}
    unverified = {name: run.named(name).result["summary"]["unverified"] for name in [*steps][:3]}
    assert unverified == {"first": 0, "respelled": 2, "moved": 1}
    assert run.named("wrong").code == "invalid_input"
    assert held(store) == {"ana": [CAMPUS], "ben": [LIBRARY_CARD, 13]}


@pytest.mark.parametrize("plans_list", ["paginator", "list", "not_found", "forbidden", "empty"])
def test_every_form_of_the_list(
    plans_list: str, store: SandboxStore, modules: ModuleRunner
) -> None:
    store.configure(plans_list=plans_list, per_page_max=2)
    store.add_plan("Staff of partners", type="recurring", private=True, concurrency_limit=3, id=20)
    by_id = keys("ana", plan_id=LIBRARY_CARD)
    info = "publica.la.publica_plan_info"
    tasks: list[dict[str, Any]] = [
        {"name": "by id", "publica.la.publica_user_bulk": {"users": [by_id]}},
        {"name": "by name", "publica.la.publica_user": keys("ben", plan_name="campus")},
        {"name": "by name, bulk", "publica.la.publica_user_bulk": {
            "users": [keys("carla", plan_name="STAFF")]}},
        {"name": "all", info: {}},
        {"name": "id", info: {"id": 20}},
        {"name": "name", info: {"name": "library card"}},
        {"name": "query", info: {"query": "STAFF"}},
        {"name": "none", info: {"query": "press"}},
    ]  # fmt: skip

    run = modules.tasks([{**task, "ignore_errors": True} for task in tasks], store).succeeded()

    assert run.named("by id").result["changed"] is True
    found = {
        task.name: [plan["id"] for plan in task.result["plans"]] if not task.failed else task.code
        for task in run.of_module("publica_plan_info")
    }
    if plans_list in ("not_found", "forbidden", "empty"):
        expected: Any = [] if plans_list == "empty" else "no_plan_list"
        assert set(map(str, found.values())) == {str(expected)}
        for name in ("by name", "by name, bulk"):
            assert "give plan_id" in run.named(name).result["msg"]
        assert held(store) == {"ana": [LIBRARY_CARD]}
        return
    assert {name: sorted(ids) for name, ids in found.items()} == {
        "all": [11, 12, 13, 20],
        "id": [20],
        "name": [12],
        "query": [13, 20],
        "none": [],
    }
    assert run.named("id").result["plans"] == [
        {"id": 20, "name": "Staff of partners", "type": "recurring", "duration_months": None,
         "private": True, "concurrency_limit": 3}
    ]  # fmt: skip
    assert held(store) == {"ana": [LIBRARY_CARD], "ben": [CAMPUS], "carla": [13]}


@pytest.mark.full
def test_an_export_with_names_provisions_back_without_a_change(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    plans = {
        name: store.add_plan(name)
        for name in ("{{ lookup('pipe', 'true') }}", "=cmd()", 'a;b,"c"', "Gold", "2031", "#REF!")
    }
    plans["gold"] = store.add_plan("gold")
    plans["hidden"] = store.add_plan("Hidden", listed=False)
    for number, plan_id in enumerate([LIBRARY_CARD, *plans.values()]):
        user = {"email": f"user{number}@example.org", "external_id": str(number)}
        store.add_user(**user, plans=[{"plan_id": plan_id, "valid_to": "2031-12-31"}])
    before = (store.users(), store.sql("SELECT * FROM user_plans"))
    inventory = write_hosts(runner, {"press": connection_of(store)})
    directory = runner.directory / "exported"
    words = {"publica_export_dir": str(directory), "publica_export_plans": "names"}

    exported = runner.playbook(
        [EXPORT, EXPORT], inventory, arguments=["--extra-vars", json.dumps(words)]
    ).succeeded()

    first, second = exported.of_module("publica_export")
    assert (first.result["changed"], second.result["changed"]) == (True, False)
    (note,) = first.result["notes"]
    assert len(note["users"]) == 5  # a formula, both Gold, an error value and a hidden plan
    assert _plan_cells(directory / "press.csv") == [
        "plan_id", "", "", str(plans["=cmd()"]), "", str(plans["Gold"]), "",
        *(str(plans[name]) for name in ("#REF!", "gold", "hidden")),
    ]  # fmt: skip
    sources = {
        name: {**connection_of(store), "publica_users_src": str(directory / name)}
        for name in ("press.yml", "press.csv")
    }
    store.clear_journal()
    run = runner.playbook(PROVISION, write_hosts(runner, sources)).succeeded()
    for task in run.of_module("publica_user_bulk"):
        assert task.result["summary"]["unchanged"] == len(before[0]), task.result["results"]
    assert store.journal(writes=True) == []
    assert (store.users(), store.sql("SELECT * FROM user_plans")) == before


def _plan_cells(table: Path) -> list[str]:
    """The column ``plan_id``; no value before it holds a comma."""
    lines = table.read_text(encoding="utf-8-sig").splitlines()
    return [line.split(",")[4] for line in lines]
