# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a store at one moment, from a copy of its database and never through the API."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publica_sandbox import database_state
from publica_sandbox.database_state import check_password

Row = dict[str, Any]

# The tables in which a write would show. The journal grows with every request.
TABLES = ("users", "user_plans")


@dataclass(frozen=True)
class DatabaseState:
    """A copy of a store's database."""

    database: Path

    def users(self) -> list[Row]:
        """Every user, deactivated ones too."""
        return database_state.users(self.database)

    def active(self) -> set[str]:
        return {user["email"] for user in self.users() if user["deleted_at"] is None}

    def user(self, email: str) -> Row:
        """The one user with an address, in any case."""
        found = database_state.users(self.database, "email_key = ?", email.casefold())
        assert len(found) == 1, f"{len(found)} users with the address {email}"
        return found[0]

    def plans_of(self, email: str) -> list[Row]:
        """The assignments of a user, oldest first."""
        return database_state.plans_of(self.database, self.user(email)["id"])

    def has_password(self, email: str, password: str) -> bool:
        """Whether this is the user's password."""
        return check_password(password, self.user(email)["password_hash"])

    def content(self) -> dict[str, list[Row]]:
        """All rows that a write could change."""
        return {
            table: database_state.select(self.database, f"SELECT * FROM {table} ORDER BY id")
            for table in TABLES
        }

    def requests_since(self, earlier: DatabaseState) -> list[Row]:
        """The journal between two states."""
        known = len(database_state.journal(earlier.database))
        return database_state.journal(self.database)[known:]

    def writes_since(self, earlier: DatabaseState) -> list[Row]:
        """The requests between two states that could write."""
        return [row for row in self.requests_since(earlier) if row["write"]]


def copy_database(source: Path, directory: Path, number: int) -> DatabaseState:
    """Copy a store's database as it is now into a numbered file."""
    path = directory / f"copy-{number}.sqlite3"
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=10)) as database,
        closing(sqlite3.connect(path)) as target,
    ):
        database.backup(target)
    return DatabaseState(path)


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, str]:
    """The columns of ``expected`` in which a row differs."""
    return {
        name: f"is {actual.get(name)!r}, expected {value!r}"
        for name, value in expected.items()
        if actual.get(name) != value
    }
