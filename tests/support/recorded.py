# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs with a record of what was applied last, and what must be true of the store and the record.

The store's database decides who is meant and who may be changed; the record is read from its file.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from .accounts import Account, accounts_of, likenesses
from .declared import CAMPUS, LIBRARY_CARD, STAFF, content, rows_of, secrets_in
from .failure_modes import ANY, FaultyClient
from .generated import FIRST_PASSWORD, OTHER_PASSWORD
from .in_process import Outcome, run
from .killed import kill_this_process, was_killed
from .oracle import Oracle, oracle_for, touchable
from .variants import FAULT_VARIANTS, Variant, returns_external_ids

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

DEACTIVATE, IGNORE = "deactivate", "ignore"
CHANGED, ALL = "changed", "all"
RECORD_KEYS = {"format", "store", "verified_at", "repeats_external_ids", "users"}
ENTRY_KEYS = {
    "email", "external_id", "id", "earlier_email", "fingerprint", "plan_end", "absent", "kept",
    "taken", "warnings",
}  # fmt: skip
FINGERPRINT = "fingerprint"
PASSWORD = "first-password-of-jana"
SECRETS = (PASSWORD, FIRST_PASSWORD, OTHER_PASSWORD)

# The variants that decide how a row or a leaver is found, each with a number of further users: with
# many of them, a run looks users up; with few, it reads the first page of the list.
RECORD_VARIANTS: Mapping[str, tuple[Variant, int]] = {
    "one-page": ({}, 0),
    "many-pages": ({"per_page_max": 3}, 30),
    "external-ids-hidden": ({"external_id_shown": False, "per_page_max": 3}, 30),
    "deactivated-found": (FAULT_VARIANTS["states-lenient"], 60),
    "full-paginator": (FAULT_VARIANTS["replacing"], 60),
}

# In no list. Some are alike, so that they could be taken for users of a list.
BYSTANDERS: list[Row] = [
    {"email": "k1@example.org.ar", "external_id": "k1", "plans": [{"plan_id": CAMPUS}]},
    {"email": "l1@example.com", "external_id": "L11", "sessions_limit": 1},
    {"email": "the.l1@example.org", "external_id": "l1@example.org"},
    {"email": "gone@example.com", "external_id": "GONE", "active": False},
    {"email": "chief@example.com", "external_id": "BOSS", "admin": True},
    {"email": "plans@example.com", "external_id": "BOSS2", "plan_admin": True},
    {"email": "campus@example.com", "external_id": "NET", "ip_ranges": ["192.0.2.0/24"]},
    {"email": None, "external_id": "NAMELESS", "anonymized": True},
    {"email": "fixed@example.com", "external_id": None, "can_be_edited": False},
]
USERS: list[Row] = [
    {
        "email": "k1@example.org",
        "external_id": "K1",
        "sessions_limit": 1,
        "plans": [{"plan_id": CAMPUS, "valid_to": "2031-01-31"}],
    },
    {"email": "k2@example.org", "external_id": "K2"},
    {"email": "u1@example.org", "external_id": "U1", "sessions_limit": 2, "open_sessions": 1},
    {"email": "u2@example.org", "external_id": "U2"},
    {"email": "u3@example.org", "external_id": "U3"},
    {"email": "a1@example.org", "external_id": "A1", "active": False},
    {"email": "g1@example.org", "external_id": "G1", "open_sessions": 1},
    {"email": "l1@example.org", "external_id": "L1", "open_sessions": 1},
    {"email": "l2@example.org", "external_id": "L2", "plans": [{"plan_id": STAFF}]},
]
_KEPT: list[Row] = [
    {
        "email": "k1@example.org",
        "external_id": "K1",
        "sessions_limit": 1,
        "plan_id": CAMPUS,
        "plan_valid_to": "2031-01-31",
    },
    {"email": "k2@example.org", "external_id": "K2", "plan_id": STAFF},
]
_U1: Row = {"email": "u1@example.org", "external_id": "U1", "force_logout": True}
_U3: Row = {"email": "u3@example.org", "external_id": "U3", "plan_id": LIBRARY_CARD}
_L1: Row = {"email": "l1@example.org", "external_id": "L1", "state": "active"}
# The list of the first run: all of its users are in the record.
BEFORE: list[Row] = [
    *_KEPT,
    {**_U1, "sessions_limit": 2},
    {"email": "u2@example.org", "external_id": "U2"},
    {**_U3, "plan_valid_to": "2031-01-31"},
    {"email": "a1@example.org", "external_id": "A1", "state": "absent"},
    {"email": "g1@example.org", "external_id": "G1"},
    _L1,
    {"email": "l2@example.org", "external_id": "L2"},
]
# Each kind of change once: L1 and L2 leave.
AFTER: list[Row] = [
    {
        "email": "J1@Example.org",
        "external_id": "J1",
        "password": PASSWORD,
        "plan_id": CAMPUS,
        "plan_valid_to": "2031-01-31",
    },
    *_KEPT,
    {**_U1, "sessions_limit": 5},
    {"email": "u2.moved@example.org", "external_id": "U2"},
    # The address that another user gives up in this run.
    {"email": "u2@example.org", "external_id": "J2", "generate_password": True},
    {**_U3, "plan_valid_to": "2032-01-31"},
    {"email": "a1@example.org", "external_id": "A1", "state": "active", "sessions_limit": 3},
    {"email": "g1@example.org", "external_id": "G1", "state": "absent", "force_logout": True},
]
# Users leave that the run before may have created (J1), activated (A1) or deactivated (G1), and L1
# comes back.
LATER: list[Row] = [
    *(row for row in AFTER if row["external_id"] not in ("J1", "A1", "G1", "U1")),
    {**_U1, "sessions_limit": 7},
    _L1,
    {"email": "j3@example.org", "external_id": "J3", "only_sees_readable": True},
]
# The list of the run after one that failed.
NEXT_LISTS: Mapping[str, Rows] = {"unchanged": AFTER, "changed": LATER, "changed back": BEFORE}


def person(rows: Rows, name: str, **values: Any) -> list[Row]:
    """The list with other values for one person."""
    return [{**row, **(values if row.get("external_id") == name else {})} for row in rows]


def without(rows: Rows, *names: str) -> list[Row]:
    return [dict(row) for row in rows if row.get("external_id") not in names]


@dataclass(frozen=True)
class Saved:
    """A state of :class:`RecordedRuns` that later tests begin with."""

    database: sqlite3.Connection
    record: bytes
    persons: set[str]
    bystanders: set[int]


class RecordedRuns:
    """A store, a record, and the runs that use both.

    Attributes:
        path: The record.
        persons: The external ids of all persons who were ever in a list.
        options: The options of every run.
    """

    def __init__(
        self, store: SandboxStore, client: FaultyClient, directory: Path, variant: Variant
    ) -> None:
        self.store, self.client = store, client
        self.variant = variant
        self.path = directory / "last-applied.json"
        self.persons: set[str] = set()
        self.options: dict[str, Any] = {
            "last_applied": str(self.path),
            "leavers": DEACTIVATE,
            "verify": None,
            "max_deactivations": "100%",
        }
        store.reset()
        store.configure(**self.variant)
        client.switches = Switches(**self.variant)
        client.begin()
        for path in directory.glob("last-applied.json*"):
            path.unlink()

    def fill(self, users: Rows = USERS, bystanders: Rows = BYSTANDERS, *, more: int = 0) -> None:
        """Store users who are to be in lists, and bystanders, and remember the bystanders.

        Args:
            users: Those who are to be in lists.
            bystanders: Those who are in none.
            more: The number of further bystanders.
        """
        others = [{"email": f"reader{number}@example.net"} for number in range(more)]
        self.store.add_users(users)
        self._bystanders = set(self.store.add_users([*bystanders, *others]))
        self._as_before = self._content_of(self._bystanders)

    def saved(self) -> Saved:
        """The store, the record and the persons as they are now."""
        database = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(self.store.database, timeout=10)) as source:
            source.backup(database)
        return Saved(database, self.path.read_bytes(), set(self.persons), self._bystanders)

    def restore(self, saved: Saved) -> None:
        """Go back to a saved state of the same store in the same variant."""
        with closing(sqlite3.connect(self.store.database, timeout=10)) as target:
            saved.database.backup(target)
        self.path.touch(mode=0o600)
        self.path.write_bytes(saved.record)
        self.persons, self._bystanders = set(saved.persons), saved.bystanders
        self._as_before = self._content_of(self._bystanders)
        self.check_invariants()

    # Runs

    def run(self, rows: Rows, *, check: bool = False, workers: int = 1, **options: Any) -> Outcome:
        """One run; the record is well-formed after it, and no bystander was changed."""
        before = self.file() if check else None
        outcome = run(self.store, rows, check=check, workers=workers, **{**self.options, **options})
        # The next run counts its requests from 1; faults of the store stay until they are removed.
        self.client.begin()
        if check:
            assert self.file() == before, "check mode wrote the record"
        else:
            self.persons |= {row["external_id"] for row in rows if row.get("external_id")}
        self.check_secrets(outcome)
        self.check_invariants()
        return outcome

    def is_killed(self, rows: Rows, arrange: Callable[[], None], **options: Any) -> bool:
        """One run in a process of its own that ``arrange`` prepares to be killed."""

        def work() -> None:
            arrange()
            run(self.store, rows, **{**self.options, **options})

        self.store.clear_journal()
        killed = was_killed(work)
        self.persons |= {row["external_id"] for row in rows if row.get("external_id")}
        self.check_invariants()
        return killed

    def kill_before_request(self, number: int) -> None:
        """Let this process be killed as it is to send its n-th request."""

        def before(endpoint: str, count: int) -> None:
            if (endpoint, count) == (ANY, number):
                kill_this_process()

        self.client.before = before

    @staticmethod
    def kill_at_rename(number: int, *, done: bool) -> None:
        """Let this process be killed at the n-th file that it moves into place.

        Args:
            number: The number of the file.
            done: Whether the file is moved before.
        """
        rename, count = os.rename, 0

        def counted(*paths: Any, **options: Any) -> None:
            nonlocal count
            if str(paths[1]).endswith("last-applied.json"):
                count += 1
            if count == number and not done:
                kill_this_process()
            rename(*paths, **options)
            if count == number:
                kill_this_process()

        os.rename = counted

    # The record

    def file(self) -> bytes | None:
        """The record as it is on disk; None if there is none."""
        return self.path.read_bytes() if self.path.exists() else None

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def entries(self) -> dict[str, dict[str, Any]]:
        """The entries of the record by external id."""
        return {entry.get("external_id", ""): entry for entry in self.record()["users"]}

    # Changes by others

    def change(self, name: str, **values: Any) -> None:
        """Another client changes the account of a person."""
        self.store.change_user(self.store.user(external_id=name)["id"], **values)

    def sql(self, statement: str, *values: object) -> None:
        """Change the database itself, where the store has no request for it."""
        with closing(sqlite3.connect(self.store.database, timeout=10)) as database, database:
            database.execute(statement, values)

    # Checks

    @property
    def oracle(self) -> Oracle:
        return oracle_for(self.variant)

    def expected(self, rows: Rows, *, gone: Collection[str] | None = None) -> list[Account]:
        """The accounts after a run that compares all rows.

        Args:
            rows: The list.
            gone: The external ids of the leavers to deactivate; without it, all persons who were
                ever in a list and that no key of a row names.
        """
        accounts = accounts_of(self.store)
        identified = self._with_ids(rows, accounts)
        settled = self.oracle.settle(accounts, identified)
        if self.oracle.holds_back(accounts, identified, settled.outcomes):
            # A user of the list may be one who seems to have left.
            gone = ()
        if gone is None:
            # No user who shares a key with a row leaves, except an account whose address a row
            # wants: it may stay until that row can be applied.
            named = touchable(accounts, rows, returns_external_ids=True)
            gone = {
                user.external_id
                for user in accounts
                if user.external_id in self.persons
                and user.id not in named
                and self._is_provable(user)
            }
        return [
            replace(user, active=user.active and user.external_id not in gone)
            for user in settled.accounts
        ]

    def _is_provable(self, user: Account) -> bool:
        """Whether the record shows whose account it is: without external ids, only by its id."""
        if returns_external_ids(self.variant) or not self.path.exists():
            return True
        return "id" in self.entries().get(str(user.external_id), {"id": user.id})

    def failing(self, rows: Rows) -> set[str]:
        """The external ids of the rows that fail in a run that compares all of them."""
        accounts = accounts_of(self.store)
        outcomes = self.oracle.settle(accounts, self._with_ids(rows, accounts)).outcomes
        return {
            row["external_id"]
            for row, outcome in zip(rows, outcomes, strict=True)
            if outcome.failure is not None
        }

    def _with_ids(self, rows: Rows, accounts: Sequence[Account]) -> list[Row]:
        """The rows with the ids that the record proves, where the store hides external ids."""
        if returns_external_ids(self.variant):
            return [dict(row) for row in rows]
        known = {
            entry["external_id"]: entry["id"]
            for entry in (self.record()["users"] if self.path.exists() else ())
            if entry.get("id") and entry.get("external_id")
        }
        existing = {user.id for user in accounts}
        return [
            {**row, "id": known[name]}
            if (name := row.get("external_id")) in known and known[name] in existing
            else dict(row)
            for row in rows
        ]

    def compare(self, expected: Sequence[Account], rows: Rows = ()) -> None:
        """The accounts are as expected.

        Args:
            expected: The accounts.
            rows: The list, of whose rows an address may be that of a leaver.
        """
        shared = {row["email"].lower() for row in rows if row.get("email")}
        own = {row.get("external_id") for row in rows}
        found = {user.external_id: user.active for user in accounts_of(self.store)}
        expected = [
            replace(user, active=found.get(user.external_id, False))
            if user.address in shared and user.external_id not in own
            else user
            for user in expected
        ]
        wanted, present = (
            Counter(likenesses(expected)),
            Counter(likenesses(accounts_of(self.store))),
        )
        faults = [f"lacks {account}" for account in wanted - present]
        faults += [f"has {account}" for account in present - wanted]
        assert faults == [], "\n".join(faults)

    def check_converges(self, rows: Rows, *, workers: int = 1) -> None:
        """The next run does what is left, the ones after it nothing, and its record is complete."""
        expected, failing = self.expected(rows), self.failing(rows)
        first = self.run(rows, workers=workers)
        assert set(first.failures) == failing, first.failures
        self.compare(expected, rows)
        self.check_complete(rows, failing)
        self.check_repetition(rows, failing)

    def check_repetition(self, rows: Rows, failing: Collection[str] = ()) -> None:
        """A repetition reads and writes nothing, and one that reads everything writes nothing."""
        before, record = content(self.store), self.file()
        self.store.clear_journal()
        second = self.run(rows)
        assert second.failures.keys() == set(failing), second.failures
        assert self._changes() == []
        assert content(self.store) == before
        assert self.file() == record, "nothing changed, and the record was written"
        if not failing:
            result = second.results[0]
            assert len(self.store.journal()) <= 1, self.store.journal()
            assert result["summary"]["unverified"] == len(rows)
            assert result["summary"]["unchanged"] == len(rows)
            assert not result["changed"]
        self.store.clear_journal()
        third = self.run(rows, verify=ALL)
        assert third.failures.keys() == set(failing), third.failures
        assert third.results[0]["summary"]["unverified"] == 0
        assert self._changes() == [], "verify: all found something"
        self.check_complete(rows, failing)

    def _changes(self) -> list[Row]:
        """The requests that changed the store; a row that fails may send one every time."""
        return [row for row in self.store.journal(writes=True) if row["changed"]]

    def check_written_ahead(self) -> None:
        """The record has an entry of each active user that the last run has written."""
        changes = self._changes()
        if not changes:
            return
        entries = self.record()["users"]
        ids = {entry.get("id") for entry in entries}
        addresses = {
            str(address).lower()
            for entry in entries
            for address in (entry.get("email"), entry.get("earlier_email"))
        }
        for row in changes:
            if row["endpoint"] == "create":
                assert row["body"]["email"].lower() in addresses, row
            elif row["endpoint"] != "force_logout":
                user = self.store.user(id=int(row["path"].split("/users/")[1].split("/")[0]))
                known = user["id"] in ids or user["email"].lower() in addresses
                assert known or not user["active"], row

    def check_complete(self, rows: Rows, failing: Collection[str] = ()) -> None:
        """The record has each row, and of those that succeeded the fingerprint and the id."""
        entries = self.entries()
        ids = {str(user["email"]).lower(): user["id"] for user in self.store.users()}
        for row in rows:
            name = row["external_id"]
            if name in failing:
                assert FINGERPRINT not in entries.get(name, {}), f"{name} failed: {entries[name]}"
                continue
            entry = entries[name]
            assert entry.get(FINGERPRINT), f"{name}: {entry}"
            if row.get("state") != "absent":
                assert entry.get("id") == ids[row["email"].lower()], f"{name}: {entry}"
                assert entry["email"].lower() == row["email"].lower(), f"{name}: {entry}"

    def check_invariants(self) -> None:
        """What is true after every run, however it ended."""
        assert self._content_of(self._bystanders) == self._as_before, "a bystander was changed"
        text = self.file()
        if text is None:
            return
        mode = stat.S_IMODE(self.path.stat().st_mode)
        assert mode == 0o600, oct(mode)
        record = json.loads(text)
        assert set(record) <= RECORD_KEYS, record.keys()
        assert (record["format"], record["store"]) == (1, self.store.base_url)
        lines = {line.rstrip(",") for line in text.decode().splitlines()}
        for entry in record["users"]:
            assert set(entry) <= ENTRY_KEYS, entry
            assert json.dumps(entry, ensure_ascii=False) in lines
        for secret in (self.store.token, *SECRETS):
            assert secret not in text.decode()

    def check_secrets(self, outcome: Outcome) -> None:
        given = [secret for secret in SECRETS if secret in outcome.text]
        assert [*given, *secrets_in(outcome, self.store)] == []

    def _content_of(self, ids: Collection[int]) -> Any:
        return rows_of(content(self.store), ids)
