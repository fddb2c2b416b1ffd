# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples and tables of the documentation, replayed.

The bodies are those that are printed there, with two repairs: addresses, which the printed page
has garbled, and the comments and the comma at the end, which are not JSON.
"""

from __future__ import annotations

import json

import httpx
import pytest

from contract import operations
from openapi_validation import validate_exchange

V1 = "/integration-api/v1"
USERS = f"{V1}/dashboard/users"
EMAIL = "reader@example.org"

CREATE = {
    "email": EMAIL,
    "external_id": "user-id-in-your-platform",
    "new_password": "Abcd1234",
    "sessions_limit": None,
    "assign_new_plan": None,
    "new_plan_custom_valid_to": "",
    "admin": False,
    "plan_admin": False,
    "only_sees_readable": True,
}
CREATED = {
    "CODE": "success",
    "data": {
        "id": 923242,
        "email": EMAIL,
        "uuid": "af5af4f9-9b8d-4d79-b162-0cec4279cae5",
        "picture": "https://www.gravatar.com/avatar/5c472faa5105266a3d41aee277eb9d0c?s=160&d=mm&r=g",
        "admin": False,
        "plan_admin": False,
        "only_sees_readable": False,
        "sessions_limit": None,
        "created_at": {"timestamp": 1620931649, "date": "2021-05-13 18:47:29", "timezone": "UTC"},
        "updated_at": {"timestamp": 1621256387, "date": "2021-05-17 12:59:47", "timezone": "UTC"},
        "deleted_at": None,
    },
}
LISTED = {
    "CODE": "success",
    "data": {
        "paginator": {
            "current_page": 1,
            "data": [
                {
                    "id": 923242,
                    "uuid": "af5af4f9-9b8d-4d79-b162-0cec4279cae5",
                    "admin": False,
                    "plan_admin": False,
                    "email": EMAIL,
                    "sessions_limit": 1,
                    "only_sees_readable": 1,
                    "picture": "https://www.gravatar.com/avatar/98789c9d5825d6f6c6615313ffcaf1ac?s=160&d=mm&r=g",
                    "created_at": "2021-05-18T13:28:53.000000Z",
                    "updated_at": "2021-05-18T13:28:53.000000Z",
                    "deleted_at": None,
                    "purchased_issues_with_cancelled_count": 0,
                    "user_plans_count": 0,
                    "can_be_edited": True,
                    "created_at_date_string": "2021-05-18",
                    "impersonate": "https://example.publica.la/impersonate/take/53114",
                    "sessions": None,
                    "ip_ranges": [],
                    "referrers": [],
                    "purchased_issues_with_cancelled": [],
                    "user_plans": [],
                }
            ],
        }
    },
}

# Every row of every table of answers, with the request that brings it about.
STATUSES = [
    ("create", "POST", f"{USERS}/", 200),
    ("create", "POST", f"{USERS}/", 422),
    ("create", "POST", f"{USERS}/", 401),
    ("list", "GET", USERS, 200),
    ("list", "GET", USERS, 404),
    ("list", "GET", USERS, 401),
    ("update", "PUT", f"{USERS}/1", 204),
    ("update", "PUT", f"{USERS}/1", 422),
    ("update", "PUT", f"{USERS}/1", 401),
    ("deactivate", "DELETE", f"{USERS}/1", 200),
    ("deactivate", "DELETE", f"{USERS}/9", 404),
    ("deactivate", "DELETE", f"{USERS}/1", 401),
    ("reactivate", "PUT", f"{USERS}/2/re-activate", 200),
    ("reactivate", "PUT", f"{USERS}/9/re-activate", 404),
    ("reactivate", "PUT", f"{USERS}/2/re-activate", 401),
]
BODIES = {
    "create": {"email": "new@example.org", "external_id": "new"},
    "update": {"email": EMAIL, "external_id": "x", "only_sees_readable": 1},
}


@pytest.fixture
def api(store):
    def call(method, path, body=None, token=store.token):
        """Send a request; both it and its answer must be in the contract."""
        headers = {"X-User-Token": token, "Accept": "application/json"}
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = httpx.request(method, store.base_url + path, headers=headers, content=content)
        problems = validate_exchange(
            method,
            str(answer.url),
            headers,
            content,
            answer.status_code,
            answer.headers.items(),
            answer.content,
        )
        # An empty body is sent to be refused; there only the answer has to be in the contract.
        assert [text for text in problems if body != {} or ": answer" in text] == []
        return answer

    return call


def test_create(api, store):
    answer = api("POST", f"{USERS}/", CREATE)
    assert answer.status_code == 200
    got = answer.json()
    assert list(got["data"]) == list(CREATED["data"])
    got_kinds = {key: type(value) for key, value in got["data"].items()}
    assert got_kinds == {key: type(value) for key, value in CREATED["data"].items()}
    assert set(got["data"]["created_at"]) == set(CREATED["data"]["created_at"])
    assert got["CODE"] == "success"
    assert got["data"]["email"] == EMAIL
    assert got["data"]["only_sees_readable"] is True
    assert got["data"]["created_at"]["timezone"] == "UTC"
    user = store.user(email=EMAIL)
    assert user["external_id"] == CREATE["external_id"]
    assert store.has_password(user["id"], CREATE["new_password"])


def test_retrieve(api, store):
    store.add_user(EMAIL, sessions_limit=1, only_sees_readable=True)
    answer = api("GET", USERS)
    paginator = answer.json()["data"]["paginator"]
    assert set(paginator) == set(LISTED["data"]["paginator"])
    assert paginator["current_page"] == 1
    (record,), (printed,) = paginator["data"], LISTED["data"]["paginator"]["data"]
    assert set(printed) <= set(record)
    same = set(printed) - {
        "id", "uuid", "picture", "created_at", "updated_at", "created_at_date_string",
        "impersonate",
    }  # fmt: skip
    for key in same:
        assert (key, record[key]) == (key, printed[key])
    for key in set(printed) - same:
        assert type(record[key]) is type(printed[key])
        assert len(str(record[key])) == len(str(printed[key])) or key in ("id", "impersonate")
    assert "/impersonate/take/" in record["impersonate"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"?query={EMAIL}", EMAIL),
        ("?query=deactivated", "gone@example.org"),
        ("?query=admins", "admin@example.org"),
    ],
)
def test_query(api, store, query, found):
    store.add_user(EMAIL)
    store.add_user("gone@example.org", active=False)
    store.add_user("admin@example.org", admin=True)
    records = api("GET", f"{USERS}{query}").json()["data"]["paginator"]["data"]
    assert [record["email"] for record in records] == [found]


def test_the_printed_form_of_a_query_has_a_slash(store):
    store.add_user("admin@example.org", admin=True)
    url = f"{store.base_url}{USERS}/?query=admins"
    answer = httpx.get(url, headers={"X-User-Token": store.token})
    assert len(answer.json()["data"]["paginator"]["data"]) == 1


def test_update(api, store):
    user = store.add_user(EMAIL)
    rights = {"admin": 1, "plan_admin": 0, "only_sees_readable": 1}
    plan = {"assign_new_plan": 11, "new_plan_custom_valid_to": "2030-12-31"}
    body = {**CREATE, **rights, **plan, "user_plan_name": "By name"}
    answer = api("PUT", f"{USERS}/{user['id']}", body)
    assert (answer.status_code, answer.content) == (204, b"")
    changed = store.user(id=user["id"])
    assert (changed["external_id"], changed["admin"]) == ("user-id-in-your-platform", True)
    (assignment,) = store.plans_of(user["id"])
    assert (assignment["plan_id"], assignment["valid_to"]) == (11, "2030-12-31")


def test_deactivate_and_reactivate(api, store):
    user = store.add_user(EMAIL)
    answer = api("DELETE", f"{USERS}/{user['id']}")
    assert (answer.status_code, answer.json()) == (200, {"CODE": "success", "data": []})
    answer = api("PUT", f"{USERS}/{user['id']}/re-activate")
    assert (answer.status_code, answer.json()) == (200, {"CODE": "success", "data": 1})


@pytest.mark.parametrize(
    ("path", "reading"), [(f"{V1}/users", "table"), (f"{V1}/dashboard/users", "example")]
)
@pytest.mark.parametrize("identifier", ["id", "external_id"])
def test_force_logout(api, store, path, reading, identifier):
    store.configure(force_logout_path=reading)
    user = store.add_user(EMAIL, open_sessions=2)
    assert api("POST", f"{path}/{user[identifier]}/force-logout").status_code == 200
    assert store.user(id=user["id"])["open_sessions"] == 0


@pytest.mark.parametrize(("endpoint", "method", "path", "status"), STATUSES)
def test_documented_statuses(api, store, endpoint, method, path, status):
    store.add_user(EMAIL)
    store.add_user("gone@example.org", active=False)
    if (endpoint, status) == ("list", 404):
        store.configure(empty_result="not_found")
        path += "?query=nobody@example.org"
    body = {} if status == 422 else BODIES.get(endpoint)
    token = "not-the-token" if status == 401 else store.token
    assert api(method, path, body, token).status_code == status


def test_every_documented_status_is_in_the_contract():
    for endpoint, _, _, status in STATUSES:
        assert str(status) in operations()[endpoint].description["responses"]
