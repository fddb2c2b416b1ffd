# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users that failed, as input for another run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import (
    USER_OPTIONS,
    DesiredUser,
)
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.plan.model import UserChange
from ansible_collections.publica.la.plugins.module_utils.result.result import failed_users
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD
from hypothesis import given
from hypothesis import strategies as st

OMIT = "__omit_place_holder__0123456789abcdef"
FAILED = PublicaError("validation", "no")


def failed(
    users: list[DesiredUser],
    rows: list[dict[str, Any]],
    defaults: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    applied = [
        AppliedUser(UserChange(number, user), None, error=FAILED)
        for number, user in enumerate(users)
    ]
    return failed_users(applied, rows, defaults or {})


def test_items_come_out_as_they_went_in_without_their_passwords() -> None:
    rows = [
        {"email": "Ana@Example.org", "external_id": "A", "password": PASSWORD},
        {"external_id": 7, "new_password": PASSWORD, "assign_new_plan": "12", "admin": "yes"},
        {"id": 5, "state": "absent", "sessions_limit": None, "plan_id": OMIT},
    ]
    assert failed(desired_users(rows), rows) == [
        {"email": "Ana@Example.org", "external_id": "A"},
        {"external_id": 7, "assign_new_plan": "12", "admin": "yes"},
        {"id": 5, "state": "absent"},
    ]


def test_only_those_with_an_error_and_only_those_of_the_input() -> None:
    rows = [{"id": 1}, {"id": 2}]
    plans = [UserChange(number, user) for number, user in enumerate(desired_users(rows))]
    applied = [
        AppliedUser(plans[0], None),
        AppliedUser(plans[1], None, error=PublicaError("not_tried", "later")),
        AppliedUser(UserChange(2, DesiredUser(id=3), listed=False), None, error=FAILED),
    ]
    assert failed_users(applied, rows, {}) == [{"id": 2}]


values = {
    "email": st.just("ana@example.org"),
    "external_id": st.just("A"),
    "state": st.sampled_from(["present", "active", "absent"]),
    "update_password": st.sampled_from(["on_create", "always"]),
    "generate_password": st.booleans(),
    "sessions_limit": st.integers(0, 3),
    "plan_id": st.integers(1, 3),
    "plan_valid_to": st.just("2031-12-31"),
    "user_plan_name": st.just("Staff"),
    "admin": st.booleans(),
    "plan_admin": st.booleans(),
    "only_sees_readable": st.booleans(),
    "force_logout": st.booleans(),
}
KEYS = ("email", "external_id")


def test_every_option_but_the_id_and_the_password_is_tried() -> None:
    assert {option.name for option in USER_OPTIONS} - {"id", "password"} == set(values)


@given(
    st.fixed_dictionaries(
        {"email": values["email"], "plan_id": values["plan_id"]},
        optional={
            name: value for name, value in values.items() if name not in ("email", "plan_id")
        },
    ),
    st.fixed_dictionaries(
        {}, optional={name: value for name, value in values.items() if name not in KEYS}
    ),
)
def test_a_row_of_a_file_means_the_same_when_it_is_given_again(
    row: dict[str, Any], defaults: dict[str, Any]
) -> None:
    users = desired_users([row], defaults)
    [again] = failed(users, [], defaults)
    assert desired_users([again], defaults) == users
    assert set(again) <= {*row, *defaults}


@pytest.mark.parametrize("secret", ["password", "new_password"])
def test_no_password_of_a_file_or_of_the_defaults_comes_out(secret: str) -> None:
    defaults = {secret: PASSWORD}
    [user] = desired_users([{"email": "ana@example.org"}], defaults)
    assert user.password == PASSWORD
    assert failed([user], [], defaults) == [{"email": "ana@example.org"}]
