# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that only ends a user's sessions."""

from __future__ import annotations

from ..current.user import CurrentUser
from ..desired.user import DesiredUser
from .operations import FORCE_LOGOUT, Plan, Step, UserPlan


def plan_logout(desired: DesiredUser, current: CurrentUser | None, identifier: int | str) -> Plan:
    """A plan with the one step that ends the sessions of ``identifier`` (an id or external id)."""
    step = Step(FORCE_LOGOUT, (FORCE_LOGOUT,), identifier=identifier)
    return Plan([UserPlan(0, desired, current, (step,), after=current)])
