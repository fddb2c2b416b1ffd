# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Note which functions of this collection are called, in every process of a run of Ansible.

Python imports this file by itself where its folder is on PYTHONPATH. Each call becomes a line in a
file of the process, with a clock that all processes of a machine share.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
import time
from types import FrameType
from typing import Any

PLUGINS = "ansible_collections/publica/la/plugins/"
FOLDER = os.environ.get("PUBLICA_TEST_CALLS")
_names: dict[Any, str | None] = {}


def _name(frame: FrameType) -> str | None:
    """Such as ``module_utils/provision.py provision``; None for code of others."""
    code = frame.f_code
    if code not in _names:
        path = code.co_filename
        # Functions alone: the bodies of modules and classes run on import, on nobody's way.
        function = code.co_flags & inspect.CO_NEWLOCALS and not code.co_name.startswith("<")
        ours = PLUGINS in path and function
        _names[code] = f"{path.split(PLUGINS)[1]} {code.co_qualname}" if ours else None
    return _names[code]


def _note(frame: FrameType, event: str, _argument: object) -> None:
    if event == "call" and (name := _name(frame)) is not None:
        with open(os.path.join(str(FOLDER), str(os.getpid())), "a", encoding="utf-8") as file:
            file.write(f"{time.monotonic_ns()} {name}\n")


if FOLDER:
    threading.setprofile(_note)
    sys.setprofile(_note)
