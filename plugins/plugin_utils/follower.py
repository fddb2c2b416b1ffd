# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a progress file by a thread of its own, while something else waits for the run."""

from __future__ import annotations

import os
import stat
import threading
import time
from typing import Callable

from ..module_utils.concurrency import start_without_signals
from .progress_lines import State, parse_state, progress_line

# Lines come a little before they are due, since they are due at the latest then.
EARLY = 0.95
# How often to look whether ansible-playbook is still there.
POLL_SECONDS = 0.25
# A progress file is below 1 KiB. Whatever else lies at the path is not read whole.
MOST_BYTES = 65_536
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def next_due(began: float, period: float, now: float) -> float:
    """The first multiple of the period after ``began`` that is still to come.

    Absolute, so that lines do not drift, and none is made up for where the machine slept.
    """
    return began + period * (int((now - began) / period) + 1)


class StateReader:
    """Reads a progress file, and remembers the last good state.

    What was in the file before the run is some other run's, and does not count. Nor does a file of
    anybody but this user and root: it names the process that is told to end.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._before = self._text()
        self._last: State | None = None

    def read(self) -> State | None:
        """The last state that the run has told; None before the first."""
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
    """Shows a line at each due time, from :meth:`start` to :meth:`stop`.

    :param show: shows one line.
    :param orphaned: called once, where the process that started this one has gone while the run
        had begun.

    :ivar shown: how many lines were shown.
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
        """Show nothing more."""
        self._stopped.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            # A line takes no time, so this only bounds what cannot be foreseen.
            self._thread.join(1.0)

    def _follow(self) -> None:
        try:
            self._until_stopped()
        except Exception:
            # Whatever it is, the task must not suffer for a line.
            self._stopped.set()

    def _until_stopped(self) -> None:
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
