# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Showing the progress of a module that runs, and a final message if it is interrupted.

A worker of Ansible shows lines through a queue to ansible-playbook, which closes the queue as soon
as it is interrupted. From ansible-core 2.19 on a worker has no terminal either. ansible-playbook
loads an action plugin before it forks a worker for it. So this file, when it is loaded there, keeps
a copy of the standard error, which the worker inherits.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import select
import signal
import stat
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Callable

from ..module_utils.concurrency import TO_END, start_without_signals
from ..module_utils.progress import DEFAULT_INTERVAL, LONGEST_INTERVAL, MOST_BYTES
from .progress_lines import State, parse_state, progress_line

INTERVAL_VARIABLE = "PUBLICA_PROGRESS_INTERVAL"
# Callbacks that show nothing, and those that write a document to standard output, which a progress
# line would break.
SILENT_CALLBACKS = ("null",)
DOCUMENT_CALLBACKS = ("json", "jsonl")

# The interval is an upper bound, so lines are shown a little earlier.
EARLY = 0.95
# How often to check that ansible-playbook still runs.
POLL_SECONDS = 0.25
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# After an interruption, the time for the requests under way and the module's last state.
GRACE_SECONDS = 4.0
# A terminal sends its signal to the module as well, which then reports that it is stopping. To a
# module that has not reported it by now, the signal is sent from here.
FORWARD_SECONDS = 0.7
# A module that was interrupted while it started never writes a state.
NO_STATE_SECONDS = 1.0
# The timeout of the final message, where standard error is a pipe that no process reads.
MESSAGE_SECONDS = 1.0


@dataclass(frozen=True)
class Settings:
    """The settings of a task, apart from its arguments, that decide whether progress is shown."""

    connection: str
    is_async: bool
    no_log: bool
    become_user: str | None
    user: str
    stdout_callback: str


def line_interval(
    args: Mapping[str, Any], environment: Mapping[str, str], settings: Settings
) -> float | None:
    """Seconds between two lines; None if no lines are to be shown.

    Lines need a file that the module's user can write and the user of ansible-playbook can read, on
    the same machine.
    """
    if settings.connection != "local" or settings.is_async or settings.no_log:
        return None
    if settings.become_user not in (None, "root", settings.user):
        return None
    if settings.stdout_callback.rpartition(".")[2] in SILENT_CALLBACKS:
        return None
    value = args.get("progress_interval", environment.get(INTERVAL_VARIABLE))
    try:
        seconds = DEFAULT_INTERVAL if value is None else float(value)
    except (TypeError, ValueError):
        # The module reports the invalid value.
        return None
    return seconds if 0 < seconds <= LONGEST_INTERVAL else None


def writes_document(stdout_callback: str) -> bool:
    """Whether standard output is for programs, so that lines go to standard error."""
    return stdout_callback.rpartition(".")[2] in DOCUMENT_CALLBACKS


class StateReader:
    """Reads a progress file, and keeps the last valid state.

    Content from before the run belongs to another run and is ignored. So is a file of any user but
    this one and root, since its process id receives a signal.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._before = self._text()
        self._last: State | None = None

    def read(self) -> State | None:
        text = self._text()
        if text is not None and text != self._before:
            self._before = None
            self._last = parse_state(text) or self._last
        return self._last

    def _text(self) -> str | None:
        try:
            with open(os.open(self._path, _READING), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()):
                    return None
                return file.read(MOST_BYTES).decode()
        except (OSError, ValueError):
            return None


class Follower:
    """Shows a progress line at each interval, from :meth:`start` to :meth:`stop`.

    :param orphaned: called once if the process that started this one ends after the run has begun.
    """

    def __init__(
        self,
        reader: StateReader,
        host: str,
        interval: float,
        show: Callable[[str], None],
        orphaned: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._host = host
        self._period = interval * EARLY
        self._show = show
        self._orphaned = orphaned
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)
        self.shown = 0

    def start(self) -> None:
        start_without_signals(self._thread)

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            # Showing a line takes no time; the timeout is for a terminal that hangs.
            self._thread.join(1.0)

    def _follow(self) -> None:
        # A line that cannot be shown must not make the task fail.
        with suppress(Exception):
            self._show_until_stopped()

    def _show_until_stopped(self) -> None:
        parent = os.getppid()
        began = time.monotonic()
        due = next_due(began, self._period, began)
        while not self._stopped.wait(max(0.0, min(POLL_SECONDS, due - time.monotonic()))):
            if os.getppid() != parent and self._reader.read() is not None:
                self._orphaned()
                return
            now = time.monotonic()
            if now >= due:
                self._show(progress_line(self._host, self._reader.read()))
                self.shown += 1
                due = next_due(began, self._period, now)


def next_due(began: float, period: float, now: float) -> float:
    """The first multiple of the period after ``began`` that is in the future.

    Counted from the start, so that lines do not drift, and are not made up for after a standby.
    """
    return began + period * (int((now - began) / period) + 1)


class InterruptHandler:
    """Within the block, a signal that ends the process first calls ``interrupted``.

    Then the signal has its usual effect. Ignored signals stay ignored. Outside the main thread,
    which is the only one that receives signals, this does nothing.
    """

    def __init__(self, interrupted: Callable[[], None]) -> None:
        self._interrupted = interrupted
        self._handlers: dict[int, Any] = {}
        self._ending = False

    def __enter__(self) -> InterruptHandler:
        if threading.current_thread() is threading.main_thread():
            for number in TO_END:
                before = signal.getsignal(number)
                if before is not None and before is not signal.SIG_IGN:
                    self._handlers[number] = before
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, *_error: object) -> None:
        if not self._ending:
            self._restore(*self._handlers)

    def _restore(self, *numbers: int) -> None:
        # Python reports a signal that arrives between two changes as lost, so they are blocked.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)
        try:
            for number in numbers:
                signal.signal(number, self._handlers[number])
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._ending:
            # ansible-playbook sends a second signal at once to each worker that still runs.
            return
        self._ending = True
        try:
            self._interrupted()
        finally:
            # The other handlers stay, since this signal ends the process.
            self._restore(number)
            os.kill(os.getpid(), number)


def interrupt_this_process() -> None:
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGTERM)


def wait_for_end(read: Callable[[], State | None]) -> State | None:
    """The last state of an interrupted module, after waiting for its end for a few seconds."""
    began = time.monotonic()
    forwarded = False
    while True:
        state = read()
        passed = time.monotonic() - began
        if state is None:
            if passed >= NO_STATE_SECONDS:
                return None
        elif state["ended"]:
            return state
        elif passed >= GRACE_SECONDS or not _is_running(int(state["pid"])):
            return read()
        elif not forwarded and passed >= FORWARD_SECONDS and not state["stopping"]:
            forwarded = True
            # The process may have ended, or belong to root.
            with suppress(OSError):
                os.kill(int(state["pid"]), signal.SIGTERM)
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    waitid = getattr(os, "waitid", None)  # missing on some systems
    # An OSError here means that the process is not a child of this one.
    with suppress(OSError):
        if waitid and waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            # A child that has ended exists until its status is read.
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # It belongs to another user.
    return True


def _copy_of_stderr() -> int | None:
    """A copy of the standard error of ansible-playbook, closed in programs that it starts."""
    if multiprocessing.parent_process() is not None:
        return None
    try:
        return os.dup(2)
    except OSError:
        return None


_STDERR = _copy_of_stderr()


def final_message(line: str) -> None:
    # Without a log file this logger has no handler.
    with suppress(Exception):
        logging.getLogger("ansible").info(line)
    if _STDERR is None:
        return
    with suppress(OSError, ValueError):
        # On a terminal the cursor stands behind the ^C that it has shown.
        start = "\n" if os.isatty(_STDERR) else ""
        ready = select.poll()
        ready.register(_STDERR, select.POLLOUT)
        if ready.poll(MESSAGE_SECONDS * 1000):
            os.write(_STDERR, f"{start}{line}\n".encode(errors="replace"))
