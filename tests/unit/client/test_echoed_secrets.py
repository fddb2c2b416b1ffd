# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store that echoes what it was sent makes no error tell a secret."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.answers import Answer
from ansible_collections.publica.la.plugins.module_utils.client.failures import (
    Request,
    failure_of_answer,
    unexpected_answer,
)
from ansible_collections.publica.la.tests.unit.support.builders import BASE_URL, TOKEN
from ansible_collections.publica.la.tests.unit.support.records import IMPERSONATION
from requests.structures import CaseInsensitiveDict

PASSWORDS = {
    "plain": "Correct-Horse-9",
    "spaces": "two  spaces  9",
    "quotes": 'say "a\\b" 99',
    "markup": "<b>&amp;'99",
    "not ASCII": "contraseña-99",
}
FORMS: dict[str, Any] = {
    "message": lambda text: {"message": f"bad value {text}"},
    "errors": lambda text: {"errors": {"new_password": [f"{text} is too weak"]}},
    "data": lambda text: {"CODE": "e", "data": {"new_password": f"{text} is too weak"}},
    "nested": lambda text: {"errors": {"new_password": [{"given": text}]}},
    "key": lambda text: {"errors": {text: ["unknown field"]}},
    "top key": lambda text: {text: 1},
    "text": lambda text: f"Refused: {text}",
    "page": lambda text: f"<html><title>{html.escape(text)}</title></html>",
    "page body": lambda text: f"<p>{html.escape(text)}</p>",
}


def told(status: int, body: Any, secret: str) -> str:
    """Everything that an error for this answer tells."""
    text = body if isinstance(body, str) else json.dumps(body)
    answer = Answer(status, CaseInsensitiveDict(), text.encode())
    request = Request("PUT", "/x", BASE_URL, secrets=(TOKEN, secret))
    failure = failure_of_answer(answer, request) or unexpected_answer(answer, request)
    return json.dumps(failure.error.as_failure(), ensure_ascii=False)


@pytest.mark.parametrize("status", [200, 403, 404, 418, 422, 500])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", PASSWORDS)
def test_a_password_is_not_told(status: int, form: str, kind: str) -> None:
    secret = PASSWORDS[kind]
    said = told(status, FORMS[form](secret), secret)
    # White space and quoting may have been changed on the way: then the rest must not stand.
    for shape in (secret, " ".join(secret.split()), json.dumps(secret)[1:-1], html.escape(secret)):
        assert shape not in said


ESCAPES: dict[str, Any] = {
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "address": quote,
    "form": quote_plus,
    "HTML": html.escape,
}


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("status", [409, 422, 500])
def test_a_password_is_not_told_as_the_store_escapes_it(status: int, escape: str) -> None:
    secret = 'Geh\u00e4im"x\\y/12 &'
    escaped = ESCAPES[escape](secret)
    said = told(status, f"Failed at new_password={escaped}.", secret)
    assert "im" not in said.split("Failed at")[-1]
    assert "(not shown)" in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [200, 422, 500])
def test_the_token_is_not_told(status: int, form: str) -> None:
    assert TOKEN not in told(status, FORMS[form](TOKEN), "")


@pytest.mark.parametrize("before", range(100, 122))
def test_a_secret_is_not_told_in_part_where_a_text_is_cut(before: int) -> None:
    body = {"message": f"{'x' * (before - 1)} {TOKEN}"}
    said = told(422, body, "")
    assert TOKEN[:6] not in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [200, 403, 422, 500])
def test_no_impersonation_link_is_told(status: int, form: str) -> None:
    assert "53114" not in told(status, FORMS[form](IMPERSONATION), "")


def test_the_path_of_an_error_has_neither_host_nor_query() -> None:
    answer = Answer(500, CaseInsensitiveDict(), b"")
    request = Request("GET", "/users", BASE_URL, query={"query": "ana@example.org"})
    failure = failure_of_answer(answer, request)
    assert failure is not None
    assert failure.error.path == "/users"
