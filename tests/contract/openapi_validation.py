# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenAPI description of the API as data, and checks of recorded exchanges against it.

For the traffic of any client: a request must be one that the documentation describes, and an answer
must be one that a store may give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

PATH = Path(__file__).with_name("openapi.yaml")
METHODS = ("get", "put", "post", "delete")

HeaderPairs = Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | str | None


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    description: dict[str, Any]

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is for this endpoint."""
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return method.upper() == self.method and re.fullmatch(pattern, path) is not None

    def query_parameters(self) -> set[str]:
        parameters = self.description.get("parameters", [])
        return {entry["name"] for entry in parameters if entry.get("in") == "query"}

    def request_body(self) -> dict[str, Any]:
        """The documented body of a request, with its ``examples``; empty if there is none."""
        body = self.description.get("requestBody", {})
        found: dict[str, Any] = body.get("content", {}).get("application/json", {})
        return found

    def body_fields(self) -> set[str]:
        if not self.request_body():
            return set()
        name = self.request_body()["schema"]["$ref"].rpartition("/")[2]
        return set(contract()["components"]["schemas"][name]["properties"])

    def success_example(self) -> Any:
        """The documented example of a successful answer."""
        return self.description["responses"]["200"]["content"]["application/json"]["example"]


@cache
def contract() -> dict[str, Any]:
    """The OpenAPI description. It is shared: do not change it."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


@cache
def operations() -> dict[str, Operation]:
    return {
        item[method]["operationId"]: Operation(
            item[method]["operationId"], method.upper(), path, item[method]
        )
        for path, item in contract()["paths"].items()
        for method in METHODS
        if method in item
    }


def validate_exchange(
    method: str,
    url: str,
    request_headers: HeaderPairs,
    request_body: Body,
    status: int,
    response_headers: HeaderPairs,
    response_body: Body,
) -> list[str]:
    """The errors of a request and its answer as text; an empty list if there is none.

    Args:
        method: The HTTP method.
        url: The complete URL. Its host is ignored, because every store has its own.
        request_headers: As sent. Their names are compared without regard to case.
        request_body: As sent; None or empty if there was none.
        status: The status of the answer.
        response_headers: As received.
        response_body: As received.
    """
    path = urlsplit(url).path
    line = f"{method.upper()} {path}"
    operation = next((o for o in operations().values() if o.matches(method, path)), None)
    if operation is None:
        return [f"{line}: not a documented endpoint"]
    request = _Request(method, url, request_headers, request_body)
    response = _Response(status, response_headers, response_body)
    sent = [
        *_messages(_api().iter_request_errors(request)),
        *_unknown_names(operation, request),
    ]
    received = _messages(_api().iter_response_errors(request, response))
    return [
        *(f"{line}: request: {message}" for message in sent),
        *(f"{line}: answer {status}: {message}" for message in received),
    ]


class _Request:
    """A request in the form that openapi-core needs."""

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
    """An answer in the form that openapi-core needs."""

    def __init__(self, status: int, headers: HeaderPairs, body: Body) -> None:
        self.status_code = status
        self.headers = _headers(headers)
        self.data = _bytes(body)
        self.content_type = self.headers.get("Content-Type", "")


@cache
def _api() -> OpenAPI:
    return OpenAPI.from_dict(contract())


def _unknown_names(operation: Operation, request: _Request) -> list[str]:
    # A store ignores unknown names, so that its answer would not show a misspelled one.
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        body = {}
    fields = set(body) if isinstance(body, dict) else set()
    queries = set(request.parameters.query) - operation.query_parameters()
    return [
        *(f"{name}: not a documented query parameter" for name in sorted(queries)),
        *(f"{name}: not a documented field" for name in sorted(fields - operation.body_fields())),
    ]


def _messages(errors: Iterable[Exception]) -> list[str]:
    """The messages of errors. The cause of an error is more specific than the error."""
    messages = []
    for error in errors:
        cause = error.__cause__
        details = getattr(cause, "schema_errors", None)
        if details:
            messages += [f"{_place(detail)}{detail.message}" for detail in details]
        else:
            messages.append(str(cause if isinstance(cause, OpenAPIError) else error))
    return messages


def _place(detail: Any) -> str:
    path = ".".join(str(part) for part in detail.absolute_path)
    return f"{path}: " if path else ""


def _bytes(body: Body) -> bytes | None:
    return (body.encode() if isinstance(body, str) else body) or None


def _headers(pairs: HeaderPairs) -> Headers:
    return Headers(list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs))
