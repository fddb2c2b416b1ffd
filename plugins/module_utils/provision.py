# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of the data: desired users, current users, plan, applied, result."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .apply.executor import CONTINUE, AppliedUser, Guarded, apply_guarded, apply_plan
from .client.api import UsersApi
from .errors import NotFoundError, PublicaError
from .input.options import DesiredUser
from .input.policy import LEAVES_ALONE, RemovalPolicy
from .plan.model import Plan, plan_logout
from .plan.planner import plan_users
from .plan.removals import NO_REMOVALS, GuardViolation, Removals, check_guards, plan_removals
from .progress import NO_PROGRESS, Progress
from .store.snapshot import ACTIVE, AUTO, Snapshot, UserFilter, find_users, read_current
from .store.user import CurrentUser


def end_sessions(api: UsersApi, desired: DesiredUser) -> AppliedUser:
    """End the sessions of the user with the given key, or in check mode tell that it would.

    An id is sent as it is. So is an external id, which the endpoint takes as well, unless it
    consists of digits (it could be another user's id) or holds what means something else in a
    path (``..`` or a slash): then the user is looked for, and the id sent.

    :raises NotFoundError: nobody has the key.
    """
    current: CurrentUser | None = None
    external_id = desired.external_id
    identifier: int | str
    if desired.id is not None:
        identifier = desired.id
    elif external_id is not None and _fits_into_path(external_id):
        identifier = external_id
    else:
        found = find_users(api, UserFilter(desired.email, external_id, status=ACTIVE))
        if not found:
            raise NotFoundError(
                "not_found", f"No active user of the store has {desired.label}. Correct the key."
            )
        current = found[0]
        identifier = current.id
    plan = plan_logout(desired, current, identifier)
    applied = apply_plan(plan, api, today="")[0]
    if isinstance(applied.error, NotFoundError):
        raise PublicaError(
            "not_found",
            f"The store ends no sessions of {desired.label}: it knows no active user by this key.",
            method=applied.error.method,
            path=applied.error.path,
            status=applied.error.status,
        )
    return applied


def _fits_into_path(external_id: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*", external_id)) and (
        not external_id.isdecimal()
    )


@dataclass(frozen=True)
class Provisioned:
    """A plan, what a guard said of it, and what was done of it.

    ``applied`` has each desired user in the order of the input, then the removals. ``foretold``
    says that nothing was done, since it was a dry run; ``today`` is the day of the run in UTC.
    """

    current: Snapshot
    today: str
    dry_run: bool
    plan: Plan
    policy: RemovalPolicy
    removals: Removals
    violation: GuardViolation | None
    guarded: Guarded

    @property
    def applied(self) -> Sequence[AppliedUser]:
        return self.guarded.applied


def provision(
    api: UsersApi,
    desired: Sequence[DesiredUser],
    *,
    lookup: str = AUTO,
    workers: int = 1,
    on_error: str = CONTINUE,
    policy: RemovalPolicy = LEAVES_ALONE,
    progress: Progress = NO_PROGRESS,
    count_seats: bool = False,
) -> Provisioned:
    """Bring the users of a store to the desired state, or in check mode tell what that takes.

    :param count_seats: read the store's lists to their end, so that all seats can be counted.
    """
    today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    progress.reading()
    current = read_current(
        api,
        desired,
        lookup,
        workers,
        progress,
        all_users=policy.exclusive or count_seats,
        deactivated_too=count_seats,
    )
    plan = plan_users(desired, current.index, today)
    removals = NO_REMOVALS
    if policy.exclusive:
        removals = plan_removals(desired, current.active, policy)
        plan = Plan([*plan.users, *removals.plans])
    violation = check_guards(plan, policy, active=removals.active, complete=current.complete)
    guarded = apply_guarded(
        plan,
        violation,
        api,
        skips_removals=policy.skips_removals,
        today=today,
        workers=workers,
        on_error=on_error,
        progress=progress,
    )
    progress.finishing()
    dry_run = api.transport.read_only
    return Provisioned(current, today, dry_run, plan, policy, removals, violation, guarded)
