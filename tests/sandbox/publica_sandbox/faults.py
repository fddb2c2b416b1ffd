# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: rules that make chosen requests go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .routes import EndpointName

Kind = Literal[
    "401",
    "403",
    "429",
    "500",
    "502",
    "503",
    "504",
    "close_before",
    "close_after",
    "cut",
    "hang",
    "html_200",
    "other_json",
    "redirect",
]
LONG_PAUSE = 30.0

# Refusals of the store itself: it never does the work and then says so.
_ONLY_BEFORE = frozenset({"401", "403", "429", "close_before"})
_AFTER_UNLESS_TOLD = frozenset({"close_after", "cut"})


class FaultError(ValueError):
    """A fault that cannot be."""


class Fault(BaseModel):
    """One rule: what goes wrong, at which requests, how often, and whether the work is done."""

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
    def _consistent(self) -> Self:
        if self.nth is not None and self.every is not None:
            raise ValueError("nth and every exclude each other")
        if self.applied == "after" and self.kind in _ONLY_BEFORE:
            raise ValueError(f"{self.kind} is never applied after the work")
        if self.applied == "before" and self.kind == "close_after":
            raise ValueError("close_after is never applied before the work: use close_before")
        if (self.kind == "redirect") != (self.location is not None):
            raise ValueError("redirect, and nothing else, takes a location")
        return self

    @property
    def pause(self) -> float:
        """How many seconds a ``hang`` lasts."""
        return LONG_PAUSE if self.seconds is None else self.seconds

    @property
    def works_first(self) -> bool:
        """Whether the store does the work before it fails."""
        if self.applied is not None:
            return self.applied == "after"
        return self.kind in _AFTER_UNLESS_TOLD

    @property
    def in_json(self) -> bool:
        """Whether the body of an error is JSON: the store's own errors are, a proxy's are not."""
        return self.body == "json" or (self.body is None and self.kind in ("401", "403", "429"))


def parse_fault(values: dict[str, Any]) -> Fault:
    """A fault from plain values.

    Raises:
        FaultError: in words for a person.
    """
    try:
        return Fault.model_validate(values)
    except ValidationError as error:
        problems = (
            f"{'.'.join(str(part) for part in problem['loc']) or 'fault'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise FaultError("; ".join(problems)) from error


def fault_values(kind: str | int, times: int | None, **rule: object) -> dict[str, object]:
    """A fault as plain values; of what is None, only ``times`` means something: without end."""
    given = {name: value for name, value in rule.items() if value is not None}
    return {"kind": str(kind), "times": times, **given}


@dataclass(slots=True)
class _Rule:
    fault: Fault
    seen: int = 0
    fired: int = 0

    def matches(self, endpoint: str | None) -> bool:
        return self.fault.endpoint in ("any", endpoint)

    def due(self) -> bool:
        if self.spent():
            return False
        if self.fault.nth is not None:
            return self.seen >= self.fault.nth
        return self.fault.every is None or self.seen % self.fault.every == 0

    def spent(self) -> bool:
        # "The second request" is one request, whatever `times` says.
        times = 1 if self.fault.nth is not None else self.fault.times
        return times is not None and self.fired >= times


@dataclass(slots=True)
class FaultRules:
    """The rules in the order they were added. Kept in memory: a restart forgets them."""

    _rules: list[_Rule] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Append a rule."""
        self._rules.append(_Rule(fault))

    def take(self, endpoint: str | None) -> Fault | None:
        """The fault for one request: of all rules that are due, the oldest fires."""
        matching = [rule for rule in self._rules if rule.matches(endpoint)]
        for rule in matching:
            rule.seen += 1
        for rule in matching:
            if rule.due():
                rule.fired += 1
                return rule.fault
        return None

    def list(self) -> list[dict[str, Any]]:
        """The rules as plain values, with how often each was met and fired."""
        return [
            {**rule.fault.model_dump(exclude_none=True), "seen": rule.seen, "fired": rule.fired}
            for rule in self._rules
        ]

    def clear(self) -> None:
        """Forget all rules."""
        self._rules.clear()
