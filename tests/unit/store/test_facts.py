# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reading shows of a store: its headers, the forms of its records, and contradictions."""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError, PublicaError
from ansible_collections.publica.la.plugins.module_utils.store import facts
from ansible_collections.publica.la.plugins.module_utils.store.facts import (
    OTHER,
    UNKNOWN,
    boolean_form,
    plans_form,
    read_facts,
    time_form,
)
from ansible_collections.publica.la.tests.unit.support.builders import TODAY, api_on, store_of
from ansible_collections.publica.la.tests.unit.support.store import (
    BARE,
    FULL,
    PLANS,
    SIMPLE,
    USERS,
    FakeStore,
    Held,
    Reply,
    StoredUser,
)


def found(store: FakeStore, *, share: int = 100, census: bool = False) -> dict[str, Any]:
    read = read_facts(api_on(store, max_retries=0), share=share, census=census, today=TODAY)
    assert store.writes == []
    assert census or len(store.calls) <= 7
    return read


def page(*records: dict[str, Any], **paginator: Any) -> Reply:
    listed = {"current_page": 1, "data": list(records), **paginator}
    return Reply(200, {"CODE": "success", "data": {"paginator": listed}})


def variants_of(store: FakeStore, **options: Any) -> dict[str, Any]:
    variants: dict[str, Any] = found(store, **options)["store"]["variants"]
    return variants


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (True, "boolean"), (False, "boolean"), (1, "number"), (0, "number"), ("1", "text"),
        ("false", "text"), (None, None), ("", None), (2, OTHER), ("maybe", OTHER), (1.0, OTHER),
        ([], OTHER), ({}, OTHER),
    ],
    ids=repr,
)  # fmt: skip
def test_the_form_of_a_boolean(value: Any, form: str | None) -> None:
    assert boolean_form({"admin": value}, "admin") == form
    assert boolean_form({}, "admin") is None


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2021-05-18T13:28:53.000000Z", "iso"), ("2021-05-18 13:28:53", "iso"),
        ({"timestamp": 1621344533, "date": "2021-05-18 13:28:53"}, "object"), (None, None),
        ("", None), ("0000-00-00 00:00:00", None), ({}, None), ("yesterday", OTHER),
        (1621344533, OTHER), (["2021-05-18"], OTHER), ({"date": "soon"}, OTHER), (True, OTHER),
    ],
    ids=repr,
)  # fmt: skip
def test_the_form_of_a_time(value: Any, form: str | None) -> None:
    assert time_form({"created_at": value}, "created_at") == form


@pytest.mark.parametrize(
    ("record", "form"),
    [
        ({"user_plans": [{"plan_id": "12"}]}, "plan_id"),
        ({"user_plans": {"3": {"plan_id": 12, "plan": {"id": 12}}}}, "plan_id"),
        ({"user_plans": [{"plan": {"id": 12}}, {"plan": {"id": 13}}]}, "plan"),
        ({"user_plans": [], "user_plans_count": 0}, None),
        ({"user_plans": []}, None),
        ({"user_plans_count": "0"}, None),
        ({"user_plans": [], "user_plans_count": 2}, "hidden"),
        ({"user_plans_count": 2}, "hidden"),
        ({}, "hidden"),
        ({"user_plans": [{"plan_id": 12}, {"id": 4}]}, OTHER),
        ({"user_plans": [{"plan": 12}]}, OTHER),
        ({"user_plans": ["Campus"]}, OTHER),
        ({"user_plans": "Campus"}, OTHER),
        ({"user_plans": 3}, OTHER),
    ],
    ids=str,
)
def test_the_form_of_plans(record: dict[str, Any], form: str | None) -> None:
    assert plans_form(record, "user_plans") == form


def test_a_small_store_is_seen_completely() -> None:
    store = store_of(3, 1, plans=[Held(12)], paginator=FULL)
    store.plans = [{"id": 12, "name": "Card"}]
    assert found(store) == {
        "changed": False,
        "store": {
            "rate_limit": None,
            "clock_offset_seconds": None,
            "variants": {
                "external_id_returned": True,
                "paginator": "full",
                "per_page_max": 100,
                "search_finds_deactivated": False,
                "list_holds_deactivated": False,
                "plan_rows": "plan_id",
                "plans_list": True,
                "times": "iso",
                "booleans": "boolean",
            },
        },
        "requests_a_minute": None,
        "requests_to_list": 2,
        "unknown": [{"variant": number, "text": text} for number, text in UNKNOWN.items()],
        "warnings": [],
    }
    assert len(store.calls) == 5


def test_what_an_empty_store_does_not_show_is_null() -> None:
    for variants in ({}, {"empty_is_404": True}):
        store = store_of(0, **variants)
        shown = variants_of(store, census=True)
        assert shown.pop("plans_list") is False
        assert shown.pop("paginator") == (None if variants else "minimal")
        assert set(shown.values()) == {None}
        assert len(store.calls) == 3


@pytest.mark.parametrize("paginator", [BARE, SIMPLE, FULL])
def test_the_paginator_and_the_length_of_a_page(paginator: str) -> None:
    shown = variants_of(store_of(20, paginator=paginator, page_size=7))
    assert shown["paginator"] == ("full" if paginator == FULL else "minimal")
    assert shown["per_page_max"] == 7
    # The rest of the list was not read.
    assert shown["list_holds_deactivated"] is None


def test_a_list_that_ends_within_its_first_page_shows_no_length() -> None:
    assert variants_of(store_of(20))["per_page_max"] is None
    assert variants_of(store_of(100))["per_page_max"] == 100


def test_both_ways_to_see_deactivated_users() -> None:
    both = store_of(3, 1, search_finds_deactivated=True, list_holds_deactivated=True)
    shown = variants_of(both)
    assert (shown["search_finds_deactivated"], shown["list_holds_deactivated"]) == (True, True)
    none = variants_of(store_of(3))
    assert (none["search_finds_deactivated"], none["list_holds_deactivated"]) == (None, None)


def test_a_search_with_further_pages_shows_nothing() -> None:
    store = store_of(3, 1, page_size=2)
    others = [{"id": 100 + n, "email": f"user4@example.org.{n}"} for n in range(2)]
    many = page(*others, next_page_url="https://store.example/users?page=2")
    store.before_answer = lambda call: (
        store.answer_instead("GET", many)
        if call.query.get("query") == "user4@example.org"
        else None
    )
    assert variants_of(store)["search_finds_deactivated"] is None


def test_a_census_reads_every_page() -> None:
    plans = [Held(12, "2031-12-31")]
    store = store_of(250, 30, plans=plans, paginator=FULL, list_holds_deactivated=True)
    store.users[1].admin = store.users[2].plan_admin = True
    store.users[3].external_id, store.users[4].external_id = None, "x" * 65
    store.users[5].plans, store.users[6].plans = [], [Held(12, "2020-01-01")]
    store.users[270].admin = True
    read = found(store, census=True)
    assert read["census"] == {
        "active": 250,
        "deactivated": 30,
        "admins": 1,
        "plan_admins": 1,
        "institutions": 0,
        # Fields that the store does not return.
        "anonymized": None,
        "not_editable": None,
        "without_external_id": 1,
        "external_id_too_long": 1,
        "without_plan": 2,
        "requests_to_list": 4,
    }
    assert read["requests_to_list"] == 4
    assert len(store.calls) == 7


def test_a_census_counts_special_accounts() -> None:
    records: list[dict[str, Any]] = [
        {"id": 1, "email": None, "anonymized": True, "can_be_edited": True},
        {"id": 2, "email": "b@example.org", "ip_ranges": ["192.0.2.0/24"], "anonymized": False},
        {"id": 3, "email": "c@example.org", "can_be_edited": "0", "user_plans_count": 0},
    ]
    store = FakeStore()
    store.answer_instead("GET", page(*records, last_page=1))
    census = found(store, census=True)["census"]
    assert {name: census[name] for name in ("anonymized", "institutions", "not_editable")} == {
        "anonymized": 1, "institutions": 1, "not_editable": 1,
    }  # fmt: skip
    hidden = ("admins", "plan_admins", "without_external_id", "external_id_too_long")
    assert [census[name] for name in hidden] == [None] * 4
    # Of two users it is unknown what they hold.
    assert census["without_plan"] is None


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({}, None), ({"X-RateLimit-Limit": "60"}, 60), ({"x-ratelimit-limit": "60"}, 60),
        ({"X-RateLimit-Limit": "0"}, None), ({"X-RateLimit-Limit": "-5"}, None),
        ({"X-RateLimit-Limit": "many"}, None), ({"X-RateLimit-Limit": "9" * 17}, None),
        ({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "5"}, 60),
    ],
    ids=str,
)  # fmt: skip
def test_the_limit_is_that_of_the_headers(headers: dict[str, str], limit: int | None) -> None:
    store = FakeStore()
    store.answer_instead("GET", *(Reply(404, {"message": ""}, headers) for _ in range(3)))
    read = found(store, share=50)
    assert read["store"]["rate_limit"] == limit
    assert read["requests_a_minute"] == (None if limit is None else limit // 2)


def test_a_share_leaves_at_least_one_request() -> None:
    store = FakeStore()
    store.answer_instead("GET", Reply(404, {"message": ""}, {"X-RateLimit-Limit": "3"}))
    assert found(store, share=1)["requests_a_minute"] == 1


@pytest.mark.parametrize("offset", [0, 300, -7200])
def test_the_clock_is_that_of_the_date(offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_780_000_000.5
    monkeypatch.setattr(facts.time, "time", lambda: now)
    store = FakeStore()
    date = email.utils.formatdate(int(now) + offset, usegmt=True)
    store.answer_instead("GET", Reply(404, {"message": ""}, {"Date": date}))
    assert found(store)["store"]["clock_offset_seconds"] == offset


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_clock_without_a_date_is_unknown(date: str) -> None:
    store = FakeStore()
    store.answer_instead("GET", Reply(404, {"message": ""}, {"Date": date} if date else {}))
    assert found(store)["store"]["clock_offset_seconds"] is None


@pytest.mark.parametrize(
    ("reply", "shown", "text"),
    [
        (Reply(403, {"message": "Forbidden"}), False, None),
        (Reply(404, {"message": ""}), False, None),
        # The list exists, and holds no plan.
        (Reply(404, {"message": "No query results for model [Plan]."}), True, None),
        (Reply(200, {"data": []}), True, None),
        (Reply(200, {"plans": []}), None, "has an unknown form. No documentation"),
        (Reply(405, {"message": "x"}), None, "can't be read"),
        (Reply(503, "<html>"), None, "can't be read"),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_the_list_of_plans(reply: Reply, shown: bool | None, text: str | None) -> None:
    store = store_of(1)
    store.answer_instead("GET", reply, path=PLANS)
    read = found(store)
    assert read["store"]["variants"]["plans_list"] is shown
    assert [text in warning for warning in read["warnings"] if text] == [True] * bool(text)
    transient = reply.status == 503
    assert ("report" in str(read["warnings"])) is (text is not None and not transient)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "unauthenticated"), (403, "forbidden"), (500, "store_error")]
)
def test_users_that_cannot_be_read_end_the_task(status: int, code: str) -> None:
    store = store_of(1)
    store.answer_instead("GET", Reply(status, {"message": "No"}), path=USERS)
    with pytest.raises(PublicaError) as raised:
        found(store)
    assert raised.value.code == code


def test_a_token_that_only_the_list_of_plans_refuses_ends_the_task() -> None:
    store = store_of(1)
    store.answer_instead("GET", Reply(401, {"message": "Unauthenticated."}), path=PLANS)
    with pytest.raises(FatalError):
        found(store)


RECORD = {"id": 1, "email": "a@example.org", "user_plans": []}


@pytest.mark.parametrize(
    ("records", "paginator", "text"),
    [
        ([{**RECORD, "created_at": 1621344533}], {}, "created_at has a value of an unknown form"),
        ([{**RECORD, "admin": "maybe"}], {}, "admin has a value"),
        ([{**RECORD, "user_plans": [{"id": 4}]}], {}, "user_plans has a value"),
        ([RECORD, {**RECORD, "id": 2}], {"total": 1}, "counts 1 and holds 2"),
        ([RECORD], {"total": 5, "last_page": 1}, "is incomplete: 1 of 5 were read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_contradiction_is_a_warning(
    records: list[dict[str, Any]], paginator: dict[str, Any], text: str
) -> None:
    store = FakeStore()
    store.answer_instead("GET", page(*records, **{"last_page": 1, **paginator}))
    warnings = found(store)["warnings"]
    [warning] = [one for one in warnings if "did not find" not in one]
    assert text in warning
    assert "Please report it with the output of this task, which holds no secrets." in warning
    # The store of these records does not have their users.
    assert len(warnings) == 2


def test_an_ignored_page_and_an_ignored_query_are_warnings() -> None:
    store = store_of(20, page_size=7, ignores_page=True)
    [warning] = found(store)["warnings"]
    assert "returns its first page again, so only 7 users can be listed" in warning
    everyone = store_of(3)
    record = everyone.users[1].record(everyone.variants)
    everyone.before_answer = lambda call: (
        everyone.answer_instead("GET", page(record))
        if call.query.get("query") == "deactivated"
        else None
    )
    assert any("returns only active ones" in text for text in found(everyone)["warnings"])


def test_nothing_secret_and_no_address_is_returned() -> None:
    store = FakeStore(
        StoredUser(1, "ana@example.org", "staff-1"),
        StoredUser(2, "ben@example.org", "staff-2", deactivated=True),
    )
    text = json.dumps(found(store, census=True))
    assert "@" not in text
    assert "staff-" not in text
    assert "impersonate" not in text


@pytest.mark.parametrize(
    "value", [None, [], {}, "text", 10**30, -1, "9" * 30, 1.5, True, [[]], {"a": []}], ids=repr
)
def test_any_json_in_any_field_is_survived(value: Any) -> None:
    names = (
        *("email", "external_id", "uuid", "admin", "plan_admin", "only_sees_readable"),
        *("anonymized", "can_be_edited", "sessions_limit", "created_at", "deleted_at"),
        *("user_plans", "user_plans_count", "ip_ranges", "referrers", "picture"),
    )
    store = FakeStore()
    paginator = dict.fromkeys(("per_page", "last_page", "total", "next_page_url"), value)
    store.answer_instead("GET", page({"id": 1, **dict.fromkeys(names, value)}, **paginator))
    began = time.monotonic()
    read = found(store)
    assert set(read["store"]["variants"]) == set(variants_of(store_of(1)))
    assert time.monotonic() - began < 20
