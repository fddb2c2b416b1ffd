# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A record of the store in normal form, under choices 3, 6, 8 and 11."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.result.result import normal_form
from ansible_collections.publica.la.plugins.module_utils.store.user import (
    HeldPlan,
    user_from_record,
)
from ansible_collections.publica.la.tests.unit.support.builders import held_plan
from ansible_collections.publica.la.tests.unit.support.records import IMPERSONATION

KEYS = {"id": 5, "email": "ana@example.org"}
RIGHTS = ("admin", "plan_admin", "only_sees_readable")

# The record of the documentation's list, with an address where the page hides one.
DOCUMENTED: dict[str, Any] = {
    "id": 923242,
    "uuid": "af5af4f9-9b8d-4d79-b162-0cec4279cae5",
    "admin": False,
    "plan_admin": False,
    "email": "ana@example.org",
    "sessions_limit": 1,
    "only_sees_readable": 1,
    "picture": "https://www.gravatar.com/avatar/98789c9d?s=160&d=mm&r=g",
    "created_at": "2021-05-18T13:28:53.000000Z",
    "updated_at": "2021-05-18T13:28:53.000000Z",
    "deleted_at": None,
    "purchased_issues_with_cancelled_count": 0,
    "user_plans_count": 0,
    "can_be_edited": True,
    "created_at_date_string": "2021-05-18",
    "impersonate": IMPERSONATION,
    "sessions": None,
    "ip_ranges": [],
    "referrers": [],
    "purchased_issues_with_cancelled": [],
    "user_plans": [],
}


def read(**fields: Any) -> Any:
    return user_from_record({**KEYS, **fields})


def test_the_documented_record_in_normal_form() -> None:
    assert normal_form(user_from_record(DOCUMENTED)) == {
        "id": 923242,
        "uuid": "af5af4f9-9b8d-4d79-b162-0cec4279cae5",
        "external_id": None,
        "email": "ana@example.org",
        "active": True,
        "admin": False,
        "plan_admin": False,
        "only_sees_readable": True,
        "sessions_limit": 1,
        "plans": [],
        "created_at": "2021-05-18T13:28:53Z",
        "updated_at": "2021-05-18T13:28:53Z",
        "deactivated_at": None,
        "purchased_issues_with_cancelled_count": 0,
        "user_plans_count": 0,
    }


@pytest.mark.parametrize("name", ["impersonate", "impersonation_url"])
def test_an_impersonation_link_is_not_taken_over(name: str) -> None:
    user = user_from_record({**DOCUMENTED, name: IMPERSONATION})
    assert "impersonate" not in repr(user) + json.dumps(normal_form(user))


@pytest.mark.parametrize("name", RIGHTS)
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((value, True) for value in (True, 1, "1", "true", "TRUE")),
        *((value, False) for value in (False, 0, "0", "false", None, "")),
        ("perhaps", None),
        ([], None),
    ],
    ids=repr,
)
def test_booleans_in_every_form(name: str, sent: Any, expected: bool | None) -> None:
    assert getattr(read(**{name: sent}), name) is expected


@pytest.mark.parametrize("name", RIGHTS)
def test_a_right_that_is_not_told_is_unknown(name: str) -> None:
    assert getattr(read(), name) is None


@pytest.mark.parametrize(
    ("deleted_at", "active", "at"),
    [
        pytest.param(None, True, None, id="null"),
        pytest.param("2021-05-18T13:28:53.000000Z", False, "2021-05-18T13:28:53Z", id="ISO"),
        pytest.param({"timestamp": 1621344533}, False, "2021-05-18T13:28:53Z", id="mapping"),
        pytest.param("", True, None, id="empty"),
    ],
)
def test_deleted_at_decides_whether_a_user_is_active(
    deleted_at: Any, active: bool, at: str | None
) -> None:
    user = read(deleted_at=deleted_at)
    assert (user.active, user.deactivated_at) == (active, at)


@pytest.mark.parametrize(
    ("fields", "external_id", "tells"),
    [
        pytest.param({}, None, False, id="not told"),
        pytest.param({"external_id": None}, None, True, id="told that there is none"),
        pytest.param({"external_id": ""}, None, True, id="empty"),
        pytest.param({"external_id": "E"}, "E", True, id="text"),
        pytest.param({"external_id": 7}, "7", True, id="number"),
    ],
)
def test_whether_the_external_id_is_told(
    fields: dict[str, Any], external_id: str | None, tells: bool
) -> None:
    user = read(**fields)
    assert (user.external_id, user.returns_external_id) == (external_id, tells)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(None, None), (0, None), ("0", None), (3, 3), ("3", 3), (True, None)],
    ids=repr,
)
def test_a_sessions_limit_of_zero_is_none(sent: Any, expected: int | None) -> None:
    assert read(sessions_limit=sent).sessions_limit == expected


GOLD = held_plan(4, "2026-12-31", name="Gold")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"user_plans": []}, (), id="none"),
        pytest.param({"user_plans": [], "user_plans_count": 0}, (), id="none, counted"),
        pytest.param({"user_plans_count": 0}, (), id="no list, but a count of none"),
        pytest.param({"user_plans_count": "0"}, (), id="the same as text"),
        pytest.param(
            {"user_plans": [{"plan_id": 4, "name": "Gold", "valid_to": "2026-12-31"}]},
            (GOLD,),
            id="plan_id",
        ),
        pytest.param(
            {"user_plans": [{"plan": {"id": 4, "name": "Gold"}, "valid_to": "2026-12-31"}]},
            (GOLD,),
            id="nested",
        ),
        pytest.param(
            {"user_plans": [{"id": 99, "plan_id": "4", "plan": {"id": 4, "name": "Gold"},
                             "valid_to": "2026-12-31"}]},
            (GOLD,),
            id="both, beside the entry's own id",
        ),
        pytest.param(
            {"user_plans": {"0": {"plan_id": 4, "name": "Gold", "valid_to": "2026-12-31"}}},
            (GOLD,),
            id="a list as an object",
        ),
        pytest.param(
            {"user_plans": [{"plan_id": 4, "user_plan_name": "Gold", "valid_to": "2026-12-31"}]},
            (GOLD,),
            id="under the name of the request",
        ),
        pytest.param(
            {"user_plans": [{"plan_id": 4, "valid_to": "2026-12-31T02:59:59.000000Z"}]},
            (held_plan(4, "2026-12-31T02:59:59Z"),),
            id="a time as the end",
        ),
        pytest.param({"user_plans": [{"plan_id": 4, "valid_to": None}]}, (HeldPlan(4),),
                     id="no end"),
        pytest.param(
            {"user_plans": [{"plan_id": 4, "cancelled_at": "2021-05-18T13:28:53Z"}]},
            (HeldPlan(4, cancelled=True),),
            id="cancelled",
        ),
        pytest.param({}, None, id="neither list nor count"),
        pytest.param({"user_plans": None}, None, id="a null instead of a list"),
        pytest.param({"user_plans_count": 2}, None, id="a count without a list"),
        pytest.param({"user_plans": [], "user_plans_count": 2}, None, id="a hidden list"),
        pytest.param({"user_plans": [{"name": "Gold"}]}, None, id="an entry without a plan"),
        pytest.param({"user_plans": ["Gold"]}, None, id="an entry of another shape"),
    ],
)  # fmt: skip
def test_plans_in_every_shape(
    fields: dict[str, Any], expected: tuple[HeldPlan, ...] | None
) -> None:
    assert read(**fields).plans == expected


def test_counters_are_whole_numbers() -> None:
    user = read(acquired_content_count="7", user_plans_count=0, sessions_count=None, account="8")
    assert dict(user.counters) == {"acquired_content_count": 7, "user_plans_count": 0}


@pytest.mark.parametrize(
    "user_id", [None, "x", True, 1.5, {}], ids=["null", "text", "boolean", "fraction", "mapping"]
)
def test_a_record_without_an_id_is_no_user(user_id: Any) -> None:
    with pytest.raises(PublicaError) as told:
        user_from_record({"id": user_id, "email": "ana@example.org"})
    assert told.value.code == "unexpected_answer"


@pytest.mark.parametrize("email", [None, 5], ids=["null", "number"])
def test_an_anonymized_user_has_no_address(email: Any) -> None:
    assert user_from_record({"id": 5, "email": email}).email == ""
