# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Galaxy's own check of an uploaded archive."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .errors import RefusedError
from .programs import run


def check(archive: Path) -> None:
    """Run galaxy-importer on an archive.

    Raises:
        RefusedError: with its warnings and errors. Its exit code is 0 for most of them.
    """
    # It writes a file of its findings to its working directory.
    with tempfile.TemporaryDirectory() as work:
        command = (sys.executable, "-m", "galaxy_importer.main", str(archive.resolve()))
        output = run(command, Path(work), Path(work))
    if found := findings_in(output):
        raise RefusedError([f"galaxy-importer: {line}" for line in found])


def findings_in(output: str) -> list[str]:
    """The warnings and errors in the output of galaxy-importer."""
    levels = ("WARNING", "ERROR", "CRITICAL")
    return [line for line in output.splitlines() if line.startswith(levels)]
