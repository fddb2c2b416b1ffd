# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's side of the connection: what no store can do to a request that it never sees.

Two troubles are made here. A request that is to be refused goes to a port where nobody listens. A
request that is to hang gets a short timeout, and it alone: a short one for all of them would be
met by chance on a busy machine.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from publica_sandbox.requests import StoreRequest
from publica_sandbox.routes import Match, resolve
from publica_sandbox.switches import Switches
from requests.adapters import HTTPAdapter
from requests.exceptions import Timeout
from requests.models import PreparedRequest

PATIENCE = 0.15  # seconds for an answer that does not come
ANY = "any"


class Wire:
    """Counts the requests of a run by endpoint, as the store does, and meddles with some.

    Attributes:
        refuses: Whether the request with this endpoint (or ``any``) and number meets a closed port.
        hangs: Whether it is one that is not answered in time.
        hung: How many requests the store has left without an answer so far.
        before: Called before a request is sent, with its endpoint and number, and with ``any`` and
            its number among all.
    """

    def __init__(self, closed_port: int) -> None:
        self.refuses: Callable[[str, int], bool] = _never
        self.hangs: Callable[[str, int], bool] = _never
        self.before: Callable[[str, int], None] = _nothing
        self.hung: Callable[[], int] = _none
        self.refused = 0
        self._closed_port = closed_port
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.switches = Switches()

    @property
    def counts(self) -> dict[str, int]:
        """How many requests each endpoint was sent."""
        return dict(self._counts)

    def begin(self) -> None:
        """Count from 1 again, and meddle with nothing."""
        self._counts.clear()
        self.refused = 0
        self.refuses, self.hangs, self.before = _never, _never, _nothing
        self.hung = _none

    def adapter(self, pool_size: int) -> HTTPAdapter:
        """An adapter for a session of ``requests``, which else is as the collection has it."""
        return _Adapter(self, pool_size)

    def prepare(self, request: PreparedRequest) -> bool:
        """Count a request and meddle with it; returns whether it is to hang."""
        endpoint = self._endpoint(request)
        with self._lock:
            self._counts[ANY] += 1
            self._counts[endpoint] += 1
            number, total = self._counts[endpoint], self._counts[ANY]
        self.before(ANY, total)
        self.before(endpoint, number)
        if self.refuses(endpoint, number) or self.refuses(ANY, total):
            self.refused += 1
            parts = urlsplit(str(request.url))
            request.url = parts._replace(netloc=f"127.0.0.1:{self._closed_port}").geturl()
        return self.hangs(endpoint, number) or self.hangs(ANY, total)

    def _endpoint(self, request: PreparedRequest) -> str:
        # The store's own routes, so that both sides count the same.
        parts = urlsplit(str(request.url))
        asked = StoreRequest(str(request.method), parts.path, parts.query, "", {}, b"")
        target = resolve(asked, self.switches)
        return target.endpoint if isinstance(target, Match) else "none"


class _Adapter(HTTPAdapter):
    def __init__(self, wire: Wire, pool_size: int) -> None:
        self._wire = wire
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=0)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Any:
        if not self._wire.prepare(request):
            return super().send(request, *args, **options)
        patience = PATIENCE
        while True:
            hung_before = self._wire.hung()
            options["timeout"] = (patience, patience)
            try:
                return super().send(request, *args, **options)
            except Timeout:
                if self._wire.hung() > hung_before:
                    raise
                # On a busy machine the store has not even seen it: that is no trouble yet.
                patience *= 2


def closed_port() -> socket.socket:
    """A port that refuses every connection for as long as the socket is kept."""
    # Bound, so that nobody else gets it, and never listening.
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    return closed


def _never(_endpoint: str, _number: int) -> bool:
    return False


def _none() -> int:
    return 0


def _nothing(_endpoint: str, _number: int) -> None:
    return None
