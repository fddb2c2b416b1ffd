# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``--diff`` shows: what a task changes, or would change, without secrets.

Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..apply.executor import AppliedUser
from ..errors import EscapedText, counted, escape_control
from ..plan.model import CREATE, FORCE_LOGOUT, SET_PASSWORD
from ..plan.planner import RIGHTS
from ..store.user import CurrentUser

# Above this number of new users, each is one line.
MOST_CREATIONS = 20

SHOWN = ("email", "external_id", "active", *RIGHTS, "sessions_limit")
NOT_SHOWN = "(set, not shown)"


def diffs_of(shown: Sequence[AppliedUser]) -> list[dict[str, Any]]:
    """The ``diff`` of a bulk task: an entry for each user who changes, with the user's position.

    The lines of many new users are one entry more, at the beginning. Then the entry of each of them
    holds the new values under ``created``, so that ``--diff`` shows only the line.
    """
    entries = [
        {**diff, "result": position}
        for position, user in enumerate(shown)
        if (diff := diff_of(user)) is not None
    ]
    new = [entry for entry in entries if shown[entry["result"]].actions == (CREATE,)]
    if len(new) <= MOST_CREATIONS:
        return entries
    lines = []
    for entry in new:
        lines.append(escape_control(_creation_as_text(entry["after"])) + "\n")
        entry.update(after={}, created=entry["after"])
    users = counted(len(new), "user", ",")
    in_lines = {
        "before": "",
        "after": EscapedText("".join(lines)),
        "before_header": f"{users} (not at the store)",
        "after_header": f"{users} ({CREATE})",
    }
    return [in_lines, *entries]


def _creation_as_text(after: Mapping[str, Any]) -> str:
    """The values of a new user in one line, without those that are usual."""
    plain = (after.get("email"), after.get("external_id"), *after.get("plans", ()))
    others = (
        name if value is True else f"{name} {value}"
        for name, value in after.items()
        if value and name not in ("email", "external_id", "active", "plans", "password")
    )
    return "  ".join([*filter(None, plain), *others])


def diff_of(applied: AppliedUser) -> dict[str, Any] | None:
    """The difference of one user, as ``--diff`` shows it; None if nothing changes.

    Plans that differ are shown as text, and are under ``plans`` as data.
    """
    if not applied.changed:
        return None
    before = _shown(applied.change.current)
    after = _shown(applied.user)
    desired = applied.change.desired
    if applied.change.current is None:
        # Of a new user only the desired values are shown: the store chooses the others, which a
        # dry run can't know.
        asked = {*(name for name in SHOWN if getattr(desired, name, None) is not None), "active"}
        asked |= {"plans"} if desired.plan_id is not None else set()
        after = {name: value for name, value in after.items() if name in asked}
    for name in [name for name in after if name in before and before[name] == after[name]]:
        del before[name], after[name]
    creates_password = applied.change.current is None and (
        desired.password is not None or desired.generate_password
    )
    if creates_password or SET_PASSWORD in applied.actions:
        after["password"] = NOT_SHOWN
    if FORCE_LOGOUT in applied.actions:
        after["sessions"] = "ended"
    plans = {}
    for side, values in (("before", before), ("after", after)):
        if "plans" in values:
            plans[side] = values["plans"]
            values["plans"] = [_plan_as_text(plan) for plan in values["plans"]]
    label = (applied.change.current or applied.user or desired).email or desired.label
    unlisted = "" if applied.change.listed else ": not in the list"
    return {
        "before": before,
        "after": after,
        "before_header": label if applied.change.current else f"{label} (not at the store)",
        "after_header": f"{label} ({', '.join(applied.actions)}{unlisted})",
        **({"plans": plans} if plans else {}),
    }


def _shown(user: CurrentUser | None) -> dict[str, Any]:
    if user is None:
        return {}
    shown: dict[str, Any] = {name: getattr(user, name) for name in SHOWN}
    shown["plans"] = [
        {
            "plan_id": plan.plan_id,
            "name": plan.name or None,
            "valid_to": plan.valid_to[:10] if plan.valid_to else None,
            "cancelled": plan.cancelled,
            # A state that gives a seat is not news.
            "status": None if plan.gives_seat else plan.status,
        }
        for plan in user.plans or ()
    ]
    return shown


def _plan_as_text(plan: Mapping[str, Any]) -> str:
    name = f" ({plan['name']})" if plan["name"] else ""
    until = f" until {plan['valid_to']}" if plan["valid_to"] else ""
    ended = "cancelled" if plan["cancelled"] else plan["status"]
    return f"plan {plan['plan_id']}{name}{until}{f', {ended}' if ended else ''}"
