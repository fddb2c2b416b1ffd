# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting while a client may leave and the server may stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Receive


class Pauses:
    """Waits of one server; ``stop`` ends them all, so that none delays a shutdown."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all waits, now and later."""
        self._stopping.set()

    async def sleep(self, seconds: float) -> None:
        """Wait, unless the server stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def sleep_with_client(self, seconds: float, receive: Receive) -> bool:
        """Wait as long as the client stays. Returns whether it is still there."""
        client_left = asyncio.ensure_future(_disconnected(receive))
        pause = asyncio.ensure_future(self.sleep(seconds))
        await asyncio.wait({client_left, pause}, return_when=asyncio.FIRST_COMPLETED)
        left = client_left.done()
        for task in (client_left, pause):
            task.cancel()
        return not left and not self._stopping.is_set()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
