# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limiter for all workers of a run: they wait for the store's window once and together."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from .errors import FatalError
from .rate_window import RateWindow, rate_headers


class RateLimiter:
    """Lets requests through at the store's pace.

    :param share: the percentage of the store's limit that this run may use.
    :param max_wait: the longest single wait for the limit, in seconds.
    """

    def __init__(self, share: int, max_wait: float) -> None:
        self._window = RateWindow(share)
        self._max_wait = max_wait
        self._changed = threading.Condition()
        self._waiting = 0
        self._waiting_since = 0.0
        self._waited = 0.0

    @property
    def limit(self) -> int | None:
        """Requests a window that the store allows; None until it said so."""
        return self._window.limit

    @property
    def waited_seconds(self) -> float:
        """Time in which the run stood still for the limit, counted once for all workers."""
        with self._changed:
            running = time.monotonic() - self._waiting_since if self._waiting else 0.0
            return self._waited + running

    def wait_left(self) -> float:
        """Seconds for which the run still stands still for the limit; 0 where it does not."""
        with self._changed:
            return self._window.delay(time.monotonic()) if self._waiting else 0.0

    def acquire(self) -> float:
        """Wait until a request may be sent; returns the time of sending, for :meth:`answered`.

        :raises FatalError: ``rate_limited``, where the wait would be longer than allowed.
        """
        with self._changed:
            started_waiting = False
            try:
                while True:
                    now = time.monotonic()
                    delay = self._window.delay(now)
                    if delay <= 0:
                        self._window.sent(now)
                        return now
                    if delay > self._max_wait:
                        raise FatalError(
                            "rate_limited",
                            f"The store's rate limit asks for a wait of {delay:.0f} s, longer than "
                            f"max_rate_limit_wait ({self._max_wait:g} s). Run again later, or "
                            "raise max_rate_limit_wait.",
                            status=429,
                        )
                    if not started_waiting:
                        started_waiting = True
                        self._begin_wait(now)
                    self._changed.wait(delay)
            finally:
                if started_waiting:
                    self._end_wait()

    def answered(self, status: int, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from an answer, and let those who wait look again."""
        told = rate_headers(headers, time.time())
        now = time.monotonic()
        with self._changed:
            if status == 429:
                self._window.refused(told, now)
            else:
                self._window.answered(told, sent_at, now)
            self._changed.notify_all()

    def lost(self) -> None:
        """A request ended without an answer."""
        with self._changed:
            self._window.lost()
            self._changed.notify_all()

    def _begin_wait(self, now: float) -> None:
        if self._waiting == 0:
            self._waiting_since = now
        self._waiting += 1

    def _end_wait(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._waited += time.monotonic() - self._waiting_since
