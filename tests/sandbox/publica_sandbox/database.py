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
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

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


# Lists select active users in the order of their ids: an index avoids a sort and a scan.
_SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE plans (
    id INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    duration_months INTEGER,
    private BOOLEAN NOT NULL,
    concurrency_limit INTEGER,
    listed BOOLEAN NOT NULL
);
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    uuid VARCHAR NOT NULL,
    email VARCHAR,
    email_key VARCHAR UNIQUE,
    external_id VARCHAR,
    password_hash VARCHAR,
    password_changes INTEGER NOT NULL,
    sessions_limit INTEGER,
    admin BOOLEAN NOT NULL,
    plan_admin BOOLEAN NOT NULL,
    only_sees_readable BOOLEAN NOT NULL,
    can_be_edited BOOLEAN NOT NULL,
    anonymized BOOLEAN NOT NULL,
    ip_ranges JSON NOT NULL,
    referrers JSON NOT NULL,
    open_sessions INTEGER NOT NULL,
    forced_logouts INTEGER NOT NULL,
    impersonation_secret VARCHAR NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
);
CREATE INDEX ix_users_external_id ON users (external_id);
CREATE INDEX ix_users_deleted_at_id ON users (deleted_at, id);
CREATE TABLE user_plans (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    plan_id INTEGER NOT NULL REFERENCES plans (id),
    name VARCHAR NOT NULL,
    valid_from VARCHAR NOT NULL,
    valid_to VARCHAR,
    status VARCHAR NOT NULL,
    cancelled_at INTEGER
);
CREATE INDEX ix_user_plans_user_id ON user_plans (user_id);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at DOUBLE NOT NULL,
    method VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    query VARCHAR NOT NULL,
    endpoint VARCHAR,
    status INTEGER NOT NULL,
    write BOOLEAN NOT NULL,
    changed BOOLEAN NOT NULL,
    refused BOOLEAN NOT NULL,
    fault VARCHAR,
    body VARCHAR,
    user_agent VARCHAR NOT NULL,
    token_present BOOLEAN NOT NULL
);
CREATE TABLE switches (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
"""


@dataclass(slots=True)
class Plan:
    """A plan of the store.

    ``duration_months`` is the length of an assignment without a last day; ``listed``: whether the
    list of plans shows it.
    """

    name: str
    type: str
    id: int = 0
    duration_months: int | None = None
    private: bool = False
    concurrency_limit: int | None = None
    listed: bool = True


@dataclass(slots=True)
class UserPlan:
    """One assignment of a plan to a user, by an order of the same state.

    Each call that assigns a plan adds a row.
    """

    user_id: int
    plan_id: int
    name: str
    valid_from: str
    id: int = 0
    valid_to: str | None = None
    status: str = "approved"
    cancelled_at: int | None = None


@dataclass(slots=True)
class User:
    """A reader. ``deleted_at`` is set while the account is deactivated.

    ``email_key`` is the address in one case: addresses are unique regardless of case, among
    active and deactivated users alike. An anonymized account has none; another account may lack
    its address or external id as well. Only a list reads ``plans``, the assignments each with
    the name of its plan.
    """

    uuid: str
    impersonation_secret: str
    created_at: int
    updated_at: int
    id: int = 0
    email: str | None = None
    email_key: str | None = None
    external_id: str | None = None
    password_hash: str | None = None
    password_changes: int = 0
    sessions_limit: int | None = None
    admin: bool = False
    plan_admin: bool = False
    only_sees_readable: bool = False
    can_be_edited: bool = True
    anonymized: bool = False
    ip_ranges: list[Any] = field(default_factory=list)
    referrers: list[Any] = field(default_factory=list)
    open_sessions: int = 0
    forced_logouts: int = 0
    deleted_at: int | None = None
    plans: list[tuple[UserPlan, str]] = field(default_factory=list)


Kind = TypeVar("Kind", Plan, User, UserPlan)
# In an f-string, the name of a table.
TABLES: Mapping[type, str] = {Plan: "plans", User: "users", UserPlan: "user_plans"}
_COLUMNS: Mapping[type, tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind) if one.name != "plans") for kind in TABLES
}
_BOOLEANS = {kind: {one.name for one in fields(kind) if one.type == "bool"} for kind in TABLES}
_LISTS = ("ip_ranges", "referrers")


class Session:
    """One transaction of a store's database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def scalar(self, sql: str, *values: object) -> Any:
        """The first value of the first row; None without one."""
        row = self._connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def rows(self, kind: type[Kind], rest: str, *values: object) -> list[Kind]:
        """The rows of a table; ``rest`` is the statement from ``WHERE`` or ``ORDER BY`` on."""
        columns = _COLUMNS[kind]
        sql = f"SELECT {', '.join(columns)} FROM {TABLES[kind]} {rest}"
        found = self._connection.execute(sql, values).fetchall()
        return [kind(**_read(kind, dict(zip(columns, row, strict=True)))) for row in found]

    def get(self, kind: type[Kind], row_id: int) -> Kind | None:
        found = self.rows(kind, "WHERE id = ?", row_id)
        return found[0] if found else None

    def add(self, row: Plan | User | UserPlan) -> int:
        """Store a new row; returns its id, which it also gets."""
        values = {name: getattr(row, name) for name in _COLUMNS[type(row)]}
        values["id"] = values["id"] or None
        inserted = self._connection.execute(_insertion(type(row)), _stored(values))
        row.id = int(inserted.lastrowid or 0)
        return row.id

    def add_many(self, kind: type[Kind], rows: Iterable[Mapping[str, Any]]) -> None:
        """Store new rows that have all columns."""
        self._connection.executemany(_insertion(kind), (_stored(row) for row in rows))

    def change(self, row: Plan | User | UserPlan, **values: Any) -> None:
        """Set some attributes of a row, here and in its table."""
        for name, value in values.items():
            setattr(row, name, value)
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        sql = f"UPDATE {TABLES[type(row)]} SET {assignments} WHERE id = :row_id"
        self._connection.execute(sql, {**_stored(values), "row_id": row.id})


def _insertion(kind: type) -> str:
    columns = _COLUMNS[kind]
    values = ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO {TABLES[kind]} ({', '.join(columns)}) VALUES ({values})"


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: json.dumps(values[name]) for name in _LISTS if name in values}
    return {**values, **lists}


def _read(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    for name in _BOOLEANS[kind]:
        values[name] = bool(values[name])
    if kind is User:
        for name in _LISTS:
            values[name] = json.loads(values[name])
    return values


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to ``path``; a new file gets its tables and three plans.

    Raises:
        OSError: if another version of the sandbox wrote the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # Tests need speed more than a file that survives a power failure.
        tuned = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=OFF", "cache_size=-65536")
        for pragma in tuned:
            connection.execute(f"PRAGMA {pragma}")
        if not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            connection.executescript(_SCHEMA)
        elif connection.execute("PRAGMA user_version").fetchone() != (FORMAT,):
            raise OSError(
                f"Another version of the sandbox wrote {path}. Delete it, or use another file."
            )
        with transaction(connection) as session:
            if not session.scalar("SELECT count(*) FROM plans"):
                _add_first_plans(session)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[Session]:
    """A transaction that an error in the block undoes."""
    # Each one writes, at least to the journal.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield Session(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def has_users(session: Session) -> bool:
    return session.scalar("SELECT 1 FROM users LIMIT 1") is not None


def clear_database(session: Session) -> None:
    """Delete everything but the first plans."""
    for table in ("journal", "user_plans", "users", "plans", "switches"):
        session.execute(f"DELETE FROM {table}")
    _add_first_plans(session)


def _add_first_plans(session: Session) -> None:
    for plan in FIRST_PLANS:
        session.add(Plan(**plan))


def reset_file(path: Path) -> None:
    """Clear the file of a store that is not running."""
    connection = open_database(path)
    with transaction(connection) as session:
        clear_database(session)
    connection.close()


def load_switches(session: Session) -> Switches:
    stored = session.execute("SELECT name, value FROM switches")
    return change_switches(Switches(), {name: json.loads(value) for name, value in stored})


def store_switches(session: Session, switches: Switches) -> None:
    """Store the switches that differ from their defaults. A restart keeps them."""
    session.execute("DELETE FROM switches")
    for name, value in switches.model_dump(exclude_defaults=True).items():
        session.execute("INSERT INTO switches VALUES (?, ?)", name, json.dumps(value))


def write_journal_entry(session: Session, request: StoreRequest, **values: Any) -> None:
    """Record a request.

    Args:
        session: The transaction of the request.
        request: The request.
        values: ``status`` (``NO_ANSWER`` if the client gets none), ``endpoint``, ``changed``,
            ``refused`` and ``fault``.
    """
    entry = {
        "at": time.time(),
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "write": request.write,
        "body": request.body_without_passwords,
        "user_agent": request.headers.get("user-agent", ""),
        "token_present": request.token is not None,
        **values,
    }
    places = ", ".join("?" * len(entry))
    sql = f"INSERT INTO journal ({', '.join(entry)}) VALUES ({places})"
    session.execute(sql, *entry.values())
