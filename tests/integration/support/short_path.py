# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short name for a deep folder, for what has no room for a long one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Before a test sets a folder of its own, which is such a deep one.
USUAL = tempfile.gettempdir()


@contextmanager
def short_path_to(folder: Path) -> Iterator[Path]:
    """A link to a folder, from where temporary files usually are.

    ansible-core 2.21 opens a socket below TMPDIR, and the path of a socket has about a hundred
    characters at the most: fewer than a test's own folder may have.
    """
    with tempfile.TemporaryDirectory(prefix="p-", dir=USUAL) as short:
        link = Path(short) / "t"
        link.symlink_to(folder)
        yield link
