# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan as a whole: its hash, the requests and minutes it takes, its errors and its secrets."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.store.user import (
    CurrentUser,
    HeldPlan,
    UserIndex,
)
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    TODAY,
    current_user,
    desired_user,
    held_plan,
    only_steps,
)


def plan(*desired: DesiredUser, **current: Any) -> Plan:
    store = [current_user(number, **current) for number in (1, 2, 3)]
    return plan_users(desired, UserIndex(store), TODAY)


BASE = plan(desired_user(1, admin=True), desired_user(9))


def test_equal_plans_have_equal_hashes() -> None:
    assert plan(desired_user(1, admin=True), desired_user(9)).hash == BASE.hash
    assert len(BASE.hash) == 16


def test_users_without_a_step_are_not_in_the_hash() -> None:
    assert plan(desired_user(1, admin=True), desired_user(2), desired_user(9)).hash == BASE.hash


@pytest.mark.parametrize(
    "desired",
    [
        pytest.param((desired_user(1, admin=True),), id="fewer users"),
        pytest.param((desired_user(2, admin=True), desired_user(9)), id="another user"),
        pytest.param((desired_user(1, plan_admin=True), desired_user(9)), id="another right"),
        pytest.param((desired_user(1, state="absent"), desired_user(9)), id="another action"),
        pytest.param(
            (desired_user(1, admin=True), desired_user(9, generate_password=True)), id="generated"
        ),
        pytest.param(
            (desired_user(1, admin=True, force_logout=True), desired_user(9)), id="one step more"
        ),
    ],
)
def test_another_plan_has_another_hash(desired: tuple[DesiredUser, ...]) -> None:
    assert plan(*desired).hash != BASE.hash


def test_another_current_record_is_another_plan() -> None:
    # What was approved for one store must not pass for another: the whole record would be sent.
    assert plan(desired_user(1, admin=True), desired_user(9), sessions_limit=5).hash != BASE.hash


def test_of_a_password_only_its_presence_enters_the_hash() -> None:
    first = plan(desired_user(1, password=PASSWORD, update_password="always"))
    second = plan(desired_user(1, password=PASSWORD + "!", update_password="always"))
    without = plan(desired_user(1))
    with_right = plan(desired_user(1, admin=True))
    with_both = plan(desired_user(1, admin=True, password=PASSWORD, update_password="always"))
    assert plan(desired_user(9, password=PASSWORD)).hash != plan(desired_user(9)).hash
    assert first.hash == second.hash
    assert len({first.hash, without.hash, with_right.hash, with_both.hash}) == 4


def test_no_password_is_in_the_representation_of_a_plan() -> None:
    made = plan(
        desired_user(1, password=PASSWORD, update_password="always"),
        desired_user(9, password=PASSWORD),
    )
    assert made.requests == 2
    assert PASSWORD not in repr(made)


@pytest.mark.parametrize(
    ("requests", "limit", "share", "expected"),
    [
        pytest.param(0, 100, 100, 0, id="nothing to do"),
        pytest.param(1, 100, 100, 0, id="one"),
        pytest.param(100, 100, 100, 0, id="fits into a window"),
        pytest.param(101, 100, 100, 1, id="one too many"),
        pytest.param(201, 100, 100, 2, id="three windows"),
        pytest.param(100, 100, 50, 1, id="half of it"),
        pytest.param(3, 100, 1, 2, id="one a minute"),
        pytest.param(2, 5, 1, 1, id="never less than one"),
        pytest.param(39, 60, 33, 2, id="no part of a request"),
        pytest.param(500, None, 100, 0, id="no limit told"),
    ],
)
def test_minutes_at_the_stores_limit(
    requests: int, limit: int | None, share: int, expected: int
) -> None:
    made = plan_users([desired_user(10 + n) for n in range(requests)], UserIndex(), TODAY)
    assert made.requests == requests
    assert made.minutes(limit, share) == expected


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        pytest.param({"email": "new@example.org"}, ["external_id"], id="external id"),
        pytest.param({"external_id": "new"}, ["email"], id="address"),
    ],
)
def test_a_creation_needs_both_keys(keys: dict[str, Any], missing: list[str]) -> None:
    _, user = plan(desired_user(1), DesiredUser(**keys)).changes
    assert user.error is not None
    assert user.error.code == "incomplete"
    assert sorted(user.error.fields) == missing
    assert f"{missing[0]} is missing" in user.error.message
    assert f"Give {missing[0]}" in user.error.message
    assert next(iter(keys.values())) in user.error.message
    assert (user.index, user.steps) == (1, ())


@pytest.mark.parametrize("number", [1, 9], ids=["deactivated", "nobody"])
def test_whoever_is_absent_already_is_left_as_he_is(number: int) -> None:
    _, user = plan(desired_user(2), desired_user(number, state="absent"), active=False).changes
    there = current_user(1, active=False) if number == 1 else None
    assert (user.index, user.steps, user.error) == (1, (), None)
    assert (user.current, user.after) == (there, there)


def test_a_creation_foresees_the_whole_user() -> None:
    desired = desired_user(
        9,
        sessions_limit=3,
        admin=True,
        plan_admin=True,
        only_sees_readable=True,
        plan_id=4,
        plan_valid_to="2031-12-31",
        user_plan_name="Campus",
    )
    [user] = plan(desired).changes
    assert user.after == CurrentUser(
        # The store chooses the id.
        id=0,
        email="user9@example.org",
        active=True,
        external_id="ext-9",
        sessions_limit=3,
        admin=True,
        plan_admin=True,
        only_sees_readable=True,
        plans=(held_plan(4, "2031-12-31", name="Campus"),),
    )


def test_a_creation_foresees_nothing_that_was_not_asked_for() -> None:
    [user] = plan(desired_user(9, sessions_limit=0)).changes
    assert user.after == CurrentUser(
        id=0, email="user9@example.org", active=True, external_id="ext-9",
        sessions_limit=None, admin=False, plan_admin=False, plans=(),
    )  # fmt: skip


@pytest.mark.parametrize("tells", [True, False], ids=["none at the store", "not told"])
def test_an_update_needs_an_external_id(tells: bool) -> None:
    [user] = plan(
        DesiredUser(email="user1@example.org", admin=True),
        external_id=None,
        returns_external_id=tells,
    ).changes
    assert user.error is not None
    assert user.error.code == "incomplete"
    assert list(user.error.fields) == ["external_id"]
    assert (user.index, user.steps) == (0, ())
    assert user.desired.email == "user1@example.org"
    assert user.current is not None
    assert user.current.id == 1
    assert user.error.message.startswith("user1@example.org (id 1) ")
    assert ("none at the store" in user.error.message) is tells
    assert "Give external_id" in user.error.message


def test_without_an_external_id_a_user_can_still_be_reactivated() -> None:
    desired = DesiredUser(email="user1@example.org", state="active")
    made = plan(desired, external_id=None, returns_external_id=False, active=False)
    assert only_steps(made) == [("reactivate", {})]


@pytest.mark.parametrize("state", ["present", "active"])
def test_only_present_leaves_somebody_deactivated_and_says_so(state: str) -> None:
    [user] = plan(desired_user(1, state=state), active=False).changes
    told = [warning for warning in user.warnings if "state: active" in warning.text]
    assert len(told) == (state == "present")


def test_of_hidden_plans_none_is_assigned_and_a_warning_says_so() -> None:
    [user] = plan(desired_user(1, plan_id=4), plans=None).changes
    assert user.steps == ()
    [warning] = user.warnings
    assert warning.label == "user1@example.org"
    assert "no plan was assigned" in warning.text


def test_a_conflict_of_keys_keeps_its_place() -> None:
    _, user = plan(desired_user(2), desired_user(1, id=99)).changes
    assert user.error is not None
    assert (user.index, user.error.code, user.steps) == (1, "identity_conflict", ())


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ({"password": PASSWORD}, []),
        ({"password": PASSWORD, "update_password": "always"}, ["set_password"]),
        ({"update_password": "always"}, []),
    ],
)
def test_a_known_user_gets_a_password_only_always(
    options: dict[str, Any], actions: list[str]
) -> None:
    made = plan(desired_user(1, **options))
    assert made.changes[0].actions == actions
    assert [body["new_password"] for _, body in only_steps(made)] == [PASSWORD] * len(actions)


def test_a_leaver_is_deactivated_whatever_becomes_of_the_sessions() -> None:
    [user] = plan(desired_user(1, state="absent", force_logout=True)).changes
    assert user.actions == ["deactivate", "force_logout"]
    assert [(step.endpoint, step.may_fail) for step in user.steps] == [
        ("force_logout", True),
        ("deactivate", False),
    ]


CAMPUS = held_plan(3, name="Campus")


@pytest.mark.parametrize("plans", [(CAMPUS,), None], ids=["a plan before", "plans not told"])
@pytest.mark.parametrize("limit", [0, 5], ids=["no limit", "a limit"])
def test_a_change_foresees_the_user_as_he_will_be(
    limit: int, plans: tuple[HeldPlan, ...] | None
) -> None:
    [user] = plan(
        desired_user(1, email="new@example.org", admin=True, sessions_limit=limit),
        sessions_limit=2,
        plans=plans,
    ).changes
    assert user.after == current_user(
        1, email="new@example.org", admin=True, sessions_limit=limit or None, plans=plans
    )


def test_a_plan_is_foreseen_beside_those_that_are_held() -> None:
    [user] = plan(desired_user(1, plan_id=4, plan_valid_to="2031-12-31"), plans=(CAMPUS,)).changes
    assert user.after == current_user(1, plans=(CAMPUS, held_plan(4, "2031-12-31")))


def test_a_plan_that_is_held_is_not_foreseen_twice() -> None:
    [user] = plan(desired_user(1, plan_id=3, admin=True), plans=(CAMPUS,)).changes
    assert user.after == current_user(1, admin=True, plans=(CAMPUS,))


def test_a_reactivation_foresees_no_moment_of_deactivation() -> None:
    desired = desired_user(1, state="active")
    [user] = plan(desired, active=False, deactivated_at="2026-05-01T00:00:00Z").changes
    assert user.after == current_user(1)


def test_one_update_does_all_that_an_update_can() -> None:
    everything = {
        "admin": True,
        "password": PASSWORD,
        "update_password": "always",
        "plan_id": 4,
        "force_logout": True,
        "state": "active",
    }
    made = plan(desired_user(1, **everything), active=False)
    assert made.changes[0].actions == [
        "reactivate",
        "update",
        "set_password",
        "assign_plan",
        "force_logout",
    ]
    assert [endpoint for endpoint, _ in only_steps(made)] == [
        "reactivate",
        "update",
        "force_logout",
    ]


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["without", "with"])
def test_a_password_is_generated_only_where_none_is_given(password: str | None) -> None:
    made = plan(desired_user(9, generate_password=True, password=password))
    [step] = made.changes[0].steps
    assert step.generates_password is (password is None)
