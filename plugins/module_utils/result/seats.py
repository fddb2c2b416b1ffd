# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seats of a store by state and by plan, and the plans that end soon.

A pure function over the users that a run has read, in one pass.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from ..store.snapshot import Snapshot
from ..store.user import CurrentUser, HeldPlan

# Plans that end within this number of days are listed individually.
SOON_DAYS = 90
FOREVER = "9999-12-31"


def seats_of(
    snapshot: Snapshot, written: Iterable[CurrentUser | None], today: str
) -> dict[str, Any] | None:
    """The store's seats after the run; None unless its list was read completely.

    :param written: the users after their changes, each once.
    :param today: the date in UTC, ``YYYY-MM-DD``.
    """
    if not snapshot.complete:
        return None
    users = {user.id: user for user in snapshot.active}
    deactivated = {user.id for user in snapshot.deactivated or ()}
    for user in written:
        if user is None or not user.id:
            continue
        if user.active:
            users[user.id] = user
            deactivated.discard(user.id)
        else:
            users.pop(user.id, None)
            deactivated.add(user.id)
    until = datetime.date.fromisoformat(today) + datetime.timedelta(days=SOON_DAYS)
    return {
        "active": len(users),
        "deactivated": None if snapshot.deactivated is None else len(deactivated),
        **_plans(users.values(), today, until.isoformat()),
    }


def _plans(users: Iterable[CurrentUser], today: str, until: str) -> dict[str, Any]:
    """The number of active users by plan, without one and unknown, and the plans that end soon."""
    holders: dict[int, int] = {}
    names: dict[int, str] = {}
    without = unknown = 0
    ending: list[dict[str, Any]] = []
    for user in users:
        if user.plans is None:
            unknown += 1
            continue
        ends = _ends(user.plans, today)
        without += not ends
        for plan_id, (end, name) in ends.items():
            holders[plan_id] = holders.get(plan_id, 0) + 1
            if name is not None:
                names.setdefault(plan_id, name)
            if end <= until:
                ending.append(
                    {"email": user.email, "plan_id": plan_id, "name": name, "valid_to": end}
                )
    ending.sort(key=lambda entry: (entry["valid_to"], entry["email"], entry["plan_id"]))
    return {
        "plans": [
            {"plan_id": plan_id, "name": names.get(plan_id), "users": holders[plan_id]}
            for plan_id in sorted(holders)
        ],
        "without_plan": without,
        "plans_unknown": unknown,
        "ending": ending,
    }


def _ends(plans: Sequence[HeldPlan], today: str) -> dict[int, tuple[str, str | None]]:
    """The last day and the name of each plan that is held today.

    If a user holds a plan twice, the later day counts.
    """
    ends: dict[int, tuple[str, str | None]] = {}
    for plan in plans:
        if plan.plan_id is None or not plan.is_held_on(today):
            continue
        end, name = plan.last_day or FOREVER, plan.name
        known = ends.get(plan.plan_id)
        if known is None or end > known[0]:
            ends[plan.plan_id] = (end, name or (known[1] if known else None))
    return ends
