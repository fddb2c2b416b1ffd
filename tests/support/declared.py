# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that needs three or more requests to every endpoint, and the state that it must reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from publica_sandbox.testing import SandboxStore

from .accounts import accounts_of, likenesses
from .failure_modes import WORKERS
from .in_process import BULK, Outcome, Rows, run
from .oracle import oracle_for
from .variants import Variant, returns_external_ids

Row = dict[str, Any]
Content = dict[str, list[Row]]

CAMPUS, LIBRARY_CARD, STAFF = 11, 12, 13
PASSWORDS = {"N1": "first-password-of-nadia", "U4": "changed-password-of-ulla"}
# The password is set on every run, because of update_password: always.
ALWAYS_CHANGED = "U4"
# A password that was set on creation is not set again; N3 has none.
PASSWORD_CHANGES = {"N1": 1, "N2": 1, "N3": 0}
LOGGED_OUT = ("U1", "G1", "G2", "G3")

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


def _rows(store: SandboxStore, variant: Variant) -> Rows:
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


def content(store: SandboxStore) -> Content:
    """All rows that a write could change."""
    return {
        table: store.sql(f"SELECT * FROM {table} ORDER BY id") for table in ("users", "user_plans")
    }


def rows_of(found: Content, ids: Collection[int]) -> tuple[list[Row], list[Row]]:
    """The rows of some users, and of their plans."""
    return (
        [row for row in found["users"] if row["id"] in ids],
        [row for row in found["user_plans"] if row["user_id"] in ids],
    )


class DeclaredList:
    """The list at a store that was filled for it, and the state that the oracle predicts."""

    def __init__(self, store: SandboxStore, variant: Variant) -> None:
        store.reset()
        store.configure(**variant)
        store.add_users(USERS)
        self.rows = _rows(store, variant)
        self._store = store
        self._before = content(store)
        self._expected = oracle_for(variant).predict(accounts_of(store), self.rows)

    def differences(self, *, logged_out: bool = True) -> list[str]:
        """Where the database differs from the expected state, in words.

        Args:
            logged_out: Whether sessions must have been ended. After a run that failed behind a
                change, the next one sees no change that would end them.
        """
        expected = Counter(likenesses(self._expected.accounts))
        found = Counter(likenesses(accounts_of(self._store)))
        faults = [f"lacks {account}" for account in expected - found]
        faults += [f"has {account}" for account in found - expected]
        faults += self._changed_without_action()
        if faults:
            return faults
        users = {user["external_id"]: user for user in self._store.users()}
        faults += [
            f"{name}: has another password"
            for name, password in PASSWORDS.items()
            if not self._store.has_password(users[name]["id"], password)
        ]
        faults += [
            f"{name}: the password was set {users[name]['password_changes']} times"
            for name, times in PASSWORD_CHANGES.items()
            if users[name]["password_changes"] != times
        ]
        if logged_out:
            ended = [name for name in LOGGED_OUT if users[name]["forced_logouts"]]
            faults += [f"{name}: sessions not ended" for name in LOGGED_OUT if name not in ended]
        return faults

    def _changed_without_action(self) -> list[str]:
        """The rows of users that the list does not change, and that have changed."""
        outcomes = self._expected.outcomes
        changed = {each.account.id for each in outcomes if each.account and each.actions}
        untouched = {row["id"] for row in self._before["users"]} - changed
        before, after = (
            rows_of(found, untouched) for found in (self._before, content(self._store))
        )
        return [f"touched: {before} became {after}"] if before != after else []

    def faults_of_repetition(self, module: str = BULK) -> list[str]:
        """Run the list again, which must have nothing left to do; returns what is wrong."""
        self._store.clear_journal()
        again = run(self._store, self.rows, module, workers=WORKERS)
        faults = [f"again: {name}: {code}" for name, code in again.codes.items()]
        expected = {ALWAYS_CHANGED: ["set_password"]}
        if again.actions != expected:
            faults.append(f"again: {again.actions} instead of {expected}")
        writes = [row["path"] for row in self._store.journal(writes=True)]
        if len(writes) != len(expected):
            faults.append(f"again: wrote {writes}")
        return faults


def secrets_in(outcome: Outcome, store: SandboxStore) -> list[str]:
    links = [user["impersonation_secret"] for user in store.users()]
    secrets = [store.token, *PASSWORDS.values(), *links, "impersonate/take"]
    return [secret for secret in secrets if secret in outcome.text]
