# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run: for each desired user the requests that write, their order and a hash.

A change that frees an address goes before the one that takes it. Users who swap their addresses are
refused: in between, one of them would need an address that the plan does not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import PublicaError
from ..input.options import DesiredUser, address_key
from ..store.user import CurrentUser, UserIndex
from .matching import describe
from .warnings import LabelledWarning

CREATE = "create"
UPDATE = "update"
SET_PASSWORD = "set_password"  # the name of an action, not a password
ASSIGN_PLAN = "assign_plan"
REACTIVATE = "reactivate"
DEACTIVATE = "deactivate"
FORCE_LOGOUT = "force_logout"

# The key of the summary that counts the users of an action.
OUTCOME_OF_ACTION = {
    CREATE: "created",
    UPDATE: "updated",
    SET_PASSWORD: "updated",
    ASSIGN_PLAN: "updated",
    REACTIVATE: "reactivated",
    DEACTIVATE: "deactivated",
}

SECRET_FIELDS = ("new_password",)


def outcomes_of(actions: Iterable[str]) -> set[str]:
    """The outcomes of a user after these actions, as keys of a summary."""
    return {OUTCOME_OF_ACTION[action] for action in actions if action in OUTCOME_OF_ACTION}


def as_reported(actions: Iterable[str]) -> list[str]:
    """Actions in the order of a result: as applied, but a forced logout comes last.

    A user is logged out before the deactivation, since a store may not find a deactivated user.
    """
    return sorted(actions, key=lambda action: action == FORCE_LOGOUT)


@dataclass(frozen=True)
class Step:
    """One request that writes.

    :ivar endpoint: ``create``, ``update``, ``reactivate``, ``deactivate`` or ``force_logout``.
    :ivar actions: what the request does, as in a result: one update may write attributes, set a
        password and assign a plan.
    :ivar body: what is sent. Its password is the only secret in a plan.
    :ivar generates_password: add a random password when the step is applied, since a plan depends
        on its input alone.
    :ivar identifier: the id or external id of a forced logout; None for the id of the user.
    :ivar may_fail: apply the steps after this one even if it fails.
    """

    endpoint: str
    actions: tuple[str, ...]
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    generates_password: bool = False
    identifier: int | str | None = None
    may_fail: bool = False

    def for_hash(self) -> list[Any]:
        """The step without its secrets; that it has secrets is part of the hash."""
        body = {key: value for key, value in self.body.items() if key not in SECRET_FIELDS}
        body["secrets"] = [key for key in SECRET_FIELDS if key in self.body]
        body["generates_password"] = self.generates_password
        return [self.endpoint, list(self.actions), body]


@dataclass(frozen=True)
class UserChange:
    """What the plan does for one user.

    :ivar position: of the user in the input, from 0; removals come after it.
    :ivar current: the user at the store; None if there is none yet.
    :ivar after: the user after the steps; None if there is none.
    :ivar waits_for: the position of the change that frees the address that this one takes, and so
        goes before.
    :ivar error: why nothing can be done for this user; then there are no steps.
    :ivar listed: False for a user who is removed because the input does not list them.
    :ivar compared: False for a user who was not read, since a record shows that the last run
        brought the user to the same desired state.
    """

    position: int
    desired: DesiredUser
    current: CurrentUser | None = None
    steps: tuple[Step, ...] = ()
    after: CurrentUser | None = None
    waits_for: int | None = None
    warnings: tuple[LabelledWarning, ...] = ()
    error: PublicaError | None = None
    listed: bool = True
    compared: bool = True

    @property
    def actions(self) -> list[str]:
        return as_reported(action for step in self.steps for action in step.actions)

    @property
    def deactivates(self) -> bool:
        return any(step.endpoint == DEACTIVATE for step in self.steps)


@dataclass(frozen=True)
class Plan:
    """The changes of a run: for each desired user in the order of the input, then the removals."""

    changes: Sequence[UserChange]

    @property
    def requests(self) -> int:
        """Number of requests that applying the plan takes without retries."""
        return sum(len(change.steps) for change in self.changes)

    def minutes(self, requests_a_minute: int | None, share: int) -> int:
        """Minimum number of minutes at the store's rate limit; 0 without a limit.

        :param share: the percentage of the limit that the run may use.
        """
        if not requests_a_minute or not self.requests:
            return 0
        usable = max(1, requests_a_minute * share // 100)
        return -(-self.requests // usable) - 1

    @property
    def hash(self) -> str:
        """Equal for equal plans for equal stores."""
        content: list[Any] = []
        for change in self.changes:
            current = change.current
            # With the address, which is what a reviewer has read.
            user = [current.id, current.email] if current else [None, change.desired.label]
            content += [[*user, step.for_hash()] for step in change.steps]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


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
        address_key(change.current.email): change.position
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
        by_position[position] = replace(by_position[position], waits_for=other)
    for position, error in refused.items():
        change = by_position[position]
        by_position[position] = replace(
            change, steps=(), after=change.current, waits_for=None, error=error
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
            if change.current is None or address != address_key(change.current.email):
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
