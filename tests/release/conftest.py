# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes tests/tools importable, and provides clones to release from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "tools"))

import collection_tree  # noqa: E402  (after the path is set)


def git(directory: Path, *words: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    command = ("git", "-C", str(directory), *identity, *words)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commit(directory: Path, message: str = "Change something") -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", message)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clean clone with the files of this repository."""
    directory = collection_tree.export(tmp_path / "clone")
    commit(directory)
    return directory
