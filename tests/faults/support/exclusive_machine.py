# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same store and lists, where now and then whoever is in no list is to be removed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from . import declared, removals, staging
from .accounts import Account, accounts_of, likenesses
from .figures import MET
from .machine import MOST_RUNS, StoreMachine, prove_as_planned
from .oracle import SET_EVERY_TIME, touchable
from .removals import FAIL, SKIP, Policy
from .runs import BULK, Outcome, name_of, run

NO_PLANS_HASH = "0" * 16
SMALL_PAGE = 3


class ExclusiveMachine(StoreMachine):
    """Adds runs with ``exclusive``; each ends by noting how the strangers are from now on."""

    @rule(data=st.data())
    def exclusive_undisturbed(self, data: st.DataObject) -> None:
        """Guards refuse exactly when they must; else exactly those are removed who may be."""
        policy = self._begin_exclusive(data)
        if not self.rows:
            self._prove_nobody_is_no_list(policy)
            return
        self.steps["exclusive"] += 1
        workers = data.draw(st.sampled_from([1, 4]), label="workers")
        accounts, foreseen = accounts_of(self.store), self._foresee()
        removed = removals.removable(self._oracle(), accounts, self.rows, policy)
        plan = self._check(BULK, workers, **policy.options())
        assert [item["id"] for item in plan.removals] == [user.id for user in removed]
        approve, code = self._approve(data, policy, accounts, plan)

        outcome = self._run_exclusive(policy, approve, workers, code)

        if code is not None and policy.on_guard == FAIL:
            return
        self._prove_fates(outcome, foreseen)
        is_held = removals.held_back(self._oracle(), accounts, self.rows, foreseen.fates)
        if code == "too_many_deactivations" or code == "not_approved":
            assert outcome.removals == []
            removed = []
        elif is_held:
            assert {item["error"]["code"] for item in outcome.removals} <= {"not_tried"}
            assert [item["actions"] for item in outcome.removals] == [[] for _user in removed]
            removed = []
        else:
            told = [(item["id"], item["actions"], item["error"]) for item in outcome.removals]
            assert told == [(user.id, ["deactivate"], None) for user in removed]
            prove_as_planned(plan, outcome, self.rows)
        self._prove_accounts(removals.without(foreseen.accounts, removed))
        self._note_strangers()
        if code is None:
            self._prove_quiet(policy, outcome, is_held)

    @rule(data=st.data())
    def exclusive_disturbed(self, data: st.DataObject) -> None:
        """Whatever goes wrong, nobody is removed who may not be; the next runs do the rest."""
        policy = self._begin_exclusive(data)
        if not self.rows:
            return
        self.steps["exclusive with faults"] += 1
        accounts = accounts_of(self.store)
        removed = removals.removable(self._oracle(), accounts, self.rows, policy)
        fates = self._foresee().fates
        settled = removals.settle(self._oracle(), accounts, self.rows, policy)
        plan = self._check(BULK, 1, **policy.options())
        approve, code = self._approve(data, policy, accounts, plan)
        before, foreign = declared.content(self.store), self._untouchable()
        trouble = self._arm(data, **policy.options())
        interruption = self._perhaps_interrupt(data)
        workers = staging.workers_for(trouble)

        outcome = run(
            self.store,
            self.rows,
            workers=workers,
            interruption=interruption,
            approve=approve,
            **policy.options(),
            **self._options(),
        )

        self.steps[MET] += bool(staging.disarm(self.store, self.wire))
        self._prove_secrets_kept(outcome)
        is_held = removals.held_back(self._oracle(), accounts, self.rows, fates)
        may_go = {user.id for user in removed} if code is None and not is_held else set()
        assert self._gone(accounts) <= may_go, "somebody was removed who may not be"
        self._prove_foreign(foreign, may_go)
        if code is not None and policy.on_guard == FAIL:
            assert declared.content(self.store) == before, "refused, and something changed"
        self._prove_settling(policy, settled.accounts, workers)
        self._note_strangers()

    @rule(data=st.data())
    def exclusive_on_a_list_cut_short(self, data: st.DataObject) -> None:
        """A list of users that did not come in whole removes nobody."""
        policy = self._begin_exclusive(data).without_limit()
        on_guard = data.draw(st.sampled_from([FAIL, SKIP]), label="on_guard")
        accounts = accounts_of(self.store)
        if not self.rows:
            return
        self.steps["exclusive on a list cut short"] += 1
        removed = {
            user.id for user in removals.removable(self._oracle(), accounts, self.rows, policy)
        }
        foreign = self._untouchable()
        cut = data.draw(st.sampled_from(["page ignored", "somebody leaves"]), label="cut")
        leaver, is_certain = self._cut_short(data, cut, accounts)
        self.store.clear_journal()

        outcome = run(self.store, self.rows, **{**policy.options(), "on_guard": on_guard})

        self.wire.begin()
        self.store.configure(**{"page_ignored": False, "per_page_max": 100, **self.reading})
        self._prove_secrets_kept(outcome)
        gone = self._gone(accounts) - leaver
        assert gone <= removed
        self._prove_foreign(foreign, removed | leaver)
        guard = outcome.said[0].get("guard")
        if is_certain:
            self.steps["lists known to be cut short"] += 1
            assert (guard or {}).get("code") == "incomplete_listing", outcome.text
        if guard is not None:
            assert gone == set(), "removed in spite of a guard"
            if on_guard == FAIL:
                assert self.store.journal(writes=True) == []
        self._note_strangers()

    def _begin_exclusive(self, data: st.DataObject) -> Policy:
        """Another list, perhaps, and strangers who are active again, perhaps."""
        self._perhaps_declare(data)
        if data.draw(st.booleans(), label="strangers are back"):
            for user in self.strangers:
                self.store.change_user(user["id"], active=True)
        self._note_strangers()
        return data.draw(removals.policies(), label="policy")

    def _note_strangers(self) -> None:
        ids = {user["id"] for user in self.strangers}
        self.strangers = [user for user in self.store.users() if user["id"] in ids]

    def _approve(
        self, data: st.DataObject, policy: Policy, accounts: list[Account], plan: Outcome
    ) -> tuple[str | None, str | None]:
        """What the task gives as ``approve``, and the code of the guard that must then speak."""
        said = plan.said[0]
        active = sum(user.active for user in accounts)
        told = (said["guard"] or {}).get("code")
        assert told == policy.verdict(len(plan.removals), active, None, said["plan"])
        choices = [None, None, said["plan"]["hash"], NO_PLANS_HASH]
        approve = data.draw(st.sampled_from(choices), label="approve")
        code = policy.verdict(len(plan.removals), active, approve, said["plan"])
        self.steps["refused by a guard"] += code is not None
        return approve, code

    def _run_exclusive(
        self, policy: Policy, approve: str | None, workers: int, code: str | None
    ) -> Outcome:
        """A run that nothing disturbs; where a guard must refuse it whole, it changes nothing."""
        before = declared.content(self.store)
        self.store.clear_journal()
        options = {**policy.options(), "approve": approve}
        outcome = run(self.store, self.rows, workers=workers, **options)
        self._prove_secrets_kept(outcome)
        said = outcome.said[0]
        assert (said["guard"] or {}).get("code") == code, said["guard"]
        if code is not None and policy.on_guard == FAIL:
            assert (said["failed"], said["changed"]) == (True, False)
            assert said["failure"]["code"] == code
            assert declared.content(self.store) == before, "refused, and something changed"
            assert self.store.journal(writes=True) == [], "refused, and a write was sent"
        return outcome

    def _prove_nobody_is_no_list(self, policy: Policy) -> None:
        """A list of nobody is refused before the first request."""
        self.steps["exclusive with a list of nobody"] += 1
        before = declared.content(self.store)
        self.store.clear_journal()
        outcome = run(self.store, [], **policy.options())
        assert outcome.said[0]["failure"]["code"] == "empty_list"
        assert self.store.journal() == []
        assert declared.content(self.store) == before

    def _prove_accounts(self, expected: list[Account]) -> None:
        assert likenesses(accounts_of(self.store)) == likenesses(expected)

    def _prove_quiet(self, policy: Policy, done: Outcome, is_held: bool) -> None:
        """The same again removes nobody more, and leaves alone whoever is as declared."""
        quiet = {name_of(row) for row in self.rows} - done.failures.keys()
        again = run(self.store, self.rows, **policy.without_limit().options())
        assert is_held or again.removals == []
        assert not any(item["actions"] for item in again.removals)
        for name, actions in again.actions.items():
            assert name not in quiet or set(actions) <= SET_EVERY_TIME, f"{name} again: {actions}"

    def _prove_settling(self, policy: Policy, expected: list[Account], workers: int) -> None:
        """Runs that nothing disturbs come to what they would have come to without the faults."""
        for _more in range(MOST_RUNS):
            options = policy.without_limit().options()
            outcome = run(self.store, self.rows, workers=workers, **options)
            changed = [set(actions) - SET_EVERY_TIME for actions in outcome.actions.values()]
            if not any(changed) and not any(item["actions"] for item in outcome.removals):
                break
        else:
            raise AssertionError("run after run changes something")
        self._prove_accounts(expected)

    def _gone(self, before: list[Account]) -> set[int]:
        """Whom no row names, and who was active and is not any more."""
        named = touchable(before, self.rows, self.shared)
        active = {user.id for user in accounts_of(self.store) if user.active}
        return {user.id for user in before if user.active} - active - named

    def _prove_foreign(self, foreign: dict[int, Any], may_go: set[int]) -> None:
        kept = {key: value for key, value in foreign.items() if key not in may_go}
        assert self._untouchable(kept) == kept, "somebody was touched who may not be"

    def _cut_short(
        self, data: st.DataObject, cut: str, accounts: list[Account]
    ) -> tuple[set[int], bool]:
        """Let the next list of users miss some.

        Returns:
            Who leaves meanwhile, and whether the store's answers must give it away.
        """
        active = [user for user in accounts if user.active]
        if cut == "page ignored" or not active:
            self.store.configure(page_ignored=True, per_page_max=SMALL_PAGE)
            return set(), len(active) > SMALL_PAGE
        leaver = data.draw(st.sampled_from(active), label="who leaves")
        page = data.draw(st.sampled_from([2, 2, 1, 3]), label="before page")

        def before(endpoint: str, number: int) -> None:
            if (endpoint, number) == ("list", page):
                self.store.change_user(leaver.id, active=False)

        self.wire.begin()
        self.wire.before = before
        self.store.configure(per_page_max=SMALL_PAGE)
        tells_total = self.reading.get("paginator") == "full"
        return {leaver.id}, tells_total and page == 2 and len(active) > SMALL_PAGE
