# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lay the work tree's files out as Ansible wants a collection: .../ansible_collections/publica/la.

A clone may be called anything, and ansible-test takes no symbolic link for the folder it insists
on, so the tests run on a copy. Only what has changed is copied, and what an earlier export laid
and the work tree no longer has is removed; what tools left beside it is not touched, since
another test may be using it.
"""

from __future__ import annotations

import argparse
import fcntl
import fnmatch
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

COLLECTION = Path("ansible_collections", "publica", "la")
REPOSITORY = Path(__file__).resolve().parents[2]


def export(root: Path, leave_out: Sequence[str] = (), source: Path = REPOSITORY) -> Path:
    """Bring ``root`` up to date with the work tree.

    Args:
        root: The folder for ``ansible_collections``: an entry of ANSIBLE_COLLECTIONS_PATH.
        leave_out: Shell patterns of paths that must not be there.
        source: The work tree.

    Returns:
        The collection's folder.
    """
    collection = root / COLLECTION
    collection.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        # Tools that ask git which files there are must not be told of the clone around this
        # copy, where the copy is ignored: they would find no file at all.
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
    """One export at a time, for tests that run side by side."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(source: Path) -> list[str]:
    """The work tree's files, new ones included, ignored and deleted ones not."""
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
        # An empty folder would still be importable as a namespace package.
        for folder in path.parents:
            if folder == collection or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


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


def main() -> int:
    """The command line. Returns its exit code."""
    parser = argparse.ArgumentParser(description="Copy the work tree's files into a tree.")
    parser.add_argument("root", type=Path, help="where ansible_collections is to be")
    parser.add_argument("--leave-out", action="append", default=[], metavar="PATTERN")
    options = parser.parse_args()
    print(export(options.root.resolve(), options.leave_out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
