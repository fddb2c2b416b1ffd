# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the columns of a table, or the keys of a record, mean: the options of a user."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..entries import Entry, Fault, LabelledRow
from ..options import OPTION_BY_NAME, nearest_option, told_name, unknown_option

# What an option's name is where ``src_columns`` says that a column means none.
IGNORED = ""
SRC_COLUMNS = "src_columns"


def column_key(name: str) -> str:
    """A name for comparison: `` External-ID`` is ``external_id``."""
    composed = unicodedata.normalize("NFC", name)
    return re.sub(r"[\s_-]+", "_", composed.strip()).casefold()


class Columns:
    """The meaning of names: what the task says, or else the options' own names.

    :param mapped: by comparable name, the option's name or ``IGNORED``.
    :param written: the names of ``mapped`` as the task has them.
    """

    def __init__(self, mapped: Mapping[str, str], written: Mapping[str, str]) -> None:
        self._mapped = mapped
        self._written = written
        # Each spelling that came up, so that a hundred thousand records are looked up in one step.
        self._known: dict[str, str | None] = {}

    def option_of(self, name: str) -> str | None:
        """The option that a name means, ``IGNORED``, or None for a name that means nothing."""
        if name not in self._known:
            self._known[name] = self._meaning(name)
        return self._known[name]

    def _meaning(self, name: str) -> str | None:
        key = column_key(name)
        if key in self._mapped:
            return self._mapped[key]
        return key if key in OPTION_BY_NAME else None

    def missing(self) -> Iterator[str]:
        """The names that the task maps to an option and that came up nowhere."""
        met = {column_key(name) for name in self._known}
        for key, option in self._mapped.items():
            if option != IGNORED and key not in met:
                yield self._written[key]

    def renamed(self, label: str, row: Any, repeated: Iterable[str] = ()) -> Iterator[Entry]:
        """A record with the options' names for its keys; a key given twice is a fault.

        :param row: a mapping, or what a validation of the row will refuse.
        :param repeated: keys that stood in the record more than once.
        """
        faults = [
            Fault(label, told_name(name), "is given twice in one user; keep one")
            for name in repeated
        ]
        if not isinstance(row, Mapping):
            yield LabelledRow(label, row)
            return
        values: dict[Any, Any] = {}
        for name, value in row.items():
            option = self.option_of(str(name))
            if option == IGNORED:
                continue
            key = name if option is None else option
            if key in values:
                text = f"is given twice, also as {told_name(name)}; keep one"
                faults.append(Fault(label, told_name(key), text))
            values[key] = value
        yield from faults
        yield LabelledRow(label, values)


def read_columns(src_columns: Mapping[str, Any]) -> tuple[Columns, list[Fault]]:
    """The columns that a task names, and what is wrong with how it does."""
    mapped: dict[str, str] = {}
    written: dict[str, str] = {}
    by_option: dict[str, str] = {}
    faults: list[Fault] = []
    for name, option in src_columns.items():
        key = column_key(str(name))
        told = told_name(name)
        if key in mapped:
            faults.append(Fault(SRC_COLUMNS, told, f"is named twice, also as {written[key]}"))
            continue
        mapped[key], written[key] = IGNORED, str(name)
        if option is None:
            continue
        if not isinstance(option, str) or option not in OPTION_BY_NAME:
            faults.append(Fault(SRC_COLUMNS, told, _no_option(option)))
            continue
        mapped[key] = option
        first = by_option.setdefault(OPTION_BY_NAME[option].name, str(name))
        if first != str(name):
            text = f"means {option}, and so does {told_name(first)}; keep one"
            faults.append(Fault(SRC_COLUMNS, told, text))
    return Columns(mapped, written), faults


def _no_option(option: Any) -> str:
    if not isinstance(option, str):
        return "must be the name of an option, or null for a column to ignore"
    return f'is mapped to "{told_name(option)}", which {unknown_option(option)}'


def unknown_column(name: str) -> str:
    """What is wrong with a column that means nothing, and what to do with it."""
    near = nearest_option(column_key(name))
    hint = f"did you mean {near}? If not, map it" if near else "map it"
    return f"is no option of a user; {hint} in src_columns, to an option or to null to ignore it"
