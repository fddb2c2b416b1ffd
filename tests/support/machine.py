# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store, a list and random events, in any order, as a state machine of hypothesis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from . import declared, generated
from .accounts import Account, accounts_of, likenesses
from .failure_modes import ANY, ENDPOINTS, FAILURE_MODES, FaultyClient
from .in_process import BULK, SINGLE, Outcome, name_of, run
from .oracle import (
    FAIL,
    SET_EVERY_TIME,
    SKIP,
    WHILE_WRITING,
    Oracle,
    Policy,
    Prediction,
    oracle_for,
    touchable,
    without,
)
from .variants import FAULT_VARIANTS, returns_external_ids

# In no list, and similar enough to be confused with users of the list.
STRANGERS = [
    {"email": "a.reader1@example.org", "external_id": "staff-11", "sessions_limit": 1},
    {"email": "reader2@example.org.ar", "external_id": "STAFF-2", "plans": [{"plan_id": 11}]},
    {"email": "gone@example.com", "external_id": "reader3@example.org", "active": False},
    {"email": "chief@example.com", "external_id": "boss-1", "admin": True},
    {"email": "reader3@campus.example", "external_id": "campus", "ip_ranges": ["192.0.2.0/24"]},
    {"email": None, "external_id": "gone-0", "anonymized": True},
    {"email": "reader4@example.com", "external_id": None, "can_be_edited": False},
]
MOST_RUNS = 8
UNKNOWN_HASH = "0" * 16
SMALL_PAGE = 3
# Faults that do not end would otherwise be retried many times.
FEW_RETRIES: dict[str, Any] = {"max_retries": 2, "max_rate_limit_wait": 0.01}


class StoreMachine(RuleBasedStateMachine):
    """The rules; each ends by comparing the database with the oracle."""

    def __init__(self, store: SandboxStore, client: FaultyClient, variant: str) -> None:
        super().__init__()
        self.store = store
        self.client = client
        self.variant = FAULT_VARIANTS[variant]
        self.rows: list[dict[str, Any]] = []
        self.strangers: list[dict[str, Any]] = []
        self.shared = returns_external_ids(self.variant)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A store with strangers, some of the persons, and a first list."""
        self.store.reset()
        self.store.configure(**self.variant)
        self.client.switches = Switches(**self.variant)
        self.client.begin()
        self.store.add_users(STRANGERS)
        self.strangers = self.store.users()
        persons = st.sets(st.integers(0, generated.PERSONS - 1))
        self.store.add_users(
            {
                "email": generated.addresses_for(person, shared=self.shared)[0],
                "external_id": generated.external_id(person),
                "active": person % 3 != 2,
            }
            for person in sorted(data.draw(persons, label="persons at the store"))
        )
        self._declare(data)

    @rule(data=st.data())
    def another_client(self, data: st.DataObject) -> None:
        accounts = self._listed_accounts()
        changes = generated.changes_of(accounts, shared=self.shared)
        user_id, values = data.draw(changes, label="another client")
        if user_id is not None:
            self.store.change_user(user_id, **values)
        elif values["email"] not in {user.address for user in accounts}:
            self.store.add_users([values])

    @rule(data=st.data())
    def run_without_faults(self, data: st.DataObject) -> None:
        """A run does what its dry run and the oracle predict; a repetition changes nothing."""
        self._maybe_declare(data)
        module, workers = self._module(data), data.draw(st.sampled_from([1, 4]), label="workers")
        predicted = self._predict()
        plan = self._check_mode(module, workers)
        done = self._run_and_compare(predicted, module, workers)
        check_as_planned(plan, done, self.rows)
        for account in predicted.accounts:
            if account.password is not None:
                user = self.store.user(email=account.email)
                assert self.store.has_password(user["id"], account.password), account.email

        again = self._run_and_compare(self._predict(), module, workers)
        succeeded = {
            name_of(row)
            for row, outcome in zip(self.rows, predicted.outcomes, strict=True)
            if outcome.failure is None
        }
        for name in again.actions.keys() & succeeded:
            assert set(again.actions[name]) <= SET_EVERY_TIME, f"{name}: {again.actions[name]}"

    @rule(data=st.data())
    def run_with_faults(self, data: st.DataObject) -> None:
        """Faults lose nothing and do nothing twice: the next runs do what is left."""
        self._maybe_declare(data)
        if data.draw(st.sampled_from([False, False, False, True]), label="check mode"):
            self._fail(data)
            self._check_mode(self._module(data), 1, **FEW_RETRIES)
            self.client.end()
            return
        settled = self._oracle().settle(accounts_of(self.store), self.rows)
        foreign = self._untouchable()
        workers, stop_request = self._fail(data), self._maybe_stop(data)
        outcome = run(
            self.store, self.rows, self._module(data), workers=workers,
            stop_request=stop_request, **FEW_RETRIES,
        )  # fmt: skip
        self.client.end()
        self._check_secrets(outcome)
        assert self._untouchable(foreign) == foreign, "a user who is not listed was changed"

        self._settle(settled, workers)
        assert self._untouchable(foreign) == foreign, "a user who is not listed was changed"

    @rule(data=st.data())
    def exclusive_without_faults(self, data: st.DataObject) -> None:
        """Guards refuse exactly when they must; otherwise exactly the removable are removed."""
        policy = self._begin_exclusive(data)
        if not self.rows:
            self._check_empty_list(policy)
            return
        workers = data.draw(st.sampled_from([1, 4]), label="workers")
        accounts, predicted = accounts_of(self.store), self._predict()
        removed = self._oracle().removable(accounts, self.rows, policy)
        plan = self._check_mode(BULK, workers, **policy.options())
        assert [item["id"] for item in plan.removals] == [user.id for user in removed]
        approve, code = self._approve(data, policy, accounts, plan)

        outcome = self._run_exclusive(policy, approve, workers, code)

        if code is not None and policy.on_guard == FAIL:
            return
        self._check_outcomes(outcome, predicted)
        is_held = self._oracle().holds_back(accounts, self.rows, predicted.outcomes)
        if code in ("too_many_deactivations", "not_approved"):
            assert outcome.removals == []
            removed = []
        elif is_held:
            codes = {item["error"]["code"] for item in outcome.removals}
            assert codes <= {"not_tried"}
            assert [item["actions"] for item in outcome.removals] == [[] for _user in removed]
            removed = []
        else:
            found = [(item["id"], item["actions"], item["error"]) for item in outcome.removals]
            assert found == [(user.id, ["deactivate"], None) for user in removed]
            check_as_planned(plan, outcome, self.rows)
        self._compare(without(predicted.accounts, removed))
        self._remember_strangers()
        if code is None:
            self._check_exclusive_repetition(policy, outcome, is_held)

    @rule(data=st.data())
    def exclusive_with_faults(self, data: st.DataObject) -> None:
        """Faults remove no user who may not be removed; the next runs do what is left."""
        policy = self._begin_exclusive(data)
        if not self.rows:
            return
        options = policy.options()
        accounts = accounts_of(self.store)
        removed = self._oracle().removable(accounts, self.rows, policy)
        outcomes = self._predict().outcomes
        settled = self._oracle().settle(accounts, self.rows, policy)
        plan = self._check_mode(BULK, 1, **options)
        approve, code = self._approve(data, policy, accounts, plan)
        before, foreign = declared.content(self.store), self._untouchable()
        workers, stop_request = self._fail(data, **options), self._maybe_stop(data)

        outcome = run(
            self.store, self.rows, workers=workers, stop_request=stop_request, approve=approve,
            **options, **FEW_RETRIES,
        )  # fmt: skip

        self.client.end()
        self._check_secrets(outcome)
        is_held = self._oracle().holds_back(accounts, self.rows, outcomes)
        may_go = {user.id for user in removed} if code is None and not is_held else set()
        assert self._gone(accounts) <= may_go, "a user was removed who may not be"
        self._check_foreign(foreign, may_go)
        if code is not None and policy.on_guard == FAIL:
            assert declared.content(self.store) == before, "refused, and something changed"
        self._settle(settled, workers, **policy.without_limit().options())
        self._remember_strangers()

    @rule(data=st.data())
    def exclusive_with_an_incomplete_listing(self, data: st.DataObject) -> None:
        """An incomplete listing removes no user."""
        policy = self._begin_exclusive(data).without_limit()
        on_guard = data.draw(st.sampled_from([FAIL, SKIP]), label="on_guard")
        accounts = accounts_of(self.store)
        if not self.rows:
            return
        removable = self._oracle().removable(accounts, self.rows, policy)
        removed = {user.id for user in removable}
        foreign = self._untouchable()
        leaver, is_certain = self._cut_listing(data, accounts)
        self.store.clear_journal()

        outcome = run(self.store, self.rows, **{**policy.options(), "on_guard": on_guard})

        self.client.begin()
        self.store.configure(**{"page_ignored": False, "per_page_max": 100, **self.variant})
        self._check_secrets(outcome)
        gone = self._gone(accounts) - leaver
        assert gone <= removed
        self._check_foreign(foreign, removed | leaver)
        guard = outcome.results[0].get("guard")
        if is_certain:
            assert (guard or {}).get("code") == "incomplete_listing", outcome.text
        if guard is not None:
            assert gone == set(), "removed in spite of a guard"
            if on_guard == FAIL:
                assert self.store.journal(writes=True) == []
        self._remember_strangers()

    @invariant()
    def strangers_are_unchanged(self) -> None:
        """Users in no list are never changed."""
        users = {user["id"]: user for user in self.store.users()}
        assert [users[user["id"]] for user in self.strangers] == self.strangers

    # Events

    def _declare(self, data: st.DataObject) -> None:
        lists = generated.lists(self._listed_accounts(), shared=self.shared)
        self.rows = data.draw(lists, label="declared")

    def _maybe_declare(self, data: st.DataObject) -> None:
        # Not a rule of its own: most steps are to be runs.
        if data.draw(st.booleans(), label="another list"):
            self._declare(data)

    def _begin_exclusive(self, data: st.DataObject) -> Policy:
        self._maybe_declare(data)
        if data.draw(st.booleans(), label="strangers are active again"):
            for user in self.strangers:
                self.store.change_user(user["id"], active=True)
        self._remember_strangers()
        return data.draw(generated.policies(), label="policy")

    def _module(self, data: st.DataObject) -> str:
        # Several tasks of one user each are not the same as one list.
        is_possible = len(self.rows) == 1
        return SINGLE if is_possible and data.draw(st.booleans(), label="single") else BULK

    def _fail(self, data: st.DataObject, **options: Any) -> int:
        """Let some requests of the next run fail; returns how many workers it may have."""
        mode = data.draw(st.sampled_from(FAILURE_MODES), label="failure mode")
        endpoint = data.draw(st.sampled_from((*[ANY] * 8, *ENDPOINTS)), label="endpoint")
        reads, writes = 0, 2
        if endpoint == ANY:
            self.client.begin()
            (result,) = run(self.store, self.rows, BULK, check=True, **options).results
            # A dry run may also read the list of plans, which a run does not.
            reads, writes = self.client.counts.get("list", 0), int(result["plan"]["requests"])
        # Mostly a write, since only those do harm when they are repeated.
        first = reads + 1 if writes and data.draw(st.integers(0, 3), label="a write") else 1
        number = data.draw(st.integers(first, max(first, reads + writes)), label="request number")
        times = data.draw(st.sampled_from([1, 1, 2, 3, None]), label="times")
        self.client.begin()
        self.client.fail(mode, endpoint, number, times)
        return mode.workers

    def _maybe_stop(self, data: st.DataObject) -> StopRequest:
        """In half of the cases, interrupt the next run as one of its requests is sent."""
        stop_request = StopRequest()
        if data.draw(st.booleans(), label="interrupted"):
            last = data.draw(st.integers(1, 12), label="the last request")
            self.client.interrupt(stop_request, last)
        return stop_request

    def _cut_listing(self, data: st.DataObject, accounts: list[Account]) -> tuple[set[int], bool]:
        """Let the next listing miss some users.

        Returns:
            The user who is deactivated during it, and whether the answers must show that it is
            incomplete.
        """
        cut = data.draw(st.sampled_from(["page ignored", "a user leaves"]), label="cut")
        active = [user for user in accounts if user.active]
        if cut == "page ignored" or not active:
            self.store.configure(page_ignored=True, per_page_max=SMALL_PAGE)
            return set(), len(active) > SMALL_PAGE
        leaver = data.draw(st.sampled_from(active), label="leaver")
        page = data.draw(st.sampled_from([2, 2, 1, 3]), label="before page")

        def before(endpoint: str, number: int) -> None:
            if (endpoint, number) == ("list", page):
                self.store.change_user(leaver.id, active=False)

        self.client.begin()
        self.client.before = before
        self.store.configure(per_page_max=SMALL_PAGE)
        has_total = self.variant.get("paginator") == "full"
        return {leaver.id}, has_total and page == 2 and len(active) > SMALL_PAGE

    def _approve(
        self, data: st.DataObject, policy: Policy, accounts: list[Account], plan: Outcome
    ) -> tuple[str | None, str | None]:
        """A value of ``approve``, and the code of the guard that must then refuse the plan."""
        result = plan.results[0]
        active = sum(user.active for user in accounts)
        code = (result["guard"] or {}).get("code")
        assert code == policy.violation(len(plan.removals), active, None, result["plan"])
        choices = [None, None, result["plan"]["hash"], UNKNOWN_HASH]
        approve = data.draw(st.sampled_from(choices), label="approve")
        return approve, policy.violation(len(plan.removals), active, approve, result["plan"])

    # Accounts

    def _listed_accounts(self) -> list[Account]:
        strangers = {user["id"] for user in self.strangers}
        return [user for user in accounts_of(self.store) if user.id not in strangers]

    def _remember_strangers(self) -> None:
        ids = {user["id"] for user in self.strangers}
        self.strangers = [user for user in self.store.users() if user["id"] in ids]

    def _untouchable(self, known: Mapping[int, Any] | None = None) -> dict[int, Any]:
        """The rows of the users that no key of the list names, or of the given ones."""
        content = declared.content(self.store)
        ids = set(known or ())
        if known is None:
            accounts = accounts_of(self.store)
            ids = {user.id for user in accounts} - touchable(accounts, self.rows, self.shared)
        users = {row["id"]: row for row in content["users"]}
        plans = content["user_plans"]
        return {key: (users[key], [row for row in plans if row["user_id"] == key]) for key in ids}

    def _gone(self, before: list[Account]) -> set[int]:
        """Users that no row names, and that have been deactivated."""
        named = touchable(before, self.rows, self.shared)
        active = {user.id for user in accounts_of(self.store) if user.active}
        return {user.id for user in before if user.active} - active - named

    # Predictions and checks

    def _oracle(self) -> Oracle:
        return oracle_for(self.variant)

    def _predict(self) -> Prediction:
        return self._oracle().predict(accounts_of(self.store), self.rows)

    def _check_mode(self, module: str, workers: int, **options: Any) -> Outcome:
        """A dry run, which writes nothing."""
        before = declared.content(self.store)
        self.store.clear_journal()
        outcome = run(self.store, self.rows, module, workers=workers, check=True, **options)
        assert declared.content(self.store) == before, "check mode changed the store"
        assert self.store.journal(writes=True) == [], "check mode sent a write"
        self._check_secrets(outcome)
        return outcome

    def _run_and_compare(self, predicted: Prediction, module: str, workers: int) -> Outcome:
        foreign = self._untouchable()
        self.store.clear_journal()
        outcome = run(self.store, self.rows, module, workers=workers)
        self._check_outcomes(outcome, predicted)
        self._compare(predicted.accounts)
        assert self._untouchable(foreign) == foreign, "a user who is not listed was changed"
        self._check_secrets(outcome)
        return outcome

    def _run_exclusive(
        self, policy: Policy, approve: str | None, workers: int, code: str | None
    ) -> Outcome:
        """A run without faults; if a guard must refuse it, it changes nothing."""
        before = declared.content(self.store)
        self.store.clear_journal()
        options = {**policy.options(), "approve": approve}
        outcome = run(self.store, self.rows, workers=workers, **options)
        self._check_secrets(outcome)
        result = outcome.results[0]
        assert (result["guard"] or {}).get("code") == code, result["guard"]
        if code is not None and policy.on_guard == FAIL:
            assert (result["failed"], result["changed"]) == (True, False)
            assert result["failure"]["code"] == code
            assert declared.content(self.store) == before, "refused, and something changed"
            assert self.store.journal(writes=True) == [], "refused, and a write was sent"
        return outcome

    def _settle(self, settled: Prediction, workers: int, **options: Any) -> None:
        """Runs without faults reach the state that the oracle predicts without the faults."""
        for _more in range(MOST_RUNS):
            outcome = run(self.store, self.rows, workers=workers, **options)
            changed = [set(actions) - SET_EVERY_TIME for actions in outcome.actions.values()]
            if not any(changed) and not any(item["actions"] for item in outcome.removals):
                break
        else:
            raise AssertionError("every run changes something")
        self._compare(settled.accounts)

    def _compare(self, expected: list[Account]) -> None:
        assert likenesses(accounts_of(self.store)) == likenesses(expected)

    def _check_outcomes(self, outcome: Outcome, predicted: Prediction) -> None:
        for row, expected in zip(self.rows, predicted.outcomes, strict=True):
            name = name_of(row)
            code, actions = outcome.codes.get(name), outcome.actions.get(name, [])
            assert code in {expected.failure, expected.may_fail or expected.failure}, (
                f"{row}: {code} instead of {expected.failure}: {outcome.failures.get(name)}"
            )
            assert actions == expected.actions, f"{row}: {actions} instead of {expected.actions}"

    def _check_exclusive_repetition(self, policy: Policy, done: Outcome, is_held: bool) -> None:
        again = run(self.store, self.rows, **policy.without_limit().options())
        assert is_held or again.removals == []
        assert not any(item["actions"] for item in again.removals)
        succeeded = {name_of(row) for row in self.rows} - done.failures.keys()
        for name in again.actions.keys() & succeeded:
            assert set(again.actions[name]) <= SET_EVERY_TIME, f"{name}: {again.actions[name]}"

    def _check_empty_list(self, policy: Policy) -> None:
        """An empty list is refused before the first request."""
        before = declared.content(self.store)
        self.store.clear_journal()
        outcome = run(self.store, [], **policy.options())
        assert outcome.results[0]["failure"]["code"] == "empty_list"
        assert self.store.journal() == []
        assert declared.content(self.store) == before

    def _check_foreign(self, foreign: dict[int, Any], may_go: set[int]) -> None:
        kept = {key: value for key, value in foreign.items() if key not in may_go}
        assert self._untouchable(kept) == kept, "a user was changed who may not be"

    def _check_secrets(self, outcome: Outcome) -> None:
        given = {row["password"] for row in self.rows if "password" in row}
        secrets = [password for password in given if password in outcome.text]
        assert [*secrets, *declared.secrets_in(outcome, self.store)] == []


def check_as_planned(plan: Outcome, done: Outcome, rows: list[dict[str, Any]]) -> None:
    """A run did what the dry run predicted, except for users that the store then refused."""
    for row in rows:
        name = name_of(row)
        code = done.codes.get(name)
        if code in WHILE_WRITING:
            made = done.actions.get(name, [])
            assert made == plan.actions.get(name, [])[: len(made)], f"{row}: not as planned"
            continue
        assert code == plan.codes.get(name), f"{row}: {code} instead of {plan.codes.get(name)}"
        assert done.actions.get(name) == plan.actions.get(name), f"{row}: not as planned"
    planned, applied = plan.results[0], done.results[0]
    assert planned.get("plan") == applied.get("plan")
    if not done.failures:
        assert planned["changed"] == applied["changed"]
        assert _diff(planned) == _diff(applied), "the dry run showed another difference"


def _diff(result: Mapping[str, Any]) -> str:
    """The differences in lower case: a store may change the case of a new address."""
    return json.dumps(result.get("diff"), sort_keys=True).lower()
