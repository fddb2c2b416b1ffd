# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole list of rows: every fault at once, each where it is, and none of them a leak."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    ERRORS_IN_MESSAGE,
    desired_user,
    desired_users,
)
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD

ANA: dict[str, Any] = {"email": "ana@example.org", "external_id": "A"}
BEN: dict[str, Any] = {"email": "ben@example.org", "external_id": "B"}
OMIT = "__omit_place_holder__5f2e"


def faults(rows: list[Any], defaults: dict[str, Any] | None = None) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as told:
        desired_users(rows, defaults)
    assert told.value.code == "invalid_input"
    return told.value


def test_rows_become_users_in_their_order() -> None:
    users = desired_users([BEN, {**ANA, "admin": "yes", "sessions_limit": "2"}])
    assert users == [
        DesiredUser(**BEN),
        DesiredUser(**ANA, admin=True, sessions_limit=2),
    ]


def test_every_fault_of_every_row_is_told_at_once() -> None:
    error = faults(
        [
            {"email": "ana", "sessions_limit": -1},
            ANA,
            {"external_id": "C", "state": "gone", "plan_id": "x"},
            "dan@example.org",
            {"admin": True},
        ]
    )
    assert set(error.fields) == {
        "users[0].email",
        "users[0].sessions_limit",
        "users[2].state",
        "users[2].plan_id",
        "users[3]",
        "users[4].email",
    }
    assert error.message.startswith("6 values are not right, and nothing was sent: ")
    # An index says little in a list that was put together, so the row's key stands beside it.
    assert 'users[2] (C): state is "gone"' in error.message


def test_one_fault_is_told_in_the_singular() -> None:
    assert faults([{**ANA, "plan_id": 0}]).message.startswith("1 value is not right")


def test_a_long_list_of_faults_ends_in_the_message_and_not_in_the_fields() -> None:
    error = faults([{"email": f"bad{number}"} for number in range(ERRORS_IN_MESSAGE + 5)])
    assert len(error.fields) == ERRORS_IN_MESSAGE + 5
    assert error.message.endswith("; and 5 more, all of them in failure.fields.")


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("new_password", "password", PASSWORD),
        ("assign_new_plan", "plan_id", 4),
    ],
)
def test_an_alias_is_the_option(alias: str, name: str, value: Any) -> None:
    [user] = desired_users([{**ANA, alias: value}])
    assert getattr(user, name) == value


def test_an_alias_beside_its_option_is_a_fault() -> None:
    error = faults([{**ANA, "plan_id": 4, "assign_new_plan": 5}])
    assert error.fields == {"users[0].plan_id": ["is given twice, also as assign_new_plan"]}


def test_an_alias_that_is_omitted_is_not_given_twice() -> None:
    [user] = desired_users([{**ANA, "plan_id": 4, "assign_new_plan": OMIT}])
    assert user.plan_id == 4


@pytest.mark.parametrize("nothing", [None, OMIT], ids=["null", "omit"])
def test_null_and_omit_are_as_if_left_out(nothing: Any) -> None:
    row = {**ANA, "admin": nothing, "password": nothing, "plan_id": nothing, "id": nothing}
    assert desired_users([row]) == [DesiredUser(**ANA)]


@pytest.mark.parametrize("nothing", [None, OMIT], ids=["null", "omit"])
def test_a_row_without_a_key_is_a_fault(nothing: Any) -> None:
    error = faults([{"email": nothing, "admin": True}])
    assert list(error.fields) == ["users[0].email"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("pasword", "did you mean password?", id="a letter less"),
        pytest.param("Email", "did you mean email?", id="another case"),
        pytest.param("session_limit", "did you mean sessions_limit?", id="singular"),
        pytest.param("zzz", "known are admin, ", id="nothing near"),
        pytest.param(7, "known are admin, ", id="a number"),
    ],
)
def test_an_unknown_option_names_the_nearest(name: Any, hint: str) -> None:
    error = faults([{**ANA, name: PASSWORD}])
    [text] = error.fields[f"users[0].{name}"]
    assert hint in text
    assert PASSWORD not in error.message


class TestDefaults:
    def test_they_lie_under_each_row(self) -> None:
        defaults = {"sessions_limit": 2, "admin": False}
        users = desired_users([ANA, {**BEN, "sessions_limit": 5}], defaults)
        assert [user.sessions_limit for user in users] == [2, 5]
        assert [user.admin for user in users] == [False, False]

    def test_an_alias_in_a_row_covers_a_default(self) -> None:
        [user] = desired_users([{**ANA, "assign_new_plan": 5}], {"plan_id": 4})
        assert user.plan_id == 5

    def test_a_row_that_leaves_an_option_out_in_words_gets_the_default(self) -> None:
        [user] = desired_users([{**ANA, "admin": OMIT}], {"admin": True})
        assert user.admin is True

    @pytest.mark.parametrize("name", ["email", "external_id", "id"])
    def test_they_cannot_identify(self, name: str) -> None:
        value = {"email": "x@example.org", "external_id": "X", "id": 3}[name]
        error = faults([ANA], {name: value})
        assert error.fields == {f"defaults.{name}": ["identifies one user and cannot be a default"]}

    def test_their_faults_are_told_beside_the_rows(self) -> None:
        error = faults([{"email": "x"}], {"admin": "maybe", "nonsense": 1})
        assert set(error.fields) == {"defaults.admin", "defaults.nonsense", "users[0].email"}

    def test_an_end_of_a_plan_is_meant_for_rows_with_a_plan(self) -> None:
        users = desired_users([ANA, {**BEN, "plan_id": 4}], {"plan_valid_to": "2026-12-31"})
        assert [user.plan_id for user in users] == [None, 4]
        assert users[1].plan_valid_to == "2026-12-31"


@pytest.mark.parametrize("name", ["plan_valid_to", "user_plan_name"])
def test_what_says_something_of_a_plan_needs_one(name: str) -> None:
    value = {"plan_valid_to": "2026-12-31", "user_plan_name": "Gold"}[name]
    assert f"users[0].{name}" in faults([{**ANA, name: value}]).fields
    [user] = desired_users([{**ANA, name: value}], {"plan_id": 4})
    assert getattr(user, name) == value


def test_a_bad_plan_is_one_fault_and_not_two() -> None:
    error = faults([{**ANA, "plan_id": "x", "plan_valid_to": "2026-12-31"}])
    assert list(error.fields) == ["users[0].plan_id"]


class TestDuplicates:
    @pytest.mark.parametrize(
        ("first", "second", "field"),
        [
            pytest.param({"email": "ana@example.org"}, {"email": "ANA@example.org"}, "email",
                         id="an address in another case"),
            pytest.param({"external_id": "A"}, {"external_id": "A"}, "external_id",
                         id="an external id"),
            pytest.param({"external_id": "7"}, {"external_id": 7}, "external_id",
                         id="an external id as a number"),
            pytest.param({"id": 7}, {"id": "7"}, "id", id="an id as text"),
        ],
    )  # fmt: skip
    def test_both_places_are_named(
        self, first: dict[str, Any], second: dict[str, Any], field: str
    ) -> None:
        error = faults([first, BEN, second])
        [text] = error.fields[f"users[2].{field}"]
        assert "users[0]" in text

    def test_external_ids_have_their_case(self) -> None:
        users = desired_users([{"external_id": "a"}, {"external_id": "A"}])
        assert len(users) == 2

    def test_they_are_found_among_rows_with_other_faults(self) -> None:
        error = faults([{**ANA, "plan_id": "x"}, {**ANA, "external_id": "Z"}])
        assert set(error.fields) == {"users[0].plan_id", "users[1].email"}


class TestSecrets:
    @pytest.mark.parametrize(
        "row",
        [
            pytest.param({"password": "short-7"}, id="too short"),
            pytest.param({"password": ["short-7"]}, id="a list"),
            pytest.param({"new_password": "short-7" * 50}, id="too long"),
            pytest.param({"pasword": "short-7"}, id="misspelt"),
            pytest.param({"password": PASSWORD, "new_password": "short-7"}, id="given twice"),
            pytest.param({"password": {"a": "short-7"}}, id="a mapping"),
        ],
    )
    def test_no_fault_quotes_a_password(self, row: dict[str, Any]) -> None:
        error = faults([{**ANA, **row}])
        told = f"{error.message} {error.fields}"
        assert "short-7" not in told
        assert PASSWORD not in told

    def test_no_fault_quotes_a_row_that_is_no_mapping(self) -> None:
        assert PASSWORD not in str(faults([f"ana@example.org {PASSWORD}", [PASSWORD]]).as_failure())

    def test_a_desired_user_does_not_show_it(self) -> None:
        assert PASSWORD not in repr(desired_users([{**ANA, "password": PASSWORD}]))


class TestOneUser:
    """The options of a module of its own come with their defaults and without aliases."""

    def test_what_was_not_given_is_unmanaged(self) -> None:
        params = {"email": "ana@example.org", "state": "present", "admin": None, "timeout": 30}
        assert desired_user(params) == DesiredUser(email="ana@example.org")

    def test_a_fault_names_the_option_without_an_index(self) -> None:
        with pytest.raises(InvalidInputError) as told:
            desired_user({"email": "ana", "plan_valid_to": "tomorrow"})
        assert set(told.value.fields) == {"email", "plan_valid_to"}
