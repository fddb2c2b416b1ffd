# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn a bad answer or an exception into an error, and decide which retries a run may spend."""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from ..errors import FatalError, ForbiddenError, NotFoundError, PublicaError, RejectedError
from . import answers
from .answers import Answer
from .connection import NO_ENVIRONMENT, Environment, Exchange, requests, urllib3
from .withholding import StoreText

FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0
# The retry budget in units of one request's retries; each success returns one retry. A store that
# is down ends a run after a few requests, however many users it has. A store that answers every
# second request can be used to the end.
BUDGET_IN_REQUESTS = 4

# After 303 the first request was carried out, and 304 is no redirect.
REPEATABLE_REDIRECTS = (301, 302, 307, 308)

# The total time of one request and its answer, in units of ``timeout``.
TIMES_TIMEOUT = 10

# What OpenSSL raises if an established connection breaks: the store may have acted.
BROKEN_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def backoff(attempt: int) -> float:
    """Seconds to wait after failure number ``attempt`` (from 1): doubled each time, with jitter.

    Half of the delay is random, so that workers that failed together don't return together.
    """
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))
    return longest / 2 + random.uniform(0, longest / 2)  # noqa: S311  # no secret


class RetryBudget:
    def __init__(self, max_retries: int) -> None:
        self._ceiling = self._left = max_retries * BUDGET_IN_REQUESTS
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry; False if none is left."""
        with self._lock:
            is_left = self._left > 0
            self._left -= is_left
            return is_left

    def succeeded(self) -> None:
        """Return one retry after a complete answer."""
        with self._lock:
            self._left = min(self._ceiling, self._left + 1)


@dataclass(frozen=True)
class Request:
    """One request to the store at ``base_url``; no error may contain one of ``secrets``.

    :ivar creates: it creates a user, so a refusal can't be about an existing one.
    """

    method: str
    path: str
    base_url: str
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    creates: bool = False
    environment: Environment = NO_ENVIRONMENT

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    @property
    def proxy_hint(self) -> str:
        """A sentence on the proxy that the request goes through; empty without one."""
        if variable := self.environment.proxy_variable:
            return f" The request goes through the proxy in the variable {variable}."
        return ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(eq=False)
class AttemptError(Exception):
    """One failed attempt.

    :ivar transient: the same request may succeed if it is sent again.
    :ivar was_sent: the store may have acted on the request.
    :ivar wait: seconds that the store asked for before another attempt.
    """

    error: PublicaError
    transient: bool = False
    was_sent: bool = True
    wait: float | None = None


def failure_of_answer(answer: Answer, request: Request) -> AttemptError | None:
    """The failure that an answer reports by its status or its ``CODE``; None if it is good."""
    status = answer.status
    payload = answer.json_object()
    is_good = 200 <= status < 300
    if is_good and not answers.reports_failure(payload):
        # Nearly every answer ends here, before the expensive search for secrets.
        return None
    store_text = StoreText(request.secrets, answer.text)
    original = answers.message_of(payload)
    message = store_text.quote(original) if original else ""
    reason = f': "{message}"' if message else ""
    body = answers.describe(answer, store_text)
    fail = partial(_failure, request, status=status)

    if is_good:
        text = f"The store refused {request} although its status is {status}: {message}"
        return fail(
            "refused", text, RejectedError, fields=answers.rejected_fields(payload, store_text)
        )
    if status == 401:
        text = (
            "The store does not accept the api_token. Check that it belongs to this store, or "
            "create a new one in Dashboard > Settings > Integrations."
        )
        return fail("unauthenticated", text, FatalError)
    if status == 403 and request.writes and not request.creates:
        text = (
            f"The store does not allow this account to be changed: {request} returned 403"
            f"{reason or f' and {body}'}. The account may have rights that this token's admin user "
            "lacks, or be one that the API can't change (can_be_edited is false). Change it in the "
            "store's dashboard, or leave the user out."
        )
        return fail("forbidden", text, ForbiddenError)
    if status == 403:
        text = (
            f"The api_token is not allowed to send {request}{reason}. Use the token of an admin "
            "user of this store."
        )
        return fail("forbidden", text, FatalError)
    if status == 404 and answer.is_html and not request.writes:
        text = f"{request} returned 404 and {body}: this URL has no users API. Check base_url."
        return fail("unexpected_answer", text, FatalError)
    if status == 404:
        text = f"{request} returned 404{reason}."
        no_route = not answers.names_record(original)
        return fail("not_found", text, NotFoundError, no_route=no_route)
    if status == 422:
        fields = answers.rejected_fields(payload, store_text)
        errors = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items())
        text = f"The store refused the values: {errors or message or body}"
        return fail("validation", text, RejectedError, fields=fields)
    if status == 429:
        text = (
            f"The store's rate limit refused {request} repeatedly. Run again later, or lower "
            "rate_limit_share if other clients use the same token."
        )
        return fail("rate_limited", text, FatalError, transient=True, was_sent=False)
    if status >= 500:
        text = f"The store failed with {status} on {request} and sent {body}. Try again later."
        wait = answers.retry_after(answer.headers, time.time())
        return fail("store_error", text, transient=True, wait=wait)
    if 300 <= status < 400:
        text = (
            f"The store redirects {request}{_redirect_host(answer, store_text)} ({status}), which "
            "is not followed since it would send the token along. Set base_url to the store's "
            "final URL."
        )
        no_route = status in REPEATABLE_REDIRECTS and _redirects_to_other_slash(answer, request)
        return fail("redirected", text, FatalError, no_route=no_route)
    text = f"{request} returned {status} and {body}, which the users API does not document."
    return fail("unexpected_status", text, no_route=status == 405)


def unexpected_answer(answer: Answer, request: Request) -> AttemptError:
    """The failure for an answer of 2xx that doesn't have the documented form."""
    body = answers.describe(answer, StoreText(request.secrets, answer.text))
    text = (
        f"{request} returned {answer.status} and {body}, which is not an answer of the users API. "
        "Check base_url, and whether a proxy answers instead of the store."
    )
    return _failure(request, "unexpected_answer", text, status=answer.status, transient=True)


def truncated_body(answer: Answer, request: Request) -> AttemptError | None:
    """The failure for a body shorter than its ``Content-Length``; None if it is complete.

    ``requests`` 2 with ``urllib3`` 1.26 accepts a truncated body.
    """
    announced = answer.headers.get("Content-Length", "")
    if not announced.isdigit() or answer.headers.get("Content-Encoding"):
        return None
    if answer.status in (204, 304):
        return None
    received, expected = len(answer.body), int(announced)
    if received >= expected:
        return None
    return _broken_connection(request, f"{received:,} of {expected:,} bytes arrived")


class UnreadableAnswerError(Exception):
    """An answer that is not read to its end; the text says why."""


def is_about_answer(error: Exception) -> bool:
    """Whether an exception can come from an answer; any other one is a defect of the collection."""
    libraries = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, HTTPException)
    of_values = (ValueError, OverflowError, OSError, EOFError, RecursionError)
    return isinstance(error, (UnreadableAnswerError, *libraries, *of_values))


def unreadable_answer(error: Exception, request: Request) -> AttemptError:
    """The failure for an answer that can't be read. The store may have acted on the request."""
    # The text of an unknown exception may contain a secret.
    known = isinstance(error, UnreadableAnswerError)
    reason = str(error) if known else type(error).__name__
    text = (
        f"The answer to {request} can't be read ({reason}). Check for a proxy that alters answers, "
        f"and run again.{request.proxy_hint}"
    )
    return _failure(request, "unexpected_answer", text, transient=True)


def failure_of_exception(
    error: Exception, request: Request, timeout: float, exchange: Exchange | None = None
) -> AttemptError:
    """The failure for an exception that was raised while a request was sent or its answer read.

    :param timeout: of the socket, in seconds.
    """
    kinds = requests.exceptions
    host, environment = request.host, request.environment
    if exchange is not None and exchange.expired:
        text = (
            f"{host} sent no complete answer to {request} within the total time of "
            f"{TIMES_TIMEOUT * timeout:g} s ({TIMES_TIMEOUT} times timeout).{request.proxy_hint}"
        )
        return _failure(request, "timeout", text, transient=True)
    # A server can put a secret into a header or the length of a chunk.
    cause = StoreText(request.secrets).quote(root_cause(error)).rstrip(".") or type(error).__name__
    fail = partial(_failure, request)
    if isinstance(error, kinds.SSLError) and not isinstance(_innermost(error), BROKEN_TLS):
        text = (
            f"No secure connection to {host}: {cause}. Check base_url, or set ca_path to the "
            f"certificate of the authority that signed the store's certificate.{request.proxy_hint}"
        )
        if variable := environment.ca_variable:
            text += f" The trusted certificates are those of the variable {variable}."
        return fail("tls", text, FatalError, was_sent=False)
    not_connected = isinstance(error, kinds.ConnectTimeout) or _never_connected(error)
    if isinstance(error, kinds.ProxyError) or (not_connected and environment.proxy_variable):
        variable = environment.proxy_variable or "https_proxy or http_proxy"
        text = (
            f"The proxy for {host} does not answer or refuses the connection: {cause}. Correct the "
            f"environment variable {variable}, or add the host to no_proxy."
        )
        return fail("unreachable", text, FatalError, transient=True, was_sent=False)
    if not_connected:
        text = (
            f"Could not connect to {host}: {cause}. Check base_url, the network and whether the "
            "store is up."
        )
        return fail("unreachable", text, FatalError, transient=True, was_sent=False)
    if isinstance(error, kinds.Timeout) or "timed out" in cause:
        text = (
            f"{host} sent no complete answer to {request} within {timeout:g} s. Raise timeout if "
            f"the store is slow.{request.proxy_hint}"
        )
        return fail("timeout", text, transient=True)
    if isinstance(error, (kinds.ConnectionError, kinds.ChunkedEncodingError)):
        return _broken_connection(request, cause)
    if isinstance(error, kinds.ContentDecodingError):
        text = (
            f"{request} returned a body that cannot be decoded. Check for a proxy that alters it."
        )
        return fail("unexpected_answer", text, transient=True)
    # A host or a password of a proxy that can't be sent.
    impossible = (kinds.RequestException, urllib3.exceptions.LocationValueError, UnicodeError)
    if not isinstance(error, impossible) or (exchange is not None and exchange.was_sent):
        return unreadable_answer(error, request)
    kind = type(error).__name__  # the text may contain a password of the proxy
    text = f"No request to {host} is possible ({kind}). Check base_url."
    if variable := environment.proxy_variable:
        # The address of the store was checked before.
        text = (
            f"No request to {host} is possible through the proxy in the environment variable "
            f"{variable} ({kind}). Use the form http://proxy.example:3128 in it, or add the host "
            "to no_proxy."
        )
    return fail("request_impossible", text, FatalError, was_sent=False)


def root_cause(error: BaseException) -> str:
    error = _innermost(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # Without the object and address of urllib3: "<...Connection object at 0x7f...>: Failed to ...".
    return str(error).split(">: ", 1)[-1]


def _innermost(error: BaseException) -> BaseException:
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        inner = (getattr(error, "reason", None), error.__cause__, *error.args)
        error = next((one for one in inner if isinstance(one, BaseException)), error)
    return error


def _failure(
    request: Request,
    code: str,
    text: str,
    kind: type[PublicaError] = PublicaError,
    *,
    status: int | None = None,
    fields: Mapping[str, list[str]] | None = None,
    no_route: bool = False,
    **consequences: Any,
) -> AttemptError:
    error = kind(code, text, method=request.method, path=request.path, status=status, fields=fields)
    error.no_route = no_route
    return AttemptError(error, **consequences)


def _broken_connection(request: Request, cause: str) -> AttemptError:
    text = (
        f"The connection to {request.host} broke before the answer to {request} was complete: "
        f"{cause}. Run again.{request.proxy_hint}"
    )
    return _failure(request, "connection_broken", text, transient=True)


def _redirect_host(answer: Answer, store_text: StoreText) -> str:
    # Without path and query, since it may be an impersonation link.
    try:
        target = urlsplit(answer.headers.get("Location", ""))
        host = store_text.quote(target.hostname or "")
        scheme = f"{target.scheme}://" if target.scheme in ("http", "https") else ""
        return f" to {scheme}{host}" if host else ""
    except ValueError:
        return ""


def other_slash(path: str) -> str:
    """The other form of a path: with a slash at its end, or without one (variant 17)."""
    return path[:-1] if path.endswith("/") else f"{path}/"


def _redirects_to_other_slash(answer: Answer, request: Request) -> bool:
    """Whether a redirect only changes the slash at the end of the path, on the same origin."""
    url = request.base_url + request.path
    try:
        asked = urlsplit(url)
        target = urlsplit(urljoin(url, answer.headers.get("Location", "")))
        return (
            _origin(target) == _origin(asked)
            and not (target.query or target.fragment or target.username or target.password)
            # A server may write escapes of a path in another way.
            and unquote(target.path) == unquote(other_slash(asked.path))
        )
    except ValueError:
        return False


def _origin(url: SplitResult) -> tuple[str, bytes, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, (url.hostname or "").encode("idna"), url.port or default


def _never_connected(error: Exception) -> bool:
    """Whether no connection was established, so that nothing was sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
