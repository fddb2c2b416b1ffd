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

from sqlalchemy.orm import Session
from starlette.types import Receive, Scope, Send

from . import accounts, listing, state_changes
from .answers import (
    Answer,
    Refusal,
    forbidden,
    server_error,
    success,
    too_many_requests,
    unauthenticated,
    writes_refused,
)
from .clock import store_time
from .fault_answers import fault_answer
from .faults import Fault
from .journal import NO_ANSWER, write_entry
from .rate_limit import Verdict
from .requests import StoreRequest, read_request
from .routes import EndpointName, Match, resolve
from .state import StoreState
from .switches import Switches
from .work import Work

LOG = logging.getLogger("publica_sandbox")

ENDPOINTS: dict[EndpointName, Callable[[Work], Answer]] = {
    "create": accounts.create,
    "list": listing.list_users,
    "update": accounts.update,
    "deactivate": state_changes.deactivate,
    "reactivate": state_changes.reactivate,
    "force_logout": state_changes.force_logout,
}


@dataclass(slots=True)
class Exchange:
    """One request on its way to an answer."""

    request: StoreRequest
    switches: Switches
    verdict: Verdict
    target: Match | Answer
    fault: Fault | None
    client_left: bool = False
    changed: bool = False
    refused: bool = False

    @property
    def endpoint(self) -> EndpointName | None:
        """The documented endpoint, if the request is for one."""
        return self.target.endpoint if isinstance(self.target, Match) else None


class StoreApi:
    """Answers whatever is not a control request."""

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
            # A client that gives up meanwhile finds nothing done: the test can count on it.
            stays = await state.pauses.sleep_with_client(fault.pause, receive)
            exchange.client_left = not stays
        answer = await self._answer(exchange)
        if fault is not None and hangs and fault.works_first:
            await state.pauses.sleep_with_client(fault.pause, receive)
        LOG.info("%s %s %s", request.method, request.path, answer.status if answer else "-")
        await self._deliver(exchange, answer, scope, receive, send)

    def _begin(self, request: StoreRequest) -> Exchange:
        state, switches = self._state, self._state.switches
        verdict = state.limiter.take(request.token or "", switches, time.monotonic())
        target = resolve(request, switches)
        endpoint = target.endpoint if isinstance(target, Match) else None
        fault = state.faults.take(endpoint) if verdict.allowed else None
        return Exchange(request, switches, verdict, target, fault)

    async def _answer(self, exchange: Exchange) -> Answer | None:
        try:
            return await self._state.in_transaction(lambda session: _work(session, exchange, self))
        except Exception:
            LOG.exception("%s %s failed", exchange.request.method, exchange.request.path)
            exchange.changed = False
            await self._state.in_transaction(lambda session: _note(session, exchange, 500))
            return server_error()

    def authenticated(self, request: StoreRequest) -> bool:
        """Whether the request carries the store's token."""
        return request.token == self._state.token

    async def _deliver(
        self,
        exchange: Exchange,
        answer: Answer | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        connections = self._state.connections
        if answer is None:
            await connections.abort(scope, receive)
            return
        cut = exchange.fault is not None and exchange.fault.kind == "cut"
        body = b"" if exchange.request.method == "HEAD" else answer.body
        headers = {
            "Date": formatdate(store_time(exchange.switches.clock_offset), usegmt=True),
            **answer.headers,
        }
        if answer.status != 204:
            headers["Content-Length"] = str(len(answer.body))
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if cut:
            half = body[: len(body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await connections.finish(scope, receive)
            return
        await send({"type": "http.response.body", "body": body})


def _work(session: Session, exchange: Exchange, api: StoreApi) -> Answer | None:
    """Everything that happens in the transaction: the work, the fault, the journal."""
    answer = _with_fault(session, exchange, api)
    _note(session, exchange, NO_ANSWER if answer is None else answer.status)
    return answer


def _with_fault(session: Session, exchange: Exchange, api: StoreApi) -> Answer | None:
    fault = exchange.fault
    if exchange.client_left:
        return None
    if fault is None or fault.kind == "hang":
        return _real_answer(session, exchange, api)
    real = success([])
    if fault.works_first:
        real = _real_answer(session, exchange, api)
    if fault.kind in ("close_before", "close_after") or (fault.kind == "cut" and not real.body):
        return None
    return fault_answer(fault, exchange.verdict, exchange.switches) or real


def _real_answer(session: Session, exchange: Exchange, api: StoreApi) -> Answer:
    answer = _checked_answer(session, exchange, api)
    return Answer(answer.status, answer.body, {**exchange.verdict.headers, **answer.headers})


def _checked_answer(session: Session, exchange: Exchange, api: StoreApi) -> Answer:
    target = _reached(exchange, api)
    if isinstance(target, Answer):
        return target
    work = Work(session, exchange.switches, exchange.request, target.identifier)
    try:
        return ENDPOINTS[target.endpoint](work)
    except Refusal as refused:
        return refused.answer
    finally:
        exchange.changed = work.changed


def _reached(exchange: Exchange, api: StoreApi) -> Match | Answer:
    """The endpoint, or the answer to a request that does not get as far. Checked in this order:
    the limit, who asks, and what they may do; for an unknown path only the limit counts.
    """
    switches = exchange.switches
    if not exchange.verdict.allowed:
        return too_many_requests(exchange.verdict.refusal_headers(switches))
    if isinstance(exchange.target, Answer):
        return exchange.target
    if not api.authenticated(exchange.request):
        return unauthenticated()
    if switches.forbidden:
        return forbidden()
    exchange.refused = switches.refuse_writes and exchange.request.write
    return writes_refused() if exchange.refused else exchange.target


def _note(session: Session, exchange: Exchange, status: int) -> None:
    write_entry(
        session,
        exchange.request,
        endpoint=exchange.endpoint,
        status=status,
        changed=exchange.changed,
        refused=exchange.refused,
        fault=exchange.fault.kind if exchange.fault else None,
    )
