# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removals of users who are not in the list, and the guards that can refuse them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    RemovalPolicy,
    read_limit,
)
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan, UserChange
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.plan.removals import (
    GuardViolation,
    check_guards,
    plan_removals,
    protection,
    refuse_empty_list,
    removals_blocked_by,
    without_removals,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    desired_user,
)
from hypothesis import given
from hypothesis import strategies as st

EXCLUSIVE = RemovalPolicy(exclusive=True)
STORE = [current_user(number) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"email": "USER2@example.org"}, id="address in another case"),
        pytest.param({"external_id": "ext-2"}, id="external id"),
        pytest.param({"id": 2}, id="id"),
        pytest.param({"email": "new@example.org", "external_id": "ext-2"}, id="another address"),
        pytest.param({"email": "user2@example.org", "external_id": "new"}, id="another id"),
        pytest.param({"email": "user2@example.org", "state": "absent"}, id="listed as absent"),
    ],
)
def test_a_user_with_one_listed_key_is_not_removed(keys: dict[str, Any]) -> None:
    made = plan_removals([DesiredUser(**keys)], reversed(STORE), EXCLUSIVE)
    # After the input, in the order of the ids.
    assert [change.position for change in made.changes] == [1, 2]
    assert [change.desired.id for change in made.changes] == [1, 3]
    assert not any(change.listed for change in made.changes)
    assert {change.desired.state for change in made.changes} == {"absent"}
    assert (made.active, made.kept) == (3, {})


def test_keys_of_two_users_protect_both() -> None:
    conflicting = DesiredUser(email="user1@example.org", external_id="ext-3")
    assert plan_users([conflicting], UserIndex(STORE), TODAY).changes[0].error is not None
    made = plan_removals([conflicting], STORE, EXCLUSIVE)
    assert [change.desired.id for change in made.changes] == [2]


@pytest.mark.parametrize(
    ("force_logout", "steps"), [(False, ["deactivate"]), (True, ["force_logout", "deactivate"])]
)
def test_a_removed_user_is_logged_out_first_on_request(
    force_logout: bool, steps: list[str]
) -> None:
    policy = RemovalPolicy(exclusive=True, force_logout=force_logout)
    [change] = plan_removals([], STORE[:1], policy).changes
    assert [step.endpoint for step in change.steps] == steps


def test_a_removed_user_without_an_address_is_named_by_the_external_id() -> None:
    [change] = plan_removals([], [current_user(1, email="")], EXCLUSIVE).changes
    assert change.desired.label == "external_id ext-1"


def test_admins_and_possible_admins_are_kept() -> None:
    store = [
        current_user(1, admin=True),
        current_user(2, admin=None),
        current_user(3, plan_admin=True),
        current_user(4, plan_admin=None),
        current_user(5, institution=True),
        current_user(6, email="", anonymized=True),
        current_user(7, editable=False),
        current_user(8),
    ]
    made = plan_removals([], store, EXCLUSIVE)
    assert [change.desired.id for change in made.changes] == [8]
    assert made.kept == {
        "admin": ["user1@example.org"],
        "rights_unknown": ["user2@example.org", "user4@example.org"],
        "plan_admin": ["user3@example.org"],
        "institution": ["user5@example.org"],
        "anonymized": ["external_id ext-6"],
        "not_editable": ["user7@example.org"],
    }
    # The operator knows the admins. Each of the others is named in a warning with the reason.
    reasons = {warning.label: warning.text for warning in made.warnings}
    assert set(reasons) == {label for labels in made.kept.values() for label in labels} - {
        "user1@example.org"
    }
    assert "ip_ranges" in reasons["user5@example.org"]


def test_a_protected_user_with_unknown_rights_causes_no_warning() -> None:
    policy = RemovalPolicy(exclusive=True, protected=("user2@*",))
    made = plan_removals([], [current_user(2, admin=None)], policy)
    assert (made.changes, made.warnings) == ([], [])
    assert made.kept == {"protected": ["user2@example.org"]}


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        pytest.param("ana@example.org", ["ana@example.org"], id="address"),
        pytest.param("*@example.org", ["ana@example.org", "Ben@Example.ORG"], id="domain"),
        pytest.param("?na@example.*", ["ana@example.org", "ina@example.com"], id="one letter"),
        pytest.param("[ai]na@*", ["ana@example.org", "ina@example.com"], id="set of letters"),
        pytest.param("[!a]na@*", ["ina@example.com"], id="excluded letters"),
        pytest.param("example.org", [], id="part of an address"),
        pytest.param("*", ["ana@example.org", "Ben@Example.ORG", "ina@example.com"], id="all"),
    ],
)
def test_patterns_of_protected_addresses(pattern: str, kept: list[str]) -> None:
    is_protected = protection([pattern, "other@*", "no.match@example.org"])
    addresses = ["ana@example.org", "Ben@Example.ORG", "ina@example.com"]
    assert [address for address in addresses if is_protected(address)] == kept
    assert not any(map(protection([]), addresses))


ADDRESSES = st.sampled_from([f"{name}@{host}" for name in "abcABC" for host in ("x.org", "Y.org")])
EXTERNAL_IDS = st.none() | st.sampled_from(list("uvwxyz"))
users = st.builds(
    current_user,
    user_id=st.integers(1, 12),
    email=ADDRESSES,
    external_id=EXTERNAL_IDS,
    admin=st.sampled_from([True, False, None]),
)
desired_ones = st.builds(
    DesiredUser,
    id=st.none() | st.integers(1, 12),
    email=ADDRESSES,
    external_id=EXTERNAL_IDS,
    state=st.sampled_from(["present", "active", "absent"]),
)


@given(
    st.lists(desired_ones, max_size=5),
    st.lists(users, max_size=9, unique_by=lambda user: user.id),
    st.lists(st.sampled_from(["a@x.org", "*@y.org", "[bc]@*"]), max_size=2),
    st.randoms(use_true_random=False),
)
def test_a_user_who_is_listed_protected_or_possibly_an_admin_is_never_removed(
    desired: list[DesiredUser], store: list[CurrentUser], patterns: list[str], chance: Any
) -> None:
    policy = RemovalPolicy(exclusive=True, protected=tuple(patterns))
    made = plan_removals(desired, store, policy)
    removed = {change.desired.id for change in made.changes}
    is_protected = protection(patterns)
    for user in store:
        is_listed = any(
            one.id == user.id
            or (one.external_id is not None and one.external_id == user.external_id)
            or (one.email or "").lower() == user.email.lower()
            for one in desired
        )
        stays = is_listed or user.admin is not False or is_protected(user.email)
        assert (user.id in removed) is not stays
    assert made.active == len(store)
    assert len(made.changes) + sum(map(len, made.kept.values())) <= len(store)
    # The order in which the store lists its users must not change the plan's hash.
    chance.shuffle(store)
    assert Plan(plan_removals(desired, store, policy).changes).hash == Plan(made.changes).hash


def test_the_address_is_part_of_the_hash_of_a_removal() -> None:
    plans = [
        Plan(plan_removals([], [current_user(1, **changes)], EXCLUSIVE).changes)
        for changes in ({}, {"email": "other@example.org"})
    ]
    assert plans[0].hash != plans[1].hash


# Of a store that hides external ids: user 1 is listed, 2 is new, 3 would be removed.


def rejected(status: int | None = 422, **fields: list[str]) -> PublicaError:
    return PublicaError("validation", "no", status=status, fields=fields)


def changes_with(
    second: DesiredUser, *, hidden: bool = True, admin: bool = False
) -> list[UserChange]:
    external_ids = {"external_id": None, "returns_external_id": False} if hidden else {}
    current = [current_user(number, admin=admin, **external_ids) for number in (1, 3)]
    desired = [desired_user(1), second]
    made = plan_users(desired, UserIndex(current), TODAY)
    return [*made.changes, *plan_removals(desired, current, EXCLUSIVE).changes]


TAKEN = rejected(external_id=["taken"])


@pytest.mark.parametrize(
    ("error", "blocked"),
    [
        pytest.param(TAKEN, True, id="external id taken"),
        pytest.param(rejected(email=["taken"], plan_id=["no"]), True, id="address taken"),
        pytest.param(rejected(), True, id="rejection without fields"),
        pytest.param(rejected(assign_new_plan=["no"]), False, id="only the plan is rejected"),
        pytest.param(rejected(503), True, id="unknown result"),
        pytest.param(None, False, id="created"),
    ],
)
@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "returned"])
def test_a_failed_creation_blocks_removals_if_external_ids_are_hidden(
    error: PublicaError | None, blocked: bool, hidden: bool
) -> None:
    reason = removals_blocked_by(changes_with(desired_user(2), hidden=hidden), {1: error})
    assert (reason is not None) is (blocked and hidden)
    if reason is not None:
        assert "user2@example.org" in reason


def test_a_hidden_external_id_as_the_only_key_blocks_removals() -> None:
    changes = changes_with(DesiredUser(external_id="ext-3"))
    assert changes[1].error is not None
    assert removals_blocked_by(changes, {}) is not None


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        # User 3, the only one who is not listed, is an admin.
        pytest.param(changes_with(desired_user(2), admin=True), {1: TAKEN}, id="no removal"),
        pytest.param(changes_with(desired_user(2, state="absent")), {1: TAKEN}, id="absent"),
        pytest.param(changes_with(desired_user(2)), {0: TAKEN}, id="a user who was found"),
    ],
)
def test_other_errors_do_not_block_removals(
    changes: list[UserChange], errors: dict[int, PublicaError | None]
) -> None:
    assert removals_blocked_by(changes, errors) is None


OTHER = "0" * 16


def policy(limit: str = "10%", approve: str | None = None, exclusive: bool = True) -> RemovalPolicy:
    return RemovalPolicy(exclusive=exclusive, limit=read_limit(limit), approve=approve)


def plan(listed: int, removals: int, **changes: bool) -> Plan:
    """A plan over the users of a store, in which the last ones are not listed."""
    store = [current_user(number) for number in range(1, listed + removals + 1)]
    desired = [desired_user(number, **changes) for number in range(1, listed + 1)]
    made = plan_users(desired, UserIndex(store), TODAY)
    return Plan([*made.changes, *plan_removals(desired, store, EXCLUSIVE).changes])


def check(made: Plan, rules: RemovalPolicy, *, complete: bool = True) -> GuardViolation | None:
    return check_guards(made, rules, active=len(made.changes), complete=complete)


def violation(made: Plan, rules: RemovalPolicy, *, complete: bool = True) -> GuardViolation:
    found = check(made, rules, complete=complete)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("limit", "removals", "passes"),
    [
        pytest.param("3", 3, True, id="at the number"),
        pytest.param("3", 4, False, id="above the number"),
        pytest.param("0", 1, False, id="none allowed"),
    ],
)
def test_the_limit(limit: str, removals: int, passes: bool) -> None:
    found = check(plan(20 - removals, removals), policy(limit))
    assert (found is None) is passes
    if found is not None:
        assert (found.code, found.deactivations) == ("too_many_deactivations", removals)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 100))
def test_the_limit_in_percent(listed: int, removals: int, percentage: int) -> None:
    found = check(plan(listed, removals), policy(f"{percentage}%"))
    assert (found is None) is (100 * removals <= percentage * (listed + removals))


def test_a_refusal_names_the_count_the_limit_the_first_users_and_the_remedy() -> None:
    made = plan(43, 7)
    found = violation(made, policy())
    assert (found.deactivations, found.limit, found.active) == (7, 5, 50)
    for part in (
        "7 users",
        "allows 5 (10% of 50 active users)",
        "user44@example.org",
        "user48@example.org and 2 more",
        "max_deactivations",
        f"approve: '{made.hash}'",
    ):
        assert part in found.message
    assert "user49@example.org" not in found.message


@pytest.mark.parametrize(
    ("removals", "parts"),
    [
        (1, ("1 user is", "allows 0: user3@example.org.")),
        (5, ("5 users are", "user7@example.org.")),
        (6, ("6 users are", "user7@example.org and 1 more.")),
    ],
)
def test_a_refusal_names_at_most_five_users(removals: int, parts: tuple[str, ...]) -> None:
    message = violation(plan(2, removals), policy("0")).message
    assert all(part in message for part in parts)


def test_users_with_the_state_absent_do_not_count() -> None:
    store = [current_user(number) for number in range(1, 5)]
    desired = [desired_user(number, state="absent") for number in range(1, 5)]
    made = plan_users(desired, UserIndex(store), TODAY)
    assert made.requests == 4
    assert check(made, policy("0")) is None


def test_the_approval_of_a_plan_overrides_the_limit() -> None:
    made = plan(1, 9)
    assert check(made, policy("0", made.hash)) is None


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("listed", [1, 3])
def test_a_plan_that_is_not_the_approved_one_is_refused(exclusive: bool, listed: int) -> None:
    made = plan(listed, 0, admin=True)
    found = violation(made, policy("100%", OTHER, exclusive))
    assert (found.code, found.deactivations) == ("not_approved", 0)
    assert (found.limit, found.active) == ((listed, listed) if exclusive else (None, None))
    requests = "(1 request)" if listed == 1 else f"({listed} requests)"
    for part in (f"approve: '{made.hash}'", OTHER, requests):
        assert part in found.message


def test_the_removals_of_a_plan_that_is_not_approved_are_named() -> None:
    found = violation(plan(0, 2), policy("100%", OTHER))
    assert found.deactivations == 2
    for part in ("2 users", "(2 requests)", "user1@example.org, user2@example.org"):
        assert part in found.message


def test_a_plan_without_a_request_needs_no_approval() -> None:
    assert check(plan(3, 0), policy("0", OTHER)) is None


@pytest.mark.parametrize("removals", [0, 2])
def test_an_incomplete_list_is_refused_even_if_the_plan_is_approved(removals: int) -> None:
    made = plan(3, removals)
    for rules in (policy("100%"), policy("100%", made.hash)):
        found = violation(made, rules, complete=False)
        assert (found.code, found.limit, found.active) == ("incomplete_listing", None, None)
        assert found.deactivations == removals
        assert f"{len(made.changes)} users" in found.message
    assert check(made, policy(exclusive=False), complete=False) is None


@pytest.mark.parametrize("limit", ["0", "100%"])
def test_an_empty_list_is_refused_with_exclusive(limit: str) -> None:
    with pytest.raises(PublicaError, match="exclusive: false") as refused:
        refuse_empty_list(policy(limit, OTHER), [])
    assert refused.value.code == "empty_list"
    refuse_empty_list(policy(limit, exclusive=False), [])
    refuse_empty_list(policy(limit), [desired_user(1)])


def test_without_removals_keeps_the_other_changes() -> None:
    made = plan(3, 2, admin=True)
    left = without_removals(made)
    assert list(left.changes) == list(made.changes)[:3]
    assert (made.requests, left.requests) == (5, 3)
