# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many users at once: order, errors that stop or do not, and results that lose nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import (
    AppliedUser,
    apply_plan,
    check_workers,
    stopping_error,
)
from ansible_collections.publica.la.plugins.module_utils.apply.writes import Writer
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import read_current
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD, TODAY, api_on
from ansible_collections.publica.la.tests.unit.support.reading import Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore

USERS = "/integration-api/v1/dashboard/users"
REFUSED = Reply(422, {"message": "no", "errors": {"admin": ["not allowed"]}})


def store_of(count: int = 5, **reading: Any) -> FakeStore:
    users = (StoredUser(n, f"user{n}@example.org", f"ext-{n}") for n in range(1, count + 1))
    return FakeStore(*users, reading=Reading(**reading))


def row(number: int, **options: Any) -> dict[str, Any]:
    keys = {"email": f"user{number}@example.org", "external_id": f"ext-{number}"}
    return {**keys, **options}


def run(
    store: FakeStore, rows: list[dict[str, Any]], workers: int = 1, **options: Any
) -> list[AppliedUser]:
    api = api_on(store, workers=workers)
    return list(provision(api, desired_users(rows), workers=workers, **options).applied)


def codes(applied: list[AppliedUser]) -> list[str | None]:
    return [user.error.code if user.error else None for user in applied]


ADMINS = [row(number, admin=True) for number in range(1, 6)]


@pytest.mark.parametrize("workers", [1, 4])
def test_an_interrupted_run_tells_what_was_done_and_the_next_completes_it(workers: int) -> None:
    store = store_of()
    stop_request = StopRequest()
    writes: list[Call] = []

    def interrupt(call: Call) -> None:
        if call.method == "PUT":
            writes.append(call)
            if len(writes) == 2:
                stop_request.request("SIGTERM")

    store.before_answer = interrupt
    api = api_on(store, workers=workers, stop_request=stop_request)
    applied = provision(api, desired_users(ADMINS), workers=workers).applied

    admins = {user.email for user in store.users.values() if user.admin}
    assert {user.user.email for user in applied if user.changed and user.user} == admins
    assert 2 <= len(admins) <= 1 + workers
    assert [user.error is None for user in applied] == [user.changed for user in applied]
    error = stopping_error(applied)
    assert error is None or error.code == "interrupted"
    assert {code for code in codes(applied) if code} <= {"interrupted", "not_tried"}
    assert codes(run(store, ADMINS)) == [None] * 5
    assert all(user.admin for user in store.users.values())


def test_a_write_that_an_interruption_leaves_open_is_told_as_such() -> None:
    store = store_of()
    stop_request = StopRequest()
    store.lose_answer("PUT", carried_out=True)
    store.before_answer = lambda call: call.method == "PUT" and stop_request.request("SIGINT")
    api = api_on(store, stop_request=stop_request)
    (applied,) = provision(api, desired_users(ADMINS[:1])).applied
    assert applied.error is not None
    assert applied.error.code == "interrupted"
    assert "interrupted before a retry" in applied.error.message
    assert len(store.writes) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_results_stand_in_the_order_of_the_input(workers: int) -> None:
    applied = run(store_of(), [*reversed(ADMINS), row(9)], workers)
    assert [user.user.email for user in applied if user.user] == [
        *(f"user{number}@example.org" for number in (5, 4, 3, 2, 1)),
        "user9@example.org",
    ]
    assert all(user.changed for user in applied)


def test_addresses_are_freed_before_they_are_taken_and_deactivations_come_last() -> None:
    store = store_of()
    rows = [
        row(3, state="absent"),
        row(1, email="user2@example.org"),
        row(2, email="free@example.org"),
        row(9, email="user1@example.org"),
    ]
    applied = run(store, rows, workers=4)
    assert codes(applied) == [None] * 4
    # The store refuses an address that somebody has, so the order shows in its truth.
    assert [call.line for call in store.writes] == [
        f"PUT {USERS}/2",
        f"PUT {USERS}/1",
        f"POST {USERS}/",
        f"DELETE {USERS}/3",
    ]


def test_whoever_waits_for_a_failed_one_is_not_tried() -> None:
    store = store_of()
    store.answer_instead("PUT", REFUSED, path="/2")
    applied = run(store, [row(1, email="user2@example.org"), row(2, email="free@example.org")])
    assert codes(applied) == ["not_tried", "validation"]
    assert len(store.writes) == 1


class TestOnError:
    def test_continue_goes_on_with_the_others(self) -> None:
        store = store_of()
        store.answer_instead("PUT", REFUSED, path="/2")
        applied = run(store, ADMINS, on_error="continue")
        assert codes(applied) == [None, "validation", None, None, None]
        assert [user.changed for user in applied] == [True, False, True, True, True]

    def test_stop_begins_nobody_else(self) -> None:
        store = store_of()
        store.answer_instead("PUT", REFUSED, path="/2")
        applied = run(store, ADMINS, on_error="stop")
        assert codes(applied) == [None, "validation", "not_tried", "not_tried", "not_tried"]
        assert len(store.writes) == 2
        assert stopping_error(applied) is None

    def test_stop_begins_nobody_at_all_where_the_plan_has_an_error(self) -> None:
        store = store_of()
        rows = [*ADMINS, {"email": "new@example.org"}]
        applied = run(store, rows, on_error="stop")
        assert codes(applied) == ["not_tried"] * 5 + ["incomplete"]
        assert store.writes == []

    @pytest.mark.parametrize("on_error", ["continue", "stop"])
    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_token_ends_the_run_in_any_case(self, on_error: str, status: int) -> None:
        store = store_of()
        store.answer_instead("PUT", Reply(status, {"message": "no"}), path="/3")
        applied = run(store, ADMINS, on_error=on_error)
        assert codes(applied)[:2] == [None, None]
        assert codes(applied)[3:] == ["not_tried", "not_tried"]
        error = stopping_error(applied)
        assert error is applied[2].error
        assert error is not None
        assert error.status == status
        # The reason stands in each result, so that nobody has to look for it.
        assert error.message in str(applied[4].error)

    def test_who_needs_nothing_is_unchanged_even_so(self) -> None:
        store = store_of()
        store.answer_instead("PUT", Reply(401), path="/1")
        assert codes(run(store, [ADMINS[0], row(2)])) == ["unauthenticated", None]


class TestPartialResults:
    def test_the_first_step_is_told_where_the_second_fails(self) -> None:
        store = store_of()
        store.users[1].deactivated = True
        store.answer_instead("PUT", REFUSED, path="/1")
        [applied] = run(store, [row(1, state="active", admin=True)])
        assert (codes([applied]), applied.actions) == (["validation"], ("reactivate",))
        assert applied.user is not None
        assert applied.user.active is True
        assert applied.user.admin is False

    def test_a_bug_loses_nothing_that_others_did(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = store_of()
        update = Writer._update

        def broken(self: Writer, step: Any, plan: Any, current: Any) -> Any:
            if current.id == 2:
                raise KeyError(PASSWORD)
            return update(self, step, plan, current)

        monkeypatch.setattr(Writer, "_update", broken)
        applied = run(store, ADMINS, workers=2)
        assert codes(applied) == [None, "internal", None, None, None]
        # The text of an unknown exception may hold anything.
        assert PASSWORD not in str(applied[1].error)
        assert "KeyError" in str(applied[1].error)

    def test_a_bug_is_told_with_whose_work_it_ended_and_its_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_arguments: Any) -> Any:
            raise KeyError(PASSWORD)

        monkeypatch.setattr(Writer, "_update", broken)
        [ada, *_others] = run(store_of(), ADMINS)
        line = broken.__code__.co_firstlineno + 1
        assert str(ada.error).startswith(f"{ada.change.desired.label}: KeyError in the collection")
        assert f" > test_executor.py:{line}. Please report it." in str(ada.error)
        assert "executor.py:" in str(ada.error).split(" > ")[0]


class TestCheckMode:
    def test_nothing_is_written_and_the_plan_is_told(self) -> None:
        store = store_of()
        api = api_on(store, read_only=True)
        rows = [ADMINS[0], row(2, state="absent"), row(9), {"email": "x@example.org"}]
        applied = provision(api, desired_users(rows)).applied
        assert [user.actions for user in applied] == [("update",), ("deactivate",), ("create",), ()]
        assert codes(list(applied)) == [None, None, None, "incomplete"]
        assert store.writes == []

    def test_the_transport_itself_refuses_to_write(self) -> None:
        # Should a plan ever be applied in spite of check mode, the layer below says no.
        store = store_of()
        api = api_on(store, read_only=True)
        desired = desired_users(ADMINS[:1])
        plan = plan_users(desired, read_current(api, desired).index, TODAY)
        [step] = plan.changes[0].steps
        with pytest.raises(Exception, match="Check mode sends no PUT"):
            Writer(api, TODAY).write(step, plan.changes[0], plan.changes[0].current)
        assert store.writes == []


def test_workers_work_at_once() -> None:
    store = store_of()
    together = threading.Barrier(3, timeout=5)

    def meet(call: Call) -> None:
        if call.method == "PUT":
            together.wait()

    store.before_answer = meet
    assert codes(run(store, ADMINS[:3], workers=3)) == [None] * 3


def test_passwords_are_random_where_they_are_generated() -> None:
    store = store_of(0)
    run(store, [row(1, generate_password=True), row(2, generate_password=True)])
    passwords = {user.password for user in store.users.values()}
    assert len(passwords) == 2
    # As long as docs/states-and-identity.md says.
    assert [len(password or "") for password in passwords] == [32, 32]


@pytest.mark.parametrize("workers", [0, 65, -1])
def test_workers_have_bounds(workers: int) -> None:
    [fault] = check_workers(workers)
    assert str(fault) == f"concurrency: {workers} is out of range; use 1 to 64"


@pytest.mark.parametrize("workers", [1, 64])
def test_the_bounds_of_workers_are_allowed(workers: int) -> None:
    assert check_workers(workers) == []


def test_nothing_to_do_is_no_work() -> None:
    store = store_of()
    api = api_on(store)
    assert apply_plan(plan_users([], read_current(api, []).index, TODAY), api, today=TODAY) == []
    assert store.calls == []
