# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of one running store: its database and what it keeps in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from .connections import Connections, Pauses
from .database import (
    Session,
    clear_database,
    has_users,
    load_switches,
    open_database,
    store_switches,
    transaction,
)
from .faults import FaultRules
from .rate_limit import RateLimiter
from .switches import Switches, change_switches

T = TypeVar("T")

DEFAULT_TOKEN = "sandbox-token-0123456789abcdef"


class StoreState:
    """One store. A transaction ends before the server turns to another request, so that the result
    of a check is still valid when the endpoint writes: without locks, repeats or races.
    """

    def __init__(self, database: Path, token: str, switches: Mapping[str, object]) -> None:
        self.token = token
        self._connection = open_database(database)
        with transaction(self._connection) as session:
            self.switches = change_switches(load_switches(session), switches)
            store_switches(session, self.switches)
        self._first_switches = self.switches
        self.faults = FaultRules()
        self.limiter = RateLimiter()
        self.connections = Connections()
        self.pauses = Pauses()

    def in_transaction(self, work: Callable[[Session], T]) -> T:
        with transaction(self._connection) as session:
            return work(session)

    def configure(self, values: Mapping[str, object]) -> None:
        """Change switches. A request uses either all of the new values or none."""
        self._use(change_switches(self.switches, values))

    def reset(self) -> None:
        """Clear the store and restore the switches that it was started with."""
        self.in_transaction(clear_database)
        self.faults.clear()
        self._use(self._first_switches)

    def fill_if_empty(self, fill: Callable[[Session], object]) -> None:
        """Run ``fill`` before the server starts, unless the file already contains users."""
        self.in_transaction(lambda session: None if has_users(session) else fill(session))

    def close(self) -> None:
        self._connection.close()

    def _use(self, switches: Switches) -> None:
        self.in_transaction(lambda session: store_switches(session, switches))
        self.switches = switches
        self.limiter.clear()
