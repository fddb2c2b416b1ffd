# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Galaxy's own check of an upload."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .errors import RefusedError
from .programs import run


def check(archive: Path, collections: Path) -> None:
    """Run galaxy-importer over an archive.

    Args:
        archive: The archive.
        collections: Where it is installed.

    Raises:
        RefusedError: with all that it found. It ends with 0 for much that it only warns of.
    """
    with tempfile.TemporaryDirectory() as work:
        command = (sys.executable, "-m", "galaxy_importer.main", str(archive.resolve()))
        # ansible-lint follows our examples to the playbooks that they name. The importer sets
        # ANSIBLE_COLLECTIONS_PATH itself, one folder too deep for that; Python's path helps.
        path = {"PYTHONPATH": str(collections)}
        # It writes a file of its findings to where it runs.
        said = run(command, Path(work), collections, path)
    if found := faults_in(said):
        raise RefusedError([f"galaxy-importer: {line}" for line in found])


def faults_in(said: str) -> list[str]:
    """The lines in which galaxy-importer warns or worse."""
    levels = ("WARNING", "ERROR", "CRITICAL")
    return [line for line in said.splitlines() if line.startswith(levels)]
