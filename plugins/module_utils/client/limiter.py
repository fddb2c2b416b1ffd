# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limiter for all workers of a run, and by a file for all runs of the machine.

They wait for the store's window once and together.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ..concurrency import StopRequest
from ..errors import FatalError
from .rate_limit import RateWindow, rate_headers

# A lock is held for less than a millisecond. Whoever holds it longer has been stopped.
LOCK_TIMEOUT = 2.0
LOCK_RETRY_SECONDS = 0.002
MOST_BYTES = 65_536
# Two clocks that moved apart by more than this since the file was written do not tell the same
# time: the machine was restarted in between, or its clock was set.
CLOCK_SLACK = 5.0


class BudgetFileError(Exception):
    """Why the budget cannot be shared, as the end of a sentence."""


class BudgetFile:
    """The shared state of one store and token, one JSON object.

    :param folder: where the file is; without it, a folder of the user's own below the system's
        temporary directory.
    :raises BudgetFileError: the file cannot be had, or somebody else could change it.
    """

    def __init__(self, base_url: str, token: str, directory: str | None = None) -> None:
        # The name tells neither the store nor the token, which is long and random.
        name = hashlib.sha256(f"publica.la\0{base_url}\0{token}".encode()).hexdigest()[:32]
        try:
            at = _open_own_directory() if directory is None else _open_directory(directory)
            try:
                self._file = _open_own_file(at, f"{name}.json")
            finally:
                os.close(at)
        except OSError as error:
            raise BudgetFileError(error.strerror or str(error)) from None
        # Also where nobody closes it.
        self.close = weakref.finalize(self, os.close, self._file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file alone. The lock ends with its process, so none is ever stale.

        :raises BudgetFileError: somebody keeps it.
        """
        given_up_at = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > given_up_at:
                    raise BudgetFileError("another process keeps it locked") from None
                time.sleep(LOCK_RETRY_SECONDS)
            except OSError as error:
                raise BudgetFileError(error.strerror or str(error)) from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def read(self) -> Mapping[str, Any] | None:
        """The state as it was last written; None where there is none to be trusted."""
        try:
            content = json.loads(os.pread(self._file, MOST_BYTES, 0) or b"null")
            apart = time.time() - time.monotonic() - content["clocks_apart"]
            state = content["window"]
        except (OSError, ValueError, TypeError, KeyError):
            # Empty, or a write that was interrupted.
            return None
        return state if isinstance(state, Mapping) and abs(apart) < CLOCK_SLACK else None

    def write(self, state: Mapping[str, Any]) -> None:
        """Replace the state.

        :raises BudgetFileError: it cannot be written.
        """
        content = {"clocks_apart": time.time() - time.monotonic(), "window": state}
        text = json.dumps(content, separators=(",", ":")).encode()
        try:
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))
        except OSError as error:
            raise BudgetFileError(error.strerror or str(error)) from None


def _open_own_directory() -> int:
    """The user's own folder, made if need be, which nobody else can write to."""
    path = os.path.join(tempfile.gettempdir(), f"publica.la-{os.geteuid()}")
    at = _open_directory(path)
    about = os.fstat(at)
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o022:
        os.close(at)
        raise BudgetFileError(f"{path} belongs to somebody else, or others may write to it")
    return at


def _open_directory(path: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _open_own_file(at: int, name: str) -> int:
    """A regular file of the user's own that nobody else can read; never the target of a link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(name, flags, 0o600, dir_fd=at)
    about = os.fstat(file)
    is_own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and about.st_nlink == 1
    if not is_own or stat.S_IMODE(about.st_mode) & 0o077:
        os.close(file)
        raise BudgetFileError(f"{name} is not a file of one's own, or others may read it")
    return file


# The longest sleep at a stretch: another run may have learned something, or somebody may wish to
# end this one.
LONGEST_NAP = 0.5

T = TypeVar("T")


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
        stop_request: StopRequest | None = None,
    ) -> None:
        self._window = RateWindow(share, run=f"{os.getpid()}-{secrets.token_hex(4)}")
        self._max_wait = max_wait
        self._budget = budget
        self._interruption = stop_request or StopRequest()
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

    def _share_knowledge(self, act: Callable[[float], T], joins: bool = False) -> T:
        """Act on the window as all runs of the machine know it.

        A store without a limit has nothing to share, and costs no look at the file.

        :param joins: look at the file though this run knows of no limit yet.
        """
        budget = self._budget
        if budget is None or not (joins or self._window.is_limited):
            return act(time.monotonic())
        told: T
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
