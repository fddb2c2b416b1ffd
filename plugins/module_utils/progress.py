# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run reports to while it works: to a file that others may follow, or to nobody."""

from __future__ import annotations

import datetime
import errno
import json
import math
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback

from .client.limiter import RateLimiter
from .concurrency import StopRequest, start_without_signals
from .errors import ValidationError, out_of_range

# In the order in which a run goes through them.
STARTING = "starting"  # the input is read and checked
READING = "reading"  # the store is read
APPLYING = "applying"  # changes are sent
FINISHING = "finishing"  # the result is put together
PHASES = (STARTING, READING, APPLYING, FINISHING)
# The counts of changed users, as in the summary of a result.
OUTCOMES = ("created", "updated", "reactivated", "deactivated")

WINDOW_SECONDS = 60.0  # of the store's rate limit, as its documentation has it


@dataclass
class Counts:
    """What a run has reported so far.

    :ivar stopping: the run was told to stop, and finishes what is under way.
    :ivar ended: nothing more will be told; ``phase`` is where the run has ended.
    :ivar pages_left: pages of the list that is being read; None where the store does not tell.
    :ivar look_ups: how many addresses are to be looked up, of which ``looked_up`` are.
    :ivar total: users to whom something is to be sent, of whom ``done`` have succeeded or failed.
    :ivar outcomes: users by outcome.
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
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    requests_left: int = 0

    def count(self, outcomes: Iterable[str], requests: int, failed: bool) -> None:
        """Count one user who is done, for whom ``requests`` were planned."""
        self.done += 1
        self.failed += failed
        self.requests_left -= requests
        for outcome in outcomes:
            self.outcomes[outcome] += 1

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
            **self.outcomes,
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


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class StateFile:
    """Writes a file beside its place and renames it, readable by its owner alone.

    Nothing is written through a link, and nothing but a regular file is replaced. The folder is
    opened once, so whatever takes its path later is left alone. A file that root writes belongs
    to whoever the folder belongs to, since that is who follows it.

    :ivar problem: why nothing could be written so far, for people; None once something was.
    """

    def __init__(self, path: str) -> None:
        directory, self._name = os.path.split(os.path.abspath(path))
        self._temporary_name = f".{self._name}.{os.getpid()}"
        self._directory: int | None = None
        self._written = False
        self.problem: str | None = None
        try:
            self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            self.problem = error.strerror

    def write(self, text: str) -> bool:
        """Replace the content; tells whether that went well, and never raises an OSError."""
        if self._directory is None:
            return False
        try:
            self._replace(self._directory, text.encode())
        except OSError as error:
            self.problem = None if self._written else error.strerror
            return False
        self._written, self.problem = True, None
        return True

    def close(self) -> None:
        """Write no more. The file stays."""
        directory, self._directory = self._directory, None
        if directory is not None:
            os.close(directory)

    def _replace(self, directory: int, content: bytes) -> None:
        with suppress(FileNotFoundError):
            mode = os.stat(self._name, dir_fd=directory, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "there is something that is no regular file")
        try:
            new = os.open(self._temporary_name, _NEW, 0o600, dir_fd=directory)
        except FileExistsError:
            # Left behind by a process of the same number that was killed.
            os.unlink(self._temporary_name, dir_fd=directory)
            new = os.open(self._temporary_name, _NEW, 0o600, dir_fd=directory)
        try:
            try:
                owner = os.fstat(directory)
                if os.geteuid() == 0 and owner.st_uid != 0:
                    os.fchown(new, owner.st_uid, owner.st_gid)
                os.write(new, content)
            finally:
                os.close(new)
            os.rename(self._temporary_name, self._name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            with suppress(OSError):
                os.unlink(self._temporary_name, dir_fd=directory)
            raise


# How often the file is looked after. It is rewritten where something has changed, or after a while
# so that a follower sees that the run is alive.
TICK_SECONDS = 0.25
HEARTBEAT_SECONDS = 2.0
# A run does not wait longer than this for a file system that hangs.
TIMEOUT_SECONDS = 2.0

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


def check_interval(seconds: float) -> list[ValidationError]:
    """What is wrong with an interval that cannot be meant."""
    return out_of_range("progress_interval", seconds, 0, LONGEST_INTERVAL, " seconds")


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

    def applied(self, outcomes: Iterable[str], requests: int, failed: bool) -> None:
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
        start_without_signals(self._thread)

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

    def applied(self, outcomes: Iterable[str], requests: int, failed: bool) -> None:
        with self._lock:
            self._counts.count(outcomes, requests, failed)

    def finishing(self) -> None:
        with self._lock:
            self._counts.phase = FINISHING

    def stopping(self) -> None:
        with self._lock:
            self._counts.stopping = True

    def close(self) -> None:
        """Tell the last state."""
        self._closed.set()
        self._thread.join(TIMEOUT_SECONDS)
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
    path: str | None, limiter: RateLimiter, share: int, stop_request: StopRequest
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
    stop_request.on_request(progress.stopping)
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
