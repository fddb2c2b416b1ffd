# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock for the limiter that does not wait."""

from __future__ import annotations

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
