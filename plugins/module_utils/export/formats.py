# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an export: rows as CSV, and as YAML for an inventory or for ``src``. Pure functions.

YAML is written without PyYAML, which the host may not have and which can't write comments.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import escape_control
from ..plan.planner import RIGHTS
from ..plan.warnings import LabelledWarning
from .rows import ExportedUser

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
ENCODING = "utf-8-sig"

PLAN_ID, PLAN_NAME = "plan_id", "plan_name"
# A column only if a user has no other key.
ID = "id"
KEYS = ("email", "external_id")

# The characters that begin a formula, full-width ones too, at the beginning of a cell or after a
# character that spreadsheets of some countries take as a delimiter.
_FORMULA = re.compile(r"(?:^|[,;|\t])[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]")
# A number with a sign, such as a telephone number, is not a formula.
_NUMBER = re.compile(r"[+-][0-9]+")


def csv_text(users: Sequence[ExportedUser], delimiter: str) -> tuple[str, list[LabelledWarning]]:
    """The CSV file, and warnings about what it leaves out."""
    warnings: list[LabelledWarning] = []
    rows = [_row(user, warnings) for user in users]
    columns = columns_of(rows)
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name, "")) for name in columns] for row in rows)
    return file.getvalue(), warnings


def is_exported_csv(text: str) -> bool:
    header = text.split("\r\n", 1)[0]
    headers = [header.split(delimiter) for delimiter in DELIMITERS.values()]
    return any(tuple(names) == columns_of([dict.fromkeys(names)]) for names in headers)


def columns_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    used = {name for row in rows for name in (PLAN_ID, PLAN_NAME, ID) if name in row}
    plans = [name for name in (PLAN_ID, PLAN_NAME) if name in used] or [PLAN_ID]
    ids = [ID] if ID in used else []
    return (*KEYS, "state", "sessions_limit", *plans, "plan_valid_to", *RIGHTS, *ids)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would evaluate a cell instead of showing it."""
    return bool(_FORMULA.search(text)) and not _NUMBER.fullmatch(text)


def _row(user: ExportedUser, warnings: list[LabelledWarning]) -> dict[str, Any]:
    """The row without formulas, with at least one key."""
    row = dict(user.values)
    for name in KEYS:
        if name in row and is_formula(row[name]):
            del row[name]
            text = "looks like a formula to a spreadsheet, so the CSV file leaves it out"
            warnings.append(LabelledWarning(user.label, f"the {name} {text}"))
    if not any(name in row for name in KEYS):
        row[ID] = user.keys[ID]
    return row


def _cell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


VARIABLE = "publica_users_desired"
# Marks a file that an export can replace.
FIRST_LINE = "# The users of a store, exported by publica.la."

# Begins with a letter and has a digit or an "@": not a number, date, boolean or null in YAML.
_PLAIN = re.compile(r"(?=.*[0-9@])[A-Za-z][A-Za-z0-9_.@+-]*")
# The beginning of a template, and the line by which a template changes its delimiters.
_TEMPLATE = re.compile(r"\{[{%#]|#jinja2:")
# Values of options that YAML reads as text.
_WORDS = ("present", "absent", "unlimited")
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def yaml_text(users: Sequence[ExportedUser], header: Sequence[str]) -> str:
    """The YAML file; ``header`` holds the comments at its beginning."""
    lines = [FIRST_LINE, *(_comment(text) for text in header), "---"]
    if not users:
        lines.append(f"{VARIABLE}: []")
    else:
        lines.append(f"{VARIABLE}:")
        for user in users:
            lines += [f"  {_comment(text)}" for text in user.comments]
            for number, (name, value) in enumerate(user.values.items()):
                lines.append(f"  {'  ' if number else '- '}{name}: {_scalar(value)}")
    return "\n".join(lines) + "\n"


def is_exported_yaml(text: str) -> bool:
    return text.startswith(f"{FIRST_LINE}\n")


def _comment(text: str) -> str:
    return f"# {escape_control(text)}"


def _scalar(value: Any) -> str:
    text = _cell(value)
    if isinstance(value, int) or _PLAIN.fullmatch(text) or text in _WORDS:
        return text
    tag = "!unsafe " if _TEMPLATE.search(text) else ""
    return f'{tag}"{"".join(map(_quoted, text))}"'


def _quoted(character: str) -> str:
    """A character inside double quotes (YAML 1.2, section 5.7, as in 1.1)."""
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
