# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``--diff`` shows: of each user who changes, what is different before and after."""

from __future__ import annotations

from typing import Any

from ..applied.executor import AppliedUser
from ..current.user import CurrentUser, HeldPlan
from ..plan.operations import FORCE_LOGOUT, SET_PASSWORD

SHOWN = (
    "email",
    "external_id",
    "active",
    "admin",
    "plan_admin",
    "only_sees_readable",
    "sessions_limit",
)
NOT_SHOWN = "(set, not shown)"
# Behind the actions on a user whom ``exclusive`` deactivates.
NOT_LISTED = ": not in the list"


def diff_of(applied: AppliedUser) -> dict[str, Any] | None:
    """One user's difference in Ansible's form, or None where nothing changes.

    It compares the plan's before and after, as far as it was carried out.
    """
    if not applied.changed:
        return None
    before = _shown(applied.plan.current)
    after = _shown(applied.user)
    desired = applied.plan.desired
    if applied.plan.current is None:
        # Of a new user only what was asked for is told: the rest is the store's choice, which a
        # dry run cannot know.
        asked = {*(name for name in SHOWN if getattr(desired, name, None) is not None), "active"}
        asked |= {"plans"} if desired.plan_id is not None else set()
        after = {name: value for name, value in after.items() if name in asked}
    for name in [name for name in after if name in before and before[name] == after[name]]:
        del before[name], after[name]
    creates_password = applied.plan.current is None and (
        desired.password is not None or desired.generate_password
    )
    if creates_password or SET_PASSWORD in applied.actions:
        after["password"] = NOT_SHOWN
    if FORCE_LOGOUT in applied.actions:
        after["sessions"] = "ended"
    label = (applied.plan.current or applied.user or desired).email or desired.label
    unlisted = "" if applied.plan.listed else NOT_LISTED
    return {
        "before": before,
        "after": after,
        "before_header": label if applied.plan.current else f"{label} (not at the store)",
        "after_header": f"{label} ({', '.join(applied.actions)}{unlisted})",
    }


def _shown(user: CurrentUser | None) -> dict[str, Any]:
    if user is None:
        return {}
    shown: dict[str, Any] = {name: getattr(user, name) for name in SHOWN}
    shown["plans"] = [_plan_in_words(plan) for plan in user.plans or ()]
    return shown


def _plan_in_words(plan: HeldPlan) -> str:
    name = f" ({plan.name})" if plan.name else ""
    until = f" until {plan.valid_to[:10]}" if plan.valid_to else ""
    cancelled = ", cancelled" if plan.cancelled else ""
    return f"plan {plan.plan_id}{name}{until}{cancelled}"
