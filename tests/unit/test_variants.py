# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nineteen API variants that the documentation leaves open (docs/open-choices.md).

It is unknown which variants a store has, so the result must be the same under all of them.
Variant 7 is tested in store/test_user.py, variant 12 in apply/test_writes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.client import limiter as limiter_module
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.clock import Clock
from ansible_collections.publica.la.tests.unit.support.records import (
    BARE,
    FULL,
    RIGHTS,
    SIMPLE,
    Held,
    StoredUser,
)
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore

USERS = "/integration-api/v1/dashboard/users"
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


@LOOKUPS
@each("empty_is_404", BOTH)
def test_variant_04_an_empty_list_may_be_a_404(empty_is_404: bool, lookup: str) -> None:
    store = FakeStore(empty_is_404=empty_is_404)
    assert actions(store, ana(), joana(), lookup=lookup) == [("create",), ("create",)]


@pytest.mark.parametrize(
    "variants",
    [
        pytest.param({"paginator": BARE}, id="bare"),
        pytest.param({"paginator": FULL}, id="full"),
        pytest.param({"paginator": SIMPLE}, id="only next page"),
        pytest.param({"paginator": BARE, "page_size": 15}, id="bare, clamped"),
        pytest.param({"paginator": FULL, "page_size": 15}, id="full, clamped"),
        pytest.param({"pages_as_objects": True}, id="objects with gaps"),
        pytest.param({"ignores_page": True}, id="bare, page ignored"),
        pytest.param({"paginator": FULL, "ignores_page": True}, id="full, page ignored"),
    ],
)
@LOOKUPS
def test_variant_05_every_paginator_is_read_completely(
    variants: dict[str, Any], lookup: str
) -> None:
    users = [StoredUser(n, f"user{n}@example.org", f"E{n}") for n in range(1, 241)]
    store = FakeStore(*users, **variants)
    rows = [row(user.email, user.external_id or "") for user in users]
    assert actions(store, *rows, lookup=lookup) == [()] * 240
    assert store.writes == []


@each("form", ["json", "number", "text"])
def test_variant_06_booleans_in_every_form(form: str) -> None:
    rights = {"admin": True, "plan_admin": False, "only_sees_readable": True}
    assert actions(store_of(booleans=form), joana(**rights)) == [()]
    store = store_of(booleans=form)
    actions(store, joana(admin=False), row("new@example.org", "N", **rights))
    bodies = {call.method: call.body or {} for call in store.writes}
    put, post = bodies["PUT"], bodies["POST"]
    assert [put[name] for name in rights] == [0, 0, 1]
    assert not any(isinstance(put[name], bool) for name in rights)
    assert [post[name] for name in rights] == [True, False, True]
    assert all(isinstance(post[name], bool) for name in rights)


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


@each("replaces", BOTH)
def test_variant_09_an_update_may_replace_or_merge(replaces: bool) -> None:
    store = store_of(put_replaces=replaces)
    assert actions(store, joana(plan_admin=True)) == [("update",)]
    user = store.users[2]
    assert (user.email, user.external_id) == ("joana@example.org", "J")
    assert (user.admin, user.plan_admin, user.only_sees_readable) == (True, True, True)
    assert user.sessions_limit == 3
    sent = set(store.writes[-1].body or {})
    assert sent == {"email", "external_id", "sessions_limit", *RIGHTS}


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


@each("form", ["plan_id", "nested"])
@each("ends", ["date", "time"])
def test_variant_11_plans_in_every_form(form: str, ends: str) -> None:
    store = store_of(plans=form, plan_ends=ends)
    assert actions(store, joana(plan_id=4, plan_valid_to="2030-01-31")) == [()]
    assert actions(store, joana(plan_id=4)) == [()]
    assert actions(store, joana(plan_id=4, plan_valid_to="2030-06-30")) == [("assign_plan",)]


@each("form", ["hidden", "missing"])
def test_variant_11_a_plan_is_not_assigned_if_the_held_ones_are_unknown(form: str) -> None:
    store = store_of(plans=form)
    new = row("new@example.org", "N", plan_id=5)
    held, created = run(store, joana(plan_id=5), new)
    assert (held.actions, created.actions) == ((), ("create",))
    assert [warning.label for warning in held.warnings] == ["joana@example.org"]
    assert [plan.plan_id for plan in store.users[2].plans] == [4]
    assert [plan.plan_id for plan in store.by_email("new@example.org").plans] == [5]


@each("path", ["table", "example"])
def test_variant_13_a_forced_logout_has_one_of_two_paths(path: str) -> None:
    store = store_of(logout_path=path)
    rows = [ana(admin=True, force_logout=True), joana(admin=False, force_logout=True)]
    assert actions(store, *rows) == [("update", "force_logout")] * 2
    assert [user.sessions_ended for user in store.users.values()] == [1, 1, 0]
    # The path that worked is tried first from then on.
    posts = [call for call in store.writes if call.method == "POST"]
    assert len(posts) == {"table": 2, "example": 3}[path]


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


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Reply(502, "<html>Bad Gateway</html>"), id="502"),
        pytest.param(Reply(503, "<html>Maintenance</html>"), id="503"),
        pytest.param(Reply(200, "<html>Sign in</html>"), id="HTML with a 200"),
    ],
)
@each("method", ["GET", "PUT", "POST", "DELETE"])
def test_variant_14_a_page_of_a_proxy_is_a_lost_response(page: Reply, method: str) -> None:
    store = store_of()
    store.answer_instead(method, page)
    rows = [ana(admin=True), row("new@example.org", "N"), joana(state="absent")]
    assert actions(store, *rows) == [("update",), ("create",), ("deactivate",)]
    assert len(store.users) == 4


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Retry-After": "30"}, id="Retry-After"),
        pytest.param(
            {"X-RateLimit-Reset": "1621344563", "Date": "Tue, 18 May 2021 13:28:53 GMT"},
            id="Reset, another clock",
        ),
        pytest.param({"X-RateLimit-Reset": "1030"}, id="Reset, no Date"),
        pytest.param(
            {
                "Retry-After": "30",
                "X-RateLimit-Reset": "1621344563",
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": "0",
            },
            id="all headers",
        ),
        pytest.param({}, id="no headers"),
    ],
)
def test_variant_15_a_429_causes_a_wait(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(limiter_module, "time", clock)
    store = store_of()
    store.answer_instead("PUT", Reply(429, {"message": "Too Many Attempts."}, headers))
    api = api_on(store)
    clock.rule(api.transport.limiter)
    [applied] = provision(api, desired_users([ana(admin=True)])).applied
    assert applied.actions == ("update",)
    waited = api.transport.usage()["waited_seconds"]
    assert (30.0 <= waited <= 33.0) if headers else (0.0 < waited <= 62.0)


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


def test_variant_17_paths_are_the_documented_ones() -> None:
    store = store_of()
    rows = [ana(admin=True), joana(state="absent"), ben(state="active")]
    actions(store, *rows, row("new@example.org", "N"))
    paths = {call.line for call in store.calls}
    assert paths == {
        f"GET {USERS}",
        f"POST {USERS}/",
        f"PUT {USERS}/1",
        f"DELETE {USERS}/2",
        f"PUT {USERS}/3/re-activate",
    }


@each("method", ["GET", "POST", "PUT"])
def test_variant_17_no_redirect_is_followed(method: str) -> None:
    store = store_of()
    moved = Reply(301, None, {"Location": f"https://elsewhere.example{USERS}/"})
    store.answer_instead(method, moved)
    rows = [ana(admin=True), row("new@example.org", "N")]
    if method == "GET":
        with pytest.raises(FatalError) as error:
            run(store, *rows)
        assert error.value.code == "redirected"
    else:
        codes = [user.error.code if user.error else None for user in run(store, *rows)]
        assert "redirected" in codes
    assert store.replacements == []
    assert all(call.path.startswith("/integration-api/") for call in store.calls)


@each("carried_out", BOTH)
def test_variant_18_a_plan_is_never_assigned_twice(carried_out: bool) -> None:
    store = store_of()
    store.lose_answer("PUT", carried_out=carried_out)
    wanted = ana(plan_id=4, plan_valid_to="2030-01-31", admin=True)
    assert actions(store, wanted) == [("update", "assign_plan")]
    assert actions(store, wanted) == [()]
    # Another change later does not assign it again either.
    assert actions(store, {**wanted, "admin": False}) == [("update",)]
    assert store.users[1].plans == [Held(4, "2030-01-31")]


def test_variant_19_the_name_of_a_plan_is_only_sent_with_an_assignment() -> None:
    store = store_of()
    named = {"plan_id": 4, "user_plan_name": "Other"}
    rows = [ana(**named), joana(**named, admin=False), row("new@example.org", "N", plan_id=4)]
    assert actions(store, *rows) == [("assign_plan",), ("update",), ("create",)]
    names = {call.path: (call.body or {}).get("user_plan_name") for call in store.writes}
    assert names == {f"{USERS}/1": "Other", f"{USERS}/2": None, f"{USERS}/": None}
