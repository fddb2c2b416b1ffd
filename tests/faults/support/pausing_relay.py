# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A relay before a store, whose port refuses connections for a while after so many answers."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65_536


class PausingRelay:
    """Passes everything on; after so many answers it refuses every connection for some seconds.

    Args:
        store_url: Where the store is.
        answers: After how many answers it goes away.
        seconds: For how long.
    """

    def __init__(self, store_url: str, *, answers: int, seconds: float) -> None:
        parts = urlsplit(store_url)
        self._store = (parts.hostname, parts.port)
        self._answers_left = answers
        self._seconds = seconds
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.base_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the relay did not start")
        return self

    @property
    def went_away(self) -> bool:
        """Whether there was a time in which it refused."""
        return self._gone.is_set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._gone = asyncio.Event()
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"
        self._ready.set()
        stopped = asyncio.ensure_future(self._stopped.wait())
        gone = asyncio.ensure_future(self._gone.wait())
        await asyncio.wait({stopped, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not self._stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), self._seconds)
            self._server = await asyncio.start_server(self._relay, "127.0.0.1", port)
            await stopped
        gone.cancel()
        self._server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_store = await asyncio.open_connection(*self._store)
        requests = asyncio.ensure_future(_pump(reader, to_store))
        try:
            leaves = False
            while not leaves:
                answer = await _answer(upstream)
                self._answers_left -= 1
                leaves = self._answers_left == 0
                if leaves:
                    # Closed before the client has the answer, so that its next request is too late.
                    self._server.close()
                    self._gone.set()
                writer.write(answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # The store or the client has closed the connection.
        finally:
            requests.cancel()
            for stream in (writer, to_store):
                stream.close()


async def _answer(upstream: asyncio.StreamReader) -> bytes:
    head = await upstream.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return head + await upstream.readexactly(int(length[1]) if length else 0)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.close()
