# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of users in answers, in every documented and possible form."""

from __future__ import annotations

import hashlib
from typing import Any

from .database import Plan, User, UserPlan, moment, start_of_day
from .switches import Switches

LAST_SECOND = 86_399
REPLACED_EMAIL = "anonymized-{}@example.invalid"
# The number of the first order, so that an order and its row have different ids.
ORDERS = 7_000
# What a list leaves out with a field (26).
_LEFT_OUT = {
    "admin": ("role",),
    "plan_admin": (),
    "only_sees_readable": (),
    "sessions_limit": (),
}


def created_record(user: User, switches: Switches) -> dict[str, Any]:
    """The record in the answer to a creation."""
    return {
        "id": number(user.id, switches),
        "email": user.email,
        "uuid": user.uuid,
        "picture": picture(user.email),
        "admin": boolean(user.admin, switches),
        "plan_admin": boolean(user.plan_admin, switches),
        "only_sees_readable": boolean(user.only_sees_readable, switches),
        "sessions_limit": number(user.sessions_limit, switches),
        "created_at": time(user.created_at, switches, documented="object"),
        "updated_at": time(user.updated_at, switches, documented="object"),
        "deleted_at": time(user.deleted_at, switches, documented="object"),
    }


def listed_record(user: User, switches: Switches, base_url: str) -> dict[str, Any]:
    email = shown_email(user, switches)
    record: dict[str, Any] = {
        "id": number(user.id, switches),
        "uuid": user.uuid,
        "admin": boolean(user.admin, switches),
        "plan_admin": boolean(user.plan_admin, switches),
        "email": email,
        "sessions_limit": number(user.sessions_limit, switches),
        "only_sees_readable": boolean(
            user.only_sees_readable, switches, documented_as_integer=True
        ),
        "picture": picture(email),
        "created_at": time(user.created_at, switches, documented="iso"),
        "updated_at": time(user.updated_at, switches, documented="iso"),
        "deleted_at": time(user.deleted_at, switches, documented="iso"),
        "purchased_issues_with_cancelled_count": number(0, switches),
        "acquired_content_count": number(0, switches),
        "user_plans_count": number(len(user.plans), switches),
        "created_at_date_string": moment(user.created_at).date().isoformat(),
        "role": "admin" if user.admin else "user",
        "exhibition_mode": boolean(False, switches),
        "sessions": None,
        "purchased_issues_with_cancelled": [],
        **_institution(user, switches),
    }
    if switches.can_be_edited != "missing":
        always = switches.can_be_edited == "always_true"
        record["can_be_edited"] = boolean(always or user.can_be_edited, switches)
    if switches.anonymized_shown:
        record["anonymized"] = boolean(user.anonymized, switches)
    if switches.external_id_shown:
        record["external_id"] = user.external_id
    link = f"{base_url}/impersonate/take/{user.impersonation_secret}"
    for key in ("impersonate", "impersonation_url"):
        if switches.impersonation in ("both", key):
            record[key] = link
    if switches.user_plans == "hidden":
        record["user_plans"] = []
    elif switches.user_plans != "missing":
        record["user_plans"] = [assignment(row, plan, switches) for row, plan in user.plans]
    left_out = switches.list_leaves_out
    for name, others in _LEFT_OUT.items():
        if left_out in (name, "all"):
            for key in (name, *others):
                del record[key]
    return record


def _institution(user: User, switches: Switches) -> dict[str, Any]:
    """The networks and sites that read through an account (23)."""
    values = {"ip_ranges": user.ip_ranges, "referrers": user.referrers}
    if switches.institution_fields == "missing":
        return {name: value for name, value in values.items() if value}
    empty: list[Any] | None = [] if switches.institution_fields == "lists" else None
    return {name: value or empty for name, value in values.items()}


def shown_email(user: User, switches: Switches) -> str | None:
    """The address in a list. An anonymized account has none, or one that replaces it (24)."""
    if user.email is None and user.anonymized and switches.anonymized_email == "replaced":
        return REPLACED_EMAIL.format(user.id)
    return user.email


def plan_record(plan: Plan, switches: Switches) -> dict[str, Any]:
    return {
        "id": number(plan.id, switches),
        "name": plan.name,
        "type": plan.type,
        "duration": number(plan.duration_months, switches),
        "private": boolean(plan.private, switches),
        "concurrency_limit": number(plan.concurrency_limit, switches),
    }


def session_record(user: User, place: int) -> dict[str, Any]:
    """The record in the list of open sessions."""
    return {
        "id": f"{user.uuid}-{place}",
        "user_id": user.id,
        "user_email": user.email,
        "user_external_id": user.external_id,
        "ip_address": "127.0.0.1",
        "last_activity": _iso(user.updated_at),
    }


def assignment(row: UserPlan, plan_name: str, switches: Switches) -> dict[str, Any]:
    """One entry of ``user_plans``."""
    entry: dict[str, Any] = {"id": number(row.id, switches), "name": row.name}
    if switches.user_plans == "nested":
        entry["plan"] = {"id": number(row.plan_id, switches), "name": plan_name}
    else:
        entry["plan_id"] = number(row.plan_id, switches)
    entry["valid_from"] = day(row.valid_from, switches)
    entry["valid_to"] = day(row.valid_to, switches)
    entry["cancelled_at"] = time(row.cancelled_at, switches, documented="iso")
    if switches.plan_status == "row":
        entry["status"] = row.status
    elif switches.plan_status == "order":
        entry["order"] = {"id": number(ORDERS + row.id, switches), "status": row.status}
    return entry


def picture(email: str | None) -> str:
    """The link to a picture, in the form of the documented examples."""
    text = (email or "").strip().lower()
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"https://www.gravatar.com/avatar/{digest}?s=160&d=mm&r=g"


def boolean(value: bool, switches: Switches, *, documented_as_integer: bool = False) -> object:
    """A boolean in the form that the store uses."""
    form = switches.booleans
    if form == "integer" or (form == "documented" and documented_as_integer):
        return int(value)
    return str(int(value)) if form == "string" else value


def number(value: int | None, switches: Switches) -> object:
    """A number in the form that the store uses."""
    return str(value) if switches.numbers_as_strings and value is not None else value


def time(seconds: int | None, switches: Switches, *, documented: str) -> object:
    """A time in the form that the store uses; ``documented`` is the form of the example."""
    if seconds is None:
        return None
    form = documented if switches.times == "documented" else switches.times
    return _time_object(seconds) if form == "object" else _iso(seconds)


def day(value: str | None, switches: Switches) -> object:
    """The first or last day of an assignment in the form that the store uses."""
    if value is None or switches.plan_dates == "date":
        return value
    start = start_of_day(value)
    if switches.plan_dates == "object":
        return _time_object(start)
    if switches.plan_dates == "iso":
        return _iso(start)
    shift = LAST_SECOND if switches.plan_dates == "end_of_day" else 0
    return f"{moment(start + shift):%Y-%m-%d %H:%M:%S}"


def _time_object(seconds: int) -> dict[str, object]:
    return {
        "timestamp": seconds,
        "date": f"{moment(seconds):%Y-%m-%d %H:%M:%S}",
        "timezone": "UTC",
    }


def _iso(seconds: int) -> str:
    return f"{moment(seconds):%Y-%m-%dT%H:%M:%S}.000000Z"
