# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wish to end the run, by a signal: nothing new is sent, and what is under way is finished."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Callable

from .signals import TO_END
from .transport.errors import FatalError

INTERRUPTED = "interrupted"

# One wish may come as several signals, from the terminal and from Ansible; a later one is another,
# more urgent wish.
SAME_WISH_SECONDS = 2.0
LONGEST_NAP = 0.25


class Interruption:
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

    def when_requested(self, told: Callable[[], None]) -> None:
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
    def listening(self) -> Iterator[None]:
        """Take a signal to end the process as the wish to end the run."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Only the main thread can handle signals.
            return
        former = {}
        for number in TO_END:
            # What was started to be left alone (nohup, a job in the background) still is.
            if signal.getsignal(number) is not signal.SIG_IGN:
                former[number] = signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _heard(self, number: int, _frame: FrameType | Any) -> None:
        now = time.monotonic()
        if not self._signal:
            self._since = now
            self.request(signal.Signals(number).name)
        elif now - self._since > SAME_WISH_SECONDS:
            # Asked for again: as it would end without this.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
