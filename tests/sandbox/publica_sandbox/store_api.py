# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's API as an ASGI application: from a request to its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from starlette.types import Receive, Scope, Send

from . import endpoints, listing, other_lists
from .answers import (
    FORBIDDEN,
    SANDBOX_ERROR,
    UNAUTHENTICATED,
    WRITES_REFUSED,
    Answer,
    Refusal,
    success,
    too_many_requests,
)
from .database import NO_ANSWER, Session, store_time, write_journal_entry
from .faults import Fault, fault_answer
from .rate_limit import RateLimitState
from .requests import StoreRequest, read_request
from .routes import EndpointName, Match, resolve
from .state import StoreState
from .switches import Switches

LOG = logging.getLogger("publica_sandbox")

ENDPOINTS: dict[EndpointName, Callable[[endpoints.Work], Answer]] = {
    "create": endpoints.create,
    "list": listing.list_users,
    "update": endpoints.update,
    "deactivate": endpoints.deactivate,
    "reactivate": endpoints.reactivate,
    "force_logout": endpoints.force_logout,
    "plans": other_lists.list_plans,
    "sessions": other_lists.list_sessions,
}


@dataclass(slots=True)
class Exchange:
    """One request and the state of its answer."""

    request: StoreRequest
    switches: Switches
    limit: RateLimitState
    target: Match | Answer
    fault: Fault | None
    client_left: bool = False
    changed: bool = False
    refused: bool = False


class StoreApi:
    """Answers all requests that are not control requests."""

    def __init__(self, state: StoreState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        state = self._state
        request = await read_request(scope, receive)
        if request is None:
            return
        if state.switches.latency:
            await state.pauses.sleep(state.switches.latency / 1000)
        exchange = self._begin(request)
        fault = exchange.fault
        hangs = fault is not None and fault.kind == "hang"
        if fault is not None and hangs and not fault.works_first:
            # If the client leaves during the wait, the work is not done. Tests rely on this.
            stays = await state.pauses.sleep_with_client(fault.pause, receive)
            exchange.client_left = not stays
        answer = self._answer(exchange)
        if fault is not None and hangs and fault.works_first:
            await state.pauses.sleep_with_client(fault.pause, receive)
        LOG.info("%s %s %s", request.method, request.path, answer.status if answer else "-")
        if answer is None:
            await state.connections.abort(scope, receive)
        else:
            await self._deliver(exchange, answer, scope, receive, send)

    def _begin(self, request: StoreRequest) -> Exchange:
        state, switches = self._state, self._state.switches
        limit = state.limiter.take(request.token or "", switches, time.monotonic())
        target = resolve(request, switches)
        fault = state.faults.take(_endpoint(target)) if limit.allowed else None
        return Exchange(request, switches, limit, target, fault)

    def _answer(self, exchange: Exchange) -> Answer | None:
        def work(session: Session) -> Answer | None:
            answer = self._with_fault(session, exchange)
            _record(session, exchange, NO_ANSWER if answer is None else answer.status)
            return answer

        try:
            return self._state.in_transaction(work)
        except Exception:
            LOG.exception("%s %s failed", exchange.request.method, exchange.request.path)
            exchange.changed = False
            self._state.in_transaction(lambda session: _record(session, exchange, 500))
            return SANDBOX_ERROR

    def _with_fault(self, session: Session, exchange: Exchange) -> Answer | None:
        fault = exchange.fault
        if exchange.client_left:
            return None
        if fault is None or fault.kind == "hang":
            return self._real_answer(session, exchange)
        real = self._real_answer(session, exchange) if fault.works_first else success([])
        if fault.kind in ("close_before", "close_after") or (fault.kind == "cut" and not real.body):
            return None
        return fault_answer(fault, exchange.limit, exchange.switches) or real

    def _real_answer(self, session: Session, exchange: Exchange) -> Answer:
        target = self._check(exchange)
        if isinstance(target, Match):
            work = endpoints.Work(session, exchange.switches, exchange.request, target.identifier)
            try:
                answer = ENDPOINTS[target.endpoint](work)
            except Refusal as refused:
                answer = refused.answer
            finally:
                exchange.changed = work.changed
        else:
            answer = target
        headers = {**exchange.limit.headers(exchange.switches), **answer.headers}
        return Answer(answer.status, answer.body, headers)

    def _check(self, exchange: Exchange) -> Match | Answer:
        """The endpoint, or the answer of a request that does not reach it. The order of the checks
        is: limit, path, token, permission. An unknown path needs no token.
        """
        switches, request = exchange.switches, exchange.request
        if not exchange.limit.allowed:
            return too_many_requests(exchange.limit.refusal_headers(switches))
        if isinstance(exchange.target, Answer):
            return exchange.target
        if request.token != self._state.token:
            return UNAUTHENTICATED
        if switches.forbidden or (
            request.write and switches.writes_forbidden in ("all", exchange.target.endpoint)
        ):
            return FORBIDDEN
        exchange.refused = switches.refuse_writes and request.write
        return WRITES_REFUSED if exchange.refused else exchange.target

    async def _deliver(
        self, exchange: Exchange, answer: Answer, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = b"" if exchange.request.method == "HEAD" else answer.body
        headers = dict(answer.headers)
        if exchange.switches.date_header:
            headers["Date"] = formatdate(store_time(exchange.switches.clock_offset), usegmt=True)
        if answer.status != 204:
            headers["Content-Length"] = str(len(answer.body))
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if exchange.fault is not None and exchange.fault.kind == "cut":
            half = body[: len(body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await self._state.connections.finish(scope, receive)
        else:
            await send({"type": "http.response.body", "body": body})


def _endpoint(target: Match | Answer) -> EndpointName | None:
    return target.endpoint if isinstance(target, Match) else None


def _record(session: Session, exchange: Exchange, status: int) -> None:
    write_journal_entry(
        session,
        exchange.request,
        endpoint=_endpoint(exchange.target),
        status=status,
        changed=exchange.changed,
        refused=exchange.refused,
        fault=exchange.fault.kind if exchange.fault else None,
    )
