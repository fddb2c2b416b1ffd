# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store, a list and whatever may happen to them, played by hypothesis in any order."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.interruption import Interruption
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from . import declared, staging, wishes
from .accounts import Account, accounts_of, likenesses
from .figures import MET
from .oracle import SET_EVERY_TIME, WHILE_WRITING, Foreseen, Oracle, touchable
from .readings import READINGS, tells_external_ids, tells_plans
from .runs import BULK, SINGLE, Outcome, name_of, run
from .troubles import ENDPOINTS, TROUBLES, Trouble
from .wire import ANY, Wire

# Undeclared in every list, and close enough to be mistaken.
STRANGERS = [
    {"email": "a.reader1@example.org", "external_id": "staff-11", "sessions_limit": 1},
    {"email": "reader2@example.org.ar", "external_id": "STAFF-2", "plans": [{"plan_id": 11}]},
    {"email": "gone@example.com", "external_id": "reader3@example.org", "active": False},
    {"email": "chief@example.com", "external_id": "boss-1", "admin": True},
]
MOST_RUNS = 8


class StoreMachine(RuleBasedStateMachine):
    """The rules; every one ends by holding the store's database against the oracle."""

    def __init__(self, store: SandboxStore, wire: Wire, reading: str, steps: Counter[str]) -> None:
        super().__init__()
        self.store = store
        self.wire = wire
        self.reading = READINGS[reading]
        self.steps = steps
        self.rows: list[dict[str, Any]] = []
        self.strangers: list[dict[str, Any]] = []
        self.shared = tells_external_ids(self.reading)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A store with strangers, some of the people, and a first list."""
        self.store.reset()
        self.store.configure(**self.reading)
        self.wire.switches = Switches(**self.reading)
        self.wire.begin()
        self.store.add_users(STRANGERS)
        self.strangers = self.store.users()
        here = data.draw(st.sets(st.integers(0, wishes.PEOPLE - 1)), label="people at the store")
        self.store.add_users(
            {
                "email": wishes.addresses_for(person, shared=self.shared)[0],
                "external_id": wishes.external_id(person),
                "active": person % 3 != 2,
            }
            for person in sorted(here)
        )
        self._declare(data)

    def _declare(self, data: st.DataObject) -> None:
        """The list changes."""
        self.steps["lists"] += 1
        accounts = self._known_accounts()
        self.rows = data.draw(wishes.lists(accounts, shared=self.shared), label="declared")

    def _perhaps_declare(self, data: st.DataObject) -> None:
        # No rule of its own: most steps shall be runs.
        if data.draw(st.booleans(), label="another list"):
            self._declare(data)

    @rule(data=st.data())
    def somebody_else(self, data: st.DataObject) -> None:
        """Somebody else changes the store."""
        self.steps["somebody else"] += 1
        accounts = self._known_accounts()
        user_id, values = data.draw(
            wishes.changes_of(accounts, shared=self.shared), label="somebody else"
        )
        if user_id is not None:
            self.store.change_user(user_id, **values)
        elif values["email"] not in {user.address for user in accounts}:
            self.store.add_users([values])

    @rule(data=st.data())
    def run_undisturbed(self, data: st.DataObject) -> None:
        """A run does what its dry run said, brings about what the oracle foresees, and is quiet."""
        self._perhaps_declare(data)
        self.steps["check mode and run"] += 1
        mode, workers = self._mode(data), data.draw(st.sampled_from([1, 4]), label="workers")
        foreseen = self._foresee()
        plan = self._check(mode, workers)
        done = self._run_and_compare(foreseen, mode, workers)
        prove_as_planned(plan, done, self.rows)
        self._prove_passwords(foreseen)

        quiet = {
            name_of(row)
            for row, fate in zip(self.rows, foreseen.fates, strict=True)
            if fate.failure is None
        }
        again = self._run_and_compare(self._foresee(), mode, workers)
        for name, actions in again.actions.items():
            assert name not in quiet or set(actions) <= SET_EVERY_TIME, f"{name} again: {actions}"

    @rule(data=st.data())
    def run_disturbed(self, data: st.DataObject) -> None:
        """A run that meets faults loses and doubles nothing: the next ones bring the rest about."""
        self._perhaps_declare(data)
        if data.draw(st.sampled_from([False, False, False, True]), label="check mode"):
            self.steps["check mode with faults"] += 1
            self._arm(data)
            self._check(self._mode(data), 1, **self._options())
            staging.disarm(self.store, self.wire)
            return
        self.steps["run with faults"] += 1
        accounts = accounts_of(self.store)
        settled = self._oracle().settle(accounts, self.rows)
        foreign = self._untouchable()
        trouble = self._arm(data)
        interruption = self._perhaps_interrupt(data)
        workers = staging.workers_for(trouble)
        outcome = run(
            self.store,
            self.rows,
            self._mode(data),
            workers=workers,
            interruption=interruption,
            **self._options(),
        )
        self.steps[MET] += bool(staging.disarm(self.store, self.wire))
        self._prove_secrets_kept(outcome)
        assert self._untouchable(foreign) == foreign, "somebody undeclared was touched"

        for _more in range(MOST_RUNS):
            quiet = run(self.store, self.rows, BULK, workers=workers)
            changed = [set(actions) - SET_EVERY_TIME for actions in quiet.actions.values()]
            if not any(changed):
                break
        else:
            raise AssertionError("run after run changes something")
        assert likenesses(accounts_of(self.store)) == likenesses(settled.accounts)
        assert self._untouchable(foreign) == foreign, "somebody undeclared was touched"

    @invariant()
    def strangers_are_as_they_were(self) -> None:
        """Whoever no list names is never changed."""
        users = {user["id"]: user for user in self.store.users()}
        assert [users[user["id"]] for user in self.strangers] == self.strangers

    def _mode(self, data: st.DataObject) -> str:
        # Several tasks of one user each know nothing of each other, so they are another list.
        may_be_single = len(self.rows) == 1
        return SINGLE if may_be_single and data.draw(st.booleans(), label="single") else BULK

    def _options(self) -> dict[str, Any]:
        # A fault that does not end would otherwise be tried again and again.
        return {"max_retries": 2, "max_rate_limit_wait": 0.01}

    def _arm(self, data: st.DataObject, **options: Any) -> Trouble:
        """Let some of the requests of the next run go wrong."""
        trouble = data.draw(st.sampled_from(TROUBLES), label="trouble")
        endpoint = data.draw(st.sampled_from((*[ANY] * 8, *ENDPOINTS)), label="endpoint")
        reads, writes = self._requests_of_a_run(options) if endpoint == ANY else (0, 2)
        # Mostly a write, for of those a repetition can do harm.
        first = reads + 1 if writes and data.draw(st.integers(0, 3), label="a write") else 1
        number = data.draw(st.integers(first, max(first, reads + writes)), label="request number")
        times = data.draw(st.sampled_from([1, 1, 2, 3, None]), label="times")
        self.wire.begin()
        if times is None:
            staging.arm_from(self.store, self.wire, trouble, endpoint, number)
        else:
            staging.arm(self.store, self.wire, trouble, endpoint, number, times)
        return trouble

    def _perhaps_interrupt(self, data: st.DataObject) -> Interruption:
        """Let somebody end the next run, in half of the cases, as one of its requests goes out."""
        interruption = Interruption()
        if data.draw(st.booleans(), label="interrupted"):
            self.steps["interrupted"] += 1
            last = data.draw(st.integers(1, 12), label="the last request")
            others = self.wire.before

            def before(endpoint: str, number: int) -> None:
                others(endpoint, number)
                if (endpoint, number) == (ANY, last):
                    interruption.request("SIGTERM")

            self.wire.before = before
        return interruption

    def _requests_of_a_run(self, options: Mapping[str, Any]) -> tuple[int, int]:
        """How many reads and writes the next run would send if nothing disturbed it."""
        (said,) = run(self.store, self.rows, BULK, check=True, **options).said
        return int(said["api"]["requests"]), int(said["plan"]["requests"])

    def _known_accounts(self) -> list[Account]:
        """All but the strangers, whom no list names."""
        strangers = {user["id"] for user in self.strangers}
        return [user for user in accounts_of(self.store) if user.id not in strangers]

    def _oracle(self) -> Oracle:
        today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
        return Oracle(self.shared, tells_plans(self.reading), today)

    def _foresee(self) -> Foreseen:
        return self._oracle().foresee(accounts_of(self.store), self.rows)

    def _check(self, mode: str, workers: int, **options: Any) -> Outcome:
        """A dry run, which writes nothing."""
        before = declared.content(self.store)
        self.store.clear_journal()
        outcome = run(self.store, self.rows, mode, workers=workers, check=True, **options)
        assert declared.content(self.store) == before, "check mode changed the store"
        assert self.store.journal(writes=True) == [], "check mode sent a write"
        self._prove_secrets_kept(outcome)
        return outcome

    def _run_and_compare(self, foreseen: Foreseen, mode: str, workers: int) -> Outcome:
        foreign = self._untouchable()
        self.store.clear_journal()
        outcome = run(self.store, self.rows, mode, workers=workers)
        self._prove_fates(outcome, foreseen)
        assert likenesses(accounts_of(self.store)) == likenesses(foreseen.accounts)
        assert self._untouchable(foreign) == foreign, "somebody undeclared was touched"
        self._prove_secrets_kept(outcome)
        return outcome

    def _prove_fates(self, outcome: Outcome, foreseen: Foreseen) -> None:
        """Each row came to what the oracle foresaw."""
        for row, fate in zip(self.rows, foreseen.fates, strict=True):
            name = name_of(row)
            code, actions = outcome.codes.get(name), outcome.actions.get(name, [])
            assert code in {fate.failure, fate.may_fail or fate.failure}, (
                f"{row}: {code} instead of {fate.failure}: {outcome.failures.get(name)}"
            )
            assert actions == fate.actions, f"{row}: {actions} instead of {fate.actions}"

    def _untouchable(self, known: Mapping[int, Any] | None = None) -> dict[int, Any]:
        """The rows of those whom no key of the list names; of these ones, where they are given."""
        content = declared.content(self.store)
        ids = set(known or ())
        if known is None:
            accounts = accounts_of(self.store)
            ids = {user.id for user in accounts} - touchable(accounts, self.rows, self.shared)
        users = {row["id"]: row for row in content["users"]}
        plans = content["user_plans"]
        return {key: (users[key], [row for row in plans if row["user_id"] == key]) for key in ids}

    def _prove_passwords(self, foreseen: Foreseen) -> None:
        """Whoever was to get a password has it."""
        for account in foreseen.accounts:
            if account.password is not None:
                user = self.store.user(email=account.email)
                assert self.store.has_password(user["id"], account.password), account.email

    def _prove_secrets_kept(self, outcome: Outcome) -> None:
        secrets = [*staging.secrets_in(outcome, self.store)]
        given = {row["password"] for row in self.rows if "password" in row}
        secrets += [password for password in given if password in outcome.text]
        assert secrets == []


def prove_as_planned(plan: Outcome, done: Outcome, rows: list[dict[str, Any]]) -> None:
    """What was done is what the dry run said, but for whom the store then refused."""
    for row in rows:
        name = name_of(row)
        code = done.codes.get(name)
        if code in WHILE_WRITING:
            made = done.actions.get(name, [])
            assert made == plan.actions.get(name, [])[: len(made)], f"{row}: not as planned"
            continue
        assert code == plan.codes.get(name), f"{row}: {code} instead of {plan.codes.get(name)}"
        assert done.actions.get(name) == plan.actions.get(name), f"{row}: not as planned"
    planned, made = plan.said[0], done.said[0]
    assert planned.get("plan") == made.get("plan")
    if not done.failures:
        assert planned["changed"] == made["changed"]
        shown, became = _told(planned), _told(made)
        assert shown == became, f"the dry run showed another difference: {shown} and {became}"


def _told(result: Mapping[str, Any]) -> str:
    """The differences as text, in one case: a store may spell a new address in another."""
    return json.dumps(result.get("diff"), sort_keys=True).lower()
