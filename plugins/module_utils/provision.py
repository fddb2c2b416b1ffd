# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of the data: desired users, current users, plan, applied, result."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from .applied.executor import CONTINUE, AppliedUser
from .applied.guarded import Guarded, apply_guarded
from .current.snapshot import AUTO, Snapshot, read_current
from .desired.removal_options import LEAVES_ALONE, RemovalPolicy
from .desired.user import DesiredUser
from .plan.guards import Verdict, judge
from .plan.operations import Plan
from .plan.planner import plan_users
from .plan.removals import NO_REMOVALS, Removals, plan_removals
from .progress.progress import NO_PROGRESS, Progress
from .transport.users_api import UsersApi


@dataclass(frozen=True)
class Provisioned:
    """A plan, what a guard said of it, and what was done of it.

    ``applied`` has each desired user in the order of the input, then the removals. ``foretold``
    says that nothing was done, since it was a dry run; ``today`` is the day of the run in UTC.
    """

    current: Snapshot
    today: str
    foretold: bool
    plan: Plan
    policy: RemovalPolicy
    removals: Removals
    verdict: Verdict | None
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
        everybody=policy.exclusive or count_seats,
        deactivated_too=count_seats,
    )
    plan = plan_users(desired, current.index, today)
    removals = NO_REMOVALS
    if policy.exclusive:
        removals = plan_removals(desired, current.active, policy)
        plan = Plan([*plan.users, *removals.plans])
    verdict = judge(plan, policy, active=removals.active, whole=current.whole)
    guarded = apply_guarded(
        plan,
        verdict,
        api,
        skips_removals=policy.skips_removals,
        today=today,
        workers=workers,
        on_error=on_error,
        progress=progress,
    )
    progress.finishing()
    foretold = api.transport.read_only
    return Provisioned(current, today, foretold, plan, policy, removals, verdict, guarded)
