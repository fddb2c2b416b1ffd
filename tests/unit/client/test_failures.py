# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a status or an exception to an error: its code, whether it passes, whether it was sent."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import pytest
import requests.exceptions as kinds
from ansible_collections.publica.la.plugins.module_utils.client.answers import Answer
from ansible_collections.publica.la.plugins.module_utils.client.failures import (
    AttemptError,
    Request,
    failure_of_answer,
    failure_of_exception,
)
from ansible_collections.publica.la.tests.unit.support.builders import BASE_URL, TOKEN
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


def of_status(status: int, body: Any = None, **headers: str) -> AttemptError | None:
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    return failure_of_answer(Answer(status, CaseInsensitiveDict(headers), text.encode()), POST)


def failed(status: int, body: Any = None, **headers: str) -> AttemptError:
    failure = of_status(status, body, **headers)
    assert failure is not None
    return failure


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_good_status_is_no_failure(status: int) -> None:
    assert of_status(status) is None


@pytest.mark.parametrize(
    ("status", "body", "code", "fatal", "transient"),
    [
        (401, {"message": "Unauthenticated."}, "unauthenticated", True, False),
        (403, {"message": "Forbidden"}, "forbidden", True, False),
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
def test_each_status_has_its_error(
    status: int, body: Any, code: str, fatal: bool, transient: bool
) -> None:
    failure = failed(status, body)
    assert (failure.error.code, failure.error.fatal, failure.transient) == (code, fatal, transient)
    told = failure.error.as_failure()
    assert (told["method"], told["path"], told["status"]) == ("POST", POST.path, status)
    assert told["message"] == str(failure.error)


@pytest.mark.parametrize(
    ("body", "fields", "words"),
    [
        pytest.param({"message": "Invalid.", "errors": {"email": ["is taken"]}},
                     {"email": ["is taken"]}, "email: is taken", id="message and errors"),
        pytest.param({"CODE": "validation", "message": "email is taken"}, {}, "email is taken",
                     id="code and message"),
        pytest.param({"CODE": "validation", "data": {"email": ["is taken"]}},
                     {"email": ["is taken"]}, "email: is taken", id="code and data"),
        pytest.param("no", {}, 'text that is no JSON ("no")', id="no JSON"),
    ],
)  # fmt: skip
def test_a_422_tells_its_faults_in_every_form(
    body: Any, fields: dict[str, list[str]], words: str
) -> None:
    error = failed(422, body).error
    assert error.fields == fields
    assert words in error.message


def test_a_website_in_the_place_of_the_store_ends_a_read_for_good() -> None:
    answer = Answer(404, CaseInsensitiveDict(), b"<html>Not Found</html>")
    failure = failure_of_answer(answer, Request("GET", "/users", BASE_URL))
    assert failure is not None
    assert (failure.error.code, failure.error.fatal) == ("unexpected_answer", True)
    assert "Check base_url" in failure.error.message


def test_a_refusal_in_spite_of_a_good_status_tells_its_faults() -> None:
    error = failed(200, {"CODE": "validation_error", "data": {"email": ["is taken"]}}).error
    assert error.fields == {"email": ["is taken"]}


@pytest.mark.parametrize("location", ["http://[::1", "//", "", "https://:x"])
def test_a_malformed_redirect_is_one_all_the_same(location: str) -> None:
    assert failed(302, None, Location=location).error.code == "redirected"


def test_only_a_refusal_for_the_rate_limit_was_surely_not_carried_out() -> None:
    assert failed(429).was_sent is False
    assert failed(500).was_sent is True


@pytest.mark.parametrize(("value", "wait"), [("7", 7.0), ("", None), ("soon", None)])
def test_a_failing_store_may_say_when_to_come_back(value: str, wait: float | None) -> None:
    assert failed(503, None, **{"Retry-After": value}).wait == wait


def test_a_redirect_tells_only_where_to() -> None:
    error = failed(301, None, Location="https://evil.example/login?token=abc#x").error
    assert "https://evil.example" in error.message
    assert "abc" not in error.message


def wrapped(inner: Exception, kind: type[Exception] = kinds.ConnectionError) -> Exception:
    """An exception as ``requests`` raises it: around the pool's, around the reason."""
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
                     id="no connection in time"),
        pytest.param(kinds.ProxyError("Cannot connect to proxy."), "unreachable", True, True, False,
                     id="proxy"),
        pytest.param(wrapped(LowSSLError(UNKNOWN_CERT), kinds.SSLError), "tls", True, False, False,
                     id="unknown certificate"),
        # A balancer that closes a kept connection: the request may have arrived.
        pytest.param(wrapped(LowSSLError(BROKEN_TLS), kinds.SSLError), "connection_broken", False,
                     True, True, id="TLS that breaks off"),
        pytest.param(kinds.ReadTimeout("Read timed out."), "timeout", False, True, True,
                     id="no answer in time"),
        pytest.param(kinds.ConnectionError(STOPPED),
                     "timeout", False, True, True, id="an answer that stops"),
        pytest.param(kinds.ConnectionError(ProtocolError("Connection aborted.",
                     ConnectionResetError(104, "Connection reset by peer"))), "connection_broken",
                     False, True, True, id="reset"),
        pytest.param(kinds.ChunkedEncodingError("Connection broken: IncompleteRead"),
                     "connection_broken", False, True, True, id="a body that breaks off"),
        pytest.param(kinds.ContentDecodingError("gzip"), "unexpected_answer", False, True, True,
                     id="a body that cannot be decoded"),
        pytest.param(kinds.InvalidURL("x"), "request_impossible", True, False, False,
                     id="no URL"),
    ],
)  # fmt: skip
def test_each_exception_has_its_error(
    error: Exception, code: str, fatal: bool, transient: bool, was_sent: bool
) -> None:
    failure = failure_of_exception(error, POST, timeout=30)
    assert (failure.error.code, failure.error.fatal) == (code, fatal)
    assert (failure.transient, failure.was_sent) == (transient, was_sent)


def test_an_unknown_host_was_never_reached() -> None:
    reason = NewConnectionError(HTTPSConnection("x"), "Failed to resolve")
    reason.__cause__ = socket.gaierror(-2, "Name or service not known")
    failure = failure_of_exception(wrapped(reason), POST, timeout=30)
    assert failure.was_sent is False
    assert "Name or service not known" in failure.error.message


def test_no_object_or_address_of_a_library_is_told() -> None:
    failure = failure_of_exception(wrapped(REFUSED), POST, timeout=30)
    assert "object at 0x" not in failure.error.message
    assert "store.example" in failure.error.message
