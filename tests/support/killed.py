# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that are killed in the middle of their work."""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable


def was_killed(work: Callable[[], object]) -> bool:
    """Do the work in a copy of this process; returns whether SIGKILL ended it.

    The copy has everything that is loaded and patched here, so it starts within milliseconds. It
    must use no thread of this process, such as that of a sandbox store, except over its socket.
    """
    with warnings.catch_warnings():
        # Python warns of other threads: the work needs none of the locks that they could hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"ended by signal {os.WTERMSIG(status)}"
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed: its traceback is in stderr"
    return False


def kill_this_process() -> None:
    """End this process at once: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
