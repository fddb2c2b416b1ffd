# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clones to release from, made of this repository's files as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "tools"))

# After the path is set, since the tools are no package.
import collection_tree  # noqa: E402


def git(folder: Path, *words: str) -> str:
    """Run git as somebody, and return what it printed."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    command = ("git", "-C", str(folder), *somebody, *words)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commit(folder: Path, message: str = "Change something") -> None:
    """Commit whatever there is."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clean clone that holds this repository's files, and nothing that is not released yet."""
    folder = collection_tree.export(tmp_path / "clone", source=REPOSITORY)
    commit(folder, "Everything")
    return folder
