# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers of a store, apart from the records in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Errors = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer before its common headers are added."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The answer to a request that an endpoint refuses."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(status: int, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Answer(status, body, {"Content-Type": "application/json", **(headers or {})})


def message_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """The framework's form of an error."""
    return json_answer(status, {"message": message}, headers)


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


NO_CONTENT = Answer(204)
NO_ROUTE = message_answer(404, "")
UNAUTHENTICATED = message_answer(401, "Unauthenticated.")
FORBIDDEN = message_answer(403, "This action is unauthorized.")
WRITES_REFUSED = message_answer(423, "This sandbox refuses writes.")
SANDBOX_ERROR = message_answer(500, "Server Error")


def no_user(identifier: str = "") -> Answer:
    """The answer for a user that does not exist, or for a list without users."""
    return _no_results("User", f" {identifier}" if identifier else ".")


def no_plan() -> Answer:
    return _no_results("Plan", ".")


def _no_results(model: str, end: str) -> Answer:
    return message_answer(404, f"No query results for model [App\\Models\\{model}]{end}")


def too_many_requests(headers: Mapping[str, str]) -> Answer:
    return message_answer(429, "Too Many Attempts.", headers)


def invalid(errors: Errors, form: Literal["laravel", "message", "data"]) -> Answer:
    """A 422 in one of the three documented forms."""
    payload: dict[str, object]
    if form == "laravel":
        payload = {"message": "The given data was invalid.", "errors": errors}
    elif form == "message":
        first = next(iter(errors.values()))[0]
        payload = {"CODE": "validation_error", "message": first}
    else:
        payload = {"CODE": "validation_error", "data": errors}
    return json_answer(422, payload)
