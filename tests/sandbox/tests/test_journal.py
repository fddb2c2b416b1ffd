# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sqlite3

from api_client import USERS


def test_an_entry_tells_all_about_a_request(api, store):
    api.http.headers["User-Agent"] = "a-test/1.0"
    api.create(new_password="Secret-Word-42", admin=True)
    api.list(query="ada", page=1)
    created, listed = store.journal()
    assert created["method"] == "POST"
    assert created["path"] == f"{USERS}/"
    assert (created["endpoint"], created["status"]) == ("create", 200)
    assert (created["write"], created["changed"], created["refused"]) == (True, True, False)
    assert created["body"]["new_password"] == "[password]"
    assert created["body"]["admin"] is True
    assert created["user_agent"] == "a-test/1.0"
    assert created["token_present"] is True
    assert created["fault"] is None
    assert (listed["query"], listed["body"]) == ("query=ada&page=1", None)
    assert (listed["write"], listed["changed"]) == (False, False)


def test_passwords_are_hidden_wherever_they_are(api, store):
    api.http.post(USERS, json={"users": [{"Password": "Secret-Word-42", "new_password": None}]})
    assert store.journal()[0]["body"] == {
        "users": [{"Password": "[password]", "new_password": None}]
    }


def test_a_body_that_is_not_json_is_not_kept(api, store):
    api.http.post(USERS, content=b"new_password=Secret-Word-42")
    assert store.journal()[0]["body"] == "[27 bytes that are not JSON]"


def test_every_request_is_noted(api, store):
    api.http.get("/nowhere")
    api.http.get(USERS, headers={"X-User-Token": "wrong"})
    store.configure(rate_limit=1)
    api.list()
    api.list()
    entries = store.journal()
    assert [entry["status"] for entry in entries] == [404, 401, 200, 429]
    assert [entry["endpoint"] for entry in entries] == [None, "list", "list", "list"]


def test_reads_and_writes_can_be_told_apart(api, store):
    api.create()
    api.list()
    api.deactivate(1)
    assert [entry["method"] for entry in store.journal(writes=True)] == ["POST", "DELETE"]
    assert [entry["method"] for entry in store.journal(writes=False)] == ["GET"]
    store.clear_journal()
    assert store.journal() == []


def test_the_file_is_plain_sqlite(api, store):
    api.create()
    with sqlite3.connect(store.database) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)
        row = connection.execute('SELECT status, "write" FROM journal').fetchone()
    connection.close()
    assert row == (200, 1)
    assert store.sql("SELECT email FROM users WHERE id = ?", 1) == [{"email": "ada@example.org"}]
