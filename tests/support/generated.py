# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random lists of declared users, random changes by another client, and random removal options.

There are few persons and few addresses, so that rows often conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from .accounts import Account
from .oracle import FAIL, SKIP, UNKNOWN_PLAN, Policy

Row = dict[str, Any]

PERSONS = 5
SHARED_ADDRESSES = [f"reader{number}@example.org" for number in range(PERSONS + 2)]
FIRST_PASSWORD, OTHER_PASSWORD = "correct-horse-battery-1", "correct-horse-battery-2"

PLAN_ENDS = st.sampled_from([None, "2031-01-31", "2032-06-30", "2020-01-31"])
PLAN_IDS = st.sampled_from([11, 11, 12, 13, UNKNOWN_PLAN])
STATES = ["approved", "approved", "pending", "refunded", "frozen"]
PASSWORDS = st.sampled_from([FIRST_PASSWORD, OTHER_PASSWORD])


PATTERNS = [
    "reader1@example.org",
    "A.Reader1@example.org",
    "*@example.org.ar",
    "READER[24]@*",
    "*.new@example.org",
    "chief@example.com",
    "unknown@example.net",
]
LIMITS = ["0", "1", "2", "3", "0%", "10%", "25%", "34%", "50%", "100%", "100%"]


def policies() -> st.SearchStrategy[Policy]:
    """Options of a task with ``exclusive``."""
    patterns = st.lists(st.sampled_from(PATTERNS), unique=True, max_size=2).map(tuple)
    return st.builds(Policy, patterns, st.sampled_from(LIMITS), st.sampled_from([FAIL, FAIL, SKIP]))


def external_id(person: int) -> str:
    return f"staff-{person}"


def addresses_for(person: int, *, shared: bool) -> list[str]:
    """The addresses that a person may be declared with, the usual one first.

    Where the store does not return external ids, only the address identifies a user, so no person
    is declared with the address of another.
    """
    if not shared:
        return [f"reader{person}@example.org", f"reader{person}.new@example.org"]
    return [SHARED_ADDRESSES[person], *SHARED_ADDRESSES]


@st.composite
def lists(draw: st.DrawFn, accounts: Sequence[Account], *, shared: bool) -> list[Row]:
    """A list of rows without duplicate keys."""
    fewest = draw(st.sampled_from([3, 3, 1, 0]))
    numbers = st.integers(0, PERSONS - 1)
    persons = draw(st.lists(numbers, unique=True, min_size=fewest, max_size=PERSONS))
    rows: list[Row] = []
    taken: dict[str, set[Any]] = {"email": set(), "id": set()}
    for person in persons:
        row = draw(_rows(person, accounts, shared=shared))
        for name, values in taken.items():
            value = str(row.get(name, "")).lower()
            if value in values:
                del row[name]
            elif value:
                values.add(value)
        if row.keys() & {"email", "external_id", "id"}:
            rows.append(row)
    return rows


@st.composite
def _rows(draw: st.DrawFn, person: int, accounts: Sequence[Account], *, shared: bool) -> Row:
    row: Row = {"state": draw(st.sampled_from(["present", "present", "active", "absent"]))}
    keys = draw(st.sampled_from(["both", "both", "both", "email", "external_id", "id"]))
    if keys in ("both", "email", "id"):
        email = draw(st.sampled_from(addresses_for(person, shared=shared)))
        row["email"] = email.replace("reader", "Reader") if draw(st.booleans()) else email
    if keys in ("both", "external_id", "id"):
        row["external_id"] = external_id(person)
    own = [user.id for user in accounts if user.external_id == external_id(person)]
    if keys == "id" and accounts:
        # Mostly the person's own id, otherwise that of another user, which is an error.
        row["id"] = draw(
            st.sampled_from(
                own or ([user.id for user in accounts] if shared else []) or [1_000_000]
            )
        )
    row.update(draw(_options()))
    return row


@st.composite
def _options(draw: st.DrawFn) -> Row:
    given: Mapping[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "sessions_limit": st.integers(0, 3),
                "admin": st.booleans(),
                "plan_admin": st.booleans(),
                "only_sees_readable": st.booleans(),
                "plan_id": PLAN_IDS,
                "password": PASSWORDS,
                "force_logout": st.booleans(),
                "generate_password": st.booleans(),
            },
        )
    )
    options = dict(given)
    if "plan_id" in options:
        end = draw(PLAN_ENDS)
        options.update({} if end is None else {"plan_valid_to": end})
    if "password" in options:
        options["update_password"] = draw(st.sampled_from(["on_create", "on_create", "always"]))
    return options


@st.composite
def changes_of(
    draw: st.DrawFn, accounts: Sequence[Account], *, shared: bool
) -> tuple[int | None, Row]:
    """A change by another client: the id of an account and its new values, or a new account."""
    used = {user.address for user in accounts}
    free = [address for address in SHARED_ADDRESSES if address not in used]
    kinds = ["active", "limit", "right", "plan"]
    if shared and free:
        kinds += ["address", "new"]
    kind = draw(st.sampled_from(kinds)) if accounts else "new"
    if kind == "new":
        address = draw(st.sampled_from(free or SHARED_ADDRESSES))
        names = {user.external_id for user in accounts}
        name = next(f"guest-{n}" for n in range(100) if f"guest-{n}" not in names)
        return None, {"email": address, "external_id": name, "sessions_limit": 2}
    user = draw(st.sampled_from(list(accounts)))
    values: Row = {
        "active": lambda: {"active": not user.active},
        "limit": lambda: {"sessions_limit": draw(st.sampled_from([None, 1, 2, 3]))},
        "right": lambda: {draw(st.sampled_from(["admin", "plan_admin"])): draw(st.booleans())},
        "plan": lambda: {
            "plans": [
                {
                    "plan_id": draw(st.sampled_from([11, 13])),
                    "valid_to": draw(PLAN_ENDS),
                    "cancelled_at": draw(st.sampled_from([None, None, 1_700_000_000])),
                    "status": draw(st.sampled_from(STATES)),
                }
            ]
        },
        "address": lambda: {"email": draw(st.sampled_from(free))},
    }[kind]()
    return user.id, values
