# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results: one shape whatever happened, counts, diffs, warnings; and no secret anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    Row,
    desired_users,
    users_of_entries,
)
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned, provision
from ansible_collections.publica.la.plugins.module_utils.result.result import (
    NAMED_FAILURES,
    NAMED_USERS,
    bulk_result,
    diff_of,
    failure_message,
    single_result,
)
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD, TOKEN, api_on
from ansible_collections.publica.la.tests.unit.support.reading import Reading
from ansible_collections.publica.la.tests.unit.support.records import Held, StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

ITEM_KEYS = {
    "email",
    "external_id",
    "id",
    "state",
    "listed",
    "actions",
    "changed",
    "failed",
    "error",
}
SUMMARY_KEYS = {
    "desired",
    "created",
    "updated",
    "reactivated",
    "deactivated",
    "unchanged",
    "protected",
    "failed",
}
FAILURE_KEYS = {"code", "message", "method", "path", "status", "fields"}
CHECK = pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])


def store() -> FakeStore:
    return FakeStore(
        StoredUser(1, "ana@example.org", "A", plans=[Held(3, "2027-01-31", "Silver")]),
        StoredUser(2, "ben@example.org", "B", deactivated=True),
        StoredUser(3, "cleo@example.org", "C", sessions_limit=2),
        StoredUser(4, "dan@example.org", "D"),
        StoredUser(5, "eve@example.org", "E"),
        reading=Reading(),
    )


ROWS: list[dict[str, Any]] = [
    {"email": "ana@example.org", "external_id": "A", "plan_id": 4, "plan_valid_to": "2027-01-31"},
    {"email": "ben@example.org", "external_id": "B", "state": "active", "admin": True},
    {"email": "cleo@example.org", "external_id": "C", "sessions_limit": 0,
     "password": PASSWORD, "update_password": "always", "force_logout": True},
    {"email": "dan@example.org", "external_id": "D", "state": "absent"},
    {"email": "eve@example.org", "external_id": "E"},
    {"email": "new@example.org", "external_id": "N", "password": PASSWORD, "plan_admin": True},
    {"email": "odd@example.org"},
]  # fmt: skip


def run(
    rows: list[dict[str, Any]], *, check: bool = False, on: FakeStore | None = None
) -> Provisioned:
    return provision(api_on(on or store(), read_only=check), desired_users(rows))


def bulk(provisioned: Provisioned, report: str = "all") -> dict[str, Any]:
    return bulk_result(
        provisioned, failed_users=[], report=report, requests_a_window=100, share=100
    )


@CHECK
class TestMany:
    def test_every_item_has_the_same_keys(self, check: bool) -> None:
        items = bulk(run(ROWS, check=check))["results"]
        assert [set(item) for item in items] == [ITEM_KEYS] * len(ROWS)
        assert [item["actions"] for item in items] == [
            ["assign_plan"],
            ["reactivate", "update"],
            ["update", "set_password", "force_logout"],
            ["deactivate"],
            [],
            ["create"],
            [],
        ]
        assert [item["failed"] for item in items] == [False] * 6 + [True]
        assert items[5]["id"] == (None if check else 6)
        assert set(items[6]["error"]) == FAILURE_KEYS
        assert items[6]["email"] == "odd@example.org"

    def test_the_summary_counts_each_fate(self, check: bool) -> None:
        result = bulk(run(ROWS, check=check))
        assert set(result["summary"]) == SUMMARY_KEYS
        assert result["summary"] == {
            "desired": 7,
            "created": 1,
            "updated": 3,
            "reactivated": 1,
            "deactivated": 1,
            "unchanged": 1,
            "protected": 0,
            "failed": 1,
        }

    def test_a_failed_item_hides_nothing_that_succeeded(self, check: bool) -> None:
        result = bulk(run(ROWS, check=check))
        assert result["changed"] is True
        assert result["failed"] is True
        assert result["msg"].startswith("1 of 7 users failed: #6 odd@example.org: ")
        assert set(result["failure"]) == FAILURE_KEYS
        assert list(result["failure"]["fields"]) == ["users[6]"]

    def test_a_failed_row_of_a_file_is_told_by_its_line(self, check: bool) -> None:
        rows = [Row("seats.csv:17", {"external_id": "unknown"})]
        api = api_on(FakeStore(), read_only=check)
        provisioned = provision(api, users_of_entries(rows))
        result = bulk(provisioned)
        assert list(result["failure"]["fields"]) == ["seats.csv:17"]
        assert "seats.csv:17 external_id unknown: " in result["msg"]

    @pytest.mark.parametrize(("report", "shown"), [("all", 7), ("changes", 6), ("summary", 0)])
    def test_reports(self, check: bool, report: str, shown: int) -> None:
        result = bulk(run(ROWS, check=check), report)
        assert len(result["results"]) == shown
        assert result["summary"]["desired"] == 7
        positions = [difference["result"] for difference in result["diff"]]
        changed = [place for place, user in enumerate(result["results"]) if user["changed"]]
        assert positions == changed
        assert len(positions) == (5 if shown else 0)

    def test_no_secret_is_anywhere(self, check: bool) -> None:
        provisioned = run(ROWS, check=check)
        told = json.dumps(bulk(provisioned)) + repr(provisioned)
        for secret in (PASSWORD, TOKEN, "impersonate"):
            assert secret not in told

    def test_the_plan_is_told(self, check: bool) -> None:
        provisioned = run(ROWS, check=check)
        assert bulk(provisioned)["plan"] == {
            "hash": provisioned.plan.hash,
            "requests": 7,
            "minutes": 0,
        }


def test_a_run_without_a_failure_says_nothing_of_one() -> None:
    result = bulk(run(ROWS[:6]))
    assert not {"failed", "msg", "failure"} & set(result)


def test_what_ended_the_run_is_the_failure() -> None:
    refusing = store()
    refusing.answer_instead("PUT", Reply(401))
    result = bulk(run(ROWS, on=refusing))
    assert result["failure"]["code"] == "unauthenticated"
    assert result["summary"]["failed"] == 6


def test_a_message_names_a_few_and_counts_the_rest() -> None:
    rows = [{"email": f"odd{number}@example.org"} for number in range(NAMED_FAILURES + 2)]
    message = bulk(run(rows))["msg"]
    assert message.count("odd") == 2 * NAMED_FAILURES
    assert message.endswith("; and 2 more, all of them in results")


def test_a_warning_is_told_once_for_everybody() -> None:
    count = NAMED_USERS + 3
    many = FakeStore(
        *(
            StoredUser(n, f"u{n}@example.org", f"x{n}", deactivated=True)
            for n in range(1, count + 1)
        )
    )
    rows = [{"email": f"u{n}@example.org", "external_id": f"x{n}"} for n in range(1, count + 1)]
    [line] = bulk(run(rows, on=many))["warnings"]
    assert line.startswith("u1@example.org, u2@example.org, ")
    assert "u10@example.org and 3 more: " in line
    assert "u11@example.org" not in line


DIFFS: list[Any] = [
    pytest.param(
        0,
        {"plans": ["plan 3 (Silver) until 2027-01-31"]},
        {"plans": ["plan 3 (Silver) until 2027-01-31", "plan 4 until 2027-01-31"]},
        id="assign_plan",
    ),
    pytest.param(1, {"active": False, "admin": False}, {"active": True, "admin": True},
                 id="reactivate and update"),
    pytest.param(
        2,
        {"sessions_limit": 2},
        {"sessions_limit": None, "password": "(set, not shown)", "sessions": "ended"},
        id="update, set_password and force_logout",
    ),
    pytest.param(3, {"active": True}, {"active": False}, id="deactivate"),
    pytest.param(
        5,
        {},
        {
            "email": "new@example.org",
            "external_id": "N",
            "active": True,
            "plan_admin": True,
            "password": "(set, not shown)",
        },
        id="create",
    ),
]  # fmt: skip


@CHECK
@pytest.mark.parametrize(("number", "before", "after"), DIFFS)
def test_a_diff_shows_what_changes_and_nothing_else(
    check: bool, number: int, before: dict[str, Any], after: dict[str, Any]
) -> None:
    applied = run(ROWS, check=check).applied[number]
    difference = diff_of(applied)
    assert difference is not None
    assert (difference["before"], difference["after"]) == (before, after)
    assert ("plans" in difference) == ("plans" in after)
    assert difference["after_header"].endswith(f"({', '.join(applied.actions)})")
    assert ("not at the store" in difference["before_header"]) == (number == 5)


def test_a_diff_has_plans_as_data() -> None:
    silver = {"plan_id": 3, "name": "Silver", "valid_to": "2027-01-31", "cancelled": False}
    assigned = {"plan_id": 4, "name": None, "valid_to": "2027-01-31", "cancelled": False}
    difference = diff_of(run(ROWS).applied[0])
    assert difference is not None
    assert difference["plans"] == {"before": [silver], "after": [silver, assigned]}


def test_without_a_change_there_is_no_diff() -> None:
    applied = run(ROWS).applied
    assert [diff_of(applied[number]) for number in (4, 6)] == [None, None]


def test_whoever_was_not_tried_is_counted_and_not_told_one_by_one() -> None:
    refusing = store()
    refusing.answer_instead("PUT", *[Reply(401, {"message": "Unauthenticated."})] * 9)
    applied = run(ROWS, on=refusing).applied
    message = failure_message(applied)
    assert message.count("api_token") == 1
    assert "were not tried" in message


class TestOne:
    @CHECK
    @pytest.mark.parametrize("number", range(6))
    def test_the_shape(self, check: bool, number: int) -> None:
        result = single_result(run([ROWS[number]], check=check).applied[0])
        keys = {"changed", "user", "actions", "warnings"}
        assert set(result) == (keys | {"diff"} if result["changed"] else keys)
        assert result["changed"] is bool(result["actions"])
        assert result["user"]["email"] == ROWS[number]["email"]
        assert PASSWORD not in json.dumps(result)

    def test_nobody_is_an_empty_user(self) -> None:
        result = single_result(run([{"email": "no@example.org", "state": "absent"}]).applied[0])
        assert (result["changed"], result["user"]) == (False, {})

    def test_a_failure_tells_what_was_done_before(self) -> None:
        refusing = store()
        refusing.answer_instead("PUT", Reply(422, {"errors": {"admin": ["no"]}}), path="/2")
        result = single_result(run([ROWS[1]], on=refusing).applied[0])
        assert result["failed"] is True
        assert result["changed"] is True
        assert result["actions"] == ["reactivate"]
        assert result["diff"]["after"] == {"active": True}
        assert result["failure"]["fields"] == {"admin": ["no"]}
        assert result["msg"] == result["failure"]["message"]
