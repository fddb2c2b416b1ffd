# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The functions that read the values of a user's options.

Source of the bounds: the users API page, newest version.
"""

from __future__ import annotations

import datetime
import re
import string
import unicodedata
from typing import Any, Callable

from ..errors import QUOTED_CHARACTERS
from .text import (
    code_point,
    composed,
    foreign_to_address,
    foreign_to_id,
    has_form_of_address,
    is_ascii_address,
    is_hidden,
    left_behind,
)

UNLIMITED = "unlimited"

EXTERNAL_ID_LENGTH = 64
PASSWORD_LENGTHS = (8, 255)
SESSIONS_LIMIT = 999_999
ADDRESS_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
LOCAL_PART_LENGTH = 64  # RFC 5321, section 4.5.3.1.1

# Categories of control characters, halves of characters (surrogates) and line breaks.
_CONTROL = ("Cc", "Cs", "Zl", "Zp")
# What a store may remove at the ends of a text in addition to white space.
_TRIMMED = "\ufeff\u200b\u200e"

# How Ansible marks ``omit`` inside a structure, where it cannot leave the key out by itself.
_OMIT = re.compile(r"__omit_place_holder__[0-9a-f]+")

# Ansible's words, and those of spreadsheets in Spanish, Portuguese, French, German and Italian.
_TRUE = frozenset(
    ("true", "yes", "on", "y", "t", "1", "verdadero", "verdadeiro", "vrai", "wahr", "vero",
     "sí", "si", "sim", "oui", "ja", "sì")
)  # fmt: skip
_FALSE = frozenset(
    ("false", "no", "off", "n", "f", "0", "falso", "faux", "falsch", "não", "nao", "non", "nein")
)

# Signs that a text is several cells or a structure in Python's notation.
_SEVERAL_CELLS = re.compile(r"""[,;|"\x00-\x1f]|[{\[]\s*'""")

FIRST_YEAR = 2000
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,18})(?:\.0{1,2})?\s*")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9.]+")
# Up to here a float is exact.
_EXACT = 2**53

# A key that can be shown, and not a password that lost its colon.
_NAME = re.compile(r"[\w .()/&+-]{1,60}")
_SECRET_IN_NAME = re.compile(r"\s*(new[_ -]?)?pass?word[\s:=]", re.IGNORECASE)


class NumberText(str):
    __slots__ = ()


# A number of a task's arguments: Python has it, and no longer its characters.
NOT_AS_WRITTEN = "is a number, and how it was written is not known; put it in quotes"


class BadValueError(ValueError):
    """A value that an option refuses.

    :param text: what is wrong and what to do, with the value as the subject of the sentence.
    :param value: where the message may quote it.
    """

    def __init__(self, text: str, value: Any = None) -> None:
        super().__init__(f"{'the value' if value is None else quoted(value)} {text}")
        self.without_value = f"the value {text}"


def quoted(value: Any) -> str:
    """A value for a message; the type of a value that is not a scalar."""
    if not isinstance(value, (str, bool, int, float)):
        return kind_of(value)
    text = str(value)
    if may_be_several_cells(text):
        return "(value not shown)"
    if len(text) > QUOTED_CHARACTERS:
        text = f"{text[: QUOTED_CHARACTERS - 1]}…"
    return f"'{text}'" if isinstance(value, str) else text


def kind_of(value: Any) -> str:
    names = {str: "text", bool: "a boolean", dict: "a mapping", list: "a list", float: "a number",
             int: "a number", NumberText: "a number", type(None): "null"}  # fmt: skip
    return names.get(type(value), type(value).__name__)


def may_be_several_cells(text: str) -> bool:
    """Whether a text may be several cells, read as one. One of them may be a password."""
    return _SEVERAL_CELLS.search(text) is not None


def safe_key_name(name: Any) -> str:
    """A key as an error shows it; a key that could hold a value is not shown."""
    text = str(name)
    is_name = _NAME.fullmatch(text) and not _SECRET_IN_NAME.match(text)
    return text if is_name else "(key not shown)"


def is_given(value: Any) -> bool:
    """Whether a value was given at all: null and ``omit`` both leave an option unmanaged."""
    if not isinstance(value, str):
        return value is not None
    return value[:2] != "__" or _OMIT.fullmatch(value) is None


def _refuse_left_behind(text: str) -> None:
    if kind := left_behind(text):
        raise BadValueError(f"is {kind}; give the complete value, or leave it empty", text)


def as_written(value: Any) -> str:
    """The characters of a value, if they are known."""
    if isinstance(value, str) and not isinstance(value, NumberText):
        return value
    if isinstance(value, NumberText) and not _PLAIN_NUMBER.fullmatch(value):
        raise BadValueError("is not a plain number; put it in quotes if it is meant as text")
    if isinstance(value, float):
        raise BadValueError(NOT_AS_WRITTEN)
    if isinstance(value, bool):
        raise BadValueError("must be text, not a boolean; put it in quotes")
    if isinstance(value, (str, int, datetime.date)):
        return str(value)
    raise BadValueError(f"must be text, not {kind_of(value)}")


def _refuse_control(text: str) -> None:
    # isprintable() is a hundred times as fast, and no printable text has a control character.
    if not text.isprintable() and any(unicodedata.category(one) in _CONTROL for one in text):
        raise BadValueError("contains a line break or another control character; remove it")


def read_text(value: Any, around: str | None = None) -> str:
    """A line of text without the white space around it, or the characters ``around`` it."""
    text = as_written(value).strip(around)
    if not text:
        raise BadValueError("is empty; leave the option out if it is not managed")
    _refuse_control(text)
    return text


def read_email(value: Any) -> str:
    # No number is an address, so a NumberText is not among these.
    if isinstance(value, str) and len(value) <= LOCAL_PART_LENGTH and is_ascii_address(value):
        return value  # Most are like this, and what follows would take twice the time.
    text = composed(read_text(value, string.whitespace))
    found = foreign_to_address(text)
    if found or not has_form_of_address(text):
        _refuse_left_behind(text)
        if found:
            raise BadValueError(foreign_character(found))
        raise BadValueError("is not a valid email address; use the form name@example.org", text)
    if len(text) > ADDRESS_LENGTH or text.index("@") > LOCAL_PART_LENGTH:
        raise BadValueError(
            f"is too long for an email address; use at most {ADDRESS_LENGTH} characters, "
            f"{LOCAL_PART_LENGTH} of them before the @",
            text,
        )
    return text


def read_external_id(value: Any) -> str:
    """An external id; only the white space of ASCII around it is ignored."""
    text = read_text(value, string.whitespace)
    _refuse_left_behind(text)
    if found := foreign_to_id(text):
        raise BadValueError(foreign_character(found))
    if len(text) > EXTERNAL_ID_LENGTH:
        raise BadValueError(f"has {len(text)} characters; use at most {EXTERNAL_ID_LENGTH}")
    return text


def foreign_character(character: str) -> str:
    """The error for a character that looks like another one, or like none."""
    kind = "an invisible character" if is_hidden(character) else "a character it can't have"
    return (
        f"contains {code_point(character)}, {kind}, probably copied with it; type the value again, "
        "or use another key for a user who has this value at the store"
    )


def read_password(value: Any) -> str:
    """A password; no error about it quotes it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise BadValueError(NOT_AS_WRITTEN)
    password = as_written(value)
    # JSON can write halves of characters, which no encoding can send.
    if not password.isascii() and any("\ud800" <= one <= "\udfff" for one in password):
        raise BadValueError("contains half of a character (a lone surrogate); type it again")
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise BadValueError(f"has {len(password)} characters; use {shortest} to {longest}")
    _refuse_control(password)
    if password != password.strip() or password[0] in _TRIMMED or password[-1] in _TRIMMED:
        # A store trims it, and the reader could not sign in with the password as it was given.
        raise BadValueError("has white space at its beginning or end; remove it")
    if kind := left_behind(password):
        raise BadValueError(f"is {kind}; give a password, or leave it empty")
    return password


def read_plan_name(value: Any) -> str:
    text = read_text(value)
    _refuse_left_behind(text)
    return text


def read_date(value: Any) -> str:
    text = read_text(value)
    try:
        day = datetime.date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise BadValueError("is not a date; use an existing day as YYYY-MM-DD", text) from None
    if day.year < FIRST_YEAR:
        raise BadValueError(
            f"is before the year {FIRST_YEAR}, so a program has probably converted it wrongly; "
            "give the last day of the plan, or leave it empty",
            text,
        )
    return text


def read_boolean(value: Any) -> bool:
    if isinstance(value, (bool, int, str)):
        text = composed(str(value)).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
    raise BadValueError("is not a boolean; use true or false", value)


def whole_number_between(low: int, high: int | None) -> Callable[[Any], int]:
    bounds = f"{low} or more" if high is None else f"{low} to {high}"

    def read(value: Any) -> int:
        text = value
        is_exact = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
        if is_exact or (isinstance(value, int) and not isinstance(value, bool)):
            text = str(int(value))
        found = _WHOLE_NUMBER.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise BadValueError(f"is not a whole number; use {bounds}", value)
        number = int(found[1])
        if number < low or (high is not None and number > high):
            raise BadValueError(f"is out of range; use {bounds}", number)
        return number

    return read


_read_limit = whole_number_between(0, SESSIONS_LIMIT)


def read_sessions_limit(value: Any) -> int:
    """A limit of sessions; the word ``unlimited`` is 0, which means no limit."""
    is_unlimited = isinstance(value, str) and value.strip().lower() == UNLIMITED
    return 0 if is_unlimited else _read_limit(value)


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if isinstance(value, str) and value.strip() in choices:
            return value.strip()
        raise BadValueError(f"is not valid; use one of {', '.join(choices)}", value)

    return read
