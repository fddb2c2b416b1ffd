# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the collection under test is."""

from __future__ import annotations

import os
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def collections_root() -> Path:
    """The folder that holds ``ansible_collections``, from the environment.

    Raises:
        RuntimeError: with what to set, where it does not hold this collection.
    """
    for entry in os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep):
        if entry and (Path(entry) / "ansible_collections" / "publica" / "la").is_dir():
            return Path(entry)
    raise RuntimeError(
        "Set ANSIBLE_COLLECTIONS_PATH to a folder that holds ansible_collections/publica/la; "
        "`make integration` does."
    )


def collection() -> Path:
    """The collection's own folder."""
    return collections_root() / "ansible_collections" / "publica" / "la"
