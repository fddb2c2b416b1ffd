# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole ASGI application: the control endpoints, and the store for every other path."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from .control import REFUSED, Control, refuse
from .state import StoreState
from .store_api import StoreApi

CONTROL = "/_sandbox"


def build_app(state: StoreState) -> ASGIApp:
    """The application over one store."""
    store = StoreApi(state)
    control = Starlette(
        routes=[Mount(CONTROL, routes=Control(state).routes())],
        exception_handlers=dict.fromkeys(REFUSED, refuse),
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Not a second mount: no path at all may miss the store, whose journal has every request.
        chosen = control if scope["path"].startswith(f"{CONTROL}/") else store
        await chosen(scope, receive, send)

    return app
