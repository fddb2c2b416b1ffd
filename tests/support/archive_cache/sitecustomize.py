# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the bytecode of files in zip archives, half of the time that a module takes.

Ansible sends a module as an archive of its sources, and Python would compile them at each start.
Python imports this file before any program if its directory is in PYTHONPATH.
"""

from __future__ import annotations

import _imp
import importlib._bootstrap_external as files
import marshal
import os
import sys
import zipimport
from types import CodeType

_compile = zipimport._compile_source


def _kept(path: str, source: bytes) -> CodeType:
    """The bytecode of a source, compiled only if no process has compiled the same before."""
    name = f"{sys.implementation.cache_tag}-{_imp.source_hash(0, source).hex()}"
    file = os.path.join(str(sys.pycache_prefix), "archives", name)
    try:
        with open(file, "rb") as opened:
            code: CodeType = marshal.loads(opened.read())  # noqa: S302  (written below)
    except (OSError, EOFError, ValueError, TypeError):
        code = _compile(path, source)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        files._write_atomic(file, marshal.dumps(code))
    else:
        _imp._fix_co_filename(code, path)  # each archive has a path of its own
    return code


if sys.pycache_prefix:
    zipimport._compile_source = _kept
