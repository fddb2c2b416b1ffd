# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run leaves behind in files."""

from __future__ import annotations

from pathlib import Path


def texts_below(folder: Path) -> dict[str, str]:
    """The content of every file below a folder, by its path; what is no text with marks in it."""
    return {
        str(path.relative_to(folder)): path.read_text("utf-8", errors="replace")
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
