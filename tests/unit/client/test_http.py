# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending requests: retries, their pauses and budget, and writes that must not be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
import requests.exceptions as kinds
from ansible_collections.publica.la.plugins.module_utils.client import failures, http
from ansible_collections.publica.la.plugins.module_utils.client import limiter as limiter_module
from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.failures import (
    BUDGET_IN_REQUESTS,
    LONGEST_DELAY,
    RetryBudget,
    backoff,
)
from ansible_collections.publica.la.plugins.module_utils.client.http import (
    REFUSALS_IN_A_ROW,
    RETRIES_OF_UNEXPECTED_ANSWERS,
)
from ansible_collections.publica.la.plugins.module_utils.errors import (
    FatalError,
    LostAnswerError,
    PublicaError,
    RejectedError,
)
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.clock import Clock
from ansible_collections.publica.la.tests.unit.support.server import (
    CLOSE,
    PAGE,
    api_at,
    raw,
    serving,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    FakeStore,
    Outcome,
    Reply,
    StoredUser,
)

BODY = {"email": "new@example.org", "external_id": "N"}


class Write(NamedTuple):
    method: str
    send: Callable[[UsersApi], Any]


REACTIVATE = Write("PUT", lambda api: api.reactivate(1))
WRITES = {
    "create": Write("POST", lambda api: api.create(BODY)),
    "update": Write("PUT", lambda api: api.update(1, BODY)),
    "deactivate": Write("DELETE", lambda api: api.deactivate(1)),
    "reactivate": REACTIVATE,
    "logout": Write("POST", lambda api: api.force_logout(1)),
}
every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
HTML = Reply(200, "<html><title>Sign in</title></html>", {"Content-Type": "text/html"})
# Failures of any request that a retry may avoid.
TRANSIENT: dict[str, Outcome] = {
    "no answer in time": kinds.ReadTimeout("Read timed out."),
    "no connection in time": kinds.ConnectTimeout("timed out"),
    "connection reset": kinds.ConnectionError("Connection aborted."),
    "proxy": kinds.ProxyError("Cannot connect to proxy."),
    "incomplete chunks": kinds.ChunkedEncodingError("IncompleteRead"),
    "500": Reply(500, {"message": "Server Error"}),
    "502": Reply(502, "<h1>Bad Gateway</h1>"),
    "503": Reply(503),
    "504": Reply(504, ""),
    "a page of a website": HTML,
    "JSON of another form": Reply(200, {"CODE": "success", "data": {"users": []}}),
    "truncated JSON": Reply(200, '{"CODE": "success", "data": {"pagin'),
    "fewer bytes than announced": Reply(200, "{}", {"Content-Length": "999"}),
    "an empty body": Reply(200),
}
# Failures after which the store certainly received nothing.
NOT_SENT = ("no connection in time", "proxy")
every_transient = pytest.mark.parametrize("name", TRANSIENT)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(StoredUser(1, "ana@example.org", "A"))


@every_transient
def test_read_is_repeated_until_complete(store: FakeStore, pauses: list[float], name: str) -> None:
    api = api_on(store)
    store.answer_instead("GET", TRANSIENT[name], TRANSIENT[name])
    assert [record["id"] for record in api.list_page(1).records] == [1]
    assert api.transport.usage()["requests"] == 3
    assert api.transport.usage()["retries"] == 2
    assert len(pauses) == 2


@every_write
@pytest.mark.parametrize(
    "name", [name for name in TRANSIENT if name not in (*NOT_SENT, "an empty body",
             "JSON of another form")]
)  # fmt: skip
def test_write_that_was_sent_is_not_repeated(store: FakeStore, write: Write, name: str) -> None:
    store.answer_instead(write.method, TRANSIENT[name], TRANSIENT[name])
    with pytest.raises(LostAnswerError):
        write.send(api_on(store))
    assert len(store.calls) == 1


@every_write
@pytest.mark.parametrize("name", NOT_SENT)
def test_write_that_was_not_sent_is_repeated(store: FakeStore, write: Write, name: str) -> None:
    store.users[1].deactivated = write is REACTIVATE
    store.answer_instead(write.method, TRANSIENT[name])
    write.send(api_on(store))
    assert len(store.calls) == 2


@every_write
def test_failure_code_with_a_good_status_is_final(store: FakeStore, write: Write) -> None:
    store.answer_instead(write.method, Reply(200, {"CODE": "error", "message": "no"}))
    with pytest.raises(RejectedError) as error:
        write.send(api_on(store))
    assert error.value.code == "refused"
    assert len(store.calls) == 1


@every_write
def test_check_mode_sends_no_write(store: FakeStore, write: Write) -> None:
    with pytest.raises(FatalError) as error:
        write.send(api_on(store, read_only=True))
    assert (error.value.code, error.value.method) == ("read_only", write.method)
    assert store.calls == []


@every_write
def test_write_refused_by_the_rate_limit_is_repeated(
    store: FakeStore, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(limiter_module, "time", clock)
    store.users[1].deactivated = write is REACTIVATE
    store.answer_instead(write.method, *[Reply(429, None, {"Retry-After": "20"})] * 2)
    api = api_on(store)
    clock.rule(api.transport.limiter)
    write.send(api)
    usage = api.transport.usage()
    assert (usage["requests"], usage["retries"]) == (3, 2)
    assert 40.0 <= usage["waited_seconds"] <= 44.0


def test_too_many_refusals_end_the_run(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(store)
    monkeypatch.setattr(api.transport.limiter, "acquire", lambda: 0.0)
    store.answer_instead("GET", *[Reply(429)] * 50)
    with pytest.raises(FatalError) as error:
        api.list_page(1)
    assert error.value.code == "rate_limited"
    assert len(store.calls) == REFUSALS_IN_A_ROW + 1


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (403, "forbidden")])
@every_write
def test_refusal_is_not_retried(store: FakeStore, write: Write, status: int, code: str) -> None:
    store.answer_instead(write.method, Reply(status, {"message": "no"}))
    with pytest.raises(PublicaError) as error:
        write.send(api_on(store))
    assert (error.value.code, error.value.status) == (code, status)
    # A 403 to the write of an existing user may be about that user only.
    assert error.value.fatal is (status == 401 or write is WRITES["create"])
    assert len(store.calls) == 1


@pytest.mark.parametrize("max_retries", [0, 1, 5])
def test_number_of_retries(store: FakeStore, pauses: list[float], max_retries: int) -> None:
    store.answer_instead("GET", *[Reply(500)] * 99)
    with pytest.raises(PublicaError) as error:
        api_on(store, max_retries=max_retries).list_page(1)
    assert error.value.code == "store_error"
    assert len(store.calls) == max_retries + 1
    assert len(pauses) == max_retries


def test_website_instead_of_the_store_gets_few_retries(store: FakeStore) -> None:
    store.answer_instead("GET", *[HTML] * 99)
    with pytest.raises(PublicaError, match="Check base_url") as error:
        api_on(store).list_page(1)
    assert error.value.code == "unexpected_answer"
    assert len(store.calls) == RETRIES_OF_UNEXPECTED_ANSWERS + 1


class TestRetryBudget:
    def test_store_that_is_down_ends_the_run(self, store: FakeStore) -> None:
        api = api_on(store, max_retries=2)
        store.answer_instead("GET", *[Reply(500)] * 999)
        codes = []
        for _user in range(20):
            with pytest.raises(PublicaError) as error:
                api.list_page(1)
            codes.append((error.value.code, error.value.fatal))
        assert codes[:BUDGET_IN_REQUESTS] == [("store_error", False)] * BUDGET_IN_REQUESTS
        assert codes[BUDGET_IN_REQUESTS:] == [("store_unavailable", True)] * 16
        assert api.transport.usage()["retries"] == 2 * BUDGET_IN_REQUESTS

    def test_a_store_that_answers_every_second_request_can_be_worked_with(
        self, store: FakeStore
    ) -> None:
        api = api_on(store, max_retries=2)
        for _user in range(50):
            store.answer_instead("GET", Reply(500))
            assert api.list_page(1).records
        assert api.transport.usage() == {"requests": 100, "retries": 50, "waited_seconds": 0.0}

    def test_successes_do_not_exceed_the_budget(self) -> None:
        budget = RetryBudget(1)
        for _success in range(100):
            budget.succeeded()
        assert [budget.take() for _retry in range(BUDGET_IN_REQUESTS + 1)] == [
            *[True] * BUDGET_IN_REQUESTS,
            False,
        ]


class TestPauses:
    def test_backoff_doubles_up_to_a_maximum(self) -> None:
        for attempt, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (20, LONGEST_DELAY)):
            drawn = [backoff(attempt) for _ in range(200)]
            assert longest / 2 <= min(drawn) < max(drawn) <= longest
            # With jitter.
            assert len(set(drawn)) > 100

    @pytest.mark.parametrize(
        ("asked", "expected"), [("7", 7.0), (None, None)], ids=["longer", "not asked"]
    )
    def test_store_may_ask_for_a_longer_pause(
        self, store: FakeStore, pauses: list[float], asked: str | None, expected: float | None
    ) -> None:
        store.answer_instead("GET", Reply(503, None, {"Retry-After": asked} if asked else {}))
        api_on(store).list_page(1)
        [pause] = pauses
        assert pause == expected or (expected is None and 0.25 <= pause <= 0.5)

    def test_pause_beyond_the_maximum_ends_the_retries(
        self, store: FakeStore, pauses: list[float]
    ) -> None:
        store.answer_instead("GET", Reply(503, None, {"Retry-After": "86400"}))
        with pytest.raises(PublicaError) as error:
            api_on(store, max_rate_limit_wait=60).list_page(1)
        assert error.value.status == 503
        assert pauses == []


CREATED = json.dumps({"CODE": "success", "data": {"id": 5, "email": "new@example.org"}})


class TestRealSockets:
    def test_read_with_a_truncated_answer_is_repeated(self) -> None:
        with serving(raw(PAGE[:40], length=len(PAGE)), raw(PAGE)) as store:
            assert api_at(store.url).list_page(1).records == [{"id": 1}]

    @pytest.mark.parametrize(
        "answer", [raw(CREATED[:40], length=len(CREATED)), CLOSE], ids=["truncated", "none"]
    )
    def test_write_without_a_complete_answer_is_lost(self, answer: bytes) -> None:
        with serving(answer, raw(CREATED)) as store, pytest.raises(LostAnswerError):
            api_at(store.url).create(BODY)
        assert len(store.requests) == 1

    def test_write_without_a_connection_is_not_lost(self) -> None:
        with serving() as gone:
            url = gone.url
        with pytest.raises(PublicaError, match="Could not connect") as error:
            api_at(url, max_retries=1).create(BODY)
        assert not isinstance(error.value, LostAnswerError)

    @pytest.mark.parametrize(
        "answer",
        [
            raw(CREATED, length="5, 6"),
            raw(CREATED, "200 OK", "Content-Length: 9"),
            raw(CREATED, "200 OK", "Content-Encoding: gzip"),
            raw(CREATED, "200 OK", "Content-Encoding: gzip, gzip"),
            raw(CREATED, "200 OK", "Transfer-Encoding: chunked"),
            raw(f'{{"data": {"[" * 5000}{"]" * 5000}}}'),
            b"HTTP/1.1 999999 no\r\n\r\n",
            b"no answer at all\r\n\r\n",
            raw("x" * 300_000),
        ],
        ids=[
            "lengths in one header",
            "two lengths",
            "wrong encoding",
            "several encodings",
            "wrong chunks",
            "nested",
            "wrong status",
            "no HTTP",
            "too long",
        ],
    )
    def test_write_with_an_unreadable_answer_is_lost(
        self, answer: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "MAX_BODY_BYTES", 200_000)
        with serving(answer) as store, pytest.raises(LostAnswerError):
            api_at(store.url).create(BODY)
        assert len(store.requests) == 1

    @pytest.mark.parametrize(
        "headers",
        [
            ["Content-Length: many"],
            ["Date: Fri, 31 Dec 99999 23:59:59 GMT", "X-RateLimit-Reset: 5"],
            [f"X-RateLimit-Reset: {10**17}", f"X-RateLimit-Remaining: -{10**17}"],
            [f"X-RateLimit-Limit: {'9' * 5000}"],
        ],
        ids=["length", "date", "reset", "limit"],
    )
    def test_headers_beyond_all_bounds_do_not_deny_a_write(self, headers: list[str]) -> None:
        with serving(raw(CREATED, "200 OK", *headers)) as store, suppress(LostAnswerError):
            assert api_at(store.url).create(BODY)["id"] == 5
        assert len(store.requests) == 1

    @pytest.mark.parametrize(
        "begun", [b"HTTP/1.1 200 OK\r\n", raw(CREATED, length=10**6)], ids=["headers", "body"]
    )
    def test_an_answer_that_never_ends_is_cut_off(
        self, begun: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Less than the timeout of the socket, which therefore does not end the answer.
        for module in (http, failures):
            monkeypatch.setattr(module, "TIMES_TIMEOUT", 0.1)
        with serving(begun, drips=True) as store, pytest.raises(LostAnswerError) as error:
            api_at(store.url, timeout=5).create(BODY)
        assert error.value.code == "timeout"
        assert "total time of 0.5 s" in error.value.message

    def test_store_that_does_not_answer_times_out(self) -> None:
        with serving(silent=True) as store, pytest.raises(LostAnswerError) as error:
            api_at(store.url, timeout=0.05).create(BODY)
        assert error.value.code == "timeout"
        assert "0.05 s" in error.value.message
