# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks one recorded exchange against the contract.

For the traffic of any client: what it sent must be what the documentation describes, and what it
got must be one of the answers that a store may give.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from contract import Operation, contract, find_operation

HeaderPairs = Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | str | None


def validate_exchange(
    method: str,
    url: str,
    request_headers: HeaderPairs,
    request_body: Body,
    status: int,
    response_headers: HeaderPairs,
    response_body: Body,
) -> list[str]:
    """What is wrong with a request and its answer, in words; an empty list if nothing is.

    Args:
        method: The HTTP method.
        url: The whole address; its host does not matter, every store has its own.
        request_headers: As sent. Their names are compared without regard to case.
        request_body: As sent; None or empty if there was none.
        status: The status of the answer.
        response_headers: As received.
        response_body: As received.
    """
    path = urlsplit(url).path
    line = f"{method.upper()} {path}"
    operation = find_operation(method, path)
    if operation is None:
        return [f"{line}: not a documented endpoint"]
    request = _Request(method, url, request_headers, request_body)
    response = _Response(status, response_headers, response_body)
    sent = [
        *_problems(_api().iter_request_errors(request)),
        *_unknown_names(operation, request),
    ]
    received = _problems(_api().iter_response_errors(request, response))
    return [
        *(f"{line}: request: {problem}" for problem in sent),
        *(f"{line}: answer {status}: {problem}" for problem in received),
    ]


class _Request:
    """A request in the form that the library asks for."""

    def __init__(self, method: str, url: str, headers: HeaderPairs, body: Body) -> None:
        parts = urlsplit(url)
        self.method = method.lower()
        self.host_url = contract()["servers"][0]["url"]
        self.path = parts.path
        self.body = _bytes(body)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(parts.query, keep_blank_values=True)),
            header=_headers(headers),
            cookie=ImmutableMultiDict(),
        )
        self.content_type = self.parameters.header.get("Content-Type", "")


class _Response:
    """An answer in the form that the library asks for."""

    def __init__(self, status: int, headers: HeaderPairs, body: Body) -> None:
        self.status_code = status
        self.headers = _headers(headers)
        self.data = _bytes(body)
        self.content_type = self.headers.get("Content-Type", "")


@cache
def _api() -> OpenAPI:
    return OpenAPI.from_dict(contract())


def _unknown_names(operation: Operation, request: _Request) -> list[str]:
    """A store overlooks a name that it does not know, so a misspelt one would go unnoticed."""
    queries = set(request.parameters.query) - operation.query_parameters()
    fields = set(_fields(request.body)) - operation.body_fields()
    return [
        *(f"{name}: not a documented query parameter" for name in sorted(queries)),
        *(f"{name}: not a documented field" for name in sorted(fields)),
    ]


def _fields(body: bytes | None) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _problems(errors: Iterable[Exception]) -> list[str]:
    return [text for error in errors for text in _words(error)]


def _words(error: Exception) -> list[str]:
    """An error in words; its cause says more than itself."""
    cause = error.__cause__
    details = getattr(cause, "schema_errors", None)
    if details:
        return [f"{_where(detail)}{detail.message}" for detail in details]
    return [str(cause if isinstance(cause, OpenAPIError) else error)]


def _where(detail: Any) -> str:
    path = ".".join(str(part) for part in detail.absolute_path)
    return f"{path}: " if path else ""


def _bytes(body: Body) -> bytes | None:
    return (body.encode() if isinstance(body, str) else body) or None


def _headers(pairs: HeaderPairs) -> Headers:
    return Headers(list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs))
