# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Being interrupted: let the module come to an end, tell the operator, and only then end."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Callable

from ..module_utils.concurrency import TO_END
from .progress_lines import State

# For the requests under way and the module's last state. After it the worker ends in any case.
GRACE_SECONDS = 4.0
# A terminal sends its signal to the module as well, which then says that it is stopping. A module
# that has not said so by now was not told.
UNTOLD_SECONDS = 0.7
# A module that was interrupted while it started has nothing to tell.
SILENT_SECONDS = 1.0


class Interruptible:
    """For the time of a block, a signal to end first calls ``tell``, and then takes its course.

    Signals that are ignored stay ignored. Outside the main thread, which alone gets signals, this
    does nothing.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._handlers: dict[int, Any] = {}
        self._telling = False

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            for number in TO_END:
                before = signal.getsignal(number)
                if before is not None and before is not signal.SIG_IGN:
                    self._handlers[number] = before
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._telling:
            self._restore(*self._handlers)

    def _restore(self, *numbers: int) -> None:
        # Not while a signal could come in between, which Python would report as lost.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)
        try:
            for number in numbers:
                signal.signal(number, self._handlers[number])
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._telling:
            # ansible-playbook sends a second signal at once to whoever is still there.
            return
        self._telling = True
        try:
            self._tell()
        finally:
            # The others stay as they are: this process ends now.
            self._restore(number)
            os.kill(os.getpid(), number)


def interrupt_this_process() -> None:
    """Do as if this process was told to end, from any of its threads."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGTERM)


def wait_for_end(read: Callable[[], State | None]) -> State | None:
    """Wait a few seconds for a module that was interrupted too, and see to it that it was.

    :param read: the last state of the run.
    :return: the last state.
    """
    began = time.monotonic()
    told = False
    while True:
        state = read()
        passed = time.monotonic() - began
        if state is None:
            if passed >= SILENT_SECONDS:
                return None
        elif state["ended"]:
            return state
        elif passed >= GRACE_SECONDS or not _is_running(int(state["pid"])):
            return read()
        elif not told and passed >= UNTOLD_SECONDS and not state["stopping"]:
            told = True
            _end_softly(int(state["pid"]))
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    waitid = getattr(os, "waitid", None)  # not there on every system
    try:
        if waitid and waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            # A child of this process that has ended, and still waits to be asked for its status.
            return False
    except OSError:
        pass  # somebody else's child
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def _end_softly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError:
        # It has gone, or it is root's, and not this user's to end.
        return
