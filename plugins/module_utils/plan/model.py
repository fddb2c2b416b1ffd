# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that only ends a user's sessions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import PublicaError
from ..input.options import DesiredUser
from ..store.user import CurrentUser

CREATE = "create"
UPDATE = "update"
SET_PASSWORD = "set_password"  # the name of an action, no password
ASSIGN_PLAN = "assign_plan"
REACTIVATE = "reactivate"
DEACTIVATE = "deactivate"
FORCE_LOGOUT = "force_logout"

# The key of a summary that counts a user to whom an action was applied.
OUTCOME_OF_ACTION = {
    CREATE: "created",
    UPDATE: "updated",
    SET_PASSWORD: "updated",
    ASSIGN_PLAN: "updated",
    REACTIVATE: "reactivated",
    DEACTIVATE: "deactivated",
}


def outcomes_of(actions: Iterable[str]) -> set[str]:
    """Outcomes of a user to whom these actions were applied, as keys of a summary."""
    return {OUTCOME_OF_ACTION[action] for action in actions if action in OUTCOME_OF_ACTION}


SECRET_FIELDS = ("new_password",)


@dataclass(frozen=True)
class Step:
    """One request that writes.

    :ivar endpoint: ``create``, ``update``, ``reactivate``, ``deactivate`` or ``force_logout``.
    :ivar actions: what the request does, in the words of a result: one update may write
        attributes, set a password and assign a plan.
    :ivar body: what is sent; its password is the one secret in a plan.
    :ivar generates_password: whoever applies the step adds a random password to the body, since a
        plan is a pure function of what was given.
    :ivar identifier: whom a forced logout names, where that is not the id of the current user.
    :ivar may_fail: the steps after it are carried out even where it failed.
    """

    endpoint: str
    actions: tuple[str, ...]
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    generates_password: bool = False
    identifier: int | str | None = None
    may_fail: bool = False

    def for_hash(self) -> list[Any]:
        """The step without its secrets, whose presence still counts."""
        body = {key: value for key, value in self.body.items() if key not in SECRET_FIELDS}
        body["secrets"] = [key for key in SECRET_FIELDS if key in self.body]
        body["generates_password"] = self.generates_password
        return [self.endpoint, list(self.actions), body]


def as_reported(actions: Iterable[str]) -> list[str]:
    """Actions in the order of a result: as carried out, with a forced logout as the last.

    Whoever is deactivated is logged out before: after it, a store may not find him any more.
    """
    return sorted(actions, key=lambda action: action == FORCE_LOGOUT)


@dataclass(frozen=True)
class Warned:
    """Something about one user that the operator should know.

    ``text`` is the same for everybody whom it concerns, so that a thousand of them make one line.
    """

    label: str
    text: str


@dataclass(frozen=True)
class UserPlan:
    """The plan for one desired user.

    :ivar index: the place of the desired user in the input.
    :ivar current: the user at the store; None where there is none yet.
    :ivar steps: the requests to send, in order; empty where nothing differs.
    :ivar after: the user in normal form once the steps are done; None where there is none.
    :ivar waits_for: indexes whose steps must be done before, since they free the address that
        this one takes.
    :ivar error: why nothing can be done for this user; the steps are then empty.
    :ivar listed: the input names this user; where it does not, the plan is to remove him.
    """

    index: int
    desired: DesiredUser
    current: CurrentUser | None = None
    steps: tuple[Step, ...] = ()
    after: CurrentUser | None = None
    waits_for: frozenset[int] = frozenset()
    warnings: tuple[Warned, ...] = ()
    error: PublicaError | None = None
    listed: bool = True

    @property
    def actions(self) -> list[str]:
        """What the steps do, in the order in which it is told."""
        return as_reported(action for step in self.steps for action in step.actions)

    def for_hash(self) -> list[Any]:
        """Whom the plan is for: also by the address, which is what a person has reviewed."""
        if self.current is None:
            return [None, self.desired.label]
        return [self.current.id, self.current.email]

    @property
    def deactivates(self) -> bool:
        return any(step.endpoint == DEACTIVATE for step in self.steps)


@dataclass(frozen=True)
class Plan:
    """The plan for all desired users, in the order of the input; removals come after them."""

    users: Sequence[UserPlan]

    @property
    def requests(self) -> int:
        """How many requests applying the plan takes, if each is answered at the first attempt."""
        return sum(len(user.steps) for user in self.users)

    def minutes(self, requests_a_minute: int | None, share: int) -> int:
        """Minutes that the requests take at least at the store's limit; 0 where it has none."""
        if not requests_a_minute or not self.requests:
            return 0
        usable = max(1, requests_a_minute * share // 100)
        return -(-self.requests // usable) - 1

    @property
    def hash(self) -> str:
        """A name for exactly this plan: equal plans for equal stores have equal hashes."""
        told = [[*user.for_hash(), step.for_hash()] for user in self.users for step in user.steps]
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def plan_logout(desired: DesiredUser, current: CurrentUser | None, identifier: int | str) -> Plan:
    """A plan with the one step that ends the sessions of ``identifier`` (an id or external id)."""
    step = Step(FORCE_LOGOUT, (FORCE_LOGOUT,), identifier=identifier)
    return Plan([UserPlan(0, desired, current, (step,), after=current)])
