# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request to the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PASSWORD_MARKER = "[password]"


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """The parts of a request that the store uses."""

    method: str
    path: str
    query: str
    base_url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str | None:
        return self.headers.get("x-user-token")

    @property
    def write(self) -> bool:
        """Whether the method may change data."""
        return self.method not in SAFE_METHODS

    @property
    def parameters(self) -> dict[str, str]:
        """The query string; the last value of a repeated parameter counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON body. As in the framework, a body that is not a JSON object counts as empty."""
        parsed = parse_json(self.body)
        return parsed if isinstance(parsed, dict) else {}

    @property
    def body_without_passwords(self) -> str | None:
        """The body as it may be stored."""
        if not self.body:
            return None
        parsed = parse_json(self.body)
        if parsed is None:
            return json.dumps(f"[{len(self.body)} bytes that are not JSON]")
        return json.dumps(_hide_passwords(parsed))


async def read_request(scope: Scope, receive: Receive) -> StoreRequest | None:
    """The complete request, or None if the client left before its end."""
    request = Request(scope, receive)
    try:
        body = await request.body()
    except ClientDisconnect:
        return None
    return StoreRequest(
        method=request.method,
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        base_url=f"{request.url.scheme}://{request.url.netloc}",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )


def parse_json(body: bytes) -> Any:
    """The value of a JSON text, or None if the framework would not accept it."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
        # Half of a surrogate pair is valid JSON for Python, but cannot be stored as text.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _hide_passwords(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: PASSWORD_MARKER
            if "password" in key.lower() and content is not None
            else _hide_passwords(content)
            for key, content in value.items()
        }
    if isinstance(value, list):
        return [_hide_passwords(item) for item in value]
    return value
