# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows as YAML: a list of desired users for an inventory, or for ``src``. Pure functions.

Written here and not by PyYAML, which a host that executes modules need not have, and which knows no
comments. Texts are plain where nothing can take them for something else, and in double quotes
otherwise. A text that Ansible would evaluate in a variables file has the tag ``!unsafe``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..plan.model import LabelledWarning
from ..result.result import escape_control
from .rows import ExportedUser

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
    warnings: tuple[LabelledWarning, ...]


def csv_table(users: Sequence[ExportedUser], delimiter: str) -> Table:
    """The table; ``delimiter`` is the character itself."""
    warnings: list[LabelledWarning] = []
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


def _row(user: ExportedUser, warnings: list[LabelledWarning]) -> dict[str, Any]:
    """The row without what a spreadsheet would run; a key is left that says who is meant."""
    row = dict(user.values)
    for name in KEYS:
        if name in row and is_formula(row[name]):
            del row[name]
            text = f"a spreadsheet could run the {name} as a formula, so the CSV file leaves it out"
            warnings.append(LabelledWarning(user.label, text))
    if not any(name in row for name in KEYS):
        row[ID] = user.keys[ID]
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


VARIABLE = "publica_users_desired"
# By this line a file is known that an export may replace.
FIRST_LINE = "# The users of a store, exported by publica.la."

# Begins with a letter and has a digit or an "@": no number, date, boolean or null of any YAML.
_PLAIN = re.compile(r"(?=.*[0-9@])[A-Za-z][A-Za-z0-9_.@+-]*")
# Where a template begins, and the line by which a template chooses signs of its own.
_TEMPLATE = re.compile(r"\{[{%#]|#jinja2:")
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def yaml_text(users: Sequence[ExportedUser], header: Sequence[str]) -> str:
    """The file; ``header`` is what it says at its beginning, one comment a text."""
    lines = [FIRST_LINE, *(_comment(text) for text in header), "---"]
    if not users:
        lines.append(f"{VARIABLE}: []")
    else:
        lines.append(f"{VARIABLE}:")
        for user in users:
            lines += [f"  {_comment(text)}" for text in user.comments]
            signs = ("- ", *("  " for _value in user.values))
            lines += [
                f"  {sign}{name}: {_scalar(value)}"
                for sign, (name, value) in zip(signs, user.values.items())
            ]
    return "\n".join(lines) + "\n"


def is_exported_yaml(text: str) -> bool:
    """Whether a file was written by an export."""
    return text.startswith(f"{FIRST_LINE}\n")


def _comment(text: str) -> str:
    # One line whatever is in it: what would end the line, or turn it around, shows as its code.
    return f"# {escape_control(text)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) or (text.isascii() and text.isalpha() and text in _WORDS):
        return text
    tag = "!unsafe " if _TEMPLATE.search(text) else ""
    return f'{tag}"{"".join(map(_quoted, text))}"'


# Values of options that are words; YAML takes them for text.
_WORDS = ("present", "absent", "unlimited")


def _quoted(character: str) -> str:
    """A character inside double quotes (YAML 1.2, section 5.7, which 1.1 agrees with)."""
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
