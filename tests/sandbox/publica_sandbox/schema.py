# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the store, for SQLAlchemy.

Times are whole seconds since 1970 in UTC and days are ``yyyy-mm-dd``, so that a test can read
the file with the standard library's ``sqlite3`` and understand what it sees.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """What all tables share."""


class Plan(Base):
    """A plan of the store. ``days`` is how long an assignment lasts when no day is given."""

    __tablename__ = "plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    days: Mapped[int | None]


class User(Base):
    """A reader. ``deleted_at`` is set while the account is deactivated.

    ``email_key`` is the address folded to one case: addresses are unique without regard to it,
    among active and deactivated users alike.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    external_id: Mapped[str] = mapped_column(index=True)
    password_hash: Mapped[str | None]
    password_changes: Mapped[int] = mapped_column(default=0)
    sessions_limit: Mapped[int | None]
    admin: Mapped[bool] = mapped_column(default=False)
    plan_admin: Mapped[bool] = mapped_column(default=False)
    only_sees_readable: Mapped[bool] = mapped_column(default=False)
    open_sessions: Mapped[int] = mapped_column(default=0)
    forced_logouts: Mapped[int] = mapped_column(default=0)
    impersonation_secret: Mapped[str]
    created_at: Mapped[int]
    updated_at: Mapped[int]
    deleted_at: Mapped[int | None]

    plans: Mapped[list[UserPlan]] = relationship(
        back_populates="user", order_by="UserPlan.id", lazy="raise"
    )

    # Lists ask for active users by id: with this index neither sorting nor a scan is needed.
    __table_args__ = (Index("ix_users_deleted_at_id", "deleted_at", "id"),)


class UserPlan(Base):
    """One assignment of a plan to a user: every call that assigns adds one."""

    __tablename__ = "user_plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    name: Mapped[str]
    valid_from: Mapped[str]
    valid_to: Mapped[str | None]
    cancelled_at: Mapped[int | None]

    user: Mapped[User] = relationship(back_populates="plans")
    plan: Mapped[Plan] = relationship(lazy="joined")


class JournalEntry(Base):
    """One request that reached the API, as the store saw it."""

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
    """A switch that was changed from its default, so that a restart keeps it."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
