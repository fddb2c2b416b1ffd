# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards: which plan they let pass, and what they say of one that they do not."""

from __future__ import annotations

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    RemovalPolicy,
    read_limit,
)
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.plan.removals import (
    GuardViolation,
    check_guards,
    plan_removals,
    refuse_empty_list,
    without_removals,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    desired_user,
)
from hypothesis import given
from hypothesis import strategies as st

OTHER = "0" * 16


def policy(limit: str = "10%", approve: str | None = None, exclusive: bool = True) -> RemovalPolicy:
    return RemovalPolicy(exclusive=exclusive, limit=read_limit(limit), approve=approve)


def plan(listed: int, removals: int, **changes: bool) -> Plan:
    """A plan over the users of a store, of whom the last ones are in no list."""
    store = [current_user(number) for number in range(1, listed + removals + 1)]
    desired = [desired_user(number, **changes) for number in range(1, listed + 1)]
    users = plan_users(desired, UserIndex(store), TODAY).changes
    return Plan([*users, *plan_removals(desired, store, policy()).changes])


def violation(made: Plan, rules: RemovalPolicy, *, complete: bool = True) -> GuardViolation:
    spoken = check_guards(made, rules, active=len(made.changes), complete=complete)
    assert spoken is not None
    return spoken


@pytest.mark.parametrize(
    ("limit", "removals", "passes"),
    [
        pytest.param("10%", 2, True, id="at the percentage"),
        pytest.param("10%", 3, False, id="above the percentage"),
        pytest.param("3", 3, True, id="at the number"),
        pytest.param("3", 4, False, id="above the number"),
        pytest.param("0", 1, False, id="nobody without an approval"),
        pytest.param("0%", 0, True, id="nobody to remove"),
        pytest.param("100%", 20, True, id="everybody"),
    ],
)
def test_the_limit(limit: str, removals: int, passes: bool) -> None:
    made = plan(20 - removals, removals)
    spoken = check_guards(made, policy(limit), active=20, complete=True)
    assert (spoken is None) is passes
    if spoken is not None:
        assert (spoken.code, spoken.deactivations) == ("too_many_deactivations", removals)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 100))
def test_no_more_than_the_percentage_pass(listed: int, removals: int, percentage: int) -> None:
    made = plan(listed, removals)
    active = listed + removals
    spoken = check_guards(made, policy(f"{percentage}%"), active=active, complete=True)
    assert (spoken is None) is (100 * removals <= percentage * active)


def test_a_refusal_names_count_limit_the_first_users_and_what_to_do() -> None:
    made = plan(43, 7)
    spoken = violation(made, policy())
    assert (spoken.deactivations, spoken.limit, spoken.active) == (7, 5, 50)
    for part in (
        "7 users are not in the list",
        "allows 5 (10% of 50 active users)",
        "user44@example.org",
        "user48@example.org and 2 more",
        "raise max_deactivations",
        f"approve: '{made.hash}'",
    ):
        assert part in spoken.message
    assert "user49@example.org" not in spoken.message


@pytest.mark.parametrize(("removals", "end"), [(5, "user7@example.org."), (6, " and 1 more.")])
def test_a_refusal_names_five_users_and_counts_the_others(removals: int, end: str) -> None:
    message = violation(plan(2, removals), policy("0")).message
    assert message.split(" Check that")[0].endswith(end)


def test_one_user_is_told_as_one() -> None:
    assert violation(plan(5, 1), policy("0")).message.startswith(
        "1 user is not in the list and would be deactivated, but max_deactivations allows 0: "
        "user6@example.org. "
    )


def test_users_with_the_state_absent_do_not_count() -> None:
    store = [current_user(number) for number in range(1, 5)]
    desired = [desired_user(number, state="absent") for number in range(1, 5)]
    made = Plan(plan_users(desired, UserIndex(store), TODAY).changes)
    assert made.requests == 4
    assert check_guards(made, policy("0"), active=4, complete=True) is None


def test_the_right_approval_lets_too_many_pass() -> None:
    made = plan(1, 9)
    assert check_guards(made, policy("0", made.hash), active=10, complete=True) is None


@pytest.mark.parametrize("exclusive", [True, False])
def test_any_other_plan_than_the_approved_one_is_refused(exclusive: bool) -> None:
    made = plan(3, 0, admin=True)
    spoken = violation(made, policy("100%", OTHER, exclusive))
    assert spoken.code == "not_approved"
    assert f"approve: '{made.hash}'" in spoken.message
    assert OTHER in spoken.message
    assert spoken.deactivations == 0
    assert (spoken.limit, spoken.active) == ((3, 3) if exclusive else (None, None))


@pytest.mark.parametrize(("removals", "told"), [(1, "(1 request)"), (2, "(2 requests)")])
def test_a_plan_that_is_not_approved_is_told_with_what_it_sends(removals: int, told: str) -> None:
    assert told in violation(plan(0, removals), policy("100%", OTHER)).message


def test_of_a_plan_that_is_not_approved_the_removals_are_named() -> None:
    spoken = violation(plan(0, 2), policy("100%", OTHER))
    assert "deactivates 2 users not in the list: user1@example.org, user2@" in spoken.message
    assert spoken.deactivations == 2


def test_a_plan_without_a_request_passes_any_approval() -> None:
    assert check_guards(plan(3, 0), policy("0", OTHER), active=3, complete=True) is None


@pytest.mark.parametrize("removals", [0, 2])
def test_a_list_that_is_not_whole_is_refused_whatever_else_is_said(removals: int) -> None:
    made = plan(3, removals)
    for rules in (policy("100%"), policy("100%", made.hash)):
        spoken = violation(made, rules, complete=False)
        assert (spoken.code, spoken.limit, spoken.active) == ("incomplete_listing", None, None)
        assert spoken.deactivations == removals
        assert f"{len(made.changes)} users read" in spoken.message


def test_without_exclusive_a_list_need_not_be_whole() -> None:
    assert check_guards(plan(3, 0), policy(exclusive=False), active=0, complete=False) is None


@pytest.mark.parametrize("limit", ["0", "100%"])
def test_a_list_of_nobody_is_refused_whatever_the_limit(limit: str) -> None:
    with pytest.raises(PublicaError, match=r"exclusive: false") as refused:
        refuse_empty_list(policy(limit, OTHER), [])
    assert refused.value.code == "empty_list"


def test_a_list_of_nobody_is_fine_where_nobody_is_removed() -> None:
    refuse_empty_list(policy(exclusive=False), [])
    refuse_empty_list(policy(), [desired_user(1)])


def test_without_removals_the_rest_is_the_same() -> None:
    made = plan(3, 2, admin=True)
    left = without_removals(made)
    assert list(left.changes) == list(made.changes)[:3]
    assert (made.requests, left.requests) == (5, 3)
