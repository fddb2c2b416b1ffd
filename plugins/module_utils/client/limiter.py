# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limiter for all workers of a run, and for all runs of a machine with one store and token.

The runs share what they know in a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ..concurrency import StopRequest
from ..errors import FatalError
from ..safe_files import OWNER_ONLY_DIRECTORY, Directory, UnsafeFileError, lock
from .answers import rate_headers
from .rate_limit import RateWindow

# A lock is held for less than a millisecond. A process that holds it longer was stopped.
LOCK_TIMEOUT = 2.0
LOCK_RETRY_SECONDS = 0.002
MAX_BYTES = 65_536
# If the wall clock and the monotonic clock moved apart by more than this since the file was
# written, the machine restarted or its clock was set, and the times in the file are invalid.
CLOCK_SLACK = 5.0
# The longest uninterrupted sleep: another run may have learned something, or this run may be asked
# to stop.
LONGEST_NAP = 0.5

Result = TypeVar("Result")


class BudgetFile:
    """The shared state of one store and token: a JSON object in a locked file.

    :param directory: by default one of this user below the system's temporary directory.
    :raises OSError: the file can't be opened, or another user could change it.
    """

    def __init__(self, base_url: str, token: str, directory: str | None = None) -> None:
        # A name that reveals neither the store nor the token, which is long and random.
        name = hashlib.sha256(f"publica.la\0{base_url}\0{token}".encode()).hexdigest()[:32]
        own = os.path.join(tempfile.gettempdir(), f"publica.la-{os.geteuid()}")
        path = own if directory is None else directory
        with Directory(path, create_mode=OWNER_ONLY_DIRECTORY, follow_link=False) as opened:
            if directory is None and not opened.is_private:
                raise UnsafeFileError(
                    f"{path} belongs to another user, or other users may write to it"
                )
            self._file = opened.open_private(f"{name}.json")
        # Closes the file even if close() is never called.
        self.close = weakref.finalize(self, os.close, self._file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file's lock; an OSError if another process keeps it."""
        lock(self._file, LOCK_TIMEOUT, LOCK_RETRY_SECONDS)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def read(self) -> Mapping[str, Any] | None:
        try:
            content = json.loads(os.pread(self._file, MAX_BYTES, 0) or b"null")
            apart = time.time() - time.monotonic() - content["clocks_apart"]
            state = content["window"]
        except (OSError, ValueError, TypeError, KeyError):
            # Empty, or an interrupted write.
            return None
        return state if isinstance(state, Mapping) and abs(apart) < CLOCK_SLACK else None

    def write(self, state: Mapping[str, Any]) -> None:
        content = {"clocks_apart": time.time() - time.monotonic(), "window": state}
        text = json.dumps(content, separators=(",", ":")).encode()
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))


class RateLimiter:
    """Delays requests so that the run keeps to the store's rate limit.

    :param share: the percentage of the limit that this run may use.
    :param max_wait: the longest single wait, in seconds.
    :param budget: the state that the runs of this machine share; None to share nothing.
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
        self._stop_request = stop_request or StopRequest()
        self._changed = threading.Condition()
        self._waiting = 0
        self._waiting_since = 0.0
        self._waiting_until = 0.0
        self._waited = 0.0
        # Another run may already know that the window is used up.
        self._update_shared(lambda _now: None, joins=True)

    def close(self) -> None:
        with self._changed:
            self._stop_sharing()

    @property
    def limit(self) -> int | None:
        return self._window.limit

    @property
    def usable(self) -> int | None:
        return self._window.usable

    def expect(self, requests: int) -> None:
        with self._changed:
            self._window.expect(requests)

    @property
    def waited_seconds(self) -> float:
        """Seconds that the run waited for the limit, counted once for all workers."""
        with self._changed:
            running = time.monotonic() - self._waiting_since if self._waiting else 0.0
            return self._waited + running

    def wait_left(self) -> float:
        """Seconds that the run will still wait for the limit; 0 if it doesn't wait."""
        with self._changed:
            return max(0.0, self._waiting_until - time.monotonic()) if self._waiting else 0.0

    def acquire(self) -> float:
        """Wait until a request may be sent, and return the time of sending for :meth:`answered`.

        :raises FatalError: ``rate_limited`` if the wait would be longer than allowed;
            ``interrupted`` if the run was asked to stop.
        """
        with self._changed:
            started_waiting = False
            try:
                while True:
                    self._stop_request.check()
                    delay, now = self._update_shared(self._try_to_send)
                    if delay <= 0:
                        return now
                    if delay > self._max_wait:
                        raise FatalError(
                            "rate_limited",
                            f"The store's rate limit requires a wait of {delay:.0f} s, longer "
                            f"than max_rate_limit_wait ({self._max_wait:g} s). Run again later, or "
                            "raise max_rate_limit_wait.",
                            status=429,
                        )
                    if not started_waiting:
                        started_waiting = True
                        if self._waiting == 0:
                            self._waiting_since = now
                        self._waiting += 1
                    self._waiting_until = now + delay
                    self._changed.wait(min(delay, LONGEST_NAP))
            finally:
                if started_waiting:
                    self._waiting -= 1
                    if self._waiting == 0:
                        self._waited += time.monotonic() - self._waiting_since

    def answered(self, status: int, headers: Mapping[str, str], sent_at: float) -> None:
        reported = rate_headers(headers, time.time())
        is_limited = status == 429 or reported.limit is not None
        learn = self._window.refused if status == 429 else self._window.answered
        with self._changed:
            self._update_shared(lambda now: learn(reported, sent_at, now), joins=is_limited)
            self._wake()

    def lost(self, sent_at: float) -> None:
        with self._changed:
            self._update_shared(lambda _now: self._window.lost(sent_at))
            self._wake()

    def _wake(self) -> None:
        # Usually no worker waits, and notifying none still takes time.
        if self._waiting:
            self._changed.notify_all()

    def _try_to_send(self, now: float) -> tuple[float, float]:
        delay = self._window.delay(now)
        if delay <= 0:
            self._window.sent(now)
        return delay, now

    def _update_shared(self, act: Callable[[float], Result], joins: bool = False) -> Result:
        """Act on the window's state as all runs of the machine know it, and share the outcome.

        :param joins: read the file although this run knows no limit yet.
        """
        budget = self._budget
        if budget is None or not (joins or self._window.is_limited):
            return act(time.monotonic())
        result: Result
        has_acted = False
        try:
            with budget.locked():
                now = time.monotonic()
                shared = budget.read()
                if shared is not None:
                    self._window.take_over(shared, now)
                was_limited = self._window.is_limited
                result = act(now)
                has_acted = True
                if was_limited or self._window.is_limited:
                    budget.write(self._window.as_shared())
        except OSError:
            self._stop_sharing()
            if not has_acted:
                result = act(time.monotonic())
        return result

    def _stop_sharing(self) -> None:
        if self._budget is not None:
            self._budget.close()
            self._budget = None
