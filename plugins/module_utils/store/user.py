# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user of the store in one normal form, read from any form of the API's records."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..client.answers import whole_number
from ..errors import PublicaError
from ..input.options import DesiredUser, address_key

# Why no user can be found by an external id (variant 8).
HIDDEN_KEY = (
    "The store does not return external ids, so it is unknown which user has {}. Give email or id."
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?")
# The far ends of the world's time zones are 12 hours behind and 14 hours ahead of UTC.
_LAST_HOUR_OF_YESTERDAY = 12
_FIRST_HOUR_OF_TOMORROW = 10


def time_of(value: Any) -> str | None:
    """A time in any of the API's forms (variant 7) as ISO 8601 in UTC; a date stays a date.

    :returns: None for any other text.
    """
    if isinstance(value, dict):
        time = _utc_time(whole_number(value.get("timestamp")))
        if time is not None:
            return time
        value = value.get("date")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _utc_time(value)
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    match = _TIME.fullmatch(text)
    if not match:
        return text if _DATE.fullmatch(text) else None
    day, clock, zone = match.groups()
    # A list has two or three times for each user, so this is the fastest way to parse one.
    if zone in (None, "Z"):
        zone = "+00:00"
    elif ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        zoned = datetime.datetime.fromisoformat(f"{day}T{clock}{zone}")
        return _iso(zoned.astimezone(datetime.timezone.utc))
    except (ValueError, OverflowError):
        return text


def is_set(value: Any) -> bool:
    """Whether a value holds a time; a database's zero date is none."""
    if isinstance(value, dict):
        return any(is_set(value.get(name)) for name in ("timestamp", "date"))
    if isinstance(value, str):
        return value.strip() not in ("", "0") and not value.strip().startswith(("0000-", "-0001-"))
    return bool(value) and not (isinstance(value, (int, float)) and value < 0)


def end_days(value: Any) -> frozenset[str]:
    """The days, as ``YYYY-MM-DD``, that the end of a plan may mean.

    A date means itself. A time means its day in UTC and its day in its own zone. A time in UTC that
    is the change of a day in another zone means that day too: 02:59:59Z is the end of the day
    before in Buenos Aires, 23:00:00Z the beginning of the next one in Madrid. One day too many
    leaves a plan as it is; one day too few would assign it again on every run.
    """
    time = time_of(value)
    day = _day(time or "")
    if time is None or day is None:
        return frozenset()
    days = {day, *_day_in_text(value)}
    clock = re.fullmatch(r".{10}T(\d{2}):(\d{2}):(\d{2})Z", time)
    if clock:
        hour, minute, second = map(int, clock.groups())
        # The first and the last possible date ("never" in some databases) have no neighbour.
        with suppress(OverflowError):
            if hour < _LAST_HOUR_OF_YESTERDAY and second == 59 and minute in (29, 59):
                days.add(day - datetime.timedelta(days=1))
            if hour >= _FIRST_HOUR_OF_TOMORROW and second == 0 and minute in (0, 30):
                days.add(day + datetime.timedelta(days=1))
    return frozenset(day.isoformat() for day in days)


def _day_in_text(value: Any) -> set[datetime.date]:
    """The day in the text itself, in the zone of the text."""
    text = value.get("date") if isinstance(value, dict) else value
    day = _day(text.strip()) if isinstance(text, str) else None
    return set() if day is None else {day}


def _day(text: str) -> datetime.date | None:
    """The day at the beginning of a text; None if it is not a day, such as a zero date."""
    match = _DATE.match(text)
    try:
        return datetime.date.fromisoformat(match.group()) if match else None
    except ValueError:
        return None


def _utc_time(timestamp: float | None) -> str | None:
    if timestamp is None:
        return None
    try:
        return _iso(datetime.datetime.fromtimestamp(timestamp, tz=datetime.timezone.utc))
    except (ValueError, OverflowError, OSError):
        # Before the year 1 or after 9999, such as a database's zero date.
        return None


def _iso(time: datetime.datetime) -> str:
    return f"{time.isoformat(timespec='seconds')[:19]}Z"


# The keys of a record for results. Any other key, and its value, may contain a secret.
COUNTERS = ("user_plans_count", "acquired_content_count", "purchased_issues_with_cancelled_count")
_LINK = "/impersonate"

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")

# The states of an order (variant 21), and those in which its plan gives no seat. Source: the orders
# API page.
ORDER_STATES = frozenset(("pending", "approved", "active", "paused"))
ENDED_ORDER_STATES = frozenset(
    ("cancelled", "canceled", "refunded", "expired", "error", "dispute_lost")
)


@dataclass(frozen=True)
class HeldPlan:
    """A plan that a user holds or held; the dates are ``YYYY-MM-DD`` or ISO 8601 in UTC.

    :ivar status: the state of the plan's order, in small letters; None if the store does not return
        it.
    :ivar end_days: the days that ``valid_to`` may mean.
    """

    plan_id: int | None
    name: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    cancelled: bool = False
    status: str | None = None
    end_days: frozenset[str] = frozenset()

    @property
    def last_day(self) -> str | None:
        """The last day of the plan; None for a plan without an end."""
        return max(self.end_days) if self.end_days else None

    @property
    def gives_seat(self) -> bool:
        """Whether the plan gives a seat up to its end."""
        return not self.cancelled and self.status not in ENDED_ORDER_STATES

    @property
    def has_unknown_status(self) -> bool:
        """Whether it is unknown if the plan gives a seat; it then counts as held."""
        return self.gives_seat and self.status is not None and self.status not in ORDER_STATES

    def is_held_on(self, day: str) -> bool:
        """Whether the plan gives a seat and did not end before ``day`` (``YYYY-MM-DD``)."""
        return self.gives_seat and (not self.end_days or max(self.end_days) >= day)


@dataclass(frozen=True)
class CurrentUser:
    """One user of the store.

    None means that the store has no value; for ``admin``, ``plan_admin``, ``only_sees_readable``
    and ``plans`` it means that the store did not return the value. ``returns_external_id`` and
    ``returns_sessions_limit`` are whether it returned those (variants 8 and 26). Times are ISO 8601
    in UTC.

    :ivar institution: all users of some networks or sites read through this account (variant 23).
    :ivar anonymized: the user's address is lost for good, so no address identifies the account.
    :ivar editable: False if the API may not change the account.
    """

    id: int
    email: str
    active: bool
    uuid: str | None = None
    external_id: str | None = None
    returns_external_id: bool = True
    admin: bool | None = None
    plan_admin: bool | None = None
    only_sees_readable: bool | None = None
    sessions_limit: int | None = None
    returns_sessions_limit: bool = True
    institution: bool = False
    anonymized: bool = False
    editable: bool = True
    plans: tuple[HeldPlan, ...] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deactivated_at: str | None = None
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The email for comparison."""
        return address_key(self.email)

    @property
    def label(self) -> str:
        """The name of this user in messages: the most readable key."""
        if self.email:
            return self.email
        if self.external_id is not None:
            return f"external_id {self.external_id}"
        return f"id {self.id}"


def user_from_record(record: Mapping[str, Any]) -> CurrentUser:
    """The user of a record, from a list or from the response to a creation.

    :raises PublicaError: ``unexpected_answer``, if the record has no id.
    """
    user_id = whole_number(record.get("id"))
    if user_id is None:
        raise PublicaError(
            "unexpected_answer",
            "The store returned a user without an id, so users can't be compared. Check that "
            "base_url is the address of a Publica.la store.",
        )
    links = (record.get("impersonate"), record.get("impersonation_url"))
    email, external_id, uuid = [
        text_of(value) if value not in links else None
        for value in (record.get("email"), record.get("external_id"), record.get("uuid"))
    ]
    return CurrentUser(
        id=user_id,
        # An anonymized user may have no address, and is then not found by address.
        email=email.strip() if email and isinstance(record["email"], str) else "",
        # deleted_at decides, not the list that holds the record (variant 3).
        active=not is_set(record.get("deleted_at")),
        uuid=uuid,
        external_id=external_id,
        returns_external_id="external_id" in record,
        # An admin must not be removed, so null is not taken for false.
        admin=None if record.get("admin") in (None, "") else boolean_of(record, "admin"),
        plan_admin=boolean_of(record, "plan_admin"),
        only_sees_readable=boolean_of(record, "only_sees_readable"),
        # 0 and null both mean no limit.
        sessions_limit=whole_number(record.get("sessions_limit")) or None,
        returns_sessions_limit="sessions_limit" in record,
        institution=_has_entries(record.get("ip_ranges")) or _has_entries(record.get("referrers")),
        anonymized=boolean_of(record, "anonymized") or False,
        editable=record.get("can_be_edited") is None
        or boolean_of(record, "can_be_edited") is not False,
        plans=_plans(record),
        created_at=time_of(record.get("created_at")),
        updated_at=time_of(record.get("updated_at")),
        deactivated_at=time_of(record.get("deleted_at")),
        counters=_counters(record),
    )


def boolean_of(record: Mapping[str, Any], name: str) -> bool | None:
    """A boolean as true, 1, "1" or their opposites (variant 6); None if it is not returned."""
    if name not in record:
        return None
    value = record[name]
    if isinstance(value, bool):
        return value
    text = "" if value is None else str(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def _has_entries(value: Any) -> bool:
    """Whether a list has entries; a store may send it as a list, as JSON or as one text."""
    if not value:
        return False
    if isinstance(value, str):
        return value.strip() not in ("", "[]", "{}", "null", "0")
    return any(value) if isinstance(value, list) else bool(value)


def text_of(value: Any) -> str | None:
    """A text or a whole number as text; None for an impersonation link and for anything else."""
    if isinstance(value, str):
        is_link = "/" in value and _LINK in value.lower()
        return None if is_link or not value else value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _counters(record: Mapping[str, Any]) -> dict[str, int]:
    numbers = ((name, whole_number(record.get(name))) for name in COUNTERS)
    return {name: number for name, number in numbers if number is not None}


def _plans(record: Mapping[str, Any]) -> tuple[HeldPlan, ...] | None:
    """The plans of a record; None if it does not show what the user holds (variant 11)."""
    entries = record.get("user_plans")
    if isinstance(entries, dict):
        entries = list(entries.values())
    count = whole_number(record.get("user_plans_count"))
    if not isinstance(entries, list):
        return () if count == 0 else None
    if not entries and count:
        return None
    plans = []
    for entry in entries:
        plan = _plan(entry) if isinstance(entry, dict) else None
        if plan is None:
            return None
        plans.append(plan)
    return tuple(plans)


def _plan(entry: Mapping[str, Any]) -> HeldPlan | None:
    nested = entry.get("plan")
    plan_id = whole_number(entry.get("plan_id"))
    name = text_of(entry.get("name"))
    if isinstance(nested, dict):
        plan_id = whole_number(nested.get("id")) if plan_id is None else plan_id
        name = name or text_of(nested.get("name"))
    if plan_id is None:
        return None
    return HeldPlan(
        plan_id=plan_id,
        name=name or text_of(entry.get("user_plan_name")),
        valid_from=time_of(entry.get("valid_from")),
        valid_to=time_of(entry.get("valid_to")),
        cancelled=is_set(entry.get("cancelled_at")),
        status=_order_state(entry),
        end_days=end_days(entry.get("valid_to")),
    )


def _order_state(entry: Mapping[str, Any]) -> str | None:
    """The state of a row, or of its order if only that has ended (variant 21)."""
    order = entry.get("order")
    values = (entry.get("status"), order.get("status") if isinstance(order, dict) else None)
    if values == (None, None):
        return None
    states = [_state_name(value) for value in values if value not in (None, "")]
    ended = (state for state in states if state in ENDED_ORDER_STATES)
    return next(ended, states[0] if states else None)


def _state_name(value: Any) -> str:
    """``Dispute lost`` as ``dispute_lost``; ``unknown`` for anything but a short name."""
    name = re.sub(r"[\s-]+", "_", str(value).strip().lower())
    return name if re.fullmatch(r"[a-z0-9_]{1,30}", name) else "unknown"


class UserIndex:
    """Users by id, by external id and by address."""

    def __init__(self, users: Iterable[CurrentUser] = ()) -> None:
        self.by_id: dict[int, CurrentUser] = {}
        self.by_external_id: dict[str, CurrentUser] = {}
        self.by_address: dict[str, CurrentUser] = {}
        # None until a user was read; then whether the store returns external ids (variant 8).
        self.returns_external_id: bool | None = None
        # Whether two users with the same external id were read.
        self.repeats_external_ids = False
        for user in users:
            self.add(user)

    def add(self, user: CurrentUser) -> None:
        """Add a user, or replace the one with the same id and their keys."""
        previous = self.by_id.get(user.id)
        if previous is not None:
            self._drop_keys(previous)
        self.by_id[user.id] = user
        if user.address and not user.anonymized:
            self._claim(self.by_address, user.address, user)
        if user.external_id is not None:
            self.repeats_external_ids |= user.external_id in self.by_external_id
            self._claim(self.by_external_id, user.external_id, user)
        self.returns_external_id = bool(self.returns_external_id) or user.returns_external_id

    def with_keys_of(self, desired: DesiredUser) -> list[CurrentUser]:
        """The users who have one of the keys of a desired user."""
        found = (
            self.by_id.get(desired.id or 0),
            self.by_external_id.get(desired.external_id or ""),
            self.by_address.get(desired.address or ""),
        )
        return [user for user in found if user is not None]

    @staticmethod
    def _claim(users: dict[str, CurrentUser], key: str, user: CurrentUser) -> None:
        # Keys are unique at the store. If they are not, the active account counts.
        holder = users.get(key)
        if holder is None or user.active or not holder.active:
            users[key] = user

    def _drop_keys(self, user: CurrentUser) -> None:
        if self.by_address.get(user.address) is user:
            del self.by_address[user.address]
        if user.external_id is not None and self.by_external_id.get(user.external_id) is user:
            del self.by_external_id[user.external_id]
