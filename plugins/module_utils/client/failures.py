# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a bad answer or an exception to the error that says what happened and what to do.

Pure functions. Each returns an error with a :class:`Verdict`: whether trying again may help, and
whether the store may have acted on the request.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..client import answers
from ..errors import FatalError, NotFoundError, PublicaError, RejectedError
from .answers import Answer
from .connection import requests
from .rate_limit import retry_after

FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0
# What a run may spend on retries before a first success, in retries of one request; and what each
# success gives back. A store that is down ends a run after a few requests, however many users it
# has, while one that answers every second request can be worked with to the end.
BUDGET_IN_REQUESTS = 4
RETURN_PER_SUCCESS = 1.0


def backoff(attempt: int, rng: random.Random | None = None) -> float:
    """Seconds to wait after failure number ``attempt`` (from 1): doubled each time, with jitter.

    Half of the delay is random, so that workers which failed together do not return together.
    """
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))
    return longest / 2 + (rng or random).uniform(0, longest / 2)


class RetryBudget:
    """Retries that all workers of a run share: a dead store ends the run, not each user in turn."""

    def __init__(self, max_retries: int) -> None:
        self._ceiling = float(max_retries * BUDGET_IN_REQUESTS)
        self._left = self._ceiling
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry; False when the run has none left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def succeeded(self) -> None:
        """Give back for an answer that came in whole."""
        with self._lock:
            self._left = min(self._ceiling, self._left + RETURN_PER_SUCCESS)


# What OpenSSL raises where a connection that had been made breaks: the store may have acted.
BROKEN_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True)
class Request:
    """One request to the store at ``base_url``; ``secrets`` must be in no error."""

    method: str
    path: str
    base_url: str
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def encoded_secrets(self) -> tuple[str, ...]:
        """Every spelling of the secrets that a store may echo."""
        return tuple(text for secret in self.secrets for text in answers.encoded_variants(secret))

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class AttemptError(Exception):
    """A failed attempt: the error, and what may be done about it.

    :param passing: the same request may succeed when it is sent again.
    :param was_sent: the store may have acted on it.
    :param wait: seconds that the store itself asked for before another attempt.
    """

    def __init__(
        self,
        error: PublicaError,
        *,
        transient: bool = False,
        was_sent: bool = True,
        wait: float | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.transient = transient
        self.was_sent = was_sent
        self.wait = wait


def failure_of_answer(answer: Answer, request: Request) -> AttemptError | None:
    """The failure that an answer reports by its status, or by its ``CODE``; None for a good one."""
    status = answer.status
    payload = answer.json_object()
    is_good = 200 <= status < 300
    if is_good and (payload is None or not answers.says_failure(payload)):
        # Before anything is cleaned and described: this is every answer but a few.
        return None
    secrets = request.encoded_secrets
    payload = answers.without_secrets(payload, secrets)
    where: dict[str, Any] = {"method": request.method, "path": request.path, "status": status}
    said = answers.shorten(answers.message_of(payload or {}))
    came = answers.describe(answer, secrets)

    if is_good:
        text = f"The store refused {request} though it answered with {status}: {said}"
        fields = answers.rejected_fields(payload or {})
        return AttemptError(RejectedError("refused", text, fields=fields, **where))
    if status == 401:
        return AttemptError(
            FatalError(
                "unauthenticated",
                "The store does not accept the api_token. Make a new one in Dashboard > Settings "
                "> Integrations, and check that it belongs to this store.",
                **where,
            )
        )
    if status == 403:
        reason = f' (the store says: "{said}")' if said else ""
        return AttemptError(
            FatalError(
                "forbidden",
                f"The api_token may not do this{reason}. It must belong to an admin user of "
                "this store.",
                **where,
            )
        )
    if status == 404:
        return AttemptError(_not_found(answer, request, said, came, where))
    if status == 422:
        fields = answers.rejected_fields(payload or {})
        faults = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items())
        told = faults or said or came
        text = f"The store refused the values: {told}"
        return AttemptError(RejectedError("validation", text, fields=fields, **where))
    if status == 429:
        error = FatalError(
            "rate_limited",
            f"The store refused {request} for its rate limit again and again. Run again later, "
            "or lower rate_limit_share where others use the same token.",
            **where,
        )
        return AttemptError(error, transient=True, was_sent=False)
    if status >= 500:
        text = f"The store failed with {status} on {request} and sent {came}. Try again later."
        wait = retry_after(answer.headers, time.time())
        return AttemptError(PublicaError("store_error", text, **where), transient=True, wait=wait)
    if 300 <= status < 400:
        to = _host_of(answer.headers.get("Location", ""))
        return AttemptError(
            FatalError(
                "redirected",
                f"The store redirects {request}{to} ({status}). A redirect is not followed, since "
                "it would carry the token along; set base_url to the store's final address.",
                **where,
            )
        )
    text = (
        f"{request} was answered with {status} and {came}, which the users API does not document."
    )
    return AttemptError(PublicaError("unexpected_status", text, **where))


def unexpected_answer(answer: Answer, request: Request) -> AttemptError:
    """The failure for an answer of 2xx that is not of the documented form."""
    came = answers.describe(answer, request.encoded_secrets)
    error = PublicaError(
        "unexpected_answer",
        f"{request} was answered with {answer.status} and {came} instead of what the users API "
        "documents. Check base_url, and whether a proxy answers in the store's place.",
        method=request.method,
        path=request.path,
        status=answer.status,
    )
    return AttemptError(error, transient=True)


def failure_of_exception(error: Exception, request: Request, timeout: float) -> AttemptError:
    """The failure that an exception of ``requests`` means."""
    kinds = requests.exceptions
    where: dict[str, Any] = {"method": request.method, "path": request.path}
    host = request.host
    cause = answers.without_secrets(root_cause(error), request.encoded_secrets)
    if isinstance(error, kinds.SSLError) and not isinstance(_innermost(error), BROKEN_TLS):
        text = (
            f"No secure connection to {host}: {cause}. Check base_url, or give the certificate of "
            "the authority that signed the store's in ca_path."
        )
        return AttemptError(FatalError("tls", text, **where), was_sent=False)
    if isinstance(error, kinds.ProxyError):
        text = (
            f"The proxy for {host} does not answer or refuses: {cause}. Check the environment "
            "variables https_proxy, http_proxy and no_proxy."
        )
        return AttemptError(
            FatalError("unreachable", text, **where), transient=True, was_sent=False
        )
    if isinstance(error, kinds.ConnectTimeout) or _never_connected(error):
        text = (
            f"Could not connect to {host}: {cause}. Check base_url, the network and the state of "
            "the store."
        )
        return AttemptError(
            FatalError("unreachable", text, **where), transient=True, was_sent=False
        )
    if isinstance(error, kinds.Timeout) or "timed out" in cause:
        text = (
            f"{host} gave no whole answer to {request} within {timeout:g} s. Raise timeout if the "
            "store is slow."
        )
        return AttemptError(PublicaError("timeout", text, **where), transient=True)
    if isinstance(error, (kinds.ConnectionError, kinds.ChunkedEncodingError)):
        text = f"The connection to {host} broke before {request} was answered whole: {cause}."
        return AttemptError(PublicaError("connection_broken", text, **where), transient=True)
    if isinstance(error, kinds.ContentDecodingError):
        text = f"{request} was answered with a body that cannot be decoded."
        return AttemptError(PublicaError("unexpected_answer", text, **where), transient=True)
    text = f"No request to {host} could be made ({type(error).__name__}). Check base_url."
    return AttemptError(FatalError("request_impossible", text, **where), was_sent=False)


def cut_short(request: Request, received: int, announced: int) -> AttemptError:
    """The failure for a body shorter than its ``Content-Length``."""
    error = PublicaError(
        "connection_broken",
        f"The connection to {request.host} broke before {request} was answered whole: "
        f"{received:,} of {announced:,} bytes came.",
        method=request.method,
        path=request.path,
    )
    return AttemptError(error, transient=True)


def root_cause(error: BaseException) -> str:
    """The innermost reason in words, without the objects and addresses that libraries add."""
    error = _innermost(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # urllib3 puts its object in front: "<...Connection object at 0x7f...>: Failed to ...".
    text = answers.shorten(str(error).split(">: ", 1)[-1])
    return text.rstrip(".") or type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = error.__cause__
        if inner is None:
            inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error


def _not_found(
    answer: Answer,
    request: Request,
    said: str,
    came: str,
    where: Mapping[str, Any],
) -> PublicaError:
    if not request.writes and answer.is_html:
        text = f"{request} was answered with 404 and {came}: no users API is there. Check base_url."
        return FatalError("unexpected_answer", text, **where)
    reason = f': "{said}"' if said else ""
    return NotFoundError("not_found", f"{request} was answered with 404{reason}.", **where)


def _host_of(location: str) -> str:
    """Where a redirect points, for an error: no more of it, since it may be a link that lets in."""
    try:
        target = urlsplit(location)
        return f" to {target.scheme}://{target.hostname}" if target.hostname else ""
    except ValueError:
        return ""


def _never_connected(error: Exception) -> bool:
    """Whether no connection was made (refused, no such host), so that nothing was sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
