# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows as YAML: a list of desired users for an inventory, or for ``src``. Pure functions.

Written here and not by PyYAML, which a host that executes modules need not have, and which knows no
comments. Texts are plain where nothing can take them for something else, and in double quotes
otherwise. A text that Ansible would evaluate in a variables file has the tag ``!unsafe``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..result.visible import visible
from .users import ExportedUser

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
    return f"# {visible(text)}"


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
