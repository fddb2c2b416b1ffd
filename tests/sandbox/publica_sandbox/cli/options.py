# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_DATABASE = Path("publica-sandbox.sqlite3")

Database = Annotated[
    Path,
    typer.Option(
        "--database", "-d", envvar="PUBLICA_SANDBOX_DATABASE", help="The store's SQLite file."
    ),
]

Url = Annotated[
    str,
    typer.Option("--url", envvar="PUBLICA_BASE_URL", help="The address that `serve` has printed."),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def existing(database: Path) -> Path:
    """The file, if there is one: looking at a store must not make one.

    Raises:
        FileNotFoundError: if there is none.
    """
    if not database.exists():
        raise FileNotFoundError(f"There is no database {database}; `serve` or `seed` makes one.")
    return database
