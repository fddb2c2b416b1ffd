# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock for the limiter that does not wait, and the throttle of a store."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.publica.la.plugins.module_utils.client.answers import RateHeaders
from ansible_collections.publica.la.plugins.module_utils.client.limiter import RateLimiter


class Clock:
    """Replaces the module ``time`` and records every wait."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def rule(self, limiter: RateLimiter) -> None:
        """Replace the waits of a limiter, so that they only advance the clock."""
        limiter._changed.wait = self._wait  # type: ignore[method-assign, assignment]

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


@dataclass
class Throttle:
    """A rate limit.

    :ivar explains: a refusal has the end of the window.
    :ivar reports_always: every answer has it.
    :ivar clock_offset: how far the store's clock is ahead; if not 0, no answer has a Date.
    :ivar refused: the times of the refusals.
    """

    limit: int = 100
    seconds: float = 60.0
    explains: bool = True
    reports_always: bool = False
    clock_offset: float = 0.0
    used: int = 0
    ends: float = float("-inf")
    refused: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)

    def request(self, now: float) -> tuple[bool, RateHeaders]:
        """Whether a request is accepted, and the headers of the response."""
        if now >= self.ends:
            self.used, self.ends = 0, now + self.seconds
        if self.used >= self.limit:
            self.refused.append(now)
            return False, self._headers(now, self.explains)
        self.used += 1
        self.accepted.append(now)
        return True, self._headers(now, self.reports_always)

    def _headers(self, now: float, has_reset: bool) -> RateHeaders:
        # Seconds, rounded as in the framework.
        reset_in = float(int(self.ends - now)) + self.clock_offset
        if not has_reset or reset_in < 0:
            return RateHeaders(self.limit, self.limit - self.used)
        by_own_clock = self.clock_offset != 0
        return RateHeaders(self.limit, self.limit - self.used, reset_in, by_own_clock)
