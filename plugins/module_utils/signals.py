# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals that ask a process to end, and threads that leave them to the main thread."""

from __future__ import annotations

import signal
import threading

TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def leave_signals_to_main_thread() -> None:
    """Take none of these signals in the calling thread; for a pool's ``initializer``."""
    signal.pthread_sigmask(signal.SIG_BLOCK, TO_END)


def start_beside_signals(thread: threading.Thread) -> None:
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
