# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API variants (docs/open-choices.md) under each look-up, and those that change a result.

The integration tests provision users under all variants; the packages' tests cover their forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import api_on, desired_users
from ansible_collections.publica.la.tests.unit.support.store import (
    Call,
    FakeStore,
    Held,
    StoredUser,
)

BOTH = [False, True]
LOOKUPS = pytest.mark.parametrize("lookup", ["auto", "list", "search"])


def each(name: str, values: Sequence[Any]) -> pytest.MarkDecorator:
    """All values of one variant."""
    return pytest.mark.parametrize(name, values, ids=str)


def people() -> list[StoredUser]:
    """An active user, an active user with all attributes set, and a deactivated user."""
    return [
        StoredUser(1, "ana@example.org", "A"),
        StoredUser(
            2,
            "joana@example.org",
            "J",
            admin=True,
            only_sees_readable=True,
            sessions_limit=3,
            plans=[Held(4, "2030-01-31", "Gold")],
        ),
        StoredUser(3, "ben@example.org", "B", deactivated=True),
    ]


def store_of(**variants: Any) -> FakeStore:
    return FakeStore(*people(), **variants)


def row(email: str, external_id: str, **options: Any) -> dict[str, Any]:
    return {"email": email, "external_id": external_id, **options}


def ana(**options: Any) -> dict[str, Any]:
    return row("ana@example.org", "A", **options)


def joana(**options: Any) -> dict[str, Any]:
    return row("joana@example.org", "J", **options)


def ben(**options: Any) -> dict[str, Any]:
    return row("ben@example.org", "B", **options)


def run(store: FakeStore, *rows: dict[str, Any], lookup: str = "auto") -> list[AppliedUser]:
    return list(provision(api_on(store), desired_users(rows), lookup=lookup).applied)


def actions(store: FakeStore, *rows: dict[str, Any], lookup: str = "auto") -> list[tuple[str, ...]]:
    applied = run(store, *rows, lookup=lookup)
    assert [user.error for user in applied] == [None] * len(rows)
    return [user.actions for user in applied]


@LOOKUPS
def test_variant_01_a_search_for_an_address_may_find_parts(lookup: str) -> None:
    # "ana@example.org" is a part of "joana@example.org".
    store = store_of()
    assert actions(store, row("ANA@example.org", "A", admin=True), lookup=lookup) == [("update",)]
    assert [user.admin for user in store.users.values()] == [True, True, False]
    assert actions(store_of(), row("na@example.org", "X"), lookup=lookup) == [("create",)]
    assert all("@" not in call.path for call in store.calls)


@LOOKUPS
@each("finds", BOTH)
def test_variant_02_a_search_may_find_deactivated_users(finds: bool, lookup: str) -> None:
    store = store_of(search_finds_deactivated=finds)
    assert actions(store, ben(state="active"), lookup=lookup) == [("reactivate",)]
    store = store_of(search_finds_deactivated=finds)
    assert actions(store, ben(state="absent"), lookup=lookup) == [()]
    # A deactivated user with another external id is no conflict for an absent user.
    store = store_of(search_finds_deactivated=finds)
    gone = row("ben@example.org", "other", state="absent")
    assert actions(store, gone, lookup=lookup) == [()]


@LOOKUPS
@each("holds", BOTH)
def test_variant_03_the_list_may_contain_deactivated_users(holds: bool, lookup: str) -> None:
    store = store_of(list_holds_deactivated=holds)
    rows = [ana(state="active"), ben(state="active"), joana(state="absent")]
    assert actions(store, *rows, lookup=lookup) == [(), ("reactivate",), ("deactivate",)]
    assert [user.deactivated for user in store.users.values()] == [False, True, False]


@each("returned", BOTH)
def test_variant_08_the_external_id_may_not_be_returned(returned: bool) -> None:
    store = store_of(returns_external_id=returned)
    # No user differs, and an update has the external id that it requires.
    assert actions(store, ana(), joana(), ben()) == [(), (), ()]
    assert actions(store, joana(plan_admin=True)) == [("update",)]
    assert (store.writes[-1].body or {})["external_id"] == "J"
    # Without a desired external id, an update needs the returned one.
    [applied] = run(store, {"email": "ana@example.org", "admin": True})
    assert (applied.error is None) is returned


@each("updates", BOTH)
def test_variant_10_an_update_may_find_deactivated_users(updates: bool) -> None:
    store = store_of(updates_deactivated=updates)
    assert actions(store, ben(state="active", admin=True)) == [("reactivate", "update")]
    [applied] = run(store_of(updates_deactivated=updates), ben(admin=True))
    if updates:
        assert applied.actions == ("update",)
        return
    assert applied.error is not None
    assert (applied.error.code, applied.error.status) == ("not_found", 404)
    assert "state: active" in applied.error.message


@each("form", ["hidden", "missing"])
def test_variant_11_a_plan_is_not_assigned_if_the_held_ones_are_unknown(form: str) -> None:
    store = store_of(plans=form)
    new = row("new@example.org", "N", plan_id=5)
    held, created = run(store, joana(plan_id=5), new)
    assert (held.actions, created.actions) == ((), ("create",))
    assert [warning.label for warning in held.warnings] == ["joana@example.org"]
    assert [plan.plan_id for plan in store.users[2].plans] == [4]
    assert [plan.plan_id for plan in store.by_email("new@example.org").plans] == [5]


@each("form", ["errors", "code", "data"])
def test_variant_14_a_422_in_every_form_is_an_error_of_one_user(form: str) -> None:
    store = store_of(rejection=form)

    def create_first(call: Call) -> None:
        if call.method == "POST":
            store.users[9] = StoredUser(9, "late@example.org", "N")

    store.before_answer = create_first
    refused, other = run(store, row("new@example.org", "N"), ana(admin=True))
    assert refused.error is not None
    assert (refused.error.code, refused.error.status) == ("validation", 422)
    assert "already been taken" in refused.error.message
    assert bool(refused.error.fields) is (form != "code")
    assert other.actions == ("update",)


@each("lower_cases", BOTH)
@each("respects_case", BOTH)
@LOOKUPS
def test_variant_16_the_case_of_an_address_never_matters(
    lower_cases: bool, respects_case: bool, lookup: str
) -> None:
    store = store_of(lower_cases=lower_cases, respects_case=respects_case)
    new = row("New.Person@Example.org", "N")
    assert actions(store, new, lookup=lookup) == [("create",)]
    assert actions(store, new, lookup=lookup) == [()]


def test_variant_16_the_address_of_a_deactivated_user_is_taken() -> None:
    [applied] = run(store_of(), row("ben@example.org", "A"))
    assert applied.error is not None
    assert "ben@example.org (id 3" in applied.error.message
