# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a user, each with its type, its bounds and the function that reads its value.

One table is behind the argument spec of ``publica_user``, the items of ``publica_user_bulk.users``,
their defaults and the columns of files. Source of the bounds: the users API page, newest version.
"""

from __future__ import annotations

import datetime
import difflib
import functools
import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Callable

from ..errors import QUOTED_CHARACTERS

PRESENT, ACTIVE, ABSENT = "present", "active", "absent"
STATES = (PRESENT, ACTIVE, ABSENT)
ON_CREATE, ALWAYS = "on_create", "always"
UPDATE_PASSWORD = (ON_CREATE, ALWAYS)
UNLIMITED = "unlimited"

EXTERNAL_ID_LENGTH = 64
PASSWORD_LENGTHS = (8, 255)
SESSIONS_LIMIT = 999_999
ADDRESS_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
LOCAL_PART_LENGTH = 64  # RFC 5321, section 4.5.3.1.1

# One "@", no white space or character that needs quoting, and a domain with at least one dot:
# stricter than RFC 5322, as sign-up forms are, so that a typing error is found here.
_LOCAL_PART = re.compile(r'[^\s@.,;:<>()\[\]\\"]+(\.[^\s@.,;:<>()\[\]\\"]+)*')
_DOMAIN = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)+")

# Categories of line breaks, other control characters, and halves of characters (surrogates).
_CONTROL = ("Cc", "Cs", "Zl", "Zp")

# How Ansible marks ``omit`` inside a structure, where it cannot leave the key out by itself.
_OMIT = re.compile(r"__omit_place_holder__[0-9a-f]+")

_TRUE = frozenset(("true", "yes", "on", "y", "t", "1"))
_FALSE = frozenset(("false", "no", "off", "n", "f", "0"))

# Signs that several cells were read as one, by a wrong delimiter or quote. One may be a password.
_SEVERAL_CELLS = re.compile(r'[,;|"\x00-\x1f]')

# A key that can be shown: a name, and not a password that lost its colon.
_NAME = re.compile(r"[\w .()/&+-]{1,60}")
_SECRET_IN_NAME = re.compile(r"\s*(new[_ -]?)?pass?word[\s:=]", re.IGNORECASE)


@dataclass(frozen=True)
class DesiredUser:
    """One desired user. None means that the task left the option out: it is unmanaged.

    ``sessions_limit`` is 0 for no limit; ``plan_valid_to`` is ``YYYY-MM-DD``.
    """

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    state: str = PRESENT
    # Kept out of the generated repr, so out of every traceback and assertion.
    password: str | None = field(default=None, repr=False)
    update_password: str = ON_CREATE
    generate_password: bool = False
    sessions_limit: int | None = None
    plan_id: int | None = None
    plan_valid_to: str | None = None
    user_plan_name: str | None = None
    admin: bool | None = None
    plan_admin: bool | None = None
    only_sees_readable: bool | None = None
    force_logout: bool = False
    # Where the row is, such as users[3] or seats.csv:17; no part of the desired state.
    place: str = field(default="", compare=False, repr=False)

    @property
    def label(self) -> str:
        """The name of this user in errors and headings: the most readable key that was given."""
        if self.email is not None:
            return self.email
        if self.external_id is not None:
            return f"external_id {self.external_id}"
        return f"id {self.id}"


def address_key(email: str) -> str:
    """An address for comparison: stores may lower-case it, so case never matters (variant 16)."""
    return email.strip().lower()


class BadValueError(ValueError):
    """A value that an option refuses.

    :param text: what is wrong and what to do, with the value as the subject of the sentence.
    :param value: the value, where the message may quote it.
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
    """The type of a value, in words."""
    names = {str: "text", bool: "a boolean", dict: "a mapping", list: "a list", float: "a number",
             int: "a number", type(None): "null"}  # fmt: skip
    return names.get(type(value), type(value).__name__)


def may_be_several_cells(text: str) -> bool:
    """Whether a text may be several cells of a table, read as one. Such a text is never quoted."""
    return _SEVERAL_CELLS.search(text) is not None


def safe_key_name(name: Any) -> str:
    """A key as an error shows it; a key that could hold a value is not shown."""
    text = str(name)
    is_name = _NAME.fullmatch(text) and not _SECRET_IN_NAME.match(text)
    return text if is_name else "(key not shown)"


def is_given(value: Any) -> bool:
    """Whether a value was given at all: null and ``omit`` both leave an option unmanaged."""
    return value is not None and not (isinstance(value, str) and _OMIT.fullmatch(value))


def hidden_character(text: str) -> str | None:
    """The first invisible character of a text, as ``U+200B (ZERO WIDTH SPACE)``.

    Such a character has no width, or changes the order of the others. Two keys that look the same
    and differ by one would be two users.
    """
    if text.isprintable():
        return None
    found = next((one for one in text if unicodedata.category(one) == "Cf"), None)
    if found is None:
        return None
    name = unicodedata.name(found, "")
    return f"U+{ord(found):04X} ({name})" if name else f"U+{ord(found):04X}"


def read_text(value: Any) -> str:
    """A line of text without the white space around it, which the store strips as well."""
    if isinstance(value, (bool, dict, list)):
        raise BadValueError(f"must be text, not {kind_of(value)}")
    _refuse_endless(value)
    text = str(value).strip()
    if not text:
        raise BadValueError("is empty; leave the option out if it is not managed")
    # isprintable() is a hundred times as fast, and no printable text has a control character.
    if not text.isprintable() and any(unicodedata.category(one) in _CONTROL for one in text):
        raise BadValueError("contains a line break or another control character; remove it")
    return text


def read_key(value: Any) -> str:
    """A line of text that identifies a user, without invisible characters."""
    text = read_text(value)
    if hidden := hidden_character(text):
        raise BadValueError(
            f"contains {hidden}, an invisible character, probably copied with it; type the value "
            "again, or use another key for a user who has this value at the store"
        )
    return text


def read_email(value: Any) -> str:
    """An email address."""
    address = read_key(value)
    local_part, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local_part) or not _DOMAIN.fullmatch(domain):
        raise BadValueError("is not a valid email address; use the form name@example.org", address)
    if len(address) > ADDRESS_LENGTH or len(local_part) > LOCAL_PART_LENGTH:
        raise BadValueError(
            f"is too long for an email address; use at most {ADDRESS_LENGTH} characters, "
            f"{LOCAL_PART_LENGTH} of them before the @",
            address,
        )
    return address


def read_external_id(value: Any) -> str:
    """An external id."""
    text = read_key(value)
    if len(text) > EXTERNAL_ID_LENGTH:
        raise BadValueError(f"has {len(text)} characters; use at most {EXTERNAL_ID_LENGTH}")
    return text


def read_password(value: Any) -> str:
    """A password; no error about it quotes it."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise BadValueError(f"must be text, not {kind_of(value)}")
    _refuse_endless(value)
    password = str(value)
    # JSON can write halves of characters, which no encoding can send.
    if not password.isascii() and any("\ud800" <= one <= "\udfff" for one in password):
        raise BadValueError("contains half of a character (a lone surrogate); type it again")
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise BadValueError(f"has {len(password)} characters; use {shortest} to {longest}")
    return password


def read_date(value: Any) -> str:
    """A date as ``YYYY-MM-DD``."""
    text = read_text(value)
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        datetime.date(*map(int, text.split("-")))
    except ValueError:
        raise BadValueError("is not a date; use an existing day as YYYY-MM-DD", text) from None
    return text


def read_boolean(value: Any) -> bool:
    """A boolean, in any of Ansible's spellings."""
    text = str(value).strip().lower()
    if isinstance(value, (bool, int, str)) and text in _TRUE:
        return True
    if isinstance(value, (bool, int, str)) and text in _FALSE:
        return False
    raise BadValueError("is not a boolean; use true or false", value)


def whole_number_between(low: int, high: int | None) -> Callable[[Any], int]:
    """A reader for whole numbers from ``low`` to ``high``."""
    bounds = f"{low} or more" if high is None else f"{low} to {high}"

    def read(value: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, float) and value.is_integer():
            is_number = True
        is_digits = isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value)
        if not is_number and not is_digits:
            raise BadValueError(f"is not a whole number; use {bounds}", value)
        number = int(value)
        if number < low or (high is not None and number > high):
            raise BadValueError(f"is out of range; use {bounds}", number)
        return number

    return read


_read_limit = whole_number_between(0, SESSIONS_LIMIT)


def read_sessions_limit(value: Any) -> int:
    """A limit of sessions; the word ``unlimited`` is 0, which means no limit."""
    if isinstance(value, str) and value.strip().lower() == UNLIMITED:
        return 0
    return _read_limit(value)


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    """A reader for one of some words."""

    def read(value: Any) -> str:
        if isinstance(value, str) and value.strip() in choices:
            return value.strip()
        raise BadValueError(f"is not valid; use one of {', '.join(choices)}", value)

    return read


def _refuse_endless(value: Any) -> None:
    """Refuse NaN and the infinities, which JSON and YAML accept as numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        raise BadValueError("is not a finite number; put it in quotes if it is meant as text")


@dataclass(frozen=True)
class UserOption:
    """One option: its argument spec, and ``read``, which returns the value.

    ``read`` raises BadValueError for a value that the option refuses.
    """

    name: str
    type: str
    read: Callable[[Any], Any]
    aliases: tuple[str, ...] = ()
    default: Any = None
    choices: tuple[str, ...] = ()
    secret: bool = False

    def argument_spec(self) -> dict[str, Any]:
        """The entry for an ``AnsibleModule``."""
        spec: dict[str, Any] = {"type": self.type, "no_log": self.secret}
        if self.default is not None:
            spec["default"] = self.default
        if self.aliases:
            spec["aliases"] = list(self.aliases)
        if self.choices:
            spec["choices"] = list(self.choices)
        return spec


USER_OPTIONS: tuple[UserOption, ...] = (
    UserOption("email", "str", read_email),
    UserOption("external_id", "str", read_external_id),
    UserOption("id", "int", whole_number_between(1, None)),
    UserOption("state", "str", one_of(STATES), default=PRESENT, choices=STATES),
    UserOption("password", "str", read_password, aliases=("new_password",), secret=True),
    UserOption(
        "update_password",
        "str",
        one_of(UPDATE_PASSWORD),
        default=ON_CREATE,
        choices=UPDATE_PASSWORD,
    ),
    UserOption("generate_password", "bool", read_boolean, default=False),
    UserOption("sessions_limit", "int", read_sessions_limit),
    UserOption("plan_id", "int", whole_number_between(1, None), aliases=("assign_new_plan",)),
    UserOption("plan_valid_to", "str", read_date, aliases=("new_plan_custom_valid_to",)),
    UserOption("user_plan_name", "str", read_text),
    UserOption("admin", "bool", read_boolean),
    UserOption("plan_admin", "bool", read_boolean),
    UserOption("only_sees_readable", "bool", read_boolean),
    UserOption("force_logout", "bool", read_boolean, default=False),
)

IDENTITY = ("email", "external_id", "id")

# By every name, aliases included.
OPTION_BY_NAME = {
    name: option for option in USER_OPTIONS for name in (option.name, *option.aliases)
}

# The names whose values can be shown. A misspelt name is in no list of secrets, so this is the list
# of what is not secret.
PUBLIC_NAMES = frozenset(name for name, option in OPTION_BY_NAME.items() if not option.secret)


def user_argument_spec() -> dict[str, dict[str, Any]]:
    """The argument spec of one user, for ``publica_user``."""
    return {option.name: option.argument_spec() for option in USER_OPTIONS}


# A column that is misspelt can be in each of a hundred thousand rows.
@functools.lru_cache(maxsize=1000)
def nearest_option(name: str) -> str | None:
    """The known name that is probably meant; None where none is similar."""
    near = difflib.get_close_matches(name.lower(), OPTION_BY_NAME, n=1)
    return near[0] if near else None


def unknown_option(name: str) -> str:
    """The error for a name that no option has, with the nearest one or all of them."""
    near = nearest_option(name)
    hint = f"did you mean {near}?" if near else f"use one of {', '.join(sorted(OPTION_BY_NAME))}"
    return f"unknown option; {hint}"
