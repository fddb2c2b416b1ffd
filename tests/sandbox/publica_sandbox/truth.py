# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the store's file with the standard library alone.

Another way than the API and than SQLAlchemy, so that a test that compares what a client believes
with what is stored does not ask the code under test.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_FLAGS = {
    "admin",
    "plan_admin",
    "only_sees_readable",
    "write",
    "changed",
    "refused",
    "token_present",
}


@contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection."""
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()


def select(database: Path, sql: str, *values: object) -> list[Row]:
    """The rows of a query as plain dictionaries, flags as booleans."""
    with opened(database) as connection:
        rows = connection.execute(sql, values).fetchall()
    # A row of sqlite3 iterates over its values, so its keys have to be asked for.
    return [
        {key: bool(row[key]) if key in _FLAGS else row[key] for key in row.keys()}  # noqa: SIM118
        for row in rows
    ]


def users(database: Path, where: str = "1", *values: object) -> list[Row]:
    """Users by id, each with ``active``."""
    sql = f"SELECT * FROM users WHERE {where} ORDER BY id"  # noqa: S608  (our own words)
    found = select(database, sql, *values)
    return [{**row, "active": row["deleted_at"] is None} for row in found]


def plans_of(database: Path, user_id: int) -> list[Row]:
    """The assignments of a user, oldest first."""
    return select(database, "SELECT * FROM user_plans WHERE user_id = ? ORDER BY id", user_id)


def journal(database: Path, *, writes: bool | None = None, last: int | None = None) -> list[Row]:
    """Requests, oldest first, each ``body`` parsed."""
    conditions = "1" if writes is None else f'"write" = {int(writes)}'
    newest = f"SELECT * FROM journal WHERE {conditions} ORDER BY id DESC LIMIT ?"  # noqa: S608
    rows = select(database, newest, -1 if last is None else last)[::-1]
    return [{**row, "body": json.loads(row["body"]) if row["body"] else None} for row in rows]
