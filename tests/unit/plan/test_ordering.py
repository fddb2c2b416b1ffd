# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Order of changes: a freed address before its new holder, no swaps, deactivations last."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.plan.ordering import stages
from ansible_collections.publica.la.tests.unit.support.builders import (
    current_user,
    desired_user,
    planned,
)


def moved(user_id: int, to: Any) -> DesiredUser:
    """The user with another address: a text, or the address of the user with this number."""
    email = to if isinstance(to, str) else f"user{to}@example.org"
    return desired_user(user_id, email=email)


def staged(made: Plan) -> list[list[int]]:
    return [[change.position for change in stage] for stage in stages(made.changes)]


def codes(made: Plan) -> list[str | None]:
    return [change.error.code if change.error else None for change in made.changes]


FREE = "free@example.org"


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        pytest.param(
            (desired_user(1, admin=True), desired_user(2, admin=True), desired_user(3)),
            [[0, 1]],
            id="independent users",
        ),
        pytest.param((moved(1, 2), moved(2, 3), moved(3, FREE)), [[2], [1], [0]], id="chain"),
        pytest.param((moved(9, 1), moved(1, FREE)), [[1], [0]], id="new user"),
        pytest.param(
            (moved(1, 2), moved(2, FREE), desired_user(3, admin=True)),
            [[1, 2], [0]],
            id="only one waits",
        ),
        pytest.param(
            (desired_user(1, state="absent"), moved(2, FREE), moved(9, 2)),
            [[1], [2], [0]],
            id="deactivations last",
        ),
        pytest.param(
            (moved(1, "USER1@example.org"), desired_user(2, admin=True)),
            [[1]],
            id="same address in another case",
        ),
    ],
)
def test_stages(desired: tuple[DesiredUser, ...], expected: list[list[int]]) -> None:
    made = planned(*desired)
    assert codes(made) == [None] * len(desired)
    assert staged(made) == expected


@pytest.mark.parametrize(
    "cycle", [(moved(1, 2), moved(2, 1)), (moved(1, 2), moved(2, 3), moved(3, 1))]
)
def test_a_swap_is_an_error_that_names_all_its_users(cycle: tuple[DesiredUser, ...]) -> None:
    made = planned(*cycle)
    assert set(codes(made)) == {"address_swap"}
    assert made.requests == 0
    for change in made.changes:
        assert all(f"#{other.position}" in str(change.error) for other in made.changes)
        assert change.after == change.current


def test_the_address_of_a_refused_swap_is_taken() -> None:
    made = planned(moved(1, 2), moved(2, 1), moved(9, 1))
    assert codes(made) == ["address_swap", "address_swap", "address_taken"]
    assert "external_id ext-9" in str(made.changes[2].error)
    assert "user1@example.org (id 1, external_id ext-1)" in str(made.changes[2].error)
    assert made.requests == 0


def test_an_address_that_its_holder_keeps_is_an_error() -> None:
    keeps = current_user(2, external_id=None, returns_external_id=False)
    desired = DesiredUser(id=1, external_id="ext-1", email="user2@example.org")
    [change] = planned(desired, store=(current_user(1), keeps)).changes
    assert change.steps == ()
    assert "user2@example.org (id 2)" in str(change.error)


# User 1 would give up the address, but two entries match the user, so both are refused.
REFUSED = (moved(1, FREE), DesiredUser(id=1, state="absent"))


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        pytest.param(
            (moved(1, 2), moved(2, 3), desired_user(3)),
            ["address_taken", "identity_conflict", None],
            id="earlier in the chain",
        ),
        pytest.param(
            (moved(4, 3), moved(3, 1), *REFUSED),
            ["address_taken", "address_taken", "identity_conflict", "identity_conflict"],
            id="two levels",
        ),
        pytest.param(
            (*REFUSED, DesiredUser(email="user1@example.org")),
            ["identity_conflict", "identity_conflict", "incomplete"],
            id="a missing key is reported first",
        ),
        pytest.param(
            # Active and deactivated users share one set of unique addresses (variant 16).
            (desired_user(1, state="absent"), moved(9, 1)),
            ["identity_conflict", "identity_conflict"],
            id="an absent user keeps the address",
        ),
    ],
)
def test_an_error_reaches_every_change_that_depends_on_it(
    desired: tuple[DesiredUser, ...], expected: list[str | None]
) -> None:
    made = planned(*desired, store=[current_user(number) for number in (1, 2, 3, 4)])
    assert codes(made) == expected
    assert made.requests == 0


def test_a_taken_address_is_named_with_its_holder() -> None:
    message = str(planned(moved(3, 1), *REFUSED).changes[0].error)
    assert message.startswith("user3@example.org (id 3, external_id ext-3)")
    assert "address user1@example.org: user1@example.org (id 1, external_id ext-1)" in message


def test_a_long_chain_needs_no_deep_stack() -> None:
    length = 3000
    store = tuple(current_user(number) for number in range(1, length + 1))
    made = planned(*(moved(number, number + 1) for number in range(1, length + 1)), store=store)
    assert len(staged(made)) == length
