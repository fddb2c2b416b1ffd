# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clone that a release is made of, and the copy in which it is made.

Everything happens in the copy first. What it changes comes back as one patch, which either applies
whole or not at all; a dry run leaves it at the copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .programs import run


def unclean(repository: Path) -> list[str]:
    """The files that differ from the last commit, new ones included, ignored ones not."""
    words = ("git", "status", "--porcelain", "--untracked-files=all")
    return run(words, repository).splitlines()


def copy(repository: Path, target: Path) -> None:
    """Check the last commit out into a folder that is not there yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    words = ("git", "clone", "--quiet", "--no-hardlinks", "--no-tags", str(repository), str(target))
    run(words, target.parent)


def texts(repository: Path) -> Iterator[tuple[str, str]]:
    """Each tracked text file: its path and what is in it."""
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
    """What the release changes: a summary by file, and the patch."""
    run(("git", "add", "--all"), copied)
    staged = ("git", "diff", "--cached", "--no-color", "--no-renames")
    return run((*staged, "--stat=100"), copied), run((*staged, "--binary"), copied)


def lay_out(copied: Path, target: Path) -> Path:
    """The files as the release's commit will have them, without git and whatever it ignores.

    An archive of the copy itself would also hold the folders that a release leaves empty, and one
    of the commit would not.
    """
    words = ("git", "checkout-index", "--all", f"--prefix={target}{os.sep}")
    run(words, copied)
    return target


def apply(repository: Path, patch: Path) -> None:
    """Bring the changes into the clone, uncommitted."""
    run(("git", "apply", "--whitespace=nowarn", os.fspath(patch)), repository)
