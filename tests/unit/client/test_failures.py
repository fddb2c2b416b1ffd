# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors for statuses and exceptions, and the secrets that no error contains."""

from __future__ import annotations

import base64
import html
import json
import socket
import ssl
import unicodedata
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests.exceptions as kinds
from ansible_collections.publica.la.plugins.module_utils.client.answers import Answer
from ansible_collections.publica.la.plugins.module_utils.client.failures import (
    AttemptError,
    Request,
    failure_of_answer,
    failure_of_exception,
    unexpected_answer,
)
from ansible_collections.publica.la.tests.unit.support.builders import BASE_URL, TOKEN
from ansible_collections.publica.la.tests.unit.support.store import IMPERSONATION
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as LowSSLError

POST = Request("POST", "/integration-api/v1/dashboard/users/", BASE_URL, secrets=(TOKEN,))


def failure_of(status: int, body: Any = None, **headers: str) -> AttemptError | None:
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    return failure_of_answer(Answer(status, CaseInsensitiveDict(headers), text.encode()), POST)


def failed(status: int, body: Any = None, **headers: str) -> AttemptError:
    failure = failure_of(status, body, **headers)
    assert failure is not None
    return failure


@pytest.mark.parametrize("status", [200, 201, 204])
def test_good_status_is_not_a_failure(status: int) -> None:
    assert failure_of(status) is None


@pytest.mark.parametrize(
    ("status", "body", "code", "fatal", "transient"),
    [
        (401, {"message": "Unauthenticated."}, "unauthenticated", True, False),
        (403, {"message": "Forbidden"}, "forbidden", False, False),
        (404, {"message": ""}, "not_found", False, False),
        (404, None, "not_found", False, False),
        (404, "<html>Not Found</html>", "not_found", False, False),
        (200, {"CODE": "error", "message": "no"}, "refused", False, False),
        (422, {"errors": {"email": ["taken"]}}, "validation", False, False),
        (429, None, "rate_limited", True, True),
        (500, {"message": "Server Error"}, "store_error", False, True),
        (502, "<html><h1>Bad Gateway</h1></html>", "store_error", False, True),
        (503, "<html><h1>Maintenance</h1></html>", "store_error", False, True),
        (504, None, "store_error", False, True),
        (302, None, "redirected", True, False),
        (418, {"message": "teapot"}, "unexpected_status", False, False),
    ],
)
def test_error_of_each_status(
    status: int, body: Any, code: str, fatal: bool, transient: bool
) -> None:
    failure = failed(status, body)
    assert (failure.error.code, failure.error.fatal, failure.transient) == (code, fatal, transient)
    returned = failure.error.as_failure()
    assert (returned["method"], returned["path"]) == ("POST", POST.path)
    assert (returned["status"], returned["message"]) == (status, str(failure.error))


@pytest.mark.parametrize(
    ("body", "fields", "words"),
    [
        pytest.param({"message": "Invalid.", "errors": {"email": ["is taken"]}},
                     {"email": ["is taken"]}, "email: is taken", id="message and errors"),
        pytest.param({"CODE": "validation", "message": "email is taken"}, {}, "email is taken",
                     id="code and message"),
        pytest.param({"CODE": "validation", "data": {"email": ["is taken"]}},
                     {"email": ["is taken"]}, "email: is taken", id="code and data"),
        pytest.param("no", {}, 'text that is not JSON ("no")', id="no JSON"),
        pytest.param({"message": "no", "errors": {"email": ["is taken", "is bad"]}},
                     {"email": ["is taken", "is bad"]}, "email: is taken", id="two errors"),
        pytest.param({"CODE": "e", "data": {"email": "is taken"}}, {"email": ["is taken"]},
                     "email: is taken", id="a text"),
        pytest.param({"CODE": "e", "data": {"email": [{"rule": "unique"}]}},
                     {"email": ['{"rule": "unique"}']}, "unique", id="a mapping as an error"),
        pytest.param({"errors": []}, {}, "errors", id="an empty list"),
    ],
)  # fmt: skip
def test_errors_of_a_refusal(body: Any, fields: dict[str, list[str]], words: str) -> None:
    error = failed(422, body).error
    assert error.fields == fields
    assert words in error.message
    if isinstance(body, dict) and "CODE" in body:
        assert failed(200, body).error.fields == fields


def test_website_instead_of_the_store_is_fatal_for_a_read() -> None:
    answer = Answer(404, CaseInsensitiveDict(), b"<html>Not Found</html>")
    failure = failure_of_answer(answer, Request("GET", "/users", BASE_URL))
    assert failure is not None
    assert (failure.error.code, failure.error.fatal) == ("unexpected_answer", True)
    assert "Check base_url" in failure.error.message


@pytest.mark.parametrize(
    ("request_", "fatal", "words"),
    [
        pytest.param(Request("GET", "/users", BASE_URL), True, "api_token", id="reading"),
        pytest.param(Request("POST", "/users", BASE_URL, creates=True), True, "api_token",
                     id="creation"),
        pytest.param(Request("PUT", "/users/5", BASE_URL), False, "can_be_edited", id="write"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("body", "quoted"),
    [('{"message": "Not yours."}', "Not yours."), ("<title>Blocked</title>", "Blocked")],
)
def test_403_is_about_the_token_or_about_a_user(
    request_: Request, fatal: bool, words: str, body: str, quoted: str
) -> None:
    failure = failure_of_answer(Answer(403, CaseInsensitiveDict(), body.encode()), request_)
    assert failure is not None
    assert (failure.error.code, failure.error.fatal) == ("forbidden", fatal)
    assert words in failure.error.message
    assert fatal or quoted in failure.error.message


@pytest.mark.parametrize("location", ["http://[::1", "//", "", "https://:x"])
def test_malformed_redirect(location: str) -> None:
    assert failed(302, None, Location=location).error.code == "redirected"


def test_only_the_rate_limit_proves_that_the_store_did_not_act() -> None:
    assert failed(429).was_sent is False
    assert failed(500).was_sent is True


@pytest.mark.parametrize(("value", "wait"), [("7", 7.0), ("", None), ("soon", None)])
def test_failing_store_may_ask_for_a_wait(value: str, wait: float | None) -> None:
    assert failed(503, None, **{"Retry-After": value}).wait == wait


def test_redirect_reveals_only_its_host() -> None:
    error = failed(301, None, Location="https://evil.example/login?token=abc#x").error
    assert "https://evil.example" in error.message
    assert "abc" not in error.message


def wrapped(inner: Exception, kind: type[Exception] = kinds.ConnectionError) -> Exception:
    """An exception as ``requests`` raises it: it wraps the pool's, which wraps the reason."""
    return kind(MaxRetryError(None, "/", reason=inner))  # type: ignore[arg-type]


REFUSED = NewConnectionError(HTTPSConnection("store.example"), "Failed to connect: refused")
UNKNOWN_CERT = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed")
STOPPED = ReadTimeoutError(HTTPConnectionPool("store.example"), "/", "Read timed out.")
BROKEN_TLS = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")


@pytest.mark.parametrize(
    ("error", "code", "fatal", "transient", "was_sent"),
    [
        pytest.param(wrapped(REFUSED), "unreachable", True, True, False, id="refused"),
        pytest.param(kinds.ConnectTimeout("timed out"), "unreachable", True, True, False,
                     id="connection timeout"),
        pytest.param(kinds.ProxyError("Cannot connect to proxy."), "unreachable", True, True, False,
                     id="proxy"),
        pytest.param(wrapped(LowSSLError(UNKNOWN_CERT), kinds.SSLError), "tls", True, False, False,
                     id="unknown certificate"),
        # A balancer that closes a kept connection: the request may have arrived.
        pytest.param(wrapped(LowSSLError(BROKEN_TLS), kinds.SSLError), "connection_broken", False,
                     True, True, id="broken TLS"),
        pytest.param(kinds.ReadTimeout("Read timed out."), "timeout", False, True, True,
                     id="read timeout"),
        pytest.param(kinds.ConnectionError(STOPPED),
                     "timeout", False, True, True, id="answer that stops"),
        pytest.param(kinds.ConnectionError(ProtocolError("Connection aborted.",
                     ConnectionResetError(104, "Connection reset by peer"))), "connection_broken",
                     False, True, True, id="reset"),
        pytest.param(kinds.ChunkedEncodingError("Connection broken: IncompleteRead"),
                     "connection_broken", False, True, True, id="truncated body"),
        pytest.param(kinds.ContentDecodingError("gzip"), "unexpected_answer", False, True, True,
                     id="undecodable body"),
        pytest.param(kinds.InvalidURL("x"), "request_impossible", True, False, False,
                     id="invalid URL"),
    ],
)  # fmt: skip
def test_error_of_each_exception(
    error: Exception, code: str, fatal: bool, transient: bool, was_sent: bool
) -> None:
    failure = failure_of_exception(error, POST, timeout=30)
    assert (failure.error.code, failure.error.fatal) == (code, fatal)
    assert (failure.transient, failure.was_sent) == (transient, was_sent)


def test_unknown_host_received_nothing() -> None:
    reason = NewConnectionError(HTTPSConnection("x"), "Failed to resolve")
    reason.__cause__ = socket.gaierror(-2, "Name or service not known")
    failure = failure_of_exception(wrapped(reason), POST, timeout=30)
    assert failure.was_sent is False
    assert "Name or service not known" in failure.error.message


def test_message_contains_no_object_of_a_library() -> None:
    failure = failure_of_exception(wrapped(REFUSED), POST, timeout=30)
    assert "object at 0x" not in failure.error.message
    assert "store.example" in failure.error.message


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


def returned_failure(status: int, body: Any, secret: str) -> str:
    """The complete ``failure`` that a task returns for this answer, as text."""
    text = body if isinstance(body, str) else json.dumps(body)
    answer = Answer(status, CaseInsensitiveDict(), text.encode())
    request = Request("PUT", "/x", BASE_URL, secrets=(TOKEN, secret))
    failure = failure_of_answer(answer, request) or unexpected_answer(answer, request)
    return json.dumps(failure.error.as_failure(), ensure_ascii=False)


@pytest.mark.parametrize("status", [200, 403, 404, 418, 422, 500])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", PASSWORDS)
def test_echoed_password_is_not_returned(status: int, form: str, kind: str) -> None:
    secret = PASSWORDS[kind]
    returned = returned_failure(status, FORMS[form](secret), secret)
    # White space and quoting may have changed.
    for variant in (
        secret,
        " ".join(secret.split()),
        json.dumps(secret)[1:-1],
        html.escape(secret),
    ):
        assert variant not in returned


SECRET = "Geh\u00e4im\"x\\y/12 &'99"
ENCODINGS: dict[str, Any] = {
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "URL": quote,
    "form": quote_plus,
    "URL in URL": lambda text: quote(quote(text)),
    "HTML": html.escape,
    "HTML of PHP": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "upper case": str.upper,
    "first half": lambda text: text[: len(text) // 2 + 1],
    "second half": lambda text: text[len(text) // 2 - 1 :],
    "middle": lambda text: text[3:-3],
    "invisible characters": lambda text: "\u200b".join(text),
    "fillers": lambda text: "\u3164".join(text),
    "variation selectors": lambda text: "\ufe0f".join(text),
    "gaps": lambda text: " - ".join(text),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text
    ),
    **{
        f"base64 at {shift}": lambda text, shift=shift: base64.b64encode(
            b"u" * shift + text.encode()
        ).decode()
        for shift in range(3)
    },
    "base64 in a URL": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("status", [409, 422, 500])
def test_a_text_with_a_part_of_a_secret_is_withheld(status: int, encoding: str) -> None:
    encoded = ENCODINGS[encoding](SECRET)
    for body in (f"Failed at new_password={encoded}.", {"errors": {"new_password": [encoded]}}):
        returned = json.loads(returned_failure(status, body, SECRET))
        assert encoded not in json.dumps(returned, ensure_ascii=False)
        assert "withheld" in returned["message"] or body != f"Failed at new_password={encoded}."
        # The names of fields, the code and the request stay.
        if status == 422 and isinstance(body, dict):
            assert list(returned["fields"]) == ["new_password"]
            assert "withheld" in returned["fields"]["new_password"][0]
        assert returned["path"] == "/x"


@pytest.mark.parametrize("number", [48151623, "48151623"], ids=["number", "text"])
def test_a_password_of_digits_is_not_returned_as_a_number(number: Any) -> None:
    for body in ({"errors": {"new_password": [number]}}, {"errors": {"email": number}}):
        assert "48151623" not in returned_failure(422, body, "48151623")


def test_a_secret_that_is_spread_over_an_answer_withholds_all_its_texts() -> None:
    parts = {"email": [f"no {SECRET[:4]}"], "message": SECRET[4:]}
    returned = returned_failure(422, {"errors": parts, "message": SECRET}, SECRET)
    assert SECRET[:4] not in returned


@pytest.mark.parametrize(
    "location", [f"https://{TOKEN}.example/", f"https://{TOKEN.upper()}/x", f"{TOKEN}://host"]
)
def test_the_host_of_a_redirect_may_be_a_secret(location: str) -> None:
    answer = Answer(302, CaseInsensitiveDict(Location=location), b"")
    failure = failure_of_answer(answer, Request("GET", "/x", BASE_URL, secrets=(TOKEN,)))
    assert failure is not None
    assert TOKEN not in failure.error.message.lower()


def test_the_text_of_an_exception_may_be_a_secret() -> None:
    cause = kinds.ChunkedEncodingError(f"invalid chunk length: {TOKEN!r}")
    failure = failure_of_exception(cause, Request("GET", "/x", BASE_URL, secrets=(TOKEN,)), 30)
    assert TOKEN not in failure.error.message
    assert "withheld" in failure.error.message


def test_an_ordinary_text_is_quoted() -> None:
    text = "The email has already been taken."
    body = {"message": text, "errors": {"email": [text]}}
    assert json.loads(returned_failure(422, body, SECRET))["fields"] == {"email": [text]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [200, 403, 422, 500])
def test_token_and_impersonation_link_are_not_returned(status: int, form: str) -> None:
    assert TOKEN not in returned_failure(status, FORMS[form](TOKEN), "")
    assert "53114" not in returned_failure(status, FORMS[form](IMPERSONATION), "")


@pytest.mark.parametrize("before", range(100, 122))
def test_no_part_of_a_secret_remains_after_shortening(before: int) -> None:
    body = {"message": f"{'x' * (before - 1)} {TOKEN}"}
    returned = returned_failure(422, body, "")
    assert TOKEN[:6] not in returned


def test_path_of_an_error_has_neither_host_nor_query() -> None:
    answer = Answer(500, CaseInsensitiveDict(), b"")
    request = Request("GET", "/users", BASE_URL, query={"query": "ana@example.org"})
    failure = failure_of_answer(answer, request)
    assert failure is not None
    assert failure.error.path == "/users"
