# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening the SQLite file, emptying it, and keeping the switches in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, delete, event, func, insert, select
from sqlalchemy.orm import Session

from .schema import Base, JournalEntry, Plan, SwitchValue, User, UserPlan
from .switch_values import change_switches
from .switches import Switches

FIRST_PLANS = (
    {"id": 11, "name": "Campus", "days": None},
    {"id": 12, "name": "Library card", "days": 365},
    {"id": 13, "name": "Staff", "days": None},
)


def open_database(path: Path) -> Engine:
    """The engine for ``path``; a new file gets its tables and three plans."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _tune)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        if not session.scalar(select(func.count()).select_from(Plan)):
            session.execute(insert(Plan), list(FIRST_PLANS))
    return engine


def has_users(session: Session) -> bool:
    """Whether there is any user."""
    return session.scalars(select(User.id).limit(1)).first() is not None


def empty(session: Session) -> None:
    """No users, no journal, no changed switches, and only the first plans."""
    for table in (JournalEntry, UserPlan, User, Plan, SwitchValue):
        session.execute(delete(table))
    session.execute(insert(Plan), list(FIRST_PLANS))


def reset_file(path: Path) -> None:
    """Empty the file of a store that is not running."""
    engine = open_database(path)
    with Session(engine) as session, session.begin():
        empty(session)
    engine.dispose()


def load_switches(session: Session) -> Switches:
    """The switches as they were kept."""
    kept = session.scalars(select(SwitchValue)).all()
    return change_switches(Switches(), {row.name: json.loads(row.value) for row in kept})


def keep_switches(session: Session, switches: Switches) -> None:
    """Keep the switches that differ from their defaults."""
    session.execute(delete(SwitchValue))
    for name, value in switches.model_dump(exclude_defaults=True).items():
        session.add(SwitchValue(name=name, value=json.dumps(value)))


def _tune(connection: Any, _record: object) -> None:
    # A sandbox: speed is worth more than surviving a power cut in the middle of a test.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=OFF",
        "busy_timeout=10000",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")
