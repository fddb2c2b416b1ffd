# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source of users yields: rows with the place they stand in, or what is wrong there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Union

from ..transport.errors import InvalidInputError

# How many faults the message lists; the failure's ``fields`` holds them all.
FAULTS_IN_MESSAGE = 20


class LabelledRow(NamedTuple):
    """A row as it was read, before it is validated.

    ``label`` is where it stands: ``users[3]``, ``seats.csv:17``. ``guarded`` is true where a value
    can slip into another option's place, as in a table with passwords: then no fault quotes any.
    """

    label: str
    values: Any
    guarded: bool = False


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one option of one row.

    A fault of a whole row or file has no ``row``, and its place as the ``option``.
    """

    row: str
    option: str
    text: str
    who: str = ""

    def __str__(self) -> str:
        where = f"{self.row} ({self.who})" if self.who else self.row
        return f"{where}: {self.option} {self.text}" if where else f"{self.option} {self.text}"


Entry = Union[LabelledRow, Fault]


def labelled(option: str, rows: Iterable[Any]) -> Iterator[LabelledRow]:
    """The rows of a task's own list, by their index."""
    for index, row in enumerate(rows):
        yield LabelledRow(f"{option}[{index}]", row)


def outside(option: str, value: float, low: float, high: float, unit: str = "") -> list[Fault]:
    """The fault of a task's own number that is not within its bounds; none where it is.

    :param unit: what the number counts, with a space before it, such as `` seconds``.
    """
    if low <= value <= high:
        return []
    return [Fault("", option, f"is {value:g}; write {low:g} to {high:g}{unit}")]


def invalid_input(faults: Sequence[Fault], source: str = "") -> InvalidInputError:
    """The error that tells of all faults at once.

    :param source: the path of the file that was read, if one was.
    """
    fields: dict[str, list[str]] = {}
    for fault in faults:
        key = f"{fault.row}.{fault.option}" if fault.row else fault.option
        fields.setdefault(key, []).append(fault.text)
    told = "; ".join(str(fault) for fault in faults[:FAULTS_IN_MESSAGE])
    rest = len(faults) - FAULTS_IN_MESSAGE
    more = f"; and {rest} more, all of them in failure.fields" if rest > 0 else ""
    end = "" if f"{told}{more}".endswith("?") else "."
    return InvalidInputError(f"{_head(len(faults), source)}: {told}{more}{end}", fields)


def _head(count: int, source: str) -> str:
    if source:
        noun = "1 fault was" if count == 1 else f"{count} faults were"
        return f"{noun} found, and nothing was sent (src is {source})"
    noun = "1 value is" if count == 1 else f"{count} values are"
    return f"{noun} not right, and nothing was sent"
