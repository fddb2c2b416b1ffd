# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers that a store gives, apart from the records in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Errors = dict[str, list[str]]

MODEL = "App\\Models\\User"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer before its common headers are added."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Raised while handling a request whose answer is not a success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(status: int, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Answer(status, body, {"Content-Type": "application/json", **(headers or {})})


def html_answer(status: int, title: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A page as a proxy or a maintenance mode sends it."""
    page = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>"
        f"<body><center><h1>{title}</h1></center><hr></body></html>\n"
    )
    return Answer(
        status, page.encode(), {"Content-Type": "text/html; charset=utf-8", **(headers or {})}
    )


def success(data: object) -> Answer:
    """The envelope of every documented answer with a body."""
    return json_answer(200, {"CODE": "success", "data": data})


def no_content() -> Answer:
    """A success without a body."""
    return Answer(204)


def no_user(identifier: str) -> Answer:
    """A path that names a user who is not there."""
    return json_answer(404, {"message": f"No query results for model [{MODEL}] {identifier}"})


def empty_result() -> Answer:
    """An empty list, where the store takes that for a missing object."""
    return json_answer(404, {"message": f"No query results for model [{MODEL}]."})


def no_route() -> Answer:
    """A path that the application does not know."""
    return json_answer(404, {"message": ""})


def method_not_allowed(method: str, allowed: Sequence[str]) -> Answer:
    """A known path with a method that it does not take."""
    supported = ", ".join(allowed)
    message = (
        f"The {method} method is not supported for this route. Supported methods: {supported}."
    )
    return json_answer(405, {"message": message}, {"Allow": supported})


def allowed_methods(allowed: Sequence[str]) -> Answer:
    """The answer to OPTIONS."""
    return Answer(200, b"", {"Allow": ",".join(allowed)})


def moved(location: str) -> Answer:
    """A redirect to the other form of a path."""
    return html_answer(301, "301 Moved Permanently", {"Location": location})


def unauthenticated() -> Answer:
    """No token, or a wrong one."""
    return json_answer(401, {"message": "Unauthenticated."})


def forbidden() -> Answer:
    """A token that may not do this."""
    return json_answer(403, {"message": "This action is unauthorized."})


def writes_refused() -> Answer:
    """A write while ``refuse_writes`` is on."""
    return json_answer(423, {"message": "This sandbox refuses writes."})


def too_many_requests(headers: Mapping[str, str]) -> Answer:
    """A request beyond the limit."""
    return json_answer(429, {"message": "Too Many Attempts."}, headers)


def server_error() -> Answer:
    """A fault of the sandbox itself."""
    return json_answer(500, {"message": "Server Error"})


def invalid(errors: Errors, form: Literal["laravel", "message", "data"]) -> Answer:
    """A 422 in one of the three forms that the documents allow."""
    payload: dict[str, object]
    if form == "laravel":
        payload = {"message": "The given data was invalid.", "errors": errors}
    elif form == "message":
        first = next(iter(errors.values()))[0]
        payload = {"CODE": "validation_error", "message": first}
    else:
        payload = {"CODE": "validation_error", "data": errors}
    return json_answer(422, payload)
