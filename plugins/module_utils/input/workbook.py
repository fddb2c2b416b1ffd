# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from a sheet of a workbook: which sheet, its header, and what its cells mean."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from ..errors import ValidationError, counted, listed
from .columns import MOST_NAMES, NO_HEADER, TOO_MANY_NAMES, Columns, NamedColumn, header_errors
from .options import OPTION_BY_NAME, SECRET_NAMES, UserOption
from .rows import BadSourceError, Entry, Row
from .text import composed
from .values import BadValueError
from .workbook_file import Sheet, SheetMarks, Workbook, column_letters

SHEET = "sheet"
DATE = "plan_valid_to"
# A spreadsheet keeps this many digits of a number.
DIGITS = 15
LONGEST_CELL = 32_767
_NAMED_SHEETS = 10
_LONGEST_TITLE = 60

_NAMELESS = "has a value in a column without a name; name the column in the header, or clear it"
_MERGED = (
    "is merged, so the rows or columns in it have no value of their own; split the cells, and fill "
    "each of them"
)
_AS_TEXT = "format the cell as text, and type the value again"
_NO_VALUE = (
    "is a formula whose result is not in the file; open the file in a spreadsheet program and save "
    "it, or replace the formula by its value"
)
_ERROR = "is an error value of the spreadsheet; correct the formula, or clear the cell"
_DATE = f"is a date; {_AS_TEXT}"
_TIME = f"is a time without a date; {_AS_TEXT}"
_BOOLEAN = f"is a truth value; {_AS_TEXT}"
_NO_DATE = "is a number without the format of a date; format the cell as a date, or as YYYY-MM-DD"
_FRACTION = f"is a number with a fraction; {_AS_TEXT}"
_LONG = f"is a number with more than {DIGITS} digits, of which a spreadsheet loses some; {_AS_TEXT}"
_FORMATTED = (
    "is a number in a format that shows other characters, so the value in the cell is not what it "
    f"shows; {_AS_TEXT}, or use a format of zeros only, such as 00000"
)
_PASSWORD = f"is no text, so characters that were typed may be lost; {_AS_TEXT}"
_TOO_LONG = f"has more than {LONGEST_CELL:,} characters; shorten it"

# How a workbook writes characters that XML can't hold (ECMA-376, part 1, section 22.9.2.19).
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# A language or a colour of a format changes no character of a whole number.
_DECORATION = re.compile(r"\[(?:\$-[0-9A-Fa-f]+|[A-Za-z]+ ?[0-9]*)\]")
_PLACES = re.compile(r"#*(0*)")


def workbook_rows(
    content: BinaryIO, name: str, columns: Columns, sheet: str | None, warnings: list[str]
) -> Iterator[Entry]:
    """The rows of a sheet whose first row with a value names the columns."""
    workbook = Workbook(content, name)
    chosen = chosen_sheet(workbook.sheets, sheet)
    title = chosen.title[:_LONGEST_TITLE]
    others = f"the workbook has the sheets {_titles(workbook.sheets)}; name another one in {SHEET}"
    marks = workbook.marks(chosen)
    rows = workbook.rows(chosen)
    header, names = _header(rows)
    if not names:
        raise BadSourceError(title, f"is empty; {others}")
    if len(names) > MOST_NAMES:
        raise BadSourceError(f"{title}!{header}", TOO_MANY_NAMES)
    named = [
        NamedColumn(text, f"{title}!{column_letters(number)}{header}", column_letters(number))
        for number, text in names.items()
    ]
    no_names = NO_HEADER.format("row with a value", "")
    no_header = ValidationError(f"{title}!{header}", "", f"{no_names}; {others}")
    no_column = f"is not a column of the sheet {title}; correct the name; {others}"
    errors = list(header_errors(named, columns, no_header, no_column))
    if errors:
        yield from errors
        return
    options = {number: columns.option_of(text) for number, text in names.items()}
    last = header
    hidden = 0
    for number, entries in _table(rows, title, options, marks, workbook.number_format):
        last = number
        hidden += number in marks.hidden
        yield from entries
    if last == header:
        text = f"has no row with a user; fill the sheet, or leave src out; {others}"
        raise BadSourceError(title, text)
    yield from _merged_cells(title, options, marks, header, last)
    if hidden:
        warnings.append(
            f"{title}: {counted(hidden, 'row', ',')} with a user {'is' if hidden == 1 else 'are'} "
            "hidden or filtered out, and used like the others. Show all rows to check them, and "
            "delete those that are not meant."
        )


def chosen_sheet(sheets: Sequence[Sheet], name: str | None) -> Sheet:
    for sheet in sheets:
        if sheet.visible if name is None else _key(sheet.title) == _key(name):
            return sheet
    if name is None:
        text = "is missing, and no sheet of the workbook is visible"
    else:
        text = "the workbook has no sheet of this name"
    raise BadSourceError(SHEET, f"{text}; name one of {_titles(sheets) or '(none)'}")


def _key(name: str) -> str:
    return composed(name).strip().casefold()


def _titles(sheets: Sequence[Sheet]) -> str:
    titles = [
        sheet.title[:_LONGEST_TITLE] + ("" if sheet.visible else " (hidden)") for sheet in sheets
    ]
    return listed(titles, _NAMED_SHEETS)


_Rows = Iterator[tuple[int, list[dict[str, Any]]]]


def _header(rows: _Rows) -> tuple[int, dict[int, str]]:
    """The number of the first row with a value, and the names in it by column."""
    for number, cells in rows:
        names = {
            cell["column"]: unescaped(str(cell["value"])[:LONGEST_CELL])
            for cell in cells
            if not _is_blank(cell["value"])
        }
        if names:
            return number, names
    return 0, {}


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _table(
    rows: _Rows,
    title: str,
    options: Mapping[int, str | None],
    marks: SheetMarks,
    number_format: Callable[[int], str],
) -> Iterator[tuple[int, list[Entry]]]:
    """The number of each row with a value, the row, and errors of cells without a column."""
    letters = {option: column_letters(number) for number, option in options.items() if option}
    # As in a CSV file: cells can have been moved to another column.
    hides_values = not SECRET_NAMES.isdisjoint(letters)
    without_value = marks.without_value
    for number, cells in rows:
        values: dict[str, Any] = {}
        entries: list[Entry] = []
        has_value = False
        for cell in cells:
            column, value = cell["column"], cell["value"]
            calculated = not without_value or (number, column) not in without_value
            if calculated and _is_blank(value):
                continue
            has_value = True
            option = options.get(column)
            if option is None:
                place = f"{title}!{column_letters(column)}{number}"
                entries.append(ValidationError(place, "", _NAMELESS))
            elif option and not calculated:
                values[option] = BadValueError(_NO_VALUE)
            elif option:
                known = OPTION_BY_NAME.get(option)
                values[option] = cell_value(known, cell, number_format) if known else str(value)
        if has_value:
            entries.append(Row(f"{title}!{number}", values, hides_values, letters))
            yield number, entries


def _merged_cells(
    title: str, options: Mapping[int, str | None], marks: SheetMarks, header: int, last: int
) -> Iterator[ValidationError]:
    """An error for each merged range in the rows of the table and the columns of options."""
    used = [number for number, option in options.items() if option]
    for merged in marks.merged:
        in_rows = merged.rows[0] <= last and merged.rows[1] >= header
        if in_rows and any(merged.columns[0] <= one <= merged.columns[1] for one in used):
            yield ValidationError(f"{title}!{merged.reference}", "", _MERGED)


def cell_value(
    option: UserOption, cell: Mapping[str, Any], number_format: Callable[[int], str]
) -> Any:
    """The value of a cell for an option, or in its place the error."""
    value = cell["value"]
    if isinstance(value, str):
        if cell["data_type"] == "e":
            return BadValueError(_ERROR)
        return unescaped(value) if len(value) <= LONGEST_CELL else BadValueError(_TOO_LONG)
    if option.secret:
        return BadValueError(_PASSWORD)
    if isinstance(value, bool):
        return value if option.type == "bool" else BadValueError(_BOOLEAN)
    if isinstance(value, datetime.date):  # with or without a time of day
        return value.isoformat()[:10] if option.name == DATE else BadValueError(_DATE)
    if not isinstance(value, (int, float)):
        return BadValueError(_TIME)
    if option.name == DATE:
        return BadValueError(_NO_DATE)
    if isinstance(value, float) and not value.is_integer():
        return BadValueError(_FRACTION)
    if abs(value) >= 10**DIGITS:
        return BadValueError(_LONG)
    if option.type != "str":
        return int(value)
    shown = shown_number(int(value), number_format(cell["style_id"]))
    return BadValueError(_FORMATTED) if shown is None else shown


def unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def shown_number(number: int, number_format: str) -> str | None:
    """The digits that a cell shows; None for a format that shows other characters.

    ``00000`` shows 42 as 00042.
    """
    # The sections are for positive numbers, negative ones and zero. Another one than the first
    # could show anything.
    section, *others = _DECORATION.sub("", number_format).split(";")
    if others and number <= 0:
        return None
    if number_format in ("@", "") or section.casefold() == "general":
        return str(number)
    found = _PLACES.fullmatch(section)
    if found is None or not (found[1] or number):
        return None
    # The sign takes a place of its own.
    return str(number).zfill(len(found[1]) + (number < 0))
