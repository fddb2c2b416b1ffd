# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switches that change what a write does or answers."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest
from api_client import TABLE_USERS, USERS
from switch_cases import switch


@pytest.fixture
def configured(store, setting):
    store.configure(**setting)
    return store


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


@switch("put_on_deactivated", {"not_found": 404, "ok": 204})
def test_put_on_deactivated(configured, api, expected):
    user = configured.add_user("ada@example.org", active=False)
    assert api.update(user).status_code == expected


@switch("deactivate_again", {"not_found": 404, "ok": 200})
def test_deactivate_again(configured, api, expected):
    user = configured.add_user("ada@example.org", active=False)
    assert api.deactivate(user["id"]).status_code == expected
    assert configured.user(id=user["id"]) == user


@switch("reactivate_again", {"not_found": 404, "ok": 200})
def test_reactivate_again(configured, api, expected):
    user = configured.add_user("ada@example.org")
    assert api.reactivate(user["id"]).status_code == expected


@switch("force_logout_path", {"table": (200, 404), "example": (404, 200), "both": (200, 200)})
def test_force_logout_path(configured, api, expected):
    user = configured.add_user("ada@example.org")
    answers = [api.force_logout(user["id"], users=path) for path in (TABLE_USERS, USERS)]
    assert tuple(answer.status_code for answer in answers) == expected
    for answer in answers:
        if answer.status_code == 404:
            assert answer.json() == {"message": ""}


@switch("force_logout_deactivated", {"not_found": 404, "ok": 200})
def test_force_logout_deactivated(configured, api, expected):
    user = configured.add_user("ada@example.org", active=False)
    assert api.force_logout(user["id"]).status_code == expected


@switch("force_logout_answer", {"json": 200, "no_content": 204})
def test_force_logout_answer(configured, api, expected):
    user = configured.add_user("ada@example.org")
    assert api.force_logout(user["id"]).status_code == expected


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


@switch("trailing_slash", {"lenient": False, "strict": True})
def test_trailing_slash(configured, api, expected):
    user = configured.add_user("ada@example.org")
    for method, path, form in [
        ("POST", USERS, f"{USERS}/"),
        ("GET", f"{USERS}/?query=admins", f"{USERS}?query=admins"),
        ("DELETE", f"{USERS}/{user['id']}/", f"{USERS}/{user['id']}"),
    ]:
        answer = api.http.request(method, path)
        if expected:
            assert answer.status_code == 301
            assert answer.headers["Location"] == f"{configured.base_url}{form}"
        else:
            assert answer.status_code in (200, 422)
    assert api.create("bob@example.org").status_code == 200
    assert api.list().status_code == 200
    assert configured.user(id=user["id"])["active"] is expected


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
    names = [plan["name"] for plan in configured.plans_of(user["id"])]
    if expected is None:
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"user_plan_name"}
        assert names == []
    else:
        assert names == [expected]


@switch("password_required", {True: 422, False: 200})
@pytest.mark.usefixtures("configured")
def test_password_required(api, expected):
    assert api.create().status_code == expected
    assert api.create("bob@example.org", new_password="Abcd1234").status_code == 200


@switch("external_id_unique", {True: 422, False: 200})
def test_external_id_unique(configured, api, expected):
    configured.add_user("ada@example.org", external_id="x")
    assert api.create("bob@example.org", external_id="x").status_code == expected


@switch("forbidden", {True: 403, False: 200})
@pytest.mark.usefixtures("configured")
def test_forbidden(api, expected):
    assert api.list().status_code == expected


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


@switch("retry_after", {True: True, False: False})
def test_retry_after(configured, api, expected):
    configured.configure(rate_limit=1)
    api.list()
    assert ("Retry-After" in api.list().headers) is expected


@switch("rate_limit_reset", {True: True, False: False})
def test_rate_limit_reset(configured, api, expected):
    configured.configure(rate_limit=1)
    api.list()
    assert ("X-RateLimit-Reset" in api.list().headers) is expected


@switch("rate_limit", {0: [200, 200, 200], 2: [200, 200, 429]})
@pytest.mark.usefixtures("configured")
def test_rate_limit(api, expected):
    assert [api.list().status_code for _ in range(3)] == expected


@switch("rate_limit_window", {0.05: 200})
def test_rate_limit_window(configured, api, expected):
    configured.configure(rate_limit=1)
    assert api.list().status_code == 200
    time.sleep(0.06)
    assert api.list().status_code == expected
