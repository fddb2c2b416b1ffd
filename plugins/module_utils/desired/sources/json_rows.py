# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from a JSON document, and from JSON lines, which are read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..entries import Entry
from .columns import Columns
from .documents import NO_LIST, is_list_key
from .text import BadSourceError, TextLines


class _Repeating(dict[str, Any]):
    """An object some of whose names stood in it more than once."""

    repeated: tuple[str, ...] = ()


def json_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a document, which is held as a whole.

    :raises BadSourceError: for a document that is no list of users.
    """
    text = "".join(lines)
    if not text.strip():
        return
    rows = _parsed(text, lines.name, 1)
    if isinstance(rows, dict) and _is_list_under_key(rows):
        [rows] = rows.values()
    if not isinstance(rows, list):
        raise BadSourceError(lines.name, NO_LIST)
    for index, row in enumerate(rows):
        yield from columns.renamed(f"{lines.name}[{index}]", row, _repeated(row))


def json_lines_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a file with one object in each line; blank lines are skipped."""
    for line in lines:
        if not line.strip():
            continue
        try:
            row = _parsed(line, lines.name, lines.number)
        except BadSourceError as error:
            # The next line is a record of its own.
            yield error.fault
        else:
            yield from columns.renamed(lines.place, row, _repeated(row))


def _repeated(row: Any) -> tuple[str, ...]:
    return row.repeated if isinstance(row, _Repeating) else ()


def _is_list_under_key(document: dict[str, Any]) -> bool:
    return len(document) == 1 and not _repeated(document) and is_list_key(next(iter(document)))


def _parsed(text: str, name: str, line: int) -> Any:
    """The value of a JSON text that begins in a line of a file; no error quotes a part of it."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"{name}:{line + error.lineno - 1}:{error.colno}"
        raise BadSourceError(
            where,
            "is no valid JSON at this line and column; a quote, a comma or a bracket is missing "
            "there, or one too many",
        ) from None
    except RecursionError:
        raise BadSourceError(f"{name}:{line}", "is nested too deeply; users are flat") from None
    except ValueError:
        raise BadSourceError(f"{name}:{line}", "holds a number that is too long") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    names = [pair[0] for pair in pairs]
    repeating = _Repeating(values)
    repeating.repeated = tuple(name for name in values if names.count(name) > 1)
    return repeating


# One for all lines: json.loads would make a new one for each.
_DECODER = json.JSONDecoder(object_pairs_hook=_object)
