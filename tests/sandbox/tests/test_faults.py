# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which requests a fault affects, and what it does to them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from api_client import USERS

from publica_sandbox.control import ControlError
from publica_sandbox.faults import Fault, FaultError, FaultRules, parse_fault


def fired(rules, *endpoints):
    return [bool(rules.take(endpoint)) for endpoint in endpoints]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [True, False, False, False, False, False]),
        ({"times": 2}, [True, True, False, False, False, False]),
        ({"times": None}, [True] * 6),
        ({"nth": 3}, [False, False, True, False, False, False]),
        ({"every": 2, "times": 2}, [False, True, False, True, False, False]),
        ({"every": 2, "times": None}, [False, True, False, True, False, True]),
    ],
)
def test_which_requests_a_rule_affects(rule, expected):
    rules = FaultRules()
    rules.add(Fault(kind="503", **rule))
    assert fired(rules, *["list"] * 6) == expected


def test_a_rule_affects_its_endpoint_only():
    rules = FaultRules()
    rules.add(Fault(kind="503", endpoint="create"))
    assert fired(rules, "list", None, "create", "create") == [False, False, True, False]


def test_rules_fire_in_the_order_of_addition():
    rules = FaultRules()
    for kind in ("503", "502"):
        rules.add(Fault(kind=kind))
    assert [rules.take("list").kind for _ in range(2)] == ["503", "502"]
    assert rules.take("list") is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "teapot"}, "kind"),
        ({"kind": "503", "endpoint": "delete"}, "endpoint"),
        ({"kind": "503", "nth": 1, "every": 1}, "exclude"),
        ({"kind": "429", "applied": "after"}, "never applied after"),
        ({"kind": "close_after", "applied": "before"}, "close_before"),
        ({"kind": "redirect"}, "location"),
        ({"kind": "503", "location": "/"}, "location"),
        ({"kind": "503", "seconds": -1}, "seconds"),
    ],
)
def test_invalid_rules(store, rule, message):
    with pytest.raises(FaultError, match=message):
        parse_fault(rule)
    with pytest.raises(ControlError, match=message):
        store.fault(**rule)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_error_of_a_proxy(api, store, status):
    store.fault(status, retry_after=7)
    answer = api.create()
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Retry-After"] == "7"
    assert store.users() == []
    assert api.create().status_code == 200


def test_error_after_the_work(api, store):
    store.fault(500, applied="after", body="json")
    answer = api.create()
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    assert len(store.users()) == 1
    (entry,) = store.journal()
    assert (entry["status"], entry["changed"], entry["fault"]) == (500, True, "500")


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, {"message": "Unauthenticated."}), (403, {"message": "This action is unauthorized."})],
)
def test_refusal(api, store, status, body):
    store.fault(status)
    answer = api.create()
    assert (answer.status_code, answer.json()) == (status, body)
    assert store.users() == []


def test_429_without_a_limit(api, store):
    store.fault(429, retry_after=3)
    answer = api.create()
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 4
    assert store.users() == []


@pytest.mark.parametrize(("kind", "done"), [("close_before", 0), ("close_after", 1)])
def test_closed_connection(api, store, kind, done):
    store.fault(kind)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        api.create()
    assert len(store.users()) == done
    (entry,) = store.journal()
    assert (entry["status"], entry["changed"]) == (0, bool(done))
    assert api.list().status_code == 200


@pytest.mark.parametrize(("applied", "done"), [("before", 0), ("after", 1), (None, 1)])
def test_incomplete_answer(api, store, applied, done):
    store.fault("cut", applied=applied)
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        api.create()
    assert len(store.users()) == done


def test_an_incomplete_answer_without_a_body_is_not_sent(api, store):
    user = store.add_user("ada@example.org")
    store.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        api.update(user, admin=1)
    assert store.user(id=user["id"])["admin"]


@pytest.mark.parametrize("applied", ["before", "after"])
def test_late_answer(api, store, applied):
    store.fault("hang", seconds=0.05, applied=applied)
    started = time.monotonic()
    assert api.create().status_code == 200
    assert time.monotonic() - started >= 0.05
    assert len(store.users()) == 1


@pytest.mark.parametrize(("applied", "done"), [("before", 0), ("after", 1)])
def test_client_that_does_not_wait(api, store, applied, done):
    store.fault("hang", seconds=30, applied=applied)
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(f"{USERS}/", json={"email": "a@b.c", "external_id": "x"}, timeout=0.05)
    deadline = time.monotonic() + 5
    while not store.journal() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(store.users()) == done
    (entry,) = store.journal()
    assert (entry["fault"], entry["changed"]) == ("hang", bool(done))


@pytest.mark.parametrize(("applied", "done"), [("before", 0), ("after", 1)])
def test_a_request_is_held_back_until_it_is_released(api, store, applied, done):
    store.fault("hang", seconds=60, applied=applied)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(api.create)
        while not any(rule["fired"] for rule in store.faults()):
            assert not held.done()
        assert done or store.users() == []
        while not held.done():
            store.release()
        assert held.result().status_code == 200
    assert store.faults() == []
    assert len(store.users()) == 1


@pytest.mark.parametrize(
    ("kind", "text"), [("html_200", "<!DOCTYPE"), ("other_json", '{"status":"ok","result":null}')]
)
@pytest.mark.parametrize(("applied", "done"), [("before", 0), ("after", 1)])
def test_another_answer(api, store, kind, text, applied, done):
    store.fault(kind, applied=applied)
    answer = api.create()
    assert answer.status_code == 200
    assert answer.text.startswith(text)
    assert len(store.users()) == done


def test_redirect(api, store):
    store.fault("redirect", location="https://elsewhere.example/")
    answer = api.create()
    assert answer.status_code == 302
    assert answer.headers["Location"] == "https://elsewhere.example/"
    assert store.users() == []


def test_rules_can_be_listed_and_deleted(api, store):
    store.fault(503, endpoint="list", nth=2)
    api.list()
    (rule,) = store.faults()
    assert (rule["kind"], rule["nth"], rule["seen"], rule["fired"]) == ("503", 2, 1, 0)
    store.clear_faults()
    assert store.faults() == []
    assert api.list().status_code == 200
