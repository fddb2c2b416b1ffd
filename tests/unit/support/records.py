# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user as the in-memory store keeps it, and as its answers show it under a reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .reading import BARE, FULL, Reading
from .reply import Reply

IMPERSONATION = "https://store.example/impersonate/take/53114"
RIGHTS = ("admin", "plan_admin", "only_sees_readable")


@dataclass
class Held:
    """A plan that a user holds."""

    plan_id: int
    valid_to: str | None = None
    name: str | None = None
    cancelled: bool = False


@dataclass
class StoredUser:
    """The truth about one user."""

    id: int
    email: str
    external_id: str | None = None
    admin: bool = False
    plan_admin: bool = False
    only_sees_readable: bool = False
    sessions_limit: int | None = None
    plans: list[Held] = field(default_factory=list)
    deactivated: bool = False
    password: str | None = None
    sessions_ended: int = 0

    def write(self, body: Mapping[str, Any], *, replaces: bool) -> None:
        """Take over a body; where it replaces, what it leaves out falls back to its default."""
        for name in RIGHTS:
            if name in body or replaces:
                setattr(self, name, bool(body.get(name, False)))
        for name in ("external_id", "sessions_limit"):
            if name in body or replaces:
                setattr(self, name, body.get(name))
        if body.get("new_password"):
            self.password = body["new_password"]
        if body.get("assign_new_plan"):
            # Every call assigns again (choice 18), so that a repetition shows.
            valid_to = body.get("new_plan_custom_valid_to")
            held = Held(body["assign_new_plan"], valid_to, body.get("user_plan_name"))
            self.plans.append(held)

    def record(self, reading: Reading) -> dict[str, Any]:
        """The user as an answer shows it."""
        time = "2021-05-18T13:28:53.000000Z"
        documented = {"timestamp": 1621344533, "date": "2021-05-18 13:28:53", "timezone": "UTC"}
        moment: Any = time if reading.times == "iso" else documented
        record: dict[str, Any] = {
            "id": self.id,
            "uuid": f"uuid-{self.id}",
            "email": self.email,
            "sessions_limit": self.sessions_limit,
            **{name: _boolean(getattr(self, name), reading.booleans) for name in RIGHTS},
            "created_at": moment,
            "updated_at": moment,
            "deleted_at": moment if self.deactivated else None,
            "user_plans_count": len(self.plans),
            "impersonate": IMPERSONATION,
            "impersonation_url": IMPERSONATION,
        }
        if reading.returns_external_id:
            record["external_id"] = self.external_id
        if reading.plans != "missing":
            shown = [] if reading.plans == "hidden" else self.plans
            record["user_plans"] = [_plan(plan, reading) for plan in shown]
        return record


def listed(users: list[StoredUser], query: Mapping[str, str], reading: Reading) -> Reply:
    """The answer of a list."""
    number = 1 if reading.ignores_page else int(query.get("page", 1))
    size = min(int(query.get("per_page", 15)), reading.page_size)
    shown = users[(number - 1) * size : number * size]
    if not shown and reading.empty_is_404:
        return Reply(404, {"message": "No query results for model [User]."})
    data: Any = [user.record(reading) for user in shown]
    if reading.pages_as_objects:
        data = {str(2 * position): record for position, record in enumerate(data)}
    last = max(1, -(-len(users) // size))
    paginator: dict[str, Any] = {"current_page": number, "data": data}
    if reading.paginator != BARE:
        url = f"https://store.example/users?page={number + 1}"
        paginator["next_page_url"] = url if number < last else None
        paginator["per_page"] = size
    if reading.paginator == FULL:
        paginator.update(last_page=last, total=len(users))
    return Reply(200, {"CODE": "success", "data": {"paginator": paginator}})


def _boolean(value: bool, form: str) -> Any:
    return {"json": value, "number": int(value), "text": str(int(value))}[form]


def _plan(plan: Held, reading: Reading) -> dict[str, Any]:
    ends = plan.valid_to
    if ends is not None and reading.plan_ends == "time":
        ends = f"{ends}T23:59:59.000000Z"
    entry: dict[str, Any] = {
        "valid_to": ends,
        "cancelled_at": "2021-05-18T13:28:53.000000Z" if plan.cancelled else None,
    }
    if reading.plans == "nested":
        return {**entry, "plan": {"id": plan.plan_id, "name": plan.name}}
    return {**entry, "plan_id": plan.plan_id, "name": plan.name}
