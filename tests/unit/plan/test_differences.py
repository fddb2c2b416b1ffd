# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs, and when a plan is held."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.plan.planner import (
    different_attributes,
    holds_plan,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import HeldPlan
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    desired_user,
    held_plan,
)


@pytest.mark.parametrize(
    ("desired", "current", "expected"),
    [
        pytest.param({}, {"admin": True, "sessions_limit": 5}, {}, id="unmanaged"),
        pytest.param({"email": "USER1@EXAMPLE.ORG"}, {}, {}, id="case of an address"),
        pytest.param({"email": "a@b.example"}, {}, {"email": "a@b.example"}, id="address"),
        pytest.param({"external_id": "X"}, {}, {"external_id": "X"}, id="external id"),
        pytest.param(
            {"external_id": "X"},
            {"external_id": None},
            {"external_id": "X"},
            id="external id that the store lacks",
        ),
        pytest.param(
            {"external_id": "X"},
            {"external_id": None, "returns_external_id": False},
            {},
            id="external id that the store does not tell",
        ),
        pytest.param({"sessions_limit": 0}, {"sessions_limit": None}, {}, id="no limit, none set"),
        pytest.param(
            {"sessions_limit": 0}, {"sessions_limit": 2}, {"sessions_limit": 0}, id="limit lifted"
        ),
        pytest.param(
            {"sessions_limit": 3}, {"sessions_limit": None}, {"sessions_limit": 3}, id="limit set"
        ),
        pytest.param({"admin": False}, {"admin": True}, {"admin": False}, id="right revoked"),
        pytest.param({"admin": False}, {"admin": None}, {"admin": False}, id="right not told"),
    ],
)
def test_only_managed_attributes_differ(
    desired: dict[str, Any], current: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert different_attributes(desired_user(**desired), current_user(**current)) == expected


@pytest.mark.parametrize(
    ("plans", "valid_to", "held"),
    [
        pytest.param((), None, False, id="none"),
        pytest.param((held_plan(4),), None, True, id="without an end"),
        pytest.param((held_plan(5),), None, False, id="another plan"),
        pytest.param((held_plan(4, "2026-06-01"),), None, True, id="until today"),
        pytest.param((held_plan(4, "2026-05-31"),), None, False, id="expired yesterday"),
        pytest.param((held_plan(4, "2026-06-01T00:00:00Z"),), None, True, id="time today"),
        pytest.param((held_plan(4, cancelled=True),), None, False, id="cancelled"),
        pytest.param((held_plan(4, "2026-12-31"),), "2026-12-31", True, id="same end"),
        pytest.param((held_plan(4, "2026-12-30"),), "2026-12-31", False, id="other end"),
        pytest.param((held_plan(4),), "2026-12-31", False, id="an end wanted, none held"),
        pytest.param(
            (held_plan(4, "2026-12-31", cancelled=True),),
            "2026-12-31",
            False,
            id="same end, cancelled",
        ),
        pytest.param(
            (held_plan(4, "2026-01-01"), held_plan(4, "2026-12-31")),
            "2026-12-31",
            True,
            id="one of several",
        ),
        pytest.param((held_plan(4, "2027-01-01T02:59:59Z"),), "2026-12-31", True,
                     id="an evening in the west"),
        pytest.param((held_plan(4, "2026-05-31T23:00:00Z"),), None, True,
                     id="until today in the east"),
        pytest.param(
            # Assigning it again would end it on the same day again, run after run.
            (held_plan(4, "2026-01-01"),),
            "2026-01-01",
            True,
            id="wanted until a day gone by",
        ),
        pytest.param(None, None, None, id="not told"),
        pytest.param(None, "2026-12-31", None, id="not told, with an end"),
    ],
)  # fmt: skip
def test_when_a_plan_is_held(
    plans: tuple[HeldPlan, ...] | None, valid_to: str | None, held: bool | None
) -> None:
    desired = desired_user(plan_id=4, plan_valid_to=valid_to)
    assert holds_plan(desired, current_user(plans=plans), TODAY) is held
