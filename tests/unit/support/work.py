# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much work a function does, and what it loads."""

from __future__ import annotations

import cProfile
import pstats
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ansible_collections.publica.la.plugins.module_utils.input import files

T = TypeVar("T")


def calls_in(act: Callable[[], T]) -> tuple[int, T]:
    """The number of function calls, and the result."""
    with cProfile.Profile() as profile:
        result = act()
    return int(pstats.Stats(profile).total_calls), result  # type: ignore[attr-defined]  # not in stubs


def loads(path: Path, library: str) -> bool:
    """Whether reading this file of desired users loads the library."""
    program = (
        f"import sys; from {files.__name__} import users_of_task; "
        f"users_of_task(None, {str(path)!r}, None, None); print({library!r} in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout == "True\n"
