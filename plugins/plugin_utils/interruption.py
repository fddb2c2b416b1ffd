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

from ..module_utils.progress.counts import ENDED
from .progress_lines import State

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
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
            for number in (getattr(signal, name) for name in SIGNALS):
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
        self._restore()

    def _restore(self) -> None:
        while self._handlers:
            number, before = self._handlers.popitem()
            signal.signal(number, before)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._telling:
            # ansible-playbook sends a second signal at once to whoever is still there.
            return
        self._telling = True
        try:
            self._tell()
        finally:
            self._restore()
            os.kill(os.getpid(), number)


def interrupt_this_process() -> None:
    """Do as if this process was told to end, from any of its threads."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGTERM)


def wait_for_end(read: Callable[[], State | None]) -> tuple[State | None, bool]:
    """Wait a few seconds for a module that was interrupted too, and see to it that it was.

    :param read: the last state of the run.
    :return: the last state, and whether the run has ended by itself.
    """
    began = time.monotonic()
    told = False
    while True:
        state = read()
        passed = time.monotonic() - began
        if state is None:
            if passed >= SILENT_SECONDS:
                return None, False
        elif state["phase"] == ENDED:
            return state, True
        elif passed >= GRACE_SECONDS or not _is_running(int(state["pid"])):
            return read(), False
        elif not told and passed >= UNTOLD_SECONDS and not state["stopping"]:
            told = True
            _end_softly(int(state["pid"]))
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
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
        # It has gone, or belongs to root; then it ends with its last user.
        return
