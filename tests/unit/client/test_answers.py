# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading answers: the documented forms, and words for what came instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import answers
from ansible_collections.publica.la.plugins.module_utils.client.answers import Answer
from ansible_collections.publica.la.tests.unit.support.records import IMPERSONATION
from requests.structures import CaseInsensitiveDict


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, CaseInsensitiveDict(headers), text.encode())


def paginated(**paginator: Any) -> dict[str, Any]:
    return {"CODE": "success", "data": {"paginator": paginator}}


class TestPages:
    def test_the_documented_page(self) -> None:
        page = answers.list_page(paginated(current_page=1, data=[{"id": 1}]))
        assert page == answers.Page([{"id": 1}])

    def test_the_frameworks_whole_page(self) -> None:
        page = answers.list_page(
            paginated(data=[], per_page="15", last_page=3, total=40, next_page_url=None)
        )
        assert page == answers.Page([], per_page=15, last_page=3, total=40, has_next=False)

    def test_an_object_with_gaps_is_a_list(self) -> None:
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
    def test_anything_else_is_no_page(self, payload: dict[str, Any]) -> None:
        assert answers.list_page(payload) is None


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        pytest.param(
            {"message": "no", "errors": {"email": ["taken", "bad"]}},
            {"email": ["taken", "bad"]},
            id="message and errors",
        ),
        pytest.param({"CODE": "e", "data": {"email": ["taken"]}}, {"email": ["taken"]}, id="data"),
        pytest.param({"CODE": "e", "data": {"email": "taken"}}, {"email": ["taken"]}, id="a text"),
        pytest.param({"CODE": "e", "data": {"email": [{"rule": "unique"}]}},
                     {"email": ['{"rule": "unique"}']}, id="a mapping as a fault"),
        pytest.param({"CODE": "e", "message": "no"}, {}, id="code and message"),
        pytest.param({"errors": []}, {}, id="a list without faults"),
    ],
)  # fmt: skip
def test_faults_by_field(payload: dict[str, Any], fields: dict[str, list[str]]) -> None:
    assert answers.rejected_fields(payload) == fields


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
def test_a_code_can_say_failure_in_spite_of_the_status(
    payload: dict[str, Any], failure: bool
) -> None:
    assert answers.says_failure(payload) is failure


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), (" -5 ", -5), (True, None), (5.0, None), ("5.0", None), (None, None),
     ("9" * 30, None)],
    ids=repr,
)  # fmt: skip
def test_whole_numbers(value: Any, expected: int | None) -> None:
    assert answers.whole_number(value) == expected


@pytest.mark.parametrize(
    ("came", "words"),
    [
        pytest.param(answer(""), "an empty body", id="empty"),
        pytest.param(answer({"message": "x", "data": 1}), "a JSON object with data, message",
                     id="object"),
        pytest.param(answer([1]), "JSON that is no object (list, 3 bytes)", id="list"),
        pytest.param(answer('{"data": {"impersonate": "https'), "JSON that breaks off",
                     id="cut in half"),
        pytest.param(answer("<html><head><title>Sign in</title></head>"), '("Sign in")',
                     id="a title"),
        pytest.param(answer("<h1>502 Bad Gateway</h1><script>x()</script>"), '("502 Bad Gateway")',
                     id="a page without a title"),
        pytest.param(answer("<br>"), "an HTML page (4 bytes)", id="a page without a word"),
        pytest.param(answer("Maintenance"), 'text that is no JSON ("Maintenance")', id="text"),
        pytest.param(answer('\ufeff{"a": 1}'), "a JSON object with a", id="a byte order mark"),
        pytest.param(Answer(200, {}, b"\xff\xfe\x00"), "text that is no JSON", id="no text at all"),
    ],
)  # fmt: skip
def test_what_came_is_told_in_a_few_words(came: Answer, words: str) -> None:
    assert words in answers.describe(came)


def test_deeply_nested_json_ends_no_run() -> None:
    assert answer("[" * 100_000).json_object() is None


@pytest.mark.parametrize(
    "came",
    [
        pytest.param(answer({"impersonate": IMPERSONATION}), id="in JSON"),
        pytest.param(answer(f'{{"impersonate": "{IMPERSONATION}'), id="in JSON cut in half"),
        pytest.param(answer(f"<a href='{IMPERSONATION}'>{IMPERSONATION}</a>"), id="in a page"),
        pytest.param(answer(f"see {IMPERSONATION}"), id="in a text"),
        pytest.param(answer("see /impersonate/take/53114"), id="without its host"),
    ],
)
def test_no_impersonation_link_is_quoted(came: Answer) -> None:
    assert "53114" not in answers.describe(came)


def test_a_quoted_text_is_one_short_line() -> None:
    shortened = answers.shorten("word\n\x1b[31m " * 100)
    assert len(shortened) <= 120
    assert shortened.isprintable()
