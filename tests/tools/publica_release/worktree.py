# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clone to release, and the copy in which the release is prepared.

Everything happens in the copy first. Its changes are applied to the clone as one patch, completely
or not at all; a dry run does not apply it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .programs import run


def unclean(repository: Path) -> list[str]:
    """The files that differ from the last commit, with new ones, without ignored ones."""
    words = ("git", "status", "--porcelain", "--untracked-files=all")
    return run(words, repository).splitlines()


def copy(repository: Path, target: Path) -> None:
    """Check out the last commit into a new directory."""
    target.parent.mkdir(parents=True, exist_ok=True)
    words = ("git", "clone", "--quiet", "--no-hardlinks", "--no-tags", str(repository), str(target))
    run(words, target.parent)


def texts(repository: Path) -> Iterator[tuple[str, str]]:
    """The path and the text of each tracked text file."""
    listed = run(("git", "ls-files", "-z"), repository)
    for name in filter(None, listed.split("\0")):
        file = repository / name
        if file.is_symlink() or not file.is_file():
            continue
        try:
            yield name, file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue


def changes(copied: Path) -> tuple[str, str]:
    """The changes of the release: a summary by file, and the patch."""
    run(("git", "add", "--all"), copied)
    staged = ("git", "diff", "--cached", "--no-color", "--no-renames")
    return run((*staged, "--stat=100"), copied), run((*staged, "--binary"), copied)


def lay_out(copied: Path, target: Path) -> Path:
    """Copy the files of the release's commit, without git and ignored files.

    The directories that a release leaves empty are in the clone, but not in the commit.
    """
    words = ("git", "checkout-index", "--all", f"--prefix={target}{os.sep}")
    run(words, copied)
    return target


def apply(repository: Path, patch: Path) -> None:
    """Apply the changes to the clone, without a commit."""
    run(("git", "apply", "--whitespace=nowarn", os.fspath(patch)), repository)
