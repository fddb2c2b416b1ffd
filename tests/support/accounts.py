# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store's accounts for the oracle, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from publica_sandbox.database import months_later
from publica_sandbox.testing import SandboxStore

ATTRIBUTES = ("external_id", "sessions_limit", "admin", "plan_admin", "only_sees_readable")
# The end of an assignment that the store calculated from the plan's length.
OWN_END = "its own"
OWN_MONTHS: Mapping[int, int | None] = {11: None, 12: 12, 13: None}


@dataclass(frozen=True)
class Held:
    """One assignment of a plan."""

    plan_id: int
    valid_to: str | None
    cancelled: bool = False
    status: str = "approved"

    def lasts(self, today: str) -> bool:
        """Whether it has not ended before today."""
        return self.valid_to in (None, OWN_END) or str(self.valid_to) >= today


@dataclass(frozen=True)
class Account:
    """One account; a new one has the id 0."""

    id: int
    email: str | None
    external_id: str | None
    active: bool = True
    sessions_limit: int | None = None
    admin: bool = False
    plan_admin: bool = False
    only_sees_readable: bool = False
    plans: tuple[Held, ...] = ()
    institution: bool = False
    anonymized: bool = False
    can_be_edited: bool = True
    password: str | None = field(default=None, compare=False)

    @property
    def address(self) -> str:
        """The address without regard to case; no row has that of an account without one."""
        return f"none, id {self.id}" if self.email is None else self.email.lower()

    def likeness(self) -> tuple[Any, ...]:
        """What two accounts have in common if only their ids differ."""
        plans = Counter(
            (plan.plan_id, plan.valid_to, plan.cancelled, plan.status) for plan in self.plans
        )
        attributes = tuple(getattr(self, name) for name in ATTRIBUTES)
        return (self.address, self.active, attributes, tuple(sorted(plans.items(), key=repr)))


def accounts_of(store: SandboxStore) -> list[Account]:
    """The accounts of a store, from its database."""
    plans: dict[int, list[Held]] = {}
    for row in store.sql("SELECT * FROM user_plans ORDER BY id"):
        plans.setdefault(row["user_id"], []).append(_held(row))
    return [
        Account(
            id=user["id"],
            email=user["email"],
            active=user["active"],
            plans=tuple(plans.get(user["id"], ())),
            institution=user["ip_ranges"] != "[]" or user["referrers"] != "[]",
            anonymized=user["anonymized"],
            can_be_edited=user["can_be_edited"],
            **{name: user[name] for name in ATTRIBUTES},
        )
        for user in store.users()
    ]


def likenesses(accounts: Iterable[Account]) -> list[tuple[Any, ...]]:
    """What to compare two stores by."""
    return sorted((account.likeness() for account in accounts), key=repr)


def _held(row: Mapping[str, Any]) -> Held:
    valid_to = row["valid_to"]
    months = OWN_MONTHS[row["plan_id"]]
    if months is not None and valid_to == months_later(row["valid_from"], months):
        valid_to = OWN_END
    return Held(row["plan_id"], valid_to, row["cancelled_at"] is not None, row["status"])
