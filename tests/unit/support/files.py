# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What file systems confront a program with: umasks, special files, links of an attacker."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def umask(mode: int) -> Iterator[None]:
    before = os.umask(mode)
    try:
        yield
    finally:
        os.umask(before)


def make_special(path: Path, kind: str, target: Path) -> None:
    """Create a link to ``target``, a hard link to it, a directory or a pipe."""
    if kind == "link":
        path.symlink_to(target)
    elif kind == "hard link":
        os.link(target, path)
    elif kind == "directory":
        path.mkdir()
    else:
        assert kind == "pipe"
        os.mkfifo(path)


@contextmanager
def alternating_link(path: Path, target: Path) -> Iterator[None]:
    """Replace the file again and again by a link to ``target``, and remove the link."""
    stopped = threading.Event()

    def put_links() -> None:
        trap = path.with_name("trap")
        while not stopped.is_set():
            trap.symlink_to(target)
            trap.replace(path)
            path.unlink()

    attacker = threading.Thread(target=put_links)
    attacker.start()
    try:
        yield
    finally:
        stopped.set()
        attacker.join()
