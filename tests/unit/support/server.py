# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real socket that responds with given bytes, for failures that only a network has."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport

from .builders import connection

CLOSE = b""
PAGE = json.dumps({"CODE": "success", "data": {"paginator": {"data": [{"id": 1}]}}})
TIMEOUT = 5.0
DRIP_SECONDS = 0.01


class RawServer:
    """Responds to each request with the next raw response, and records the requests.

    An empty response closes the connection; a ``silent`` server never responds, and one that
    ``drips`` goes on with single bytes after a response.
    """

    def __init__(self, answers: list[bytes], *, silent: bool, drips: bool) -> None:
        self.requests: list[str] = []
        self._answers = list(answers)
        self._silent = silent
        self._drips = drips
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(TIMEOUT)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def stop(self) -> None:
        self._over.set()
        # Wake the thread, which waits for a connection.
        with socket.create_connection(self._socket.getsockname(), timeout=TIMEOUT):
            pass
        self._thread.join(TIMEOUT)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _address = self._socket.accept()
            with connection:
                if self._over.is_set():
                    return
                connection.settimeout(TIMEOUT)
                request = self._read(connection)
                if not request:
                    continue
                self.requests.append(request)
                if self._silent:
                    self._over.wait(TIMEOUT)
                elif self._answers:
                    connection.sendall(self._answers.pop(0))
                    with suppress(OSError):  # the client has closed the connection
                        while self._drips and not self._over.wait(DRIP_SECONDS):
                            connection.sendall(b"H")

    @staticmethod
    def _read(connection: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            received = connection.recv(65536)
            if not received:
                break
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")]
        announced = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < announced:
            body += connection.recv(65536)
        return (head + b"\r\n\r\n" + body).decode()


def api_at(url: str, **changes: Any) -> UsersApi:
    """The client on a real socket."""
    return UsersApi(HttpTransport(connection(base_url=url, **changes), read_only=False))


@contextmanager
def serving(*answers: bytes, silent: bool = False, drips: bool = False) -> Iterator[RawServer]:
    server = RawServer(list(answers), silent=silent, drips=drips)
    try:
        yield server
    finally:
        server.stop()


def raw(body: str, status: str = "200 OK", *headers: str, length: Any = None) -> bytes:
    """A response as bytes; ``length`` replaces the length of the body in the header."""
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(content) if length is None else length}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
