# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small HTTP servers: a store that returns what it was sent, notes, and a relay that goes away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import requests

HOP_HEADERS = ("connection", "content-length", "host", "transfer-encoding")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Echo(_Handler):
    def do_GET(self) -> None:
        paginator: dict[str, Any] = {"current_page": 1, "data": []}
        self._answer_json(200, {"CODE": "success", "data": {"paginator": paginator}})

    def do_POST(self) -> None:
        body = self._body().decode()
        text = f"{body} was sent with {self.headers['X-User-Token']}"
        errors = {name: [f"{value} is not allowed"] for name, value in json.loads(body).items()}
        self._answer_json(422, {"message": text, "errors": {**errors, "all": [text]}})

    def _answer_json(self, status: int, content: Any) -> None:
        self._answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


@contextmanager
def echo_store() -> Iterator[str]:
    """Run a store whose errors quote all that it was sent; yields its address."""
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), _Echo)) as address:
        yield address


@dataclass(frozen=True)
class NoteServer:
    """In place of GitLab's API for notes: its address, and each note's path, token and text."""

    url: str
    notes: list[tuple[str, str, str]]


@contextmanager
def note_server() -> Iterator[NoteServer]:
    """Run a server that accepts notes."""
    notes: list[tuple[str, str, str]] = []

    class Handler(_Handler):
        def do_POST(self) -> None:
            form = parse_qs(self._body().decode())
            notes.append((self.path, self.headers["PRIVATE-TOKEN"], form["body"][0]))
            self._answer(201, b"", {})

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield NoteServer(address, notes)


class PausingRelay:
    """Passes requests on to a store; after some answers, its port refuses connections for a while.

    Args:
        store_url: The address of the store.
        answers: After how many answers the port is closed.
        seconds: For how long.
    """

    def __init__(self, store_url: str, *, answers: int, seconds: float) -> None:
        self.went_away = False
        relay, self._answers = self, 0

        class Handler(_Handler):
            def _relay(self) -> None:
                sent = {k: v for k, v in self.headers.items() if k.lower() not in HOP_HEADERS}
                body = self._body()
                answer = requests.request(
                    self.command, store_url + self.path, data=body, headers=sent, timeout=10
                )
                relay._answers += 1
                headers = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_HEADERS}
                if relay._answers == answers:
                    # Closed before the client has the answer, so that its next request is refused.
                    headers["Connection"] = "close"
                    relay._close(seconds)
                self._answer(answer.status_code, answer.content, headers)

            do_GET = do_POST = do_PUT = do_DELETE = _relay  # noqa: N815

        self._handler = Handler
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._port = self._server.server_port
        self.base_url = f"http://127.0.0.1:{self._port}"
        self._stopped = threading.Event()

    def __enter__(self) -> PausingRelay:
        self._serve()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _close(self, seconds: float) -> None:
        self.went_away = True
        self._server.shutdown()
        self._server.socket.close()

        def reopen() -> None:
            if not self._stopped.wait(seconds):
                self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
                self._serve()

        threading.Thread(target=reopen, daemon=True).start()
