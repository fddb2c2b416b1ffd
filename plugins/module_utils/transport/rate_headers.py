# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the headers of one answer tell of the store's rate limit.

Source: the API's overview page (``X-RateLimit-Limit`` and ``-Remaining`` on every answer,
``X-RateLimit-Reset`` once the limit is exhausted) and the throttle of the framework beneath it
(``Retry-After`` on a 429, which costs nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from .answers import whole_number


@dataclass(frozen=True)
class RateHeaders:
    """The headers of one answer that speak of the limit; times in seconds from the answer on."""

    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None


def rate_headers(headers: Mapping[str, str], now: float) -> RateHeaders:
    """Read the rate headers; ``now`` is this machine's UNIX time, used only without a ``Date``.

    ``X-RateLimit-Reset`` is a time of the server's clock, which may differ from this machine's, so
    it is taken against the server's own ``Date`` (choice 15).
    """
    reset_in = retry_after(headers, now)
    reset_at = whole_number(headers.get("X-RateLimit-Reset"))
    if reset_in is None and reset_at is not None:
        reset_in = max(0.0, reset_at - (_http_date(headers.get("Date")) or now))
    return RateHeaders(
        limit=whole_number(headers.get("X-RateLimit-Limit")),
        remaining=whole_number(headers.get("X-RateLimit-Remaining")),
        reset_in=reset_in,
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """``Retry-After`` in seconds from the answer on: a number, or an HTTP date (RFC 9110)."""
    value = (headers.get("Retry-After") or "").strip()
    seconds = whole_number(value)
    if seconds is not None:
        return float(max(0, seconds))
    at = _http_date(value)
    if at is None:
        return None
    return max(0.0, at - (_http_date(headers.get("Date")) or now))


def _http_date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, IndexError):
        return None
