# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a task, those of its list and those of its file, as one stream of entries."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from .columns import SRC_COLUMNS, BadSourceError, Columns, TextLines, read_columns
from .csv_rows import csv_rows
from .documents import json_lines_rows, json_rows
from .options import DesiredUser
from .rows import Entry, ValidationError, labelled, users_of_entries


def _yaml_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    # Only where it is needed: loading PyYAML takes longer than all other readers together.
    from .documents import yaml_rows

    return yaml_rows(lines, columns)


SRC = "src"
READERS: Mapping[str, Callable[[TextLines, Columns], Iterator[Entry]]] = {
    ".csv": csv_rows,
    ".json": json_rows,
    ".jsonl": json_lines_rows,
    ".yml": _yaml_rows,
    ".yaml": _yaml_rows,
}

_EMPTY = (
    "most likely the export failed that should have written it; to provision nobody, leave src out"
)


def users_of_task(
    users: Sequence[Any] | None,
    src: str | None,
    src_columns: Mapping[str, Any] | None,
    defaults: Mapping[str, Any] | None,
    faults: Iterable[ValidationError] = (),
) -> list[DesiredUser]:
    """The desired users of a task: those of its list, then those of its file.

    :param faults: what was found wrong with the task's other options already.
    :raises InvalidInputError: with every fault of both, of the defaults and of the other options.
    """
    entries = chain(faults, task_entries(users, src, src_columns))
    return users_of_entries(entries, defaults, os.path.abspath(src) if src else "")


def task_entries(
    users: Sequence[Any] | None, src: str | None, src_columns: Mapping[str, Any] | None
) -> Iterator[Entry]:
    """The rows of ``users``, then those of the file ``src``, and what is wrong with the file."""
    yield from labelled("users", users or ())
    if src is not None:
        yield from file_entries(src, src_columns or {})
    elif src_columns:
        yield ValidationError("", SRC_COLUMNS, "names columns of a file; give src as well")


def file_entries(path: str, src_columns: Mapping[str, Any]) -> Iterator[Entry]:
    """The rows of a file, and what is wrong with it. Never raises for what a file can be."""
    columns, faults = read_columns(src_columns)
    reader = READERS.get(os.path.splitext(path)[1].lower())
    if reader is None:
        known = ", ".join(READERS)
        text = f"is no file of a known kind; the name must end in one of {known}"
        faults.append(ValidationError("", SRC, text))
    if faults or reader is None:
        # What the file's names mean is not known, so nothing could be said of its rows.
        yield from faults
        return
    try:
        yield from _read(path, reader, columns)
    except BadSourceError as error:
        yield error.fault
    except OSError as error:
        yield ValidationError("", SRC, _about(error))


def _read(
    path: str, reader: Callable[[TextLines, Columns], Iterator[Entry]], columns: Columns
) -> Iterator[Entry]:
    name = os.path.basename(path)
    # Before it is opened: opening a pipe would wait for somebody to write into it.
    try:
        status = os.stat(path)
    except ValueError:
        raise BadSourceError(SRC, "holds a character that no path has; correct it") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
        raise BadSourceError(SRC, f"is {kind}; give the path of a file")
    if status.st_size == 0:
        raise BadSourceError(name, f"is empty; {_EMPTY}")
    found = faulty = False
    with open(path, "rb") as content:
        for entry in reader(TextLines(content, name), columns):
            found = True
            faulty = faulty or isinstance(entry, ValidationError)
            yield entry
    if not found:
        raise BadSourceError(name, f"holds no user; {_EMPTY}")
    # Among what could not be read a column may be. A table's header has no missing one any more.
    if not faulty:
        for column in columns.missing():
            yield ValidationError(
                SRC_COLUMNS, column, "is a key of no user in the file; correct the name"
            )


def _about(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            "does not exist where the module runs; a relative path counts from the module's "
            "working directory, so begin it with playbook_dir or inventory_dir"
        )
    if isinstance(error, PermissionError):
        return "may not be read by the user that the module runs as; change the file's permissions"
    return f"cannot be read: {error.strerror}"
