# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stored state of a store, read with the standard library alone.

A test compares what a client reports with what is stored. For that it needs a way to the data that
uses neither the API nor the code of the server.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_FLAGS = {
    "admin", "plan_admin", "only_sees_readable", "can_be_edited", "anonymized", "private", "listed",
    "write", "changed", "refused", "token_present",
}  # fmt: skip


@contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to the file."""
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
    # A row of sqlite3 iterates over its values, so the keys are requested.
    return [
        {key: bool(row[key]) if key in _FLAGS else row[key] for key in row.keys()}  # noqa: SIM118
        for row in rows
    ]


def users(database: Path, where: str = "1", *values: object) -> list[Row]:
    """Users by id, each with ``active``."""
    sql = f"SELECT * FROM users WHERE {where} ORDER BY id"
    found = select(database, sql, *values)
    return [{**row, "active": row["deleted_at"] is None} for row in found]


def plans_of(database: Path, user_id: int) -> list[Row]:
    """The assignments of a user, oldest first."""
    return select(database, "SELECT * FROM user_plans WHERE user_id = ? ORDER BY id", user_id)


def journal(database: Path, *, writes: bool | None = None, last: int | None = None) -> list[Row]:
    """Requests, oldest first, each with its ``body`` parsed; ``last`` limits them to the newest."""
    conditions = "1" if writes is None else f'"write" = {int(writes)}'
    newest = f"SELECT * FROM journal WHERE {conditions} ORDER BY id DESC LIMIT ?"
    rows = select(database, newest, -1 if last is None else last)[::-1]
    return [{**row, "body": json.loads(row["body"]) if row["body"] else None} for row in rows]


def hash_password(password: str) -> str:
    """``salt$digest`` of a password.

    One round of SHA-256 is enough: the passwords are made up, and tests create thousands of users.
    """
    salt = secrets.token_hex(8)
    return f"{salt}${_digest(salt, password)}"


def check_password(password: str, stored: str | None) -> bool:
    """Whether ``stored`` is the hash of this password."""
    salt, _, digest = (stored or "").partition("$")
    return bool(digest) and hmac.compare_digest(digest, _digest(salt, password))


def _digest(salt: str, password: str) -> str:
    return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
