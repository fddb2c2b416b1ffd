# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out what a guard leaves of a plan, and the result of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    RemovalPolicy,
    read_limit,
)
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned, provision
from ansible_collections.publica.la.plugins.module_utils.result.result import bulk_result
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.reading import FULL, Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

KEYS = [{"email": f"user{n}@example.org", "external_id": f"ext-{n}"} for n in range(1, 7)]
# User 1 changes, user 2 fails in the plan, user 3 stays; 4 and 5 are in no list.
ROWS: list[dict[str, Any]] = [
    {**KEYS[0], "admin": True},
    {"email": "user2@example.org", "external_id": "ext-3"},
    {"id": 3},
]


def store_of(count: int = 5, **reading: Any) -> FakeStore:
    users = (StoredUser(n, f"user{n}@example.org", f"ext-{n}") for n in range(1, count + 1))
    return FakeStore(*users, reading=Reading(**reading))


def run(
    store: FakeStore,
    rows: list[dict[str, Any]],
    limit: str = "0",
    *,
    check: bool = False,
    **policy: Any,
) -> Provisioned:
    rules = RemovalPolicy(exclusive=True, limit=read_limit(limit), **policy)
    return provision(api_on(store, read_only=check), desired_users(rows), policy=rules)


def told(provisioned: Provisioned) -> dict[str, Any]:
    return bulk_result(provisioned, failed_users=[], report="all", requests_a_window=100, share=100)


def active(store: FakeStore) -> list[int]:
    return [user.id for user in store.users.values() if not user.deactivated]


def codes(result: dict[str, Any]) -> list[str | None]:
    return [item["error"] and item["error"]["code"] for item in result["results"]]


def test_a_refused_plan_is_told_and_nothing_of_it_done() -> None:
    store = store_of()
    result = told(run(store, ROWS))
    assert store.writes == []
    assert result["changed"] is False
    assert result["failure"]["code"] == result["guard"]["code"] == "too_many_deactivations"
    assert result["msg"] == result["failure"]["message"]
    assert result["msg"].startswith("Nothing was changed. 2 users are not in the list")
    # Whoever has nothing to be done is as desired, and a conflict stays a conflict.
    assert codes(result) == ["not_tried", "identity_conflict", None, "not_tried", "not_tried"]
    assert "too_many_deactivations" in result["results"][0]["error"]["message"]
    # All are told as the store has them, if they are known there.
    assert [item["id"] for item in result["results"]] == [1, None, 3, 4, 5]
    assert result["results"][2]["email"] == "user3@example.org"
    assert result["plan"]["requests"] == 3
    assert [(entry["before_header"], entry["result"]) for entry in result["diff"]] == [
        ("user1@example.org", 0),
        ("user4@example.org", 3),
        ("user5@example.org", 4),
    ]
    assert [item["listed"] for item in result["results"]] == [True] * 3 + [False] * 2
    assert result["guard"]["warning"] is None
    assert result["summary"]["deactivated"] == 0


def test_with_skip_all_but_the_removals_is_done() -> None:
    store = store_of()
    result = told(run(store, ROWS[:1], on_guard="skip"))
    assert [call.line for call in store.writes] == ["PUT /integration-api/v1/dashboard/users/1"]
    assert "failed" not in result
    assert len(result["results"]) == 1
    [warning] = result["warnings"]
    assert "4 deactivations" in warning
    assert "(on_guard: skip, too_many_deactivations)" in warning
    assert result["guard"]["deactivations"] == 4
    assert result["guard"]["warning"] == warning


@pytest.mark.parametrize(
    ("on_guard", "says"),
    [
        ("fail", "A run would refuse this plan and change nothing"),
        ("skip", "A run would skip 4 deactivations"),
    ],
)
def test_a_dry_run_shows_the_whole_plan_and_what_would_be_refused(on_guard: str, says: str) -> None:
    store = store_of()
    result = told(run(store, ROWS[:1], check=True, on_guard=on_guard))
    assert store.writes == []
    assert "failed" not in result
    assert result["changed"] is True
    assert result["summary"]["deactivated"] == 4
    [warning] = result["warnings"]
    assert warning.startswith(says)
    assert result["guard"]["warning"] == warning
    assert f"approve: '{result['plan']['hash']}'" in warning


def test_an_approved_plan_is_carried_out_as_it_was_foretold() -> None:
    store = store_of()
    dry_run = told(run(store, ROWS[:1], check=True))
    done = told(run(store, ROWS[:1], approve=dry_run["plan"]["hash"]))
    assert done["guard"] is None
    assert done["warnings"] == []
    assert active(store) == [1]
    for key in ("plan", "summary", "diff"):
        assert done[key] == dry_run[key]
    again = told(run(store, ROWS[:1], approve=dry_run["plan"]["hash"]))
    assert (again["changed"], again["guard"]) == (False, None)


def test_removals_are_told_beside_the_input() -> None:
    store = store_of()
    store.users[5].admin = True
    result = told(run(store, ROWS, "100%"))
    assert active(store) == [1, 2, 3, 5]
    assert result["summary"] == {
        "desired": 3,
        "created": 0,
        "updated": 1,
        "reactivated": 0,
        "deactivated": 1,
        "unchanged": 1,
        "protected": 1,
        "failed": 1,
    }
    last = result["results"][-1]
    assert (last["email"], last["state"], last["actions"]) == (
        "user4@example.org",
        "absent",
        ["deactivate"],
    )
    assert result["diff"][-1]["after_header"] == "user4@example.org (deactivate: not in the list)"


def test_a_removal_that_fails_is_told_apart_from_the_input() -> None:
    store = store_of()
    store.answer_instead("DELETE", Reply(400, {}), path="/5")
    result = told(run(store, [{"id": number} for number in (1, 2, 3)], "100%"))
    assert active(store) == [1, 2, 3, 5]
    assert list(result["failure"]["fields"]) == ["not_listed[1]"]
    assert "1 of 5 users failed: user5@example.org (not in the list): " in result["msg"]
    assert [item["listed"] for item in result["results"]] == [True] * 3 + [False] * 2


def test_with_hidden_external_ids_nobody_is_removed_who_may_be_a_listed_user() -> None:
    # User 5 has a new address; the store does not tell that the external id is the same.
    store = store_of(returns_external_id=False)
    rows = [*KEYS[:3], {"email": "new@example.org", "external_id": "ext-5"}]
    dry_run = told(run(store, rows, "100%", check=True))
    assert dry_run["summary"]["deactivated"] == 2
    result = told(run(store, rows, "100%"))
    assert active(store) == [1, 2, 3, 4, 5]
    assert codes(result)[3:] == ["validation", "not_tried", "not_tried"]
    assert "new@example.org" in result["results"][-1]["error"]["message"]
    assert [call.method for call in store.writes] == ["POST"]


@pytest.mark.parametrize("check", [False, True])
def test_with_hidden_external_ids_a_user_without_another_key_may_be_anybody(check: bool) -> None:
    store = store_of(returns_external_id=False)
    provisioned = run(store, [*KEYS[:3], {"external_id": "ext-5"}], "100%", check=check)
    result = told(provisioned)
    assert codes(result)[3:] == ["incomplete", "not_tried", "not_tried"]
    assert [user.user and user.user.id for user in provisioned.applied[3:]] == [None, 4, 5]
    assert store.writes == []


def test_with_hidden_external_ids_whoever_is_created_holds_nothing_up() -> None:
    store = store_of(returns_external_id=False)
    result = told(run(store, [*KEYS[:3], KEYS[5]], "100%"))
    assert "failed" not in result
    assert active(store) == [1, 2, 3, 6]


def test_a_list_that_the_store_shortens_is_refused() -> None:
    store = store_of(250, paginator=FULL)
    left: list[int] = []

    def leave(call: Any) -> None:
        if call.query.get("page") == "2" and not left:
            left.append(1)
            store.users[1].deactivated = True

    store.before_answer = leave
    result = told(run(store, [{"id": number} for number in range(1, 249)], "100%"))
    assert result["failure"]["code"] == "incomplete_listing"
    assert store.writes == []
