# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limit: a fixed window that begins with its first request."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .database import store_time
from .switches import Switches


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """Whether a request fits into its window, and the state of the window.

    ``wait`` is the number of seconds until the end of the window.
    """

    allowed: bool
    limit: int
    remaining: int
    wait: int

    def headers(self, switches: Switches) -> dict[str, str]:
        """The headers of every answer; none without a limit."""
        if not self.limit:
            return {}
        always = switches.rate_limit_reset == "always"
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            **({"X-RateLimit-Reset": _time_after(self.wait, switches)} if always else {}),
        }

    def refusal_headers(self, switches: Switches, wait: int | None = None) -> dict[str, str]:
        """The additional headers of a 429; ``wait`` replaces the seconds until the window's end."""
        seconds = self.wait if wait is None else wait
        headers = {}
        if switches.retry_after:
            headers["Retry-After"] = str(seconds)
        if switches.rate_limit_reset != "never":
            headers["X-RateLimit-Reset"] = _time_after(seconds, switches)
        return headers


class RateLimiter:
    """Counts the requests of each token in memory: a restart begins new windows."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def take(self, token: str, switches: Switches, now: float) -> RateLimitState:
        """Count one request. A refused request is not counted."""
        limit = switches.rate_limit
        if not limit:
            return RateLimitState(allowed=True, limit=0, remaining=0, wait=0)
        window = self._windows.get(token)
        if window is None or now >= window.ends:
            window = self._windows[token] = _Window(ends=now + switches.rate_limit_window)
        allowed = window.used < limit
        window.used += allowed
        wait = max(1, math.ceil(window.ends - now))
        return RateLimitState(allowed, limit, limit - window.used, wait)

    def clear(self) -> None:
        """Begin new windows."""
        self._windows.clear()


def _time_after(seconds: int, switches: Switches) -> str:
    return str(int(store_time(switches.clock_offset)) + seconds)
