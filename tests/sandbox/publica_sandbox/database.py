# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQLite file of a store: times, tables, switches and the journal.

Times are whole seconds since 1970 in UTC and days are ``yyyy-mm-dd``, so that a test can read
the file with the standard library's ``sqlite3``.
"""

from __future__ import annotations

import calendar
import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Engine,
    ForeignKey,
    Index,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from .requests import StoreRequest
from .switches import Switches, change_switches

FIRST_PLANS: tuple[dict[str, Any], ...] = (
    {"id": 11, "name": "Campus", "type": "recurring", "duration_months": None},
    {"id": 12, "name": "Library card", "type": "prepaid", "duration_months": 12},
    {"id": 13, "name": "Staff", "type": "recurring", "duration_months": None},
)
# States of an assignment that give no seat.
ENDED = ("cancelled", "refunded", "expired", "error", "dispute_lost")
NO_ANSWER = 0
# A file with another number has other columns.
FORMAT = 2


def store_time(offset: int = 0) -> float:
    """The time of a clock that is ``offset`` seconds ahead of the clock of this machine."""
    return time.time() + offset


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def start_of_day(day: str) -> int:
    """The first second of a day written ``yyyy-mm-dd``."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def day_of(seconds: float) -> str:
    """The day of a time, written ``yyyy-mm-dd``."""
    return moment(seconds).date().isoformat()


def months_later(day: str, months: int) -> str:
    """The day some months after a day; the last of its month instead of a day that it lacks."""
    first = date.fromisoformat(day)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(first.day, last)).isoformat()


class Base(DeclarativeBase):
    """Base class of the tables."""


class Plan(Base):
    """A plan of the store.

    ``duration_months`` is the length of an assignment without a last day; ``listed``: whether the
    list of plans shows it.
    """

    __tablename__ = "plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    type: Mapped[str]
    duration_months: Mapped[int | None]
    private: Mapped[bool] = mapped_column(default=False)
    concurrency_limit: Mapped[int | None]
    listed: Mapped[bool] = mapped_column(default=True)


class User(Base):
    """A reader. ``deleted_at`` is set while the account is deactivated.

    ``email_key`` is the address in one case: addresses are unique regardless of case, among
    active and deactivated users alike. An anonymized account has none; another account may lack
    its address or external id as well.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str]
    email: Mapped[str | None]
    email_key: Mapped[str | None] = mapped_column(unique=True)
    external_id: Mapped[str | None] = mapped_column(index=True)
    password_hash: Mapped[str | None]
    password_changes: Mapped[int] = mapped_column(default=0)
    sessions_limit: Mapped[int | None]
    admin: Mapped[bool] = mapped_column(default=False)
    plan_admin: Mapped[bool] = mapped_column(default=False)
    only_sees_readable: Mapped[bool] = mapped_column(default=False)
    can_be_edited: Mapped[bool] = mapped_column(default=True)
    anonymized: Mapped[bool] = mapped_column(default=False)
    ip_ranges: Mapped[list[Any]] = mapped_column(JSON, default=list)
    referrers: Mapped[list[Any]] = mapped_column(JSON, default=list)
    open_sessions: Mapped[int] = mapped_column(default=0)
    forced_logouts: Mapped[int] = mapped_column(default=0)
    impersonation_secret: Mapped[str]
    created_at: Mapped[int]
    updated_at: Mapped[int]
    deleted_at: Mapped[int | None]

    plans: Mapped[list[UserPlan]] = relationship(
        back_populates="user", order_by="UserPlan.id", lazy="raise"
    )

    # Lists select active users in the order of their ids: this index avoids a sort and a scan.
    __table_args__ = (Index("ix_users_deleted_at_id", "deleted_at", "id"),)


class UserPlan(Base):
    """One assignment of a plan to a user, by an order of the same state.

    Each call that assigns a plan adds a row.
    """

    __tablename__ = "user_plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    name: Mapped[str]
    valid_from: Mapped[str]
    valid_to: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="approved")
    cancelled_at: Mapped[int | None]

    user: Mapped[User] = relationship(back_populates="plans")
    plan: Mapped[Plan] = relationship(lazy="joined")


class JournalEntry(Base):
    """One request that reached the API."""

    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    method: Mapped[str]
    path: Mapped[str]
    query: Mapped[str]
    endpoint: Mapped[str | None]
    status: Mapped[int]
    write: Mapped[bool]
    changed: Mapped[bool]
    refused: Mapped[bool]
    fault: Mapped[str | None]
    body: Mapped[str | None]
    user_agent: Mapped[str]
    token_present: Mapped[bool]


class SwitchValue(Base):
    """A switch that differs from its default. It is stored so that a restart keeps it."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


def open_database(path: Path) -> Engine:
    """The engine for ``path``; a new file gets its tables and three plans.

    Raises:
        OSError: if another version of the sandbox wrote the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _tune)
    with engine.begin() as connection:
        is_new = not inspect(connection).get_table_names()
        if not is_new and connection.exec_driver_sql("PRAGMA user_version").scalar() != FORMAT:
            raise OSError(
                f"Another version of the sandbox wrote {path}. Delete it, or use another file."
            )
        if is_new:
            connection.exec_driver_sql(f"PRAGMA user_version={FORMAT}")
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        if not session.scalar(select(func.count()).select_from(Plan)):
            session.execute(insert(Plan), list(FIRST_PLANS))
    return engine


def has_users(session: Session) -> bool:
    return session.scalars(select(User.id).limit(1)).first() is not None


def clear_database(session: Session) -> None:
    """Delete everything but the first plans."""
    for table in (JournalEntry, UserPlan, User, Plan, SwitchValue):
        session.execute(delete(table))
    session.execute(insert(Plan), list(FIRST_PLANS))


def reset_file(path: Path) -> None:
    """Clear the file of a store that is not running."""
    engine = open_database(path)
    with Session(engine) as session, session.begin():
        clear_database(session)
    engine.dispose()


def load_switches(session: Session) -> Switches:
    stored = session.scalars(select(SwitchValue)).all()
    return change_switches(Switches(), {row.name: json.loads(row.value) for row in stored})


def store_switches(session: Session, switches: Switches) -> None:
    """Store the switches that differ from their defaults."""
    session.execute(delete(SwitchValue))
    for name, value in switches.model_dump(exclude_defaults=True).items():
        session.add(SwitchValue(name=name, value=json.dumps(value)))


# Built once, because it runs for every request. The type stubs of a table are too wide.
_INSERT_ENTRY = insert(JournalEntry.__table__)  # type: ignore[arg-type]


def write_journal_entry(session: Session, request: StoreRequest, **values: Any) -> None:
    """Record a request.

    Args:
        session: The transaction of the request.
        request: The request.
        values: ``status`` (``NO_ANSWER`` if the client gets none), ``endpoint``, ``changed``,
            ``refused`` and ``fault``.
    """
    session.execute(
        _INSERT_ENTRY,
        {
            "at": time.time(),
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "write": request.write,
            "body": request.body_without_passwords,
            "user_agent": request.headers.get("user-agent", ""),
            "token_present": request.token is not None,
            **values,
        },
    )


def _tune(connection: Any, _record: object) -> None:
    # Tests need speed more than a file that survives a power failure.
    tuned = ("journal_mode=WAL", "synchronous=OFF", "busy_timeout=10000", "cache_size=-65536")
    for pragma in tuned:
        connection.execute(f"PRAGMA {pragma}")
