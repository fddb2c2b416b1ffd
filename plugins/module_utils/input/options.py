# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a user, each with its type, its bounds and the function that reads its value.

One table is behind the argument spec of ``publica_user``, the items of ``publica_user_bulk.users``,
their defaults and the columns of files.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass, field
from typing import Any, Callable

from .text import composed
from .values import (
    one_of,
    read_boolean,
    read_date,
    read_email,
    read_external_id,
    read_password,
    read_plan_name,
    read_sessions_limit,
    whole_number_between,
)

PRESENT, ACTIVE, ABSENT = "present", "active", "absent"
STATES = (PRESENT, ACTIVE, ABSENT)
ON_CREATE, ALWAYS = "on_create", "always"
UPDATE_PASSWORD = (ON_CREATE, ALWAYS)


# Never changed. A frozen class would need twice the time for each of 100,000 users.
@dataclass
class DesiredUser:
    """One desired user. None means that the task left the option out: it is unmanaged.

    ``sessions_limit`` is 0 for no limit; ``plan_valid_to`` is ``YYYY-MM-DD``.
    """

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    state: str = PRESENT
    # Kept out of the repr, so out of every traceback.
    password: str | None = field(default=None, repr=False)
    update_password: str = ON_CREATE
    generate_password: bool = False
    sessions_limit: int | None = None
    plan_id: int | None = None
    plan_name: str | None = None
    plan_valid_to: str | None = None
    user_plan_name: str | None = None
    admin: bool | None = None
    plan_admin: bool | None = None
    only_sees_readable: bool | None = None
    force_logout: bool = False
    # Where the row is, such as users[3] or seats.csv:17.
    place: str = field(default="", compare=False, repr=False)
    # No error quotes a value of the row; see ``rows.Row``.
    hides_values: bool = field(default=False, compare=False, repr=False)

    @property
    def address(self) -> str | None:
        """The email for comparison; None without one."""
        return None if self.email is None else address_key(self.email)

    @property
    def label(self) -> str:
        """The name of this user in errors and headings: the most readable key that was given."""
        if self.email is not None:
            return self.email
        if self.external_id is not None:
            return f"external_id {self.external_id}"
        return f"id {self.id}"


def address_key(email: str) -> str:
    """An address for comparison: stores may lower-case it, so case never matters (variant 16).

    A letter with an accent can be one character or two. Both are the same address.
    """
    address = email.strip().lower()
    return address if address.isascii() else composed(address)


def plan_name_key(name: str) -> str:
    """A plan's name for comparison: case and the amount of white space never matter."""
    return composed(composed(" ".join(name.split())).casefold())


def _remembering(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A reader that reads the same text once, for options with few values in 100,000 rows."""
    remembered = functools.lru_cache(maxsize=256)(read)
    return lambda value: remembered(value) if value.__class__ is str else read(value)


@dataclass(frozen=True)
class UserOption:
    """One option: its argument spec, and ``read``, which returns its value.

    :raises BadValueError: by ``read``, for a value that the option refuses.
    """

    name: str
    type: str
    read: Callable[[Any], Any]
    aliases: tuple[str, ...] = ()
    default: Any = None
    choices: tuple[str, ...] = ()
    secret: bool = False


USER_OPTIONS: tuple[UserOption, ...] = (
    UserOption("email", "str", read_email),
    UserOption("external_id", "str", read_external_id),
    UserOption("id", "int", whole_number_between(1, None)),
    UserOption("state", "str", _remembering(one_of(STATES)), (), PRESENT, STATES),
    UserOption("password", "str", read_password, aliases=("new_password",), secret=True),
    UserOption("update_password", "str", one_of(UPDATE_PASSWORD), (), ON_CREATE, UPDATE_PASSWORD),
    UserOption("generate_password", "bool", read_boolean, default=False),
    UserOption("sessions_limit", "raw", _remembering(read_sessions_limit)),
    UserOption(
        "plan_id", "int", _remembering(whole_number_between(1, None)), aliases=("assign_new_plan",)
    ),
    UserOption("plan_name", "str", _remembering(read_plan_name)),
    UserOption(
        "plan_valid_to", "str", _remembering(read_date), aliases=("new_plan_custom_valid_to",)
    ),
    UserOption("user_plan_name", "str", read_plan_name),
    UserOption("admin", "bool", _remembering(read_boolean)),
    UserOption("plan_admin", "bool", _remembering(read_boolean)),
    UserOption("only_sees_readable", "bool", _remembering(read_boolean)),
    UserOption("force_logout", "bool", read_boolean, default=False),
)

IDENTITY = ("email", "external_id", "id")

OPTION_BY_NAME = {
    name: option for option in USER_OPTIONS for name in (option.name, *option.aliases)
}

# The names whose values can be shown; a misspelt name is in no list of secrets.
PUBLIC_NAMES = frozenset(name for name, option in OPTION_BY_NAME.items() if not option.secret)
SECRET_NAMES = frozenset(OPTION_BY_NAME) - PUBLIC_NAMES

# A column of the dashboard's own import that no option stands for.
VALID_FROM = "assign_plan_valid_from"


def user_argument_spec() -> dict[str, dict[str, Any]]:
    specs = {}
    for option in USER_OPTIONS:
        spec = {
            "type": option.type,
            "no_log": option.secret,
            "default": option.default,
            "aliases": list(option.aliases),
            "choices": list(option.choices),
        }
        specs[option.name] = {key: value for key, value in spec.items() if value not in (None, [])}
    return specs


# Each of 100,000 rows can have the same misspelt name.
@functools.lru_cache(maxsize=1000)
def nearest_option(name: str) -> str | None:
    near = difflib.get_close_matches(name.lower(), OPTION_BY_NAME, n=1)
    return near[0] if near else None


def unknown_option(name: str) -> str:
    """The error for a name that no option has, with the nearest one or all of them."""
    near = nearest_option(name)
    hint = f"did you mean {near}?" if near else f"use one of {', '.join(sorted(OPTION_BY_NAME))}"
    return f"unknown option; {hint}"
