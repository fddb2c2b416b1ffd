# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from CSV, as spreadsheets write it. Read as a stream: one record is held at a time."""

from __future__ import annotations

import csv
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .columns import IGNORED, SRC_COLUMNS, BadSourceError, Columns, TextLines, unknown_column
from .options import IDENTITY, OPTION_BY_NAME, safe_key_name
from .rows import Entry, LabelledRow, ValidationError

DELIMITERS = ",;\t|"
# What a spreadsheet is told its delimiter by, in front of the header.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?[\r\n]*', re.IGNORECASE)


class _Record(NamedTuple):
    """A record, and the number of the line that it begins in."""

    line: int
    cells: list[str]


def csv_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    """The rows of a table whose first line names the columns.

    :raises BadSourceError: where the rest of the table cannot be read.
    """
    delimiter, first_line = _delimiter_and_header(lines, columns)
    if first_line is None:
        return
    start = lines.number
    reader = csv.reader(itertools.chain([first_line], lines), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
    except csv.Error:
        raise BadSourceError(f"{lines.name}:{start}", _QUOTES) from None
    header = f"{lines.name}:{start}"
    options = [columns.option_of(name) for name in names]
    faults = list(_header_errors(header, names, options, columns))
    if faults:
        yield from faults
        return
    yield from _rows(_records(reader, lines), lines.name, options)


def _delimiter_and_header(lines: TextLines, columns: Columns) -> tuple[str, str | None]:
    """The delimiter, and the line in which the header begins; None where there is none."""
    first_line = _next_with_text(lines)
    if first_line is None:
        return "", None
    told = _SEPARATOR_LINE.fullmatch(first_line)
    if told:
        return told["delimiter"], _next_with_text(lines)
    return _delimiter(first_line, columns), first_line


def _next_with_text(lines: Iterator[str]) -> str | None:
    return next((line for line in lines if line.strip()), None)


def _delimiter(line: str, columns: Columns) -> str:
    """The delimiter of a header.

    The sniffer guesses by frequency, which a name with a comma can lead astray; so its guess counts
    if a key of a user comes out, and else the first other delimiter by which one does.
    """
    try:
        guess: str = csv.Sniffer().sniff(line, DELIMITERS).delimiter
    except csv.Error:  # a single column
        guess = DELIMITERS[0]
    candidates: tuple[str, ...] = (guess, *DELIMITERS)
    for delimiter in candidates:
        names = next(csv.reader([line], delimiter=delimiter), [])
        if any(columns.option_of(name) in IDENTITY for name in names):
            return delimiter
    return guess


def _header_errors(
    where: str, names: Sequence[str], options: Sequence[str | None], columns: Columns
) -> Iterator[ValidationError]:
    """All that is wrong with a header, unless it may be none: then no word of it."""
    for name in columns.missing():
        yield ValidationError(
            SRC_COLUMNS, safe_key_name(name), "is no column of the file; correct the name"
        )
    if not any(option in IDENTITY for option in options):
        yield ValidationError("", where, _NO_HEADER)
        return
    by_option = defaultdict(list)
    for number, (name, option) in enumerate(zip(names, options), 1):
        if option is None and name.strip():
            yield ValidationError(where, safe_key_name(name.strip()), unknown_column(name))
        elif option:
            by_option[OPTION_BY_NAME[option].name].append(
                f"{safe_key_name(name.strip())} ({number})"
            )
    for option, given in by_option.items():
        if len(given) > 1:
            text = f"is meant by the columns {', '.join(given)}; keep one"
            yield ValidationError(where, option, text)


_NO_HEADER = (
    "names none of the columns email, external_id and id; the first line must name the columns, "
    "separated by comma, semicolon, tab or pipe (src_columns maps other names to these)"
)
_QUOTES = (
    "has a quote that is not closed, or one inside a value that is not doubled; a value with "
    'quotes, line breaks or delimiters is written as "a ""quoted"" value"'
)
_NOT_READ = "; the lines after it were not read"


def _records(reader: Any, lines: TextLines) -> Iterator[_Record | ValidationError]:
    """The records, and a fault in the place of one whose quotes are not right.

    :param reader: a CSV reader of ``lines``; not annotated, since its class has no public name.
    :raises BadSourceError: where it is not clear in which line the next record begins.
    """
    while True:
        start = lines.number + 1
        try:
            yield _Record(start, next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            where = f"{lines.name}:{start}"
            if "field limit" in str(error):
                limit = csv.field_size_limit()
                text = f"has a value of more than {limit} characters; is a quote not closed?"
                raise BadSourceError(where, f"{text} The lines after it were not read") from None
            # A record of several lines may have swallowed others, up to their quotes.
            if lines.number > start:
                raise BadSourceError(where, f"{_QUOTES}{_NOT_READ}") from None
            yield ValidationError("", where, _QUOTES)


def _rows(
    records: Iterator[_Record | ValidationError], name: str, options: Sequence[str | None]
) -> Iterator[Entry]:
    # With passwords in the table, any cell that slipped into another column may be one.
    guarded = any(option and OPTION_BY_NAME[option].secret for option in options)
    nameless = [index for index, option in enumerate(options) if option is None]
    for record in records:
        if isinstance(record, ValidationError):
            yield record
            continue
        cells = record.cells
        if not any(map(str.strip, cells)):
            continue
        label = f"{name}:{record.line}"
        if len(cells) != len(options):
            yield ValidationError("", label, _wrong_number(len(cells), len(options)))
            continue
        faults = [*_nameless_values(label, cells, nameless), *_late_quotes(label, cells, options)]
        if faults:
            yield from faults
            continue
        values = {option: cell for option, cell in zip(options, cells) if option and cell.strip()}
        yield LabelledRow(label, values, guarded)


def _wrong_number(cells: int, columns: int) -> str:
    if cells > columns:
        remedy = "a value with the delimiter in it needs quotes"
    else:
        remedy = "is the file cut short, or a delimiter missing?"
    return f"has {cells} cell{'s' * (cells != 1)}, and the header has {columns}; {remedy}"


def _nameless_values(
    label: str, cells: Sequence[str], nameless: Sequence[int]
) -> Iterator[ValidationError]:
    for index in nameless:
        if cells[index].strip():
            yield ValidationError(
                "", label, f"has a value in column {index + 1}, which has no name"
            )


def _late_quotes(
    label: str, cells: Sequence[str], options: Sequence[str | None]
) -> Iterator[ValidationError]:
    """Quotes that a space stands in front of, so that they are part of the value."""
    for option, cell in zip(options, cells):
        if '"' not in cell or not option or option == IGNORED or OPTION_BY_NAME[option].secret:
            continue
        if cell[0].isspace() and cell.lstrip().startswith('"'):
            yield ValidationError(
                label, option, "has a space in front of its quote; remove the space"
            )
