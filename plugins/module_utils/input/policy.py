# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options on users that are not in the list, read and checked before the first request."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import ValidationError
from .options import address_key
from .text import can_match_address, foreign_to_address
from .values import BadValueError, foreign_character, kind_of, read_boolean

FAIL, SKIP = "fail", "skip"
ON_GUARD = (FAIL, SKIP)
IGNORE, DEACTIVATE = "ignore", "deactivate"
LEAVERS = (IGNORE, DEACTIVATE)
CHANGED, ALL = "changed", "all"
VERIFY = (CHANGED, ALL)
DEFAULT_LIMIT = "10%"
SEARCH = "search"  # the value of ``lookup`` that does not read the list of users

_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%")
_SEVERAL = re.compile(r"\S[\s,;]+\S")
_HASH = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Limit:
    """How many users may be removed: a number, or a percentage of the active users."""

    amount: Fraction
    is_percentage: bool

    def of(self, active: int) -> int:
        """The number of removals among this many active users."""
        if self.is_percentage:
            return int(self.amount * active / 100)  # rounded down: fewer removals if in doubt
        return int(self.amount)

    def in_words(self, active: int, counted: str) -> str:
        """``25 (10% of 250 active users)``, or ``25`` where no percentage was given."""
        number = self.of(active)
        if not self.is_percentage:
            return str(number)
        return f"{number} ({float(self.amount):g}% of {active} {counted})"


# The list that the role always has, empty by default.
LIST_OF_ROLE = "publica_users_desired"

NO_LIMIT_GIVEN = Limit(Fraction(10), is_percentage=True)


@dataclass(frozen=True)
class RemovalPolicy:
    """Whether unlisted users are removed, and how the store is protected from a wrong list.

    :ivar has_record: the run has a record of what the last one applied.
    :ivar protected: shell patterns of addresses, in small letters.
    :ivar approve: the hash of the only plan that may be applied.
    """

    exclusive: bool = False
    leavers: bool = False
    has_record: bool = False
    protected: tuple[str, ...] = ()
    limit: Limit = NO_LIMIT_GIVEN
    approve: str | None = None
    on_guard: str = FAIL
    force_logout: bool = False
    in_role: bool = False

    @property
    def skips_removals(self) -> bool:
        return self.removes and self.on_guard == SKIP

    @property
    def removes(self) -> bool:
        return self.exclusive or self.leavers

    @property
    def counted(self) -> str:
        """What a limit in percent counts."""
        return "entries in the record" if self.leavers else "active users"


WITHOUT_REMOVALS = RemovalPolicy()


def removal_argument_spec() -> dict[str, Any]:
    return {
        "exclusive": {"type": "bool", "default": False},
        "protected": {"type": "list", "elements": "str", "default": []},
        "max_deactivations": {"type": "str", "default": DEFAULT_LIMIT},
        "approve": {"type": "str"},
        "on_guard": {"type": "str", "choices": list(ON_GUARD), "default": FAIL},
        "last_applied": {"type": "path"},
        # Without a default, so that a task without a record can't have them.
        "leavers": {"type": "str", "choices": list(LEAVERS)},
        "verify": {"type": "str", "choices": list(VERIFY)},
    }


def read_policy(params: Mapping[str, Any]) -> tuple[RemovalPolicy, list[ValidationError]]:
    """The policy of a task's parameters, and every error in them."""
    errors: list[ValidationError] = []

    def refuse(option: str, text: str) -> None:
        errors.append(ValidationError("", option, text))

    if params["exclusive"] and params["lookup"] == SEARCH:
        refuse("lookup", "search does not read the list that exclusive needs; use auto or list")
    if params["last_applied"] is None:
        for option in ("leavers", "verify"):
            if params[option] is not None:
                refuse(option, "needs the record of the last run; give last_applied as well")
    elif params["exclusive"]:
        refuse(
            "last_applied",
            "can't be combined with exclusive; set exclusive: false, and leavers: deactivate for "
            "users who leave the list",
        )
    protected = []
    for index, value in enumerate(params["protected"]):
        try:
            protected.append(read_pattern(value))
        except BadValueError as error:
            refuse(f"protected[{index}]", str(error))
    limit = NO_LIMIT_GIVEN
    try:
        limit = read_limit(params["max_deactivations"])
    except BadValueError as error:
        refuse("max_deactivations", str(error))
    approve = params["approve"]
    if approve is not None:
        approve = approve.strip().lower()
        if not _HASH.fullmatch(approve):
            refuse(
                "approve",
                "the value is not the hash of a plan; give the 16 characters that a dry run "
                "reports, in quotes, or leave the option out",
            )
    force_logout = False
    if isinstance(params["defaults"], Mapping):
        # The rows report a wrong value.
        with suppress(BadValueError):
            force_logout = read_boolean(params["defaults"].get("force_logout"))
    policy = RemovalPolicy(
        exclusive=params["exclusive"],
        leavers=params["leavers"] == DEACTIVATE,
        has_record=params["last_applied"] is not None,
        protected=tuple(protected),
        limit=limit,
        approve=approve,
        on_guard=params["on_guard"],
        force_logout=force_logout,
        in_role=LIST_OF_ROLE in (params["user_lists"] or {}),
    )
    return policy, errors


def read_pattern(value: Any) -> str:
    """An address, or a shell pattern that can match one, in the form for comparison.

    :raises BadValueError: for one that would protect no user.
    """
    if not isinstance(value, str):
        raise BadValueError(f"must be text, not {kind_of(value)}; give each address as an item")
    text = unicodedata.normalize("NFC", value).strip(string.whitespace)
    pattern = address_key(text)
    if not text:
        raise BadValueError("is empty; give an address, or a pattern such as *@example.org")
    if found := foreign_to_address(text):
        raise BadValueError(foreign_character(found))
    if "[" not in pattern and _SEVERAL.search(pattern):
        raise BadValueError("is more than one address or pattern; give each alone, as an item")
    if not can_match_address(pattern):
        raise BadValueError(
            "can match no address; give a complete address without other characters, or a pattern "
            "such as *@example.org",
            text,
        )
    return pattern


def read_limit(value: str) -> Limit:
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return Limit(Fraction(int(text)), is_percentage=False)
    found = _PERCENTAGE.fullmatch(text)
    if found is None:
        raise BadValueError(
            "is not a limit; use a whole number, such as 25, or a percentage, such as 10%",
            value=text,
        )
    percentage = Fraction(found[1])
    if percentage > 100:
        raise BadValueError("is out of range; use 0% to 100%", value=text)
    return Limit(percentage, is_percentage=True)
