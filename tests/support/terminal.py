# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real terminal of 80 columns in which a command runs."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path
from typing import Self

from .playbooks import RUN_SECONDS, Command

ROWS, COLUMNS = 30, 80
# A session leader without a terminal gets the first one that it opens.
IN_TERMINAL = 'exec "$@" <"$0" >"$0" 2>&1'


class Terminal:
    """Runs one command, from ``with`` to the end of the block."""

    def __init__(self, command: Command, directory: Path) -> None:
        self._command = command
        self._directory = directory
        self._changed = threading.Condition()
        self._shown = b""

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", IN_TERMINAL, os.ttyname(slave), *self._command.words],
            cwd=self._directory,
            env={**self._command.environment, "TERM": "xterm"},
            start_new_session=True,
        )
        self._slave = slave
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._slave)
        os.close(self._master)

    @property
    def lines(self) -> list[str]:
        with self._changed:
            return self._shown.decode(errors="replace").replace("\r\n", "\n").splitlines()

    def wait_for(self, pattern: str) -> str:
        """Wait for a line in which the pattern is found, and return it."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [line for line in self.lines if re.search(pattern, line)]
            return bool(found)

        with self._changed:
            if not self._changed.wait_for(is_there, RUN_SECONDS):
                raise TimeoutError(f"no {pattern!r} in:\n" + "\n".join(self.lines))
        return found[0]

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end, and return the exit status."""
        return self._process.wait(RUN_SECONDS)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._master, 4096)
            except OSError:
                return
            with self._changed:
                self._shown += chunk
                self._changed.notify_all()
