# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the users of a store to rows that provision back without a change. Pure functions.

A row is what ``publica_user_bulk`` takes as an item. It says whatever of a user can be said so, and
the rest is a note: no value that the options would refuse, or that would mean somebody else, stands
in a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..input.options import (
    ABSENT,
    OPTION_BY_NAME,
    PRESENT,
    UNLIMITED,
    BadValueError,
    address_key,
    is_given,
)
from ..plan.model import LabelledWarning
from ..plan.planner import RIGHTS
from ..store.user import CurrentUser, HeldPlan

# Sorts behind every date: a plan without an end lasts longest.
_NO_END = "9999-99-99"


def plans_held(plans: Sequence[HeldPlan], today: str) -> list[HeldPlan]:
    """The plans that a user holds today, the one that lasts longest first.

    Cancelled plans and those that ended are held no more.

    :param today: the date in UTC as ``YYYY-MM-DD``.
    """
    held = [plan for plan in plans if plan.plan_id and plan.is_held_on(today)]
    by_id = sorted(held, key=lambda plan: (plan.plan_id or 0, plan.valid_from or ""))
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


NO_VALUE = "at the store is not one that a list can have, so the files leave it out"
NOT_UNIQUE = "is that of several users of the store, so the files leave it out"
NO_EXTERNAL_ID = "has no external_id at the store, and every change needs one; add one to the row"
PLANS_UNKNOWN = "the store does not tell which plans the user holds, so the files have none"
SEVERAL_PLANS = (
    "holds several plans, and a row has one; the others are comments in the YAML file, and stay as "
    "they are at the store"
)


@dataclass(frozen=True)
class ExportedUser:
    """One user as a row.

    :ivar label: how texts name the user.
    :ivar values: the row; what is not in it is unmanaged.
    :ivar keys: the keys that are the user's alone, best first; the last is always the store's id.
    :ivar comments: what the row cannot say, for whoever reads the file.
    :ivar warnings: the same for whoever runs the export.
    """

    label: str
    values: Mapping[str, Any]
    keys: Mapping[str, Any]
    comments: tuple[str, ...] = ()
    warnings: tuple[LabelledWarning, ...] = ()


def exported_users(users: Sequence[CurrentUser], today: str) -> list[ExportedUser]:
    """The users as rows, in the order of their addresses: the same users give the same rows.

    :param today: the date in UTC as ``YYYY-MM-DD``; plans that ended before are left out.
    """
    addresses = Counter(address_key(user.email) for user in users if user.email)
    external_ids = Counter(user.external_id for user in users if user.external_id is not None)
    return [
        _exported(user, today, addresses, external_ids)
        for user in sorted(users, key=lambda user: (address_key(user.email), user.id))
    ]


def _exported(
    user: CurrentUser, today: str, addresses: Counter[str], external_ids: Counter[str]
) -> ExportedUser:
    notes = _Notes()
    keys: dict[str, Any] = {}
    if notes.fits("email", user.email or None, addresses[address_key(user.email)]):
        keys["email"] = user.email
    if notes.fits("external_id", user.external_id, external_ids[user.external_id or ""]):
        keys["external_id"] = user.external_id
    named = dict(keys)
    keys["id"] = user.id
    values: dict[str, Any] = {
        **(named or {"id": user.id}),
        "state": PRESENT if user.active else ABSENT,
    }
    limit = user.sessions_limit
    if limit is None or notes.fits("sessions_limit", limit):
        values["sessions_limit"] = UNLIMITED if limit is None else limit
    values.update(_plan(user, today, notes))
    values.update((name, getattr(user, name)) for name in RIGHTS if getattr(user, name) is not None)
    if user.external_id is None and user.returns_external_id:
        notes.warn(NO_EXTERNAL_ID)
        notes.comment("Has no external_id at the store, and every change needs one.")
    label = _label(keys)
    warnings = tuple(LabelledWarning(label, text) for text in dict.fromkeys(notes.warnings))
    return ExportedUser(label, values, keys, tuple(dict.fromkeys(notes.comments)), warnings)


def _label(keys: Mapping[str, Any]) -> str:
    """How texts name the user: the best key that nobody else has."""
    name, value = next(iter(keys.items()))
    return str(value) if name == "email" else f"{name} {value}"


def _plan(user: CurrentUser, today: str, notes: _Notes) -> dict[str, Any]:
    """What a row says of the user's plans."""
    if user.plans is None:
        notes.warn(PLANS_UNKNOWN)
        return {}
    held = [plan for plan in plans_held(user.plans, today) if notes.fits("plan_id", plan.plan_id)]
    if not held:
        return {}
    first, *others = held
    further = sorted({plan_in_words(plan) for plan in others} - {plan_in_words(first)})
    if further:
        notes.warn(SEVERAL_PLANS)
        notes.comment(f"Also holds {', '.join(further)}.")
    day = last_day(first)
    end = {} if day is None else {"plan_valid_to": day}
    return {"plan_id": first.plan_id, **end}


class _Notes:
    """What a row of one user cannot say.

    A comment may quote the value. A warning does not, since one line tells of all whom it concerns.
    """

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.warnings: list[str] = []

    def comment(self, text: str) -> None:
        self.comments.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fits(self, option: str, value: Any, holders: int = 1) -> bool:
        """Whether a value can stand in a row and means this user; a note where it does not.

        :param holders: how many users have it.
        """
        if value is None:
            return False
        problem = None if _is_read_as_it_is(option, value) else NO_VALUE
        if problem is None and holders > 1:
            problem = NOT_UNIQUE
        if problem is not None:
            self.warn(f"the {option} {problem}")
            self.comment(f'The {option} "{value}" {problem}.')
        return problem is None


def _is_read_as_it_is(option: str, value: Any) -> bool:
    try:
        return is_given(value) and bool(OPTION_BY_NAME[option].read(value) == value)
    except BadValueError:
        return False
