# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the store's rate limit: a fixed window that begins with its first request.

Pure state over given times, without a clock, a thread or a sleep of its own. Source: the API's
overview page (``X-RateLimit-Limit`` and ``-Remaining`` on every answer, ``X-RateLimit-Reset`` once
the limit is exhausted) and the throttle of the framework beneath it (``Retry-After`` on a 429,
which costs nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from .answers import whole_number

WINDOW_SECONDS = 60.0
# The headers tell whole seconds: without a margin, a wait could end just before the reset.
ROUNDING_SECONDS = 0.25
# The first wait after a refusal that no header explains; each further one is twice as long, up to
# a whole window, and the one that helps tells how long the store's window is.
UNEXPLAINED_SECONDS = 1.0


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


class RateWindow:
    """How many requests may still be sent in the running window, and when the next one begins.

    All times are seconds of one monotonic clock. ``share`` is the percentage of a window that
    this run may use; the rest is left to whoever else uses the token.
    """

    def __init__(self, share: int = 100) -> None:
        self._share = share
        self._seconds = WINDOW_SECONDS
        self._told_seconds = False  # the store's answers have shown how long its window is
        self._began: float | None = None  # when this run's first request of the window was sent
        self._ends: float | None = None  # told by the store; without it, counted from _began
        self._lowest: int | None = None  # the lowest X-RateLimit-Remaining of the window
        self._lowest_at = 0.0  # when the answer that told it came in
        self._pending = 0
        # The store refused: when that is over, one request alone finds out whether it is.
        self._refused = False
        self._vain_waits = 0  # waits in a row after which the store refused again
        self.limit: int | None = None

    @property
    def left(self) -> int | None:
        """Requests that may still be sent in this window; None where nothing is known of it.

        Those under way may be counted in the lowest number that was told, or not yet.
        """
        if self.limit is None:
            return None
        remaining = self.limit if self._lowest is None else self._lowest
        return remaining - self._reserve(self.limit) - self._pending

    def delay(self, now: float) -> float:
        """Seconds until the next request may be sent; 0 when it may be sent now."""
        if self._refused:
            if self._pending:
                return ROUNDING_SECONDS
            return max(0.0, self._end() - now)
        if self._began is not None and now >= self._end():
            self._open()
        if self.left is None or self.left > 0:
            return 0.0
        if self._may_probe():
            return ROUNDING_SECONDS if self._pending else 0.0
        return max(ROUNDING_SECONDS, self._end() - now)

    def sent(self, now: float) -> None:
        """One request goes out."""
        if self._began is None:
            self._began = now
        self._pending += 1

    def lost(self) -> None:
        """A request got no answer, so it told nothing of the limit."""
        self._pending -= 1

    def answered(self, headers: RateHeaders, sent_at: float, now: float) -> None:
        """An answer that is no refusal came in."""
        self._pending -= 1
        if self._refused and (self._ends is None or sent_at >= self._ends):
            # The one that was let through to try: the store has begun a new window with it.
            if self._vain_waits and self._began is not None:
                self._learn(sent_at - self._began)
            self._refused, self._vain_waits = False, 0
            self._open()
            self._began = sent_at
        if headers.limit is None or headers.remaining is None:
            return
        self.limit = headers.limit
        if self._rolled(headers.remaining, sent_at):
            # More is left than before, so the store began a window of its own.
            if self._began is not None and sent_at > self._began:
                self._learn(min(self._seconds, sent_at - self._began))
            self._open()
            self._began = sent_at
        if self._began is None or sent_at < self._began:
            return  # A late answer tells of the window before.
        if self._lowest is None or headers.remaining < self._lowest:
            self._lowest, self._lowest_at = headers.remaining, now
        if headers.remaining == 0 and headers.reset_in is not None:
            self._ends = now + headers.reset_in + ROUNDING_SECONDS

    def refused(self, headers: RateHeaders, now: float) -> None:
        """The store answered 429: nothing more until its window ends, then one request alone."""
        self._pending -= 1
        if headers.limit is not None:
            self.limit = headers.limit
        # Whoever is refused while the others wait already was under way together with them.
        in_vain = self._refused and self._ends is not None and now >= self._ends
        if not self._refused or in_vain:
            # Each wait in vain doubles the next one: what no header explains, and what is told
            # wrongly or in whole seconds rounded down.
            self._vain_waits += in_vain or headers.reset_in is None
            self._ends = now + self._wait(headers.reset_in, now) + ROUNDING_SECONDS
            if self._began is not None and headers.reset_in is not None:
                self._learn(self._ends - self._began)
        self._refused = True

    def _wait(self, reset_in: float | None, now: float) -> float:
        """Seconds to wait after a refusal, as far as the store or the waits so far tell."""
        doubled = UNEXPLAINED_SECONDS * 2.0 ** (self._vain_waits - 1) if self._vain_waits else 0.0
        if reset_in is not None:
            return max(reset_in, min(WINDOW_SECONDS, doubled))
        counted = (self._began or now) + self._seconds - now
        return min(WINDOW_SECONDS, doubled, counted if counted > 0 else doubled)

    def _learn(self, seconds: float) -> None:
        self._seconds = min(WINDOW_SECONDS, max(1.0, seconds))
        self._told_seconds = True

    def _rolled(self, remaining: int, sent_at: float) -> bool:
        # Answers may come in another order than the store counted them. Only a request that was
        # sent after the lowest count was known cannot have been counted before it.
        return self._lowest is not None and remaining > self._lowest and sent_at > self._lowest_at

    def _reserve(self, limit: int) -> int:
        return limit - max(1, limit * self._share // 100)

    def _may_probe(self) -> bool:
        # Where the window is used up and nothing has told when it ends, one request beyond it costs
        # nothing and brings the answer. Not where a share is left to others: it would succeed, and
        # take from that share.
        return self._share == 100 and self._ends is None and not self._told_seconds

    def _end(self) -> float:
        if self._ends is not None:
            return self._ends
        return (self._began or 0.0) + self._seconds + ROUNDING_SECONDS

    def _open(self) -> None:
        self._began, self._ends, self._lowest = None, None, None
