# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of the data: desired users, current users, plan, applied, result."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from .applied.executor import CONTINUE, AppliedUser, apply_plan
from .current.snapshot import AUTO, read_current
from .desired.user import DesiredUser
from .plan.operations import Plan
from .plan.planner import plan_users
from .progress.progress import NO_PROGRESS, Progress
from .transport.users_api import UsersApi


@dataclass(frozen=True)
class Provisioned:
    """A plan, and what was done of it for each desired user, in the order of the input."""

    plan: Plan
    applied: Sequence[AppliedUser]


def provision(
    api: UsersApi,
    desired: Sequence[DesiredUser],
    *,
    lookup: str = AUTO,
    workers: int = 1,
    on_error: str = CONTINUE,
    progress: Progress = NO_PROGRESS,
) -> Provisioned:
    """Bring the users of a store to the desired state, or in check mode tell what that takes."""
    today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    progress.reading()
    current = read_current(api, desired, lookup, workers, progress)
    plan = plan_users(desired, current, today)
    applied = apply_plan(
        plan, api, today=today, workers=workers, on_error=on_error, progress=progress
    )
    progress.finishing()
    return Provisioned(plan, applied)
