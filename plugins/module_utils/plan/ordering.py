# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Order between users: what frees an address goes before what takes it. Pure functions.

A swap would need an address that belongs to nobody in between, which the plan does not invent: it
is refused, with the way out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import PublicaError
from ..input.options import address_key
from ..store.user import UserIndex
from .matching import describe
from .model import CREATE, UPDATE, UserPlan


def with_order(plans: Sequence[UserPlan], index: UserIndex) -> list[UserPlan]:
    """The plans with ``waits_for`` filled in, and an error in those that wait in vain."""
    takes = {plan.index: address for plan in plans if (address := _new_address(plan)) is not None}
    if not takes:
        return list(plans)
    givers = {
        address_key(plan.current.email): plan.index
        for plan in plans
        if plan.index in takes and plan.current is not None
    }
    waits_for = {
        taker: givers[address]
        for taker, address in takes.items()
        if address in givers and givers[address] != taker
    }
    by_index = {plan.index: plan for plan in plans}
    refused = _cycles(waits_for, by_index)
    waits_for = {
        taker: current_holder for taker, current_holder in waits_for.items() if taker not in refused
    }
    depths = _depths(waits_for)
    # In the order of the chains, so that a refusal reaches everybody behind it.
    for taker in sorted(takes, key=lambda number: depths.get(number, 0)):
        holder = index.by_address.get(takes[taker])
        current = by_index[taker].current
        if taker in refused or holder is None or (current and holder.id == current.id):
            continue
        current_holder = waits_for.get(taker)
        if current_holder is None or current_holder in refused:
            refused[taker] = PublicaError(
                "address_taken",
                f"{_who(by_index[taker])} cannot have the address {takes[taker]}: "
                f"{describe(holder)} has it and does not give it up in this run.",
            )
    return [
        replace(plan, steps=(), after=plan.current, error=refused[plan.index])
        if plan.index in refused
        else replace(plan, waits_for=frozenset((waits_for[plan.index],)))
        if plan.index in waits_for
        else plan
        for plan in plans
    ]


def _who(plan: UserPlan) -> str:
    """Who takes an address, named by what is not that address."""
    if plan.current is not None:
        return describe(plan.current)
    return f"The new user with external_id {plan.desired.external_id}"


def stages(plans: Sequence[UserPlan]) -> list[list[UserPlan]]:
    """The plans in the groups in which to apply them: each waits only for those before it.

    Deactivations come last of all: where a run breaks off, somebody too many may read for a
    while, and nobody too few.
    """
    waits_for = {plan.index: other for plan in plans for other in plan.waits_for}
    depths = _depths(waits_for)
    last = len(plans) + 1
    groups: dict[int, list[UserPlan]] = {}
    for plan in plans:
        if plan.steps:
            level = last if plan.deactivates else depths.get(plan.index, 0)
            groups.setdefault(level, []).append(plan)
    return [groups[level] for level in sorted(groups)]


def _new_address(plan: UserPlan) -> str | None:
    """The address that a plan takes and that the user does not have yet."""
    for step in plan.steps:
        if step.endpoint in (CREATE, UPDATE):
            address = address_key(step.body["email"])
            if plan.current is None or address != address_key(plan.current.email):
                return address
    return None


def _cycles(
    waits_for: Mapping[int, int], by_index: Mapping[int, UserPlan]
) -> dict[int, PublicaError]:
    """An error for each plan in a circle; each plan waits for one other at the most."""
    refused: dict[int, PublicaError] = {}
    walked: set[int] = set()
    for start in waits_for:
        path: list[int] = []
        number: int | None = start
        while number is not None and number not in walked:
            walked.add(number)
            path.append(number)
            number = waits_for.get(number)
        if number in path:
            circle = sorted(path[path.index(number) :])
            names = ", ".join(f"#{member} ({by_index[member].desired.label})" for member in circle)
            error = PublicaError(
                "address_swap",
                f"{names} take each other's addresses, which the store cannot do in one step. "
                "Give one of them another address first, and the final one in a second run.",
            )
            refused.update((member, error) for member in circle)
    return refused


def _depths(waits_for: Mapping[int, int]) -> dict[int, int]:
    """How many plans must be done before each that waits; nobody waits in a circle."""
    depths: dict[int, int] = {}
    for start in waits_for:
        path = []
        number = start
        while number in waits_for and number not in depths:
            path.append(number)
            number = waits_for[number]
        for member in reversed(path):
            depths[member] = depths.get(waits_for[member], 0) + 1
    return depths
