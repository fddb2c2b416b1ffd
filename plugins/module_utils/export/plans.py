# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a user's plans a row of a list declares. Pure functions.

A row has one plan. The others stay as they are when the row is provisioned, since a plan that no
row names is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..current.user import HeldPlan

# Sorts behind every date: a plan without an end lasts longest.
_NO_END = "9999-99-99"


def plans_held(plans: Sequence[HeldPlan], today: str) -> list[HeldPlan]:
    """The plans that a user holds today, the one that lasts longest first.

    Cancelled plans and those that ended are held no more.

    :param today: the date in UTC as ``YYYY-MM-DD``.
    """
    held = [plan for plan in plans if plan.plan_id and not plan.cancelled]
    current = [plan for plan in held if not plan.end_days or max(plan.end_days) >= today]
    by_id = sorted(current, key=lambda plan: (plan.plan_id or 0, plan.valid_from or ""))
    return sorted(by_id, key=lambda plan: last_day(plan) or _NO_END, reverse=True)


def last_day(plan: HeldPlan) -> str | None:
    """The last day of a plan, as ``YYYY-MM-DD``; None for a plan without an end.

    Where the store tells a time, ``end_days`` has its day in UTC and perhaps the day before or
    after: that of the time zone it was told in, or whose turn of the day it is. That one is meant
    then. Provisioning takes any of them for the same end.
    """
    if not plan.end_days:
        return None
    in_utc = (plan.valid_to or "")[:10]
    elsewhere = sorted(plan.end_days - {in_utc})
    return elsewhere[0] if elsewhere else in_utc


def plan_in_words(plan: HeldPlan) -> str:
    """A plan as a comment names it; nothing in it was chosen by somebody at the store."""
    day = last_day(plan)
    return f"plan {plan.plan_id} until {day}" if day else f"plan {plan.plan_id} without an end"
