# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user as the store holds it, in one normal form whatever form the answer had.

Source: the users API page, and the choices 3, 6, 7, 8 and 11 that it leaves open
(docs/open-choices.md).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..transport.answers import whole_number
from ..transport.errors import PublicaError
from .times import end_days, is_set, time_of

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class HeldPlan:
    """A plan that a user holds or held; the dates are ``YYYY-MM-DD`` or ISO 8601 in UTC."""

    plan_id: int | None
    name: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    cancelled: bool = False
    end_days: frozenset[str] = frozenset()  # the days that valid_to may stand for


@dataclass(frozen=True)
class CurrentUser:
    """One user of the store.

    None stands for a value that the store does not have; for ``admin``, ``plan_admin`` and
    ``only_sees_readable``, and for ``plans``, None means that the answer did not tell. Whether it
    told the external id is in ``tells_external_id`` (choice 8). Times are ISO 8601 in UTC.
    """

    id: int
    email: str
    active: bool
    uuid: str | None = None
    external_id: str | None = None
    tells_external_id: bool = True
    admin: bool | None = None
    plan_admin: bool | None = None
    only_sees_readable: bool | None = None
    sessions_limit: int | None = None
    plans: tuple[HeldPlan, ...] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deactivated_at: str | None = None
    counters: Mapping[str, int] = field(default_factory=dict)


def user_from_record(record: Mapping[str, Any]) -> CurrentUser:
    """Read one record of a list or of the answer to a creation.

    :raises PublicaError: ``unexpected_answer``, where the record names no user.
    """
    user_id = whole_number(record.get("id"))
    if user_id is None:
        raise PublicaError(
            "unexpected_answer",
            "The store sent a user without an id, so nothing can be compared with it. Check that "
            "base_url is a Publica.la store.",
        )
    email = record.get("email")
    deactivated_at = time_of(record.get("deleted_at"))
    external_id = record.get("external_id")
    return CurrentUser(
        id=user_id,
        # An anonymized user may have no address left; nobody is found by it then.
        email=email.strip() if isinstance(email, str) else "",
        # deleted_at decides, never the list that the record came in (choice 3).
        active=not is_set(record.get("deleted_at")),
        uuid=_text(record.get("uuid")),
        external_id=None if external_id in (None, "") else str(external_id),
        tells_external_id="external_id" in record,
        admin=_boolean(record, "admin"),
        plan_admin=_boolean(record, "plan_admin"),
        only_sees_readable=_boolean(record, "only_sees_readable"),
        # 0 and null both say that there is no limit.
        sessions_limit=whole_number(record.get("sessions_limit")) or None,
        plans=_plans(record),
        created_at=time_of(record.get("created_at")),
        updated_at=time_of(record.get("updated_at")),
        deactivated_at=deactivated_at,
        counters=_counters(record),
    )


def _boolean(record: Mapping[str, Any], name: str) -> bool | None:
    """A boolean as true, 1, "1" or their opposites (choice 6); None where it is not told."""
    if name not in record:
        return None
    value = record[name]
    if isinstance(value, bool):
        return value
    text = "" if value is None else str(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _counters(record: Mapping[str, Any]) -> dict[str, int]:
    told = ((name, whole_number(record[name])) for name in _counter_names(tuple(record)))
    return {name: number for name, number in told if number is not None}


@functools.lru_cache(maxsize=32)
def _counter_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a record's names that count something; a store's records have the same names."""
    return tuple(name for name in names if name.endswith("_count"))


def _plans(record: Mapping[str, Any]) -> tuple[HeldPlan, ...] | None:
    """The plans of a record, or None where it hides what the user holds (choice 11)."""
    entries = record.get("user_plans")
    if isinstance(entries, Mapping):
        entries = list(entries.values())
    count = whole_number(record.get("user_plans_count"))
    if not isinstance(entries, list):
        return () if count == 0 else None
    if not entries and count:
        return None
    plans = []
    for entry in entries:
        plan = _plan(entry) if isinstance(entry, Mapping) else None
        if plan is None:
            return None
        plans.append(plan)
    return tuple(plans)


def _plan(entry: Mapping[str, Any]) -> HeldPlan | None:
    nested = entry.get("plan")
    plan_id = whole_number(entry.get("plan_id"))
    name = _text(entry.get("name"))
    if isinstance(nested, Mapping):
        plan_id = whole_number(nested.get("id")) if plan_id is None else plan_id
        name = name or _text(nested.get("name"))
    if plan_id is None:
        return None
    return HeldPlan(
        plan_id=plan_id,
        name=name or _text(entry.get("user_plan_name")),
        valid_from=time_of(entry.get("valid_from")),
        valid_to=time_of(entry.get("valid_to")),
        cancelled=is_set(entry.get("cancelled_at")),
        end_days=end_days(entry.get("valid_to")),
    )
