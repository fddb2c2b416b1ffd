# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a user, each with its type, its bounds and how a value is read.

The one table behind the argument spec of ``publica_user``, the items of ``publica_user_bulk.users``
and their defaults. Source of the bounds: the users API page, newest version.
"""

from __future__ import annotations

import datetime
import difflib
import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Callable

PRESENT, ACTIVE, ABSENT = "present", "active", "absent"
STATES = (PRESENT, ACTIVE, ABSENT)
ON_CREATE, ALWAYS = "on_create", "always"
UPDATE_PASSWORD = (ON_CREATE, ALWAYS)


def address_key(email: str) -> str:
    """An address for comparison: stores may lower-case them, so case never matters (choice 16)."""
    return email.strip().lower()


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
    # Where the row stands, such as users[3] or seats.csv:17; no part of what is desired.
    place: str = field(default="", compare=False, repr=False)

    @property
    def label(self) -> str:
        """How errors and headings name this user: the most telling key that was given."""
        if self.email is not None:
            return self.email
        if self.external_id is not None:
            return f"external_id {self.external_id}"
        return f"id {self.id}"


EXTERNAL_ID_LENGTH = 64
PASSWORD_LENGTHS = (8, 255)
SESSIONS_LIMIT = 999_999
UNLIMITED = "unlimited"
ADDRESS_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
LOCAL_PART_LENGTH = 64  # RFC 5321, section 4.5.3.1.1

# One "@", no white space or character that needs quoting, and a domain with at least one dot:
# stricter than RFC 5322, as every sign-up form is, so that a slip is found before the store is.
_LOCAL_PART = re.compile(r'[^\s@.,;:<>()\[\]\\"]+(\.[^\s@.,;:<>()\[\]\\"]+)*')
_DOMAIN = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)+")

# Line breaks, other control characters, and halves of characters (surrogates).
_NO_LINE = ("Cc", "Cs", "Zl", "Zp")

# How Ansible marks ``omit`` inside a structure, where it cannot leave the key out by itself.
_OMIT = re.compile(r"__omit_place_holder__[0-9a-f]+")

_TRUE = frozenset(("true", "yes", "on", "y", "t", "1"))
_FALSE = frozenset(("false", "no", "off", "n", "f", "0"))


# What a delimiter of a CSV file, or a quote, leaves of several cells when they were read as one.
SEVERAL_CELLS = re.compile(r'[,;|"\x00-\x1f]')

# A key that may be told: one that is a name, and not a password that lost its colon.
_NAME = re.compile(r"[\w .()/&+-]{1,60}")
_SECRET_IN_NAME = re.compile(r"\s*(new[_ -]?)?pass?word[\s:=]", re.IGNORECASE)


class BadValueError(ValueError):
    """What is wrong with a value, as the end of a sentence that begins with the option's name.

    :param text: the end of the sentence.
    :param value: the value as ``text`` quotes it, if it does.
    """

    def __init__(self, text: str, value: str = "") -> None:
        super().__init__(text)
        self._value = value

    @property
    def without_value(self) -> str:
        """The text for a row whose values could be another option's: a password, say."""
        text = str(self)
        return text.replace(self._value, "(not shown)", 1) if self._value else text


@dataclass(frozen=True)
class UserOption:
    """One option: its argument spec, and ``read``, which returns a value or says what is wrong."""

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


def is_given(value: Any) -> bool:
    """Whether a value was given at all: null and ``omit`` both leave an option unmanaged."""
    return value is not None and not (isinstance(value, str) and _OMIT.fullmatch(value))


def is_text(text: str) -> bool:
    """Whether a text can be sent: JSON can spell halves of characters, which no encoding knows."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def read_text(value: Any) -> str:
    """A line of text without the white space around it, which the store strips as well."""
    if isinstance(value, (bool, dict, list)):
        raise BadValueError(f"must be text, not {_kind(value)}")
    _refuse_endless(value)
    text = str(value).strip()
    if not text:
        raise BadValueError("is empty; leave it out where it is not managed")
    # What is printable has none of them, and asking for that is a hundred times as quick.
    if not text.isprintable() and any(unicodedata.category(one) in _NO_LINE for one in text):
        raise BadValueError("holds a line break or another control character")
    return text


def read_key(value: Any) -> str:
    """A line of text that says who is meant, in which nothing may hide."""
    text = read_text(value)
    if hidden := hidden_character(text):
        raise BadValueError(
            f"holds {hidden}, a character that is not seen, most likely pasted along; type the "
            "value anew. A user whom the store itself has under such a value can be named by "
            "another key"
        )
    return text


def hidden_character(text: str) -> str | None:
    """The first character of no width of its own, or that turns the order of the others around.

    Two keys that look alike and differ by one would be two users. Told as ``U+200B (ZERO WIDTH
    SPACE)``; None where there is none.
    """
    if text.isprintable():
        return None
    found = next((one for one in text if unicodedata.category(one) == "Cf"), None)
    if found is None:
        return None
    name = unicodedata.name(found, "")
    return f"U+{ord(found):04X} ({name})" if name else f"U+{ord(found):04X}"


def read_email(value: Any) -> str:
    """An address."""
    address = read_key(value)
    local_part, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local_part) or not _DOMAIN.fullmatch(domain):
        # Several cells that were read as one could hold a password.
        shown = "" if SEVERAL_CELLS.search(address) else f'"{address}"'
        named = f"{shown}, which is " if shown else ""
        raise BadValueError(f"is {named}no address; write it as name@example.org", shown)
    if len(address) > ADDRESS_LENGTH or len(local_part) > LOCAL_PART_LENGTH:
        raise BadValueError(
            f'is "{address}", which is too long: an address has at most {ADDRESS_LENGTH} '
            f"characters, {LOCAL_PART_LENGTH} of them before the @",
            f'"{address}"',
        )
    return address


def read_external_id(value: Any) -> str:
    """An external id."""
    text = read_key(value)
    if len(text) > EXTERNAL_ID_LENGTH:
        raise BadValueError(f"has {len(text)} characters; at most {EXTERNAL_ID_LENGTH} are allowed")
    return text


def read_password(value: Any) -> str:
    """A password; no error about it quotes it."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise BadValueError(f"must be text, not {_kind(value)}")
    _refuse_endless(value)
    password = str(value)
    if not is_text(password):
        raise BadValueError("holds half of a character (a lone surrogate); write it anew")
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise BadValueError(f"has {len(password)} characters; {shortest} to {longest} are allowed")
    return password


def read_date(value: Any) -> str:
    """A date as ``YYYY-MM-DD``."""
    text = read_text(value)
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        datetime.date(*map(int, text.split("-")))
    except ValueError:
        raise BadValueError(
            f'is "{text}", which is no date; write an existing day as YYYY-MM-DD', f'"{text}"'
        ) from None
    return text


def read_boolean(value: Any) -> bool:
    """A boolean, in any of Ansible's spellings."""
    text = str(value).strip().lower()
    if isinstance(value, (bool, int, str)) and text in _TRUE:
        return True
    if isinstance(value, (bool, int, str)) and text in _FALSE:
        return False
    raise BadValueError(f"is {_shown(value)}; write true or false", _shown(value))


def whole_number_between(low: int, high: int | None) -> Callable[[Any], int]:
    """A reader for whole numbers from ``low`` to ``high``."""

    def read(value: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, float) and value.is_integer():
            is_number = True
        is_digits = isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value)
        if not is_number and not is_digits:
            raise BadValueError(f"is {_shown(value)}; write a whole number", _shown(value))
        number = int(value)
        if number < low or (high is not None and number > high):
            bounds = f"{low} or more" if high is None else f"{low} to {high}"
            raise BadValueError(f"is {number}; {bounds} is allowed", str(number))
        return number

    return read


_read_limit = whole_number_between(0, SESSIONS_LIMIT)


def read_sessions_limit(value: Any) -> int:
    """A limit of sessions; the word ``unlimited`` is 0, which is how no limit is written."""
    if isinstance(value, str) and value.strip().lower() == UNLIMITED:
        return 0
    return _read_limit(value)


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    """A reader for one of some words."""

    def read(value: Any) -> str:
        if isinstance(value, str) and value.strip() in choices:
            return value.strip()
        known = ", ".join(choices)
        raise BadValueError(f"is {_shown(value)}; write one of {known}", _shown(value))

    return read


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

# Every spelling of an option, aliases included.
OPTION_BY_NAME = {
    name: option for option in USER_OPTIONS for name in (option.name, *option.aliases)
}


def user_argument_spec() -> dict[str, dict[str, Any]]:
    """The argument spec of one user, for ``publica_user``."""
    return {option.name: option.argument_spec() for option in USER_OPTIONS}


# The names whose values may be told. A name that is misspelt is in no list of secrets, so this is
# the list of what is none.
PUBLIC_NAMES = frozenset(
    name for option in USER_OPTIONS if not option.secret for name in (option.name, *option.aliases)
)


def nearest_option(name: str) -> str | None:
    """The known spelling that a name is most likely a slip for; None where nothing is near."""
    near = difflib.get_close_matches(name.lower(), OPTION_BY_NAME, n=1)
    return near[0] if near else None


def unknown_option(name: str) -> str:
    """What is wrong with a name that is no option's, with the nearest one or all of them."""
    near = nearest_option(name)
    known = ", ".join(sorted(OPTION_BY_NAME))
    hint = f"did you mean {near}?" if near else f"known are {known}"
    return f"is no option of a user; {hint}"


def safe_key_name(name: Any) -> str:
    """A key as an error may tell it; a key that could hold a value is not quoted."""
    text = str(name)
    may_be_told = _NAME.fullmatch(text) and not _SECRET_IN_NAME.match(text)
    return text if may_be_told else "a key (not quoted, since it may hold a value)"


def _refuse_endless(value: Any) -> None:
    """Refuse what JSON and YAML call a number and is none: NaN and the infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        raise BadValueError("is no finite number; put it in quotes if it is meant as text")


def _kind(value: Any) -> str:
    names = {bool: "a boolean", dict: "a mapping", list: "a list", float: "a number"}
    return names.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, (str, int, float, bool)) else _kind(value)
    return f'"{text[:40]}"' if isinstance(value, str) else text[:40]
