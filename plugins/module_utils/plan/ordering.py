# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Order between changes: one that frees an address goes before the one that takes it.

Pure functions. Users who swap their addresses are refused: in between, one of them would need an
address that the plan does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import PublicaError
from ..input.options import address_key
from ..store.user import UserIndex
from .matching import describe
from .model import CREATE, UPDATE, UserChange


def with_order(changes: Sequence[UserChange], index: UserIndex) -> list[UserChange]:
    """The changes with ``waits_for``, and an error in those whose address does not become free."""
    new_addresses = {
        change.position: address
        for change in changes
        if (address := _new_address(change)) is not None
    }
    if not new_addresses:
        return list(changes)
    freed_by = {
        change.current.address: change.position
        for change in changes
        if change.position in new_addresses and change.current is not None
    }
    waits_for = {
        position: freed_by[address]
        for position, address in new_addresses.items()
        if address in freed_by and freed_by[address] != position
    }
    by_position = {change.position: change for change in changes}
    refused = _refuse_cycles(waits_for, by_position)
    waits_for = {
        position: other for position, other in waits_for.items() if position not in refused
    }
    depths = _depths(waits_for)
    # In the order of the chains, so that a refusal reaches every change that depends on it.
    for position in sorted(new_addresses, key=lambda position: depths.get(position, 0)):
        holder = index.by_address.get(new_addresses[position])
        change = by_position[position]
        current = change.current
        if position in refused or holder is None or (current and holder.id == current.id):
            continue
        other = waits_for.get(position)
        if other is None or other in refused:
            new = f"The new user with external_id {change.desired.external_id}"
            refused[position] = PublicaError(
                "address_taken",
                f"{describe(current) if current else new} can't get the address "
                f"{new_addresses[position]}: {describe(holder)} has it and keeps it in this run.",
            )
    for position, other in waits_for.items():
        by_position[position] = by_position[position]._replace(waits_for=other)
    for position, error in refused.items():
        change = by_position[position]
        by_position[position] = change._replace(
            steps=(), after=change.current, waits_for=None, error=error
        )
    return list(by_position.values())


def stages(changes: Sequence[UserChange]) -> list[list[UserChange]]:
    """The changes in the groups in which to apply them; each waits only for earlier groups.

    Deactivations come last: if a run is cut short, a user may keep access for longer, but no user
    loses it without a replacement.
    """
    depths = _depths(
        {change.position: change.waits_for for change in changes if change.waits_for is not None}
    )
    last = len(changes) + 1
    groups: dict[int, list[UserChange]] = {}
    for change in changes:
        if change.steps:
            level = last if change.deactivates else depths.get(change.position, 0)
            groups.setdefault(level, []).append(change)
    return [groups[level] for level in sorted(groups)]


def _new_address(change: UserChange) -> str | None:
    """The address that a change gives to a user who does not have it yet."""
    for step in change.steps:
        if step.endpoint in (CREATE, UPDATE):
            address = address_key(step.body["email"])
            if change.current is None or address != change.current.address:
                return address
    return None


def _refuse_cycles(
    waits_for: Mapping[int, int], by_position: Mapping[int, UserChange]
) -> dict[int, PublicaError]:
    """An error for each change in a cycle; a change waits for at most one other."""
    refused: dict[int, PublicaError] = {}
    visited: set[int] = set()
    for first in waits_for:
        path: list[int] = []
        position: int | None = first
        while position is not None and position not in visited:
            visited.add(position)
            path.append(position)
            position = waits_for.get(position)
        if position in path:
            cycle = sorted(path[path.index(position) :])
            names = ", ".join(
                f"#{member} ({by_position[member].desired.label})" for member in cycle
            )
            error = PublicaError(
                "address_swap",
                f"{names} take each other's addresses, which the store can't do in one step. "
                "Give one of them another address first, and the final one in a second run.",
            )
            refused.update((member, error) for member in cycle)
    return refused


def _depths(waits_for: Mapping[int, int]) -> dict[int, int]:
    """How many changes must be applied before each one that waits; there are no cycles."""
    depths: dict[int, int] = {}
    for position in waits_for:
        path = []
        while position in waits_for and position not in depths:
            path.append(position)
            position = waits_for[position]
        for member in reversed(path):
            depths[member] = depths.get(waits_for[member], 0) + 1
    return depths
