# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing the same with each of many things, several at once."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Callable, TypeVar

from .errors import FatalError

TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def leave_signals_to_main_thread() -> None:
    """Take none of these signals in the calling thread; for a pool's ``initializer``."""
    signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)


def start_without_signals(thread: threading.Thread) -> None:
    """Start a thread to which no signal to end is delivered.

    The system may deliver a process's signal to any of its threads. Python's handler runs in the
    main thread alone, which a signal that came to another thread does not wake from a wait.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)
    try:
        # A thread inherits the mask of the one that starts it.
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


INTERRUPTED = "interrupted"

# One wish may come as several signals, from the terminal and from Ansible; a later one is another,
# more urgent wish.
SAME_REQUEST_SECONDS = 2.0
LONGEST_NAP = 0.25


class StopRequest:
    """Whether somebody wishes the run to end.

    A plain attribute, since a signal may come while any lock is held by the thread that handles it.
    """

    def __init__(self) -> None:
        self._signal = ""
        self._since = 0.0
        self._told: Callable[[], None] = lambda: None

    @property
    def requested(self) -> bool:
        """Whether somebody does."""
        return bool(self._signal)

    def request(self, name: str) -> None:
        """Ask the run to end; ``name`` says by what."""
        self._signal = name
        self._told()

    def on_request(self, told: Callable[[], None]) -> None:
        """Whom to tell of the wish, at once and perhaps from a signal handler."""
        self._told = told

    def check(self) -> None:
        """Send nothing more once the run is to end.

        :raises FatalError: ``interrupted``.
        """
        if self._signal:
            raise FatalError(
                INTERRUPTED,
                f"The run was interrupted ({self._signal}). What was done is in the result, and "
                "the next run completes the rest.",
            )

    def sleep(self, seconds: float) -> None:
        """Sleep, though no longer than until the run is to end."""
        until = time.monotonic() + seconds
        while not self._signal and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LONGEST_NAP))

    @contextlib.contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Take a signal to end the process as the wish to end the run."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Only the main thread can handle signals.
            return
        former = {}
        for number in TO_END:
            # What was started to be left alone (nohup, a job in the background) still is.
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
            # Asked for again: as it would end without this.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


Thing = TypeVar("Thing")


def for_each(things: Iterable[Thing], act: Callable[[Thing], object], workers: int) -> None:
    """Call ``act`` once with each thing, in up to so many threads; return when all are done.

    The threads fetch their work themselves. Handing each piece out from here, and its result back,
    would cost the thread that does it as much as the work costs the others.

    :raises BaseException: the first that ``act`` raised; nothing further was begun after it.
    """
    waiting = iter(things)
    fetching = threading.Lock()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            while not raised:
                with fetching:
                    thing = next(waiting, end)
                if thing is end:
                    return
                act(thing)  # type: ignore[arg-type]  # what is not the end is a thing
        except BaseException as error:
            raised.append(error)

    end = object()
    threads = [threading.Thread(target=work, daemon=True) for _number in range(workers - 1)]
    for thread in threads:
        start_without_signals(thread)
    work()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
