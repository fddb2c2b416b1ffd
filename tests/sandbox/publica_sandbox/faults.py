# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: rules that make selected requests fail, and the answers of such requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .answers import (
    FORBIDDEN,
    UNAUTHENTICATED,
    Answer,
    html_answer,
    json_answer,
    message_answer,
    too_many_requests,
)
from .rate_limit import RateLimitState
from .routes import EndpointName
from .switches import Switches, problems_text

Kind = Literal[
    "401", "403", "429", "500", "502", "503", "504", "close_before", "close_after", "cut", "hang",
    "html_200", "other_json", "redirect",
]  # fmt: skip
DEFAULT_PAUSE = 30.0

# A store that refuses a request never does its work.
_ONLY_BEFORE = frozenset({"401", "403", "429", "close_before"})
_AFTER_BY_DEFAULT = frozenset({"close_after", "cut"})


class FaultError(ValueError):
    """A fault with invalid values."""


class Fault(BaseModel):
    """One rule: what fails, at which requests, how often, and whether the work is done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[Kind, BeforeValidator(str)]
    endpoint: EndpointName | Literal["any"] = "any"
    nth: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] | None = None
    times: Annotated[int, Field(ge=1)] | None = 1
    applied: Literal["before", "after"] | None = None
    body: Literal["html", "json"] | None = None
    retry_after: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    location: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.nth is not None and self.every is not None:
            raise ValueError("nth and every exclude each other")
        if self.applied == "after" and self.kind in _ONLY_BEFORE:
            raise ValueError(f"{self.kind} is never applied after the work")
        if self.applied == "before" and self.kind == "close_after":
            raise ValueError("close_after is never applied before the work: use close_before")
        if (self.kind == "redirect") != (self.location is not None):
            raise ValueError("location is required for redirect, and not allowed for other kinds")
        return self

    @property
    def pause(self) -> float:
        """Length of a ``hang`` in seconds."""
        return DEFAULT_PAUSE if self.seconds is None else self.seconds

    @property
    def works_first(self) -> bool:
        """Whether the store does the work before it fails."""
        if self.applied is not None:
            return self.applied == "after"
        return self.kind in _AFTER_BY_DEFAULT

    @property
    def in_json(self) -> bool:
        """Whether the body of an error is JSON, as in the store's own errors."""
        return self.body == "json" or (self.body is None and self.kind in ("401", "403", "429"))


def parse_fault(values: dict[str, Any]) -> Fault:
    """A fault from plain values.

    Raises:
        FaultError: with the invalid values.
    """
    try:
        return Fault.model_validate(values)
    except ValidationError as error:
        raise FaultError(problems_text(error)) from error


def fault_values(kind: str | int, times: int | None, **rule: object) -> dict[str, object]:
    """A fault as plain values, without those that are None (``times`` None: without end)."""
    given = {name: value for name, value in rule.items() if value is not None}
    return {"kind": str(kind), "times": times, **given}


def fault_answer(fault: Fault, limit: RateLimitState, switches: Switches) -> Answer | None:
    """The answer that replaces the real one; None if the fault does not replace it."""
    if fault.kind == "429":
        return too_many_requests(
            {
                **limit.headers(switches),
                "X-RateLimit-Remaining": "0",
                **limit.refusal_headers(switches, fault.retry_after),
            }
        )
    if fault.kind == "html_200":
        return html_answer(200, "Be right back")
    if fault.kind == "other_json":
        return json_answer(200, {"status": "ok", "result": None})
    if fault.kind == "redirect":
        return html_answer(302, "302 Found", {"Location": fault.location or "/"})
    return _error(fault) if fault.kind.isdigit() else None


def _error(fault: Fault) -> Answer:
    status = HTTPStatus(int(fault.kind))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if not fault.in_json:
        return html_answer(status, f"{status.value} {status.phrase}", headers)
    own = {401: UNAUTHENTICATED, 403: FORBIDDEN}.get(status)
    return own or message_answer(status, status.phrase, headers)


@dataclass(slots=True)
class _Rule:
    fault: Fault
    seen: int = 0
    fired: int = 0

    def due(self) -> bool:
        # nth stands for one request, so `times` does not apply to it.
        times = 1 if self.fault.nth is not None else self.fault.times
        if times is not None and self.fired >= times:
            return False
        if self.fault.nth is not None:
            return self.seen >= self.fault.nth
        return self.fault.every is None or self.seen % self.fault.every == 0


@dataclass(slots=True)
class FaultRules:
    """The rules in the order in which they were added. A restart deletes them."""

    _rules: list[_Rule] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._rules.append(_Rule(fault))

    def take(self, endpoint: str | None) -> Fault | None:
        """The fault for one request: the oldest of all rules that are due."""
        matching = [rule for rule in self._rules if rule.fault.endpoint in ("any", endpoint)]
        for rule in matching:
            rule.seen += 1
        for rule in matching:
            if rule.due():
                rule.fired += 1
                return rule.fault
        return None

    def list(self) -> list[dict[str, Any]]:
        """The rules as plain values, each with the number of requests ``seen`` and ``fired``."""
        return [
            {**rule.fault.model_dump(exclude_none=True), "seen": rule.seen, "fired": rule.fired}
            for rule in self._rules
        ]

    def clear(self) -> None:
        self._rules.clear()
