# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hash of a plan, the requests and minutes that it takes, and its secrets."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    desired_user,
    planned,
)

ADMIN = desired_user(1, admin=True)
NEW = desired_user(9)
BASE = planned(ADMIN, NEW)


@pytest.mark.parametrize("desired", [(ADMIN, NEW), (ADMIN, desired_user(2), NEW)])
def test_equal_steps_have_equal_hashes(desired: tuple[DesiredUser, ...]) -> None:
    assert planned(*desired).hash == BASE.hash
    assert len(BASE.hash) == 16


@pytest.mark.parametrize(
    "desired",
    [
        pytest.param((ADMIN,), id="fewer users"),
        pytest.param((desired_user(2, admin=True), NEW), id="another user"),
        pytest.param((desired_user(1, plan_admin=True), NEW), id="another right"),
        pytest.param((desired_user(1, state="absent"), NEW), id="another action"),
        pytest.param((ADMIN, desired_user(9, generate_password=True)), id="generated password"),
        pytest.param((desired_user(1, admin=True, force_logout=True), NEW), id="additional step"),
    ],
)
def test_other_steps_have_another_hash(desired: tuple[DesiredUser, ...]) -> None:
    assert planned(*desired).hash != BASE.hash


def test_the_current_values_are_part_of_the_hash() -> None:
    # An update sends the complete record, so an approval must not hold for other values.
    assert planned(ADMIN, NEW, sessions_limit=5).hash != BASE.hash


def test_the_presence_of_a_password_is_part_of_the_hash_and_its_text_is_not() -> None:
    always: dict[str, Any] = {"password": PASSWORD, "update_password": "always"}
    first = planned(desired_user(1, **always))
    second = planned(desired_user(1, **{**always, "password": PASSWORD + "!"}))
    others = (desired_user(1), ADMIN, desired_user(1, admin=True, **always))
    assert first.hash == second.hash
    assert len({first.hash, *(planned(other).hash for other in others)}) == 4
    assert planned(desired_user(9, password=PASSWORD)).hash != planned(NEW).hash


def test_the_representation_of_a_plan_contains_no_password() -> None:
    made = planned(
        desired_user(1, password=PASSWORD, update_password="always"),
        desired_user(9, password=PASSWORD),
    )
    assert made.requests == 2
    assert PASSWORD not in repr(made)


@pytest.mark.parametrize(
    ("requests", "limit", "share", "expected"),
    [
        pytest.param(0, 100, 100, 0, id="no request"),
        pytest.param(1, 100, 100, 0, id="one request"),
        pytest.param(100, 100, 100, 0, id="one full window"),
        pytest.param(101, 100, 100, 1, id="one more than a window"),
        pytest.param(201, 100, 100, 2, id="three windows"),
        pytest.param(100, 100, 50, 1, id="half of the limit"),
        pytest.param(3, 100, 1, 2, id="one a minute"),
        pytest.param(2, 5, 1, 1, id="at least one a minute"),
        pytest.param(39, 60, 33, 2, id="rounded down to complete requests"),
        pytest.param(500, None, 100, 0, id="unknown limit"),
    ],
)
def test_minutes_at_the_rate_limit(
    requests: int, limit: int | None, share: int, expected: int
) -> None:
    made = planned(*(desired_user(10 + number) for number in range(requests)))
    assert made.requests == requests
    assert made.minutes(limit, share) == expected
