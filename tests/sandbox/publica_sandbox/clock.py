# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as the store tells them."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def store_time(offset: int = 0) -> float:
    """Now, by a clock that is ``offset`` seconds ahead of this machine's."""
    return time.time() + offset


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def start_of_day(day: str) -> int:
    """The first second of a day written ``yyyy-mm-dd``."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def day_of(seconds: float) -> str:
    """The day of a time, written ``yyyy-mm-dd``."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
