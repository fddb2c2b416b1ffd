# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many seats a store has given away, by state and by plan, and which plans end soon. Pure.

Counted from what the run has read anyway, in one pass: a store can have 100,000 users.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..store.snapshot import Snapshot
from ..store.user import CurrentUser, HeldPlan

# Plans that end within so many days are told one by one.
SOON_DAYS = 90
FOREVER = "9999-12-31"


def seats_of(
    snapshot: Snapshot, written: Iterable[CurrentUser | None], today: str
) -> dict[str, Any] | None:
    """The store's seats as the run leaves them, or None where its list was not read to its end.

    :param written: users as they are after what was applied to them; of each only one.
    :param today: the date in UTC, ``YYYY-MM-DD``.
    """
    if not snapshot.complete:
        return None
    users = {user.id: user for user in snapshot.active}
    gone = {user.id for user in snapshot.deactivated or ()}
    for user in written:
        if user is None or not user.id:
            continue
        if user.active:
            users[user.id] = user
            gone.discard(user.id)
        else:
            users.pop(user.id, None)
            gone.add(user.id)
    until = datetime.date.fromisoformat(today) + datetime.timedelta(days=SOON_DAYS)
    return {
        "active": len(users),
        "deactivated": None if snapshot.deactivated is None else len(gone),
        **_plans(users.values(), today, until.isoformat()),
    }


def _plans(users: Iterable[CurrentUser], today: str, until: str) -> dict[str, Any]:
    """What active users hold: how many each plan, how many none, how many unknown, and its end."""
    holders: dict[int, int] = {}
    names: dict[int, str] = {}
    without = untold = 0
    ending: list[dict[str, Any]] = []
    for user in users:
        if user.plans is None:
            untold += 1
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
        "plans_unknown": untold,
        "ending": ending,
    }


def _ends(plans: Sequence[HeldPlan], today: str) -> dict[int, tuple[str, str | None]]:
    """The last day and the name of each plan that is held today.

    Whoever holds a plan twice keeps it until the later day.
    """
    ends: dict[int, tuple[str, str | None]] = {}
    for plan_id, end, name in _held(plans, today):
        known = ends.get(plan_id)
        if known is None or end > known[0]:
            ends[plan_id] = (end, name or (known[1] if known else None))
    return ends


def _held(plans: Sequence[HeldPlan], today: str) -> Iterator[tuple[int, str, str | None]]:
    for plan in plans:
        if plan.cancelled or plan.plan_id is None:
            continue
        # As planning sees it: of the days that an end may stand for, the last.
        end = max(plan.end_days) if plan.end_days else FOREVER
        if end >= today:
            yield plan.plan_id, end, plan.name
