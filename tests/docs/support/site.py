# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the built site is."""

from __future__ import annotations

import os
from pathlib import Path


def site() -> Path:
    """The folder that `make docs` has built.

    Raises:
        RuntimeError: where there is none.
    """
    folder = Path(os.environ.get("PUBLICA_TEST_SITE", "")).resolve()
    if not (folder / "index.html").exists():
        raise RuntimeError("Build the site first, and name it in PUBLICA_TEST_SITE: make docs")
    return folder
