# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit for the total time of one request and its answer.

The timeout of a socket starts again with each byte, so a server that sends single bytes could hold
a run for any time. A thread closes the connection of a request that takes too long in total.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..concurrency import start_without_signals

LONGEST_INTERVAL = 1.0


@dataclass
class Exchange:
    """One request and its answer.

    :ivar ends_at: when it must be complete, by the monotonic clock.
    :ivar socket: that of the connection, which loses it to an answer with ``Connection: close``.
    :ivar was_sent: the request was sent, at least in part.
    :ivar expired: the time was over before the answer was complete.
    """

    ends_at: float
    connection: Any = None
    socket: Any = None
    was_sent: bool = False
    expired: bool = False


class TimeLimit:
    """The limit for the total time of each request of a run and its answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._exchanges: dict[int, Exchange] = {}
        self._is_watched = False
        self._lock = threading.Lock()

    @contextmanager
    def limiting(self) -> Iterator[Exchange]:
        """Limit the exchange that the calling thread makes in the block."""
        exchange = Exchange(time.monotonic() + self.seconds)
        with self._lock:
            self._exchanges[threading.get_ident()] = exchange
            if not self._is_watched:
                self._is_watched = True
                start_without_signals(threading.Thread(target=self._watch, daemon=True))
        try:
            yield exchange
        finally:
            del self._exchanges[threading.get_ident()]

    def pool_classes(self, classes: Mapping[str, Any]) -> dict[str, Any]:
        """The classes of ``urllib3`` for connection pools by scheme, with watched connections."""
        return {
            scheme: type(
                pool.__name__, (pool,), {"ConnectionCls": self._watched(pool.ConnectionCls)}
            )
            for scheme, pool in classes.items()
        }

    def _watched(self, base: Any) -> Any:
        exchanges = self._exchanges

        def watch(connection: Any, *, sends: bool) -> None:
            exchange = exchanges.get(threading.get_ident())
            if exchange is not None:
                exchange.connection = connection
                exchange.socket = connection.sock
                exchange.was_sent = exchange.was_sent or sends

        class WatchedConnection(base):
            def connect(self) -> None:
                watch(self, sends=False)
                super().connect()
                watch(self, sends=False)

            def request(self, *args: Any, **options: Any) -> None:
                watch(self, sends=True)
                super().request(*args, **options)

        return WatchedConnection

    def _watch(self) -> None:
        """Close connections until no exchange is under way."""
        while True:
            time.sleep(min(LONGEST_INTERVAL, self.seconds / 4))
            with self._lock:
                exchanges = list(self._exchanges.values())
                self._is_watched = bool(exchanges)
            if not exchanges:
                return
            now = time.monotonic()
            for exchange in exchanges:
                if exchange.ends_at <= now:
                    exchange.expired = True
                    _shut_down(getattr(exchange.connection, "sock", None) or exchange.socket)


def _shut_down(connected: Any) -> None:
    """Wake the thread that waits for the socket."""
    if isinstance(connected, socket.socket):
        # Not the method of a TLS socket, which would change the state that the other thread uses.
        with suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
