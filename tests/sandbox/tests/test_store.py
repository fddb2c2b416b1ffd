# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal, the rate limit, users that are stored without the API, and the servers."""

from __future__ import annotations

import sqlite3
import ssl
import time
from contextlib import closing

import pytest
import trustme
from api_client import USERS, Api

from publica_sandbox.rate_limit import RateLimiter
from publica_sandbox.seeding import SeedError, read_users
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore


def test_a_journal_entry_describes_a_request(api, store):
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


def test_the_journal_contains_no_passwords(api, store):
    api.http.post(USERS, json={"users": [{"Password": "Secret-Word-42", "new_password": None}]})
    api.http.post(USERS, content=b"new_password=Secret-Word-42")
    assert [entry["body"] for entry in store.journal()] == [
        {"users": [{"Password": "[password]", "new_password": None}]},
        "[27 bytes that are not JSON]",
    ]


def test_the_journal_contains_every_request(api, store):
    api.http.get("/nowhere")
    api.http.get(USERS, headers={"X-User-Token": "wrong"})
    store.configure(rate_limit=1)
    api.list()
    api.list()
    entries = store.journal()
    assert [entry["status"] for entry in entries] == [404, 401, 200, 429]
    assert [entry["endpoint"] for entry in entries] == [None, "list", "list", "list"]


def test_the_journal_separates_reads_and_writes(api, store):
    api.create()
    api.list()
    api.deactivate(1)
    assert [entry["method"] for entry in store.journal(writes=True)] == ["POST", "DELETE"]
    assert [entry["method"] for entry in store.journal(writes=False)] == ["GET"]
    store.clear_journal()
    assert store.journal() == []


def test_a_fixed_window_begins_with_its_first_request():
    limiter, switches = RateLimiter(), Switches(rate_limit=2, rate_limit_window=60)

    def take(now, token="some-token"):
        state = limiter.take(token, switches, now)
        return state.allowed, state.remaining, state.wait

    assert take(1000) == (True, 1, 60)
    assert take(1059) == (True, 0, 1)
    assert take(1059.5) == (False, 0, 1)
    assert take(1059.5, token="another") == (True, 1, 60)
    assert take(1060) == (True, 1, 60)


def test_a_refused_request_is_not_counted_and_does_nothing(api, store):
    store.configure(rate_limit=1)
    api.list()
    for _ in range(3):
        answer = api.create()
        assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Attempts."})
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert store.users() == []
    store.configure(rate_limit=10)
    assert api.create().status_code == 200


def test_every_answer_reports_the_limit(api, store):
    assert not any(name.startswith("x-ratelimit") for name in api.list().headers)
    store.configure(rate_limit=10)
    answers = [
        api.list(),
        api.http.get("/nowhere"),
        api.deactivate(5),
        api.create(external_id=None),
        api.http.get(USERS, headers={"X-User-Token": "wrong"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 422, 401]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"10"}
    remaining = [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert remaining == ["9", "8", "7", "6", "9"]
    assert not any("Retry-After" in answer.headers for answer in answers)


def test_generated_users_are_the_same_for_the_same_seed(store):
    def stored(seed):
        store.reset()
        store.generate_users(40, deactivated=4, admins=2, seed=seed)
        return store.users()

    assert stored(7) == stored(7)
    assert stored(7) != stored(8)
    users = store.users()
    assert [user["id"] for user in users if user["admin"]] == [1, 2]
    assert [user["id"] for user in users if not user["active"]] == [37, 38, 39, 40]
    assert len(store.plans_of(4)) == 1
    store.generate_users(5)
    assert [user["id"] for user in store.users()] == list(range(1, 46))


def test_users_from_csv(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text(
        "email,external_id,sessions_limit,admin,active,plan_id,plan_valid_to,plan_admin,ip_ranges\n"
        "ada@example.org,x,2,true,false,11,2030-01-01,1,192.0.2.1 192.0.2.2\n"
        "bob@example.org,,,,,,,,\n",
        encoding="utf-8",
    )
    ada, bob = read_users(path)
    assert (ada.sessions_limit, ada.admin, ada.active, ada.plan_admin) == (2, True, False, True)
    assert (ada.plans[0].plan_id, ada.plans[0].valid_to) == (11, "2030-01-01")
    assert ada.ip_ranges == ["192.0.2.1", "192.0.2.2"]
    assert (bob.external_id, bob.admin, bob.plans) == (None, False, [])


@pytest.mark.parametrize("content", ["- email: a@b.c", "readers:\n  - email: a@b.c"])
def test_users_from_yaml(tmp_path, content):
    path = tmp_path / "users.yml"
    path.write_text(content, encoding="utf-8")
    assert [user.email for user in read_users(path)] == ["a@b.c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- email: a@b.c\n- mail: x", "users.yml, user 2: email"),
        ("a: 1", "contains no list"),
        ("- 5", "contains no list"),
    ],
)
def test_invalid_files_of_users(tmp_path, content, message):
    path = tmp_path / "users.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SeedError, match=message):
        read_users(path)


def test_users_without_the_api(store):
    user = store.add_user(
        "Ada@example.org",
        sessions_limit=3,
        plans=[{"plan_id": 12, "valid_to": "2030-01-01", "cancelled_at": 1_700_000_000}],
    )
    assert (user["external_id"], user["sessions_limit"]) == ("Ada", 3)
    assert store.plans_of(user["id"])[0]["cancelled_at"] == 1_700_000_000
    changed = store.change_user(user["id"], email="Eve@example.org", active=False, admin=True)
    assert store.user(email="eve@EXAMPLE.org") == changed
    assert (changed["active"], changed["admin"], changed["sessions_limit"]) == (False, True, 3)
    store.change_user(user["id"], plans=[{"plan_id": 11}], password="a-password")
    assert [plan["plan_id"] for plan in store.plans_of(user["id"])] == [12, 11]
    assert store.has_password(user["id"], "a-password")


def test_records_that_the_api_would_refuse(api, store):
    long = store.add_user("ada@example.org", external_id="x" * 65)
    unnamed = store.add_user("bob@example.org", external_id=None)
    nowhere = store.add_user(None, external_id="eve")
    nothing = store.add_user(None)
    store.change_user(nowhere["id"], ip_ranges=["192.0.2.1"], can_be_edited=False)
    shown = [(record["email"], record["external_id"]) for record in api.records()]
    assert shown == [
        (None, None),
        (None, "eve"),
        ("bob@example.org", None),
        ("ada@example.org", "x" * 65),
    ]
    assert api.records()[1]["ip_ranges"] == ["192.0.2.1"]
    for user, field in ((long, "external_id"), (unnamed, "external_id"), (nothing, "email")):
        answer = api.update(user)
        assert answer.status_code == 422
        assert field in answer.json()["errors"]
    assert api.records(query="ada@example.org")[0]["external_id"] == "x" * 65


def test_a_file_of_another_version(tmp_path):
    with SandboxStore(tmp_path / "store.sqlite3") as store:
        database = store.database
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(OSError, match=r"Another version .* wrote .*store\.sqlite3"):
        SandboxStore(database).start()


def test_a_restart_keeps_users_journal_and_switches(tmp_path):
    database = tmp_path / "store.sqlite3"
    with SandboxStore(database, users=2, put="replace") as store:
        Api(store.base_url, store.token).list()
        before = store.users()
    with SandboxStore(database) as store:
        assert store.users() == before
        assert len(store.journal()) == 1
        assert store.switches()["put"] == "replace"
        store.reset()
        assert (store.users(), store.journal()) == ([], [])


def test_a_temporary_database_is_deleted():
    with SandboxStore() as store:
        directory = store.database.parent
        assert directory.exists()
    assert not directory.exists()


def test_stop_does_not_wait_for_a_request_that_hangs():
    with SandboxStore() as store:
        api = Api(store.base_url, store.token)
        store.fault("hang", seconds=60)
        with pytest.raises(Exception, match="timed out"):
            api.http.get(USERS, timeout=0.05)
        started = time.monotonic()
    assert time.monotonic() - started < 3


def test_a_store_in_a_process_of_its_own():
    with SandboxStore(process=True, users=2, put="replace", retry_after=False) as store:
        api = Api(store.base_url, store.token)
        assert len(api.records()) == len(store.users()) == 2
        assert store.switches()["put"] == "replace"
        assert store.switches()["retry_after"] is False
        store.fault("close_before")
        with pytest.raises(Exception, match="without sending a response"):
            api.list()


@pytest.mark.parametrize("process", [False, True])
def test_tls(tmp_path, process):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(cert)
    certificate.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with SandboxStore(process=process, users=1, tls_cert=cert, tls_key=key) as store:
        assert store.base_url.startswith("https://127.0.0.1:")
        api = Api(store.base_url, store.token, verify=context)
        assert len(api.records()) == 1
        for kind in ("close_after", "cut"):
            store.fault(kind)
            with pytest.raises(Exception, match=r"without sending|incomplete|EOF"):
                api.list()
