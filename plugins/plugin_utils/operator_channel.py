# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A last word to the operator, when Ansible's own way to the terminal is closed.

A worker shows its lines through a queue to ansible-playbook, which closes that queue as soon as
it is interrupted. From ansible-core 2.19 on a worker has no terminal either. So ansible-playbook
itself, which loads an action plugin before it starts a worker for it, keeps a copy of its standard
error, and a worker inherits that.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import select
from contextlib import suppress

PATIENCE_SECONDS = 1.0


def _copy_of_stderr() -> int | None:
    """A copy of the standard error of ansible-playbook; no program that is started inherits it."""
    if multiprocessing.parent_process() is not None:
        return None
    try:
        return os.dup(2)
    except OSError:
        return None


_STDERR = _copy_of_stderr()


def last_word(line: str) -> None:
    """Write a line to the operator's terminal, or wherever else errors go, and to Ansible's log."""
    # Where Ansible keeps no log, nobody handles what is logged.
    with suppress(Exception):
        logging.getLogger("ansible").info(line)
    if _STDERR is None:
        return
    with suppress(OSError, ValueError):
        # A terminal stands in the middle of a line, behind the ^C that it has shown.
        start = "\n" if os.isatty(_STDERR) else ""
        # A pipe that nobody empties must not keep this process from its end.
        ready = select.poll()
        ready.register(_STDERR, select.POLLOUT)
        if ready.poll(PATIENCE_SECONDS * 1000):
            os.write(_STDERR, f"{start}{line}\n".encode(errors="replace"))
