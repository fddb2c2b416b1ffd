# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a store held at one moment, read from a copy of its database and never through the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publica_sandbox import truth
from publica_sandbox.passwords import check_password

Row = dict[str, Any]

# Where a write would show. The journal grows with every look at the store.
TABLES = ("users", "user_plans")


@dataclass(frozen=True)
class TruthAt:
    """One moment of a store."""

    database: Path

    def users(self) -> list[Row]:
        """Every user, deactivated ones too."""
        return truth.users(self.database)

    def user(self, email: str) -> Row:
        """The one user with an address, whatever its case."""
        found = truth.users(self.database, "email_key = ?", email.casefold())
        assert len(found) == 1, f"{len(found)} users with the address {email}"
        return found[0]

    def plans_of(self, email: str) -> list[Row]:
        """The assignments of a user, oldest first."""
        return truth.plans_of(self.database, self.user(email)["id"])

    def has_password(self, email: str, password: str) -> bool:
        """Whether this is the user's password."""
        return check_password(password, self.user(email)["password_hash"])

    def content(self) -> dict[str, list[Row]]:
        """All that a write could change."""
        return {
            table: truth.select(self.database, f"SELECT * FROM {table} ORDER BY id")
            for table in TABLES
        }

    def requests_since(self, earlier: TruthAt) -> list[Row]:
        """The journal between two moments."""
        known = len(truth.journal(earlier.database))
        return truth.journal(self.database)[known:]

    def writes_since(self, earlier: TruthAt) -> list[Row]:
        """The requests between two moments that could write."""
        return [row for row in self.requests_since(earlier) if row["write"]]


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, str]:
    """Where a row is not as expected; columns that nothing is expected of are left out."""
    return {
        name: f"is {actual.get(name)!r}, expected {value!r}"
        for name, value in expected.items()
        if actual.get(name) != value
    }
