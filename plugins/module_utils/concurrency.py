# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Worker threads, and the request to stop that a signal makes."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Callable, TypeVar

from .errors import FatalError

INTERRUPTED = "interrupted"
TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# One stop request may arrive as several signals, from the terminal and from Ansible. A signal that
# arrives later than this is a second request, which ends the process.
SAME_REQUEST_SECONDS = 2.0
LONGEST_NAP = 0.25

Item = TypeVar("Item")


def leave_signals_to_main_thread() -> None:
    """Block the signals of ``TO_END`` in the calling thread; for a pool's ``initializer``."""
    signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)


def start_without_signals(thread: threading.Thread) -> None:
    """Start a thread that receives none of the signals of ``TO_END``.

    Python runs their handler in the main thread, and a signal to another thread doesn't wake it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)
    try:
        # A thread inherits the signal mask of the thread that starts it.
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class StopRequest:
    """Whether the run was asked to stop.

    It takes no lock: the thread that handles a signal may already hold any lock.
    """

    def __init__(self) -> None:
        self._signal = ""
        self._since = 0.0
        self._callback: Callable[[], None] = lambda: None

    @property
    def requested(self) -> bool:
        return bool(self._signal)

    def request(self, name: str) -> None:
        """Ask the run to stop; ``name`` is the signal."""
        self._signal = name
        self._callback()

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the run is asked to stop, possibly in a signal handler."""
        self._callback = callback

    def check(self) -> None:
        """Raise the FatalError ``interrupted`` if the run was asked to stop."""
        if self._signal:
            raise FatalError(
                INTERRUPTED,
                f"The run was interrupted ({self._signal}). The result lists what was done. Run "
                "again to complete the rest.",
            )

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._signal and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LONGEST_NAP))

    @contextlib.contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Treat a signal of ``TO_END`` as a stop request."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Only the main thread can handle signals.
            return
        former = {}
        for number in TO_END:
            # A process that was started to ignore a signal (nohup) still ignores it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                former[number] = signal.signal(number, self._handle_signal)
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _handle_signal(self, number: int, _frame: FrameType | Any) -> None:
        now = time.monotonic()
        if not self._signal:
            self._since = now
            self.request(signal.Signals(number).name)
        elif now - self._since > SAME_REQUEST_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


def for_each(items: Iterable[Item], act: Callable[[Item], object], workers: int) -> None:
    """Call ``act`` once with each item in up to ``workers`` threads, and wait until all are done.

    The threads fetch their items themselves, which is faster than handing each one over.

    :raises BaseException: the first exception that ``act`` raised. No item is begun after it.
    """
    remaining = iter(items)
    fetching = threading.Lock()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            while not raised:
                with fetching:
                    item = next(remaining, end)
                if item is end:
                    return
                act(item)  # type: ignore[arg-type]  # anything but the end is an item
        except BaseException as error:
            raised.append(error)

    end = object()
    threads = [threading.Thread(target=work, daemon=True) for _worker in range(workers - 1)]
    for thread in threads:
        start_without_signals(thread)
    work()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
