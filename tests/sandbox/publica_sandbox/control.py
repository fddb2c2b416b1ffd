# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoints under ``/_sandbox/``, and the client that tests and the CLI use.

The endpoints need no token, because the server listens on loopback only.
"""

from __future__ import annotations

import json
import sqlite3
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from . import seeding
from .database import store_time
from .faults import FaultError, parse_fault
from .state import StoreState
from .switches import SwitchError, problems_text

PREFIX = "/_sandbox"
TIMEOUT = 60
LOOPBACK = ("127.0.0.1", "localhost")


class _Generation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int
    deactivated: int = 0
    admins: int = 0
    seed: int = 1


def control_app(state: StoreState) -> Starlette:
    async def switches(request: Request) -> Response:
        if request.method == "PATCH":
            state.configure(await _values(request))
        return JSONResponse(state.switches.model_dump())

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            state.faults.add(parse_fault(await _values(request)))
        elif request.method == "DELETE":
            state.faults.clear()
        return JSONResponse(state.faults.list())

    async def users(request: Request) -> Response:
        sent = (await _values(request)).get("users", [])
        seeds = [seeding.UserSeed.model_validate(user) for user in sent]
        return JSONResponse(
            state.in_transaction(lambda session: seeding.add_users(session, seeds, now()))
        )

    async def user(request: Request) -> Response:
        user_id: int = request.path_params["user_id"]
        change = seeding.UserChange.model_validate(await _values(request))
        state.in_transaction(lambda session: seeding.change_user(session, user_id, change, now()))
        return JSONResponse(user_id)

    async def generated_users(request: Request) -> Response:
        values = _Generation.model_validate(await _values(request))
        return JSONResponse(
            state.in_transaction(
                lambda session: seeding.generate_users(session, **values.model_dump())
            )
        )

    async def plans(request: Request) -> Response:
        plan = seeding.PlanSeed.model_validate(await _values(request))
        return JSONResponse(state.in_transaction(lambda session: seeding.add_plan(session, plan)))

    async def clear(request: Request) -> Response:
        if request.url.path.endswith("/journal"):
            state.in_transaction(lambda session: session.execute("DELETE FROM journal"))
        elif request.url.path.endswith("/hanging"):
            state.faults.clear()
            state.pauses.release()
        else:
            state.reset()
        return Response(status_code=204)

    def now() -> int:
        return int(store_time(state.switches.clock_offset))

    routes = [
        Route("/switches", switches, methods=["GET", "PATCH"]),
        Route("/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/users", users, methods=["POST"]),
        Route("/users/{user_id:int}", user, methods=["PATCH"]),
        Route("/generated-users", generated_users, methods=["POST"]),
        Route("/plans", plans, methods=["POST"]),
        Route("/journal", clear, methods=["DELETE"]),
        Route("/hanging", clear, methods=["DELETE"]),
        Route("/reset", clear, methods=["POST"]),
    ]
    # Errors of a control request; any other exception is an error of the sandbox.
    errors = (FaultError, SwitchError, seeding.SeedError, ValidationError, sqlite3.IntegrityError)
    return Starlette(
        routes=[Mount(PREFIX, routes=routes)], exception_handlers=dict.fromkeys(errors, _refuse)
    )


async def _refuse(request: Request, error: Exception) -> Response:
    message = str(error)
    if isinstance(error, ValidationError):
        message = problems_text(error)
    elif isinstance(error, sqlite3.IntegrityError):
        message = f"The store cannot hold this: {error}."
    return JSONResponse({"error": message}, status_code=400)


async def _values(request: Request) -> dict[str, Any]:
    values = await request.json()
    if not isinstance(values, dict):
        raise SwitchError("The body must be a JSON object.")
    return values


class ControlError(RuntimeError):
    """A control request that failed."""


class ControlClient:
    """A client of one running store, for any thread: each call opens its own connection."""

    def __init__(self, base_url: str) -> None:
        # PUBLICA_BASE_URL may hold the address of a real store. It must not get these requests.
        if not base_url:
            raise ControlError("No address: give --url, or set PUBLICA_BASE_URL.")
        if urlsplit(base_url).hostname not in LOOPBACK:
            raise ControlError(f"{base_url} is not the address of a sandbox on this machine.")
        self._base_url = base_url

    def call(self, method: str, path: str, values: object = None) -> Any:
        """Send one control request and return the parsed answer.

        Raises:
            ControlError: if the store refuses the request or does not answer.
        """
        body = None if values is None else json.dumps(values)
        connection = self._connection()
        try:
            connection.request(method, f"{PREFIX}{path}", body)
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, HTTPException) as error:
            raise ControlError(f"No sandbox answers at {self._base_url}: {error}") from error
        finally:
            connection.close()
        if status == 400:
            raise ControlError(str(json.loads(content)["error"]))
        if status > 400:
            raise ControlError(f"{method} {path}: {status} {content.decode(errors='replace')}")
        return json.loads(content) if content else None

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self._base_url)
        host = parts.hostname or ""
        if parts.scheme != "https":
            return HTTPConnection(host, parts.port, timeout=TIMEOUT)
        # The certificate was made for a test, and the address is on this machine.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(host, parts.port, timeout=TIMEOUT, context=context)
