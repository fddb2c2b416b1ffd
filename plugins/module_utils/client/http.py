# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending one request: the limiter before it, retries around it, errors after it.

A read is repeated until it comes in whole. A write is repeated here only where it is certain that
the store did not carry it out (it was never sent, or the rate limit refused it); after any other
failure of a write, ``applied`` first finds out what became of it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from ..concurrency import INTERRUPTED, StopRequest
from ..errors import FatalError, LostAnswerError, PublicaError
from .answers import Answer
from .connection import Connection, open_session, requests, settings_of_environment
from .failures import (
    AttemptError,
    Request,
    RetryBudget,
    backoff,
    cut_short,
    failure_of_answer,
    failure_of_exception,
    unexpected_answer,
)
from .limiter import BudgetFile, BudgetFileError, RateLimiter

# A page of a website or of a proxy may come once in place of an answer, and is worth another try;
# more of them mean that base_url is wrong.
RETRIES_OF_UNEXPECTED_ANSWERS = 2

# A refusal costs nothing and is waited for. Where no header tells for how long, each wait is twice
# the one before, and this many reach beyond the longest window that is documented.
REFUSALS_IN_A_ROW = 12

Parsed = TypeVar("Parsed")


class HttpTransport:
    """Requests to one store, for all workers of a run.

    :param read_only: refuse every request that could write (check mode).
    :param workers: how many threads will send at once; the pool keeps a connection for each.
    :param interruption: who is asked whether the run is to end; then nothing more is sent.

    :ivar budget_fault: why this run shares no budget with other ones; None where it does.
    :ivar wrote: whether a request that writes was sent.
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
        self._session = open_session(connection, pool_size=workers)
        self._settings = settings_of_environment(self._session, connection)
        self.read_only = read_only
        self._lock = threading.Lock()
        self._budget = RetryBudget(connection.max_retries)
        self._requests = 0
        self._retries = 0
        self.stop_request = stop_request or StopRequest()
        self.budget_error: str | None = None
        self.wrote = False
        self.limiter = RateLimiter(
            connection.rate_limit_share,
            connection.max_rate_limit_wait,
            self._shared_budget(),
            self.stop_request,
        )

    def _shared_budget(self) -> BudgetFile | None:
        connection = self._connection
        try:
            return BudgetFile(connection.base_url, connection.api_token, connection.rate_limit_dir)
        except BudgetFileError as fault:
            self.budget_error = str(fault)
            return None

    def close(self) -> None:
        self._session.close()
        self.limiter.close()

    def usage(self) -> dict[str, Any]:
        """The ``api`` of a result: requests sent, how many of them were retries, seconds waited."""
        with self._lock:
            sent, retried = self._requests, self._retries
        waited = round(self.limiter.waited_seconds, 1)
        return {"requests": sent, "retries": retried, "waited_seconds": waited}

    def send(
        self,
        method: str,
        path: str,
        parse: Callable[[Answer], Parsed | None],
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        repeats: bool = False,
    ) -> Parsed:
        """Send one request and return what ``parse`` makes of its answer.

        :param parse: returns None for an answer that is not of the documented form.
        :param repeats: this call repeats an earlier one, and counts as a retry.
        :raises NotFoundError: 404.
        :raises RejectedError: 422, with its faults by field.
        :raises LostAnswerError: a write of which nobody can say yet whether it happened.
        :raises FatalError: nothing else that this run sends would fare better.
        """
        request = Request(
            method=method,
            path=path,
            base_url=self._connection.base_url,
            query=query,
            body=body,
            secrets=(self._connection.api_token, (body or {}).get("new_password") or ""),
        )
        if request.writes and self.read_only:
            raise FatalError(
                "read_only", f"Check mode sends no {method}.", method=method, path=path
            )
        failures = 0
        refusals = 0
        while True:
            try:
                return self._attempt(request, parse, repeats or failures + refusals > 0)
            except AttemptError as failure:
                if not failure.transient:
                    raise failure.error from None
                if failure.error.code == "rate_limited":
                    # The limiter holds the next attempt back for as long as the store asks.
                    refusals += 1
                    if refusals > REFUSALS_IN_A_ROW:
                        raise failure.error from None
                    continue
                if request.writes and failure.was_sent:
                    raise _lost(failure) from None
                failures += 1
                if (
                    failure.error.code == "unexpected_answer"
                    and failures > RETRIES_OF_UNEXPECTED_ANSWERS
                ):
                    raise failure.error from None
                self.pause_before_retry(failures, failure.error, failure.wait)

    def pause_before_retry(
        self, attempt: int, error: PublicaError, wait: float | None = None
    ) -> None:
        """Wait before the retry number ``attempt`` (from 1), or raise ``error`` if none is left.

        :param wait: seconds that the store itself asked for.
        """
        if attempt > self._connection.max_retries:
            raise error from None
        if not self._budget.take():
            raise FatalError(
                "store_unavailable",
                f"The store keeps failing, so the run ended early. The last failure: "
                f"{error.message}",
                method=error.method,
                path=error.path,
                status=error.status,
            ) from None
        delay = max(backoff(attempt), wait or 0.0)
        if delay > self._connection.max_rate_limit_wait:
            raise error from None
        self.stop_request.sleep(delay)
        if self.stop_request.requested:
            raise FatalError(
                INTERRUPTED,
                f"The run was interrupted before it could make up for a failure: {error.message}",
                method=error.method,
                path=error.path,
                status=error.status,
            ) from None

    def _attempt(
        self, request: Request, parse: Callable[[Answer], Parsed | None], repeats: bool
    ) -> Parsed:
        """One request and its answer; raises :class:`AttemptError`."""
        sent_at = self.limiter.acquire()
        with self._lock:
            self._requests += 1
            self._retries += repeats
            self.wrote = self.wrote or request.writes
        timeout = self._connection.timeout
        try:
            prepared = self._session.prepare_request(
                requests.Request(
                    request.method,
                    request.base_url + request.path,
                    params=request.query,
                    json=request.body,
                )
            )
            response = self._session.send(
                prepared, timeout=(timeout, timeout), allow_redirects=False, **self._settings
            )
        except requests.exceptions.RequestException as error:
            self.limiter.lost(sent_at)
            raise failure_of_exception(error, request, timeout) from None
        answer = Answer(response.status_code, response.headers, response.content)
        self.limiter.answered(answer.status, answer.headers, sent_at)
        failure = _cut(answer, request) or failure_of_answer(answer, request)
        if failure is not None:
            raise failure
        parsed = parse(answer)
        if parsed is None:
            raise unexpected_answer(answer, request)
        self._budget.succeeded()
        return parsed


def _cut(answer: Answer, request: Request) -> AttemptError | None:
    # requests 2 with urllib3 1.26 takes a body that broke off for a whole one.
    announced = answer.headers.get("Content-Length", "")
    if not announced.isdigit() or answer.headers.get("Content-Encoding"):
        return None
    if request.method == "HEAD" or answer.status in (204, 304):
        return None
    received = len(answer.body)
    return cut_short(request, received, int(announced)) if received < int(announced) else None


def _lost(failure: AttemptError) -> LostAnswerError:
    error = failure.error
    return LostAnswerError(
        error.code,
        error.message,
        method=error.method,
        path=error.path,
        status=error.status,
        retry_after=failure.wait,
    )
