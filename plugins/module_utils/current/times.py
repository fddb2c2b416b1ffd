# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and dates in every form that the API's documents leave open (choices 7 and 11). Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..transport.answers import whole_number

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?")
# The far ends of the world's time zones are 12 hours behind and 14 hours ahead of UTC.
_LAST_HOUR_OF_YESTERDAY = 12
_FIRST_HOUR_OF_TOMORROW = 10


def time_of(value: Any) -> str | None:
    """A time in any of the API's forms as ISO 8601 in UTC; a bare date stays a date."""
    if isinstance(value, Mapping):
        told = _moment(whole_number(value.get("timestamp")))
        if told is not None:
            return told
        value = value.get("date")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _moment(value)
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    match = _TIME.fullmatch(text)
    if not match:
        return text
    day, clock, zone = match.groups()
    # A list tells two or three times of each user, so this is the cheapest way to read one.
    if zone in (None, "Z"):
        zone = "+00:00"
    elif ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        moment = datetime.datetime.fromisoformat(f"{day}T{clock}{zone}")
        return _iso(moment.astimezone(datetime.timezone.utc))
    except (ValueError, OverflowError):
        return text


def is_set(value: Any) -> bool:
    """Whether a time is there at all; a database's zero date is none."""
    if isinstance(value, Mapping):
        return any(is_set(value.get(name)) for name in ("timestamp", "date"))
    if isinstance(value, str):
        return value.strip() not in ("", "0") and not value.strip().startswith(("0000-", "-0001-"))
    return bool(value) and not (isinstance(value, (int, float)) and value < 0)


def end_days(value: Any) -> frozenset[str]:
    """The days, as ``YYYY-MM-DD``, that the end of a plan may stand for.

    A date is itself. A time is its day in UTC, and its day in the zone that it is told in. Where
    it is told in UTC but is the turn of a day somewhere else, it is that day as well: 02:59:59Z is
    the end of the day before in Buenos Aires, 23:00:00Z the beginning of the next one in Madrid.
    To take one day too many for the end leaves a plan as it is; to take one too few assigns it
    again on every run.
    """
    told = time_of(value)
    day = _day(told or "")
    if told is None or day is None:
        return frozenset()
    days = {day, *_days_told(value)}
    turn = re.fullmatch(r".{10}T(\d{2}):(\d{2}):(\d{2})Z", told)
    if turn:
        hour, minute, second = map(int, turn.groups())
        # The first and the last day of all, "never" in some databases, have no day beside them.
        with suppress(OverflowError):
            if hour < _LAST_HOUR_OF_YESTERDAY and second == 59 and minute in (29, 59):
                days.add(day - datetime.timedelta(days=1))
            if hour >= _FIRST_HOUR_OF_TOMORROW and second == 0 and minute in (0, 30):
                days.add(day + datetime.timedelta(days=1))
    return frozenset(day.isoformat() for day in days)


def _days_told(value: Any) -> set[datetime.date]:
    """The day that stands in the text itself, in whatever zone the text is."""
    text = value.get("date") if isinstance(value, Mapping) else value
    day = _day(text.strip()) if isinstance(text, str) else None
    return set() if day is None else {day}


def _day(text: str) -> datetime.date | None:
    """The day that a text begins with; None for no day, such as a database's zero date."""
    match = _DATE.match(text)
    try:
        return datetime.date.fromisoformat(match.group()) if match else None
    except ValueError:
        return None


def _moment(timestamp: float | None) -> str | None:
    if timestamp is None:
        return None
    try:
        return _iso(datetime.datetime.fromtimestamp(timestamp, tz=datetime.timezone.utc))
    except (ValueError, OverflowError, OSError):
        # Before the year 1 or after 9999, as a database's zero date comes out.
        return None


def _iso(moment: datetime.datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')[:19]}Z"
