# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bodies of creations and updates: what is in them, in which form, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.plan.planner import (
    create_body,
    update_body,
)
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    current_user,
    desired_user,
)

KEYS = {"email": "user1@example.org", "external_id": "ext-1"}
WHOLE = {**KEYS, "sessions_limit": None, "admin": 0, "plan_admin": 0, "only_sees_readable": 0}


def update(
    desired: dict[str, Any],
    current: dict[str, Any],
    different: dict[str, Any],
    *,
    set_password: bool = False,
    assign_plan: bool = False,
) -> dict[str, Any]:
    return update_body(
        desired_user(**desired),
        current_user(**current),
        different,
        set_password=set_password,
        assign_plan=assign_plan,
    )


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        pytest.param({}, {}, id="keys alone"),
        pytest.param({"admin": True, "plan_admin": False}, {"admin": True, "plan_admin": False},
                     id="booleans as such"),
        pytest.param({"sessions_limit": 3}, {"sessions_limit": 3}, id="limit"),
        pytest.param({"sessions_limit": 0}, {"sessions_limit": None}, id="no limit is null"),
        pytest.param({"password": PASSWORD}, {"new_password": PASSWORD}, id="password"),
        pytest.param({"plan_id": 4}, {"assign_new_plan": 4}, id="plan"),
        pytest.param(
            {"plan_id": 4, "plan_valid_to": "2026-12-31", "user_plan_name": "Gold"},
            {
                "assign_new_plan": 4,
                "new_plan_custom_valid_to": "2026-12-31",
                "user_plan_name": "Gold",
            },
            id="plan with its end and name",
        ),
        pytest.param({"user_plan_name": "Gold"}, {}, id="no name without a plan"),
    ],
)  # fmt: skip
def test_a_creation_holds_the_keys_and_what_is_managed(
    options: dict[str, Any], fields: dict[str, Any]
) -> None:
    body = create_body(desired_user(**options))
    assert body == {**KEYS, **fields}
    # 1 == True in Python, and POST documents booleans as true or false (choice 6).
    assert all(type(body[name]) is type(value) for name, value in fields.items())


@pytest.mark.parametrize(
    ("current", "different", "fields"),
    [
        pytest.param({}, {"admin": True}, {"admin": 1}, id="booleans as 1 and 0"),
        pytest.param({"admin": True}, {"admin": False}, {"admin": 0}, id="revoked"),
        pytest.param({"plan_admin": True, "only_sees_readable": True}, {"admin": True},
                     {"admin": 1, "plan_admin": 1, "only_sees_readable": 1}, id="current values"),
        pytest.param({"sessions_limit": 2}, {"admin": True}, {"admin": 1, "sessions_limit": 2},
                     id="current limit"),
        pytest.param({"sessions_limit": 2}, {"sessions_limit": 0}, {"sessions_limit": None},
                     id="no limit is null"),
    ],
)  # fmt: skip
def test_an_update_holds_the_whole_record(
    current: dict[str, Any], different: dict[str, Any], fields: dict[str, Any]
) -> None:
    body = update({}, current, different)
    assert body == {**WHOLE, **fields}
    assert not any(isinstance(value, bool) for value in body.values())


def test_a_right_that_nobody_tells_is_not_made_up() -> None:
    body = update({}, {"plan_admin": None}, {"admin": True})
    assert "plan_admin" not in body


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        pytest.param({"external_id": "theirs"}, "theirs", id="told"),
        pytest.param({"external_id": None, "returns_external_id": False}, "ext-1", id="not told"),
    ],
)
def test_the_external_id_of_an_update(current: dict[str, Any], expected: str) -> None:
    assert update({}, current, {"admin": True})["external_id"] == expected


def test_password_and_plan_go_along_only_where_asked_for() -> None:
    wanted = {
        "password": PASSWORD,
        "plan_id": 4,
        "plan_valid_to": "2026-12-31",
        "user_plan_name": "Gold",
    }
    assert update(wanted, {}, {}) == WHOLE
    password = {"new_password": PASSWORD}
    assert update(wanted, {}, {}, set_password=True) == {**WHOLE, **password}
    assert update(wanted, {}, {}, assign_plan=True) == {
        **WHOLE,
        "assign_new_plan": 4,
        "new_plan_custom_valid_to": "2026-12-31",
        "user_plan_name": "Gold",
    }
