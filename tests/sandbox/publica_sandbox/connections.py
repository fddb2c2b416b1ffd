# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that break and waits that end: what faults need and ASGI does not offer.

The protocol class below stores the transport of each connection under the client's address, which
is also in the ASGI scope. It uses public interfaces of ``asyncio`` and ``uvicorn`` only.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Client = tuple[str, int]


class Connections:
    """The open connections of one server."""

    def __init__(self) -> None:
        self._transports: dict[Client, asyncio.Transport] = {}

    def protocol(self) -> type[HttpToolsProtocol]:
        """A protocol class for uvicorn that registers its connections here."""
        transports = self._transports

        class RegisteringProtocol(HttpToolsProtocol):
            _peer: Client | None = None

            # The base class narrows the argument in the same way.
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                host, port = transport.get_extra_info("peername")[:2]
                self._peer = (host, port)
                transports[self._peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                if self._peer is not None:
                    transports.pop(self._peer, None)
                super().connection_lost(exc)

        return RegisteringProtocol

    async def abort(self, scope: Scope, receive: Receive) -> None:
        """Close the connection without sending what is not sent yet."""
        if transport := self._transports.get(tuple(scope["client"])):
            transport.abort()
        await _disconnected(receive)

    async def finish(self, scope: Scope, receive: Receive) -> None:
        """Send what is waiting, then close the connection."""
        if transport := self._transports.get(tuple(scope["client"])):
            transport.close()
        await _disconnected(receive)


class Pauses:
    """The waits of one server. ``stop`` ends all of them, so that none delays a shutdown."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._released = asyncio.Event()

    def release(self) -> None:
        """End the present waits of requests that hang."""
        self._released.set()
        self._released = asyncio.Event()

    def stop(self) -> None:
        """End all waits, now and later."""
        self._stopping.set()

    async def sleep(self, seconds: float) -> None:
        """Wait, unless the server stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def sleep_with_client(self, seconds: float, receive: Receive) -> bool:
        """Wait for a time or ``release`` while the client stays connected. Returns whether it is
        still connected.
        """
        client_left = asyncio.ensure_future(_disconnected(receive))
        pause = asyncio.ensure_future(self.sleep(seconds))
        released = asyncio.ensure_future(self._released.wait())
        tasks = (client_left, pause, released)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        left = client_left.done()
        for task in tasks:
            task.cancel()
        return not left and not self._stopping.is_set()


async def _disconnected(receive: Receive) -> None:
    # The server reports an error if the application returns before the connection is closed.
    while (await receive())["type"] != "http.disconnect":
        pass
