# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a task: those of its list and those of its file, as one stream of rows."""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO

from ..errors import ValidationError
from .csv_rows import csv_rows
from .documents import json_lines_rows, json_rows, yaml_rows
from .options import DesiredUser, safe_key_name
from .rows import (
    SRC_COLUMNS,
    BadSourceError,
    Columns,
    Entry,
    read_columns,
    rows_of_list,
    users_of_entries,
)

SRC = "src"
# A byte-order mark's name for messages, and the encoding's name for Python.
_UTF_8, _UTF_16 = ("UTF-8", "utf-8-sig"), ("UTF-16", "utf-16")
_SAVE_AS = 'save the file as UTF-8, in a spreadsheet as "CSV UTF-8"'
_VAULT = "$ANSIBLE_VAULT;"
_NO_USERS = "the export that writes it has probably failed; to provision no users, leave src out"

# Stands for bytes that are not in the encoding. No well-formed text has it, so each line can be
# checked for it; an exception of the decoder would have a place in its buffer, and no line.
_BROKEN = "\udcff"
_REPLACE_BROKEN = "publica.la.replace_broken"


def _replace_broken(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _BROKEN, error.end
    raise error


codecs.register_error(_REPLACE_BROKEN, _replace_broken)


class TextLines(Iterator[str]):
    """The lines of a file with their ends, read when they are needed; all kinds of line ends count.

    :param content: the file, at its beginning; it can seek.
    :param name: the file's name, for places.
    """

    def __init__(self, content: BinaryIO, name: str) -> None:
        self.name = name
        self.number = 0
        beginning = content.read(3)
        content.seek(0)
        is_utf_16 = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self._encoding, python_name = _UTF_16 if is_utf_16 else _UTF_8
        # With an empty ``newline`` every kind of line end counts, and stays as it is.
        self._lines = io.TextIOWrapper(content, python_name, errors=_REPLACE_BROKEN, newline="")

    @property
    def place(self) -> str:
        """The place of the line that was read last."""
        return f"{self.name}:{self.number}"

    def __next__(self) -> str:
        """The next line.

        :raises BadSourceError: for bytes that are no text, and for an encrypted file.
        """
        line = next(self._lines)
        self.number += 1
        if _BROKEN in line:
            text = f"contains bytes that are not {self._encoding}; {_SAVE_AS}"
            raise BadSourceError(self.place, text)
        if self.number == 1 and line.startswith(_VAULT):
            raise BadSourceError(
                self.name,
                "is encrypted by Ansible Vault, which the module cannot read; keep these users in "
                "a variable of the inventory, or decrypt the file before the task",
            )
        if "\0" in line:
            raise BadSourceError(self.place, f"contains a NUL byte, which is no text; {_SAVE_AS}")
        return line


Reader = Callable[[TextLines, Columns], Iterator[Entry]]
READERS: Mapping[str, Reader] = {
    ".csv": csv_rows,
    ".json": json_rows,
    ".jsonl": json_lines_rows,
    ".yml": yaml_rows,
    ".yaml": yaml_rows,
}


def users_of_task(
    users: Sequence[Any] | None,
    src: str | None,
    src_columns: Mapping[str, Any] | None,
    defaults: Mapping[str, Any] | None,
    errors: Iterable[ValidationError] = (),
) -> list[DesiredUser]:
    """The desired users of a task: those of its list, then those of its file.

    :param errors: those of the task's other options.
    :raises InvalidInputError: with every error of both, of the defaults and of the other options.
    """
    entries = chain(errors, task_entries(users, src, src_columns))
    return users_of_entries(entries, defaults, os.path.abspath(src) if src else "")


def task_entries(
    users: Sequence[Any] | None, src: str | None, src_columns: Mapping[str, Any] | None
) -> Iterator[Entry]:
    """The rows of ``users``, then those of the file ``src``, and the errors of the file."""
    yield from rows_of_list(users or ())
    if src is not None:
        yield from file_entries(src, src_columns or {})
    elif src_columns:
        yield ValidationError("", SRC_COLUMNS, "names columns of a file; give src as well")


def file_entries(path: str, src_columns: Mapping[str, Any]) -> Iterator[Entry]:
    """The rows of a file and its errors. No file makes this raise an exception."""
    columns, errors = read_columns(src_columns)
    reader = READERS.get(os.path.splitext(path)[1].lower())
    if reader is None:
        text = f"unknown kind of file; use a name that ends in {', '.join(READERS)}"
        errors.append(ValidationError("", SRC, text))
    if errors or reader is None:
        # The meaning of the file's names is not known, so its rows cannot be checked.
        yield from errors
        return
    try:
        yield from _read(path, reader, columns)
    except BadSourceError as error:
        yield error.error
    except OSError as error:
        yield ValidationError("", SRC, _system_error(error))


def _read(path: str, reader: Reader, columns: Columns) -> Iterator[Entry]:
    name = os.path.basename(path)
    # Before it is opened: opening a pipe would wait until another process writes into it.
    try:
        status = os.stat(path)
    except ValueError:
        text = "contains a character that no path can have; correct it"
        raise BadSourceError(SRC, text) from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
        raise BadSourceError(SRC, f"is {kind}; give the path of a file")
    if status.st_size == 0:
        raise BadSourceError(name, f"is empty; {_NO_USERS}")
    found = has_errors = False
    with open(path, "rb") as content:
        for entry in reader(TextLines(content, name), columns):
            found = True
            has_errors = has_errors or isinstance(entry, ValidationError)
            yield entry
    if not found:
        raise BadSourceError(name, f"contains no user; {_NO_USERS}")
    # A column can be in a part that was not read. A table with a missing column has an error.
    if not has_errors:
        for column in columns.missing():
            text = "no user in the file has this key; correct the name"
            yield ValidationError(SRC_COLUMNS, safe_key_name(column), text)


def _system_error(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            "does not exist on the host where the module runs; a relative path starts at the "
            "module's working directory, so begin it with playbook_dir or inventory_dir"
        )
    if isinstance(error, PermissionError):
        return "the user that the module runs as may not read it; change the file's permissions"
    return f"cannot be read: {error.strerror}"
