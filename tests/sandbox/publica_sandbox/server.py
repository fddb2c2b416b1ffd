# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server of a store, in the foreground or in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from .control import PREFIX, control_app
from .state import StoreState
from .store_api import StoreApi

LOOPBACK = "127.0.0.1"
# Long, because a machine that runs other tests is slow to start a process.
START_SECONDS = 120.0


class SandboxServer(uvicorn.Server):
    """Uvicorn on a socket that is open before the start, so that the address is known."""

    def __init__(
        self,
        state: StoreState,
        *,
        port: int = 0,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        self._state = state
        self._socket = _listening_socket(port)
        self._ready = threading.Event()
        self._on_start = on_start
        scheme = "https" if tls_cert else "http"
        self.base_url = f"{scheme}://{LOOPBACK}:{self._socket.getsockname()[1]}"
        super().__init__(
            uvicorn.Config(
                _application(state),
                http=state.connections.protocol(),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                # The store sends its own time, which a switch may shift.
                date_header=False,
                ssl_certfile=tls_cert,
                ssl_keyfile=tls_key,
                timeout_graceful_shutdown=2,
                # Tests keep connections open longer than the default of the server.
                timeout_keep_alive=600,
            )
        )

    def serve_here(self) -> None:
        """Serve in this thread until a signal or ``should_exit``."""
        try:
            self.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._state.close()

    def serve_in_thread(self) -> threading.Thread:
        """Serve in a separate thread. Returns when the server answers requests."""
        thread = threading.Thread(target=self.serve_here, name="sandbox-server", daemon=True)
        thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError(f"The sandbox did not start within {START_SECONDS:g} seconds.")
        return thread

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then notify the waiting thread."""
        await super().startup(sockets)
        self._ready.set()
        if self._on_start:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, without waiting for requests that hang because of a fault."""
        self._state.pauses.stop()
        await super().shutdown(sockets)


def _application(state: StoreState) -> ASGIApp:
    store, control = StoreApi(state), control_app(state)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # Not a second mount: the journal must have every request, whatever its path.
        chosen = control if scope["path"].startswith(f"{PREFIX}/") else store
        await chosen(scope, receive, send)

    return application


def _listening_socket(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets with an explicit protocol. With it, each
    # answer on a kept connection would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise OSError(f"Cannot listen on {LOOPBACK}:{port}: {error.strerror}.") from error
    listener.listen(512)
    return listener
