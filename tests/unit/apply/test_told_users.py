# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of each user: as he is now, whom a run did not come to, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import (
    AppliedUser,
    apply_plan,
)
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.progress import Progress
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import read_current
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser
from ansible_collections.publica.la.tests.unit.support.builders import TODAY, api_on, held_plan
from ansible_collections.publica.la.tests.unit.support.reading import Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore

NEW = {"email": "new@example.org", "external_id": "N"}
REFUSED = Reply(422, {"message": "no", "errors": {"admin": ["not allowed"]}})


def store_of(count: int = 0, *, deactivated: bool = False, **reading: Any) -> FakeStore:
    users = (
        StoredUser(n, f"user{n}@example.org", f"ext-{n}", deactivated=deactivated)
        for n in range(1, count + 1)
    )
    return FakeStore(*users, reading=Reading(**reading))


def row(number: int, **options: Any) -> dict[str, Any]:
    keys = {"email": f"user{number}@example.org", "external_id": f"ext-{number}"}
    return {**keys, **options}


def run(store: FakeStore, *rows: dict[str, Any], **options: Any) -> list[AppliedUser]:
    return list(provision(api_on(store), desired_users(rows), **options).applied)


def created(store: FakeStore, **options: Any) -> CurrentUser:
    [applied] = run(store, {**NEW, **options})
    assert applied.error is None
    assert applied.user is not None
    return applied.user


class TestANewUser:
    """What the answer tells, under what was asked for."""

    @pytest.mark.parametrize("returns_external_id", [True, False])
    def test_is_told_as_the_store_now_has_him(self, returns_external_id: bool) -> None:
        store = store_of(returns_external_id=returns_external_id)
        user = created(store, admin=True, sessions_limit=3, plan_id=4, plan_valid_to="2031-12-31")
        [stored] = store.users.values()
        assert (user.id, user.email, user.active) == (stored.id, stored.email, True)
        # Whether or not the store tells it: this run has just given it.
        assert (user.external_id, user.returns_external_id) == ("N", True)
        assert (user.admin, user.plan_admin, user.sessions_limit) == (True, False, 3)
        assert user.plans == (held_plan(4, "2031-12-31"),)

    def test_is_told_by_what_was_asked_for_where_the_answer_is_short(self) -> None:
        store = store_of()
        data = {"id": 7, "email": NEW["email"]}
        store.answer_instead("POST", Reply(200, {"CODE": "success", "data": data}))
        user = created(store, plan_admin=True, sessions_limit=3, plan_id=4)
        assert (user.id, user.active, user.plan_admin, user.sessions_limit) == (7, True, True, 3)
        assert user.plans == (held_plan(4),)
        # Neither asked for nor told: nobody knows.
        assert (user.admin, user.only_sees_readable) == (None, None)

    def test_may_hold_a_plan_that_the_store_gives_everybody(self) -> None:
        store = store_of()
        plans = [{"plan_id": 9, "name": "Free", "valid_to": None, "cancelled_at": None}]
        data = {"id": 7, **NEW, "admin": True, "user_plans": plans, "user_plans_count": 1}
        store.answer_instead("POST", Reply(200, {"CODE": "success", "data": data}))
        user = created(store)
        assert user.plans == (held_plan(9, name="Free"),)
        # What was not asked for is as the store says.
        assert user.admin is True

    def test_holds_the_plan_that_was_asked_for_though_the_answer_comes_too_early(self) -> None:
        store = store_of()
        data = {"id": 7, **NEW, "user_plans": [], "user_plans_count": 0}
        store.answer_instead("POST", Reply(200, {"CODE": "success", "data": data}))
        assert created(store, plan_id=4).plans == (held_plan(4),)

    def test_without_a_plan_asked_for_or_told_holds_none(self) -> None:
        store = store_of()
        data = {"id": 7, "email": NEW["email"]}
        store.answer_instead("POST", Reply(200, {"CODE": "success", "data": data}))
        assert created(store).plans == ()


def test_a_reactivated_user_has_no_moment_of_deactivation() -> None:
    store = store_of(1, deactivated=True)
    [applied] = run(store, row(1, state="active"))
    assert applied.user is not None
    assert (applied.user.active, applied.user.deactivated_at) == (True, None)


def test_an_updated_user_who_stays_deactivated_keeps_that_moment() -> None:
    store = store_of(1, deactivated=True)
    [applied] = run(store, row(1, admin=True))
    assert applied.user is not None
    assert (applied.user.admin, applied.user.active) == (True, False)
    assert applied.user.deactivated_at is not None


class TestWhomARunDoesNotComeTo:
    """Each is told as the store has him, with the reason."""

    def test_where_it_stopped_before(self) -> None:
        store = store_of(2)
        store.answer_instead("PUT", REFUSED, path="/1")
        _, second = run(store, row(1, admin=True), row(2, admin=True), on_error="stop")
        assert second.change.desired.email == "user2@example.org"
        assert second.user == second.change.current
        assert second.user is not None
        assert "on_error: stop" in str(second.error)

    def test_where_somebody_keeps_the_address(self) -> None:
        store = store_of(2)
        store.answer_instead("PUT", REFUSED, path="/2")
        first, _ = run(store, row(1, email="user2@example.org"), row(2, email="free@example.org"))
        assert first.change.desired.external_id == "ext-1"
        assert first.user is not None
        assert (first.user.id, first.user.email) == (1, "user1@example.org")
        assert "#1 was to give up the address that user2@example.org takes" in str(first.error)


class Recorded(Progress):
    """Notes what a run reports."""

    def __init__(self) -> None:
        self.work: list[tuple[int, int]] = []
        self.through: list[tuple[tuple[str, ...], int, bool]] = []

    def applying(self, users: int, requests: int) -> None:
        self.work.append((users, requests))

    def applied(self, actions: Iterable[str], requests: int, failed: bool) -> None:
        self.through.append((tuple(actions), requests, failed))


class TestProgress:
    ROWS = (row(1, admin=True, force_logout=True), row(2, admin=True), row(3))

    def apply(self, api: UsersApi) -> Recorded:
        desired = desired_users(self.ROWS)
        plan = plan_users(desired, read_current(api, desired).index, TODAY)
        recorded = Recorded()
        apply_plan(plan, api, today=TODAY, progress=recorded)
        return recorded

    def test_those_who_succeed_and_those_who_fail_are_through(self) -> None:
        store = store_of(3)
        store.answer_instead("PUT", REFUSED, path="/2")
        recorded = self.apply(api_on(store))
        # User 3 needs nothing, and is no work.
        assert recorded.work == [(2, 3)]
        assert recorded.through == [
            (("updated",), 2, False),
            ((), 1, True),
        ]

    def test_whoever_an_interruption_left_open_is_not(self) -> None:
        store = store_of(3)
        stop_request = StopRequest()
        store.lose_answer("PUT", carried_out=True, path="/2")

        def interrupt(call: Call) -> None:
            if call.method == "PUT" and call.path.endswith("/2"):
                stop_request.request("SIGTERM")

        store.before_answer = interrupt
        recorded = self.apply(api_on(store, stop_request=stop_request))
        assert recorded.through == [(("updated",), 2, False)]

    def test_the_limiter_knows_what_is_to_come(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # By this, runs that share a store's limit leave each other enough of it.
        api = api_on(store_of(3))
        expected: list[int] = []
        monkeypatch.setattr(api.transport.limiter, "expect", expected.append)
        self.apply(api)
        assert expected == [3]
