# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a store as rows that provision back without a change. Pure functions.

A row is an item of ``publica_user_bulk``. Values that the options would refuse, or that belong to
several users, are left out with a comment and a warning.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..input.options import ABSENT, OPTION_BY_NAME, PRESENT
from ..input.values import UNLIMITED, BadValueError, is_given
from ..plan.planner import RIGHTS
from ..plan.warnings import LabelledWarning
from ..store.user import CurrentUser, HeldPlan


def plans_held(plans: Sequence[HeldPlan], today: str) -> list[HeldPlan]:
    """The plans that a user holds today, the one that ends last first."""
    held = [plan for plan in plans if plan.plan_id and plan.is_held_on(today)]
    by_id = sorted(held, key=lambda plan: (plan.plan_id or 0, plan.valid_from or ""))
    return sorted(by_id, key=lambda plan: last_day(plan) or "9999-99-99", reverse=True)


def last_day(plan: HeldPlan) -> str | None:
    """The end of a plan as an operator would write it, ``YYYY-MM-DD``; None without an end.

    If the store returns a time, ``end_days`` holds its day in UTC, and the day in another zone if
    the time is a change of day there. Then the latter is meant. Provisioning accepts either.
    """
    if not plan.end_days:
        return None
    in_utc = (plan.valid_to or "")[:10]
    in_other_zone = sorted(plan.end_days - {in_utc})
    return in_other_zone[0] if in_other_zone else in_utc


def plan_in_words(plan: HeldPlan) -> str:
    """A plan for a comment, without its name: that can be any text."""
    day = last_day(plan)
    return f"plan {plan.plan_id} until {day}" if day else f"plan {plan.plan_id} without an end"


INVALID_VALUE = "at the store is not valid in a list, so the files leave it out"
NOT_UNIQUE = "belongs to several users of the store, so the files leave it out"
NO_EXTERNAL_ID = (
    "has no external_id at the store, which every change needs; add an external_id to the row"
)
PLANS_UNKNOWN = "the store does not return the user's plans, so the files have none"
SEVERAL_PLANS = (
    "holds several plans, but a row has only one; the others are comments in the YAML file and "
    "don't change at the store"
)
NO_PLAN_NAME = (
    "has no valid name in the store's list of plans, or shares it, so the files have its plan_id"
)


@dataclass(frozen=True)
class ExportedUser:
    """One user as a row.

    :ivar keys: the keys that only this user has, best first; the last is always the store's id.
    :ivar comments: what the row can't express; ``warnings`` is the same for the task's result.
    """

    label: str
    values: Mapping[str, Any]
    keys: Mapping[str, Any]
    comments: tuple[str, ...] = ()
    warnings: tuple[LabelledWarning, ...] = ()


def exported_users(
    users: Sequence[CurrentUser], today: str, plan_names: Mapping[int, str] | None = None
) -> list[ExportedUser]:
    """The users as rows, in the order of their addresses: the same users give the same rows.

    :param today: in UTC as ``YYYY-MM-DD``; plans that ended before are left out.
    :param plan_names: by id, the names for rows; None for ids.
    """
    addresses = Counter(user.address for user in users if user.email)
    external_ids = Counter(user.external_id for user in users if user.external_id is not None)
    return [
        _exported(user, today, addresses, external_ids, plan_names)
        for user in sorted(users, key=lambda user: (user.address, user.id))
    ]


def _exported(
    user: CurrentUser,
    today: str,
    addresses: Counter[str],
    external_ids: Counter[str],
    plan_names: Mapping[int, str] | None,
) -> ExportedUser:
    notes = _Notes()
    keys: dict[str, Any] = {}
    if user.anonymized:
        # Its address is not one by which the account is found.
        notes.comments.append("Is anonymized, and can't be changed.")
    elif notes.fits("email", user.email or None, addresses[user.address]):
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
    if user.returns_sessions_limit and (limit is None or notes.fits("sessions_limit", limit)):
        values["sessions_limit"] = UNLIMITED if limit is None else limit
    values.update(_plan(user, today, notes, plan_names))
    values.update((name, getattr(user, name)) for name in RIGHTS if getattr(user, name) is not None)
    if user.external_id is None and user.returns_external_id:
        notes.warnings.append(NO_EXTERNAL_ID)
        notes.comments.append("Has no external_id at the store, and every change needs one.")
    key, value = next(iter(keys.items()))
    label = str(value) if key == "email" else f"{key} {value}"
    warnings = tuple(LabelledWarning(label, text) for text in dict.fromkeys(notes.warnings))
    return ExportedUser(label, values, keys, tuple(dict.fromkeys(notes.comments)), warnings)


def _plan(
    user: CurrentUser, today: str, notes: _Notes, plan_names: Mapping[int, str] | None
) -> dict[str, Any]:
    """The plan of a row, the one that ends last."""
    if user.plans is None:
        notes.warnings.append(PLANS_UNKNOWN)
        return {}
    held = [plan for plan in plans_held(user.plans, today) if notes.fits("plan_id", plan.plan_id)]
    if not held:
        return {}
    first, *others = held
    further = sorted({plan_in_words(plan) for plan in others} - {plan_in_words(first)})
    if further:
        notes.warnings.append(SEVERAL_PLANS)
        notes.comments.append(f"Also holds {', '.join(further)}.")
    day = last_day(first)
    end = {} if day is None else {"plan_valid_to": day}
    name = (plan_names or {}).get(first.plan_id or 0)
    if name is not None:
        return {"plan_name": name, **end}
    if plan_names is not None:
        notes.warnings.append(f"the plan {NO_PLAN_NAME}")
        notes.comments.append(f"The plan {NO_PLAN_NAME}.")
    return {"plan_id": first.plan_id, **end}


class _Notes:
    """What the row of one user can't express.

    A comment may quote the value. A warning does not, so that equal warnings become one line.
    """

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.warnings: list[str] = []

    def fits(self, option: str, value: Any, holders: int = 1) -> bool:
        """Whether a value is valid in a row and unique; notes the problem if it is not.

        :param holders: number of users with the value.
        """
        if value is None:
            return False
        is_valid = _is_valid(option, value)
        if is_valid and holders <= 1:
            return True
        problem = NOT_UNIQUE if is_valid else INVALID_VALUE
        self.warnings.append(f"the {option} {problem}")
        self.comments.append(f'The {option} "{value}" {problem}.')
        return False


def _is_valid(option: str, value: Any) -> bool:
    try:
        # An address is read in NFC, and compared so that the spelling of the store is the same.
        same = unicodedata.normalize("NFC", value) if option == "email" else value
        return is_given(value) and bool(OPTION_BY_NAME[option].read(value) == same)
    except BadValueError:
        return False
