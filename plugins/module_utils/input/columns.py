# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the columns of a table, or the keys of a record, mean: the options of a user."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from .options import OPTION_BY_NAME, nearest_option, safe_key_name, unknown_option
from .rows import Entry, LabelledRow, ValidationError

# Stands for bytes that are not in the encoding. No well-formed text has it, so a line can be asked
# for it, where an exception of the decoder would only tell of a place in its buffer.
_BROKEN = "\udcff"
_MARKING = "publica.la.marking"
_VAULT = "$ANSIBLE_VAULT;"


class BadSourceError(ValueError):
    """What keeps a file, or the rest of it, from being read."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where} {text}")
        self.fault = ValidationError("", where, text)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _BROKEN, error.end
    raise error


codecs.register_error(_MARKING, _mark)


class TextLines(Iterator[str]):
    """The lines of a file with their ends, as they are asked for; all kinds of line ends count.

    :param content: the file, at its beginning; it can seek.
    :param name: the file's name, for labels.
    """

    def __init__(self, content: BinaryIO, name: str) -> None:
        self.name = name
        self.number = 0
        self._encoding, python_name = _encoding(content)
        # With an empty ``newline`` every kind of line end counts, and stays as it is.
        self._lines = io.TextIOWrapper(content, python_name, errors=_MARKING, newline="")

    @property
    def place(self) -> str:
        """Where the line stands that was read last."""
        return f"{self.name}:{self.number}"

    def __next__(self) -> str:
        """The next line.

        :raises BadSourceError: for bytes that are no text, and for an encrypted file.
        """
        line = next(self._lines)
        self.number += 1
        if _BROKEN in line:
            raise BadSourceError(
                self.place,
                f"holds bytes that are not {self._encoding}; save the file as UTF-8, in a "
                'spreadsheet as "CSV UTF-8"',
            )
        if self.number == 1 and line.startswith(_VAULT):
            raise BadSourceError(
                self.name,
                "is encrypted by Ansible Vault, which the module cannot read; keep these users in "
                "a variable of the inventory, or decrypt the file before the task",
            )
        if "\0" in line:
            raise BadSourceError(
                self.place,
                "holds a NUL byte, which no text has; save the file as UTF-8, in a spreadsheet as "
                '"CSV UTF-8"',
            )
        return line


def _encoding(content: BinaryIO) -> tuple[str, str]:
    """A file's encoding by its byte-order mark, for people and for Python."""
    beginning = content.read(3)
    content.seek(0)
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16", "utf-16"
    return "UTF-8", "utf-8-sig"


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
            ValidationError(label, safe_key_name(name), "is given twice in one user; keep one")
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
                text = f"is given twice, also as {safe_key_name(name)}; keep one"
                faults.append(ValidationError(label, safe_key_name(key), text))
            values[key] = value
        yield from faults
        yield LabelledRow(label, values)


def read_columns(src_columns: Mapping[str, Any]) -> tuple[Columns, list[ValidationError]]:
    """The columns that a task names, and what is wrong with how it does."""
    mapped: dict[str, str] = {}
    written: dict[str, str] = {}
    by_option: dict[str, str] = {}
    faults: list[ValidationError] = []
    for name, option in src_columns.items():
        key = column_key(str(name))
        told = safe_key_name(name)
        if key in mapped:
            faults.append(
                ValidationError(SRC_COLUMNS, told, f"is named twice, also as {written[key]}")
            )
            continue
        mapped[key], written[key] = IGNORED, str(name)
        if option is None:
            continue
        if not isinstance(option, str) or option not in OPTION_BY_NAME:
            faults.append(ValidationError(SRC_COLUMNS, told, _no_option(option)))
            continue
        mapped[key] = option
        first = by_option.setdefault(OPTION_BY_NAME[option].name, str(name))
        if first != str(name):
            text = f"means {option}, and so does {safe_key_name(first)}; keep one"
            faults.append(ValidationError(SRC_COLUMNS, told, text))
    return Columns(mapped, written), faults


def _no_option(option: Any) -> str:
    if not isinstance(option, str):
        return "must be the name of an option, or null for a column to ignore"
    return f'is mapped to "{safe_key_name(option)}", which {unknown_option(option)}'


def unknown_column(name: str) -> str:
    """What is wrong with a column that means nothing, and what to do with it."""
    near = nearest_option(column_key(name))
    hint = f"did you mean {near}? If not, map it" if near else "map it"
    return f"is no option of a user; {hint} in src_columns, to an option or to null to ignore it"
