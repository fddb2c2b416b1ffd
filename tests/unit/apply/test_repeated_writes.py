# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes that are sent again: how often, after which pause, and who is taken for whom."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.reading import Reading
from ansible_collections.publica.la.tests.unit.support.records import Held, StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore

NEW = {"email": "new@example.org", "external_id": "N"}
ANA = {"email": "ana@example.org", "external_id": "A"}
ZOE = StoredUser(2, "zoe@example.org", "Z", deactivated=True)

# Of each kind of write: what is asked for, whether the user was deactivated, and the method.
every_write = pytest.mark.parametrize(
    ("row", "deactivated", "method"),
    [
        pytest.param(NEW, False, "POST", id="create"),
        pytest.param({**ANA, "admin": True}, False, "PUT", id="update"),
        pytest.param({**ANA, "plan_id": 4}, False, "PUT", id="assign a plan"),
        pytest.param({**ANA, "state": "absent"}, False, "DELETE", id="deactivate"),
        pytest.param({**ANA, "state": "active"}, True, "PUT", id="reactivate"),
        pytest.param({**ANA, "admin": True, "force_logout": True}, False, "POST", id="log out"),
    ],
)


def store_of(*users: StoredUser, **reading: Any) -> FakeStore:
    return FakeStore(*users, reading=Reading(**reading))


def ana(**changes: Any) -> StoredUser:
    return StoredUser(1, "ana@example.org", "A", **changes)


def run_on(api: UsersApi, row: dict[str, Any]) -> AppliedUser:
    return provision(api, desired_users([row])).applied[0]


def run(store: FakeStore, row: dict[str, Any]) -> AppliedUser:
    return run_on(api_on(store), row)


def sent(store: FakeStore, method: str) -> int:
    return sum(call.method == method for call in store.writes)


@every_write
def test_a_result_counts_what_was_sent_again(
    row: dict[str, Any], deactivated: bool, method: str
) -> None:
    store = store_of(ana(deactivated=deactivated))
    store.lose_answer(method, carried_out=False, times=2)
    api = api_on(store)
    assert run_on(api, row).error is None
    assert sent(store, method) == 3
    assert api.transport.usage()["retries"] == 2


@every_write
def test_no_write_is_sent_again_more_often_than_max_retries_says(
    row: dict[str, Any], deactivated: bool, method: str
) -> None:
    store = store_of(ana(deactivated=deactivated))
    store.lose_answer(method, carried_out=False, times=9)
    applied = run_on(api_on(store, max_retries=2), row)
    assert applied.error is not None
    assert applied.error.code == "timeout"
    assert sent(store, method) == 3


@every_write
def test_a_write_waits_as_long_as_the_store_asks(
    row: dict[str, Any], deactivated: bool, method: str, pauses: list[float]
) -> None:
    store = store_of(ana(deactivated=deactivated))
    store.answer_instead(method, Reply(503, None, {"Retry-After": "45"}))
    assert run(store, row).error is None
    assert pauses == [45.0]


class TestWhoIsTakenForTheNewUser:
    def test_nobody_whose_address_only_holds_the_new_one(self) -> None:
        # The store hides external ids, so an adopted stranger would not be noticed later on.
        store = store_of(StoredUser(5, "re.new@example.org", "X"), returns_external_id=False)
        store.lose_answer("POST", carried_out=False)
        applied = run(store, {**NEW, "admin": True})
        assert (applied.error, applied.actions) == (None, ("create",))
        assert store.by_email(NEW["email"]).admin is True
        assert store.users[5].admin is False

    @pytest.mark.parametrize("field", ["email", "external_id"])
    def test_whoever_a_refusal_of_either_key_leads_to(self, field: str) -> None:
        store = store_of()

        def faster(call: Call) -> None:
            if call.method == "POST":
                store.users[9] = StoredUser(9, NEW["email"], "N")

        store.before_answer = faster
        taken = {field: ["has already been taken"]}
        store.answer_instead("POST", Reply(422, {"message": "taken", "errors": taken}))
        applied = run(store, NEW)
        assert (applied.error, applied.actions) == (None, ())
        assert applied.user is not None
        assert applied.user.id == 9

    def test_with_a_plan_that_has_an_end_he_is_compared_as_on_any_day(self) -> None:
        store = store_of()

        def faster(call: Call) -> None:
            if call.method == "POST":
                plans = [Held(4, "2099-01-31"), Held(5, "2020-01-31")]
                store.users[9] = StoredUser(9, NEW["email"], "N", plans=plans)

        store.before_answer = faster
        assert run(store, {**NEW, "plan_id": 4}).actions == ()
        del store.users[9]
        # That one has ended, so it is assigned again.
        assert run(store, {**NEW, "plan_id": 5}).actions == ("assign_plan",)


def test_an_external_id_that_is_taken_says_which_key_would_help() -> None:
    store = store_of(StoredUser(5, "former@example.org", "N"), returns_external_id=False)
    error = run(store, NEW).error
    assert error is not None
    assert "also give the user's id" in error.message
    assert (error.method, error.status) == ("POST", 422)
    assert error.path == store.writes[0].path
    assert list(error.fields) == ["external_id"]


def test_another_refusal_says_nothing_of_the_external_id() -> None:
    store = store_of()
    refused = {"message": "no", "errors": {"email": ["is not allowed"]}}
    store.answer_instead("POST", Reply(422, refused))
    error = run(store, NEW).error
    assert error is not None
    assert "user's id" not in error.message


def test_a_user_who_is_gone_is_named_with_the_request_that_told_so() -> None:
    store = store_of(ana())
    store.answer_instead("PUT", Reply(404, {"message": ""}))
    error = run(store, {**ANA, "admin": True}).error
    assert error is not None
    assert "ana@example.org (id 1, external_id A)" in error.message
    assert (error.method, error.status) == ("PUT", 404)
    assert error.path == store.writes[0].path


class TestReadingAgain:
    """What an update of which the answer was lost has left at the store."""

    def test_the_user_as_read_is_the_result(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "plan_id": 4})
        assert applied.user is not None
        assert applied.user.id == 1
        assert [plan.plan_id for plan in applied.user.plans or ()] == [4]

    def test_a_plan_may_have_an_end_that_nobody_asked_for(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)

        def give_an_end(_call: Call) -> None:
            for held in store.users[1].plans:
                held.valid_to = "2099-01-31"

        store.before_answer = give_an_end
        applied = run(store, {**ANA, "plan_id": 4})
        assert (applied.error, applied.actions) == (None, ("assign_plan",))
        assert sent(store, "PUT") == 1

    def test_nobody_else_is_read_in_place_of_a_deactivated_user(self) -> None:
        # Neither who a search for the address brings, nor who comes first in the list.
        joana = StoredUser(3, "joana@example.org", "J")
        store = store_of(ZOE, joana, ana(deactivated=True))
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "plan_id": 4})
        assert (applied.error, applied.actions) == (None, ("assign_plan",))
        assert len(store.users[1].plans) == 1
        assert applied.user is not None
        assert applied.user.id == 1

    @pytest.mark.parametrize("carried_out", [True, False])
    def test_somebody_else_may_have_reactivated_the_user(self, carried_out: bool) -> None:
        store = store_of(ana(deactivated=True))
        store.lose_answer("PUT", carried_out=carried_out)

        def reactivate(call: Call) -> None:
            if call.method == "GET" and store.writes:
                store.users[1].deactivated = False

        store.before_answer = reactivate
        applied = run(store, {**ANA, "plan_id": 4})
        assert (applied.error, applied.actions) == (None, ("assign_plan",))
        assert len(store.users[1].plans) == 1
        assert applied.user is not None
        assert (applied.user.active, applied.user.deactivated_at) == (True, None)

    def test_a_deactivated_user_who_is_found_no_more_is_named(self) -> None:
        store = store_of(ana(deactivated=True))
        store.lose_answer("PUT", carried_out=True)

        def vanish(call: Call) -> None:
            if call.method == "GET" and store.writes:
                store.users.clear()

        store.before_answer = vanish
        error = run(store, {**ANA, "plan_id": 4}).error
        assert error is not None
        assert error.code == "lost_answer"
        assert "ana@example.org (id 1" in error.message


class TestSessionsThatMayStillBeOpen:
    """The next run sees no difference and ends no session, so this one has to say so."""

    def test_after_a_change_that_may_still_arrive(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=False)
        api = api_on(store, max_retries=0)
        applied = run_on(api, {**ANA, "admin": True, "force_logout": True})
        assert applied.error is not None
        assert applied.actions == ()
        [warning] = applied.warnings
        assert "publica_user_logout" in warning.text

    def test_after_one_of_which_nobody_can_find_out(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)

        def hide_plans(call: Call) -> None:
            if call.method == "PUT":
                store.reading = Reading(plans="hidden")

        store.before_answer = hide_plans
        applied = run(store, {**ANA, "admin": True, "plan_id": 4, "force_logout": True})
        assert applied.error is not None
        assert applied.error.code == "lost_answer"
        assert "plan 4" in applied.error.message
        [warning] = applied.warnings
        assert "publica_user_logout" in warning.text

    def test_a_leaver_of_whom_no_sessions_are_found_is_told(self) -> None:
        store = store_of(ana())
        nobody = Reply(404, {"message": "No query results"})
        store.answer_instead("POST", nobody, nobody)
        [warning] = run(store, {**ANA, "state": "absent", "force_logout": True}).warnings
        assert "(404)" in warning.text
