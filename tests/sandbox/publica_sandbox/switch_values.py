# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading switches from words: unknown names and values become clear errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from .switches import Switches


class SwitchError(ValueError):
    """A switch or a value that does not exist."""


@dataclass(frozen=True, slots=True)
class SwitchInfo:
    """One row of the table of switches."""

    name: str
    values: str
    default: str
    choice: int | None
    about: str


def spell(value: object) -> str:
    """A value as it is written after ``--set name=``."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def switch_table() -> list[SwitchInfo]:
    """All switches in the order of the open choices."""
    rows = []
    for name, field in Switches.model_fields.items():
        extra = field.json_schema_extra
        choice = extra.get("choice") if isinstance(extra, dict) else None
        rows.append(
            SwitchInfo(
                name=name,
                values=" | ".join(_known_values(name)) or "number",
                default=spell(field.default),
                choice=choice if isinstance(choice, int) else None,
                about=field.description or "",
            )
        )
    return rows


def change_switches(current: Switches, values: Mapping[str, object]) -> Switches:
    """``current`` with other values for some switches.

    Raises:
        SwitchError: with the nearest known name or the values that the switch knows.
    """
    for name in values:
        if name not in Switches.model_fields:
            raise SwitchError(
                f"There is no switch {name!r}.{_nearest(name, Switches.model_fields)}"
            )
    try:
        return Switches.model_validate({**current.model_dump(), **values})
    except ValidationError as error:
        raise SwitchError(" ".join(_explain(problem) for problem in error.errors())) from error


def parse_assignments(words: Iterable[str]) -> dict[str, object]:
    """``name=value`` words, as the command line takes them."""
    values: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise SwitchError(f"{word!r} is not of the form switch=value.")
        values[name.strip().replace("-", "_")] = value.strip()
    return values


def _known_values(name: str) -> list[str]:
    annotation = Switches.model_fields[name].annotation
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return []


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" The nearest is {close[0]!r}." if close else ""


def _explain(problem: Any) -> str:
    name, value = str(problem["loc"][0]), problem["input"]
    known = _known_values(name)
    if not known:
        return f"{name} cannot be {value!r}: {problem['msg']}."
    return f"{name} cannot be {value!r}, only {', '.join(known)}.{_nearest(str(value), known)}"
