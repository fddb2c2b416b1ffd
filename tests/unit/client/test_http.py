# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is tried again, how often, after which pause; and what is never sent twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import requests.exceptions as kinds
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
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import FakeStore, Outcome

BODY = {"email": "new@example.org", "external_id": "N"}
WRITES: list[tuple[str, Callable[[UsersApi], Any]]] = [
    ("POST", lambda api: api.create(BODY)),
    ("PUT", lambda api: api.update(1, BODY)),
    ("DELETE", lambda api: api.deactivate(1)),
    ("PUT", lambda api: api.reactivate(1)),
    ("POST", lambda api: api.force_logout(1)),
]
every_write = pytest.mark.parametrize(
    ("method", "write"), WRITES, ids=["create", "update", "deactivate", "reactivate", "logout"]
)
HTML = Reply(200, "<html><title>Sign in</title></html>", {"Content-Type": "text/html"})
# What a store, a proxy or the network may do to any request and what may be over the next time.
PASSING: dict[str, Outcome] = {
    "no answer in time": kinds.ReadTimeout("Read timed out."),
    "no connection in time": kinds.ConnectTimeout("timed out"),
    "connection reset": kinds.ConnectionError("Connection aborted."),
    "proxy": kinds.ProxyError("Cannot connect to proxy."),
    "chunks that end early": kinds.ChunkedEncodingError("IncompleteRead"),
    "500": Reply(500, {"message": "Server Error"}),
    "502": Reply(502, "<h1>Bad Gateway</h1>"),
    "503": Reply(503),
    "504": Reply(504, ""),
    "a page of a website": HTML,
    "JSON of another shape": Reply(200, {"CODE": "success", "data": {"users": []}}),
    "JSON cut in half": Reply(200, '{"CODE": "success", "data": {"pagin'),
    "fewer bytes than announced": Reply(200, "{}", {"Content-Length": "999"}),
    "an empty body": Reply(200),
}
# Of these it is certain that the store has not seen the request.
NOT_SENT = ("no connection in time", "proxy")
transient = pytest.mark.parametrize("name", PASSING)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(StoredUser(1, "ana@example.org", "A"))


@transient
def test_a_read_is_tried_again_until_it_comes_whole(
    store: FakeStore, pauses: list[float], name: str
) -> None:
    api = api_on(store)
    store.answer_instead("GET", PASSING[name], PASSING[name])
    assert [record["id"] for record in api.list_page(1).records] == [1]
    assert api.transport.usage()["requests"] == 3
    assert api.transport.usage()["retries"] == 2
    assert len(pauses) == 2


@every_write
@pytest.mark.parametrize(
    "name", [name for name in PASSING if name not in (*NOT_SENT, "an empty body",
             "JSON of another shape")]
)  # fmt: skip
def test_a_write_that_may_have_been_carried_out_is_not_repeated(
    store: FakeStore, method: str, write: Callable[[UsersApi], Any], name: str
) -> None:
    store.answer_instead(method, PASSING[name], PASSING[name])
    with pytest.raises(LostAnswerError):
        write(api_on(store))
    assert len(store.calls) == 1


@every_write
@pytest.mark.parametrize("name", NOT_SENT)
def test_a_write_that_was_never_sent_is_repeated(
    store: FakeStore, method: str, write: Callable[[UsersApi], Any], name: str
) -> None:
    store.users[1].deactivated = write is WRITES[3][1]
    store.answer_instead(method, PASSING[name])
    write(api_on(store))
    assert len(store.calls) == 2


@every_write
def test_a_code_that_says_failure_is_the_stores_last_word(
    store: FakeStore, method: str, write: Callable[[UsersApi], Any]
) -> None:
    store.answer_instead(method, Reply(200, {"CODE": "error", "message": "no"}))
    with pytest.raises(RejectedError) as told:
        write(api_on(store))
    assert told.value.code == "refused"
    assert len(store.calls) == 1


def test_a_creation_without_its_record_is_a_lost_answer(store: FakeStore) -> None:
    store.answer_instead("POST", Reply(200, {"CODE": "success", "data": []}), carried_out=True)
    with pytest.raises(LostAnswerError):
        api_on(store).create(BODY)
    assert len(store.calls) == 1


@every_write
def test_check_mode_sends_no_write(
    store: FakeStore, method: str, write: Callable[[UsersApi], Any]
) -> None:
    with pytest.raises(FatalError) as told:
        write(api_on(store, read_only=True))
    assert (told.value.code, told.value.method) == ("read_only", method)
    assert store.calls == []


@every_write
def test_a_refusal_for_the_rate_limit_is_waited_out(
    store: FakeStore,
    method: str,
    write: Callable[[UsersApi], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(limiter_module, "time", clock)
    store.users[1].deactivated = write is WRITES[3][1]
    store.answer_instead(method, *[Reply(429, None, {"Retry-After": "20"})] * 2)
    api = api_on(store)
    clock.rule(api.transport.limiter)
    write(api)
    usage = api.transport.usage()
    assert (usage["requests"], usage["retries"]) == (3, 2)
    assert 40.0 <= usage["waited_seconds"] <= 44.0


def test_refusals_without_an_end_end_the_run(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_on(store)
    monkeypatch.setattr(api.transport.limiter, "acquire", lambda: 0.0)
    store.answer_instead("GET", *[Reply(429)] * 50)
    with pytest.raises(FatalError) as told:
        api.list_page(1)
    assert told.value.code == "rate_limited"
    assert len(store.calls) == REFUSALS_IN_A_ROW + 1


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (403, "forbidden")])
@every_write
def test_a_refused_token_ends_the_run_at_once(
    store: FakeStore, method: str, write: Callable[[UsersApi], Any], status: int, code: str
) -> None:
    store.answer_instead(method, Reply(status, {"message": "no"}))
    with pytest.raises(FatalError) as told:
        write(api_on(store))
    assert (told.value.code, told.value.status) == (code, status)
    assert len(store.calls) == 1


@pytest.mark.parametrize("max_retries", [0, 1, 5])
def test_retries_end(store: FakeStore, pauses: list[float], max_retries: int) -> None:
    store.answer_instead("GET", *[Reply(500)] * 99)
    with pytest.raises(PublicaError) as told:
        api_on(store, max_retries=max_retries).list_page(1)
    assert told.value.code == "store_error"
    assert len(store.calls) == max_retries + 1
    assert len(pauses) == max_retries


def test_a_website_in_the_place_of_the_store_is_not_asked_for_long(store: FakeStore) -> None:
    store.answer_instead("GET", *[HTML] * 99)
    with pytest.raises(PublicaError, match="Check base_url") as told:
        api_on(store).list_page(1)
    assert told.value.code == "unexpected_answer"
    assert len(store.calls) == RETRIES_OF_UNEXPECTED_ANSWERS + 1


class TestBudget:
    def test_a_dead_store_ends_the_run_and_not_each_user_in_turn(self, store: FakeStore) -> None:
        api = api_on(store, max_retries=2)
        store.answer_instead("GET", *[Reply(500)] * 999)
        codes = []
        for _user in range(20):
            with pytest.raises(PublicaError) as told:
                api.list_page(1)
            codes.append((told.value.code, told.value.fatal))
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

    def test_successes_give_back_no_more_than_was_there(self) -> None:
        budget = RetryBudget(1)
        for _success in range(100):
            budget.succeeded()
        assert [budget.take() for _retry in range(BUDGET_IN_REQUESTS + 1)] == [
            *[True] * BUDGET_IN_REQUESTS,
            False,
        ]


class TestPauses:
    def test_they_double_up_to_a_ceiling(self) -> None:
        rng = random.Random(1)
        for attempt, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (20, LONGEST_DELAY)):
            drawn = [backoff(attempt, rng) for _ in range(200)]
            assert longest / 2 <= min(drawn) < max(drawn) <= longest
            # With jitter: workers which failed together do not come back together.
            assert len(set(drawn)) > 100

    @pytest.mark.parametrize(
        ("asked", "expected"), [("7", 7.0), (None, None)], ids=["longer", "not asked"]
    )
    def test_the_store_may_ask_for_a_longer_one(
        self, store: FakeStore, pauses: list[float], asked: str | None, expected: float | None
    ) -> None:
        store.answer_instead("GET", Reply(503, None, {"Retry-After": asked} if asked else {}))
        api_on(store).list_page(1)
        [pause] = pauses
        assert pause == expected or (expected is None and 0.25 <= pause <= 0.5)

    def test_nobody_waits_longer_than_allowed(self, store: FakeStore, pauses: list[float]) -> None:
        store.answer_instead("GET", Reply(503, None, {"Retry-After": "86400"}))
        with pytest.raises(PublicaError) as told:
            api_on(store, max_rate_limit_wait=60).list_page(1)
        assert told.value.status == 503
        assert pauses == []
