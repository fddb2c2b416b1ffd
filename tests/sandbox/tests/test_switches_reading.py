# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switches that change what a list answers."""

from __future__ import annotations

import pytest
from switch_cases import switch

NOON = "2021-05-18T13:28:53.000000Z"


@pytest.fixture
def listed(store, api, setting):
    """Store users, set the switch, list."""

    def read(*users, **parameters):
        for user in users:
            store.add_user(**user)
        store.configure(**setting)
        return api.records(**parameters)

    return read


def emails(records):
    return [record["email"].partition("@")[0] for record in records]


ADA, ADAM = {"email": "Ada@example.org"}, {"email": "xAda@example.org", "external_id": "other"}
GONE = {"email": "gone@example.org", "active": False}


@switch("search_match", {"substring": ["xAda", "Ada"], "exact": ["Ada"]})
def test_search_match(listed, expected):
    assert emails(listed(ADA, ADAM, query="ada@example.org")) == expected


@switch("search_case_sensitive", {True: [], False: ["Ada"]})
def test_search_case_sensitive(listed, expected):
    assert emails(listed(ADA, query="ada@example.org")) == expected


@switch("search_fields", {"email": [], "email_and_external_id": ["xAda"]})
def test_search_fields(listed, expected):
    assert emails(listed(ADA, ADAM, query="other")) == expected


@switch("search_finds_deactivated", {True: ["gone"], False: []})
def test_search_finds_deactivated(listed, expected):
    assert emails(listed(GONE, query="gone@example.org")) == expected


@switch("list_holds_deactivated", {True: ["gone", "Ada"], False: ["Ada"]})
def test_list_holds_deactivated(listed, expected):
    assert emails(listed(ADA, GONE)) == expected


@switch("empty_result", {"page": 200, "not_found": 404})
def test_empty_result(store, api, setting, expected):
    store.configure(**setting)
    assert api.list().status_code == expected
    assert api.list(query="nobody@example.org").status_code == expected
    store.add_user("ada@example.org")
    assert api.list().status_code == 200
    assert api.list(page=2).status_code == expected


BARE = {"current_page", "data"}
FULL = BARE | {
    "first_page_url", "from", "last_page", "last_page_url", "next_page_url", "path", "per_page",
    "prev_page_url", "to", "total",
}  # fmt: skip


@switch("paginator", {"bare": BARE, "full": FULL})
def test_paginator(store, api, setting, expected):
    store.generate_users(25)
    store.configure(**setting)
    paginator = api.list(page=2, per_page=10).json()["data"]["paginator"]
    assert set(paginator) == expected
    if expected is FULL:
        numbers = [paginator[key] for key in ("from", "to", "per_page", "last_page", "total")]
        assert numbers == [11, 20, 10, 3, 25]
        following = api.http.get(paginator["next_page_url"]).json()["data"]["paginator"]
        assert (following["current_page"], following["next_page_url"]) == (3, None)


@switch("per_page_default", {3: 3})
def test_per_page_default(store, listed, expected):
    store.generate_users(5)
    assert len(listed()) == expected


@switch("per_page_max", {3: 3})
def test_per_page_max(store, listed, expected):
    store.generate_users(5)
    assert len(listed(per_page=100)) == expected


@switch("page_ignored", {True: ["xAda"], False: ["Ada"]})
def test_page_ignored(listed, expected):
    assert emails(listed(ADA, ADAM, page=2, per_page=1)) == expected


@switch("list_order", {"newest": ["xAda", "Ada"], "oldest": ["Ada", "xAda"]})
def test_list_order(listed, expected):
    assert emails(listed(ADA, ADAM)) == expected


@switch("shift_between_pages", {"none": [2, 1], "insert": [3, 2], "delete": [1]})
def test_shift_between_pages(store, api, setting, expected):
    store.generate_users(4)
    store.configure(**setting)
    assert [record["id"] for record in api.records(page=1, per_page=2)] == [4, 3]
    assert [record["id"] for record in api.records(page=2, per_page=2)] == expected


@switch(
    "booleans",
    {
        "documented": (True, 1),
        "json": (True, True),
        "integer": (1, 1),
        "string": ("1", "1"),
    },
)
def test_booleans(listed, expected):
    (record,) = listed({**ADA, "admin": True, "only_sees_readable": True})
    seen = record["admin"], record["only_sees_readable"]
    assert [(value, type(value)) for value in seen] == [(v, type(v)) for v in expected]


OBJECT = {"timestamp", "date", "timezone"}


@switch("times", {"documented": (OBJECT, str), "object": (OBJECT, OBJECT), "iso": (str, str)})
def test_times(store, api, setting, expected):
    store.configure(**setting)
    created = api.create().json()["data"]["created_at"]
    (record,) = api.records()
    for seen, form in zip((created, record["created_at"]), expected, strict=True):
        assert isinstance(seen, str) if form is str else set(seen) == form
    assert record["deleted_at"] is None


@switch("external_id_shown", {True: True, False: False})
def test_external_id_shown(listed, expected):
    assert ("external_id" in listed(ADA)[0]) is expected


@switch("numbers_as_strings", {True: str, False: int})
def test_numbers_as_strings(listed, expected):
    (record,) = listed({**ADA, "sessions_limit": 2})
    assert {type(record[key]) for key in ("id", "sessions_limit", "user_plans_count")} == {expected}


@switch(
    "impersonation",
    {
        "both": {"impersonate", "impersonation_url"},
        "impersonate": {"impersonate"},
        "impersonation_url": {"impersonation_url"},
        "none": set(),
    },
)
def test_impersonation(listed, expected):
    assert {key for key in listed(ADA)[0] if key.startswith("impersonat")} == expected


HOLDER = {**ADA, "plans": [{"plan_id": 11, "valid_from": "2030-01-02", "valid_to": "2030-12-31"}]}


@switch(
    "user_plans",
    {
        "plan_id": {"plan_id": 11},
        "nested": {"plan": {"id": 11, "name": "Campus"}},
        "hidden": None,
        "missing": None,
    },
)
def test_user_plans(listed, setting, expected):
    (record,) = listed(HOLDER)
    assert record["user_plans_count"] == 1
    if expected is None:
        assert record.get("user_plans", "missing") == (
            [] if setting["user_plans"] == "hidden" else "missing"
        )
    else:
        (plan,) = record["user_plans"]
        assert plan.items() >= expected.items()
        assert plan["cancelled_at"] is None


@switch(
    "plan_dates",
    {
        "date": "2030-12-31",
        "datetime": "2030-12-31 00:00:00",
        "end_of_day": "2030-12-31 23:59:59",
        "iso": "2030-12-31T00:00:00.000000Z",
        "object": {"timestamp": 1924905600, "date": "2030-12-31 00:00:00", "timezone": "UTC"},
    },
)
def test_plan_dates(listed, expected):
    assert listed(HOLDER)[0]["user_plans"][0]["valid_to"] == expected
