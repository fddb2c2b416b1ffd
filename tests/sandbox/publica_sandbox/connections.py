# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP connections under the server, so that a fault can break one.

ASGI has no way to drop a connection. The protocol class below notes each connection's transport
by the client's address, which is also in the ASGI scope: ``asyncio`` and ``uvicorn`` interfaces
that are public on both sides.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Client = tuple[str, int]


class Connections:
    """The open connections of one server."""

    def __init__(self) -> None:
        self._transports: dict[Client, asyncio.Transport] = {}

    def protocol(self) -> type[HttpToolsProtocol]:
        """A protocol class for uvicorn that notes its connections here."""
        transports = self._transports

        class NotingProtocol(HttpToolsProtocol):
            _peer: Client | None = None

            # The server's own class narrows the argument in the same way.
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                host, port = transport.get_extra_info("peername")[:2]
                self._peer = (host, port)
                transports[self._peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                if self._peer is not None:
                    transports.pop(self._peer, None)
                super().connection_lost(exc)

        return NotingProtocol

    async def abort(self, scope: Scope, receive: Receive) -> None:
        """Drop the connection; what was not sent yet is never sent."""
        if transport := self._transports.get(tuple(scope["client"])):
            transport.abort()
        await _until_closed(receive)

    async def finish(self, scope: Scope, receive: Receive) -> None:
        """Send what is waiting, then close the connection."""
        if transport := self._transports.get(tuple(scope["client"])):
            transport.close()
        await _until_closed(receive)


async def _until_closed(receive: Receive) -> None:
    # An application that returns before the server has seen the end is taken for broken.
    while (await receive())["type"] != "http.disconnect":
        pass
