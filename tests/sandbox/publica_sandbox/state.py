# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that one running store holds: its database and what it keeps in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy.orm import Session

from .connections import Connections
from .database import empty, has_users, keep_switches, load_switches, open_database
from .faults import FaultRules
from .pauses import Pauses
from .rate_limit import RateLimiter
from .switch_values import change_switches
from .switches import Switches

T = TypeVar("T")

DEFAULT_TOKEN = "sandbox-token-0123456789abcdef"


class StoreState:
    """One store. Every use of the database goes through one thread, so that what an endpoint
    checks is still true when it writes: no lock, no retry, no race.
    """

    def __init__(self, database: Path, token: str, switches: Mapping[str, object]) -> None:
        self.database = database
        self.token = token
        self.engine = open_database(database)
        with Session(self.engine) as session, session.begin():
            self.switches = change_switches(load_switches(session), switches)
            keep_switches(session, self.switches)
        self._first_switches = self.switches
        self.faults = FaultRules()
        self.limiter = RateLimiter()
        self.connections = Connections()
        self.pauses = Pauses()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-database")

    async def in_transaction(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in the database's thread, in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def configure(self, values: Mapping[str, object]) -> Switches:
        """Change switches; a request sees either all of the change or none of it."""
        await self._use(change_switches(self.switches, values))
        return self.switches

    async def reset(self) -> None:
        """An empty store with the switches that it was started with."""
        await self.in_transaction(empty)
        self.faults.clear()
        await self._use(self._first_switches)

    def fill_if_empty(self, fill: Callable[[Session], object]) -> None:
        """Run ``fill`` before the server starts, unless the file already holds users."""
        self._run(lambda session: None if has_users(session) else fill(session))

    def close(self) -> None:
        """Let go of the file."""
        self._thread.shutdown()
        self.engine.dispose()

    async def _use(self, switches: Switches) -> None:
        await self.in_transaction(lambda session: keep_switches(session, switches))
        self.switches = switches
        self.limiter.clear()

    def _run(self, work: Callable[[Session], T]) -> T:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            return work(session)
