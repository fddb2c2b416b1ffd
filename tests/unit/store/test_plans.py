# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's list of plans in every form, and the warning for a plan that is not in it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import (
    FatalError,
    InvalidInputError,
)
from ansible_collections.publica.la.plugins.module_utils.plan.plan_names import NO_LIST
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned, provision
from ansible_collections.publica.la.plugins.module_utils.store.plans import StorePlan, read_plans
from ansible_collections.publica.la.tests.unit.support.builders import (
    api_on,
    desired_users,
    store_of,
)
from ansible_collections.publica.la.tests.unit.support.store import BARE, FULL, FakeStore, Reply

PLANS = "/integration-api/v1/dashboard/plans"
CAMPUS = {
    "id": 11, "name": "Campus", "type": "recurring", "duration": None, "private": 0,
    "concurrency_limit": None,
}  # fmt: skip
CARD = {
    "id": "12", "name": "Library card", "type": "prepaid", "duration": 12, "private": "true",
    "concurrency_limit": "3",
}  # fmt: skip
READ = [
    StorePlan(11, "Campus", "recurring", None, False, None),
    StorePlan(12, "Library card", "prepaid", 12, True, 3),
]


@pytest.mark.parametrize(
    ("variants", "requests"),
    [
        ({"paginator": FULL}, 1),
        ({"paginator": FULL, "page_size": 1}, 2),
        ({"paginator": FULL, "page_size": 1, "empty_is_404": True}, 2),
        # Without numbers in the paginator, a page without a new plan ends the list.
        ({"paginator": BARE}, 2),
        ({"paginator": BARE, "page_size": 1}, 3),
        ({"paginator": BARE, "empty_is_404": True}, 2),
        ({"paginator": BARE, "ignores_page": True}, 2),
        ({"plain_plans": True}, 2),
        ({"plain_plans": True, "ignores_page": True}, 2),
    ],
    ids=str,
)
def test_plans_are_read_from_all_pages(variants: dict[str, Any], requests: int) -> None:
    store = store_of(0, **variants)
    store.plans = [CAMPUS, CARD]
    assert read_plans(api_on(store)) == READ
    assert store.lines == [f"GET {PLANS}"] * requests
    assert [call.query["per_page"] for call in store.calls] == ["100"] * requests


def test_shorter_page_is_the_last() -> None:
    store = store_of(0, paginator=BARE, page_size=2)
    store.plans = [CAMPUS, CARD, {"id": 13}]
    plans = read_plans(api_on(store))
    assert plans is not None
    assert [plan.id for plan in plans] == [11, 12, 13]
    assert len(store.calls) == 2


@pytest.mark.parametrize("plans", [[CAMPUS, CARD], [CAMPUS, CARD, {"id": 13}]], ids=len)
def test_store_that_ignores_the_page_and_has_more_pages_has_no_complete_list(
    plans: list[dict[str, Any]],
) -> None:
    store = store_of(0, paginator=FULL, page_size=1, ignores_page=True)
    store.plans = plans
    assert read_plans(api_on(store)) is None
    assert len(store.calls) == 2


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param([([1, 2], True), ([3], True), ([4, 5], False)], [1, 2, 3, 4, 5], id="short"),
        pytest.param([([1, 2], True), ([], True)], None, id="empty page that is not the last"),
        pytest.param([([1, 2], True), ([1, 2], True)], None, id="repeated page"),
        pytest.param([([1, 2], True), ([2], False)], None, id="repeated last page"),
        pytest.param([([1, 2], True), ([], False)], [1, 2], id="empty last page"),
    ],
)
def test_a_paginator_that_marks_its_last_page(
    pages: list[tuple[list[int], bool]], expected: list[int] | None
) -> None:
    store = store_of(0)
    left = list(pages)

    def answer(_call: Any) -> None:
        ids, has_next = left.pop(0)
        paginator = {
            "data": [{"id": plan_id} for plan_id in ids],
            "next_page_url": "https://store.example/next" if has_next else None,
        }
        store.answer_instead("GET", Reply(200, {"data": {"paginator": paginator}}))

    store.before_answer = answer
    plans = read_plans(api_on(store))
    assert (None if plans is None else [plan.id for plan in plans]) == expected
    assert left == []


def test_plan_on_two_pages_is_one_plan() -> None:
    store = store_of(0, paginator=FULL, page_size=2)
    store.plans = [CAMPUS, CARD, CARD, {"id": 13}]
    plans = read_plans(api_on(store))
    assert plans is not None
    assert [plan.id for plan in plans] == [11, 12, 13]


def test_plan_with_only_an_id() -> None:
    store = store_of(0)
    store.plans = [{"id": 5}]
    assert read_plans(api_on(store)) == [StorePlan(5)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(Reply(404, {"message": ""}), None, id="no such route"),
        pytest.param(Reply(404, "<html>Not Found</html>"), None, id="page"),
        pytest.param(Reply(404, {"message": "No query results for model [Plan]."}), [], id="none"),
        pytest.param(Reply(403, {"message": "no"}), None, id="403"),
        pytest.param(Reply(405, {"message": "no"}), None, id="405"),
        pytest.param(Reply(301, None, {"Location": "https://other.example/"}), None, id="moved"),
        pytest.param(Reply(200, {"data": {"plans": []}}), None, id="other JSON"),
        pytest.param(Reply(200, [CAMPUS]), None, id="JSON list"),
        pytest.param(Reply(200, {"data": [{"name": "Campus"}]}), None, id="records without ids"),
        pytest.param(Reply(200, {"data": ["Campus"]}), None, id="names"),
        pytest.param(Reply(200, {"CODE": "success", "data": []}), [], id="empty"),
        pytest.param(Reply(200, {"data": {"paginator": {"data": []}}}), [], id="empty paginator"),
    ],
)
def test_list_that_is_not_there(answer: Reply, expected: list[StorePlan] | None) -> None:
    store = store_of(0)
    store.answer_instead("GET", answer)
    assert read_plans(api_on(store)) == expected
    assert len(store.calls) == 1


@pytest.mark.parametrize("page", [1, 2])
def test_list_that_cannot_be_read_completely_is_unknown(page: int) -> None:
    store = store_of(0, paginator=FULL, page_size=1)
    store.plans = [CAMPUS, CARD]
    failures = [Reply(503)] * 3

    def fail(call: Any) -> None:
        if call.query["page"] == str(page) and failures:
            store.answer_instead("GET", failures.pop())

    store.before_answer = fail
    assert read_plans(api_on(store, max_retries=2)) is None
    assert len(store.calls) == 2 + page


def test_refused_token_ends_the_run() -> None:
    store = store_of(0)
    store.answer_instead("GET", Reply(401))
    with pytest.raises(FatalError):
        read_plans(api_on(store))


@pytest.fixture
def store() -> FakeStore:
    """A store with four users and two plans."""
    store = store_of(4)
    store.plans = [CAMPUS, CARD]
    return store


ROWS = [
    {"email": "user1@example.org", "external_id": "ext-1", "plan_id": 999},
    {"email": "new@example.org", "external_id": "N", "plan_id": 999},
    {"email": "user2@example.org", "external_id": "ext-2", "plan_id": 12},
    {"email": "user3@example.org", "external_id": "ext-3", "plan_id": 998, "state": "absent"},
    {"email": "user4@example.org", "external_id": "ext-4", "admin": True},
]


def dry_run(store: Any, rows: list[dict[str, Any]]) -> Provisioned:
    return provision(api_on(store, read_only=True), desired_users(rows))


def test_dry_run_warns_of_plans_that_are_not_listed(store: FakeStore) -> None:
    warnings = [w for user in dry_run(store, ROWS).applied for w in user.warnings]
    assert {w.label for w in warnings} == {"user1@example.org", "new@example.org"}
    assert {w.text for w in warnings} == {
        "plan_id 999 is not in the store's list of plans; check the id"
    }


@pytest.mark.parametrize("plans", [None, []], ids=["no list", "empty list"])
def test_dry_run_without_a_list_of_plans_has_no_warning(plans: list[Any] | None) -> None:
    store = store_of(4)
    store.plans = plans
    assert [w for user in dry_run(store, ROWS).applied for w in user.warnings] == []


def test_plans_are_read_only_in_a_dry_run_that_assigns_some(store: FakeStore) -> None:
    dry_run(store, ROWS[3:])
    provision(api_on(store), desired_users(ROWS))
    assert f"GET {PLANS}" not in store.lines


NAMED: list[dict[str, Any]] = [
    {"email": "user1@example.org", "external_id": "ext-1", "plan_name": "LIBRARY card"},
    {"email": "new@example.org", "external_id": "N", "plan_id": 999},
    {"email": "user2@example.org", "external_id": "ext-2", "plan_id": 11},
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "dry run"])
def test_the_list_of_plans_is_read_once_before_the_users(store: FakeStore, check: bool) -> None:
    provisioned = provision(api_on(store, read_only=check), desired_users(NAMED))
    assert store.lines.count(f"GET {PLANS}") == 2  # the pages of one reading
    assert store.lines[:2] == [f"GET {PLANS}"] * 2
    steps = [dict(step.body) for change in provisioned.plan.changes for step in change.steps]
    assert [body.get("assign_new_plan") for body in steps] == [12, 999, 11]
    texts = [warning.text for user in provisioned.applied for warning in user.warnings]
    assert texts == ["plan_id 999 is not in the store's list of plans; check the id"] * check


def test_bad_names_are_errors_before_the_users_are_read(store: FakeStore) -> None:
    with pytest.raises(InvalidInputError) as error:
        provision(api_on(store), desired_users([*NAMED, {"id": 3, "plan_name": "Librari card"}]))
    assert list(error.value.fields) == ["users[3].plan_name"]
    assert set(store.lines) == {f"GET {PLANS}"}


def test_the_list_of_plans_is_not_read_for_users_without_a_name_or_absent(store: FakeStore) -> None:
    absent = {"email": "user1@example.org", "state": "absent", "plan_name": "No such plan"}
    provision(api_on(store), desired_users([absent, *NAMED[1:]]))
    assert f"GET {PLANS}" not in store.lines


@pytest.mark.parametrize(
    "answer", [Reply(403), Reply(404, {"message": ""}), Reply(500), Reply(200, {"data": []})]
)
def test_a_store_without_a_list_of_plans_needs_ids(answer: Reply) -> None:
    store = store_of(4)
    store.before_answer = lambda call: (
        store.answer_instead("GET", answer) if call.path == PLANS else None
    )
    with pytest.raises(InvalidInputError) as error:
        provision(api_on(store, max_retries=0), desired_users(NAMED))
    assert error.value.fields == {"users[0].plan_name": [NO_LIST]}
    assert {*store.lines} == {f"GET {PLANS}"}
    store.users[1].plans.clear()
    applied = provision(api_on(store, max_retries=0), desired_users(NAMED[1:])).applied
    assert [user.error for user in applied] == [None, None]
