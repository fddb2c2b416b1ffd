# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from api_client import USERS


def test_deactivating_and_reactivating(api, store):
    user = store.add_user("ada@example.org")
    answer = api.deactivate(user["id"])
    assert (answer.status_code, answer.json()) == (200, {"CODE": "success", "data": []})
    assert store.user(id=user["id"])["active"] is False
    answer = api.reactivate(user["id"])
    assert (answer.status_code, answer.json()) == (200, {"CODE": "success", "data": 1})
    assert store.user(id=user["id"])["active"] is True


@pytest.mark.parametrize("by", ["id", "external_id"])
def test_force_logout_ends_all_sessions(api, store, by):
    user = store.add_user("ada@example.org", external_id="reader-7", open_sessions=3)
    assert api.force_logout(user[by]).status_code == 200
    after = store.user(id=user["id"])
    assert (after["open_sessions"], after["forced_logouts"]) == (0, 1)


def test_an_external_id_that_looks_like_an_id(api, store):
    ada = store.add_user("ada@example.org")
    bob = store.add_user("bob@example.org", external_id=str(ada["id"]))
    api.force_logout(ada["id"])
    assert store.user(id=ada["id"])["forced_logouts"] == 1
    assert store.user(id=bob["id"])["forced_logouts"] == 0


@pytest.mark.parametrize("identifier", ["5", "abc", "9" * 40, "٣"])
@pytest.mark.parametrize("call", ["deactivate", "reactivate", "force_logout"])
def test_a_missing_user(api, call, identifier):
    answer = getattr(api, call)(identifier)
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("No query results for model [App\\Models\\User]")


def test_a_missing_route(api):
    answer = api.http.get("/integration-api/v1/dashboard/readers")
    assert (answer.status_code, answer.json()) == (404, {"message": ""})


def test_a_method_that_a_path_does_not_take(api):
    answer = api.http.patch(f"{USERS}/5")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, PUT"
    assert answer.json()["message"].startswith("The PATCH method is not supported")


def test_options_and_head(api, store):
    assert api.http.options(USERS).headers["Allow"] == "GET,HEAD,POST"
    store.add_user("ada@example.org")
    answer = api.http.head(USERS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_the_token_nothing_works(api, store, token):
    user = store.add_user("ada@example.org")
    headers = {} if token is None else {"X-User-Token": token}
    api.http.headers.pop("X-User-Token")
    for method, path in [
        ("POST", f"{USERS}/"),
        ("GET", USERS),
        ("PUT", f"{USERS}/{user['id']}"),
        ("DELETE", f"{USERS}/{user['id']}"),
        ("PUT", f"{USERS}/{user['id']}/re-activate"),
        ("POST", f"/integration-api/v1/users/{user['id']}/force-logout"),
    ]:
        answer = api.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})
    assert store.users() == [user]
