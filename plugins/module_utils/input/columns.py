# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a file of users, line by line, and the meaning of its columns or keys."""

from __future__ import annotations

import codecs
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from ..errors import ValidationError, listed
from .options import IDENTITY, OPTION_BY_NAME, VALID_FROM, nearest_option, unknown_option
from .rows import BadSourceError, Entry, Row
from .text import composed
from .values import kind_of, safe_key_name

SRC_COLUMNS = "src_columns"
# Stands for an option's name where ``src_columns`` maps a column to null.
IGNORED = ""
# The meaning of each name that src_columns does not map. The second line has the names of the
# dashboard's own import.
_MEANINGS = {
    **{name: name for name in (*OPTION_BY_NAME, VALID_FROM)},
    **{"assign_plan_id": "plan_id", "assign_plan_valid_to": "plan_valid_to"},
}

_SAVE_AS = 'save the file as UTF-8, in a spreadsheet as "CSV UTF-8"'
VAULT = "$ANSIBLE_VAULT;"
ENCRYPTED = (
    "is encrypted by Ansible Vault, which the module cannot read; keep these users in a variable "
    "of the inventory, or decrypt the file before the task"
)

# The size of a file, in bytes, and of a line or a CSV record, in characters.
LARGEST_FILE = 256 << 20
LONGEST_RECORD = 1 << 20
_PART = 1 << 20
# The names that a record can have, those of ignored columns included.
MOST_NAMES = 1000
NAMED_COLUMNS = 5
TOO_MANY_NAMES = (
    f"has more than {MOST_NAMES:,} columns or keys with a name; remove those that are not needed"
)
NO_HEADER = (
    "names none of the columns email, external_id and id; the first {} must name the columns{} "
    "(src_columns maps other names to these)"
)
HOLDS_ROWS = (
    "holds lines that look like rows, so a quote is probably missing or not needed; correct the "
    "quotes"
)
TOO_LARGE = (
    f"is larger than {LARGEST_FILE >> 20} MB, and was not read; give a file that holds only the "
    "users of this store"
)

# Stands for bytes that are not in the encoding; no well-formed text has it. An exception of the
# decoder would have no line.
_BROKEN = "\udcff"
_REPLACE_BROKEN = "publica.la.replace_broken"


def _replace_broken(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _BROKEN, error.end
    raise error


codecs.register_error(_REPLACE_BROKEN, _replace_broken)


class TextLines(Iterator[str]):
    """The lines of a file with their ends, read when they are needed; all kinds of line ends count.

    :ivar room: how many more characters the current record can have; a reader resets it.
    """

    def __init__(self, content: BinaryIO, name: str) -> None:
        self.name = name
        self.number = 0
        self.room = LONGEST_RECORD
        self._line = ""
        beginning = content.read(3)
        content.seek(0)
        is_utf_16 = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self._encoding = "UTF-16" if is_utf_16 else "UTF-8"
        python_name = "utf-16" if is_utf_16 else "utf-8-sig"
        # With an empty ``newline`` every kind of line end counts, and stays as it is.
        self._lines = io.TextIOWrapper(content, python_name, errors=_REPLACE_BROKEN, newline="")

    @property
    def place(self) -> str:
        return f"{self.name}:{self.number}"

    @property
    def at_line_end(self) -> bool:
        """Whether the line that was read last has a line end."""
        return self._line.endswith(("\n", "\r"))

    def __next__(self) -> str:
        """The next line.

        :raises BadSourceError: for a record that is too long, and for what is not text.
        """
        line = self._line = self._lines.readline(self.room + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.room -= len(line)
        if self.room < 0:
            raise BadSourceError(
                self.place,
                f"is longer than {LONGEST_RECORD:,} characters; check whether a line break or a "
                "closing quote is missing. The lines after it were not read",
            )
        self._check(line)
        return line

    def document(self) -> str:
        """The complete text of the file, whose lines can have any length."""
        # In parts, since a read allocates what it may return. The file can grow while it is read.
        parts = list(islice(iter(partial(self._lines.read, _PART), ""), LARGEST_FILE // _PART + 1))
        text = "".join(parts)
        if len(text) > LARGEST_FILE:
            raise BadSourceError(self.name, TOO_LARGE)
        self.number = 1
        bad = max(text.find(_BROKEN), text.find("\0"))
        if bad >= 0:
            before = text[:bad]
            self.number += before.count("\n") + before.count("\r") - before.count("\r\n")
        self._check(text)
        return text

    def _check(self, text: str) -> None:
        """Refuse what cannot be read; ``number`` is the line of the first such character."""
        if _BROKEN in text:
            error = f"contains bytes that are not {self._encoding}; {_SAVE_AS}"
            raise BadSourceError(self.place, error)
        if self.number == 1 and text.startswith(VAULT):
            raise BadSourceError(self.name, ENCRYPTED)
        if "\0" in text:
            error = f"contains a NUL byte, so it is not a text file; {_SAVE_AS}"
            raise BadSourceError(self.place, error)


class Columns:
    """The options that the names in a file mean: those of ``src_columns``, or else their own.

    :param mapped: by comparable name, the option's name or ``IGNORED``.
    :param written: the names of ``mapped`` as the task has them.
    """

    def __init__(self, mapped: Mapping[str, str], written: Mapping[str, str]) -> None:
        self._mapped = mapped
        self._written = written
        self._known: dict[str, str | None] = {}

    def option_of(self, name: str) -> str | None:
        """The option that a name means, ``IGNORED``, or None for an unknown name."""
        if name not in self._known:
            key = column_key(name)
            self._known[name] = self._mapped.get(key, _MEANINGS.get(key))
        return self._known[name]

    def missing(self) -> Iterator[str]:
        """The names that the task maps to an option and that did not occur."""
        found = {column_key(name) for name in self._known}
        for key, option in self._mapped.items():
            if option != IGNORED and key not in found:
                yield self._written[key]

    def renamed(self, place: str, row: Any, repeated: Iterable[str] = ()) -> Iterator[Entry]:
        """A record with the options' names as its keys; a key that is given twice is an error.

        :param row: a mapping, or a value that the validation of the row will refuse.
        :param repeated: keys that the record has more than once.
        """
        if not isinstance(row, Mapping):
            yield Row(place, row)
            return
        if len(row) > MOST_NAMES:
            yield ValidationError(place, "", TOO_MANY_NAMES)
            return
        for name in repeated:
            text = "given twice in this user; keep one"
            yield ValidationError(place, safe_key_name(name), text)
        values: dict[Any, Any] = {}
        for name, value in row.items():
            option = self.option_of(str(name))
            if option == IGNORED:
                continue
            key = name if option is None else option
            if key in values:
                text = f"given twice, also as {safe_key_name(name)}; keep one"
                yield ValidationError(place, safe_key_name(key), text)
            values[key] = value
        yield Row(place, values)


def read_columns(src_columns: Mapping[str, Any]) -> tuple[Columns, list[ValidationError]]:
    mapped: dict[str, str] = {}
    written: dict[str, str] = {}
    by_option: dict[str, str] = {}
    errors: list[ValidationError] = []

    def refuse(name: str, text: str) -> None:
        errors.append(ValidationError(SRC_COLUMNS, safe_key_name(name), text))

    for column, option in src_columns.items():
        name = str(column)
        key = column_key(name)
        if key in mapped:
            refuse(name, f"given twice, also as {safe_key_name(written[key])}; keep one")
            continue
        mapped[key], written[key] = IGNORED, name
        if option is None:
            continue
        if not isinstance(option, str):
            text = "must be the name of an option, or null to ignore the column"
            refuse(name, f"{text}, not {kind_of(option)}")
        elif option not in OPTION_BY_NAME:
            refuse(name, f"is mapped to {safe_key_name(option)}: {unknown_option(option)}")
        else:
            mapped[key] = option
            first = by_option.setdefault(OPTION_BY_NAME[option].name, name)
            if first != name:
                refuse(name, f"is mapped to {option}, and so is {safe_key_name(first)}; keep one")
    return Columns(mapped, written), errors


def column_key(name: str) -> str:
    """A name for comparison: `` External-ID`` is ``external_id``."""
    return re.sub(r"[\s_-]+", "_", composed(name).strip()).casefold()


def unknown_column(name: str) -> str:
    near = nearest_option(column_key(name))
    hint = f"did you mean {near}? If not, map it" if near else "map it"
    return f"unknown column; {hint} in src_columns, to an option or to null to ignore it"


class NamedColumn(NamedTuple):
    name: str
    place: str
    position: str  # the number or the letter of the column


def header_errors(
    named: Sequence[NamedColumn], columns: Columns, no_header: ValidationError, no_column: str
) -> Iterator[ValidationError]:
    """All errors of a header. A line that may be a user instead of a header is not quoted."""
    options = [columns.option_of(column.name) for column in named]
    for name in columns.missing():
        yield ValidationError(SRC_COLUMNS, safe_key_name(name), no_column)
    if not any(option in IDENTITY for option in options):
        yield no_header
        return
    by_option = defaultdict(list)
    for column, option in zip(named, options):
        shown = safe_key_name(column.name.strip())
        if option is None and column.name.strip():
            yield ValidationError(column.place, shown, unknown_column(column.name))
        elif option:
            known = OPTION_BY_NAME.get(option)
            by_option[known.name if known else option].append((shown, column))
    for option, given in by_option.items():
        if len(given) > 1:
            names = listed([f"{shown} ({one.position})" for shown, one in given], NAMED_COLUMNS)
            text = f"several columns are mapped to this option: {names}; keep one"
            yield ValidationError(given[0][1].place, option, text)
