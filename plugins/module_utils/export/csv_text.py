# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows as a table that spreadsheets show rightly and ``src`` reads back. Pure functions.

UTF-8 with a byte-order mark, without which Excel takes it for another encoding, and the line ends
of RFC 4180. A value that a spreadsheet would run as a formula does not stand in the table: any sign
in front of it would change it, and provisioning back must change nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..plan.operations import Warned
from .users import ExportedUser

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
ENCODING = "utf-8-sig"

COLUMNS = (
    "email",
    "external_id",
    "state",
    "sessions_limit",
    "plan_id",
    "plan_valid_to",
    "admin",
    "plan_admin",
    "only_sees_readable",
)
# A column of its own only where somebody has no other key.
ID = "id"
KEYS = ("email", "external_id")

# What begins a formula, in full width too, at the beginning of a cell; and behind each sign that
# some country's spreadsheet takes for the end of a cell.
_FORMULA = re.compile(r"(?:^|[,;|\t])[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]")
# A number with a sign, such as a telephone number, is no formula. It is shown as a number.
_NUMBER = re.compile(r"[+-][0-9]+")


@dataclass(frozen=True)
class Table:
    """The text of a table, and what is not in it."""

    text: str
    warnings: tuple[Warned, ...]


def csv_table(users: Sequence[ExportedUser], delimiter: str) -> Table:
    """The table; ``delimiter`` is the character itself."""
    warnings: list[Warned] = []
    rows = [_row(user, warnings) for user in users]
    columns = (*COLUMNS, ID) if any(ID in row for row in rows) else COLUMNS
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return Table(file.getvalue(), tuple(warnings))


def is_exported_csv(text: str) -> bool:
    """Whether a file was written by an export: its header is one that an export writes."""
    header = text.split("\r\n", 1)[0]
    names = (COLUMNS, (*COLUMNS, ID))
    return any(header == sign.join(some) for sign in DELIMITERS.values() for some in names)


def is_formula(text: str) -> bool:
    """Whether some spreadsheet would run a cell instead of showing it."""
    return bool(_FORMULA.search(text)) and not _NUMBER.fullmatch(text)


def _row(user: ExportedUser, warnings: list[Warned]) -> dict[str, Any]:
    """The row without what a spreadsheet would run; a key is left that says who is meant."""
    row = dict(user.values)
    for name in KEYS:
        if name in row and is_formula(row[name]):
            del row[name]
            text = f"a spreadsheet could run the {name} as a formula, so the CSV file leaves it out"
            warnings.append(Warned(user.label, text))
    if not any(name in row for name in KEYS):
        row[ID] = user.keys[ID]
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
