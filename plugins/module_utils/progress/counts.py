# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a run is, as numbers: counts, times and a phase, and nothing of a user.

Pure state over given times, without a clock, a thread or a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..plan.operations import FATES

# In the order in which a run goes through them.
STARTING = "starting"  # the input is read and checked
READING = "reading"  # the store is read
APPLYING = "applying"  # changes are sent
FINISHING = "finishing"  # the result is put together
PHASES = (STARTING, READING, APPLYING, FINISHING)

WINDOW_SECONDS = 60.0  # of the store's rate limit, as its documentation has it


@dataclass
class Counts:
    """What a run has reported so far.

    :ivar stopping: the run was told to stop, and finishes what is under way.
    :ivar ended: nothing more will be told; ``phase`` is where the run has ended.
    :ivar pages_left: pages of the list that is being read; None where the store does not tell.
    :ivar look_ups: how many addresses are to be looked up, of which ``looked_up`` are.
    :ivar total: users to whom something is to be sent, of whom ``done`` have succeeded or failed.
    :ivar fates: users by what was done to them, in the words of a result's summary.
    :ivar requests_left: requests that the plan still takes.
    """

    phase: str = STARTING
    stopping: bool = False
    ended: bool = False
    pages_read: int = 0
    pages_left: int | None = None
    users_read: int = 0
    look_ups: int = 0
    looked_up: int = 0
    total: int = 0
    done: int = 0
    failed: int = 0
    fates: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FATES, 0))
    requests_left: int = 0

    def count(self, actions: Iterable[str], requests: int, failed: bool) -> None:
        """One user is through with ``actions``, for whom the plan had so many requests."""
        taken = set(actions)
        self.done += 1
        self.failed += failed
        self.requests_left -= requests
        for fate, counted in FATES.items():
            self.fates[fate] += not taken.isdisjoint(counted)

    def told(
        self, applying_seconds: float, waiting_seconds: float, requests_a_minute: int | None
    ) -> dict[str, Any]:
        """The counts as a progress file tells them, rates and estimates included.

        :param applying_seconds: since the first change could be sent.
        :param waiting_seconds: for which the run still stands still for the rate limit.
        :param requests_a_minute: how many the limit allows this run; None where there is no limit.
        """
        # The end of a wait is known, so counting it keeps the rate from jumping at every window.
        seconds = applying_seconds + waiting_seconds
        return {
            "phase": self.phase,
            "stopping": self.stopping,
            "ended": self.ended,
            "pages_read": self.pages_read,
            "pages_left": self.pages_left,
            "users_read": self.users_read,
            "look_ups": self.look_ups,
            "looked_up": self.looked_up,
            "total": self.total,
            "done": self.done,
            **self.fates,
            "failed": self.failed,
            "waiting_seconds": math.ceil(waiting_seconds),
            "users_per_second": round(self.done / seconds, 2) if self.done and seconds else None,
            "seconds_left": self._seconds_left(seconds, waiting_seconds, requests_a_minute),
        }

    def _seconds_left(
        self, seconds: float, waiting_seconds: float, requests_a_minute: int | None
    ) -> int | None:
        """How long the rest takes, by the rate so far, and at the least by the rate limit.

        A window's first requests go out at once, and then nothing does for the rest of it. So the
        rate of the first window promises too much, until the limit itself is asked.
        """
        if self.phase != APPLYING or self.ended:
            return None
        estimates = []
        if self.done and seconds:
            estimates.append((self.total - self.done) * seconds / self.done)
        if requests_a_minute and self.requests_left > 0:
            windows = -(-self.requests_left // requests_a_minute) - 1
            estimates.append(waiting_seconds + windows * WINDOW_SECONDS)
        return math.ceil(max(estimates)) if estimates else None
