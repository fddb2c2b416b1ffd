# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoints under ``/_sandbox/``: how tests and the command line steer a store.

They need no token. The server listens on loopback only.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import seeding
from .clock import store_time
from .faults import FaultError, parse_fault
from .schema import JournalEntry
from .state import StoreState
from .switch_values import SwitchError


class _Generation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int
    deactivated: int = 0
    admins: int = 0
    seed: int = 1


class Control:
    """The handlers, each over one store."""

    def __init__(self, state: StoreState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """The routes, relative to ``/_sandbox``."""
        return [
            Route("/", self.about, methods=["GET"]),
            Route("/switches", self.switches, methods=["GET", "PATCH"]),
            Route("/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/users", self.users, methods=["POST"]),
            Route("/users/{user_id:int}", self.user, methods=["PATCH"]),
            Route("/generated-users", self.generated_users, methods=["POST"]),
            Route("/plans", self.plans, methods=["POST"]),
            Route("/journal", self.journal, methods=["DELETE"]),
            Route("/rate-limit", self.rate_limit, methods=["DELETE"]),
            Route("/reset", self.reset, methods=["POST"]),
        ]

    async def about(self, request: Request) -> Response:
        """Where the store keeps its data."""
        return JSONResponse({"database": str(self._state.database)})

    async def switches(self, request: Request) -> Response:
        """Read or change switches."""
        if request.method == "PATCH":
            await self._state.configure(await _values(request))
        return JSONResponse(self._state.switches.model_dump())

    async def faults(self, request: Request) -> Response:
        """Read, add or forget faults."""
        if request.method == "POST":
            self._state.faults.add(parse_fault(await _values(request)))
        elif request.method == "DELETE":
            self._state.faults.clear()
        return JSONResponse(self._state.faults.list())

    async def users(self, request: Request) -> Response:
        """Add users."""
        sent = (await _values(request)).get("users", [])
        users = [seeding.UserSeed.model_validate(user) for user in sent]
        return JSONResponse(
            await self._state.in_transaction(
                lambda session: seeding.add_users(session, users, self._now)
            )
        )

    async def user(self, request: Request) -> Response:
        """Change a user."""
        user_id: int = request.path_params["user_id"]
        change = seeding.UserChange.model_validate(await _values(request))
        await self._state.in_transaction(
            lambda session: seeding.change_user(session, user_id, change, self._now)
        )
        return JSONResponse(user_id)

    async def generated_users(self, request: Request) -> Response:
        """Add made-up users."""
        wanted = _Generation.model_validate(await _values(request))
        return JSONResponse(
            await self._state.in_transaction(
                lambda session: seeding.generate_users(session, **wanted.model_dump())
            )
        )

    async def plans(self, request: Request) -> Response:
        """Add a plan."""
        plan = seeding.PlanSeed.model_validate(await _values(request))
        return JSONResponse(
            await self._state.in_transaction(lambda session: seeding.add_plan(session, plan))
        )

    async def journal(self, request: Request) -> Response:
        """Forget all requests."""
        await self._state.in_transaction(lambda session: session.execute(delete(JournalEntry)))
        return Response(status_code=204)

    async def rate_limit(self, request: Request) -> Response:
        """Begin new windows."""
        self._state.limiter.clear()
        return Response(status_code=204)

    async def reset(self, request: Request) -> Response:
        """Empty the store."""
        await self._state.reset()
        return Response(status_code=204)

    @property
    def _now(self) -> int:
        return int(store_time(self._state.switches.clock_offset))


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to a control request that cannot be carried out."""
    message = str(error)
    if isinstance(error, ValidationError):
        message = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
    elif isinstance(error, IntegrityError):
        message = f"The store cannot hold this: {error.orig}."
    return JSONResponse({"error": message}, status_code=400)


# What a control request can be wrong about; anything else is a fault of the sandbox.
REFUSED = (FaultError, SwitchError, seeding.SeedError, ValidationError, IntegrityError)


async def _values(request: Request) -> dict[str, Any]:
    values = await request.json()
    if not isinstance(values, dict):
        raise SwitchError("The body must be a JSON object.")
    return values
