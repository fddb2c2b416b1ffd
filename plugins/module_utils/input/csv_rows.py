# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from CSV, as spreadsheets write it. Read as a stream: one record is held at a time."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Union

from ..errors import ValidationError, listed
from .columns import (
    HOLDS_ROWS,
    LONGEST_RECORD,
    MOST_NAMES,
    NAMED_COLUMNS,
    NO_HEADER,
    TOO_MANY_NAMES,
    Columns,
    NamedColumn,
    TextLines,
    header_errors,
)
from .options import IDENTITY, SECRET_NAMES
from .rows import BadSourceError, Entry, Row

DELIMITERS = ",;\t|"
# The line before the header in which a spreadsheet names its delimiter.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?[\r\n]*', re.IGNORECASE)

# The sniffer's time can grow with the square of the text.
SNIFFED_CHARACTERS = 2000

_NO_HEADER = NO_HEADER.format("line", ", separated by comma, semicolon, tab or pipe")
_NO_COLUMN = "is not a column of the file; correct the name"
_QUOTES = (
    "has a quote that is not closed, or one inside a value that is not doubled; write a value with "
    'quotes, line breaks or delimiters as "a ""quoted"" value"'
)
_NOT_READ = "; the lines after it were not read"
_HOLDS_ROWS = f"a cell of it {HOLDS_ROWS}, or remove the line breaks from the cell"
_ADDRESS = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")


def csv_rows(lines: TextLines, columns: Columns) -> Iterator[Entry]:
    first_line = _next_with_text(lines)
    separator = _SEPARATOR_LINE.fullmatch(first_line or "")
    if separator:
        first_line = _next_with_text(lines)
    if first_line is None:
        return
    delimiter = separator["delimiter"] if separator else _delimiter(first_line, columns)
    header = lines.place
    reader = csv.reader(itertools.chain([first_line], lines), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
    except csv.Error:
        raise BadSourceError(header, _QUOTES) from None
    if sum(bool(name.strip()) for name in names) > MOST_NAMES:
        raise BadSourceError(header, TOO_MANY_NAMES)
    named = [NamedColumn(name, header, str(number)) for number, name in enumerate(names, 1)]
    no_header = ValidationError(header, "", _NO_HEADER)
    errors = list(header_errors(named, columns, no_header, _NO_COLUMN))
    if errors:
        yield from errors
        return
    options = [columns.option_of(name) for name in names]
    yield from _rows(_records(reader, lines), lines, options, delimiter)


def _next_with_text(lines: TextLines) -> str | None:
    for line in lines:
        if line.strip():
            return line
        lines.room = LONGEST_RECORD
    return None


def _delimiter(line: str, columns: Columns) -> str:
    """The delimiter of a header: the sniffer's guess, or the first other one with a key of a user.

    The sniffer guesses by frequency, and a name with a comma can mislead it.
    """
    try:
        guess: str = csv.Sniffer().sniff(line[:SNIFFED_CHARACTERS], DELIMITERS).delimiter
    except csv.Error:  # a single column
        guess = DELIMITERS[0]
    for delimiter in guess + DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:  # a name beyond the limit of a cell
            continue
        if any(columns.option_of(name) in IDENTITY for name in names):
            return delimiter
    return guess


# A record with the number of the line in which it begins, or the error in its place.
_Record = Union[tuple[int, list[str]], ValidationError]


def _records(reader: Any, lines: TextLines) -> Iterator[_Record]:
    """The records, and an error in the place of one with wrong quotes.

    :param reader: a CSV reader of ``lines``.
    :raises BadSourceError: where it is not clear in which line the next record begins.
    """
    while True:
        start = lines.number + 1
        lines.room = LONGEST_RECORD
        try:
            yield start, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            place = f"{lines.name}:{start}"
            if "field limit" in str(error):
                text = f"has a value of more than {csv.field_size_limit()} characters; close the "
                raise BadSourceError(place, f"{text}quote, if one is open{_NOT_READ}") from None
            # A record of several lines may have swallowed others, up to their quotes.
            if lines.number > start:
                raise BadSourceError(place, f"{_QUOTES}{_NOT_READ}") from None
            yield ValidationError(place, "", _QUOTES)


def _rows(
    records: Iterator[_Record], lines: TextLines, options: Sequence[str | None], delimiter: str
) -> Iterator[Entry]:
    # With passwords in the table, any cell may be one that has moved to another column.
    hides_values = any(option in SECRET_NAMES for option in options)
    all_named = all(options)
    nameless = [index for index, option in enumerate(options) if option is None]
    for record in records:
        if isinstance(record, ValidationError):
            yield record
            continue
        line, cells = record
        values: dict[str | None, str] = dict(zip(options, cells))
        # Most rows have no blank cell.
        if not all_named or not all(map(str.strip, cells)):
            values = {option: cell for option, cell in values.items() if option and cell.strip()}
        if not values and not any(map(str.strip, cells)):
            continue
        place = f"{lines.name}:{line}"
        several_lines = lines.number > line
        if several_lines and _holds_rows(cells, delimiter, len(options)):
            yield ValidationError(place, "", f"goes on to line {lines.number}, and {_HOLDS_ROWS}")
            continue
        missing = len(options) - len(cells)
        # A spreadsheet leaves out empty cells at the end of a row. But a file that was cut short
        # ends without a line end, and a stray quote leads to several lines.
        if missing > 0 and lines.at_line_end and not several_lines:
            cells.extend([""] * missing)
        elif missing:
            end = f"goes on to line {lines.number} and " if several_lines else ""
            number = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
            if missing < 0:
                remedy = "put a value that contains the delimiter in quotes"
            else:
                remedy = "check whether the file was cut short, or a delimiter is missing"
            text = f"{end}has {number}, but the header has {len(options)}; {remedy}"
            yield ValidationError(place, "", text)
            continue
        errors: list[Entry] = [*_nameless_values(place, cells, nameless)] if nameless else []
        if '"' in "".join(cells):
            errors += _late_quotes(place, cells, options)
        if errors:
            yield from errors
        else:
            yield Row(place, values, hides_values)


def _holds_rows(cells: Sequence[str], delimiter: str, columns: int) -> bool:
    """Whether a cell of several lines may hold other rows, up to a stray quote.

    A line of it looks like a row if it has all delimiters of a row, or an address.
    """
    row = columns - 1
    for index, cell in enumerate(cells):
        inner = cell.splitlines()
        if len(inner) < 2:
            continue
        counts = [line.count(delimiter) for line in inner]
        if row and max(counts) >= row:
            return True
        # The first line may be the rest of a row, and the last one the beginning of another. A
        # quote at the beginning of a cell comes after a delimiter.
        ends = counts[0] >= row - index or inner[-1].endswith(delimiter)
        if any(counts) and ends and counts[-1] >= index:
            return True
        if any(map(_ADDRESS.search, inner)):
            return True
    return False


def _nameless_values(
    place: str, cells: Sequence[str], nameless: Sequence[int]
) -> Iterator[ValidationError]:
    numbers = [str(index + 1) for index in nameless if cells[index].strip()]
    if numbers:
        noun = "column" if len(numbers) == 1 else "columns"
        text = f"has a value in {noun} {listed(numbers, NAMED_COLUMNS)}, without a name in the "
        yield ValidationError(place, "", f"{text}header; name the column, or remove the value")


def _late_quotes(
    place: str, cells: Sequence[str], options: Sequence[str | None]
) -> Iterator[ValidationError]:
    """Quotes after a space, which makes them a part of the value."""
    for option, cell in zip(options, cells):
        if '"' not in cell or not option or option in SECRET_NAMES:
            continue
        if cell[0].isspace() and cell.lstrip().startswith('"'):
            text = "has a space before its quote; remove the space"
            yield ValidationError(place, option, text)
