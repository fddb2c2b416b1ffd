# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switches for what real stores do beyond the documented examples (13, 17 and 20 to 28)."""

from __future__ import annotations

import time

import pytest
from api_client import TABLE_USERS, USERS
from switch_cases import switch

from publica_sandbox.database import day_of, months_later

ADA = {"email": "ada@example.org"}
PLAN = {"plan_id": 11, "valid_from": "2030-01-02", "valid_to": "2030-12-31"}
OWN = "the store's own end"
EMPTY_PAGE = {"current_page": 1, "data": []}


@switch(
    "force_logout_path",
    {"table": (200, 404), "example": (404, 200), "both": (200, 200), "auth_sessions": (404, 404)},
)
def test_force_logout_path(configured, api, expected):
    user = configured.add_user("ada@example.org", open_sessions=2)
    answers = [api.force_logout(user["id"], users=path) for path in (TABLE_USERS, USERS)]
    assert tuple(answer.status_code for answer in answers) == expected
    for answer in answers:
        if answer.status_code == 404:
            assert answer.json() == {"message": ""}
    assert api.end_sessions(user["id"]).json() == {"CODE": "success", "data": []}
    user = configured.user(id=user["id"])
    assert (user["open_sessions"], user["forced_logouts"]) == (0, expected.count(200) + 1)
    # Unlike the other paths, this one takes no external id.
    assert api.end_sessions(user["external_id"]).status_code == 404
    assert {row["endpoint"] for row in configured.journal()} <= {"force_logout", None}


@switch(
    "trailing_slash",
    {"both": (200, 200, 200), "with_slash": (200, 301, 301), "without_slash": (301, 200, 301)},
)
def test_trailing_slash(configured, api, expected):
    user = configured.add_user("ada@example.org")
    found = []
    for number, (path, form) in enumerate([(f"{USERS}/", USERS), (USERS, f"{USERS}/")]):
        body = {"email": f"{number}@example.org", "external_id": f"x-{number}"}
        answer = api.http.post(path, json=body)
        found.append((answer, form))
    found.append((api.http.get(f"{USERS}/?query=admins"), f"{USERS}?query=admins"))
    assert tuple(answer.status_code for answer, _ in found) == expected
    for answer, form in found:
        if answer.status_code == 301:
            assert answer.headers["Location"] == f"{configured.base_url}{form}"
    assert len(configured.users()) == 1 + expected[:2].count(200)
    assert api.list().status_code == 200
    api.http.delete(f"{USERS}/{user['id']}/")
    assert configured.user(id=user["id"])["active"] is (expected[2] == 301)


@switch(
    "trailing_slash_answer",
    {
        "redirect": (301, "http://127.0.0.1"),
        "relative_redirect": (301, "/integration-api"),
        "not_found": (404, None),
        "method_not_allowed": (405, None),
        "redirect_elsewhere": (301, "http://localhost"),
    },
)
@pytest.mark.parametrize("form", ["with_slash", "without_slash"])
def test_trailing_slash_answer(configured, api, expected, form):
    configured.configure(trailing_slash=form)
    right, wrong = (f"{USERS}/", USERS) if form == "with_slash" else (USERS, f"{USERS}/")
    body = {"email": "ada@example.org", "external_id": "x"}
    # An anonymous request shows that the answer does not depend on the token.
    for headers in ({}, {"X-User-Token": "wrong"}):
        answer = api.http.post(wrong, json=body, headers=headers)
        assert answer.status_code == expected[0]
    location = answer.headers.get("Location", "")
    if expected[1]:
        assert location.startswith(expected[1])
        assert location.endswith(right)
        followed = api.http.post(location, json=body)
        assert (followed.status_code, len(configured.users())) == (200, 1)
    else:
        assert location == ""
    if expected[0] == 405:
        assert answer.headers["Allow"] == "GET, HEAD"
    assert api.http.post(right, json={**body, "email": "b@b.org"}).status_code in (200, 422)


DAY = "2031-05-06"


@switch(
    "plan_end",
    {
        "kept": (DAY, DAY, None, OWN),
        "dropped_for_recurring": (None, DAY, None, OWN),
        "own": (None, OWN, None, OWN),
    },
)
def test_plan_end(configured, api, expected):
    user = configured.add_user("ada@example.org")
    api.update(user, assign_new_plan=11, new_plan_custom_valid_to=DAY)
    api.update(user, assign_new_plan=12, new_plan_custom_valid_to=DAY)
    api.update(user, assign_new_plan=11)
    api.create("bob@example.org", assign_new_plan=12)
    rows = configured.sql("SELECT valid_to FROM user_plans ORDER BY id")
    own = months_later(day_of(time.time()), 12)
    assert [row["valid_to"] for row in rows] == [own if day == OWN else day for day in expected]


@switch(
    "plan_status",
    {
        "hidden": {},
        "row": {"status": "refunded"},
        "order": {"order": {"id": 7001, "status": "refunded"}},
    },
)
def test_plan_status(configured, api, expected):
    configured.add_user(**ADA, plans=[{**PLAN, "status": "refunded"}])
    (plan,) = api.records()[0]["user_plans"]
    assert {key: plan[key] for key in ("status", "order") if key in plan} == expected


@pytest.mark.parametrize("status", ["cancelled", "refunded", "expired", "error", "dispute_lost"])
def test_an_ended_assignment_does_not_count_as_the_same(store, api, status):
    store.configure(assign_again="once")
    user = store.add_user("ada@example.org", plans=[{"plan_id": 11, "status": status}])
    for _ in range(2):
        api.update(user, assign_new_plan=11)
    plans = store.plans_of(user["id"])
    assert [plan["status"] for plan in plans] == [status, "approved"]


@switch("can_be_edited", {"shown": False, "always_true": True, "missing": None})
def test_can_be_edited(configured, api, expected):
    user = configured.add_user("ada@example.org", can_be_edited=False)
    assert api.records()[0].get("can_be_edited") is expected
    answers = [
        api.update(user, external_id="", admin=1),
        api.deactivate(user["id"]),
        api.reactivate(user["id"]),
        api.force_logout(user["id"]),
        api.end_sessions(user["id"]),
    ]
    for answer in answers:
        message = {"message": "This action is unauthorized."}
        assert (answer.status_code, answer.json()) == (403, message)
    assert configured.user(id=user["id"]) == user
    other = configured.add_user("bob@example.org")
    assert api.update(other, admin=1).status_code == 204


WRITES = ("create", "update", "deactivate", "reactivate", "force_logout")


@switch("writes_forbidden", {"none": (), **{name: (name,) for name in WRITES}, "all": WRITES})
def test_writes_forbidden(configured, api, expected):
    user = configured.add_user("ada@example.org")
    answers = {
        "create": api.create("bob@example.org"),
        "update": api.update(user, admin=1),
        "force_logout": api.force_logout(user["id"]),
        "deactivate": api.deactivate(user["id"]),
        "reactivate": api.reactivate(user["id"]),
    }
    forbidden = {name for name, answer in answers.items() if answer.status_code == 403}
    assert forbidden == set(expected)
    assert api.list().status_code == 200
    assert len(configured.users()) == (1 if "create" in expected else 2)
    assert configured.user(id=user["id"])["admin"] is ("update" not in expected)


@switch("institution_fields", {"lists": [], "null": None, "missing": "missing"})
def test_institution_fields(configured, api, expected):
    networks = ["192.0.2.0/24", "198.51.100.7"]
    configured.add_user("campus@example.org", ip_ranges=networks)
    configured.add_user("library@example.org", referrers=["https://library.example"])
    configured.add_user("ada@example.org")
    reader, library, campus = (
        [record.get(name, "missing") for name in ("ip_ranges", "referrers")]
        for record in api.records()
    )
    assert reader == [expected, expected]
    assert library == [expected, ["https://library.example"]]
    assert campus == [networks, expected]


@switch("anonymized_email", {"null": None, "replaced": "anonymized-2@example.invalid"})
def test_anonymized_email(configured, api, expected):
    configured.add_user("ada@example.org")
    user = configured.add_user("gone@example.org", external_id="x-2", anonymized=True)
    assert (user["email"], user["anonymized"], user["external_id"]) == (None, True, "x-2")
    record = api.records()[0]
    assert (record["email"], record["anonymized"]) == (expected, True)
    assert api.records(query="gone@example.org") == []
    shown = "ANONYMIZED-2@example.invalid"
    assert [record["id"] for record in api.records(query=shown)] == ([2] if expected else [])
    assert api.create("gone@example.org").status_code == 200


@switch("anonymized_shown", {True: [False, True], False: [None, None]})
def test_anonymized_shown(configured, api, expected):
    configured.add_users([{"email": None, "external_id": "x", "anonymized": True}, ADA])
    assert [record.get("anonymized") for record in api.records()] == expected


RIGHTS = ("admin", "plan_admin", "only_sees_readable")
FOUR = (*RIGHTS, "sessions_limit")


@switch("list_leaves_out", {"none": (), **{name: (name,) for name in FOUR}, "all": FOUR})
def test_list_leaves_out(configured, api, expected):
    values = dict.fromkeys(RIGHTS, True)
    user = configured.add_user(**ADA, sessions_limit=3, **values)
    (record,) = api.records()
    assert {name for name in FOUR if name not in record} == set(expected)
    assert ("role" in record) is ("admin" not in expected)
    assert set(FOUR) <= set(api.create("bob@example.org").json()["data"])
    # What is not sent is emptied, also where no list shows it.
    configured.configure(put="replace")
    api.update(user, **{name: int(record[name]) for name in FOUR[:3] if name in record})
    changed = configured.user(id=user["id"])
    assert {name for name in RIGHTS if not changed[name]} == set(expected) - {FOUR[3]}
    assert changed["sessions_limit"] is None


@switch(
    "plans_list",
    {
        "paginator": [13, 12, 11],
        "list": [11, 12, 13],
        "not_found": (404, {"message": ""}),
        "forbidden": (403, {"message": "This action is unauthorized."}),
        "empty": [],
    },
)
def test_plans_list(configured, api, expected):
    answer = api.plans()
    if isinstance(expected, tuple):
        assert (answer.status_code, answer.json()) == expected
        return
    data = answer.json()["data"]
    plans = data if isinstance(data, list) else data["paginator"]["data"]
    assert [plan["id"] for plan in plans] == expected
    assert {frozenset(plan) for plan in plans} <= {
        frozenset({"id", "name", "type", "duration", "private", "concurrency_limit"})
    }
    hidden = configured.add_plan("Hidden", listed=False)
    user = configured.add_user(**ADA)
    assert api.update(user, assign_new_plan=hidden).status_code == 204
    assert api.plans(query="hidden").json()["data"] in ([], {"paginator": EMPTY_PAGE})


@switch("external_id_max", {64: (204, 422), 250: (204, 204)})
def test_external_id_max(configured, api, expected):
    user = configured.add_user(**ADA)
    statuses = [api.update(user, external_id="x" * length).status_code for length in (64, 65)]
    assert tuple(statuses) == expected
    assert api.create("b@b.org", external_id="y" * 251).status_code == 422
