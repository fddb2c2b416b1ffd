# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the control endpoints, for tests and the command line."""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

SECONDS = 60
LOOPBACK = ("127.0.0.1", "localhost")


class ControlError(RuntimeError):
    """The store did not do what it was told."""


class ControlClient:
    """Talks to one running store, from any thread: each call has a connection of its own."""

    def __init__(self, base_url: str) -> None:
        # The same variable may hold the address of a real store: nothing is ever sent there.
        if not base_url:
            raise ControlError("No address: give --url, or set PUBLICA_BASE_URL.")
        if urlsplit(base_url).hostname not in LOOPBACK:
            raise ControlError(f"{base_url} is not the address of a sandbox on this machine.")
        self._base_url = base_url

    def call(self, method: str, path: str, values: object = None) -> Any:
        """One control request; returns the parsed answer.

        Raises:
            ControlError: with what the store said, or when it cannot be reached.
        """
        body = None if values is None else json.dumps(values)
        status, content = self._exchange(method, f"/_sandbox{path}", body)
        if status == HTTPStatus.BAD_REQUEST:
            raise ControlError(str(json.loads(content)["error"]))
        if status >= HTTPStatus.BAD_REQUEST:
            raise ControlError(f"{method} {path}: {status} {content.decode(errors='replace')}")
        return json.loads(content) if content else None

    def _exchange(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            raise ControlError(f"No sandbox answers at {self._base_url}: {error}") from error
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self._base_url)
        host = parts.hostname or ""
        if parts.scheme != "https":
            return HTTPConnection(host, parts.port, timeout=SECONDS)
        # The store's certificate is made for a test, and the address is this machine's own.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(host, parts.port, timeout=SECONDS, context=context)
