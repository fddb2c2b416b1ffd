# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of publica_user_bulk, and users that fail."""

from __future__ import annotations

from typing import Any

from publica_sandbox.testing import SandboxStore

from support.in_process import ModuleRunner

GOOD: list[dict[str, Any]] = [
    {"email": f"reader{number}@example.org", "external_id": f"reader-{number}"}
    for number in range(6)
]
BAD: dict[str, Any] = {"email": "bad@example.org", "external_id": "bad", "plan_id": 999}


def _bulk(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "publica.la.publica_user_bulk": options, "ignore_errors": True}


def test_a_failure_hides_no_success(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_user(GOOD[1]["email"], external_id=GOOD[1]["external_id"])
    rows = [*GOOD[:3], BAD, *GOOD[3:]]

    run = modules.tasks([_bulk("some", users=rows, report="all")], store).succeeded()

    task = run.named("some")
    assert task.failed
    result = task.result
    assert result["changed"] is True
    assert result["summary"] == {
        "desired": 7,
        "created": 5,
        "updated": 0,
        "reactivated": 0,
        "deactivated": 0,
        "unchanged": 1,
        "unverified": 0,
        "protected": 0,
        "failed": 1,
    }
    assert [item["email"] for item in result["results"]] == [row["email"] for row in rows]
    (failed,) = (item for item in result["results"] if item["failed"])
    assert failed["email"] == BAD["email"]
    assert failed["error"]["code"] == "validation"
    assert failed["error"]["status"] == 422
    assert "assign_new_plan" in failed["error"]["fields"]
    assert result["failure"]["code"] == "users_failed"
    assert list(result["failure"]["fields"]) == ["users[3]"]
    assert BAD["email"] in result["msg"]
    assert {user["email"] for user in store.users()} == {row["email"] for row in GOOD}


def test_on_error_stop_begins_no_other_user(store: SandboxStore, modules: ModuleRunner) -> None:
    rows = [GOOD[0], BAD, *GOOD[1:]]
    tasks = [
        _bulk("stopped", users=rows, on_error="stop", concurrency=1, report="all"),
        # An error that is known before the first write: no write at all.
        _bulk("not begun", users=[*GOOD, {"external_id": "unknown"}], on_error="stop"),
    ]

    run = modules.tasks(tasks, store).succeeded()

    stopped, not_begun = run.named("stopped"), run.named("not begun")
    assert stopped.database.active() == {GOOD[0]["email"]}
    codes = [item["error"] and item["error"]["code"] for item in stopped.result["results"]]
    assert codes == [None, "validation", *["not_tried"] * 5]
    assert stopped.result["changed"] is True
    assert not_begun.failed
    assert not_begun.result["changed"] is False
    assert not_begun.database.writes_since(stopped.database) == []


def test_a_token_that_expires_ends_the_run(store: SandboxStore, modules: ModuleRunner) -> None:
    store.fault(401, endpoint="create", nth=3)

    run = modules.tasks([_bulk("expired", users=GOOD, concurrency=1, report="all")], store)

    result = run.succeeded().named("expired").result
    assert result["failure"]["code"] == "unauthenticated"
    assert result["changed"] is True
    assert (result["summary"]["created"], result["summary"]["failed"]) == (2, 4)
    assert len(store.journal(writes=True)) == 3


def test_which_users_are_reported(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users(GOOD[:4])
    tasks = [
        {**_bulk(report, users=GOOD, report=report), "check_mode": True}
        for report in ("changes", "all", "summary")
    ]

    run = modules.tasks(tasks, store).succeeded()

    reported = {task.name: [item["email"] for item in task.result["results"]] for task in run.tasks}
    assert reported == {
        "changes": [row["email"] for row in GOOD[4:]],
        "all": [row["email"] for row in GOOD],
        "summary": [],
    }
    assert {task.result["summary"]["created"] for task in run.tasks} == {2}
    assert len({task.result["plan"]["hash"] for task in run.tasks}) == 1
    assert {task.result["plan"]["requests"] for task in run.tasks} == {2}


def test_how_current_users_are_found(store: SandboxStore, modules: ModuleRunner) -> None:
    store.generate_users(250)
    known = [
        {"email": user["email"], "external_id": user["external_id"]} for user in store.users()[:3]
    ]
    start = modules.copy(store)
    lookups = [_bulk(lookup, users=known, lookup=lookup) for lookup in ("search", "list", "auto")]

    run = modules.tasks(lookups, store).succeeded()

    searched, listed, cheapest = (run.named(name) for name in ("search", "list", "auto"))
    by_search = searched.database.requests_since(start)
    by_list = listed.database.requests_since(searched.database)
    assert len(by_search) == len(known)
    assert all("query=" in row["query"] for row in by_search)
    assert len(by_list) == 3  # the newest come first, so these are on the last page
    assert not any("query=" in row["query"] for row in by_list)
    assert len(cheapest.database.requests_since(listed.database)) <= len(known) + 1
    assert not any(task.result["changed"] for task in run.of_module("publica_user_bulk"))
