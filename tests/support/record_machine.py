# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists, changes by others, faults, kills and runs with a record, as a state machine of hypothesis.

Every run is checked for the users that it may change. At the end of each history, undisturbed runs
reach the state that the oracle predicts, and no leaver is left over without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from publica_sandbox.testing import SandboxStore

from . import generated
from .accounts import Account, accounts_of
from .declared import content, rows_of
from .failure_modes import ANY, ENDPOINTS, FAILURE_MODES, FaultyClient
from .in_process import COMPLETE_RUN, Outcome, name_of
from .machine import FEW_RETRIES, MOST_RUNS, SMALL_PAGE, STRANGERS
from .oracle import FAIL, SET_EVERY_TIME, Policy, touchable
from .recorded import ALL, CHANGED, DEACTIVATE, IGNORE, RecordedRuns, Row
from .variants import FAULT_VARIANTS, returns_external_ids

MOST_KILLED = 14


class RecordMachine(RuleBasedStateMachine):
    """The rules; each ends by comparing the database before and after it."""

    def __init__(
        self, store: SandboxStore, client: FaultyClient, directory: Path, variant: str
    ) -> None:
        super().__init__()
        # Short pages, so that a run often looks users up.
        self.runs = RecordedRuns(
            store, client, directory, {**FAULT_VARIANTS[variant], "per_page_max": SMALL_PAGE}
        )
        self.rows: list[Row] = []
        self.leavers: str | None = DEACTIVATE
        self.policy = Policy((), "100%", FAIL)
        # Whether another client has changed something since the last run that read everything.
        self.drifted = False
        # The ids of all accounts that a row of a list has ever named, and of those that a run has
        # recorded and that leave as soon as no row names them.
        self.known: set[int] = set()
        self.managed: set[int] = set()

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A store with bystanders and persons, and a first list."""
        self.shared = data.draw(st.sampled_from([False, False, True]), label="shared addresses")
        self.shared = self.shared and returns_external_ids(self.runs.variant)
        persons = data.draw(st.sets(st.integers(0, generated.PERSONS - 1)), label="persons")
        users = [
            {
                "email": generated.addresses_for(person, shared=self.shared)[0],
                "external_id": generated.external_id(person),
                "active": person % 3 != 2,
            }
            for person in sorted(persons)
        ]
        self.runs.fill(users, STRANGERS)
        self.bystanders = {
            user["id"] for user in self.runs.store.users() if user["email"] in _ADDRESSES
        }
        self.leavers = data.draw(
            st.sampled_from([DEACTIVATE] * 4 + [IGNORE, None]), label="leavers"
        )
        if data.draw(st.booleans(), label="protected"):
            self.policy = replace(self.policy, protected=data.draw(_PATTERNS, label="patterns"))
        self._redraw(data)
        self._run()

    # Events

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """The list changes: all of it, a user leaves, or one option."""
        kind = data.draw(st.sampled_from(["all", "leaves", "option", "option"]), label="edit")
        if kind == "all" or not self.rows:
            self._redraw(data)
            return
        place = data.draw(st.integers(0, len(self.rows) - 1), label="row")
        if kind == "leaves":
            self.rows = [row for number, row in enumerate(self.rows) if number != place]
            return
        values = data.draw(st.sampled_from(_OPTIONS), label="option")
        self.rows = [
            {**row, **(values if number == place else {})} for number, row in enumerate(self.rows)
        ]

    @rule(data=st.data())
    def another_client(self, data: st.DataObject) -> None:
        accounts = [user for user in accounts_of(self.runs.store) if self._is_person(user)]
        changes = generated.changes_of(accounts, shared=self.shared)
        user_id, values = data.draw(changes, label="another client")
        if user_id is not None:
            self.runs.store.change_user(user_id, **values)
            if "email" in values:
                # A look-up does not find the account under the recorded address any more.
                self.managed.discard(user_id)
        elif values["email"] not in {user.address for user in accounts}:
            self.runs.store.add_users([values])
        self.drifted = True

    @rule(data=st.data())
    def undisturbed(self, data: st.DataObject) -> None:
        """A run without faults; a dry run before it predicts what it does."""
        verify = data.draw(st.sampled_from([None, CHANGED, CHANGED, ALL]), label="verify")
        workers = data.draw(st.sampled_from([1, 4]), label="workers")
        if data.draw(st.booleans(), label="a dry run first"):
            before = content(self.runs.store)
            planned = self.runs.run(self.rows, check=True, verify=verify, **self._options())
            assert content(self.runs.store) == before, "check mode changed the store"
            done = self._run(verify=verify, workers=workers)
            assert planned.results[0].get("plan") == done.results[0].get("plan")
            return
        self._run(verify=verify, workers=workers)

    @rule(data=st.data())
    def disturbed(self, data: st.DataObject) -> None:
        """A run in which requests fail, or which is interrupted."""
        mode = data.draw(st.sampled_from(FAILURE_MODES), label="failure mode")
        endpoint = data.draw(st.sampled_from((*[ANY] * 4, *ENDPOINTS)), label="endpoint")
        number = data.draw(st.integers(1, 8), label="request number")
        times = data.draw(st.sampled_from([1, 1, 2, None]), label="times")
        stop_request = StopRequest()
        self.runs.client.begin()
        self.runs.client.fail(mode, endpoint, number, times)
        if data.draw(st.sampled_from([False, False, True]), label="interrupted"):
            last = data.draw(st.integers(1, 8), label="the last request")
            self.runs.client.interrupt(stop_request, last)
        self._run(
            disturbed=True, workers=mode.workers, stop_request=stop_request, **FEW_RETRIES
        )  # fmt: skip
        self.runs.client.end()

    @rule(data=st.data())
    def killed(self, data: st.DataObject) -> None:
        """A run that is killed as it sends a request."""
        number = data.draw(st.integers(1, MOST_KILLED), label="killed before request")
        before = accounts_of(self.runs.store)
        was = content(self.runs.store)
        self.runs.is_killed(
            self.rows, lambda: self.runs.kill_before_request(number), **self._options()
        )
        self._check_changes(before, was, None)

    @rule()
    def settle(self) -> None:
        """Undisturbed runs converge, and a run that reads everything repairs what others did."""
        if not self.rows:
            return
        for verify in [ALL] if self.drifted else [CHANGED, ALL]:
            accounts = accounts_of(self.runs.store)
            settled = self.runs.expected(self.rows, gone=())
            for _more in range(MOST_RUNS):
                outcome = self._run(verify=verify)
                if not _changes(outcome):
                    break
            else:
                raise AssertionError("every run changes something")
            self._compare(settled, accounts)
        self._check_leavers(outcome)

    def teardown(self) -> None:
        """Each history ends with a settled state."""
        if hasattr(self, "bystanders"):
            self.settle()

    # Runs

    def _options(self) -> dict[str, Any]:
        return {"leavers": self.leavers, "protected": list(self.policy.protected)}

    def _run(self, *, disturbed: bool = False, **options: Any) -> Outcome:
        before, was = accounts_of(self.runs.store), content(self.runs.store)
        outcome = self.runs.run(self.rows, **self._options(), **options)
        if not self.rows:
            assert outcome.codes == {COMPLETE_RUN: "empty_list"}, outcome.codes
            assert content(self.runs.store) == was
            return outcome
        self._check_changes(before, was, None if disturbed else outcome)
        if not disturbed:
            assert COMPLETE_RUN not in outcome.failures, outcome.failures
            if options.get("verify") == ALL:
                self.drifted = False
        return outcome

    def _redraw(self, data: st.DataObject) -> None:
        accounts = [user for user in accounts_of(self.runs.store) if self._is_person(user)]
        lists = generated.lists(accounts, shared=self.shared)
        self.rows = data.draw(lists, label="declared")

    # Checks

    def _is_person(self, user: Account) -> bool:
        return user.id not in self.bystanders

    def _check_changes(
        self, before: list[Account], was: Mapping[str, Any], undisturbed: Outcome | None
    ) -> None:
        """Only users of the list have changed, and only users of an earlier one have left."""
        if not self.rows:
            return
        after = {user.id: user for user in accounts_of(self.runs.store)}
        named = touchable(before, self.rows, returns_external_ids=True)
        left = {user.id for user in before if user.active and not after[user.id].active}
        for user in before:
            if user.id in left & named:
                absent = [row for row in self.rows if row.get("state") == "absent"]
                assert user.id in touchable(before, absent, returns_external_ids=True), (
                    f"{user} is in the list, and was deactivated"
                )
            elif user.id in left:
                assert self.leavers == DEACTIVATE, f"{user} was deactivated"
                assert user.id in self.known, f"{user} was in no list, and was deactivated"
                assert not self.policy.protects(user), f"{user} is protected"
        untouched = {user.id for user in before} - named - left
        assert rows_of(content(self.runs.store), untouched) == rows_of(was, untouched)
        now = touchable(list(after.values()), self.rows, returns_external_ids=True)
        self.known |= named | now
        self._remember_managed(before, named, undisturbed)

    def _remember_managed(
        self, before: list[Account], named: set[int], undisturbed: Outcome | None
    ) -> None:
        is_active = {user.id: user.active for user in before}
        for user_id in list(self.managed - named):
            if self.leavers != DEACTIVATE or not is_active[user_id]:
                self.managed.discard(user_id)
        if undisturbed is None or COMPLETE_RUN in undisturbed.failures:
            return
        accounts = accounts_of(self.runs.store)
        for row in self.rows:
            ids = touchable(accounts, [row], returns_external_ids=True)
            if len(ids) != 1 or name_of(row) in undisturbed.failures:
                continue
            if row.get("state") == "absent":
                self.managed -= ids
            else:
                self.managed |= ids

    def _compare(self, settled: list[Account], before: list[Account]) -> None:
        """The users of the list are as the oracle predicts.

        Which others have left is checked after each run.
        """
        named = touchable(before, self.rows, returns_external_ids=True)
        active = {user.id: user.active for user in accounts_of(self.runs.store)}
        expected = [
            user
            if user.id in named or user.id not in active
            else replace(user, active=active[user.id])
            for user in settled
        ]
        self.runs.compare(expected)

    def _check_leavers(self, last: Outcome) -> None:
        """No user who has left is active without a reason, and no row is without its entry."""
        if self.leavers != DEACTIVATE:
            return
        accounts = accounts_of(self.runs.store)
        named = touchable(accounts, self.rows, returns_external_ids=True)
        kept = str(last.results[0]["kept"]).lower()
        # A user of the list who fails may be the one who seems to have left (variant 8).
        held = {item["id"] for item in last.removals if item["error"]}
        if returns_external_ids(self.runs.variant):
            assert held == set(), last.removals
        for user in accounts:
            if user.id in self.managed - named - held and user.active:
                assert self.policy.protects(user), f"{user} has left, and is active"
                assert user.address in kept, f"{user} is kept without a reason: {kept}"


_ADDRESSES = {stranger["email"] for stranger in STRANGERS}
_PATTERNS = st.lists(st.sampled_from(generated.PATTERNS), unique=True, max_size=2).map(tuple)
_OPTIONS: list[Row] = [
    {"sessions_limit": 1},
    {"sessions_limit": 2},
    {"admin": True},
    {"admin": False},
    {"plan_id": 11, "plan_valid_to": "2031-01-31"},
    {"plan_id": 12},
    {"state": "active"},
    {"state": "absent"},
    {"state": "present"},
]


def _changes(outcome: Outcome) -> bool:
    """Whether a run has changed more than it does every time."""
    changed = [set(actions) - SET_EVERY_TIME for actions in outcome.actions.values()]
    return any(changed) or any(item["actions"] for item in outcome.removals)
