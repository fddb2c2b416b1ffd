# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The counts of a run while it works, and the file in which others can follow them."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible.module_utils.basic import env_fallback

from .client.limiter import RateLimiter
from .client.rate_limit import DOCUMENTED_SECONDS
from .concurrency import StopRequest, start_without_signals
from .errors import ValidationError, out_of_range
from .safe_files import Directory, UnsafeFileError

# The phases of a run: the input is checked, the store is read, changes are sent, and the result is
# put together.
PHASES = STARTING, READING, APPLYING, FINISHING = "starting", "reading", "applying", "finishing"
# The counts of changed users, as in the summary of a result.
OUTCOMES = ("created", "updated", "reactivated", "deactivated")

# The file is rewritten if something changed, or after HEARTBEAT_SECONDS, so that a follower sees
# that the run is alive.
TICK_SECONDS = 0.25
HEARTBEAT_SECONDS = 2.0
# How long a run waits at its end for a file system that hangs.
TIMEOUT_SECONDS = 2.0

# A progress file is below 1 KiB. Any other file at its path is not read completely.
MOST_BYTES = 65_536

DEFAULT_INTERVAL = 5.0
LONGEST_INTERVAL = 86_400.0


def progress_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "progress_file": {"type": "path"},
        "progress_interval": {
            "type": "float",
            "default": DEFAULT_INTERVAL,
            "fallback": (env_fallback, ["PUBLICA_PROGRESS_INTERVAL"]),
        },
    }


def check_interval(seconds: float) -> list[ValidationError]:
    return out_of_range("progress_interval", seconds, 0, LONGEST_INTERVAL, " seconds")


@dataclass
class Counts:
    """What a run has reported so far.

    :ivar stopping: the run was asked to stop and completes what is under way.
    :ivar ended: nothing more is reported; ``phase`` is where the run ended.
    :ivar pages_left: of the list that is being read; None if the store doesn't report it.
    :ivar look_ups: users to look up, with one request each; ``looked_up`` of them are done.
    :ivar total: users that need requests; ``done`` of them succeeded or failed.
    :ivar unverified: unchanged users that the plan did not read.
    :ivar outcomes: the number of users by outcome.
    :ivar requests_left: requests that the plan still needs.
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
    unverified: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    requests_left: int = 0

    def count(self, outcomes: Iterable[str], requests: int, failed: bool) -> None:
        """Count one user that is done, with the number of requests that the plan had for it."""
        self.done += 1
        self.failed += failed
        self.requests_left -= requests
        for outcome in outcomes:
            self.outcomes[outcome] += 1

    def as_reported(
        self, applying_seconds: float, waiting_seconds: float, requests_a_minute: int | None
    ) -> dict[str, Any]:
        """The counts, rates and estimates in the form of a progress file.

        :param applying_seconds: since the first change could be sent.
        :param waiting_seconds: that the run will still wait for the rate limit.
        :param requests_a_minute: that the rate limit allows this run; None if there is no limit.
        """
        # The end of a wait is known. Counting it keeps the rate from jumping at every window.
        seconds = applying_seconds + waiting_seconds
        counts = asdict(self)
        del counts["outcomes"], counts["requests_left"]
        estimates = []
        if self.done and seconds:
            estimates.append((self.total - self.done) * seconds / self.done)
        if requests_a_minute and self.requests_left > 0:
            # The first requests of a window are sent at once, and none for the rest of it. So the
            # rate in the first window is too high for an estimate.
            windows = -(-self.requests_left // requests_a_minute) - 1
            estimates.append(waiting_seconds + windows * DOCUMENTED_SECONDS)
        is_applying = self.phase == APPLYING and not self.ended
        return {
            **counts,
            **self.outcomes,
            "waiting_seconds": math.ceil(waiting_seconds),
            "users_per_second": round(self.done / seconds, 2) if self.done and seconds else None,
            "seconds_left": math.ceil(max(estimates)) if estimates and is_applying else None,
        }


class Progress:
    """Counts what a run reports. :class:`ProgressFile` writes the counts to a file.

    Every method is cheap and may be called from any thread and from a signal handler.
    """

    def __init__(self) -> None:
        # Reentrant, since a signal handler may interrupt a thread that holds it.
        self._lock = threading.RLock()
        self._counts = Counts()
        self._applying_since = 0.0
        # Why the file could not be written so far.
        self.file_error: str | None = None

    def _set(self, **values: Any) -> None:
        with self._lock:
            vars(self._counts).update(values)

    def reading(self) -> None:
        """The input is valid, and the first request is about to be sent."""
        self._set(phase=READING)

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

    def applying(self, users: int, requests: int, unverified: int = 0) -> None:
        """The plan is known: how many users need how many requests that write."""
        self._applying_since = time.monotonic()
        self._set(phase=APPLYING, total=users, unverified=unverified, requests_left=requests)

    def applied(self, outcomes: Iterable[str], requests: int, failed: bool) -> None:
        """One user is done; ``requests`` is the number in the plan."""
        with self._lock:
            self._counts.count(outcomes, requests, failed)

    def finishing(self) -> None:
        """No further request is sent."""
        self._set(phase=FINISHING)

    def stopping(self) -> None:
        self._set(stopping=True)

    def ended(self) -> None:
        self._set(ended=True)

    def as_reported(self, limiter: RateLimiter) -> dict[str, Any]:
        waiting_seconds, requests_a_minute = limiter.wait_left(), limiter.usable
        with self._lock:
            since = self._applying_since
            applying_seconds = time.monotonic() - since if since else 0.0
            return self._counts.as_reported(applying_seconds, waiting_seconds, requests_a_minute)


# For callers without a run of their own; its counts are not read.
NO_PROGRESS = Progress()


class ProgressFile:
    """Writes the counts of a run to a file, from a thread of its own, until :meth:`close`.

    The file is replaced atomically and readable by its owner only. Anything but a progress file or
    an empty file is left alone. A file that root writes gets the directory's owner, which is who
    follows it.
    """

    def __init__(self, path: str, progress: Progress, limiter: RateLimiter) -> None:
        self._progress = progress
        self._limiter = limiter
        directory, self._name = os.path.split(os.path.abspath(path))
        self._directory: Directory | None = None
        self._written = False
        self._began, self._began_at = time.monotonic(), utc_now()
        self._last: dict[str, Any] = {}
        self._last_at = 0.0
        self._closed = threading.Event()
        try:
            self._directory = Directory(directory)
        except OSError as error:
            progress.file_error = error.strerror
        # Before the first request, so that a missing file means that nothing was done.
        self._update()
        self._thread = threading.Thread(target=self._keep, name="progress", daemon=True)
        start_without_signals(self._thread)

    def close(self) -> None:
        self._closed.set()
        self._thread.join(TIMEOUT_SECONDS)
        if self._thread.is_alive():
            return
        self._progress.ended()
        self._update()
        if self._directory is not None:
            self._directory.close()

    def _keep(self) -> None:
        while not self._closed.wait(TICK_SECONDS):
            self._update()

    def _update(self) -> None:
        report = self._progress.as_reported(self._limiter)
        now = time.monotonic()
        # Rates and estimates change all the time and are not a reason to write.
        counts = {key: report[key] for key in report.keys() - {"users_per_second", "seconds_left"}}
        if counts == self._last and now - self._last_at < HEARTBEAT_SECONDS:
            return
        times = {
            "pid": os.getpid(),
            "started_at": self._began_at,
            "updated_at": utc_now(),
            "seconds": round(now - self._began, 1),
        }
        if self._write(json.dumps({**report, **times}) + "\n"):
            self._last, self._last_at = counts, now

    def _write(self, text: str) -> bool:
        """Replace the file; False if that failed."""
        if self._directory is None:
            return False
        try:
            # Neither a link nor a file of another kind must be replaced.
            existing = self._directory.read(self._name, MOST_BYTES, beginning=True)
            if existing and not is_progress(existing):
                raise UnsafeFileError(f"{self._name} is not a progress file, so it is kept")
            self._directory.replace(self._name, text.encode(), as_owner=True)
        except OSError as error:
            # After a first success the path is right, so no warning is due.
            self._progress.file_error = None if self._written else error.strerror
            return False
        self._written, self._progress.file_error = True, None
        return True


@contextmanager
def progress_to(
    path: str | None, limiter: RateLimiter, stop_request: StopRequest
) -> Iterator[Progress]:
    """The progress of a run, written to a file during the block if a path is given."""
    progress = Progress()
    if path is None:
        yield progress
        return
    file = ProgressFile(path, progress, limiter)
    stop_request.on_request(progress.stopping)
    try:
        yield progress
    finally:
        file.close()


def is_progress(content: bytes) -> bool:
    """Whether a content is that of a progress file, of any version of this collection."""
    try:
        state = json.loads(content.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(state, dict) and state.get("phase") in PHASES and "done" in state


def progress_warnings(progress: Progress) -> list[str]:
    if progress.file_error is None:
        return []
    return [
        f"The progress_file cannot be written ({progress.file_error}), so this task's progress is "
        "not shown. Give the path of a new file in an existing directory that the task's user may "
        "write to."
    ]


def utc_now() -> str:
    """The current time in UTC, such as ``2026-06-01T08:30:00Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
