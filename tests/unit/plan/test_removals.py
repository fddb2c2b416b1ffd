# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is removed, who never is, and when nobody is after all."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.policy import RemovalPolicy
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan, UserChange
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.plan.removals import (
    plan_removals,
    protection,
    removals_blocked_by,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    desired_user,
    only_steps,
)
from hypothesis import given
from hypothesis import strategies as st

EVERYBODY = RemovalPolicy(exclusive=True)
STORE = [current_user(number) for number in (1, 2, 3)]


def removed(
    desired: list[DesiredUser], store: list[CurrentUser], policy: RemovalPolicy = EVERYBODY
) -> list[int]:
    plans = plan_removals(desired, store, policy).changes
    return [plan.current.id for plan in plans if plan.current is not None]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"email": "USER2@example.org"}, id="address in other letters"),
        pytest.param({"external_id": "ext-2"}, id="external id"),
        pytest.param({"id": 2}, id="id"),
        pytest.param({"email": "new@example.org", "external_id": "ext-2"}, id="another address"),
        pytest.param({"email": "user2@example.org", "external_id": "new"}, id="another id"),
        pytest.param({"email": "user2@example.org", "state": "absent"}, id="absent by name"),
    ],
)
def test_one_key_in_common_is_enough_to_stay(keys: dict[str, Any]) -> None:
    assert removed([DesiredUser(**keys)], STORE) == [1, 3]


def test_keys_that_point_at_two_users_spare_both() -> None:
    conflicting = DesiredUser(email="user1@example.org", external_id="ext-3")
    assert plan_users([conflicting], UserIndex(STORE), TODAY).changes[0].error is not None
    assert removed([conflicting], STORE) == [2]


def test_removals_come_after_the_input_and_by_id() -> None:
    made = plan_removals([desired_user(2)], reversed(STORE), EVERYBODY)
    assert [plan.index for plan in made.changes] == [1, 2]
    assert [plan.desired.id for plan in made.changes] == [1, 3]
    assert not any(plan.listed for plan in made.changes)
    assert {plan.desired.state for plan in made.changes} == {"absent"}
    assert (made.active, made.kept) == (3, 0)


@pytest.mark.parametrize(
    ("force_logout", "steps"),
    [(False, ["deactivate"]), (True, ["force_logout", "deactivate"])],
)
def test_whoever_is_removed_is_logged_out_first_on_request(
    force_logout: bool, steps: list[str]
) -> None:
    policy = RemovalPolicy(exclusive=True, force_logout=force_logout)
    made = plan_removals([], STORE[:1], policy)
    assert [endpoint for endpoint, _ in only_steps(Plan(made.changes))] == steps


def test_whoever_has_no_address_is_named_by_the_external_id() -> None:
    [made] = plan_removals([], [current_user(1, email="")], EVERYBODY).changes
    assert made.desired.label == "external_id ext-1"


def test_admins_and_those_who_may_be_are_kept() -> None:
    store = [
        current_user(1, admin=True),
        current_user(2, admin=None),
        current_user(3, plan_admin=True),
    ]
    made = plan_removals([], store, EVERYBODY)
    assert [plan.desired.id for plan in made.changes] == [3]
    assert made.kept == 2
    [warning] = made.warnings
    assert warning.label == "user2@example.org"
    assert "is an admin" in warning.text


def test_of_protected_users_whose_rights_are_unknown_there_is_nothing_to_say() -> None:
    policy = RemovalPolicy(exclusive=True, protected=("user2@*",))
    made = plan_removals([], [current_user(2, admin=None)], policy)
    assert (made.changes, made.kept, made.warnings) == ([], 1, [])


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        pytest.param("ana@example.org", ["ana@example.org"], id="an address"),
        pytest.param("*@example.org", ["ana@example.org", "Ben@Example.ORG"], id="a domain"),
        pytest.param("?na@example.*", ["ana@example.org", "ina@example.com"], id="one letter"),
        pytest.param("[ai]na@*", ["ana@example.org", "ina@example.com"], id="some letters"),
        pytest.param("[!a]na@*", ["ina@example.com"], id="other letters"),
        pytest.param("example.org", [], id="a part is no pattern"),
        pytest.param("*", ["ana@example.org", "Ben@Example.ORG", "ina@example.com"], id="all"),
    ],
)
def test_patterns_of_protected_addresses(pattern: str, kept: list[str]) -> None:
    is_protected = protection([pattern, "nobody@*", "no.body@example.org"])
    addresses = ["ana@example.org", "Ben@Example.ORG", "ina@example.com"]
    assert [address for address in addresses if is_protected(address)] == kept


def test_without_patterns_nobody_is_protected() -> None:
    assert not protection([])("ana@example.org")


ADDRESSES = st.sampled_from([f"{name}@{host}" for name in "abcABC" for host in ("x.org", "Y.org")])
users = st.builds(
    current_user,
    user_id=st.integers(1, 12),
    email=ADDRESSES,
    external_id=st.none() | st.sampled_from(list("uvwxyz")),
    admin=st.sampled_from([True, False, None]),
)
wishes = st.builds(
    DesiredUser,
    id=st.none() | st.integers(1, 12),
    email=ADDRESSES,
    external_id=st.none() | st.sampled_from(list("uvwxyz")),
    state=st.sampled_from(["present", "active", "absent"]),
)
protections = st.lists(st.sampled_from(["a@x.org", "*@y.org", "[bc]@*"]), max_size=2)


@given(
    st.lists(wishes, max_size=5),
    st.lists(users, max_size=9, unique_by=lambda user: user.id),
    protections,
    st.randoms(use_true_random=False),
)
def test_nobody_is_removed_who_is_listed_protected_or_perhaps_an_admin(
    desired: list[DesiredUser], store: list[CurrentUser], patterns: list[str], chance: Any
) -> None:
    policy = RemovalPolicy(exclusive=True, protected=tuple(patterns))
    made = plan_removals(desired, store, policy)
    gone = {plan.desired.id for plan in made.changes}
    is_protected = protection(patterns)
    for user in store:
        is_listed = any(
            wish.id == user.id
            or (wish.external_id is not None and wish.external_id == user.external_id)
            or (wish.email or "").lower() == user.email.lower()
            for wish in desired
        )
        stays = is_listed or user.admin is not False or is_protected(user.email)
        assert (user.id in gone) is not stays
    assert made.active == len(store)
    assert len(made.changes) + made.kept <= len(store)
    # The order in which the store lists its users must not change the plan's hash.
    chance.shuffle(store)
    assert Plan(plan_removals(desired, store, policy).changes).hash == Plan(made.changes).hash


def test_the_hash_of_a_removal_knows_the_address_that_was_reviewed() -> None:
    first = Plan(plan_removals([], [current_user(1)], EVERYBODY).changes)
    other = Plan(plan_removals([], [current_user(1, email="other@example.org")], EVERYBODY).changes)
    assert first.hash != other.hash


# Where external ids are hidden: user 1 is listed, 2 is new, 3 would be removed.

HIDDEN: dict[str, Any] = {"external_id": None, "returns_external_id": False}


def refused(status: int | None = 422, **fields: list[str]) -> PublicaError:
    return PublicaError("validation", "no", status=status, fields=fields)


def plans_of(second: DesiredUser, **store: Any) -> list[UserChange]:
    current = [current_user(number, **store) for number in (1, 3)]
    desired = [desired_user(1), second]
    made = plan_users(desired, UserIndex(current), TODAY)
    return [*made.changes, *plan_removals(desired, current, EVERYBODY).changes]


@pytest.mark.parametrize(
    ("error", "held"),
    [
        pytest.param(refused(external_id=["taken"]), True, id="external id taken"),
        pytest.param(refused(email=["taken"], plan_id=["no"]), True, id="address taken"),
        pytest.param(refused(), True, id="a refusal that names no field"),
        pytest.param(refused(assign_new_plan=["no"]), False, id="only the plan is refused"),
        pytest.param(refused(503), True, id="never found out"),
        pytest.param(None, False, id="created"),
    ],
)
@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "told"])
def test_whoever_could_not_be_created_may_be_the_one_to_be_removed(
    error: PublicaError | None, held: bool, hidden: bool
) -> None:
    plans = plans_of(desired_user(2), **(HIDDEN if hidden else {}))
    reason = removals_blocked_by(plans, {1: error})
    assert (reason is not None) is (held and hidden)
    if reason is not None:
        assert "user2@example.org" in reason


def test_a_user_named_by_a_hidden_key_alone_may_be_anybody() -> None:
    plans = plans_of(DesiredUser(external_id="ext-3"), **HIDDEN)
    assert plans[1].error is not None
    assert removals_blocked_by(plans, {}) is not None


def test_where_nobody_is_to_be_removed_nothing_is_held_back() -> None:
    # User 3, the only one who is not listed, is an admin.
    plans = plans_of(desired_user(2), admin=True, **HIDDEN)
    assert all(plan.listed for plan in plans)
    assert removals_blocked_by(plans, {1: refused()}) is None


def test_who_is_absent_may_be_removed_as_well() -> None:
    plans = plans_of(desired_user(2, state="absent"), **HIDDEN)
    assert removals_blocked_by(plans, {1: refused()}) is None


def test_a_failure_of_somebody_who_was_found_holds_nothing_back() -> None:
    plans = plans_of(desired_user(2), **HIDDEN)
    assert removals_blocked_by(plans, {0: refused(external_id=["taken"])}) is None
