# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_a_user_is_changed(api, store):
    user = store.add_user("ada@example.org", external_id="x")
    answer = api.update(user, email="eve@example.org", external_id="y", admin=1, sessions_limit=2)
    assert (answer.status_code, answer.content) == (204, b"")
    changed = store.user(id=user["id"])
    assert (changed["email"], changed["external_id"]) == ("eve@example.org", "y")
    assert (changed["admin"], changed["sessions_limit"]) == (True, 2)
    assert changed["password_changes"] == 0


def test_three_fields_are_required(api, store):
    user = store.add_user("ada@example.org")
    answer = api.http.put(f"/integration-api/v1/dashboard/users/{user['id']}", json={})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"email", "external_id", "only_sees_readable"}


def test_a_password_is_set_and_counted(api, store):
    user = store.add_user("ada@example.org", password="the-old-one")
    api.update(user, new_password="the-new-one")
    assert store.has_password(user["id"], "the-new-one")
    assert store.user(id=user["id"])["password_changes"] == 2


def test_a_user_keeps_its_own_address_but_gets_nobody_elses(api, store):
    ada, bob = store.add_user("ada@example.org"), store.add_user("bob@example.org")
    assert api.update(ada, email="ADA@example.org").status_code == 204
    answer = api.update(bob, email="ada@example.org", external_id=ada["external_id"])
    assert set(answer.json()["errors"]) == {"email", "external_id"}


def test_sending_the_same_again_changes_nothing(api, store):
    user = store.add_user("ada@example.org", sessions_limit=1)
    before = store.user(id=user["id"])
    assert api.update(user, sessions_limit=1).status_code == 204
    assert store.user(id=user["id"]) == before
    assert [entry["changed"] for entry in store.journal(writes=True)] == [False]


def test_a_missing_user(api):
    answer = api.update({"id": 5, "email": "ada@example.org", "external_id": "x"})
    assert answer.status_code == 404
    assert answer.json() == {"message": "No query results for model [App\\Models\\User] 5"}
