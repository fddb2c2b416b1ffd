# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a task: those of its list and those of its file, as one stream of rows."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from ..errors import ValidationError
from .columns import LARGEST_FILE, SRC_COLUMNS, TOO_LARGE, Columns, TextLines, read_columns
from .csv_rows import csv_rows
from .documents import json_lines_rows, json_rows, yaml_rows
from .options import DesiredUser
from .rows import BadSourceError, Entry, rows_of_list, users_of_entries
from .values import kind_of, safe_key_name
from .workbook import SHEET, workbook_rows
from .workbook_file import OTHER_KINDS

SRC, USER_LISTS = "src", "user_lists"
_NO_USERS = "the export that writes it has probably failed; to provision no users, leave src out"

Reader = Callable[[TextLines, Columns], Iterator[Entry]]
READERS: Mapping[str, Reader] = {
    ".csv": csv_rows,
    ".json": json_rows,
    ".jsonl": json_lines_rows,
    ".yml": yaml_rows,
    ".yaml": yaml_rows,
}
WORKBOOK = ".xlsx"


def users_of_task(
    users: Sequence[Any] | None,
    src: str | None,
    src_columns: Mapping[str, Any] | None,
    defaults: Mapping[str, Any] | None,
    errors: Iterable[ValidationError] = (),
    user_lists: Mapping[str, Any] | None = None,
    sheet: str | None = None,
    warnings: list[str] | None = None,
) -> list[DesiredUser]:
    """The desired users of a task: those of its lists, then those of its file.

    :param errors: those of the task's other options.
    :param warnings: gets what is odd about the file, but no error.
    """
    entries = chain(errors, task_entries(users, src, src_columns, user_lists, sheet, warnings))
    return users_of_entries(entries, defaults, os.path.abspath(src) if src else "")


def task_entries(
    users: Sequence[Any] | None,
    src: str | None,
    src_columns: Mapping[str, Any] | None,
    user_lists: Mapping[str, Any] | None = None,
    sheet: str | None = None,
    warnings: list[str] | None = None,
) -> Iterator[Entry]:
    """The rows of ``users`` and ``user_lists``, then those of the file, and their errors."""
    yield from rows_of_list(users or ())
    for name, rows in (user_lists or {}).items():
        if isinstance(rows, list):
            yield from rows_of_list(rows, safe_key_name(name))
        else:
            text = f"must be a list of users, not {kind_of(rows)}"
            yield ValidationError(USER_LISTS, safe_key_name(name), text)
    if src is not None:
        yield from file_entries(src, src_columns or {}, sheet, warnings)
        return
    if src_columns:
        yield ValidationError("", SRC_COLUMNS, "names columns of a file; give src as well")
    if sheet is not None:
        yield ValidationError("", SHEET, "names a sheet of a workbook; give src as well")


def file_entries(
    path: str,
    src_columns: Mapping[str, Any],
    sheet: str | None = None,
    warnings: list[str] | None = None,
) -> Iterator[Entry]:
    """The rows of a file and its errors. No file makes this raise an exception."""
    columns, errors = read_columns(src_columns)
    suffix = os.path.splitext(path)[1].lower()
    reader = READERS.get(suffix)
    if suffix != WORKBOOK:
        if sheet is not None:
            text = f"names a sheet, but src is no workbook ({WORKBOOK}); remove it, or correct src"
            errors.append(ValidationError("", SHEET, text))
        if reader is None:
            kinds = ", ".join((*READERS, WORKBOOK))
            text = f"unknown kind of file; use a name that ends in {kinds}"
            errors.append(ValidationError("", SRC, OTHER_KINDS.get(suffix, text)))
    if errors:
        # The meaning of the file's names is not known, so its rows cannot be checked.
        yield from errors
        return
    found = [] if warnings is None else warnings
    try:
        yield from _read(path, reader, columns, sheet, found)
    except BadSourceError as error:
        yield error.error
    except OSError as error:
        yield ValidationError("", SRC, _system_error(error))


def _read(
    path: str, reader: Reader | None, columns: Columns, sheet: str | None, warnings: list[str]
) -> Iterator[Entry]:
    name = os.path.basename(path)
    # Before it is opened: opening a pipe would wait until another process writes into it.
    try:
        status = os.stat(path)
    except ValueError:
        raise BadSourceError(
            SRC, "contains a character that no path can have; correct it"
        ) from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
        raise BadSourceError(SRC, f"is {kind}; give the path of a file")
    if status.st_size == 0:
        raise BadSourceError(name, f"is empty; {_NO_USERS}")
    if status.st_size > LARGEST_FILE:
        raise BadSourceError(name, TOO_LARGE)
    found = has_errors = False
    with open(path, "rb") as content:
        if reader is None:
            entries = workbook_rows(content, name, columns, sheet, warnings)
        else:
            entries = reader(TextLines(content, name), columns)
        for entry in entries:
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
            "does not exist on the host where the module runs; begin the path with inventory_dir, "
            "since in this collection's playbooks playbook_dir is their own directory"
        )
    if isinstance(error, PermissionError):
        return "the user that the module runs as may not read it; change the file's permissions"
    return f"cannot be read: {error.strerror}"
