# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often and how long to try again: backoff with jitter, within one budget for the run."""

from __future__ import annotations

import random
import threading

FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0
# What a run may spend on retries before a first success, in retries of one request; and what each
# success gives back. A store that is down ends a run after a few requests, however many users it
# has, while one that answers every second request can be worked with to the end.
BUDGET_IN_REQUESTS = 4
RETURN_PER_SUCCESS = 1.0


def backoff(attempt: int, rng: random.Random | None = None) -> float:
    """Seconds to wait after failure number ``attempt`` (from 1): doubled each time, with jitter.

    Half of the delay is random, so that workers which failed together do not return together.
    """
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))
    return longest / 2 + (rng or random).uniform(0, longest / 2)


class RetryBudget:
    """Retries that all workers of a run share: a dead store ends the run, not each user in turn."""

    def __init__(self, max_retries: int) -> None:
        self._ceiling = float(max_retries * BUDGET_IN_REQUESTS)
        self._left = self._ceiling
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry; False when the run has none left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def succeeded(self) -> None:
        """Give back for an answer that came in whole."""
        with self._lock:
            self._left = min(self._ceiling, self._left + RETURN_PER_SUCCESS)
