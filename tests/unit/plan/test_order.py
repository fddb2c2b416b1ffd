# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What frees an address goes before what takes it; a swap is refused; deactivations come last."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.plan.ordering import stages
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    desired_user,
)

STORE = tuple(current_user(number) for number in (1, 2, 3))


def plan(*desired: DesiredUser, store: tuple[CurrentUser, ...] = STORE) -> Plan:
    return plan_users(desired, UserIndex(store), TODAY)


def moved(user_id: int, to: Any) -> DesiredUser:
    """The user with another address: a text, or the one of the user with this number."""
    email = to if isinstance(to, str) else f"user{to}@example.org"
    return desired_user(user_id, email=email)


def in_waves(made: Plan) -> list[list[int]]:
    return [[user.index for user in stage] for stage in stages(made.changes)]


def codes(made: Plan) -> list[str | None]:
    return [user.error.code if user.error else None for user in made.changes]


def test_users_who_share_nothing_are_one_wave() -> None:
    made = plan(desired_user(1, admin=True), desired_user(2, admin=True), desired_user(3))
    assert in_waves(made) == [[0, 1]]


def test_a_chain_of_addresses_is_walked_from_its_end() -> None:
    made = plan(moved(1, 2), moved(2, 3), moved(3, "free@example.org"))
    assert codes(made) == [None] * 3
    assert in_waves(made) == [[2], [1], [0]]


def test_a_new_user_waits_for_the_address_to_be_free() -> None:
    made = plan(desired_user(9, email="user1@example.org"), moved(1, "free@example.org"))
    assert made.changes[0].actions == ["create"]
    assert in_waves(made) == [[1], [0]]


def test_one_who_waits_does_not_hold_up_the_others() -> None:
    made = plan(moved(1, 2), moved(2, "free@example.org"), desired_user(3, admin=True))
    assert in_waves(made) == [[1, 2], [0]]


@pytest.mark.parametrize(
    "circle",
    [
        pytest.param((moved(1, 2), moved(2, 1)), id="two"),
        pytest.param((moved(1, 2), moved(2, 3), moved(3, 1)), id="three"),
    ],
)
def test_a_swap_is_refused_and_everybody_in_it_is_named(circle: tuple[DesiredUser, ...]) -> None:
    made = plan(*circle)
    assert set(codes(made)) == {"address_swap"}
    assert made.requests == 0
    for user in made.changes:
        assert all(f"#{other.index}" in str(user.error) for other in made.changes)
        assert user.after == user.current


def test_whoever_waits_for_a_swap_is_refused_too() -> None:
    made = plan(moved(1, 2), moved(2, 1), desired_user(9, email="user1@example.org"))
    # User 1's address never gets free, so the newcomer cannot have it.
    assert codes(made) == ["address_swap", "address_swap", "address_taken"]
    assert "external_id ext-9" in str(made.changes[2].error)
    assert "user1@example.org (id 1, external_id ext-1)" in str(made.changes[2].error)
    assert made.requests == 0


def test_an_address_is_refused_that_its_holder_keeps() -> None:
    # The holder gives up an address only where this very run changes it.
    silent = current_user(2, external_id=None, returns_external_id=False)
    made = plan_users(
        [DesiredUser(id=1, external_id="ext-1", email="user2@example.org")],
        UserIndex([current_user(1), silent]),
        TODAY,
    )
    [user] = made.changes
    assert user.steps == ()
    assert user.error is not None
    assert "user2@example.org (id 2)" in user.error.message


def test_a_refusal_reaches_everybody_behind_it() -> None:
    """1 takes the address of 2, who cannot have the address that 3 keeps."""
    made = plan(moved(1, 2), desired_user(2, email="user3@example.org"), desired_user(3))
    assert codes(made)[1] == "identity_conflict"
    assert codes(made)[0] is not None
    assert made.requests == 0


def test_a_refusal_reaches_those_who_stand_before_it_in_the_list() -> None:
    """4 takes the address of 3, who cannot have the one of 1, whom two entries claim."""
    store = (*STORE, current_user(4))
    claimed_twice = (moved(1, "free@example.org"), DesiredUser(id=1, state="absent"))
    made = plan(moved(4, 3), moved(3, 1), *claimed_twice, store=store)
    assert codes(made) == ["address_taken", "address_taken", *["identity_conflict"] * 2]
    assert made.requests == 0
    message = str(made.changes[1].error)
    assert message.startswith("user3@example.org (id 3, external_id ext-3)")
    assert "address user1@example.org: user1@example.org (id 1, external_id ext-1)" in message


def test_what_a_creation_lacks_is_told_before_whose_the_address_is() -> None:
    """User 1 would give up the address, but two entries claim him; the newcomer has no id."""
    claimed_twice = (moved(1, "free@example.org"), DesiredUser(id=1, state="absent"))
    made = plan(*claimed_twice, DesiredUser(email="user1@example.org"))
    assert codes(made) == ["identity_conflict", "identity_conflict", "incomplete"]


def test_deactivations_come_last_of_all() -> None:
    made = plan(
        desired_user(1, state="absent"),
        moved(2, "free@example.org"),
        desired_user(9, email="user2@example.org"),
    )
    assert in_waves(made) == [[1], [2], [0]]


def test_an_absent_user_frees_no_address() -> None:
    # Addresses are unique among active and deactivated users alike (choice 16).
    made = plan(desired_user(1, state="absent"), desired_user(9, email="user1@example.org"))
    assert set(codes(made)) == {"identity_conflict"}


def test_another_case_of_the_same_address_takes_nothing() -> None:
    made = plan(desired_user(1, email="USER1@example.org"), desired_user(2, admin=True))
    assert in_waves(made) == [[1]]
    assert made.changes[1].waits_for == frozenset()


def test_a_long_chain_needs_no_deep_stack() -> None:
    length = 3000
    store = tuple(current_user(number) for number in range(1, length + 1))
    made = plan(*(moved(number, number + 1) for number in range(1, length + 1)), store=store)
    assert len(in_waves(made)) == length
