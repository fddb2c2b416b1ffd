# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every value of every switch, and the errors for unknown names and values."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest
from switch_cases import TESTED, cases, switch

from publica_sandbox.control import ControlError
from publica_sandbox.switches import (
    SwitchError,
    Switches,
    change_switches,
    parse_assignments,
    switch_table,
)


def names(records):
    return [record["email"].partition("@")[0] for record in records]


ADA, ADAM = {"email": "Ada@example.org"}, {"email": "xAda@example.org", "external_id": "other"}
GONE = {"email": "gone@example.org", "active": False}
BY_ADDRESS = {"query": "ada@example.org"}
PLAN = {"plan_id": 11, "valid_from": "2030-01-02", "valid_to": "2030-12-31"}
HOLDER = {**ADA, "plans": [PLAN]}


@pytest.mark.parametrize(
    ("setting", "expected", "users", "parameters"),
    [
        *cases(
            "search_match",
            {"substring": ["xAda", "Ada"], "exact": ["Ada"]},
            *((ADA, ADAM), BY_ADDRESS),
        ),
        *cases("search_case_sensitive", {True: [], False: ["Ada"]}, [ADA], BY_ADDRESS),
        *cases(
            "search_fields",
            {"email": [], "email_and_external_id": ["xAda"]},
            *((ADA, ADAM), {"query": "other"}),
        ),
        *cases(
            "search_finds_deactivated",
            {True: ["gone"], False: []},
            *([GONE], {"query": "gone@example.org"}),
        ),
        *cases("list_holds_deactivated", {True: ["gone", "Ada"], False: ["Ada"]}, (ADA, GONE), {}),
        *cases(
            "page_ignored",
            {True: ["xAda"], False: ["Ada"]},
            *((ADA, ADAM), {"page": 2, "per_page": 1}),
        ),
        *cases(
            "list_order",
            {"newest": ["xAda", "Ada"], "oldest": ["Ada", "xAda"]},
            *((ADA, ADAM), {}),
        ),
    ],
)  # fmt: skip
def test_which_users_a_list_holds(configured, api, expected, users, parameters):
    configured.add_users(users)
    assert names(api.records(**parameters)) == expected


@switch("empty_result", {"page": 200, "not_found": 404})
def test_empty_result(configured, api, expected):
    assert api.list().status_code == expected
    assert api.list(query="missing@example.org").status_code == expected
    configured.add_user("ada@example.org")
    assert api.list().status_code == 200
    assert api.list(page=2).status_code == expected


BARE = {"current_page", "data"}
FULL = BARE | {
    "first_page_url", "from", "last_page", "last_page_url", "next_page_url", "path", "per_page",
    "prev_page_url", "to", "total",
}  # fmt: skip


@switch("paginator", {"bare": BARE, "full": FULL})
def test_paginator(configured, api, expected):
    configured.generate_users(25)
    paginator = api.list(page=2, per_page=10).json()["data"]["paginator"]
    assert set(paginator) == expected
    if expected is FULL:
        numbers = [paginator[key] for key in ("from", "to", "per_page", "last_page", "total")]
        assert numbers == [11, 20, 10, 3, 25]
        following = api.http.get(paginator["next_page_url"]).json()["data"]["paginator"]
        assert (following["current_page"], following["next_page_url"]) == (3, None)


@pytest.mark.parametrize(
    ("setting", "expected", "parameters"),
    [
        *cases("per_page_default", {3: 3}, {}),
        *cases("per_page_max", {3: 3}, {"per_page": 100}),
    ],
)
def test_length_of_a_page(configured, api, expected, parameters):
    configured.generate_users(5)
    assert len(api.records(**parameters)) == expected


@switch("shift_between_pages", {"none": [2, 1], "insert": [3, 2], "delete": [1]})
def test_shift_between_pages(configured, api, expected):
    configured.generate_users(4)
    assert [record["id"] for record in api.records(page=1, per_page=2)] == [4, 3]
    assert [record["id"] for record in api.records(page=2, per_page=2)] == expected


@switch(
    "booleans",
    {"documented": (True, 1), "json": (True, True), "integer": (1, 1), "string": ("1", "1")},
)
def test_booleans(configured, api, expected):
    configured.add_user(**ADA, admin=True, only_sees_readable=True)
    (record,) = api.records()
    found = record["admin"], record["only_sees_readable"]
    assert [(value, type(value)) for value in found] == [(v, type(v)) for v in expected]


OBJECT = {"timestamp", "date", "timezone"}


@switch("times", {"documented": (OBJECT, str), "object": (OBJECT, OBJECT), "iso": (str, str)})
@pytest.mark.usefixtures("configured")
def test_times(api, expected):
    created = api.create().json()["data"]["created_at"]
    (record,) = api.records()
    for found, form in zip((created, record["created_at"]), expected, strict=True):
        assert isinstance(found, str) if form is str else set(found) == form
    assert record["deleted_at"] is None


@switch("external_id_shown", {True: True, False: False})
def test_external_id_shown(configured, api, expected):
    configured.add_user(**ADA)
    assert ("external_id" in api.records()[0]) is expected


@switch("numbers_as_strings", {True: str, False: int})
def test_numbers_as_strings(configured, api, expected):
    configured.add_user(**ADA, sessions_limit=2)
    (record,) = api.records()
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
def test_impersonation(configured, api, expected):
    configured.add_user(**ADA)
    assert {key for key in api.records()[0] if key.startswith("impersonat")} == expected


@switch(
    "user_plans",
    {
        "plan_id": {"plan_id": 11},
        "nested": {"plan": {"id": 11, "name": "Campus"}},
        "hidden": [],
        "missing": None,
    },
)
def test_user_plans(configured, api, expected):
    configured.add_user(**HOLDER)
    (record,) = api.records()
    assert record["user_plans_count"] == 1
    if not expected:
        assert record.get("user_plans") == expected
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
def test_plan_dates(configured, api, expected):
    configured.add_user(**HOLDER)
    assert api.records()[0]["user_plans"][0]["valid_to"] == expected


@switch("booleans_accepted", {"any": (200, 200, 204, 204), "documented": (200, 422, 422, 204)})
def test_booleans_accepted(configured, api, expected):
    created = [
        api.create(f"{number}@example.org", admin=form).status_code
        for number, form in enumerate((True, 1))
    ]
    user = configured.add_user("ada@example.org")
    updated = [api.update(user, admin=form).status_code for form in (True, 1)]
    assert (*created, *updated) == expected


@switch("put", {"merge": (5, True, True), "replace": (None, False, False)})
def test_put(configured, api, expected):
    user = configured.add_user("ada@example.org", sessions_limit=5, admin=True, plan_admin=True)
    api.update(user)
    user = configured.user(id=user["id"])
    assert (user["sessions_limit"], user["admin"], user["plan_admin"]) == expected


@pytest.mark.parametrize(
    ("setting", "status", "active", "call"),
    [
        *cases("put_on_deactivated", {"not_found": 404, "ok": 204}, False, "update"),
        *cases("deactivate_again", {"not_found": 404, "ok": 200}, False, "deactivate"),
        *cases("reactivate_again", {"not_found": 404, "ok": 200}, True, "reactivate"),
        *cases("force_logout_deactivated", {"not_found": 404, "ok": 200}, False, "force_logout"),
        *cases("force_logout_answer", {"json": 200, "no_content": 204}, True, "force_logout"),
    ],
)
def test_status_of_a_call(configured, api, status, active, call):
    user = configured.add_user("ada@example.org", active=active)
    argument = user if call == "update" else user["id"]
    assert getattr(api, call)(argument).status_code == status
    if call in ("deactivate", "reactivate"):
        assert configured.user(id=user["id"]) == user


FIELDS = {"external_id": ["The external id field is required."]}


@switch(
    "validation_body",
    {
        "laravel": {"message": "The given data was invalid.", "errors": FIELDS},
        "message": {"CODE": "validation_error", "message": FIELDS["external_id"][0]},
        "data": {"CODE": "validation_error", "data": FIELDS},
    },
)
@pytest.mark.usefixtures("configured")
def test_validation_body(api, expected):
    answer = api.create(external_id=None)
    assert (answer.status_code, answer.json()) == (422, expected)


@switch("emails_lowercased", {True: "ada@example.org", False: "Ada@Example.org"})
def test_emails_lowercased(configured, api, expected):
    user_id = api.create("Ada@Example.org").json()["data"]["id"]
    assert configured.user(id=user_id)["email"] == expected


@switch("assign_again", {"new_row": 2, "once": 1})
def test_assign_again(configured, api, expected):
    user = configured.add_user("ada@example.org")
    for _ in range(2):
        api.update(user, assign_new_plan=11, new_plan_custom_valid_to="2030-01-01")
    assert len(configured.plans_of(user["id"])) == expected
    api.update(user, assign_new_plan=11)
    api.update(user, assign_new_plan=11, new_plan_custom_valid_to="2031-01-01")
    assert len(configured.plans_of(user["id"])) == expected + 2


@switch("user_plan_name", {"stored": "Own name", "ignored": "Campus", "refused": None})
def test_user_plan_name(configured, api, expected):
    user = configured.add_user("ada@example.org")
    answer = api.update(user, assign_new_plan=11, user_plan_name="Own name")
    plan_names = [plan["name"] for plan in configured.plans_of(user["id"])]
    if expected is None:
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"user_plan_name"}
        assert plan_names == []
    else:
        assert plan_names == [expected]


@switch("password_required", {True: 422, False: 200})
@pytest.mark.usefixtures("configured")
def test_password_required(api, expected):
    assert api.create().status_code == expected
    assert api.create("bob@example.org", new_password="Abcd1234").status_code == 200


@switch("external_id_unique", {True: 422, False: 200})
def test_external_id_unique(configured, api, expected):
    configured.add_user("ada@example.org", external_id="x")
    assert api.create("bob@example.org", external_id="x").status_code == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        *cases("forbidden", {True: [403], False: [200]}),
        *cases("rate_limit", {0: [200, 200, 200], 2: [200, 200, 429]}),
    ],
)
@pytest.mark.usefixtures("configured")
def test_statuses_of_reads(api, expected):
    assert [api.list().status_code for _ in expected] == expected


@switch("refuse_writes", {True: True, False: False})
def test_refuse_writes(configured, api, expected):
    user = configured.add_user("ada@example.org")
    answers = [
        api.list(),
        api.create("bob@example.org"),
        api.update(user, admin=1),
        api.deactivate(user["id"]),
        api.reactivate(user["id"]),
        api.force_logout(user["id"]),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, *([423] * 5 if expected else [200, 204, 200, 200, 200])]
    journal = configured.journal()
    assert [entry["refused"] for entry in journal] == [False, *[expected] * 5]
    assert [entry["changed"] for entry in journal] == [False, *[not expected] * 5]


@switch("latency", {0: 0, 60: 0.06})
@pytest.mark.usefixtures("configured")
def test_latency(api, expected):
    started = time.monotonic()
    api.list()
    assert time.monotonic() - started >= expected


@switch("clock_offset", {0: 0, 3600: 3600, -3600: -3600})
def test_clock_offset(configured, api, expected):
    configured.configure(rate_limit=1)
    headers = [api.list().headers, api.list().headers][1]
    ahead = parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
    assert abs(ahead - expected) < 5
    assert 0 < int(headers["X-RateLimit-Reset"]) - time.time() - expected <= 61


@pytest.mark.parametrize(
    ("setting", "expected", "header"),
    [
        *cases("retry_after", {True: True, False: False}, "Retry-After"),
        *cases(
            "rate_limit_reset",
            {"refusals": True, "always": True, "never": False},
            "X-RateLimit-Reset",
        ),
        *cases("date_header", {True: True, False: False}, "Date"),
    ],
)
def test_header_of_a_refusal(configured, api, expected, header):
    configured.configure(rate_limit=1)
    first, refused = api.list(), api.list()
    assert (first.status_code, refused.status_code) == (200, 429)
    assert (header in refused.headers) is expected
    values = configured.switches()
    in_all = {
        "Date": values["date_header"],
        "X-RateLimit-Reset": values["rate_limit_reset"] == "always",
    }
    assert (header in first.headers) is in_all.get(header, False)
    if in_all["X-RateLimit-Reset"]:
        assert 0 < int(first.headers["X-RateLimit-Reset"]) - time.time() <= 61


@switch("rate_limit_window", {0.05: 200})
def test_rate_limit_window(configured, api, expected):
    configured.configure(rate_limit=1)
    started = time.monotonic()
    statuses = [api.list().status_code]
    while statuses[-1] != expected or len(statuses) == 1:
        assert time.monotonic() - started < 5
        statuses.append(api.list().status_code)
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("row", switch_table(), ids=lambda row: row.name)
def test_every_value_has_a_test(row):
    import test_real_stores  # noqa: F401  (it has cases as well)

    known = set(row.values.split(" | ")) - {"number"}
    assert row.name in TESTED
    assert known <= TESTED[row.name]


def test_every_api_variant_has_a_switch():
    assert {row.variant for row in switch_table()} == {None, *range(1, 29)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"puts": "merge"}, "There is no switch 'puts'. The nearest is 'put'."),
        ({"put": "merg"}, "put cannot be 'merg', only merge, replace. The nearest is 'merge'."),
        ({"latency": "fast"}, "latency cannot be 'fast': "),
        ({"latency": -1}, "latency cannot be -1: "),
        ({"forbidden": "maybe"}, "forbidden cannot be 'maybe', only true, false."),
        ({"quite_another": 1}, "There is no switch 'quite_another'."),
    ],
)
def test_unknown_switches_and_values(store, values, message):
    with pytest.raises(SwitchError) as caught:
        change_switches(Switches(), values)
    assert str(caught.value).startswith(message)
    with pytest.raises(ControlError, match=r"cannot be|no switch"):
        store.configure(**values)


def test_assignments_of_the_command_line():
    arguments = ["put=replace", " rate-limit = 5", "forbidden=true"]
    switches = change_switches(Switches(), parse_assignments(arguments))
    assert (switches.put, switches.rate_limit, switches.forbidden) == ("replace", 5, True)
    with pytest.raises(SwitchError, match="not of the form"):
        parse_assignments(["put"])
