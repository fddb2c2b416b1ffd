# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one desired user differs from the current one. Pure functions.

An option that the task leaves out is unmanaged: it is never a difference, and what is sent for it
is the current value, so that it stays whether the API replaces a record or merges into it
(choice 9).
"""

from __future__ import annotations

from typing import Any

from ..current.user import CurrentUser, HeldPlan
from ..desired.user import DesiredUser, address_key

RIGHTS = ("admin", "plan_admin", "only_sees_readable")


def different_attributes(desired: DesiredUser, current: CurrentUser) -> dict[str, Any]:
    """The attributes to change, by name, with the value wanted (``sessions_limit`` 0: no limit)."""
    different: dict[str, Any] = {}
    if desired.email is not None and address_key(desired.email) != address_key(current.email):
        different["email"] = desired.email
    if (
        desired.external_id is not None
        and current.tells_external_id
        and desired.external_id != current.external_id
    ):
        different["external_id"] = desired.external_id
    if desired.sessions_limit not in (None, current.sessions_limit or 0):
        different["sessions_limit"] = desired.sessions_limit
    for name in RIGHTS:
        wanted = getattr(desired, name)
        if wanted is not None and wanted != getattr(current, name):
            different[name] = wanted
    return different


def holds_plan(desired: DesiredUser, current: CurrentUser, today: str) -> bool | None:
    """Whether the user holds the desired plan, with the desired end date if one is given.

    :param today: the date in UTC as ``YYYY-MM-DD``; a plan that ended before is held no more.
    :returns: None where the store does not tell which plans the user holds (choice 11).
    """
    if current.plans is None:
        return None
    return any(_is_held(plan, desired, today) for plan in current.plans)


def _is_held(plan: HeldPlan, desired: DesiredUser, today: str) -> bool:
    if plan.plan_id != desired.plan_id or plan.cancelled:
        return False
    if desired.plan_valid_to is not None:
        return desired.plan_valid_to in plan.end_days
    return not plan.end_days or max(plan.end_days) >= today
