# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run: for each desired user the requests that write, their order and a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import PublicaError
from ..input.options import DesiredUser
from ..store.user import CurrentUser
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
    :ivar generates_password: add a random password when the step is applied. It is not part of
        the plan, which depends on its input alone.
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
    :ivar steps: the requests to send, in order; empty if nothing differs.
    :ivar after: the user after the steps; None if there is none.
    :ivar waits_for: the positions of the changes to apply before, since they free the address that
        this one takes.
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
    waits_for: frozenset[int] = frozenset()
    warnings: tuple[LabelledWarning, ...] = ()
    error: PublicaError | None = None
    listed: bool = True
    compared: bool = True

    @property
    def actions(self) -> list[str]:
        """The actions of the steps, in the order of a result."""
        return as_reported(action for step in self.steps for action in step.actions)

    @property
    def deactivates(self) -> bool:
        return any(step.endpoint == DEACTIVATE for step in self.steps)

    def for_hash(self) -> list[Any]:
        """The user in the hash: with the address, which is what a reviewer has read."""
        if self.current is None:
            return [None, self.desired.label]
        return [self.current.id, self.current.email]


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
        return max(0, rate_limit_windows(self.requests, requests_a_minute, share) - 1)

    @property
    def hash(self) -> str:
        """Identifier of the plan: equal plans for equal stores have equal hashes."""
        content = [
            [*change.for_hash(), step.for_hash()]
            for change in self.changes
            for step in change.steps
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def rate_limit_windows(requests: int, requests_a_window: int | None, share: int) -> int:
    """The number of the rate limit's windows that requests take; 0 without a limit."""
    if not requests_a_window:
        return 0
    return -(-requests // max(1, requests_a_window * share // 100))
