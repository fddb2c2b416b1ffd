# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of one user: differences, held plans, request bodies, predictions and errors."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import UserChange
from ansible_collections.publica.la.plugins.module_utils.plan.planner import (
    create_body,
    different_attributes,
    plan_to_assign,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import (
    CurrentUser,
    HeldPlan,
)
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    TODAY,
    current_user,
    desired_user,
    held_plan,
    only_steps,
    planned,
)

HIDDEN: dict[str, Any] = {"external_id": None, "returns_external_id": False}


def change_of(desired: DesiredUser, **current: Any) -> UserChange:
    """The change of a desired user who is the second one in the input."""
    _, change = planned(desired_user(3), desired, **current).changes
    assert (change.position, change.desired) == (1, desired)
    return change


def update_of(current: dict[str, Any], **desired: Any) -> dict[str, Any]:
    """The body of the only step, an update."""
    [(endpoint, body)] = only_steps(planned(desired_user(1, **desired), **current))
    assert endpoint == "update"
    return body


@pytest.mark.parametrize(
    ("desired", "current", "expected"),
    [
        pytest.param({}, {"admin": True, "sessions_limit": 5}, {}, id="unmanaged"),
        pytest.param({"email": "USER1@EXAMPLE.ORG"}, {}, {}, id="address in another case"),
        pytest.param({"email": "a@b.example"}, {}, {"email": "a@b.example"}, id="address"),
        pytest.param({"external_id": "X"}, {}, {"external_id": "X"}, id="external id"),
        pytest.param(
            {"external_id": "X"}, {"external_id": None}, {"external_id": "X"}, id="no external id"
        ),
        pytest.param({"external_id": "X"}, HIDDEN, {}, id="external id not returned"),
        pytest.param({"sessions_limit": 0}, {"sessions_limit": None}, {}, id="no limit"),
        pytest.param(
            {"sessions_limit": 0},
            {"sessions_limit": 2},
            {"sessions_limit": None},
            id="limit removed",
        ),
        pytest.param(
            {"sessions_limit": 3}, {"sessions_limit": None}, {"sessions_limit": 3}, id="limit set"
        ),
        pytest.param({"admin": False}, {"admin": True}, {"admin": False}, id="right revoked"),
        pytest.param({"admin": False}, {"admin": None}, {}, id="right unknown"),
        pytest.param(
            {"sessions_limit": 3}, {"returns_sessions_limit": False}, {}, id="limit unknown"
        ),
    ],
)
def test_only_managed_attributes_differ(
    desired: dict[str, Any], current: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert different_attributes(desired_user(**desired), current_user(**current)) == expected


END = "2026-12-31"


@pytest.mark.parametrize(
    ("plans", "valid_to", "assigned"),
    [
        pytest.param((), None, True, id="no plan"),
        pytest.param((held_plan(4),), None, False, id="without an end"),
        pytest.param((held_plan(5),), None, True, id="another plan"),
        pytest.param((held_plan(4, "2026-06-01"),), None, False, id="ends today"),
        pytest.param((held_plan(4, "2026-05-31"),), None, True, id="ended yesterday"),
        pytest.param((held_plan(4, "2026-06-01T00:00:00Z"),), None, False, id="a time today"),
        pytest.param((held_plan(4, "2026-05-31T23:00:00Z"),), None, False, id="today in Madrid"),
        pytest.param((held_plan(4, cancelled=True),), None, True, id="cancelled"),
        pytest.param((held_plan(4, END),), END, False, id="same end"),
        pytest.param((held_plan(4, "2026-12-30"),), END, True, id="another end"),
        pytest.param((held_plan(4, END, cancelled=True),), END, True, id="same end, cancelled"),
        pytest.param((held_plan(4, "2026-01-01"), held_plan(4, END)), END, False, id="one of two"),
        pytest.param(
            (held_plan(4, "2026-07-01"), held_plan(4, "2026-08-01")), END, True, id="other ends"
        ),
        pytest.param((held_plan(4, "2026-05-31"),) * 2, END, True, id="ended twice"),
        pytest.param((held_plan(5, "2026-07-01"),) * 2, END, True, id="another plan twice"),
        pytest.param((held_plan(4, "2027-01-01T02:59:59Z"),), END, False, id="end in Buenos Aires"),
        # Another assignment would end on the same day, so every run would assign it.
        pytest.param((held_plan(4, "2026-01-01"),), "2026-01-01", False, id="desired end is past"),
        *(
            pytest.param((held_plan(4, valid_to, status=status),), wanted, assigned, id=status)
            for status, assigned in [
                *dict.fromkeys(("pending", "approved", "active", "paused"), False).items(),
                *dict.fromkeys(
                    ("cancelled", "refunded", "expired", "error", "dispute_lost"), True
                ).items(),
            ]
            for valid_to, wanted in [(None, None), (END, None), (END, END)]
        ),
    ],
)
def test_a_plan_is_assigned_unless_it_is_held(
    plans: tuple[HeldPlan, ...], valid_to: str | None, assigned: bool
) -> None:
    desired = desired_user(plan_id=4, plan_valid_to=valid_to)
    assert plan_to_assign(desired, current_user(plans=plans), TODAY) == (assigned, None)


@pytest.mark.parametrize(
    ("plans", "valid_to", "named"),
    [
        pytest.param(None, None, ["no plan was assigned"], id="unknown"),
        pytest.param(None, END, ["no plan was assigned"], id="unknown, with an end"),
        pytest.param((held_plan(4),), END, ["plan 4", "no end", END], id="no end is kept"),
        pytest.param(
            (held_plan(4, "2026-07-01"),) * 2,
            END,
            ["plan 4", "2 times until 2026-07-01", END],
            id="another end is kept",
        ),
        pytest.param((), "2026-05-31", ["in the past"], id="past end"),
        pytest.param((held_plan(4, END),), "2026-05-31", ["in the past"], id="past end, held"),
        pytest.param(
            (held_plan(4, END, status="frozen"),), END, ["plan 4", "frozen"], id="unknown state"
        ),
        pytest.param(
            (held_plan(4, status="frozen"),), None, ["plan 4", "frozen"], id="unknown state, no end"
        ),
    ],
)
def test_a_plan_that_is_possibly_held_is_not_assigned_with_a_warning(
    plans: tuple[HeldPlan, ...] | None, valid_to: str | None, named: list[str]
) -> None:
    change = change_of(desired_user(1, plan_id=4, plan_valid_to=valid_to), plans=plans)
    assert change.steps == ()
    [warning] = change.warnings
    assert warning.label == "user1@example.org"
    for part in named:
        assert part in warning.text


def test_an_unknown_state_causes_no_warning_if_another_row_is_held() -> None:
    plans = (held_plan(4, status="frozen"), held_plan(4, status="active"))
    change = change_of(desired_user(1, plan_id=4), plans=plans)
    assert (change.steps, change.warnings) == ((), ())


def test_a_creation_leaves_out_a_plan_that_ends_in_the_past() -> None:
    desired = desired_user(9, plan_id=4, plan_valid_to="2026-05-31", user_plan_name="Gold")
    change = change_of(desired)
    assert change.steps[0].body == {"email": "user9@example.org", "external_id": "ext-9"}
    assert change.after is not None
    assert change.after.plans == ()
    [warning] = change.warnings
    assert (warning.label, "in the past" in warning.text) == ("user9@example.org", True)


@pytest.mark.parametrize("current", [{}, {"plans": (held_plan(3),)}])
def test_an_assigned_plan_has_the_name_that_the_row_gives(current: dict[str, Any]) -> None:
    change = change_of(
        desired_user(9 if not current else 1, plan_id=4, plan_name="Gold"), **current
    )
    assert change.after is not None
    assert change.after.plans is not None
    assert (change.after.plans[-1].plan_id, change.after.plans[-1].name) == (4, "Gold")


# The bodies for each option are in test_matrix.py.


def test_a_creation_has_no_plan_name_without_a_plan() -> None:
    body = create_body(desired_user(user_plan_name="Gold"))
    assert body == {"email": "user1@example.org", "external_id": "ext-1"}


@pytest.mark.parametrize(
    ("unknown", "given"),
    [
        pytest.param({"admin": None}, {"admin": True}, id="admin"),
        pytest.param({"plan_admin": None}, {"plan_admin": False}, id="plan_admin"),
        pytest.param({"only_sees_readable": None}, {"only_sees_readable": True}, id="readable"),
        pytest.param({"returns_sessions_limit": False}, {"sessions_limit": 2}, id="limit"),
        pytest.param(
            {"admin": None, "plan_admin": None, "returns_sessions_limit": False},
            {"admin": True, "plan_admin": True, "sessions_limit": 2},
            id="several",
        ),
    ],
)
def test_an_update_does_not_guess_what_the_store_does_not_return(
    unknown: dict[str, Any], given: dict[str, Any]
) -> None:
    change = change_of(desired_user(1, plan_id=4), **unknown)
    assert change.error is not None
    assert (change.error.code, change.steps) == ("incomplete", ())
    assert set(change.error.fields) == set(given)
    for name in given:
        assert name in change.error.message
    # With the values of the task the update can be sent, and contains them.
    change = change_of(desired_user(1, plan_id=4, **given), **unknown)
    assert change.error is None
    assert given.items() <= change.steps[0].body.items()
    # They alone are no reason for an update, at this run or the next.
    change = change_of(desired_user(1, **given), **unknown)
    assert change.steps == ()
    [warning] = change.warnings
    assert all(name in warning.text for name in given)


@pytest.mark.parametrize(
    ("desired", "current", "code", "fields"),
    [
        pytest.param({"admin": True}, {"editable": False}, "forbidden", [], id="not editable"),
        pytest.param(
            {"state": "active"},
            {"editable": False, "active": False},
            "forbidden",
            [],
            id="not editable, reactivation",
        ),
        pytest.param(
            {"state": "absent"}, {"editable": False}, "forbidden", [], id="not editable, absent"
        ),
        pytest.param(
            {}, {"anonymized": True, "email": "gone@x"}, "anonymized", [], id="anonymized"
        ),
        pytest.param(
            {"email": None, "admin": True}, {"email": ""}, "incomplete", ["email"], id="no address"
        ),
        pytest.param(
            {"external_id": None, "admin": True},
            {"external_id": "x" * 65},
            "incomplete",
            ["external_id"],
            id="long external id",
        ),
    ],
)
def test_an_update_that_can_not_be_sent(
    desired: dict[str, Any], current: dict[str, Any], code: str, fields: list[str]
) -> None:
    one = desired_user(1, id=1, **desired)
    change = change_of(one, **{"external_id": None, **current} if one.external_id else current)
    assert change.error is not None
    assert (change.error.code, list(change.error.fields)) == (code, fields)
    assert (change.steps, change.after) == ((), None)


@pytest.mark.parametrize("current", [{"editable": False}, {"anonymized": True}])
def test_an_account_that_can_not_be_changed_may_be_as_desired(current: dict[str, Any]) -> None:
    change = change_of(DesiredUser(id=1, sessions_limit=0), **current)
    assert (change.steps, change.error) == ((), None)


@pytest.mark.parametrize(
    ("ours", "stores", "warns"),
    [
        ("123", "00123", True),
        ("00123", "123", True),
        ("123.0", "123", True),
        ("0123", "123.0", True),
        ("124", "123", False),
        ("1230", "123", False),
    ],
)
def test_an_external_id_that_changes_only_by_its_number_format_causes_a_warning(
    ours: str, stores: str, warns: bool
) -> None:
    [change] = planned(desired_user(1, external_id=ours), external_id=stores).changes
    assert change.actions == ["update"]
    labels = [warning.label for warning in change.warnings]
    assert labels == [f"user1@example.org (from {stores} to {ours})"] * warns


@pytest.mark.parametrize(
    ("current", "desired", "expected"),
    [
        pytest.param({"external_id": "E"}, {"id": 1, "external_id": None}, "E", id="returned"),
        pytest.param(HIDDEN, {"external_id": "D"}, "D", id="not returned"),
    ],
)
def test_an_update_has_an_external_id(
    current: dict[str, Any], desired: dict[str, Any], expected: str
) -> None:
    assert update_of(current, admin=True, **desired)["external_id"] == expected


def test_an_update_for_another_reason_has_neither_password_nor_plan() -> None:
    body = update_of(
        {"plans": (held_plan(4),)}, admin=True, password=PASSWORD, plan_id=4, user_plan_name="Gold"
    )
    assert not {"new_password", "assign_new_plan", "user_plan_name"} & set(body)


@pytest.mark.parametrize(("key", "missing"), [("email", "external_id"), ("external_id", "email")])
def test_a_creation_needs_both_keys(key: str, missing: str) -> None:
    change = change_of(DesiredUser(**{key: "new@example.org"}))  # type: ignore[arg-type]
    assert change.error is not None
    assert (change.error.code, list(change.error.fields)) == ("incomplete", [missing])
    for part in ("new@example.org", f"{missing} is missing", f"Give {missing}"):
        assert part in change.error.message
    assert change.steps == ()


@pytest.mark.parametrize("is_returned", [True, False])
def test_an_update_needs_an_external_id(is_returned: bool) -> None:
    change = change_of(
        DesiredUser(email="user1@example.org", admin=True),
        external_id=None,
        returns_external_id=is_returned,
    )
    assert change.error is not None
    assert (change.error.code, list(change.error.fields)) == ("incomplete", ["external_id"])
    assert change.error.message.startswith("user1@example.org (id 1) ")
    assert "Give external_id" in change.error.message
    assert ("none at the store" in change.error.message) is is_returned
    assert change.steps == ()
    assert change.current is not None
    assert change.current.id == 1


def test_a_reactivation_needs_no_external_id() -> None:
    made = planned(DesiredUser(email="user1@example.org", state="active"), **HIDDEN, active=False)
    assert only_steps(made) == [("reactivate", {})]


@pytest.mark.parametrize("state", ["present", "active"])
def test_present_leaves_a_user_deactivated_with_a_warning(state: str) -> None:
    change = change_of(desired_user(1, state=state), active=False)
    warnings = [warning for warning in change.warnings if "state: active" in warning.text]
    assert len(warnings) == (state == "present")


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["none given", "given"])
def test_a_password_is_generated_only_if_none_is_given(password: str | None) -> None:
    made = planned(desired_user(9, generate_password=True, password=password))
    [step] = made.changes[0].steps
    assert step.generates_password is (password is None)


def test_one_update_does_all_that_an_update_can() -> None:
    options: dict[str, Any] = {
        "admin": True,
        "password": PASSWORD,
        "update_password": "always",
        "plan_id": 4,
        "force_logout": True,
        "state": "active",
    }
    change = change_of(desired_user(1, **options), active=False)
    assert [(step.endpoint, step.actions) for step in change.steps] == [
        ("reactivate", ("reactivate",)),
        ("update", ("update", "set_password", "assign_plan")),
        ("force_logout", ("force_logout",)),
    ]
    assert change.actions == [action for step in change.steps for action in step.actions]


CAMPUS = held_plan(3, name="Campus")


@pytest.mark.parametrize(
    ("options", "predicted"),
    [
        pytest.param(
            {
                "sessions_limit": 3,
                "admin": True,
                "plan_admin": True,
                "only_sees_readable": True,
                "plan_id": 4,
                "plan_valid_to": "2031-12-31",
                "user_plan_name": "Campus",
            },
            {
                "sessions_limit": 3,
                "admin": True,
                "plan_admin": True,
                "only_sees_readable": True,
                "plans": (held_plan(4, "2031-12-31", name="Campus"),),
            },
            id="all options",
        ),
        pytest.param(
            {"sessions_limit": 0},
            {"sessions_limit": None, "admin": False, "plan_admin": False, "plans": ()},
            id="no options",
        ),
    ],
)
def test_the_user_after_a_creation(options: dict[str, Any], predicted: dict[str, Any]) -> None:
    # The store chooses the id.
    keys = {"id": 0, "email": "user9@example.org", "active": True, "external_id": "ext-9"}
    assert change_of(desired_user(9, **options)).after == CurrentUser(**keys, **predicted)  # type: ignore[arg-type]


@pytest.mark.parametrize("plans", [(CAMPUS,), None], ids=["plans", "unknown plans"])
@pytest.mark.parametrize("limit", [0, 5])
def test_the_user_after_an_update(limit: int, plans: tuple[HeldPlan, ...] | None) -> None:
    desired = desired_user(1, email="new@example.org", admin=True, sessions_limit=limit)
    assert change_of(desired, sessions_limit=2, plans=plans).after == current_user(
        1, email="new@example.org", admin=True, sessions_limit=limit or None, plans=plans
    )


@pytest.mark.parametrize(
    ("options", "current", "changed"),
    [
        pytest.param(
            {"plan_id": 4, "plan_valid_to": "2031-12-31"},
            {"plans": (CAMPUS,)},
            {"plans": (CAMPUS, held_plan(4, "2031-12-31"))},
            id="additional plan",
        ),
        pytest.param(
            {"plan_id": 3, "admin": True},
            {"plans": (CAMPUS,)},
            {"plans": (CAMPUS,), "admin": True},
            id="plan that is held",
        ),
        pytest.param(
            {"state": "active"},
            {"active": False, "deactivated_at": "2026-05-01T00:00:00Z"},
            {},
            id="reactivation",
        ),
    ],
)
def test_the_user_after_other_changes(
    options: dict[str, Any], current: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert change_of(desired_user(1, **options), **current).after == current_user(1, **changed)
