# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results: one shape in every case, counts, diffs, warnings, failed users; no secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import (
    USER_OPTIONS,
    DesiredUser,
)
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    Row,
    users_of_entries,
)
from ansible_collections.publica.la.plugins.module_utils.plan.model import UserChange
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned, provision
from ansible_collections.publica.la.plugins.module_utils.result.diff import (
    diff_of,
)
from ansible_collections.publica.la.plugins.module_utils.result.messages import (
    NAMED_FAILURES,
    NAMED_USERS,
    failure_message,
)
from ansible_collections.publica.la.plugins.module_utils.result.result import (
    escape_control,
    escaped_result,
    failed_users,
    single_result,
)
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    TOKEN,
    api_on,
    bulk,
    desired_users,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    FakeStore,
    Held,
    Reply,
    StoredUser,
)
from hypothesis import given
from hypothesis import strategies as st

ITEM_KEYS = {
    *("email", "external_id", "id", "state", "listed", "actions", "changed", "failed", "error")
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


@CHECK
class TestManyUsers:
    def test_the_items(self, check: bool) -> None:
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

    def test_the_summary_the_failure_and_the_plan(self, check: bool) -> None:
        provisioned = run(ROWS, check=check)
        result = bulk(provisioned)
        assert result["summary"] == {
            "desired": 7,
            "created": 1,
            "updated": 3,
            "reactivated": 1,
            "deactivated": 1,
            "unchanged": 1,
            "unverified": 0,
            "protected": 0,
            "failed": 1,
        }
        assert (result["changed"], result["failed"]) == (True, True)
        assert "#6 odd@example.org: " in result["msg"]
        assert set(result["failure"]) == FAILURE_KEYS
        assert list(result["failure"]["fields"]) == ["users[6]"]
        assert result["plan"] == {
            "hash": provisioned.plan.hash,
            **{"requests": 7, "minutes": 0, "total_requests": 10, "total_minutes": 1},
        }
        for secret in (PASSWORD, TOKEN, "impersonate"):
            assert secret not in json.dumps(result) + repr(provisioned)

    def test_a_failed_row_of_a_file_is_named_by_its_line(self, check: bool) -> None:
        rows = [Row("seats.csv:17", {"external_id": "unknown"})]
        result = bulk(provision(api_on(FakeStore(), read_only=check), users_of_entries(rows)))
        assert list(result["failure"]["fields"]) == ["seats.csv:17"]
        assert "seats.csv:17 external_id unknown: " in result["msg"]

    @pytest.mark.parametrize(("report", "shown"), [("all", 7), ("changes", 6), ("summary", 0)])
    def test_reports(self, check: bool, report: str, shown: int) -> None:
        result = bulk(run(ROWS, check=check), report)
        assert len(result["results"]) == shown
        assert result["summary"]["desired"] == 7
        assert len(result["diff"]) == (5 if shown else 0)


class TestFailures:
    def test_a_run_without_a_failure_has_no_failure_keys(self) -> None:
        assert not {"failed", "failure"} & set(bulk(run(ROWS[:6])))

    def test_the_error_that_ended_the_run_is_the_failure(self) -> None:
        refusing = store()
        refusing.answer_instead("PUT", Reply(401, {"message": "Unauthenticated."}))
        provisioned = run(ROWS, on=refusing)
        result = bulk(provisioned)
        assert result["failure"]["code"] == "unauthenticated"
        assert result["summary"]["failed"] == 6
        # Users who were not tried are counted and not named individually.
        message = failure_message(provisioned.applied)
        assert message.count("api_token") == 1
        assert "4 not tried" in message

    def test_a_message_names_some_users_and_counts_the_others(self) -> None:
        rows = [{"email": f"odd{number}@example.org"} for number in range(NAMED_FAILURES + 2)]
        message = bulk(run(rows))["msg"]
        named = [number for number in range(len(rows)) if f"odd{number}@" in message]
        assert named == list(range(NAMED_FAILURES))
        assert "2 more" in message

    def test_a_warning_about_many_users_is_one_line(self) -> None:
        numbers = range(1, NAMED_USERS + 4)
        many = FakeStore(
            *(StoredUser(n, f"u{n}@example.org", f"x{n}", deactivated=True) for n in numbers)
        )
        rows = [{"email": f"u{n}@example.org", "external_id": f"x{n}"} for n in numbers]
        [line] = bulk(run(rows, on=many))["warnings"]
        assert line.startswith("u1@example.org, u2@example.org, ")
        assert "u10@example.org and 3 more: " in line
        assert "u11@example.org" not in line


@CHECK
@pytest.mark.parametrize(
    ("number", "before", "after"),
    [
        pytest.param(
            0,
            {"plans": ["plan 3 (Silver) until 2027-01-31"]},
            {"plans": ["plan 3 (Silver) until 2027-01-31", "plan 4 until 2027-01-31"]},
            id="assign_plan",
        ),
        pytest.param(
            1,
            {"active": False, "admin": False},
            {"active": True, "admin": True},
            id="reactivate and update",
        ),
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
    ],
)
def test_a_diff_shows_only_what_changes(
    check: bool, number: int, before: dict[str, Any], after: dict[str, Any]
) -> None:
    applied = run(ROWS, check=check).applied[number]
    difference = diff_of(applied)
    assert difference is not None
    assert (difference["before"], difference["after"]) == (before, after)
    assert difference["after_header"].endswith(f"({', '.join(applied.actions)})")
    assert ("not at the store" in difference["before_header"]) == (number == 5)


def test_there_is_no_diff_without_a_change() -> None:
    applied = run(ROWS).applied
    assert [diff_of(applied[number]) for number in (4, 6)] == [None, None]


class TestOneUser:
    @CHECK
    @pytest.mark.parametrize("number", range(6))
    def test_the_keys(self, check: bool, number: int) -> None:
        result = single_result(run([ROWS[number]], check=check).applied[0])
        keys = {"changed", "user", "actions", "warnings"}
        assert set(result) == (keys | {"diff"} if result["changed"] else keys)
        assert result["changed"] is bool(result["actions"])
        assert result["user"]["email"] == ROWS[number]["email"]
        assert PASSWORD not in json.dumps(result)

    def test_an_absent_user_who_does_not_exist_is_an_empty_user(self) -> None:
        result = single_result(run([{"email": "no@example.org", "state": "absent"}]).applied[0])
        assert (result["changed"], result["user"]) == (False, {})

    def test_a_failure_has_what_was_done_before_it(self) -> None:
        refusing = store()
        refusing.answer_instead("PUT", Reply(422, {"errors": {"admin": ["no"]}}), path="/2")
        [applied] = run([ROWS[1]], on=refusing).applied
        assert applied.user is not None
        assert (applied.user.active, applied.user.admin) == (True, False)
        result = single_result(applied)
        assert (result["failed"], result["changed"]) == (True, True)
        assert result["actions"] == ["reactivate"]
        assert result["diff"]["after"] == {"active": True}
        assert result["failure"]["fields"] == {"admin": ["no"]}
        assert result["msg"] == result["failure"]["message"]


OMIT = "__omit_place_holder__0123456789abcdef"
VALUES = {
    "email": st.just("ana@example.org"),
    "external_id": st.just("A"),
    "state": st.sampled_from(["present", "active", "absent"]),
    "update_password": st.sampled_from(["on_create", "always"]),
    "generate_password": st.booleans(),
    "sessions_limit": st.integers(0, 3),
    "plan_id": st.integers(1, 3),
    "plan_name": st.sampled_from(["Campus", "Library card"]),
    "plan_valid_to": st.just("2031-12-31"),
    "user_plan_name": st.just("Staff"),
    "admin": st.booleans(),
    "plan_admin": st.booleans(),
    "only_sees_readable": st.booleans(),
    "force_logout": st.booleans(),
}
# A row has a plan, by id or by name; the defaults have neither, or one of the two.
PLANS = ("plan_id", "plan_name")


def options_with(plan: str, *required: str) -> st.SearchStrategy[dict[str, Any]]:
    """Options of a user with the required ones, and without the other option for a plan."""
    others = {*VALUES} - {*required, *PLANS, "email", "external_id"}
    return st.fixed_dictionaries(
        {name: VALUES[name] for name in required},
        optional={name: VALUES[name] for name in VALUES if name in {*others, plan} - {*required}},
    )


class TestFailedUsers:
    """The failed users as input for another run."""

    @staticmethod
    def failed(
        users: list[DesiredUser],
        rows: list[dict[str, Any]],
        defaults: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        error = PublicaError("validation", "no")
        changes = [UserChange(number, user) for number, user in enumerate(users)]
        applied = [AppliedUser(change, None, error=error) for change in changes]
        return failed_users(applied, rows, defaults or {})

    def test_items_are_returned_as_given_without_their_passwords(self) -> None:
        rows: list[dict[str, Any]] = [
            {"email": "Ana@Example.org", "external_id": "A", "password": PASSWORD},
            {"external_id": 7, "new_password": PASSWORD, "assign_new_plan": "12", "admin": "yes"},
            {"id": 5, "state": "absent", "sessions_limit": None, "plan_id": OMIT},
        ]
        assert self.failed(desired_users(rows), rows) == [
            {"email": "Ana@Example.org", "external_id": "A"},
            {"external_id": 7, "assign_new_plan": "12", "admin": "yes"},
            {"id": 5, "state": "absent"},
        ]

    def test_only_listed_users_with_an_error_are_returned(self) -> None:
        rows = [{"id": 1}, {"id": 2}]
        changes = [UserChange(number, user) for number, user in enumerate(desired_users(rows))]
        error = PublicaError("not_tried", "later")
        applied = [
            AppliedUser(changes[0], None),
            AppliedUser(changes[1], None, error=error),
            AppliedUser(UserChange(2, DesiredUser(id=3), listed=False), None, error=error),
        ]
        assert failed_users(applied, rows, {}) == [{"id": 2}]

    def test_the_generated_rows_cover_all_options(self) -> None:
        assert {option.name for option in USER_OPTIONS} - {"id", "password"} == set(VALUES)

    @given(
        st.sampled_from(PLANS).flatmap(lambda plan: options_with(plan, "email", plan)),
        st.sampled_from(PLANS).flatmap(options_with),
    )
    def test_a_row_of_a_file_has_the_same_meaning_as_input(
        self, row: dict[str, Any], defaults: dict[str, Any]
    ) -> None:
        users = desired_users([row], defaults)
        resolved = [user if user.plan_id else replace(user, plan_id=7) for user in users]
        for applied in (users, resolved):
            [again] = self.failed(applied, [], defaults)
            assert desired_users([again], defaults) == users
            assert set(again) <= {*row, *defaults}

    @pytest.mark.parametrize("secret", ["password", "new_password"])
    def test_a_password_of_a_file_or_of_the_defaults_is_left_out(self, secret: str) -> None:
        defaults = {secret: PASSWORD}
        [user] = desired_users([{"email": "ana@example.org"}], defaults)
        assert user.password == PASSWORD
        assert self.failed([user], [], defaults) == [{"email": "ana@example.org"}]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[2J", id="escape"),
        pytest.param("a\nb", id="line feed"),
        pytest.param("a\rb", id="carriage return"),
        pytest.param("\x9b31m", id="one-byte control sequence"),
        pytest.param("a\u2028b", id="line separator"),
        pytest.param("\u202egro.elpmaxe", id="change of direction"),
        pytest.param("\u2066a\u2069", id="isolate"),
        pytest.param("ana\u200b@example.org", id="zero width"),
        pytest.param("\ufeffana", id="byte order mark"),
        pytest.param("\ud83d", id="lone surrogate"),
        pytest.param("\U000e0041", id="tag"),
    ],
)
def test_unprintable_characters_are_escaped(text: str) -> None:
    shown = escape_control(text)
    assert shown.isprintable()
    # By their codes, so that different texts stay different.
    assert shown.encode("ascii").decode("unicode_escape") == text
    assert escape_control(shown) == shown


@pytest.mark.parametrize(
    "text", ["", "ana@example.org", "Jos\u00e9 \u674e", "a\\x1b", "{{ 7 * 7 }}"]
)
def test_printable_text_is_not_changed(text: str) -> None:
    assert escape_control(text) is text


def test_text_for_people_is_escaped_in_a_result_and_data_is_not() -> None:
    raw, shown = "ana\x1b[31m", r"ana\x1b[31m"
    data = {"users": [{"email": raw}], "user": {"email": raw}, "changed": True, "failed": True}

    def result(text: str) -> dict[str, Any]:
        return {
            **data,
            "msg": text,
            "failure": {"code": "x", "message": text, "fields": {text: [text]}, "status": 422},
            "guard": {"code": "x", "message": text, "limit": 1},
            "warnings": [text],
            "diff": [{"before_header": text, "after": {"email": text, "admin": True, "p": [text]}}],
            "results": [{"email": raw, "error": None}, {"email": raw, "error": {"message": text}}],
        }

    assert escaped_result(result(raw)) == result(shown)
