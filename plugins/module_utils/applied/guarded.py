# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan as far as a guard's verdict on it allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..plan.guards import Verdict, without_removals
from ..plan.operations import Plan, UserPlan
from ..transport.errors import PublicaError
from ..transport.users_api import UsersApi
from .executor import NOT_TRIED, AppliedUser, apply_plan, foresee

# What came of a verdict: nothing was done, the removals were left out, or a dry run told of it.
REFUSED, SKIPPED, FORETOLD = "refused", "skipped", "foretold"


class Guarded(NamedTuple):
    """What was done of a plan.

    ``shown`` is what there is to compare before and after: the same, or where nothing was done what
    was planned. ``consequence`` is what a guard's verdict came to; None where there was none.
    """

    applied: Sequence[AppliedUser]
    shown: Sequence[AppliedUser]
    consequence: str | None = None


def apply_guarded(
    plan: Plan, verdict: Verdict | None, api: UsersApi, *, skips_removals: bool, **options: Any
) -> Guarded:
    """Carry out what a verdict leaves of a plan.

    A dry run shows the whole plan whatever the verdict, since it is there to be reviewed.

    :param skips_removals: a verdict costs only the removals, not everything.
    :param options: for :func:`apply_plan`.
    """
    consequence = None
    if verdict is not None:
        if not api.transport.read_only and not skips_removals:
            return Guarded([_refused(user, verdict) for user in plan.users], foresee(plan), REFUSED)
        consequence = FORETOLD if api.transport.read_only else SKIPPED
    to_apply = without_removals(plan) if consequence == SKIPPED else plan
    applied = apply_plan(to_apply, api, **options)
    return Guarded(applied, applied, consequence)


def _refused(plan: UserPlan, verdict: Verdict) -> AppliedUser:
    if not plan.steps:
        return AppliedUser(plan, plan.current, (), plan.warnings, plan.error)
    text = f"Not tried, since a guard refused the whole plan ({verdict.code})."
    return AppliedUser(plan, plan.current, error=PublicaError(NOT_TRIED, text))
