# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send requests: each waits for the rate limit, is retried, and ends in an answer or an error.

A read is repeated until its answer is complete. A write is repeated here only if the store
certainly did not act on it: it was never sent, or the rate limit refused it. After any other
failure of a write, ``apply`` first reads what the store holds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from ..concurrency import INTERRUPTED, StopRequest
from ..errors import FatalError, LostAnswerError, PublicaError
from .answers import Answer
from .connection import Connection, TimeLimit, open_session, read_environment, requests
from .failures import (
    TIMES_TIMEOUT,
    AttemptError,
    Request,
    RetryBudget,
    UnreadableAnswerError,
    backoff,
    failure_of_answer,
    failure_of_exception,
    is_about_answer,
    truncated_body,
    unexpected_answer,
    unreadable_answer,
)
from .limiter import BudgetFile, RateLimiter

# A proxy may answer once instead of the store. If it answers more often, base_url is wrong.
RETRIES_OF_UNEXPECTED_ANSWERS = 2

# A refusal by the rate limit costs nothing, and the limiter waits after it. If no header reports
# for how long, the waits grow, and this many of them exceed the longest documented window.
REFUSALS_IN_A_ROW = 12

# The longest body of an answer; a page of 100 users has about 200 kB.
MAX_BODY_BYTES = 64 << 20
CHUNK_BYTES = 16 << 10

Parsed = TypeVar("Parsed")


class HttpTransport:
    """Sends the requests of all workers of a run to one store.

    :param read_only: refuse every request that could write (check mode).
    :param workers: the number of threads that send.
    :ivar budget_error: why this run doesn't share the rate limit with other runs; None if it does.
    :ivar wrote: whether a request that writes was sent.
    :ivar headers: those of the last answer.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        read_only: bool,
        workers: int = 1,
        stop_request: StopRequest | None = None,
    ) -> None:
        self._connection = connection
        self._time_limit = TimeLimit(TIMES_TIMEOUT * connection.timeout)
        self._session = open_session(connection, workers, self._time_limit)
        self._environment = read_environment(self._session, connection)
        self.read_only = read_only
        self._lock = threading.Lock()
        self._budget = RetryBudget(connection.max_retries)
        self._requests = self._retries = 0
        self.stop_request = stop_request or StopRequest()
        self.budget_error: str | None = None
        self.wrote = False
        self.headers: Mapping[str, str] = {}
        budget: BudgetFile | None = None
        try:
            budget = BudgetFile(
                connection.base_url, connection.api_token, connection.rate_limit_dir
            )
        except OSError as error:
            self.budget_error = error.strerror or str(error)
        self.limiter = RateLimiter(
            connection.rate_limit_share, connection.max_rate_limit_wait, budget, self.stop_request
        )

    def close(self) -> None:
        self._session.close()
        self.limiter.close()

    def usage(self) -> dict[str, Any]:
        """The ``api`` of a result."""
        waited = round(self.limiter.waited_seconds, 1)
        with self._lock:
            counts = {"requests": self._requests, "retries": self._retries}
        return {**counts, "waited_seconds": waited}

    def send(
        self,
        method: str,
        path: str,
        parse: Callable[[Answer], Parsed | None],
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        repeats: bool = False,
        creates: bool = False,
    ) -> Parsed:
        """Send one request and return its parsed answer.

        :param parse: returns None for an answer that doesn't have the documented form.
        :param repeats: this call repeats an earlier one and counts as a retry.
        :raises PublicaError: of the kind that fits the answer; LostAnswerError for a write that may
            or may not have happened.
        """
        request = Request(
            method=method,
            path=path,
            base_url=self._connection.base_url,
            query=query,
            body=body,
            secrets=(self._connection.api_token, (body or {}).get("new_password") or ""),
            creates=creates,
            environment=self._environment,
        )
        if request.writes and self.read_only:
            text = f"Check mode sends no {method}. This is a bug of the collection; report it."
            raise FatalError("read_only", text, method=method, path=path)
        failures = refusals = 0
        while True:
            try:
                return self._attempt(request, parse, repeats or failures + refusals > 0)
            except AttemptError as failure:
                error = failure.error
                if not failure.transient:
                    raise error from None
                if error.code == "rate_limited":
                    # The limiter delays the next attempt for as long as the store asks.
                    refusals += 1
                    if refusals > REFUSALS_IN_A_ROW:
                        raise error from None
                    continue
                if request.writes and failure.was_sent:
                    lost = LostAnswerError(error.code, error.message, **error.request)
                    lost.retry_after = failure.wait
                    raise lost from None
                failures += 1
                if error.code == "unexpected_answer" and failures > RETRIES_OF_UNEXPECTED_ANSWERS:
                    raise error from None
                self.pause_before_retry(failures, error, failure.wait)

    def pause_before_retry(
        self, attempt: int, error: PublicaError, wait: float | None = None
    ) -> None:
        """Wait before the retry number ``attempt`` (from 1); raise ``error`` if none is left.

        :param wait: seconds that the store asked for.
        """
        if attempt > self._connection.max_retries:
            raise error from None
        if not self._budget.take():
            text = f"The store keeps failing, so the run ended early. Last failure: {error.message}"
            raise FatalError("store_unavailable", text, **error.request) from None
        delay = max(backoff(attempt), wait or 0.0)
        if delay > self._connection.max_rate_limit_wait:
            raise error from None
        self.stop_request.sleep(delay)
        if self.stop_request.requested:
            text = f"The run was interrupted before a retry. Last failure: {error.message}"
            raise FatalError(INTERRUPTED, text, **error.request) from None

    def _attempt(
        self, request: Request, parse: Callable[[Answer], Parsed | None], repeats: bool
    ) -> Parsed:
        """Send the request once and return its parsed answer; every failure is an AttemptError."""
        sent_at = self.limiter.acquire()
        with self._lock:
            self._requests += 1
            self._retries += repeats
            self.wrote = self.wrote or request.writes
        with self._time_limit.limiting() as exchange:
            try:
                answer = self._exchange(request)
                if exchange.expired:
                    # The rest was taken for the end of the answer.
                    raise UnreadableAnswerError("it is incomplete")
            except Exception as error:
                self.limiter.lost(sent_at)
                if not (request.writes or is_about_answer(error)):
                    raise
                raise failure_of_exception(
                    error, request, self._connection.timeout, exchange
                ) from None
        self.headers = answer.headers
        try:
            self.limiter.answered(answer.status, answer.headers, sent_at)
            failure = truncated_body(answer, request) or failure_of_answer(answer, request)
            parsed = None if failure else parse(answer)
        except PublicaError:
            raise
        except Exception as error:
            # Nothing that happens while an answer is read may deny that a write was sent.
            if not (request.writes or is_about_answer(error)):
                raise
            raise unreadable_answer(error, request) from None
        if failure is not None:
            raise failure
        if parsed is None:
            raise unexpected_answer(answer, request)
        self._budget.succeeded()
        return parsed

    def _exchange(self, request: Request) -> Answer:
        url = request.base_url + request.path
        prepared = self._session.prepare_request(
            requests.Request(request.method, url, params=request.query, json=request.body)
        )
        with self._session.send(
            prepared,
            timeout=self._connection.timeout,  # to connect, and to read
            allow_redirects=False,
            **self._environment.settings,
        ) as response:
            body = bytearray()
            if "," in response.headers.get("Content-Encoding", ""):
                # Each of them can make the body a thousand times as long.
                raise UnreadableAnswerError("it is encoded more than once")
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise UnreadableAnswerError(f"it has more than {MAX_BODY_BYTES >> 20} MiB")
            return Answer(response.status_code, response.headers, bytes(body))
