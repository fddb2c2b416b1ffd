# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Protocols of the writes: after a lost response, each one finds out what the store has done.

The tests read the database state, where a second plan or a second account would show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    api_on,
    desired_users,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    Call,
    FakeStore,
    Held,
    Reply,
    StoredUser,
    Variants,
)

NEW = {"email": "new@example.org", "external_id": "N"}
ANA = {"email": "ana@example.org", "external_id": "A"}
USERS = "/integration-api/v1/dashboard/users"
LOGOUT = "POST /integration-api/v1/users/1/force-logout"
POST, PUT, DELETE = f"POST {USERS}/", f"PUT {USERS}/1", f"DELETE {USERS}/1"
NOT_FOUND = Reply(404, {"message": "No query results"})


def ana(**changes: Any) -> StoredUser:
    return StoredUser(1, "ana@example.org", "A", **changes)


def run(store: FakeStore, row: dict[str, Any], **connection: Any) -> AppliedUser:
    return provision(api_on(store, **connection), desired_users([row])).applied[0]


def done(store: FakeStore, row: dict[str, Any], **connection: Any) -> tuple[str, ...]:
    """The actions of a run without an error."""
    applied = run(store, row, **connection)
    assert applied.error is None
    return applied.actions


def failed(store: FakeStore, row: dict[str, Any], **connection: Any) -> PublicaError:
    """The error of a run that did nothing."""
    applied = run(store, row, **connection)
    assert applied.error is not None
    assert applied.actions == ()
    return applied.error


def lines(store: FakeStore) -> list[str]:
    return [call.line for call in store.writes]


def plans_of(store: FakeStore, user_id: int = 1) -> list[int]:
    return [plan.plan_id for plan in store.users[user_id].plans]


def create_first(store: FakeStore, external_id: str, *plans: Held) -> None:
    """Let another client create the new user just before this run does."""

    def create(call: Call) -> None:
        if call.method == "POST":
            store.users[9] = StoredUser(9, NEW["email"], external_id, plans=list(plans))

    store.before_answer = create


def after_write(store: FakeStore, change: Callable[[], Any]) -> None:
    """Let another client change the store after the first write of this run."""

    def act(call: Call) -> None:
        if call.method == "GET" and store.writes:
            change()

    store.before_answer = act


class Write(NamedTuple):
    """A change of one user, the method that writes it, and the actions of the run."""

    row: dict[str, Any]
    method: str
    actions: tuple[str, ...]
    deactivated: bool = False

    def store(self) -> FakeStore:
        return FakeStore(ana(deactivated=self.deactivated))


WRITES = {
    "create": Write(NEW, "POST", ("create",)),
    "update": Write({**ANA, "admin": True}, "PUT", ("update",)),
    "assign plan": Write({**ANA, "plan_id": 4}, "PUT", ("assign_plan",)),
    "deactivate": Write({**ANA, "state": "absent"}, "DELETE", ("deactivate",)),
    "reactivate": Write({**ANA, "state": "active"}, "PUT", ("reactivate",), deactivated=True),
    "force logout": Write(
        {**ANA, "admin": True, "force_logout": True}, "POST", ("update", "force_logout")
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
class TestEveryWrite:
    def test_a_write_that_was_not_applied_is_repeated(self, write: Write) -> None:
        store = write.store()
        store.lose_answer(write.method, carried_out=False, times=2)
        api = api_on(store)
        [applied] = provision(api, desired_users([write.row])).applied
        assert (applied.error, applied.actions) == (None, write.actions)
        assert sum(call.method == write.method for call in store.writes) == 3
        assert api.transport.usage()["retries"] == 2
        assert len(store.users) == (2 if write.row is NEW else 1)

    @pytest.mark.parametrize("max_retries", [0, 2])
    def test_max_retries(self, write: Write, max_retries: int) -> None:
        store = write.store()
        store.lose_answer(write.method, carried_out=False, times=9)
        applied = run(store, write.row, max_retries=max_retries)
        assert applied.error is not None
        assert (applied.error.code, applied.actions) == ("timeout", write.actions[:-1])
        assert sum(call.method == write.method for call in store.writes) == max_retries + 1

    def test_a_write_waits_as_long_as_retry_after_demands(
        self, write: Write, pauses: list[float]
    ) -> None:
        store = write.store()
        store.answer_instead(write.method, Reply(503, None, {"Retry-After": "45"}))
        assert done(store, write.row) == write.actions
        assert pauses == [45.0]


@pytest.mark.parametrize("max_retries", [0, 8])
class TestAppliedWithoutResponse:
    """A lost response to a write that the store has applied."""

    @pytest.mark.parametrize("returned", [True, False], ids=["external ids", "no external ids"])
    @pytest.mark.parametrize("update_password", ["on_create", "always"])
    def test_a_created_account_is_found_and_not_written_again(
        self, max_retries: int, returned: bool, update_password: str
    ) -> None:
        store = FakeStore(returns_external_id=returned)
        store.lose_answer("POST", carried_out=True)
        options = {"plan_id": 4, "password": PASSWORD, "update_password": update_password}
        applied = run(store, {**NEW, **options, "admin": True}, max_retries=max_retries)
        assert (applied.error, applied.actions) == (None, ("create",))
        assert lines(store) == [POST]
        [user] = store.users.values()
        assert (plans_of(store), user.password) == ([4], PASSWORD)
        assert applied.user is not None
        assert applied.user.id == user.id

    @pytest.mark.parametrize("deactivated", [False, True])
    def test_an_assigned_plan_is_found_and_not_assigned_again(
        self, max_retries: int, deactivated: bool
    ) -> None:
        # Users of a similar address and of the first place in a list are not confused with Ana.
        others = (StoredUser(2, "zoe@example.org", "Z", deactivated=True),
                  StoredUser(3, "joana@example.org", "J"))  # fmt: skip
        store = FakeStore(*others, ana(deactivated=deactivated))
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "admin": True, "plan_id": 4}, max_retries=max_retries)
        assert (applied.error, applied.actions) == (None, ("update", "assign_plan"))
        assert lines(store) == [PUT]
        assert plans_of(store) == [4]
        assert applied.user is not None
        assert applied.user.id == 1
        assert [plan.plan_id for plan in applied.user.plans or ()] == [4]


class TestCreation:
    def test_an_account_of_another_person_is_not_changed(self) -> None:
        store = FakeStore()
        store.lose_answer("POST", carried_out=False)
        create_first(store, "other")
        error = failed(store, NEW)
        assert error.code == "address_taken"
        assert "external_id other" in error.message
        assert lines(store) == [POST]

    def test_an_account_whose_address_contains_the_new_one_is_not_confused_with_it(self) -> None:
        # The store hides external ids, so a wrong account would not be noticed later.
        store = FakeStore(StoredUser(5, "re.new@example.org", "X"), returns_external_id=False)
        store.lose_answer("POST", carried_out=False)
        assert done(store, {**NEW, "admin": True}) == ("create",)
        assert store.by_email(NEW["email"]).admin is True
        assert store.users[5].admin is False

    def test_a_422_for_the_repetition_means_that_the_first_request_arrived_late(self) -> None:
        store = FakeStore()
        store.lose_answer("POST", carried_out=True)

        def hide_until_repeated(call: Call) -> None:
            if call.method == "GET" and len(store.writes) == 1:
                store.answer_instead("GET", Reply(404, {"message": ""}))

        store.before_answer = hide_until_repeated
        assert done(store, NEW) == ("create",)
        assert lines(store) == [POST] * 2
        assert len(store.users) == 1

    @pytest.mark.parametrize("field", ["email", "external_id", None])
    @pytest.mark.parametrize(("options", "actions"), [({}, ()), ({"admin": True}, ("update",))])
    def test_an_account_that_another_client_created_is_brought_to_the_desired_state(
        self, field: str | None, options: dict[str, Any], actions: tuple[str, ...]
    ) -> None:
        store = FakeStore()
        create_first(store, "N")
        # A rejection may have no fields (variant 14).
        errors = {field: ["has already been taken"]} if field else {}
        store.answer_instead("POST", Reply(422, {"message": "taken", "errors": errors}))
        applied = run(store, {**NEW, **options})
        assert (applied.error, applied.actions) == (None, actions)
        assert store.users[9].admin is bool(options)
        assert applied.user is not None
        assert applied.user.id == 9

    @pytest.mark.parametrize(("plan_id", "actions"), [(4, ()), (5, ("assign_plan",))])
    def test_the_plans_of_such_an_account_are_compared_with_the_day(
        self, plan_id: int, actions: tuple[str, ...]
    ) -> None:
        store = FakeStore()
        create_first(store, "N", Held(4, "2099-01-31"), Held(5, "2020-01-31"))
        assert done(store, {**NEW, "plan_id": plan_id}) == actions

    @pytest.mark.parametrize("field", ["new_password", "admin"])
    def test_a_422_for_other_fields_is_reported_without_a_look_up(self, field: str) -> None:
        store = FakeStore()
        store.answer_instead("POST", Reply(422, {"message": "no", "errors": {field: ["no"]}}))
        assert failed(store, {**NEW, "password": PASSWORD}).fields == {field: ["no"]}
        assert store.calls[-1].method == "POST"

    def test_a_taken_external_id_names_the_remedy(self) -> None:
        store = FakeStore(StoredUser(5, "former@example.org", "N"), returns_external_id=False)
        error = failed(store, NEW)
        assert "also give the user's id" in error.message
        assert (error.method, error.path, error.status) == ("POST", f"{USERS}/", 422)
        assert list(error.fields) == ["external_id"]

    def test_a_refused_address_does_not_name_that_remedy(self) -> None:
        store = FakeStore()
        refused = {"message": "no", "errors": {"email": ["is not allowed"]}}
        store.answer_instead("POST", Reply(422, refused))
        assert "user's id" not in failed(store, NEW).message

    @pytest.mark.parametrize("data", [[], {"id": 1}, {"email": "new@example.org"}], ids=str)
    def test_a_response_without_a_complete_record_is_a_lost_response(self, data: Any) -> None:
        store = FakeStore()
        answer = Reply(200, {"CODE": "success", "data": data})
        store.answer_instead("POST", answer, carried_out=True)
        applied = run(store, NEW)
        assert (applied.error, applied.actions) == (None, ("create",))
        assert applied.user is not None
        assert applied.user.email == NEW["email"]
        assert lines(store) == [POST]


class TestRefusedPlan:
    """An error names the option and the value as the task gives them."""

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (
                Reply(422, {"errors": {"assign_new_plan": ["The selected plan is invalid."]}}),
                "The store refused the values: plan_id 999: The selected plan is invalid.",
            ),
            (
                Reply(422, {"CODE": "e", "data": {"new_plan_custom_valid_to": ["is too late"]}}),
                "The store refused the values: plan_valid_to 2099-12-31: is too late",
            ),
            (
                Reply(422, {"CODE": "e", "message": "The selected assign new plan is invalid."}),
                "plan is invalid. The change assigns plan_id 999, plan_valid_to 2099-12-31.",
            ),
            (
                Reply(200, {"CODE": "error", "message": "Unknown plan"}),
                "Unknown plan. The change assigns plan_id 999, plan_valid_to 2099-12-31.",
            ),
            (
                Reply(404, {"message": "No query results for model [App\\Plan] 999"}),
                "The change assigns plan_id 999, plan_valid_to 2099-12-31.",
            ),
        ],
        ids=["plan", "end", "message", "code", "404"],
    )
    @pytest.mark.parametrize(("keys", "method"), [(ANA, "PUT"), (NEW, "POST")])
    def test_message(self, keys: dict[str, Any], method: str, answer: Reply, words: str) -> None:
        store = FakeStore(ana())
        store.answer_instead(method, answer)
        row = {**keys, "plan_id": 999, "plan_valid_to": "2099-12-31"}
        error = failed(store, row)
        assert words in error.message
        assert error.message == str(error)
        # Playbooks may branch on the API's names.
        names = set(error.fields)
        assert names <= {"assign_new_plan", "new_plan_custom_valid_to"}
        assert bool(names) is (answer.status == 422 and "message" not in answer.body)

    def test_password_is_named_and_not_shown(self) -> None:
        store = FakeStore()
        answer = Reply(422, {"errors": {"new_password": ["is too weak"]}})
        store.answer_instead("POST", answer)
        error = failed(store, {**NEW, "password": PASSWORD})
        assert "values: password: is too weak" in error.message
        assert PASSWORD not in error.message

    @pytest.mark.parametrize("field", ["plan_admin", "user_plan_name"])
    def test_other_fields_are_not_about_the_plan(self, field: str) -> None:
        store = FakeStore(ana())
        store.answer_instead("PUT", Reply(422, {"errors": {field: ["no"]}}))
        error = failed(store, {**ANA, "plan_id": 4})
        assert error.message.endswith(f"{field}: no")


ENDS = pytest.mark.parametrize("plan_end", [None, "2030-06-30"], ids=["none", "another"])
PLAN = {"plan_id": 4, "plan_valid_to": "2030-01-31"}


@ENDS
@pytest.mark.parametrize(
    ("row", "method", "actions"), [(NEW, "POST", ("create",)), (ANA, "PUT", ("assign_plan",))]
)
def test_a_lost_assignment_is_found_by_any_end(
    row: dict[str, Any], method: str, actions: tuple[str, ...], plan_end: str | None
) -> None:
    """Variant 20: the store has not kept the end that was given."""
    store = FakeStore(ana(), plan_end=plan_end)
    store.lose_answer(method, carried_out=True)
    assert done(store, {**row, **PLAN}) == actions
    assert plans_of(store, store.by_email(row["email"]).id) == [4]


@ENDS
def test_an_end_that_is_not_kept_causes_at_most_one_more_assignment(plan_end: str | None) -> None:
    store = FakeStore(plan_end=plan_end)
    actions = [done(store, {**NEW, **PLAN}) for _run in range(4)]
    more = [] if plan_end is None else [("assign_plan",)]
    assert [one for one in actions if one] == [("create",), *more]
    [warning] = run(store, {**NEW, **PLAN}).warnings
    assert warning.label == NEW["email"]
    assert (plan_end or "no end") in warning.text


class TestUpdate:
    def test_with_a_plan_that_was_not_assigned_it_is_repeated(self) -> None:
        store = FakeStore(ana())
        store.lose_answer("PUT", carried_out=False, times=2)
        row = {**ANA, "plan_id": 4, "plan_valid_to": "2030-01-31"}
        assert done(store, row) == ("assign_plan",)
        assert lines(store) == [PUT] * 3
        assert store.users[1].plans == [Held(4, "2030-01-31")]

    def test_a_password_is_set_again_and_a_plan_is_not_assigned_again(self) -> None:
        store = FakeStore(ana())
        store.lose_answer("PUT", carried_out=True)
        row = {**ANA, "plan_id": 4, "password": PASSWORD, "update_password": "always"}
        assert done(store, row) == ("set_password", "assign_plan")
        first, second = (call.body or {} for call in store.writes)
        assert first["assign_new_plan"] == 4
        assert "assign_new_plan" not in second
        assert second["new_password"] == PASSWORD
        assert plans_of(store) == [4]

    def test_the_user_is_found_by_the_new_address(self) -> None:
        store = FakeStore(ana())
        store.lose_answer("PUT", carried_out=True)
        row = {**ANA, "email": "ana.new@example.org", "plan_id": 4}
        assert done(store, row) == ("update", "assign_plan")
        assert plans_of(store) == [4]

    @pytest.mark.parametrize("carried_out", [True, False])
    def test_another_client_may_have_reactivated_the_user(self, carried_out: bool) -> None:
        store = FakeStore(ana(deactivated=True))
        store.lose_answer("PUT", carried_out=carried_out)
        after_write(store, lambda: setattr(store.users[1], "deactivated", False))
        applied = run(store, {**ANA, "plan_id": 4})
        assert (applied.error, applied.actions) == (None, ("assign_plan",))
        assert plans_of(store) == [4]
        assert applied.user is not None
        assert (applied.user.active, applied.user.deactivated_at) == (True, None)

    @pytest.mark.parametrize("deactivated", [False, True])
    def test_a_user_who_is_not_found_again_is_an_error(self, deactivated: bool) -> None:
        store = FakeStore(ana(deactivated=deactivated))
        store.lose_answer("PUT", carried_out=True)
        after_write(store, store.users.clear)
        error = failed(store, {**ANA, "plan_id": 4})
        assert error.code == "lost_answer"
        assert "ana@example.org (id 1" in error.message
        assert lines(store) == [PUT]

    def test_hidden_plans_are_an_error_and_a_warning_about_open_sessions(self) -> None:
        store = FakeStore(ana())
        store.lose_answer("PUT", carried_out=True)
        after_write(store, lambda: setattr(store, "variants", Variants(plans="hidden")))
        applied = run(store, {**ANA, "admin": True, "plan_id": 4, "force_logout": True})
        assert applied.error is not None
        assert applied.error.code == "lost_answer"
        assert "plan 4" in applied.error.message
        assert lines(store) == [PUT]
        [warning] = applied.warnings
        assert "publica_user_logout" in warning.text

    def test_a_user_whom_the_store_does_not_find_is_named_with_the_request(self) -> None:
        store = FakeStore(ana())
        store.answer_instead("PUT", NOT_FOUND)
        error = failed(store, {**ANA, "admin": True})
        assert "ana@example.org (id 1, external_id A)" in error.message
        assert (error.method, error.path, error.status) == ("PUT", f"{USERS}/1", 404)


@pytest.mark.parametrize("body", ["OK", "null"])
@pytest.mark.parametrize("carried_out", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize(
    ("row", "method", "actions"),
    [
        pytest.param({"sessions_limit": 2}, "PUT", ("update",), id="update"),
        pytest.param({"state": "absent"}, "DELETE", ("deactivate",), id="deactivate"),
    ],
)
def test_a_200_without_the_documented_body_is_checked_before_a_repetition(
    row: dict[str, Any], method: str, actions: tuple[str, ...], carried_out: bool, body: str
) -> None:
    store = FakeStore(ana(sessions_limit=1))
    store.answer_instead(method, Reply(200, body), carried_out=carried_out)
    assert done(store, {**ANA, **row}) == actions
    assert len(store.writes) == (1 if carried_out else 2)
    changed = store.users[1].sessions_limit == 2, store.users[1].deactivated
    assert changed == (method == "PUT", method == "DELETE")


METHODS = {"absent": "DELETE", "active": "PUT"}
ACTIONS = {"absent": ("deactivate",), "active": ("reactivate",)}


@pytest.mark.parametrize("state", METHODS)
class TestStateChange:
    """A 404 for a repetition is success only if the user has the state by now."""

    @pytest.mark.parametrize("search", [True, False], ids=["search finds both", "active only"])
    @pytest.mark.parametrize("repeated", [404, 200])
    @pytest.mark.parametrize("carried_out", [True, False], ids=["applied", "not applied"])
    def test_a_lost_response(
        self, state: str, carried_out: bool, repeated: int, search: bool
    ) -> None:
        variants = {"repeated_state_change": repeated, "search_finds_deactivated": search}
        store = FakeStore(ana(deactivated=state == "active"), **variants)
        store.lose_answer(METHODS[state], carried_out=carried_out)
        assert done(store, {**ANA, "state": state}) == ACTIONS[state]
        assert store.users[1].deactivated is (state == "absent")
        assert len(store.writes) == 2

    def test_a_404_in_the_other_state_is_an_error(self, state: str) -> None:
        store = FakeStore(ana(deactivated=state == "active"))
        store.answer_instead(METHODS[state], NOT_FOUND)
        assert failed(store, {**ANA, "state": state}).code == "not_found"

    def test_a_change_by_another_client_is_not_an_action_of_this_run(self, state: str) -> None:
        store = FakeStore(ana(deactivated=state == "active"))

        def change_first(call: Call) -> None:
            if call.method == METHODS[state]:
                store.users[1].deactivated = state == "absent"

        store.before_answer = change_first
        assert done(store, {**ANA, "state": state}) == ()


CHANGED = {**ANA, "admin": True, "force_logout": True}
LEAVER = {**ANA, "state": "absent", "force_logout": True}


class TestForceLogout:
    @pytest.mark.parametrize(
        ("method", "outcome", "actions", "warnings"),
        [
            # The next run sees no difference and ends no session, so a warning is needed.
            pytest.param("POST", Reply(500), ("update",), 1, id="logout fails"),
            pytest.param("PUT", Reply(500), (), 1, id="change may have been applied"),
            pytest.param("PUT", Reply(422, {"errors": {"admin": ["no"]}}), (), 0, id="refused"),
        ],
    )
    def test_a_warning_names_users_with_possibly_open_sessions(
        self, method: str, outcome: Reply, actions: tuple[str, ...], warnings: int
    ) -> None:
        store = FakeStore(ana())
        store.answer_instead(method, *[outcome] * 9)
        applied = run(store, CHANGED, max_retries=1)
        assert applied.error is not None
        assert applied.actions == actions
        assert store.users[1].admin is bool(actions)
        assert [warning.label for warning in applied.warnings] == ["ana@example.org"] * warnings
        assert all("publica_user_logout" in warning.text for warning in applied.warnings)

    def test_a_failure_does_not_keep_a_leaver_active(self) -> None:
        store = FakeStore(ana())
        store.answer_instead("POST", *[Reply(500)] * 9)
        applied = run(store, LEAVER, max_retries=1)
        assert applied.error is not None
        assert applied.actions == ("deactivate",)
        assert store.users[1].deactivated is True

    def test_a_leaver_without_sessions_causes_a_warning(self) -> None:
        store = FakeStore(ana())
        store.answer_instead("POST", NOT_FOUND, NOT_FOUND)
        applied = run(store, LEAVER)
        assert (applied.error, applied.actions) == (None, ("deactivate",))
        [warning] = applied.warnings
        assert warning.label == "ana@example.org"
        assert "(404)" in warning.text
