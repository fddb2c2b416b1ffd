# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short lifecycle of three users, and what each API variant leaves possible in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from publica_sandbox.testing import SandboxStore

from .variants import Variant, hidden_attributes, returns_external_ids, returns_plans

Rows = Sequence[Mapping[str, Any]]

# With capitals, since a store may lower-case an address and a search may be case-sensitive.
ANA = {"email": "Ana.Lopez@Example.org", "external_id": "staff-1001"}
BRUNO = {"email": "bruno@example.org", "external_id": "staff-1002"}
CARLA = {"email": "carla@example.org", "external_id": "staff-1003"}
BRUNO_MOVED = "bruno.silva@example.org"

# Look-alikes: a search for one of the addresses above finds these as well.
LOOK_ALIKES = (
    {"email": "banana.lopez@example.org", "external_id": "look-alike-1"},
    {"email": "bruno@example.org.ar", "external_id": "look-alike-2"},
    {"email": "stranger@example.com", "external_id": "carla@example.org"},
)
# Accounts that no list manages, and that no run may change or stumble over.
OTHERS = (
    {"email": "campus@example.org", "ip_ranges": ["192.0.2.0/24"], "plan_admin": True},
    {"email": None, "external_id": "staff-1000", "anonymized": True, "plans": [{"plan_id": 12}]},
    {"email": "owner@example.org", "external_id": None, "can_be_edited": False},
    {"email": None, "external_id": f"https://sso.example.org/{'carla' * 12}"},
)
DEACTIVATED = 3


def fill(store: SandboxStore, variant: Variant, users: Rows) -> None:
    """Configure the variant, and store generated users and these ones.

    There are more than a short page has. Where a user is deactivated after each page that is read,
    there are enough for all pages.
    """
    count = 300 if variant.get("shift_between_pages") == "delete" else 20
    store.generate_users(count + DEACTIVATED, deactivated=DEACTIVATED, admins=2)
    store.add_users(users)
    store.configure(**variant)


@dataclass(frozen=True)
class Stage:
    """The declared users of a stage; ``warns`` is a part of a warning."""

    name: str
    rows: Rows
    warns: str | None = None


def stages(variant: Variant) -> Iterator[Stage]:
    """The stages under one variant; the oracle knows the state after each.

    Variant 26: each row gives the attributes that the store does not return.
    """
    nothing = {"admin": False, "plan_admin": False, "only_sees_readable": False}
    given = {user["external_id"]: {**nothing, "sessions_limit": 0} for user in (ANA, BRUNO, CARLA)}
    for stage in _stages(variant):
        rows = []
        for row in stage.rows:
            known = given[row["external_id"]]
            known.update({name: row[name] for name in known.keys() & row.keys()})
            rows.append({**row, **{name: known[name] for name in hidden_attributes(variant)}})
        yield replace(stage, rows=rows)


def _stages(variant: Variant) -> Iterator[Stage]:
    yield Stage(
        "created",
        [
            {
                **ANA,
                "password": "first-password-of-ana",
                "sessions_limit": 2,
                "plan_id": 12,
                "plan_valid_to": "2031-12-31",
                "plan_admin": True,
                "only_sees_readable": True,
            },
            {**BRUNO, "generate_password": True, "admin": True, "sessions_limit": 1},
            {**CARLA, "generate_password": True, "plan_id": 11},
        ],
    )
    carla = {**CARLA, "plan_id": 13, "plan_valid_to": "2032-06-30"}
    # Variant 19: the store may refuse the name.
    if variant.get("user_plan_name") != "refused":
        carla["user_plan_name"] = "Staff of the press"
    yield Stage(
        "changed, and a right revoked",
        [
            {**ANA, "sessions_limit": 3, "plan_admin": False, "force_logout": True},
            {**BRUNO, "admin": False, "sessions_limit": 0},
            carla,
        ],
        # Variant 11: where the store does not return the plans of a user, a plan is assigned only
        # on creation, with a warning.
        warns=None if returns_plans(variant) else "plan",
    )
    yield Stage("deactivated", [{**ANA, "state": "absent"}])
    inactive = {**ANA, "only_sees_readable": True}
    yield Stage("present, and left inactive", [inactive], warns="state: active")
    yield Stage("active again, and changed", [{**ANA, "state": "active", "sessions_limit": 4}])
    # The user is found by the external id under a new address: not where the store does not return
    # it (variant 8), nor where every page is the first one (variant 5).
    if returns_external_ids(variant) and not variant.get("page_ignored", False):
        yield Stage("address changed", [{**BRUNO, "email": BRUNO_MOVED}])
