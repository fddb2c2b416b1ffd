# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows to desired users, and the message that reports all errors of all rows at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import (
    InvalidInputError,
    ValidationError,
    out_of_range,
)
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    Row,
    desired_user,
    users_of_entries,
)
from ansible_collections.publica.la.plugins.module_utils.result.result import escaped_result
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD, desired_users
from ansible_collections.publica.la.tests.unit.support.work import calls_in

ANA: dict[str, Any] = {"email": "ana@example.org", "external_id": "A"}
BEN: dict[str, Any] = {"email": "ben@example.org", "external_id": "B"}
OMIT = "__omit_place_holder__5f2e"


def refused(rows: list[Any], defaults: dict[str, Any] | None = None) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as error:
        desired_users(rows, defaults)
    assert error.value.code == "invalid_input"
    return error.value


class TestMessage:
    def test_several_errors(self) -> None:
        rows = [{"email": "x"}, ANA, "ben@example.org", {**BEN, "state": "gone"}, {"admin": True}]
        error = refused(rows, {"sessions_limit": "many"})
        assert error.message == (
            "5 validation errors. No request was sent.\n"
            "defaults.sessions_limit: 'many' is not a whole number; use 0 to 999999\n"
            "users[0].email: 'x' is not a valid email address; use the form name@example.org\n"
            "users[2]: must be a mapping of options to values, not text\n"
            "users[3].state (ben@example.org): 'gone' is not valid; use one of present, active, "
            "absent\n"
            "users[4].email: missing; give email, external_id or id"
        )
        assert list(error.fields) == [
            "defaults.sessions_limit",
            "users[0].email",
            "users[2]",
            "users[3].state",
            "users[4].email",
        ]

    def test_same_error_in_many_rows_is_one_line(self) -> None:
        rows = [{"id": number, "plan_id": "x"} for number in range(1, 2001)]
        assert refused([{"email": "x"}, *rows]).message == (
            "2,001 validation errors. No request was sent.\n"
            "users[0].email: 'x' is not a valid email address; use the form name@example.org\n"
            "users[1].plan_id (1), users[2].plan_id (2), users[3].plan_id (3), "
            "users[4].plan_id (4), users[5].plan_id (5) and 1,995 more: 'x' is not a whole "
            "number; use 1 or more"
        )

    def test_only_the_first_lines_are_shown(self) -> None:
        error = refused([{"email": f"bad{number}"} for number in range(20_000)])
        head, *lines, last = error.message.split("\n")
        assert head == "20,000 validation errors. No request was sent."
        assert [line.split(":")[0] for line in lines] == [f"users[{n}].email" for n in range(20)]
        assert last == "19,980 more validation errors; failure.fields holds the first 100 places"
        assert list(error.fields) == [f"users[{n}].email" for n in range(100)]
        assert len(json.dumps(error.as_failure())) < 15_000

    def test_work_grows_linearly_with_the_bad_rows(self) -> None:
        def calls(count: int) -> int:
            rows = [{"email": f"bad{n}", "plan": n, "id": n % 9, "admin": 3} for n in range(count)]
            return calls_in(lambda: refused(rows))[0]

        assert calls(4_000) < 2.2 * calls(2_000)

    def test_path_is_in_the_head(self) -> None:
        error = InvalidInputError(
            [ValidationError("seats.csv:2", "", "bad; fix it")], "/a/seats.csv"
        )
        assert error.message == (
            "1 validation error in /a/seats.csv. No request was sent.\nseats.csv:2: bad; fix it"
        )

    @pytest.mark.parametrize("line_break", ["\n", "\r", "\x85", "\u2028", "\x1b[2K"])
    def test_value_cannot_add_a_line(self, line_break: str) -> None:
        forged = f"gone{line_break}users[9].email: forged"
        row = {"external_id": 7, "state": forged, "admin": forged, forged: 1}
        error = refused([row, {"email": forged}])
        result = escaped_result({"msg": error.message, "failure": error.as_failure()})
        assert result["msg"] == result["failure"]["message"] == error.message
        # Some versions of ansible-core serialise only the type itself.
        assert type(result["msg"]) is str
        assert len(error.message.split("\n")) == 5
        assert error.message.replace("\n", "").isprintable()
        assert not any(line.startswith("users[9]") for line in error.message.splitlines())

    def test_line_breaks_of_other_messages_are_escaped(self) -> None:
        assert escaped_result({"msg": "a\nb"}) == {"msg": "a\\nb"}
        message = refused([{"email": "x"}]).message
        assert "\n" not in escaped_result({"msg": f"prefix {message}"})["msg"]

    @pytest.mark.parametrize(
        ("keys", "label"),
        [
            pytest.param(ANA, " (ana@example.org)", id="the first key"),
            pytest.param({"external_id": "A", "id": 7}, " (A)", id="another key"),
            pytest.param({"id": 7}, " (7)", id="a number"),
            pytest.param({"external_id": "x" * 64}, f" ({'x' * 40})", id="a long key"),
            pytest.param({"email": " ", "id": 7}, " (7)", id="a blank key"),
            pytest.param({"email": ["ana", "ben"], "id": 7}, " (7)", id="a list"),
            pytest.param({"email": {"a": "b"}}, "", id="a mapping only"),
            pytest.param({"email": f"a@b.org;{PASSWORD}"}, "", id="several cells"),
            pytest.param({"external_id": "a\u200bb"}, "", id="an invisible character"),
            pytest.param({}, "", id="no key"),
        ],
    )
    def test_label_is_a_key_of_the_row(self, keys: dict[str, Any], label: str) -> None:
        message = refused([{**keys, "plan_id": 0}]).message
        assert f"\nusers[0].plan_id{label}: 0 is out of range; use 1 or more" in message
        assert PASSWORD not in message

    def test_option_of_the_task_has_no_row(self) -> None:
        assert out_of_range("timeout", 5, 0, 5) == []
        [error] = out_of_range("timeout", 5.5, 0, 5, " seconds")
        assert (error.place, error.text) == ("timeout", "5.5 is out of range; use 0 to 5 seconds")


def test_rows_become_users_in_their_order() -> None:
    users = desired_users([BEN, {**ANA, "admin": "yes", "sessions_limit": "2"}])
    assert users == [DesiredUser(**BEN), DesiredUser(**ANA, admin=True, sessions_limit=2)]
    assert [user.place for user in users] == ["users[0]", "users[1]"]


@pytest.mark.parametrize(
    ("rows", "defaults", "places"),
    [
        pytest.param(
            [{"email": "ana", "sessions_limit": -1}, ANA,
             {"external_id": "C", "state": "gone", "plan_id": "x"}, "dan@example.org",
             {"admin": True}],
            {},
            ["users[0].email", "users[0].sessions_limit", "users[2].state", "users[2].plan_id",
             "users[3]", "users[4].email"],
            id="every error of every row",
        ),
        pytest.param([{"email": "x"}], {"admin": "maybe", "nonsense": 1},
                     ["defaults.admin", "defaults.nonsense", "users[0].email"], id="defaults"),
        pytest.param([ANA], [1], ["defaults"], id="defaults of a wrong type"),
        pytest.param([ANA], {"email": "x@example.org"}, ["defaults.email"], id="default email"),
        pytest.param([ANA], {"external_id": "X"}, ["defaults.external_id"], id="default key"),
        pytest.param([ANA], {"id": 3}, ["defaults.id"], id="default id"),
        pytest.param([{"email": None, "admin": True}], {}, ["users[0].email"], id="null key"),
        pytest.param([{"email": OMIT, "admin": True}], {}, ["users[0].email"], id="omitted key"),
        pytest.param([{**ANA, "plan_id": 4, "assign_new_plan": 5}], {}, ["users[0].plan_id"],
                     id="option and alias"),
        pytest.param([{**ANA, "plan_valid_to": "2026-12-31"}], {}, ["users[0].plan_valid_to"],
                     id="end without a plan"),
        pytest.param([{**ANA, "user_plan_name": "Gold"}], {}, ["users[0].user_plan_name"],
                     id="name without a plan"),
        pytest.param([{**ANA, "plan_id": 4, "plan_name": "Gold"}], {}, ["users[0].plan_name"],
                     id="plan by id and by name"),
        pytest.param([{**ANA, "assign_new_plan": "x", "plan_name": "Gold"}], {},
                     ["users[0].assign_new_plan", "users[0].plan_name"],
                     id="plan by a bad id and by name"),
        pytest.param([ANA], {"plan_id": 4, "plan_name": "Gold"}, ["defaults.plan_name"],
                     id="default plan by id and by name"),
        pytest.param([{**ANA, "plan_name": "", "plan_valid_to": "2026-12-31"}], {},
                     ["users[0].plan_name"], id="bad plan name is one error"),
        pytest.param([{**ANA, "plan_id": "x", "plan_valid_to": "2026-12-31"}], {},
                     ["users[0].plan_id"], id="bad plan is one error"),
        pytest.param([{**ANA, "plan_id": "x"}, {**ANA, "external_id": "Z"}], {},
                     ["users[0].plan_id", "users[1].email"], id="duplicate of a bad row"),
    ],
)  # fmt: skip
def test_errors_have_their_places(rows: list[Any], defaults: Any, places: list[str]) -> None:
    assert list(refused(rows, defaults).fields) == places


def test_omitted_alias_does_not_count_as_given_twice() -> None:
    [user] = desired_users([{**ANA, "plan_id": 4, "assign_new_plan": OMIT}])
    assert user.plan_id == 4


@pytest.mark.parametrize("nothing", [None, OMIT], ids=["null", "omit"])
def test_null_and_omit_mean_left_out(nothing: Any) -> None:
    row = {**ANA, "admin": nothing, "password": nothing, "plan_id": nothing, "id": nothing}
    assert desired_users([row]) == [DesiredUser(**ANA)]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("pasword", "did you mean password?", id="missing letter"),
        pytest.param("Email", "did you mean email?", id="another case"),
        pytest.param("session_limit", "did you mean sessions_limit?", id="singular"),
        pytest.param("zzz", "use one of admin, ", id="no similar option"),
        pytest.param(7, "use one of admin, ", id="number"),
    ],
)
def test_unknown_option_is_refused_with_the_nearest_one(name: Any, hint: str) -> None:
    error = refused([{**ANA, name: PASSWORD}])
    [text] = error.fields[f"users[0].{name}"]
    assert hint in text
    assert PASSWORD not in error.message


class TestDefaults:
    def test_they_apply_to_rows_without_the_option(self) -> None:
        defaults = {"sessions_limit": 2, "admin": False}
        users = desired_users([{**ANA, "admin": OMIT}, {**BEN, "sessions_limit": 5}], defaults)
        assert [user.sessions_limit for user in users] == [2, 5]
        assert [user.admin for user in users] == [False, False]

    def test_alias_in_a_row_overrides_a_default(self) -> None:
        [user] = desired_users([{**ANA, "assign_new_plan": 5}], {"plan_id": 4})
        assert user.plan_id == 5

    def test_end_of_a_plan_applies_to_rows_with_a_plan(self) -> None:
        users = desired_users([ANA, {**BEN, "plan_id": 4}], {"plan_valid_to": "2026-12-31"})
        assert [user.plan_id for user in users] == [None, 4]
        assert users[1].plan_valid_to == "2026-12-31"

    @pytest.mark.parametrize(
        ("name", "value"), [("plan_valid_to", "2026-12-31"), ("user_plan_name", "Gold")]
    )
    @pytest.mark.parametrize("plan", [{"plan_id": 4}, {"plan_name": "Campus"}], ids=str)
    def test_default_plan_is_enough_for_its_details(
        self, name: str, value: str, plan: dict[str, Any]
    ) -> None:
        [user] = desired_users([{**ANA, name: value}], plan)
        assert getattr(user, name) == value
        [user] = desired_users([{**ANA, **plan, name: value}])
        assert getattr(user, name) == value

    def test_plan_of_a_row_replaces_the_default_plan_by_id_or_by_name(self) -> None:
        rows = [{**ANA, "plan_name": "Campus"}, {**BEN, "assign_new_plan": 5}, {"id": 7}]
        by_id = desired_users(rows, {"plan_id": 4})
        assert [(user.plan_id, user.plan_name) for user in by_id] == [
            *((None, "Campus"), (5, None), (4, None))
        ]
        by_name = desired_users(rows, {"plan_name": "Gold"})
        assert [(user.plan_id, user.plan_name) for user in by_name] == [
            *((None, "Campus"), (5, None), (None, "Gold"))
        ]

    @pytest.mark.parametrize("nothing", [None, OMIT], ids=["null", "omit"])
    def test_plan_that_is_left_out_does_not_replace_the_default(self, nothing: Any) -> None:
        [user] = desired_users([{**ANA, "plan_id": nothing, "plan_name": nothing}], {"plan_id": 4})
        assert (user.plan_id, user.plan_name) == (4, None)


class TestDuplicates:
    @pytest.mark.parametrize(
        ("first", "second", "field", "held"),
        [
            pytest.param({**ANA, "id": 7}, {"email": "ANA@example.org"}, "email",
                         "users[2] has email 'ANA@example.org'; "
                         "users[0] has email 'ana@example.org', external_id 'A', id 7",
                         id="address in another case"),
            pytest.param({"external_id": "A"}, {"external_id": "A"}, "external_id",
                         "users[2] has external_id 'A'; users[0] has external_id 'A'",
                         id="external id"),
            pytest.param({"external_id": "7"}, {"external_id": 7}, "external_id",
                         "users[2] has external_id '7'; users[0] has external_id '7'",
                         id="external id as a number"),
            pytest.param({"id": 7}, {"id": "7"}, "id", "users[2] has id 7; users[0] has id 7",
                         id="id as text"),
            pytest.param({"id": 7}, {"id": 7, "external_id": f"A;{PASSWORD}"}, "id",
                         "users[2] has external_id (value not shown), id 7; users[0] has id 7",
                         id="several cells"),
        ],
    )  # fmt: skip
    def test_both_rows_are_named_with_their_keys(
        self, first: dict[str, Any], second: dict[str, Any], field: str, held: str
    ) -> None:
        error = refused([first, BEN, second])
        assert error.fields == {
            f"users[2].{field}": [
                f"the same {field} as in users[0] ({held}); keep one of the two rows"
            ]
        }

    def test_values_of_rows_that_hide_them_are_not_shown(self) -> None:
        rows = [Row(f"seats.csv:{line}", ANA, hides_values=True) for line in (2, 3)]
        with pytest.raises(InvalidInputError) as error:
            users_of_entries(rows)
        assert list(error.value.fields) == ["seats.csv:3.email", "seats.csv:3.external_id"]
        assert "as in seats.csv:2 (values not shown)" in error.value.message
        assert "ana@" not in error.value.message

    def test_case_of_external_ids_matters(self) -> None:
        assert len(desired_users([{"external_id": "a"}, {"external_id": "A"}])) == 2


class TestSecrets:
    @pytest.mark.parametrize(
        "row",
        [
            pytest.param({"password": "short-7"}, id="too short"),
            pytest.param({"password": ["short-7"]}, id="list"),
            pytest.param({"new_password": "short-7" * 50}, id="too long"),
            pytest.param({"pasword": "short-7"}, id="misspelt"),
            pytest.param({"password": PASSWORD, "new_password": "short-7"}, id="given twice"),
            pytest.param({"password": {"a": "short-7"}}, id="mapping"),
            pytest.param({"email": {"password": "short-7"}, "admin": ["short-7"]}, id="as a label"),
            pytest.param({"state": {"short-7": "short-7"}}, id="in place of another option"),
        ],
    )
    def test_password_is_not_quoted(self, row: dict[str, Any]) -> None:
        shown = str(refused([{**ANA, **row}]).as_failure())
        assert "short-7" not in shown
        assert PASSWORD not in shown

    def test_row_that_is_no_mapping_is_not_quoted(self) -> None:
        error = refused([f"ana@example.org {PASSWORD}", [PASSWORD]])
        assert PASSWORD not in str(error.as_failure())

    def test_desired_user_does_not_show_the_password(self) -> None:
        assert PASSWORD not in repr(desired_users([{**ANA, "password": PASSWORD}]))


class TestOneUser:
    """The options of a module of its own have their defaults and no aliases."""

    def test_option_that_is_not_given_is_unmanaged(self) -> None:
        params = {"email": "ana@example.org", "state": "present", "admin": None, "timeout": 30}
        assert desired_user(params) == DesiredUser(email="ana@example.org")

    def test_error_names_the_option_only(self) -> None:
        with pytest.raises(InvalidInputError) as error:
            desired_user({"email": "ana@example.org", "state": "gone", "plan_valid_to": "tomorrow"})
        assert list(error.value.fields) == ["state", "plan_valid_to"]
        assert "\nstate: 'gone' is not valid" in error.value.message
