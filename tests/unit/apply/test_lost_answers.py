# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a lost answer nothing is repeated blindly: each write has its own way to find out.

Every test reads the truth from the store itself, where a plan that was assigned twice or an
account that was made twice would show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD, api_on
from ansible_collections.publica.la.tests.unit.support.reading import Reading
from ansible_collections.publica.la.tests.unit.support.records import Held, StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore

NEW = {"email": "new@example.org", "external_id": "N"}
ANA = {"email": "ana@example.org", "external_id": "A"}
USERS = "/integration-api/v1/dashboard/users"
LOGOUT = "/integration-api/v1/users/1/force-logout"


def store_of(*users: StoredUser, **reading: Any) -> FakeStore:
    return FakeStore(*users, reading=Reading(**reading))


def ana(**changes: Any) -> StoredUser:
    return StoredUser(1, "ana@example.org", "A", **changes)


def run(store: FakeStore, *rows: dict[str, Any], **connection: Any) -> AppliedUser:
    """Provision the rows; what became of the first."""
    return provision(api_on(store, **connection), desired_users(rows)).applied[0]


def writes(store: FakeStore) -> list[str]:
    return [call.line for call in store.writes]


def faster(store: FakeStore, external_id: str) -> Callable[[Call], None]:
    """Somebody else who creates the new user a moment before this run does."""

    def create(call: Call) -> None:
        if call.method == "POST":
            store.users[9] = StoredUser(9, NEW["email"], external_id)

    return create


class TestCreation:
    POST = f"POST {USERS}/"

    def test_carried_out_it_is_adopted(self) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=True)
        applied = run(store, {**NEW, "plan_id": 4, "password": PASSWORD, "admin": True})
        assert applied.error is None
        assert applied.actions == ("create",)
        assert writes(store) == [self.POST]
        [user] = store.users.values()
        assert [plan.plan_id for plan in user.plans] == [4]
        assert applied.user is not None
        assert applied.user.id == user.id

    def test_not_carried_out_it_is_sent_again(self) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=False, times=2)
        applied = run(store, NEW)
        assert applied.actions == ("create",)
        assert writes(store) == [self.POST] * 3
        assert len(store.users) == 1

    @pytest.mark.parametrize("update_password", ["on_create", "always"])
    def test_an_adopted_account_of_ours_has_its_password_already(
        self, update_password: str
    ) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=True)
        row = {**NEW, "password": PASSWORD, "update_password": update_password}
        assert run(store, row).actions == ("create",)
        assert writes(store) == [self.POST]
        assert store.by_email(NEW["email"]).password == PASSWORD

    def test_of_somebody_else_it_is_left_alone(self) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=False)
        store.before_answer = faster(store, "other")
        applied = run(store, NEW)
        assert applied.error is not None
        assert applied.error.code == "address_taken"
        assert "external_id other" in applied.error.message
        assert applied.actions == ()
        assert writes(store) == [self.POST]

    def test_a_422_on_the_repeat_means_that_the_first_arrived_late(self) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=True)
        posts = 0

        def hide_until_repeated(call: Call) -> None:
            nonlocal posts
            posts += call.method == "POST"
            if call.method == "GET" and posts == 1:
                store.answer_instead("GET", Reply(404, {"message": ""}))

        store.before_answer = hide_until_repeated
        applied = run(store, NEW)
        assert applied.error is None
        assert applied.actions == ("create",)
        assert writes(store) == [self.POST] * 2
        assert len(store.users) == 1

    def test_a_422_at_the_first_attempt_finds_who_was_faster(self) -> None:
        store = store_of()
        store.before_answer = faster(store, "N")
        applied = run(store, {**NEW, "admin": True})
        assert applied.error is None
        # This run did not create the account, but brings it to the desired state.
        assert applied.actions == ("update",)
        assert store.users[9].admin is True

    def test_a_422_of_other_fields_is_the_users_own(self) -> None:
        store = store_of()
        weak = Reply(422, {"message": "weak", "errors": {"new_password": ["too weak"]}})
        store.answer_instead("POST", weak)
        applied = run(store, {**NEW, "password": PASSWORD})
        assert applied.error is not None
        assert applied.error.fields == {"new_password": ["too weak"]}
        # Nobody is looked up for it.
        assert store.calls[-1].method == "POST"

    def test_without_retries_left_it_is_still_looked_up(self) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=True)
        assert run(store, NEW, max_retries=0).actions == ("create",)

    def test_without_retries_left_and_not_carried_out_it_is_an_error(self) -> None:
        store = store_of()
        store.lose_answer("POST", carried_out=False)
        applied = run(store, NEW, max_retries=0)
        assert applied.error is not None
        assert (applied.error.code, applied.actions) == ("timeout", ())

    @pytest.mark.parametrize(
        "data", [[], {"id": 1}, {"email": "new@example.org"}], ids=["none", "id alone", "no id"]
    )
    def test_an_answer_without_a_whole_record_hides_no_creation(self, data: Any) -> None:
        store = store_of()
        answer = Reply(200, {"CODE": "success", "data": data})
        store.answer_instead("POST", answer, carried_out=True)
        applied = run(store, NEW)
        assert applied.error is None
        assert applied.actions == ("create",)
        assert applied.user is not None
        assert applied.user.email == NEW["email"]
        assert len(writes(store)) == 1

    def test_a_store_without_external_ids_adopts_by_the_address(self) -> None:
        store = store_of(returns_external_id=False)
        store.lose_answer("POST", carried_out=True)
        assert run(store, NEW).actions == ("create",)
        assert writes(store) == [self.POST]


class TestUpdate:
    PUT = f"PUT {USERS}/1"

    def test_without_a_plan_it_is_repeated(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "admin": True})
        assert applied.actions == ("update",)
        assert writes(store) == [self.PUT] * 2
        assert store.users[1].admin is True

    def test_with_a_plan_that_was_assigned_it_is_not(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "admin": True, "plan_id": 4})
        assert applied.error is None
        assert applied.actions == ("update", "assign_plan")
        assert writes(store) == [self.PUT]
        assert [plan.plan_id for plan in store.users[1].plans] == [4]

    def test_with_a_plan_that_was_not_assigned_it_is(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=False, times=2)
        applied = run(store, {**ANA, "plan_id": 4, "plan_valid_to": "2030-01-31"})
        assert applied.actions == ("assign_plan",)
        assert writes(store) == [self.PUT] * 3
        assert store.users[1].plans == [Held(4, "2030-01-31")]

    def test_a_password_is_set_once_more_and_the_plan_is_not(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)
        row = {**ANA, "plan_id": 4, "password": PASSWORD, "update_password": "always"}
        applied = run(store, row)
        assert applied.actions == ("set_password", "assign_plan")
        first, second = (call.body or {} for call in store.writes)
        assert first["assign_new_plan"] == 4
        assert "assign_new_plan" not in second
        assert second["new_password"] == PASSWORD
        assert len(store.users[1].plans) == 1

    def test_a_new_address_that_was_written_is_found_by_it(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "email": "ana.new@example.org", "plan_id": 4})
        assert applied.error is None
        assert applied.actions == ("update", "assign_plan")
        assert len(store.users[1].plans) == 1

    def test_where_plans_are_hidden_by_now_nobody_guesses(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)

        def hide_plans(call: Call) -> None:
            if call.method == "PUT":
                store.reading = Reading(plans="hidden")

        store.before_answer = hide_plans
        applied = run(store, {**ANA, "plan_id": 4})
        assert applied.error is not None
        assert applied.error.code == "lost_answer"
        assert writes(store) == [self.PUT]

    def test_of_a_deactivated_user_who_stays_so_the_plans_are_found(self) -> None:
        store = store_of(ana(deactivated=True))
        store.lose_answer("PUT", carried_out=True)
        applied = run(store, {**ANA, "plan_id": 4})
        assert applied.actions == ("assign_plan",)
        assert len(store.users[1].plans) == 1

    def test_without_retries_left_the_plans_are_still_read(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)
        assert run(store, {**ANA, "plan_id": 4}, max_retries=0).actions == ("assign_plan",)

    def test_without_retries_left_and_not_carried_out_it_is_an_error(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=False)
        applied = run(store, {**ANA, "plan_id": 4}, max_retries=0)
        assert applied.error is not None
        assert (applied.error.code, applied.actions) == ("timeout", ())
        assert writes(store) == [self.PUT]

    def test_of_somebody_who_is_found_no_more_nobody_guesses(self) -> None:
        store = store_of(ana())
        store.lose_answer("PUT", carried_out=True)

        def vanish(call: Call) -> None:
            if call.method == "GET" and store.writes:
                store.users.clear()

        store.before_answer = vanish
        applied = run(store, {**ANA, "plan_id": 4})
        assert applied.error is not None
        assert applied.error.code == "lost_answer"
        assert writes(store) == [self.PUT]


@pytest.mark.parametrize("body", ["OK", "null"])
class TestGoodStatusAndNoDocumentedBody:
    """A 200 whose body is not the documented one: most likely done, so it is looked at."""

    def test_an_update_that_was_carried_out_is_sent_once(self, body: str) -> None:
        store = store_of(ana(sessions_limit=1))
        store.answer_instead("PUT", Reply(200, body), carried_out=True)
        applied = run(store, {**ANA, "sessions_limit": 2})
        assert (applied.error, applied.actions) == (None, ("update",))
        assert len(store.writes) == 1
        assert store.users[1].sessions_limit == 2

    def test_a_deactivation_that_was_carried_out_is_sent_once(self, body: str) -> None:
        store = store_of(ana())
        store.answer_instead("DELETE", Reply(200, body), carried_out=True)
        applied = run(store, {**ANA, "state": "absent"})
        assert (applied.error, applied.actions) == (None, ("deactivate",))
        assert len(store.writes) == 1
        assert store.users[1].deactivated

    def test_one_that_was_not_is_sent_again(self, body: str) -> None:
        store = store_of(ana(sessions_limit=1))
        store.answer_instead("PUT", Reply(200, body), carried_out=False)
        applied = run(store, {**ANA, "sessions_limit": 2})
        assert (applied.error, applied.actions) == (None, ("update",))
        assert store.users[1].sessions_limit == 2


class TestStateChange:
    """A repetition that finds nobody is success only where the user has the state by now."""

    CHANGES = pytest.mark.parametrize(
        ("state", "before", "method"),
        [
            pytest.param("absent", False, "DELETE", id="deactivate"),
            pytest.param("active", True, "PUT", id="reactivate"),
        ],
    )

    @CHANGES
    @pytest.mark.parametrize("repeated", [404, 200])
    @pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
    def test_lost(
        self, state: str, before: bool, method: str, repeated: int, carried_out: bool
    ) -> None:
        store = store_of(ana(deactivated=before), repeated_state_change=repeated)
        store.lose_answer(method, carried_out=carried_out)
        applied = run(store, {**ANA, "state": state})
        assert applied.error is None
        assert applied.actions == ({"absent": "deactivate", "active": "reactivate"}[state],)
        assert store.users[1].deactivated is not before
        assert len(store.writes) == 2

    @CHANGES
    def test_a_404_in_the_wrong_state_is_an_error(
        self, state: str, before: bool, method: str
    ) -> None:
        store = store_of(ana(deactivated=before))
        store.answer_instead(method, Reply(404, {"message": ""}))
        applied = run(store, {**ANA, "state": state})
        assert applied.error is not None
        assert (applied.error.code, applied.actions) == ("not_found", ())

    @CHANGES
    def test_whoever_was_faster_gets_the_credit(
        self, state: str, before: bool, method: str
    ) -> None:
        store = store_of(ana(deactivated=before))

        def a_moment_before(call: Call) -> None:
            if call.method == method:
                store.users[1].deactivated = not before

        store.before_answer = a_moment_before
        applied = run(store, {**ANA, "state": state})
        assert applied.error is None
        assert applied.actions == ()

    @CHANGES
    def test_without_retries_left_it_is_an_error(
        self, state: str, before: bool, method: str
    ) -> None:
        store = store_of(ana(deactivated=before))
        store.lose_answer(method, carried_out=False)
        applied = run(store, {**ANA, "state": state}, max_retries=0)
        assert applied.error is not None
        assert (applied.error.code, applied.actions) == ("timeout", ())

    @pytest.mark.parametrize("finds", [True, False], ids=["a search tells", "no search tells"])
    def test_a_search_may_find_the_deactivated_or_not(self, finds: bool) -> None:
        store = store_of(ana(), search_finds_deactivated=finds)
        store.lose_answer("DELETE", carried_out=True)
        applied = run(store, {**ANA, "state": "absent"})
        assert (applied.error, applied.actions) == (None, ("deactivate",))


LOGGED_OUT = {**ANA, "admin": True, "force_logout": True}


class TestForcedLogout:
    def test_lost_it_is_repeated(self) -> None:
        store = store_of(ana())
        store.lose_answer("POST", carried_out=True)
        assert run(store, LOGGED_OUT).actions == ("update", "force_logout")
        assert writes(store) == [f"PUT {USERS}/1", f"POST {LOGOUT}", f"POST {LOGOUT}"]

    def test_a_failure_hides_nothing_that_was_done(self) -> None:
        store = store_of(ana())
        store.answer_instead("POST", *[Reply(500)] * 9)
        applied = run(store, LOGGED_OUT, max_retries=1)
        assert applied.error is not None
        assert applied.actions == ("update",)
        assert store.users[1].admin is True
        # The next run sees no difference, and ends no session.
        assert [warning.label for warning in applied.warnings] == ["ana@example.org"]
        assert "publica_user_logout" in applied.warnings[0].text

    def test_a_change_that_was_refused_leaves_nothing_to_warn_of(self) -> None:
        store = store_of(ana())
        store.answer_instead("PUT", Reply(422, {"message": "no", "errors": {"admin": ["no"]}}))
        applied = run(store, LOGGED_OUT)
        assert applied.error is not None
        assert applied.warnings == ()

    def test_its_failure_keeps_nobody_active(self) -> None:
        store = store_of(ana())
        store.answer_instead("POST", *[Reply(500)] * 9)
        row = {**ANA, "state": "absent", "force_logout": True}
        applied = run(store, row, max_retries=1)
        assert store.users[1].deactivated is True
        assert applied.actions == ("deactivate",)
        assert applied.error is not None

    def test_lost_without_retries_left_it_is_an_error(self) -> None:
        store = store_of(ana())
        store.lose_answer("POST", carried_out=False)
        applied = run(store, LOGGED_OUT, max_retries=0)
        assert applied.error is not None
        assert (applied.error.code, applied.actions) == ("timeout", ("update",))

    def test_a_leaver_without_sessions_is_a_warning(self) -> None:
        store = store_of(ana())
        nobody = Reply(404, {"message": "No query results"})
        store.answer_instead("POST", nobody, nobody)
        applied = run(store, {**ANA, "state": "absent", "force_logout": True})
        assert (applied.error, applied.actions) == (None, ("deactivate",))
        assert [warning.label for warning in applied.warnings] == ["ana@example.org"]

    def test_sessions_end_before_the_deactivation(self) -> None:
        # After it a store may not find the user any more.
        store = store_of(ana(), logs_out_deactivated=False)
        applied = run(store, {**ANA, "state": "absent", "force_logout": True})
        assert applied.error is None
        assert applied.actions == ("deactivate", "force_logout")
        assert writes(store) == [f"POST {LOGOUT}", f"DELETE {USERS}/1"]
        assert store.users[1].sessions_ended == 1
