# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failure modes of a request, and a client that lets chosen requests of a run fail.

Most are faults of the sandbox store. Two are made by the client: a request that is refused goes to
a closed port, and a request that hangs gets a short timeout. Only that request gets it: on a busy
machine, other requests would time out too.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit

from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from publica_sandbox.requests import StoreRequest
from publica_sandbox.routes import EndpointName, Match, resolve
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore
from requests.adapters import HTTPAdapter
from requests.exceptions import Timeout
from requests.models import PreparedRequest

# The endpoints of users; no run of these tests needs the others.
ENDPOINTS: tuple[EndpointName, ...] = tuple(
    name for name in get_args(EndpointName) if name not in ("plans", "sessions")
)
ANY = "any"
POSITIONS = ("first", "middle", "last")

REFUSED, HANG, RATE_LIMITED = "refused", "hang", "429"
HANG_SECONDS = 10  # far longer than any timeout of these tests
TIMEOUT = 0.15  # of a request that hangs
WORKERS = 4


@dataclass(frozen=True)
class FailureMode:
    """One way in which a request fails.

    Attributes:
        kind: A fault of the sandbox store, or ``refused``: no connection is accepted.
        applied: Whether the store has carried out the request all the same.
    """

    kind: str
    applied: bool = False

    def __str__(self) -> str:
        return f"{self.kind}-applied" if self.applied else self.kind

    @property
    def workers(self) -> int:
        """How many workers a run may have, so that exactly the chosen request fails."""
        return 1 if self.kind == HANG else WORKERS

    def rule(self) -> dict[str, Any]:
        """The fault for the sandbox store, without the requests that meet it."""
        rule: dict[str, Any] = {"kind": self.kind}
        if self.kind not in (RATE_LIMITED, "close_before", "close_after"):
            rule["applied"] = "after" if self.applied else "before"
        if self.kind == "503":
            rule["retry_after"] = 3  # the tests record pauses and do not sleep
        if self.kind == RATE_LIMITED:
            rule["retry_after"] = 0
        if self.kind == "500":
            # The store's own error is JSON; a proxy's is a page.
            rule["body"] = "json"
        if self.kind == HANG:
            rule["seconds"] = HANG_SECONDS
        return rule


LOST_ANSWER = FailureMode("close_after", applied=True)
NEVER_ARRIVED = FailureMode("close_before")
ANSWERED_BY_A_PAGE = FailureMode("html_200", applied=True)
FAILURE_MODES = (
    FailureMode(RATE_LIMITED),
    FailureMode(REFUSED),
    NEVER_ARRIVED,
    LOST_ANSWER,
    *(
        FailureMode(kind, applied)
        for kind in ("500", "502", "503", "cut", HANG, "html_200", "other_json")
        for applied in (False, True)
    ),
)
# One of each kind that a run handles differently: 502 stands for 500 and 503.
DISTINCT_MODES = tuple(mode for mode in FAILURE_MODES if mode.kind not in ("500", "503"))


def number_at(position: str, count: int) -> int:
    """The number of the first, the middle or the last of ``count`` requests."""
    return {"first": 1, "middle": (count + 1) // 2, "last": count}[position]


Choice = Callable[[str, int], bool]


class FaultyClient:
    """Counts the requests of a run by endpoint, as the store does, and lets some fail.

    Attributes:
        before: Called before each request with its endpoint and number, and with ``any`` and its
            number among all requests.
        refused: How many requests went to the closed port.
    """

    def __init__(self, store: SandboxStore, closed_port: int) -> None:
        self._store = store
        self._closed_port = closed_port
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.switches = Switches()
        self.begin()

    @property
    def counts(self) -> dict[str, int]:
        """How many requests each endpoint was sent."""
        return dict(self._counts)

    def begin(self) -> None:
        """Count from 1 again, without failures."""
        self._counts.clear()
        self.refused = 0
        self.before: Callable[[str, int], None] = lambda _endpoint, _number: None
        self._refuses: Choice = lambda _endpoint, _number: False
        self._hangs: Choice = lambda _endpoint, _number: False

    def fail(self, mode: FailureMode, endpoint: str, number: int, times: int | None = 1) -> None:
        """Let requests to an endpoint (or ``any``) fail from this number on.

        Args:
            mode: How they fail.
            endpoint: The endpoint.
            number: The number of the first one.
            times: How many fail; None for all from then on.
        """

        def is_chosen(sent_to: str, count: int) -> bool:
            return sent_to == endpoint and count >= number and (not times or count < number + times)

        def begin(sent_to: str, count: int) -> None:
            if (sent_to, count) == (endpoint, number):
                self._store.fault(endpoint=endpoint, times=None, **mode.rule())

        if mode.kind == REFUSED:
            self._refuses = is_chosen
            return
        if mode.kind == HANG:
            self._hangs = is_chosen
        if times is None:
            self.before = begin
        for each in range(number, number + (times or 0)):
            self._store.fault(endpoint=endpoint, nth=each, **mode.rule())

    def interrupt(self, stop_request: StopRequest, last: int) -> None:
        """Let a run be interrupted as its n-th request is sent."""
        others = self.before

        def before(endpoint: str, number: int) -> None:
            others(endpoint, number)
            if (endpoint, number) == (ANY, last):
                stop_request.request("SIGTERM")

        self.before = before

    def end(self) -> int:
        """Remove all faults; returns how many requests failed."""
        failed = self.refused + self.faults_met()
        self._store.clear_faults()
        self.begin()
        return failed

    def faults_met(self) -> int:
        """How many requests have met a fault of the store."""
        return sum(rule["fired"] for rule in self._store.faults())

    def adapter(self, pool_size: int) -> HTTPAdapter:
        return _Adapter(self, pool_size)

    def prepare(self, request: PreparedRequest) -> bool:
        """Count a request, and refuse it if it was chosen; returns whether it is to hang."""
        endpoint = self._endpoint(request)
        with self._lock:
            self._counts[ANY] += 1
            self._counts[endpoint] += 1
            number, total = self._counts[endpoint], self._counts[ANY]
        self.before(ANY, total)
        self.before(endpoint, number)
        if self._refuses(endpoint, number) or self._refuses(ANY, total):
            self.refused += 1
            parts = urlsplit(str(request.url))
            request.url = parts._replace(netloc=f"127.0.0.1:{self._closed_port}").geturl()
        return self._hangs(endpoint, number) or self._hangs(ANY, total)

    def _endpoint(self, request: PreparedRequest) -> str:
        # The store's own routes, so that both sides count the same.
        parts = urlsplit(str(request.url))
        sent = StoreRequest(str(request.method), parts.path, parts.query, "", {}, b"")
        target = resolve(sent, self.switches)
        return target.endpoint if isinstance(target, Match) else "none"


class _Adapter(HTTPAdapter):
    def __init__(self, client: FaultyClient, pool_size: int) -> None:
        self._client = client
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=0)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Any:
        if not self._client.prepare(request):
            return super().send(request, *args, **options)
        timeout = TIMEOUT
        while True:
            met_before = self._client.faults_met()
            options["timeout"] = (timeout, timeout)
            try:
                return super().send(request, *args, **options)
            except Timeout:
                if self._client.faults_met() > met_before:
                    raise
                # On a busy machine the store may not have received the request yet.
                timeout *= 2


def closed_port() -> socket.socket:
    """A socket whose port refuses connections for as long as it is open: bound, not listening."""
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    return closed
