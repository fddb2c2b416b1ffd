# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenAPI description, its validation, and the documented examples against the sandbox.

The examples are those of the API's documentation with two corrections: addresses, which the page
does not show correctly, and comments and a final comma, which are not JSON.
"""

from __future__ import annotations

import json

import httpx
import pytest
from openapi_spec_validator import validate

from openapi_validation import contract, operations, validate_exchange

V1 = "/integration-api/v1"
USERS = f"{V1}/dashboard/users"
URL = f"http://127.0.0.1:8080{USERS}"
HEADERS = {"x-user-token": "some-token", "Content-Type": "application/json; charset=utf-8"}
JSON = [("content-type", "application/json")]
DONE = '{"CODE": "success", "data": []}'
MISSING = '{"message": ""}'
EMAIL = "reader@example.org"
CREATE = operations()["create"].request_body()["examples"]["documented"]["value"]


def examples(kind):
    for operation in operations().values():
        if kind == "good":
            named = operation.request_body().get("examples", {})
            bodies = {name: example["value"] for name, example in named.items()}
        else:
            bodies = operation.description.get("x-bad-examples", {})
        for name, body in bodies.items():
            yield pytest.param(operation, body, id=f"{operation.id}-{name}")


def exchange(operation, body):
    url = "https://store.example" + operation.path.replace("{user_id}", "5")
    invalid = json.dumps({"CODE": "validation_error", "message": "No."})
    return validate_exchange(operation.method, url, HEADERS, json.dumps(body), 422, JSON, invalid)


def test_the_description_is_valid_openapi():
    validate(contract())


@pytest.mark.parametrize(("operation", "body"), list(examples("good")))
def test_good_examples_pass(operation, body):
    assert exchange(operation, body) == []


@pytest.mark.parametrize(("operation", "body"), list(examples("bad")))
def test_bad_examples_are_refused(operation, body):
    problems = exchange(operation, body)
    assert problems
    assert all(": request: " in problem for problem in problems)


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "answer", "problem"),
    [
        ("DELETE", f"{URL}/5", {}, None, (200, JSON, DONE), "request: Security not found"),
        ("DELETE", f"{URL}/five", HEADERS, None, (200, JSON, DONE), "request: Failed to cast"),
        ("GET", f"{URL}?page=0", HEADERS, None, (404, JSON, MISSING), "request: 0 is less"),
        ("GET", f"{URL}?pages=2", HEADERS, None, (404, JSON, MISSING), "pages: not a doc"),
        ("GET", f"{URL}/", HEADERS, None, (200, JSON, DONE), "not a documented endpoint"),
        ("PATCH", URL, HEADERS, None, (405, JSON, MISSING), "not a documented endpoint"),
        ("DELETE", f"{URL}/5", HEADERS, None, (302, JSON, DONE), "answer 302: Unknown"),
        ("DELETE", f"{URL}/5", HEADERS, None, (200, JSON, '{"CODE": "success"}'), "200: 'data'"),
        ("DELETE", f"{URL}/5", HEADERS, '{"a": 1}', (200, JSON, DONE), "a: not a documented f"),
        ("DELETE", f"{URL}/5", HEADERS, None, (200, {"Content-Type": "text/html"}, "x"), "html"),
        ("GET", URL, HEADERS, None, (200, JSON, '{"CODE": "success", "data": {}}'), "paginator"),
    ],
)
def test_other_exchanges_are_reported(method, url, headers, body, answer, problem):
    (found,) = validate_exchange(method, url, headers, body, *answer)
    assert problem in found


@pytest.fixture
def api(store):
    """A function that sends a request. Request and answer must match the description."""

    def call(method, path, body=None, token=store.token):
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
        # An empty body is sent to be refused, so only its answer must match the description.
        assert [text for text in problems if body != {} or ": answer" in text] == []
        return answer

    return call


def test_create(api, store):
    expected = operations()["create"].success_example()
    answer = api("POST", f"{USERS}/", CREATE)
    assert answer.status_code == 200
    got = answer.json()
    assert list(got["data"]) == list(expected["data"])
    got_types = {key: type(value) for key, value in got["data"].items()}
    assert got_types == {key: type(value) for key, value in expected["data"].items()}
    assert set(got["data"]["created_at"]) == set(expected["data"]["created_at"])
    assert got["CODE"] == "success"
    assert got["data"]["email"] == EMAIL
    assert got["data"]["only_sees_readable"] is True
    assert got["data"]["created_at"]["timezone"] == "UTC"
    user = store.user(email=EMAIL)
    assert user["external_id"] == CREATE["external_id"]
    assert store.has_password(user["id"], CREATE["new_password"])


def test_list(api, store):
    store.add_user(EMAIL, sessions_limit=1, only_sees_readable=True)
    expected = operations()["list"].success_example()["data"]["paginator"]
    paginator = api("GET", USERS).json()["data"]["paginator"]
    assert set(paginator) == set(expected)
    assert paginator["current_page"] == 1
    (record,), (example,) = paginator["data"], expected["data"]
    assert set(example) <= set(record)
    same = set(example) - {
        "id", "uuid", "picture", "created_at", "updated_at", "created_at_date_string",
        "impersonate",
    }  # fmt: skip
    for key in same:
        assert (key, record[key]) == (key, example[key])
    for key in set(example) - same:
        assert type(record[key]) is type(example[key])
        assert len(str(record[key])) == len(str(example[key])) or key in ("id", "impersonate")
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


def test_query_with_a_slash_as_in_the_documentation(store):
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


@pytest.mark.parametrize(("path", "variant"), [(f"{V1}/users", "table"), (USERS, "example")])
@pytest.mark.parametrize("identifier", ["id", "external_id"])
def test_force_logout(api, store, path, variant, identifier):
    store.configure(force_logout_path=variant)
    user = store.add_user(EMAIL, open_sessions=2)
    assert api("POST", f"{path}/{user[identifier]}/force-logout").status_code == 200
    assert store.user(id=user["id"])["open_sessions"] == 0


def test_force_logout_by_auth_sessions(api, store):
    store.configure(force_logout_path="auth_sessions")
    user = store.add_user(EMAIL, open_sessions=2)
    sessions = f"{V1}/auth-sessions"
    assert len(api("GET", f"{sessions}?user_id={user['id']}").json()["data"]) == 2
    assert api("DELETE", f"{sessions}/users/{user['id']}").status_code == 200
    assert api("GET", f"{sessions}?external_id={user['external_id']}").json()["data"] == []


@pytest.mark.parametrize("form", ["paginator", "list"])
def test_plans(api, store, form):
    store.configure(plans_list=form)
    data = api("GET", f"{V1}/dashboard/plans?query=card").json()["data"]
    (plan,) = data if form == "list" else data["paginator"]["data"]
    assert (plan["type"], plan["duration"]) == ("prepaid", 12)


NEW_USER = {"email": "new@example.org", "external_id": "new"}
CHANGED_USER = {"email": EMAIL, "external_id": "x", "only_sees_readable": 1}


# Every row of the documented tables of statuses, with a request that has this status.
@pytest.mark.parametrize(
    ("endpoint", "method", "path", "body", "statuses"),
    [
        ("create", "POST", f"{USERS}/", NEW_USER, (200, 422, 401)),
        ("list", "GET", USERS, None, (200, 404, 401)),
        ("update", "PUT", f"{USERS}/1", CHANGED_USER, (204, 422, 401)),
        ("deactivate", "DELETE", f"{USERS}/1", None, (200, 404, 401)),
        ("reactivate", "PUT", f"{USERS}/2/re-activate", None, (200, 404, 401)),
    ],
)
def test_documented_statuses(api, store, endpoint, method, path, body, statuses):
    store.add_user(EMAIL)
    store.add_user("gone@example.org", active=False)
    for status in statuses:
        place, token = path, store.token
        if status == 404 and endpoint == "list":
            store.configure(empty_result="not_found")
            place = f"{path}?query=missing@example.org"
        elif status == 404:
            place = path.replace("/1", "/9").replace("/2", "/9")
        elif status == 401:
            token = "not-the-token"
        sent = {} if status == 422 else body
        assert api(method, place, sent, token).status_code == status
        assert str(status) in operations()[endpoint].description["responses"]
