# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the work tree to .../ansible_collections/publica/la, where Ansible finds a collection.

A clone can have any name, and ansible-test accepts no symbolic link, so the tests run on a copy.
Only changed files are copied. Files that the work tree no longer has are removed; files that tools
created in the copy stay, since another test can be using them.
"""

from __future__ import annotations

import fcntl
import fnmatch
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

COLLECTION = Path("ansible_collections", "publica", "la")
REPOSITORY = Path(__file__).resolve().parents[2]


def export(root: Path, leave_out: Sequence[str] = (), source: Path = REPOSITORY) -> Path:
    """Bring ``root`` up to date with the work tree.

    Args:
        root: The directory for ``ansible_collections``: an entry of ANSIBLE_COLLECTIONS_PATH.
        leave_out: Shell patterns of paths to leave out.
        source: The work tree.

    Returns:
        The collection's directory.
    """
    collection = root / COLLECTION
    collection.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        # Tools ask git for the files. In the clone around this copy, git ignores the copy.
        if not (collection / ".git").exists():
            subprocess.run(["git", "init", "--quiet", str(collection)], check=True)
        files = [name for name in _files(source) if not _matches(name, leave_out)]
        manifest = root / "manifest.json"
        before = json.loads(manifest.read_text("utf-8")) if manifest.exists() else []
        _remove(collection, set(before) - set(files))
        for name in files:
            _copy(source / name, collection / name)
        manifest.write_text(json.dumps(files, indent=1), "utf-8")
    return collection


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One export at a time, since sessions run concurrently."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(source: Path) -> list[str]:
    """The work tree's files, with new ones, without ignored and deleted ones."""
    command = ["git", "-C", str(source), "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    names = {os.fsdecode(name) for name in listed.split(b"\0") if name}
    return sorted(name for name in names if os.path.lexists(source / name))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _remove(collection: Path, names: Iterable[str]) -> None:
    for name in names:
        path = collection / name
        path.unlink(missing_ok=True)
        # An empty directory would still be importable as a namespace package.
        for directory in path.parents:
            if directory == collection or not directory.is_dir() or any(directory.iterdir()):
                break
            directory.rmdir()


def _copy(source: Path, target: Path) -> None:
    wanted = source.lstat()
    if os.path.lexists(target):
        there = target.lstat()
        same = (wanted.st_mtime_ns, wanted.st_size, wanted.st_mode)
        if same == (there.st_mtime_ns, there.st_size, there.st_mode):
            return
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
