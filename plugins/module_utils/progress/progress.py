# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run reports to while it works: to a file that others may follow, or to nobody."""

from __future__ import annotations

import datetime
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback

from ..desired.entries import Fault, outside
from ..interruption import Interruption
from ..signals import start_beside_signals
from ..transport.limiter import RateLimiter
from .counts import APPLYING, FINISHING, READING, Counts
from .state_file import StateFile

# How often the file is looked after. It is rewritten where something has changed, or after a while
# so that a follower sees that the run is alive.
TICK_SECONDS = 0.25
HEARTBEAT_SECONDS = 2.0
# A run does not wait longer than this for a file system that hangs.
PATIENCE_SECONDS = 2.0

DEFAULT_INTERVAL = 5.0
LONGEST_INTERVAL = 86_400.0


def progress_argument_spec() -> dict[str, dict[str, Any]]:
    """The argument spec of the options that speak of progress."""
    return {
        "progress_file": {"type": "path"},
        "progress_interval": {
            "type": "float",
            "default": DEFAULT_INTERVAL,
            "fallback": (env_fallback, ["PUBLICA_PROGRESS_INTERVAL"]),
        },
    }


def check_interval(seconds: float) -> list[Fault]:
    """What is wrong with an interval that cannot be meant."""
    return outside("progress_interval", seconds, 0, LONGEST_INTERVAL, " seconds")


@dataclass(frozen=True)
class Pace:
    """How the rate limit holds a run.

    :ivar waiting_seconds: for which the run still stands still; 0 where it does not.
    :ivar requests_a_minute: how many the run may send; None where no limit is known.
    """

    waiting_seconds: float = 0.0
    requests_a_minute: int | None = None


class Progress:
    """A run's reports of how far it is. This one tells nobody.

    Every report is cheap, may come from any thread, and from a signal handler too.
    """

    def reading(self) -> None:
        """The input is checked, and the first request goes out."""

    def page_read(self, users: int, pages_left: int | None) -> None:
        """A page of a list came in."""

    def looking_up(self, users: int) -> None:
        """So many users more are to be looked up, one request each."""

    def looked_up(self) -> None:
        """One of them was."""

    def applying(self, users: int, requests: int) -> None:
        """The store was read, and so many users take so many requests that write."""

    def applied(self, actions: Iterable[str], requests: int, failed: bool) -> None:
        """One of them is through; ``requests`` is what the plan had for him."""

    def finishing(self) -> None:
        """Nothing more will be sent."""

    def stopping(self) -> None:
        """The run was told to stop; it finishes what is under way."""


NO_PROGRESS = Progress()


class FileProgress(Progress):
    """Keeps a file up to date by a thread of its own, until :meth:`close`.

    :param pace: of the run, at any moment.
    """

    def __init__(self, path: str, pace: Callable[[], Pace]) -> None:
        self._file = StateFile(path)
        self._pace = pace
        # Reentrant, since a signal handler reports from the thread that it has interrupted.
        self._lock = threading.RLock()
        self._counts = Counts()
        self._began = time.monotonic()
        self._began_at = _now()
        self._applying_since: float | None = None
        self._last: dict[str, Any] = {}
        self._last_at = 0.0
        self._closed = threading.Event()
        # Before the first request, so that no file at all means that nothing was done.
        self._write()
        self._thread = threading.Thread(target=self._keep, name="progress", daemon=True)
        start_beside_signals(self._thread)

    @property
    def problem(self) -> str | None:
        """Why there is no file, for people; None where there is one."""
        return self._file.problem

    def reading(self) -> None:
        with self._lock:
            self._counts.phase = READING

    def page_read(self, users: int, pages_left: int | None) -> None:
        with self._lock:
            self._counts.pages_read += 1
            self._counts.pages_left = pages_left
            self._counts.users_read += users

    def looking_up(self, users: int) -> None:
        with self._lock:
            self._counts.look_ups += users

    def looked_up(self) -> None:
        with self._lock:
            self._counts.looked_up += 1

    def applying(self, users: int, requests: int) -> None:
        with self._lock:
            self._counts.phase = APPLYING
            self._counts.total = users
            self._counts.requests_left = requests
            self._applying_since = time.monotonic()

    def applied(self, actions: Iterable[str], requests: int, failed: bool) -> None:
        with self._lock:
            self._counts.count(actions, requests, failed)

    def finishing(self) -> None:
        with self._lock:
            self._counts.phase = FINISHING

    def stopping(self) -> None:
        with self._lock:
            self._counts.stopping = True

    def close(self) -> None:
        """Tell the last state."""
        self._closed.set()
        self._thread.join(PATIENCE_SECONDS)
        if self._thread.is_alive():
            return
        with self._lock:
            self._counts.ended = True
        self._write()
        self._file.close()

    def _keep(self) -> None:
        while not self._closed.wait(TICK_SECONDS):
            self._write()

    def _write(self) -> None:
        pace = self._pace()
        now = time.monotonic()
        with self._lock:
            since = self._applying_since
            applying_seconds = 0.0 if since is None else now - since
            told = self._counts.told(applying_seconds, pace.waiting_seconds, pace.requests_a_minute)
        # Rates and estimates change with every moment, and alone are not worth a new file.
        steady = {key: told[key] for key in told.keys() - {"users_per_second", "seconds_left"}}
        if steady == self._last and now - self._last_at < HEARTBEAT_SECONDS:
            return
        times = {
            "pid": os.getpid(),
            "started_at": self._began_at,
            "updated_at": _now(),
            "seconds": round(now - self._began, 1),
        }
        if self._file.write(json.dumps({**told, **times}) + "\n"):
            self._last, self._last_at = steady, now


@contextmanager
def progress_to(
    path: str | None, limiter: RateLimiter, share: int, interruption: Interruption
) -> Iterator[Progress]:
    """Progress that a file tells of for the time of the block; without a path, to nobody.

    :param share: the percentage of the store's rate limit that the run may use.
    :param interruption: the wish to end the run, which the file tells of as well.
    """
    if path is None:
        yield NO_PROGRESS
        return

    def pace() -> Pace:
        limit = limiter.limit
        return Pace(limiter.wait_left(), max(1, limit * share // 100) if limit else None)

    progress = FileProgress(path, pace)
    interruption.when_requested(progress.stopping)
    try:
        yield progress
    finally:
        progress.close()


def progress_warnings(progress: Progress) -> list[str]:
    """What the operator should know of a file that was asked for and is not there."""
    if isinstance(progress, FileProgress) and progress.problem:
        return [
            f"The progress_file cannot be written ({progress.problem}), so nobody could follow "
            "this task. Give a path in an existing folder that the task's user may write to."
        ]
    return []


def _now() -> str:
    """The time as ISO 8601, UTC."""
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
