# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parsing answers and rate limit headers, and describing unexpected answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import answers
from ansible_collections.publica.la.plugins.module_utils.client.answers import (
    Answer,
    RateHeaders,
    rate_headers,
    retry_after,
)
from ansible_collections.publica.la.plugins.module_utils.client.withholding import StoreText
from ansible_collections.publica.la.tests.unit.support.store import IMPERSONATION
from requests.structures import CaseInsensitiveDict

SERVER_DATE = "Tue, 18 May 2021 13:28:53 GMT"
SERVER_TIME = 1621344533
WRONG_CLOCK = SERVER_TIME + 5000.0


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, CaseInsensitiveDict(headers), text.encode())


def paginated(**paginator: Any) -> dict[str, Any]:
    return {"CODE": "success", "data": {"paginator": paginator}}


class TestListPage:
    def test_documented_paginator(self) -> None:
        page = answers.list_page(paginated(current_page=1, data=[{"id": 1}]))
        assert page == answers.Page([{"id": 1}])

    @pytest.mark.parametrize("number", [-1, 10**400, "-5", 1.5, [], "1e9"])
    def test_number_that_is_no_count_is_unknown(self, number: Any) -> None:
        page = answers.list_page(
            paginated(data=[{"id": 1}], total=number, last_page=number, per_page=number)
        )
        assert page == answers.Page([{"id": 1}])

    def test_complete_paginator_of_the_framework(self) -> None:
        page = answers.list_page(
            paginated(data=[], per_page="15", last_page=3, total=40, next_page_url=None)
        )
        assert page == answers.Page([], per_page=15, last_page=3, total=40, has_next=False)

    def test_object_with_numeric_keys_is_a_list(self) -> None:
        page = answers.list_page(paginated(data={"0": {"id": 1}, "2": {"id": 2}}))
        assert page is not None
        assert page.records == [{"id": 1}, {"id": 2}]

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"data": None},
            {"data": []},
            {"data": {"paginator": None}},
            paginated(),
            paginated(data=None),
            paginated(data=[1, 2]),
            paginated(data="users"),
        ],
        ids=json.dumps,
    )
    def test_other_payloads_are_not_a_page(self, payload: dict[str, Any]) -> None:
        assert answers.list_page(payload) is None


@pytest.mark.parametrize(
    ("payload", "failure"),
    [
        ({"CODE": "success"}, False),
        ({"CODE": "OK"}, False),
        ({"CODE": "error"}, True),
        ({"CODE": 200}, False),
        ({}, False),
    ],
    ids=json.dumps,
)
def test_code_reports_failure(payload: dict[str, Any], failure: bool) -> None:
    assert answers.reports_failure(payload) is failure


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), (" -5 ", -5), (True, None), (5.0, None), ("5.0", None), (None, None),
     ("9" * 30, None)],
    ids=repr,
)  # fmt: skip
def test_whole_number(value: Any, expected: int | None) -> None:
    assert answers.whole_number(value) == expected


@pytest.mark.parametrize(
    ("received", "description"),
    [
        pytest.param(answer(""), "an empty body", id="empty"),
        pytest.param(answer({"message": "x", "data": 1}), "a JSON object with data, message",
                     id="object"),
        pytest.param(answer([1]), "JSON that is not an object (list, 3 bytes)", id="list"),
        pytest.param(answer('{"data": {"impersonate": "https'), "truncated or malformed JSON",
                     id="truncated"),
        pytest.param(answer("<html><head><title>Sign in</title></head>"), '("Sign in")',
                     id="a title"),
        pytest.param(answer("<h1>502 Bad Gateway</h1><script>x()</script>"), '("502 Bad Gateway")',
                     id="a page without a title"),
        pytest.param(answer("<br>"), "an HTML page (4 bytes)", id="a page without text"),
        pytest.param(answer("Maintenance"), 'text that is not JSON ("Maintenance")', id="text"),
        pytest.param(answer('\ufeff{"a": 1}'), "a JSON object with a", id="a byte order mark"),
        pytest.param(Answer(200, {}, b"\xff\xfe\x00"), "text that is not JSON", id="not UTF-8"),
    ],
)  # fmt: skip
def test_description(received: Answer, description: str) -> None:
    assert description in answers.describe(received, StoreText([]))


def test_deeply_nested_json_is_not_an_object() -> None:
    assert answer("[" * 100_000).json_object() == {}


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(answer({"impersonate": IMPERSONATION}), id="in JSON"),
        pytest.param(answer(f'{{"impersonate": "{IMPERSONATION}'), id="in truncated JSON"),
        pytest.param(answer(f"<a href='{IMPERSONATION}'>{IMPERSONATION}</a>"), id="in a page"),
        pytest.param(answer(f"see {IMPERSONATION}"), id="in a text"),
        pytest.param(answer("see /impersonate/take/53114"), id="without its host"),
    ],
)
def test_description_quotes_no_impersonation_link(received: Answer) -> None:
    assert "53114" not in answers.describe(received, StoreText([]))


def test_shortened_text_is_one_printable_line() -> None:
    shortened = StoreText([]).quote("word\n\x1b[31m " * 100)
    assert len(shortened) <= 120
    assert shortened.isprintable()


def headers(**values: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): value for name, value in values.items()})


class TestRateHeaders:
    @pytest.mark.parametrize(
        ("values", "reset_in"),
        [
            pytest.param({}, None, id="none"),
            pytest.param({"Retry_After": "12"}, 12.0, id="Retry-After"),
            pytest.param({"Retry_After": "-5"}, 0.0, id="negative"),
            pytest.param({"Retry_After": "soon"}, None, id="not a time"),
            pytest.param(
                {"Retry_After": "Tue, 18 May 2021 13:29:13 GMT", "Date": SERVER_DATE}, 20.0,
                id="Retry-After as a date",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(SERVER_TIME + 30), "Date": SERVER_DATE}, 30.0,
                id="Reset by the server's clock",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(int(WRONG_CLOCK) + 30)}, 30.0,
                id="Reset by this machine's clock if there is no Date",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(int(WRONG_CLOCK) - 1)}, 0.0,
                id="Reset in the second that ended",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(int(WRONG_CLOCK) - 3570)}, None,
                id="Reset in the past by this machine's clock",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(SERVER_TIME - 30), "Date": SERVER_DATE}, 0.0,
                id="Reset in the past",
            ),
            pytest.param(
                {"Retry_After": "5", "X_RateLimit_Reset": str(SERVER_TIME + 30),
                 "Date": SERVER_DATE}, 5.0,
                id="Retry-After before Reset",
            ),
            pytest.param({"X_RateLimit_Reset": "later"}, None, id="Reset that is not a time"),
            pytest.param(
                {"X_RateLimit_Reset": str(int(WRONG_CLOCK) + 30), "Date": "yesterday"}, 30.0,
                id="invalid Date",
            ),
        ],
    )  # fmt: skip
    def test_reset_in(self, values: dict[str, str], reset_in: float | None) -> None:
        assert rate_headers(headers(**values), WRONG_CLOCK).reset_in == reset_in

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"X_RateLimit_Reset": str(SERVER_TIME)}, True),
            ({"X_RateLimit_Reset": str(SERVER_TIME), "Date": SERVER_DATE}, False),
            ({"X_RateLimit_Reset": str(SERVER_TIME), "Retry_After": "5"}, False),
            ({"Retry_After": SERVER_DATE}, True),
            ({}, False),
        ],
        ids=str,
    )
    def test_clock_of_a_reset(self, values: dict[str, str], expected: bool) -> None:
        assert rate_headers(headers(**values), SERVER_TIME).by_own_clock is expected

    def test_limit_and_remaining(self) -> None:
        values = headers(X_RateLimit_Limit="100", x_ratelimit_remaining=" 7 ")
        assert rate_headers(values, 0.0) == RateHeaders(100, 7, None)

    @pytest.mark.parametrize("value", ["", "many", "1.5"])
    def test_invalid_number_is_ignored(self, value: str) -> None:
        assert rate_headers(headers(X_RateLimit_Limit=value), 0.0).limit is None

    def test_retry_after_is_never_negative(self) -> None:
        assert retry_after(headers(Retry_After=SERVER_DATE), WRONG_CLOCK) == 0.0
