# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filling a store: users that a test defines, users from a file, and generated users."""

from __future__ import annotations

import csv
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from .database import Plan, Session, User, UserPlan, day_of
from .endpoints import PASSWORD, email_key, new_user, set_password

BATCH = 5_000
FIRST_MOMENT = 1_620_000_000
NAMES = (
    ("ada", "bruno", "clara", "diego", "elena", "farid", "grace", "hugo", "ines", "jonas"),
    ("acosta", "berg", "costa", "duarte", "ferro", "gallo", "haas", "ito", "klein", "lopez"),
)


# In a CSV file, a list is text with blanks between its entries.
Listed = Annotated[
    list[Any], BeforeValidator(lambda value: value.split() if isinstance(value, str) else value)
]


class SeedError(ValueError):
    """Users or plans that cannot be stored."""


class PlanSeed(BaseModel):
    """A plan of the store. Without a type, a plan with a duration is prepaid."""

    model_config = ConfigDict(extra="forbid")

    name: str
    id: Annotated[int, Field(ge=1)] | None = None
    type: Literal["recurring", "prepaid"] | None = None
    duration_months: Annotated[int, Field(ge=1)] | None = None
    private: bool = False
    concurrency_limit: Annotated[int, Field(ge=1)] | None = None
    listed: bool = True


class AssignmentSeed(BaseModel):
    """An assignment of a plan to a user."""

    model_config = ConfigDict(extra="forbid")

    plan_id: int
    valid_from: str | None = None
    valid_to: str | None = None
    name: str | None = None
    status: str = "approved"
    cancelled_at: int | None = None


class UserChange(BaseModel):
    """The values of a user that can be set without the API."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = None
    external_id: str | None = None
    password: str | None = None
    sessions_limit: int | None = None
    admin: bool = False
    plan_admin: bool = False
    only_sees_readable: bool = False
    can_be_edited: bool = True
    anonymized: bool = False
    ip_ranges: Listed = []
    referrers: Listed = []
    active: bool = True
    open_sessions: int = 0
    plans: list[AssignmentSeed] = []

    def columns(self) -> dict[str, Any]:
        """The given values of the columns with the same names. An anonymized user loses the
        address, and so its key.
        """
        others = {"password", "active", "plans"}
        values = self.model_dump(exclude_unset=True, exclude=others)
        if self.anonymized:
            values["email"] = None
        if "email" in values:
            values["email_key"] = email_key(values["email"])
        return values


class UserSeed(UserChange):
    """A user of the store. The default external id is the part of the address before the @."""

    email: str | None


def add_users(session: Session, users: Iterable[UserSeed], now: int) -> list[int]:
    """Store users without the rules of the API. Returns their ids."""
    added = []
    for seed in users:
        name = seed.email.partition("@")[0] if seed.email is not None else None
        values = {"external_id": name, **seed.columns()}
        user = new_user(now, **values, deleted_at=None if seed.active else now)
        set_password(user, seed.password)
        added.append(session.add(user))
        for plan in seed.plans:
            session.add(_assignment(session, user.id, plan, now))
    return added


def change_user(session: Session, user_id: int, change: UserChange, now: int) -> None:
    """Set the given values; plans are added to those that the user holds."""
    user = session.get(User, user_id)
    if user is None:
        raise SeedError(f"There is no user {user_id}.")
    values = change.columns()
    if change.password:
        set_password(user, change.password)
        values |= {name: getattr(user, name) for name in PASSWORD}
    if "active" in change.model_fields_set:
        values["deleted_at"] = None if change.active else now
    session.change(user, **values, updated_at=now)
    for plan in change.plans:
        session.add(_assignment(session, user_id, plan, now))


def add_plan(session: Session, seed: PlanSeed) -> int:
    kind = seed.type or ("prepaid" if seed.duration_months else "recurring")
    return session.add(Plan(**{**seed.model_dump(), "type": kind}))


def generate_users(
    session: Session, count: int, *, deactivated: int = 0, admins: int = 0, seed: int = 1
) -> int:
    """Store ``count`` generated users, the same ones for the same ``seed``.

    The first ``admins`` are admins, the last ``deactivated`` are deactivated; every fourth holds
    a plan. 100,000 users take a few seconds. Returns the first id.
    """
    if admins + deactivated > count:
        raise SeedError(f"{admins} admins and {deactivated} deactivated are more than {count}.")
    plans = session.rows(Plan, "ORDER BY id LIMIT 1")
    first = (session.scalar("SELECT max(id) FROM users") or 0) + 1
    rows = _generated_users(first, count, deactivated=deactivated, admins=admins, seed=seed)
    while batch := list(islice(rows, BATCH)):
        session.add_many(User, batch)
        for plan in plans:
            session.add_many(UserPlan, _generated_assignments(batch, plan))
    return first


def read_users(path: Path) -> list[UserSeed]:
    """Users from a CSV or a YAML file.

    The columns or keys are the fields of a user; ``plan_id``, ``plan_valid_to`` and
    ``plan_status`` describe one plan. A YAML file contains a list, or a mapping with one list.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _yaml_rows(path)
    users = []
    for position, row in enumerate(rows, start=1):
        try:
            users.append(UserSeed.model_validate(_with_plan(row)))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise SeedError(f"{path.name}, user {position}: {field}: {first['msg']}") from error
    return users


def _assignment(session: Session, user_id: int, seed: AssignmentSeed, now: int) -> UserPlan:
    plan = session.get(Plan, seed.plan_id)
    if plan is None:
        raise SeedError(f"There is no plan {seed.plan_id}.")
    return UserPlan(
        user_id=user_id,
        plan_id=seed.plan_id,
        name=seed.name or plan.name,
        valid_from=seed.valid_from or day_of(now),
        valid_to=seed.valid_to,
        status=seed.status,
        cancelled_at=seed.cancelled_at,
    )


def _generated_users(
    first: int, count: int, *, deactivated: int, admins: int, seed: int
) -> Iterator[dict[str, Any]]:
    generator = random.Random(seed)
    for index in range(count):
        number = first + index
        name = f"{generator.choice(NAMES[0])}.{generator.choice(NAMES[1])}.{number}"
        created = FIRST_MOMENT + index * 60
        yield {
            "id": number,
            "uuid": str(uuid.UUID(int=generator.getrandbits(128), version=4)),
            "email": f"{name}@readers.example",
            "email_key": f"{name}@readers.example",
            "external_id": f"reader-{number:06d}",
            "sessions_limit": generator.choice((None, 1, 2, 3)),
            "admin": index < admins,
            "plan_admin": False,
            "only_sees_readable": generator.random() < 0.2,
            "can_be_edited": True,
            "anonymized": False,
            "ip_ranges": [],
            "referrers": [],
            "open_sessions": generator.randrange(3),
            "forced_logouts": 0,
            "password_hash": None,
            "password_changes": 0,
            "impersonation_secret": f"{generator.getrandbits(128):032x}",
            "created_at": created,
            "updated_at": created,
            "deleted_at": created + 30 if index >= count - deactivated else None,
        }


def _generated_assignments(users: Sequence[dict[str, Any]], plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "id": None,
            "user_id": user["id"],
            "plan_id": plan.id,
            "name": plan.name,
            "valid_from": day_of(user["created_at"]),
            "valid_to": "2035-12-31" if user["id"] % 8 else None,
            "status": "approved",
            "cancelled_at": None,
        }
        for user in users
        if user["id"] % 4 == 0
    ]


def _csv_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        return [{key: value for key, value in row.items() if value != ""} for row in rows]


def _yaml_rows(path: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if isinstance(content, dict) and len(content) == 1:
        content = next(iter(content.values()))
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise SeedError(f"{path.name} contains no list of users.")
    return content


def _with_plan(row: dict[str, Any]) -> dict[str, Any]:
    if "plan_id" not in row:
        return row
    rest = {
        key: value
        for key, value in row.items()
        if not key.startswith("plan_") or key == "plan_admin"
    }
    plan = {name: row[f"plan_{name}"] for name in ("valid_to", "status") if f"plan_{name}" in row}
    return {**rest, "plans": [{"plan_id": row["plan_id"], **plan}]}
