# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs over many users: order, errors, guards, interruption, and results that are complete."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import (
    AppliedUser,
    apply_plan,
    check_workers,
    stopping_error,
)
from ansible_collections.publica.la.plugins.module_utils.apply.writes import Writer
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    RemovalPolicy,
    read_limit,
)
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.progress import Progress
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned, provision
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import read_current
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    TODAY,
    api_on,
    bulk,
    desired_users,
    held_plan,
    store_of,
)
from ansible_collections.publica.la.tests.unit.support.store import FULL, Call, FakeStore, Reply

USERS = "/integration-api/v1/dashboard/users"
REFUSED = Reply(422, {"message": "no", "errors": {"admin": ["not allowed"]}})


def row(number: int, **options: Any) -> dict[str, Any]:
    keys = {"email": f"user{number}@example.org", "external_id": f"ext-{number}"}
    return {**keys, **options}


def run(
    store: FakeStore, rows: Sequence[dict[str, Any]], workers: int = 1, **options: Any
) -> list[AppliedUser]:
    api = api_on(store, workers=workers)
    return list(provision(api, desired_users(rows), workers=workers, **options).applied)


def codes(applied: Iterable[AppliedUser]) -> list[str | None]:
    return [user.error.code if user.error else None for user in applied]


def on_put(store: FakeStore, number: int, act: Any) -> None:
    """Call ``act`` when the update with this number arrives."""
    updates: list[Call] = []

    def count(call: Call) -> None:
        if call.method == "PUT":
            updates.append(call)
            if len(updates) == number:
                act()

    store.before_answer = count


ADMINS = [row(number, admin=True) for number in range(1, 6)]


class TestInterruption:
    @pytest.mark.parametrize("workers", [1, 4])
    def test_the_result_has_what_was_done_and_the_next_run_does_the_rest(
        self, workers: int
    ) -> None:
        store = store_of(5)
        stop_request = StopRequest()
        on_put(store, 2, lambda: stop_request.request("SIGTERM"))
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

    def test_a_write_with_an_unknown_result_is_reported(self) -> None:
        store = store_of(5)
        stop_request = StopRequest()
        store.lose_answer("PUT", carried_out=True)
        on_put(store, 1, lambda: stop_request.request("SIGINT"))
        api = api_on(store, stop_request=stop_request)
        (applied,) = provision(api, desired_users(ADMINS[:1])).applied
        assert codes([applied]) == ["interrupted"]
        assert f"PUT {USERS}/1" in str(applied.error)
        assert len(store.writes) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_results_are_in_the_order_of_the_input(workers: int) -> None:
    applied = run(store_of(5), [*reversed(ADMINS), row(9)], workers)
    emails = [user.user.email for user in applied if user.user]
    assert emails == [f"user{number}@example.org" for number in (5, 4, 3, 2, 1, 9)]
    assert all(user.changed for user in applied)


def test_addresses_are_freed_before_they_are_taken_and_deactivations_come_last() -> None:
    store = store_of(5)
    rows = [
        row(3, state="absent"),
        row(1, email="user2@example.org"),
        row(2, email="free@example.org"),
        row(9, email="user1@example.org"),
    ]
    assert codes(run(store, rows, workers=4)) == [None] * 4
    assert [call.line for call in store.writes] == [
        f"PUT {USERS}/2",
        f"PUT {USERS}/1",
        f"POST {USERS}/",
        f"DELETE {USERS}/3",
    ]


def test_a_change_is_not_tried_if_the_address_was_not_freed() -> None:
    store = store_of(5)
    store.answer_instead("PUT", REFUSED, path="/2")
    rows = [row(1, email="user2@example.org"), row(2, email="free@example.org")]
    first, second = run(store, rows)
    assert codes([first, second]) == ["not_tried", "validation"]
    assert len(store.writes) == 1
    assert first.user is not None
    assert (first.user.id, first.user.email) == (1, "user1@example.org")
    assert first.change.desired.external_id == "ext-1"
    assert "#1" in str(first.error)
    assert "user2@example.org" in str(first.error)


class TestOnError:
    @pytest.mark.parametrize(
        ("on_error", "expected"),
        [
            ("continue", [None, "validation", None, None, None]),
            ("stop", [None, "validation", "not_tried", "not_tried", "not_tried"]),
        ],
    )
    def test_an_error_of_one_user(self, on_error: str, expected: list[str | None]) -> None:
        store = store_of(5)
        store.answer_instead("PUT", REFUSED, path="/2")
        applied = run(store, ADMINS, on_error=on_error)
        assert codes(applied) == expected
        assert [user.changed for user in applied] == [code is None for code in expected]
        assert len(store.writes) == 5 - expected.count("not_tried")
        assert stopping_error(applied) is None
        for user in applied:
            if user.error and user.error.code == "not_tried":
                assert user.user == user.change.current is not None
                assert "on_error: stop" in user.error.message

    def test_stop_changes_no_user_if_the_plan_has_an_error(self) -> None:
        store = store_of(5)
        applied = run(store, [*ADMINS, {"email": "new@example.org"}], on_error="stop")
        assert codes(applied) == ["not_tried"] * 5 + ["incomplete"]
        assert store.writes == []

    def test_check_mode_predicts_that_stop_changes_no_user(self) -> None:
        rows = desired_users([*ADMINS, {"email": "new@example.org"}])
        real = provision(api_on(store_of(5)), rows, on_error="stop")
        dry_run = provision(api_on(store_of(5), read_only=True), rows, on_error="stop")
        assert codes(dry_run.applied) == codes(real.applied)
        assert not any(user.changed for user in dry_run.applied)

    @pytest.mark.parametrize("on_error", ["continue", "stop"])
    def test_a_refused_token_ends_the_run(self, on_error: str) -> None:
        store = store_of(5)
        store.answer_instead("PUT", Reply(401, {"message": "no"}), path="/3")
        applied = run(store, ADMINS, on_error=on_error)
        assert codes(applied)[:2] == [None, None]
        assert codes(applied)[3:] == ["not_tried", "not_tried"]
        error = stopping_error(applied)
        assert error is applied[2].error
        assert error is not None
        assert error.status == 401
        # Each result contains the reason.
        assert error.message in str(applied[4].error)

    def test_a_user_without_steps_is_unchanged_in_a_run_that_ends(self) -> None:
        store = store_of(5)
        store.answer_instead("PUT", Reply(401), path="/1")
        assert codes(run(store, [ADMINS[0], row(2)])) == ["unauthenticated", None]


FORBIDDEN = Reply(403, {"message": "This action is unauthorized."})


def admins(count: int) -> list[dict[str, Any]]:
    return [row(number, admin=True) for number in range(1, count + 1)]


def refuse_writes(store: FakeStore, *methods: str) -> None:
    """Answer every write of these methods with 403."""
    store.before_answer = lambda call: (
        call.method in methods and store.answer_instead(call.method, FORBIDDEN)
    )


class TestForbidden:
    """A 403 is one user's error, unless the token lacks the right."""

    @pytest.mark.parametrize("workers", [1, 4])
    def test_on_one_user_is_that_users_error(self, workers: int) -> None:
        store = store_of(12)
        for number in (3, 12):
            store.answer_instead("PUT", FORBIDDEN, path=f"/{number}")
        applied = run(store, admins(12), workers)
        refused = [number in (3, 12) for number in range(1, 13)]
        assert codes(applied) == ["forbidden" if one else None for one in refused]
        assert [user.admin for user in store.users.values()] == [not one for one in refused]
        assert stopping_error(applied) is None
        assert "can_be_edited" in str(applied[2].error)

    @pytest.mark.parametrize("workers", [1, 4])
    def test_on_each_of_the_first_writes_ends_the_run(self, workers: int) -> None:
        store = store_of(30)
        refuse_writes(store, "PUT")
        applied = run(store, admins(30), workers)
        # Other workers go on until the last of the first responses has arrived.
        assert len(store.writes) == 10 or (workers > 1 and len(store.writes) > 10)
        error = stopping_error(applied)
        assert error is not None
        assert (error.code, error.status) == ("forbidden", 403)
        assert "api_token" in error.message
        assert codes(applied).count("forbidden") == len(store.writes)
        assert codes(applied).count("not_tried") == 30 - len(store.writes)

    def test_on_each_of_fewer_writes_is_an_error_of_each_user(self) -> None:
        store = store_of(9)
        refuse_writes(store, "PUT")
        applied = run(store, admins(9))
        assert codes(applied) == ["forbidden"] * 9
        assert stopping_error(applied) is None

    @pytest.mark.parametrize("good", [1, 10])
    def test_after_a_success_is_always_an_error_of_the_user(self, good: int) -> None:
        store = store_of(30)
        for number in range(1, 31):
            if number != good:
                store.answer_instead("PUT", FORBIDDEN, path=f"/{number}")
        applied = run(store, admins(30))
        assert codes(applied).count("forbidden") == 29
        assert applied[good - 1].actions == ("update",)

    def test_on_a_rejection_of_values_between_them_is_an_error_of_the_user(self) -> None:
        # The store has looked at the values, so the token may write.
        store = store_of(30)
        store.answer_instead("PUT", REFUSED, path="/5")
        refuse_writes(store, "PUT")
        applied = run(store, admins(30))
        assert codes(applied).count("forbidden") + codes(applied).count("validation") == 30

    def test_on_a_creation_ends_the_run_and_keeps_what_was_done(self) -> None:
        store = store_of(2)
        refuse_writes(store, "POST")
        applied = run(store, [*admins(2), row(7), row(8)])
        assert codes(applied) == [None, None, "forbidden", "not_tried"]
        assert [user.actions for user in applied[:2]] == [("update",)] * 2
        assert stopping_error(applied) is applied[2].error

    def test_on_a_forced_logout_counts_as_a_write(self) -> None:
        store = store_of(8)
        refuse_writes(store, "POST", "DELETE")
        rows = [row(n, state="absent", force_logout=True) for n in range(1, 9)]
        applied = run(store, rows)
        # Two writes for each user: the fifth user's deactivation is the tenth.
        assert codes(applied) == ["forbidden"] * 5 + ["not_tried"] * 3
        assert len(store.writes) == 10

    def test_on_a_deactivation_keeps_other_leavers_going(self) -> None:
        store = store_of(3)
        store.answer_instead("DELETE", FORBIDDEN, path="/2")
        applied = run(store, [row(n, state="absent") for n in (1, 2, 3)])
        assert codes(applied) == [None, "forbidden", None]
        assert [user.deactivated for user in store.users.values()] == [True, False, True]


def test_an_internal_error_names_the_user_and_the_place_and_keeps_other_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update = Writer._update

    def broken(self: Writer, step: Any, change: Any, current: Any) -> Any:
        if current.id == 2:
            raise KeyError(PASSWORD)
        return update(self, step, change, current)

    monkeypatch.setattr(Writer, "_update", broken)
    applied = run(store_of(5), ADMINS, workers=2)
    assert codes(applied) == [None, "internal", None, None, None]
    message = str(applied[1].error)
    # The text of an unknown exception may contain a secret.
    assert PASSWORD not in message
    assert message.startswith("user2@example.org: KeyError")
    line = broken.__code__.co_firstlineno + 2
    assert f" > test_executor.py:{line}. It is unknown" in message
    assert "executor.py:" in message.split(" > ")[0]


def test_several_workers_write_concurrently() -> None:
    store = store_of(5)
    together = threading.Barrier(3, timeout=5)
    store.before_answer = lambda call: call.method == "PUT" and together.wait()
    assert codes(run(store, ADMINS[:3], workers=3)) == [None] * 3


def test_generated_passwords_are_random_and_have_the_documented_length() -> None:
    store = store_of(0)
    run(store, [row(1, generate_password=True), row(2, generate_password=True)])
    passwords = {user.password for user in store.users.values()}
    assert [len(password or "") for password in passwords] == [32, 32]


@pytest.mark.parametrize(
    ("workers", "valid"), [(0, False), (1, True), (64, True), (65, False), (-1, False)]
)
def test_the_number_of_workers_is_1_to_64(workers: int, valid: bool) -> None:
    errors = [str(error) for error in check_workers(workers)]
    assert [str(workers) in error and "64" in error for error in errors] == [True] * (not valid)


def test_an_empty_plan_sends_no_request() -> None:
    store = store_of(5)
    api = api_on(store)
    assert apply_plan(plan_users([], read_current(api, []).index, TODAY), api, today=TODAY) == []
    assert store.calls == []


NEW = {"email": "new@example.org", "external_id": "N"}


class TestANewUser:
    """The result of a creation: the desired values over the values of the response."""

    @staticmethod
    def created(store: FakeStore, response: dict[str, Any] | None, **options: Any) -> CurrentUser:
        if response is not None:
            data = {"id": 7, "email": NEW["email"], **response}
            store.answer_instead("POST", Reply(200, {"CODE": "success", "data": data}))
        [applied] = run(store, [{**NEW, **options}])
        assert applied.error is None
        assert applied.user is not None
        return applied.user

    @pytest.mark.parametrize("returned", [True, False])
    def test_has_the_values_of_the_store(self, returned: bool) -> None:
        store = store_of(0, returns_external_id=returned)
        options = {"admin": True, "sessions_limit": 3, "plan_id": 4, "plan_valid_to": "2031-12-31"}
        user = self.created(store, None, **options)
        [stored] = store.users.values()
        assert (user.id, user.email, user.active) == (stored.id, stored.email, True)
        # This run has set it, even if the store does not return it.
        assert (user.external_id, user.returns_external_id) == ("N", True)
        assert (user.admin, user.plan_admin, user.sessions_limit) == (True, False, 3)
        assert user.plans == (held_plan(4, "2031-12-31"),)

    def test_has_the_desired_values_if_the_response_has_none(self) -> None:
        user = self.created(store_of(0), {}, plan_admin=True, sessions_limit=3, plan_id=4)
        assert (user.id, user.active, user.plan_admin, user.sessions_limit) == (7, True, True, 3)
        assert user.plans == (held_plan(4),)
        assert (user.admin, user.only_sees_readable) == (None, None)

    def test_has_other_values_of_the_response(self) -> None:
        plans = [{"plan_id": 9, "name": "Free", "valid_to": None, "cancelled_at": None}]
        response = {**NEW, "admin": True, "user_plans": plans, "user_plans_count": 1}
        user = self.created(store_of(0), response)
        assert (user.plans, user.admin) == ((held_plan(9, name="Free"),), True)

    @pytest.mark.parametrize(
        ("response", "options", "plans"),
        [
            pytest.param(
                {"user_plans": [], "user_plans_count": 0},
                {"plan_id": 4},
                (held_plan(4),),
                id="response before the assignment",
            ),
            pytest.param({}, {}, (), id="neither desired nor returned"),
        ],
    )
    def test_plans(
        self, response: dict[str, Any], options: dict[str, Any], plans: tuple[Any, ...]
    ) -> None:
        assert self.created(store_of(0), response, **options).plans == plans


@pytest.mark.parametrize(
    ("options", "active"), [({"state": "active"}, True), ({"admin": True}, False)]
)
def test_only_a_reactivation_clears_the_time_of_deactivation(
    options: dict[str, Any], active: bool
) -> None:
    [applied] = run(store_of(0, 1), [row(1, **options)])
    assert applied.user is not None
    assert applied.user.active is active
    assert (applied.user.deactivated_at is None) is active
    assert applied.user.admin is ("admin" in options)


class Recorded(Progress):
    """Records what a run reports."""

    def __init__(self) -> None:
        self.totals: list[tuple[int, int]] = []
        self.finished: list[tuple[tuple[str, ...], int, bool]] = []

    def applying(self, users: int, requests: int, unverified: int = 0) -> None:
        assert unverified == 0
        self.totals.append((users, requests))

    def applied(self, actions: Iterable[str], requests: int, failed: bool) -> None:
        self.finished.append((tuple(actions), requests, failed))


class TestProgress:
    ROWS = (row(1, admin=True, force_logout=True), row(2, admin=True), row(3))

    def apply(self, api: UsersApi) -> Recorded:
        desired = desired_users(self.ROWS)
        plan = plan_users(desired, read_current(api, desired).index, TODAY)
        recorded = Recorded()
        apply_plan(plan, api, today=TODAY, progress=recorded)
        return recorded

    def test_succeeded_and_failed_users_are_reported(self) -> None:
        store = store_of(3)
        store.answer_instead("PUT", REFUSED, path="/2")
        recorded = self.apply(api_on(store))
        # User 3 needs no request.
        assert recorded.totals == [(2, 3)]
        assert recorded.finished == [(("updated",), 2, False), ((), 1, True)]

    def test_an_interrupted_user_is_not_reported(self) -> None:
        store = store_of(3)
        stop_request = StopRequest()
        store.lose_answer("PUT", carried_out=True, path="/2")
        on_put(store, 2, lambda: stop_request.request("SIGTERM"))
        recorded = self.apply(api_on(store, stop_request=stop_request))
        assert recorded.finished == [(("updated",), 2, False)]

    def test_the_limiter_knows_the_number_of_requests(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Runs that share a store's limit use it to leave each other enough requests.
        api = api_on(store_of(3))
        expected: list[int] = []
        monkeypatch.setattr(api.transport.limiter, "expect", expected.append)
        self.apply(api)
        assert expected == [3]


# User 1 changes, 2 fails in the plan, 3 is unchanged; 4 and 5 are not in the list.
LISTED: list[dict[str, Any]] = [
    row(1, admin=True),
    {"email": "user2@example.org", "external_id": "ext-3"},
    {"id": 3},
]


class TestExclusive:
    """Removals and guards, up to the result of the task."""

    @staticmethod
    def provision(
        store: FakeStore,
        rows: list[dict[str, Any]],
        limit: str = "0",
        *,
        check: bool = False,
        **policy: Any,
    ) -> Provisioned:
        rules = RemovalPolicy(exclusive=True, limit=read_limit(limit), **policy)
        return provision(api_on(store, read_only=check), desired_users(rows), policy=rules)

    def result(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        return bulk(self.provision(*arguments, **options))

    @staticmethod
    def active(store: FakeStore) -> list[int]:
        return [user.id for user in store.users.values() if not user.deactivated]

    @staticmethod
    def codes(result: dict[str, Any]) -> list[str | None]:
        return [item["error"] and item["error"]["code"] for item in result["results"]]

    def test_a_refused_plan_is_not_applied_and_its_result_is_complete(self) -> None:
        store = store_of(5)
        result = self.result(store, LISTED)
        assert store.writes == []
        assert result["changed"] is False
        assert result["failure"]["code"] == result["guard"]["code"] == "too_many_deactivations"
        assert result["msg"] == result["failure"]["message"]
        assert result["msg"].startswith("Nothing was changed. 2 users")
        expected = ["not_tried", "identity_conflict", None, "not_tried", "not_tried"]
        assert self.codes(result) == expected
        assert "too_many_deactivations" in result["results"][0]["error"]["message"]
        # All users that the store has are returned as they are.
        assert [item["id"] for item in result["results"]] == [1, None, 3, 4, 5]
        assert result["results"][2]["email"] == "user3@example.org"
        assert result["plan"]["requests"] == 3
        headers = [entry["before_header"] for entry in result["diff"]]
        assert headers == [f"user{number}@example.org" for number in (1, 4, 5)]
        assert result["summary"]["deactivated"] == 0

    def test_with_skip_everything_except_the_removals_is_applied(self) -> None:
        store = store_of(5)
        result = self.result(store, LISTED[:1], on_guard="skip")
        assert [call.line for call in store.writes] == [f"PUT {USERS}/1"]
        assert "failed" not in result
        assert len(result["results"]) == 1
        [warning] = result["warnings"]
        assert "4 deactivations" in warning
        assert "(on_guard: skip, too_many_deactivations)" in warning
        assert result["guard"]["deactivations"] == 4

    @pytest.mark.parametrize(
        ("on_guard", "part"), [("fail", "would refuse"), ("skip", "would skip 4 deactivations")]
    )
    def test_a_dry_run_shows_the_complete_plan_and_the_violation(
        self, on_guard: str, part: str
    ) -> None:
        store = store_of(5)
        result = self.result(store, LISTED[:1], check=True, on_guard=on_guard)
        assert store.writes == []
        assert "failed" not in result
        assert result["changed"] is True
        assert result["summary"]["deactivated"] == 4
        [warning] = result["warnings"]
        assert part in warning
        assert f"approve: '{result['plan']['hash']}'" in warning

    def test_an_approved_plan_is_applied_as_predicted(self) -> None:
        store = store_of(5)
        dry_run = self.result(store, LISTED[:1], check=True)
        done = self.result(store, LISTED[:1], approve=dry_run["plan"]["hash"])
        assert done["guard"] is None
        assert done["warnings"] == []
        assert self.active(store) == [1]
        for key in ("plan", "summary", "diff"):
            assert done[key] == dry_run[key]
        again = self.result(store, LISTED[:1], approve=dry_run["plan"]["hash"])
        assert (again["changed"], again["guard"]) == (False, None)

    def test_removals_follow_the_input_in_the_result(self) -> None:
        store = store_of(5)
        store.users[5].admin = True
        result = self.result(store, LISTED, "100%")
        assert self.active(store) == [1, 2, 3, 5]
        assert result["summary"] == {
            "desired": 3,
            "created": 0,
            "updated": 1,
            "reactivated": 0,
            "deactivated": 1,
            "unchanged": 1,
            "unverified": 0,
            "protected": 1,
            "failed": 1,
        }
        last = result["results"][-1]
        assert (last["email"], last["state"]) == ("user4@example.org", "absent")
        assert last["actions"] == ["deactivate"]
        header = result["diff"][-1]["after_header"]
        assert header == "user4@example.org (deactivate: not in the list)"

    def test_a_failed_removal_has_a_place_of_its_own(self) -> None:
        store = store_of(5)
        store.answer_instead("DELETE", Reply(400, {}), path="/5")
        result = self.result(store, [{"id": number} for number in (1, 2, 3)], "100%")
        assert self.active(store) == [1, 2, 3, 5]
        assert list(result["failure"]["fields"]) == ["not_listed[1]"]
        assert "user5@example.org (not in the list)" in result["msg"]

    def test_with_hidden_external_ids_a_failed_creation_prevents_removals(self) -> None:
        # User 5 has a new address, and the store does not return that the external id is the same.
        store = store_of(5, returns_external_id=False)
        rows = [row(1), row(2), row(3), row(5, email="new@example.org")]
        dry_run = self.result(store, rows, "100%", check=True)
        assert dry_run["summary"]["deactivated"] == 2
        result = self.result(store, rows, "100%")
        assert self.active(store) == [1, 2, 3, 4, 5]
        assert self.codes(result)[3:] == ["validation", "not_tried", "not_tried"]
        assert "new@example.org" in result["results"][-1]["error"]["message"]
        assert [call.method for call in store.writes] == ["POST"]

    @pytest.mark.parametrize("check", [False, True])
    def test_with_hidden_external_ids_such_a_key_alone_prevents_removals(self, check: bool) -> None:
        store = store_of(5, returns_external_id=False)
        rows = [row(1), row(2), row(3), {"external_id": "ext-5"}]
        applied = self.provision(store, rows, "100%", check=check).applied
        assert codes(applied)[3:] == ["incomplete", "not_tried", "not_tried"]
        assert [user.user and user.user.id for user in applied[3:]] == [None, 4, 5]
        assert store.writes == []

    def test_with_hidden_external_ids_a_successful_creation_allows_removals(self) -> None:
        store = store_of(5, returns_external_id=False)
        result = self.result(store, [row(1), row(2), row(3), row(6)], "100%")
        assert "failed" not in result
        assert self.active(store) == [1, 2, 3, 6]

    def test_a_list_that_becomes_shorter_while_it_is_read_is_refused(self) -> None:
        store = store_of(250, paginator=FULL)

        def leave(call: Call) -> None:
            if call.query.get("page") == "2":
                store.users[1].deactivated = True

        store.before_answer = leave
        result = self.result(store, [{"id": number} for number in range(1, 249)], "100%")
        assert result["failure"]["code"] == "incomplete_listing"
        assert store.writes == []
