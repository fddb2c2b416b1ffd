# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every desired and current user, whichever they are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import UPDATE, Plan
from ansible_collections.publica.la.plugins.module_utils.plan.ordering import stages
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import TODAY, held_plan
from hypothesis import given
from hypothesis import strategies as st

RIGHTS = ("admin", "plan_admin", "only_sees_readable")
DATES = st.sampled_from(["2026-01-01", "2026-12-31", "2027-01-31"])
# Few keys, so that desired and current users often meet, conflict and swap.
ADDRESSES = st.sampled_from([f"{name}@example.org" for name in "abcdeABC"])
EXTERNAL_IDS = st.sampled_from(list("vwxyz"))

plans = st.builds(
    held_plan,
    plan_id=st.integers(1, 3),
    valid_to=st.none() | DATES,
    cancelled=st.booleans(),
)


@st.composite
def stores(draw: st.DrawFn) -> list[CurrentUser]:
    """The users of one store: unique keys, and reads that tell external ids or do not."""
    tells = draw(st.booleans())
    addresses = draw(st.lists(ADDRESSES, unique_by=str.lower, max_size=4))
    external_ids = draw(st.permutations(list("vwxyz")))
    return [
        CurrentUser(
            id=number + 1,
            email=address,
            active=draw(st.booleans()),
            external_id=external_ids[number] if tells else None,
            returns_external_id=tells,
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


wishes = st.builds(
    DesiredUser,
    email=optional(ADDRESSES),
    external_id=EXTERNAL_IDS,
    id=optional(st.integers(1, 4)),
    state=st.sampled_from(["present", "active", "absent"]),
    password=optional(st.just("Correct-Horse-9")),
    sessions_limit=optional(st.integers(0, 3)),
    plan_id=optional(st.integers(1, 3)),
    plan_valid_to=optional(st.sampled_from(["2026-12-31", "2027-01-31"])),
    admin=optional(st.booleans()),
    plan_admin=optional(st.booleans()),
    only_sees_readable=optional(st.booleans()),
    force_logout=st.booleans(),
)


def key(name: str) -> Callable[[DesiredUser], object]:
    """A key for ``unique_by``: ``desired`` refuses two rows with the same, but none is no key."""

    def key_of(wish: DesiredUser) -> object:
        value = getattr(wish, name)
        return object() if value is None else str(value).lower()

    return key_of


many_wishes = st.lists(wishes, max_size=4, unique_by=(key("email"), key("external_id"), key("id")))


def plan(desired: list[DesiredUser], store: list[CurrentUser]) -> Plan:
    return plan_users(desired, UserIndex(store), TODAY)


def applied(made: Plan, store: list[CurrentUser]) -> list[CurrentUser]:
    """The store once the plan is carried out, as the plan itself predicts it."""
    users = {user.id: user for user in store}
    tells = all(user.returns_external_id for user in store)
    for user in made.changes:
        if user.after is not None and user.error is None:
            new_id = user.after.id if user.current is not None else 100 + user.index
            external_id = user.after.external_id if tells else None
            users[new_id] = replace(
                user.after, id=new_id, external_id=external_id, returns_external_id=tells
            )
    return list(users.values())


@given(many_wishes, stores())
def test_planning_is_a_pure_function(desired: list[DesiredUser], store: list[CurrentUser]) -> None:
    before = copy.deepcopy((desired, store))
    first, second = plan(desired, store), plan(desired, store)
    assert (desired, store) == before
    assert first.hash == second.hash
    assert [user.steps for user in first.changes] == [user.steps for user in second.changes]
    assert [str(user.error) for user in first.changes] == [
        str(user.error) for user in second.changes
    ]


@given(many_wishes, stores())
def test_every_desired_user_has_either_a_plan_or_an_error(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    made = plan(desired, store)
    assert [user.desired for user in made.changes] == desired
    assert not any(user.error and user.steps for user in made.changes)


@given(many_wishes, stores())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    made = plan(desired, store)
    again = plan(desired, applied(made, store))
    for first, second in zip(made.changes, again.changes):
        # An error says itself that somebody has to change the store or the list first.
        assert first.error is not None or second.actions == []
    if not any(user.error for user in made.changes):
        assert [str(user.error) for user in again.changes if user.error] == []


@given(many_wishes, stores())
def test_what_is_unmanaged_is_sent_as_it_is(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    for user in plan(desired, store).changes:
        for step in user.steps:
            if step.endpoint != UPDATE:
                continue
            assert user.current is not None
            for name in ("email", "sessions_limit", *RIGHTS):
                if getattr(user.desired, name) is None:
                    assert step.body[name] == getattr(user.current, name)


@given(many_wishes, stores())
def test_everybody_with_steps_is_in_one_wave_behind_those_waited_for(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    made = plan(desired, store)
    seen: list[int] = []
    for stage in stages(made.changes):
        for user in stage:
            assert user.waits_for <= set(seen)
        seen.extend(user.index for user in stage)
    assert sorted(seen) == [user.index for user in made.changes if user.steps]


@given(many_wishes, stores())
def test_no_two_users_hold_one_address_at_any_time(
    desired: list[DesiredUser], store: list[CurrentUser]
) -> None:
    """The store would refuse the second, so the order of the waves must never bring it about."""
    held = {user.id: user.email.lower() for user in store}
    for stage in stages(plan(desired, store).changes):
        for user in stage:
            for step in user.steps:
                if "email" in step.body:
                    number = user.current.id if user.current else 100 + user.index
                    held[number] = step.body["email"].lower()
        assert len(set(held.values())) == len(held)
