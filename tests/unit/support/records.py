# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of the in-memory store, and their records under each API variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .reply import Reply

BARE, FULL, SIMPLE = "bare", "full", "simple"

IMPERSONATION = "https://store.example/impersonate/take/53114"
RIGHTS = ("admin", "plan_admin", "only_sees_readable")


@dataclass(frozen=True)
class Variants:
    """The API variants of a store, with their numbers; the defaults are as documented."""

    search_finds_deactivated: bool = False  # 2
    list_holds_deactivated: bool = False  # 3
    empty_is_404: bool = False  # 4
    paginator: str = BARE  # 5
    page_size: int = 100  # 5: the store may return fewer users than requested
    ignores_page: bool = False  # 5
    pages_as_objects: bool = False  # 5: PHP writes an array with gaps as an object
    booleans: str = "json"  # 6: json, number or text
    times: str = "iso"  # 7: iso or mapping
    returns_external_id: bool = True  # 8
    put_replaces: bool = False  # 9
    updates_deactivated: bool = True  # 10
    plans: str = "plan_id"  # 11: plan_id, nested, hidden or missing
    plan_ends: str = "date"  # 11: date or time
    repeated_state_change: int = 404  # 12
    logout_path: str = "table"  # 13: table or example
    logs_out_deactivated: bool = True  # 13
    rejection: str = "errors"  # 14: errors, code or data
    lower_cases: bool = False  # 16
    respects_case: bool = False  # 16


@dataclass
class Held:
    """A plan that a user holds."""

    plan_id: int
    valid_to: str | None = None
    name: str | None = None
    cancelled: bool = False


@dataclass
class StoredUser:
    """The database state of one user."""

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
        """Apply a body; if it ``replaces``, missing fields are set to their defaults."""
        for name in RIGHTS:
            if name in body or replaces:
                setattr(self, name, bool(body.get(name, False)))
        for name in ("external_id", "sessions_limit"):
            if name in body or replaces:
                setattr(self, name, body.get(name))
        if body.get("new_password"):
            self.password = body["new_password"]
        if body.get("assign_new_plan"):
            # Every call assigns again (variant 18), so that a repetition is visible.
            valid_to = body.get("new_plan_custom_valid_to")
            held = Held(body["assign_new_plan"], valid_to, body.get("user_plan_name"))
            self.plans.append(held)

    def record(self, variants: Variants) -> dict[str, Any]:
        """The user in a response."""
        time = "2021-05-18T13:28:53.000000Z"
        mapping = {"timestamp": 1621344533, "date": "2021-05-18 13:28:53", "timezone": "UTC"}
        moment: Any = time if variants.times == "iso" else mapping
        record: dict[str, Any] = {
            "id": self.id,
            "uuid": f"uuid-{self.id}",
            "email": self.email,
            "sessions_limit": self.sessions_limit,
            **{name: _boolean(getattr(self, name), variants.booleans) for name in RIGHTS},
            "created_at": moment,
            "updated_at": moment,
            "deleted_at": moment if self.deactivated else None,
            "user_plans_count": len(self.plans),
            "impersonate": IMPERSONATION,
            "impersonation_url": IMPERSONATION,
        }
        if variants.returns_external_id:
            record["external_id"] = self.external_id
        if variants.plans != "missing":
            shown = [] if variants.plans == "hidden" else self.plans
            record["user_plans"] = [_plan(plan, variants) for plan in shown]
        return record


def listed(users: list[StoredUser], query: Mapping[str, str], variants: Variants) -> Reply:
    """The response to a list request."""
    number = 1 if variants.ignores_page else int(query.get("page", 1))
    size = min(int(query.get("per_page", 15)), variants.page_size)
    shown = users[(number - 1) * size : number * size]
    if not shown and variants.empty_is_404:
        return Reply(404, {"message": "No query results for model [User]."})
    data: Any = [user.record(variants) for user in shown]
    if variants.pages_as_objects:
        data = {str(2 * position): record for position, record in enumerate(data)}
    last = max(1, -(-len(users) // size))
    paginator: dict[str, Any] = {"current_page": number, "data": data}
    if variants.paginator != BARE:
        url = f"https://store.example/users?page={number + 1}"
        paginator["next_page_url"] = url if number < last else None
        paginator["per_page"] = size
    if variants.paginator == FULL:
        paginator.update(last_page=last, total=len(users))
    return Reply(200, {"CODE": "success", "data": {"paginator": paginator}})


def _boolean(value: bool, form: str) -> Any:
    return {"json": value, "number": int(value), "text": str(int(value))}[form]


def _plan(plan: Held, variants: Variants) -> dict[str, Any]:
    ends = plan.valid_to
    if ends is not None and variants.plan_ends == "time":
        ends = f"{ends}T23:59:59.000000Z"
    shown: dict[str, Any] = {
        "valid_to": ends,
        "cancelled_at": "2021-05-18T13:28:53.000000Z" if plan.cancelled else None,
    }
    if variants.plans == "nested":
        return {**shown, "plan": {"id": plan.plan_id, "name": plan.name}}
    return {**shown, "plan_id": plan.plan_id, "name": plan.name}
