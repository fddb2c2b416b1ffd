# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that needs three or more requests to every endpoint, and the expected database state.

The state is written out by hand, user by user, and not computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from publica_sandbox.testing import SandboxStore

from .failure_modes import WORKERS
from .in_process import BULK, Outcome, Rows, run
from .variants import Variant, returns_external_ids, returns_plans

Row = dict[str, Any]
Content = dict[str, list[Row]]

CAMPUS, LIBRARY_CARD, STAFF = 11, 12, 13
PASSWORDS = {"N1": "first-password-of-nadia", "U4": "changed-password-of-ulla"}
# The password is set on every run, because of update_password: always.
ALWAYS_CHANGED = "U4"

STRANGERS: list[Row] = [
    {
        "email": f"stranger{number}@example.org",
        "external_id": f"O{number}",
        "sessions_limit": number or None,
        "active": number % 4 != 3,
        "open_sessions": 1,
        "plans": [{"plan_id": CAMPUS}] if number % 2 else [],
    }
    for number in range(6)
]
USERS: list[Row] = [
    *STRANGERS,
    {"email": "uma@example.org", "external_id": "U1", "admin": True, "open_sessions": 1},
    {"email": "ugo@example.org", "external_id": "U2", "sessions_limit": 1},
    {
        "email": "una@example.org",
        "external_id": "U3",
        "plans": [{"plan_id": LIBRARY_CARD, "valid_to": "2031-01-31"}],
    },
    {"email": "ulla@example.org", "external_id": "U4", "password": "the-password-before"},
    *(
        {"email": f"a{number}@example.org", "external_id": f"A{number}", "active": False}
        for number in (1, 2, 3)
    ),
    *(
        {"email": f"g{number}@example.org", "external_id": f"G{number}", "open_sessions": 1}
        for number in (1, 2, 3)
    ),
    {"email": "same@example.org", "external_id": "S1", "sessions_limit": 1},
]


def fill(store: SandboxStore, variant: Variant) -> None:
    """The store before the run: users whom the list changes, and strangers."""
    store.reset()
    store.configure(**variant)
    store.add_users(USERS)


def rows(store: SandboxStore, variant: Variant) -> Rows:
    """The declared list."""
    moved: Row = {"email": "ugo.moved@example.org", "external_id": "U2", "sessions_limit": 5}
    if not returns_external_ids(variant):
        # Variant 8: then only the id identifies the user with the new address.
        moved["id"] = store.user(external_id="U2")["id"]
    return [
        {
            "email": "Nadia.New@Example.org",
            "external_id": "N1",
            "password": PASSWORDS["N1"],
            "plan_id": CAMPUS,
            "plan_valid_to": "2031-01-31",
            "sessions_limit": 2,
        },
        {
            "email": "nico@example.org",
            "external_id": "N2",
            "generate_password": True,
            "plan_id": STAFF,
            "plan_admin": True,
        },
        moved,
        # The address that another user gives up in this run.
        {"email": "ugo@example.org", "external_id": "N3", "only_sees_readable": True},
        {
            "email": "uma@example.org",
            "external_id": "U1",
            "admin": False,
            "plan_id": CAMPUS,
            "force_logout": True,
        },
        {
            "email": "una@example.org",
            "external_id": "U3",
            "plan_id": LIBRARY_CARD,
            "plan_valid_to": "2032-01-31",
            "user_plan_name": "Card of the press",
        },
        {
            "email": "ulla@example.org",
            "external_id": "U4",
            "password": PASSWORDS["U4"],
            "update_password": "always",
        },
        {"email": "a1@example.org", "external_id": "A1", "state": "active", "plan_id": STAFF},
        {"email": "a2@example.org", "external_id": "A2", "state": "active"},
        {"email": "a3@example.org", "external_id": "A3", "state": "active", "sessions_limit": 4},
        {"email": "same@example.org", "external_id": "S1", "sessions_limit": 1},
        {"email": "g1@example.org", "external_id": "G1", "state": "absent", "force_logout": True},
        {"email": "g2@example.org", "external_id": "G2", "state": "absent", "force_logout": True},
        {"email": "g3@example.org", "external_id": "G3", "state": "absent", "force_logout": True},
    ]


# The expected columns by external id. Addresses are compared without regard to case.
HELD: Mapping[str, Row] = {
    "N1": {"email": "nadia.new@example.org", "active": True, "sessions_limit": 2, "admin": False},
    "N2": {"email": "nico@example.org", "active": True, "plan_admin": True, "admin": False},
    "N3": {"email": "ugo@example.org", "active": True, "only_sees_readable": True},
    "U1": {"email": "uma@example.org", "active": True, "admin": False},
    "U2": {"email": "ugo.moved@example.org", "active": True, "sessions_limit": 5},
    "U3": {"email": "una@example.org", "active": True, "sessions_limit": None},
    "U4": {"email": "ulla@example.org", "active": True, "sessions_limit": None},
    "A1": {"email": "a1@example.org", "active": True},
    "A2": {"email": "a2@example.org", "active": True, "sessions_limit": None},
    "A3": {"email": "a3@example.org", "active": True, "sessions_limit": 4},
    "G1": {"email": "g1@example.org", "active": False},
    "G2": {"email": "g2@example.org", "active": False},
    "G3": {"email": "g3@example.org", "active": False},
}
CREATED = ("N1", "N2", "N3")
LOGGED_OUT = ("U1", "G1", "G2", "G3")

# The assignments of a user, oldest first; None for the end that the plan itself sets.
Assignments = Sequence["tuple[int, str | None]"]
PLANS: Mapping[str, Assignments] = {
    "N1": [(CAMPUS, "2031-01-31")],
    "N2": [(STAFF, None)],
    "U1": [(CAMPUS, None)],
    "U3": [(LIBRARY_CARD, "2031-01-31"), (LIBRARY_CARD, "2032-01-31")],
    "A1": [(STAFF, None)],
}


def expected_plans(variant: Variant) -> Mapping[str, Assignments]:
    """The plans that each declared user holds afterwards."""
    if returns_plans(variant):
        return PLANS
    # Variant 11: the plans of this user are unknown, so none is assigned.
    return {**PLANS, "U3": PLANS["U3"][:1]}


def content(store: SandboxStore) -> Content:
    """All rows that a write could change."""
    return {
        table: store.sql(f"SELECT * FROM {table} ORDER BY id") for table in ("users", "user_plans")
    }


def differences(
    store: SandboxStore, before: Content, variant: Variant, *, logged_out: bool = True
) -> list[str]:
    """Where the database differs from the list, in words.

    Args:
        store: The store.
        before: The content before the first run.
        variant: The variant of the store.
        logged_out: Whether sessions must have been ended. After a run that failed behind a change,
            the next one sees no change that would end them.
    """
    users = store.users()
    faults = []
    count = len(before["users"]) + len(CREATED)
    if len(users) != count:
        faults.append(f"{len(users)} users instead of {count}: {[u['email'] for u in users]}")
    for external_id, columns in HELD.items():
        found = [user for user in users if user["external_id"] == external_id]
        if len(found) != 1:
            faults.append(f"{external_id}: {len(found)} users")
            continue
        faults += _differing(external_id, columns, found[0])
        faults += _differing_plans(store, external_id, found[0], variant)
        if external_id in LOGGED_OUT and logged_out and not found[0]["forced_logouts"]:
            faults.append(f"{external_id}: sessions were not ended")
    faults += _passwords(store, users)
    faults += _touched(store, before)
    return faults


def _differing(external_id: str, columns: Row, user: Row) -> list[str]:
    held = {**user, "email": user["email"].lower()}
    return [
        f"{external_id}: {name} is {held[name]!r}, not {value!r}"
        for name, value in columns.items()
        if held[name] != value
    ]


def _differing_plans(
    store: SandboxStore, external_id: str, user: Row, variant: Variant
) -> list[str]:
    wanted = expected_plans(variant).get(external_id, [])
    held = [(row["plan_id"], row["valid_to"]) for row in store.plans_of(user["id"])]
    same = len(held) == len(wanted) and all(
        plan == wanted_plan and wanted_end in (None, end)
        for (plan, end), (wanted_plan, wanted_end) in zip(held, wanted, strict=True)
    )
    return [] if same else [f"{external_id}: holds the plans {held}, not {list(wanted)}"]


def _passwords(store: SandboxStore, users: Sequence[Row]) -> list[str]:
    changes = {user["external_id"]: user["password_changes"] for user in users}
    faults = [
        f"{user['external_id']}: has another password"
        for user in users
        if (password := PASSWORDS.get(user["external_id"])) is not None
        and not store.has_password(user["id"], password)
    ]
    # A password that was set on creation is not set again; N3 has none.
    for external_id, times in (("N1", 1), ("N2", 1), ("N3", 0)):
        if changes.get(external_id, times) != times:
            faults.append(f"{external_id}: the password was set {changes[external_id]} times")
    return faults


def _touched(store: SandboxStore, before: Content) -> list[str]:
    """Rows that the list does not change, and that have changed."""
    untouched = {row["external_id"] for row in STRANGERS} | {"S1"}
    now = content(store)
    kept = [row for row in before["users"] if row["external_id"] in untouched]
    ids = {row["id"] for row in kept}
    after = [row for row in now["users"] if row["id"] in ids]
    assigned_before = [row for row in before["user_plans"] if row["user_id"] in ids]
    assigned_after = [row for row in now["user_plans"] if row["user_id"] in ids]
    faults = [f"touched: {old} became {new}" for old, new in zip(kept, after) if old != new]
    if len(kept) != len(after) or assigned_before != assigned_after:
        faults.append(f"touched: {assigned_before} became {assigned_after}")
    return faults


def secrets_in(outcome: Outcome, store: SandboxStore) -> list[str]:
    """Secrets in the results of a run."""
    links = [user["impersonation_secret"] for user in store.users()]
    secrets = [store.token, *PASSWORDS.values(), *links, "impersonate/take"]
    return [secret for secret in secrets if secret in outcome.text]


def faults_of_repetition(store: SandboxStore, variant: Variant, module: str = BULK) -> list[str]:
    """Runs the list again, which must have nothing left to do; returns what is wrong, in words."""
    store.clear_journal()
    again = run(store, rows(store, variant), module, workers=WORKERS)
    faults = [f"again: {name}: {code}" for name, code in again.codes.items()]
    expected = {ALWAYS_CHANGED: ["set_password"]}
    if again.actions != expected:
        faults.append(f"again: {again.actions} instead of {expected}")
    writes = [row["path"] for row in store.journal(writes=True)]
    if len(writes) != len(expected):
        faults.append(f"again: wrote {writes}")
    return faults
