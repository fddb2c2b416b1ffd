# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of every plan, for generated desired and current users."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import UPDATE, Plan
from ansible_collections.publica.la.plugins.module_utils.plan.ordering import stages
from ansible_collections.publica.la.plugins.module_utils.plan.planner import RIGHTS, plan_users
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    TODAY,
    held_plan,
)
from hypothesis import given
from hypothesis import strategies as st

# Few keys, so that desired and current users often match, conflict and swap.
ADDRESSES = st.sampled_from([f"{name}@example.org" for name in "abcdeABC"])
EXTERNAL_IDS = list("vwxyz")
plans = st.builds(
    held_plan,
    plan_id=st.integers(1, 3),
    valid_to=st.sampled_from([None, "2026-01-01", "2026-12-31", "2027-01-31"]),
    cancelled=st.booleans(),
)


@st.composite
def stores(draw: st.DrawFn) -> list[CurrentUser]:
    """The users of one store, with unique keys; external ids may be hidden."""
    returned = draw(st.booleans())
    addresses = draw(st.lists(ADDRESSES, unique_by=str.lower, max_size=4))
    external_ids = draw(st.permutations(EXTERNAL_IDS))
    return [
        CurrentUser(
            id=number + 1,
            email=address,
            active=draw(st.booleans()),
            external_id=external_ids[number] if returned else None,
            returns_external_id=returned,
            sessions_limit=draw(st.none() | st.integers(1, 3)),
            plans=draw(st.none() | st.lists(plans, max_size=2).map(tuple)),
            admin=draw(st.booleans()),
            plan_admin=draw(st.booleans()),
            only_sees_readable=draw(st.booleans()),
        )
        for number, address in enumerate(addresses)
    ]


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def key(name: str) -> Callable[[DesiredUser], object]:
    """A key for ``unique_by``: the input refuses two rows with the same key; None is no key."""

    def key_of(user: DesiredUser) -> object:
        value = getattr(user, name)
        return object() if value is None else str(value).lower()

    return key_of


desired_lists = st.lists(
    st.builds(
        DesiredUser,
        email=optional(ADDRESSES),
        external_id=st.sampled_from(EXTERNAL_IDS),
        id=optional(st.integers(1, 4)),
        state=st.sampled_from(["present", "active", "absent"]),
        password=optional(st.just(PASSWORD)),
        sessions_limit=optional(st.integers(0, 3)),
        plan_id=optional(st.integers(1, 3)),
        plan_valid_to=optional(st.sampled_from(["2026-12-31", "2027-01-31"])),
        admin=optional(st.booleans()),
        plan_admin=optional(st.booleans()),
        only_sees_readable=optional(st.booleans()),
        force_logout=st.booleans(),
    ),
    max_size=4,
    unique_by=(key("email"), key("external_id"), key("id")),
)


def plan(desired: list[DesiredUser], store: list[CurrentUser]) -> Plan:
    return plan_users(desired, UserIndex(store), TODAY)


def applied(made: Plan, store: list[CurrentUser]) -> list[CurrentUser]:
    """The store after the plan, as the plan itself predicts it."""
    users = {user.id: user for user in store}
    returned = all(user.returns_external_id for user in store)
    for change in made.changes:
        if change.after is not None and change.error is None:
            new_id = change.after.id if change.current is not None else 100 + change.position
            external_id = change.after.external_id if returned else None
            users[new_id] = replace(
                change.after, id=new_id, external_id=external_id, returns_external_id=returned
            )
    return list(users.values())


@given(desired_lists, stores())
def test_planning_is_a_pure_function(desired: list[DesiredUser], store: list[CurrentUser]) -> None:
    before = copy.deepcopy((desired, store))
    first, second = plan(desired, store), plan(desired, store)
    assert (desired, store) == before
    assert first.hash == second.hash
    for one, other in zip(first.changes, second.changes):
        assert (one.steps, str(one.error)) == (other.steps, str(other.error))


@given(desired_lists, stores())
def test_every_desired_user_has_a_change_with_either_steps_or_an_error(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    made = plan(desired, store)
    assert [change.desired for change in made.changes] == desired
    assert not any(change.error and change.steps for change in made.changes)


@given(desired_lists, stores())
def test_a_second_plan_has_no_steps(desired: list[DesiredUser], store: list[CurrentUser]) -> None:
    made = plan(desired, store)
    again = plan(desired, applied(made, store))
    for first, second in zip(made.changes, again.changes):
        # After an error, the store or the list has to be corrected first.
        assert first.error is not None or second.actions == []
    if not any(change.error for change in made.changes):
        assert [str(change.error) for change in again.changes if change.error] == []


@given(desired_lists, stores())
def test_unmanaged_values_are_sent_unchanged(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    for change in plan(desired, store).changes:
        for step in change.steps:
            if step.endpoint != UPDATE:
                continue
            assert change.current is not None
            for name in ("email", "sessions_limit", *RIGHTS):
                if getattr(change.desired, name) is None:
                    assert step.body[name] == getattr(change.current, name)


@given(desired_lists, stores())
def test_every_change_with_steps_is_in_one_stage_after_those_that_it_waits_for(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    made = plan(desired, store)
    seen: list[int] = []
    for stage in stages(made.changes):
        for change in stage:
            assert change.waits_for is None or change.waits_for in seen
        seen.extend(change.position for change in stage)
    assert sorted(seen) == [change.position for change in made.changes if change.steps]


@given(desired_lists, stores())
def test_no_two_users_have_the_same_address_at_any_time(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    held = {user.id: user.email.lower() for user in store}
    for stage in stages(plan(desired, store).changes):
        for change in stage:
            for step in change.steps:
                if "email" in step.body:
                    number = change.current.id if change.current else 100 + change.position
                    held[number] = step.body["email"].lower()
        assert len(set(held.values())) == len(held)
