# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limiter for all workers of a run, and by a file for all runs of the machine.

They wait for the store's window once and together.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..interruption import Interruption
from .budget_file import BudgetFile, BudgetFileError
from .errors import FatalError
from .rate_headers import rate_headers
from .rate_window import RateWindow

# The longest sleep at a stretch: another run may have learned something, or somebody may wish to
# end this one.
LONGEST_NAP = 0.5

Told = TypeVar("Told")


class RateLimiter:
    """Lets requests through at the store's pace.

    :param share: the percentage of the store's limit that this run may use.
    :param max_wait: the longest single wait for the limit, in seconds.
    :param budget: where the runs of this machine share what they know; None to go alone.
    :param interruption: who is asked whether the run is to end.
    """

    def __init__(
        self,
        share: int,
        max_wait: float,
        budget: BudgetFile | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        self._window = RateWindow(share, run=f"{os.getpid()}-{secrets.token_hex(4)}")
        self._max_wait = max_wait
        self._budget = budget
        self._interruption = interruption or Interruption()
        self._changed = threading.Condition()
        self._waiting = 0
        self._waiting_since = 0.0
        self._waiting_until = 0.0
        self._waited = 0.0
        # Another run may know already that the window is used up.
        self._share_knowledge(lambda _now: None, joins=True)

    def close(self) -> None:
        with self._changed:
            self._go_alone()

    @property
    def limit(self) -> int | None:
        """Requests a window that the store allows; None until it said so."""
        return self._window.limit

    def expect(self, requests: int) -> None:
        """Tell how many requests are still to come, as far as it is known."""
        with self._changed:
            self._window.expect(requests)

    @property
    def waited_seconds(self) -> float:
        """Time in which the run stood still for the limit, counted once for all workers."""
        with self._changed:
            running = time.monotonic() - self._waiting_since if self._waiting else 0.0
            return self._waited + running

    def wait_left(self) -> float:
        """Seconds that the run will still stand still for the limit; 0 where it does not."""
        with self._changed:
            return max(0.0, self._waiting_until - time.monotonic()) if self._waiting else 0.0

    def acquire(self) -> float:
        """Wait until a request may be sent; returns the time of sending, for :meth:`answered`.

        :raises FatalError: ``rate_limited``, where the wait would be longer than allowed;
            ``interrupted``, where the run is to end.
        """
        with self._changed:
            started_waiting = False
            try:
                while True:
                    self._interruption.check()
                    delay, now = self._share_knowledge(self._try_to_send)
                    if delay <= 0:
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
                    self._waiting_until = now + delay
                    self._changed.wait(min(delay, LONGEST_NAP))
            finally:
                if started_waiting:
                    self._end_wait()

    def answered(self, status: int, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from an answer, and let those who wait look again."""
        told = rate_headers(headers, time.time())
        tells = status == 429 or told.limit is not None
        learn = self._window.refused if status == 429 else self._window.answered
        with self._changed:
            self._share_knowledge(lambda now: learn(told, sent_at, now), joins=tells)
            self._wake()

    def lost(self, sent_at: float) -> None:
        """A request ended without an answer."""
        with self._changed:
            self._share_knowledge(lambda _now: self._window.lost(sent_at))
            self._wake()

    def _wake(self) -> None:
        # For most answers nobody waits, and waking nobody is not free.
        if self._waiting:
            self._changed.notify_all()

    def _try_to_send(self, now: float) -> tuple[float, float]:
        delay = self._window.delay(now)
        if delay <= 0:
            self._window.sent(now)
        return delay, now

    def _share_knowledge(self, act: Callable[[float], Told], joins: bool = False) -> Told:
        """Act on the window as all runs of the machine know it.

        A store without a limit has nothing to share, and costs no look at the file.

        :param joins: look at the file though this run knows of no limit yet.
        """
        budget = self._budget
        if budget is None or not (joins or self._window.is_limited):
            return act(time.monotonic())
        told: Told
        has_acted = False
        try:
            with budget.locked():
                now = time.monotonic()
                shared = budget.read()
                if shared is not None:
                    self._window.take_over(shared, now)
                was_limited = self._window.is_limited
                told = act(now)
                has_acted = True
                if was_limited or self._window.is_limited:
                    budget.write(self._window.as_shared())
        except BudgetFileError:
            self._go_alone()
            if not has_acted:
                told = act(time.monotonic())
        return told

    def _go_alone(self) -> None:
        if self._budget is not None:
            self._budget.close()
            self._budget = None

    def _begin_wait(self, now: float) -> None:
        if self._waiting == 0:
            self._waiting_since = now
        self._waiting += 1

    def _end_wait(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._waited += time.monotonic() - self._waiting_since
