# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options on users that are not in the list, read and checked before the first request.

They are ``exclusive``, ``protected``, ``max_deactivations``, ``approve`` and ``on_guard``.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import ValidationError
from .options import (
    BadValueError,
    address_key,
    foreign_character,
    is_given,
    kind_of,
    read_boolean,
)
from .text import can_match_address, foreign_to_address

FAIL, SKIP = "fail", "skip"
ON_GUARD = (FAIL, SKIP)
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
        """The number of removals that it allows in a store with this many active users."""
        if self.is_percentage:
            return int(self.amount * active / 100)  # rounded down: fewer removals if in doubt
        return int(self.amount)

    def in_words(self, active: int) -> str:
        """``25 (10% of 250 active users)``, or only the number if no percentage was given."""
        number = self.of(active)
        if not self.is_percentage:
            return str(number)
        return f"{number} ({float(self.amount):g}% of {active} active users)"


NO_LIMIT_GIVEN = Limit(Fraction(10), is_percentage=True)


@dataclass(frozen=True)
class RemovalPolicy:
    """Whether unlisted users are removed, and how the store is protected from a wrong list.

    :ivar exclusive: active users that are not in the list are deactivated.
    :ivar protected: shell patterns of addresses, in small letters, that are never removed.
    :ivar approve: the hash of the only plan that may be applied; None where any may.
    :ivar on_guard: ``fail``, or ``skip`` to apply everything except the removals.
    :ivar force_logout: removed users are logged out as well.
    """

    exclusive: bool = False
    protected: tuple[str, ...] = ()
    limit: Limit = NO_LIMIT_GIVEN
    approve: str | None = None
    on_guard: str = FAIL
    force_logout: bool = False

    @property
    def skips_removals(self) -> bool:
        """Whether a guard stops only the removals. Without ``exclusive`` there are none."""
        return self.exclusive and self.on_guard == SKIP


WITHOUT_REMOVALS = RemovalPolicy()


def removal_argument_spec() -> dict[str, Any]:
    """The argument spec of the options, whose values :func:`read_policy` reads."""
    return {
        "exclusive": {"type": "bool", "default": False},
        "protected": {"type": "list", "elements": "str", "default": []},
        "max_deactivations": {"type": "str", "default": DEFAULT_LIMIT},
        "approve": {"type": "str"},
        "on_guard": {"type": "str", "choices": list(ON_GUARD), "default": FAIL},
    }


def read_policy(params: Mapping[str, Any]) -> tuple[RemovalPolicy, list[ValidationError]]:
    """The policy of a task's parameters, and every error in them."""
    errors: list[ValidationError] = []

    def refuse(option: str, text: str) -> None:
        errors.append(ValidationError("", option, text))

    if params["exclusive"] and params["lookup"] == SEARCH:
        refuse("lookup", "search does not read the list that exclusive needs; use auto or list")
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
    approve: str | None = None
    if params["approve"] is not None:
        approve = params["approve"].strip().lower()
        if not _HASH.fullmatch(approve):
            refuse(
                "approve",
                "the value is not the hash of a plan; give the 16 characters that a dry run "
                "reports, in quotes, or leave the option out",
            )
    policy = RemovalPolicy(
        exclusive=params["exclusive"],
        protected=tuple(protected),
        limit=limit,
        approve=approve,
        on_guard=params["on_guard"],
        force_logout=_force_logout(params["defaults"]),
    )
    return policy, errors


def read_pattern(value: Any) -> str:
    """An address, or a shell pattern that can match one, in the form for comparison.

    :raises BadValueError: for a pattern that would protect no user.
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
    """A whole number, or a percentage from 0% to 100%.

    :raises BadValueError: for anything else.
    """
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return Limit(Fraction(int(text)), is_percentage=False)
    found = _PERCENTAGE.fullmatch(text)
    if found is None:
        raise BadValueError(
            "is not a limit; use a whole number, such as 25, or a percentage, such as 10%",
            value=text,
        )
    percentage = Fraction(found.group(1))
    if percentage > 100:
        raise BadValueError("is out of range; use 0% to 100%", value=text)
    return Limit(percentage, is_percentage=True)


def _force_logout(defaults: Any) -> bool:
    """The default of ``force_logout``. The rows report a wrong value."""
    value = defaults.get("force_logout") if isinstance(defaults, Mapping) else None
    try:
        return is_given(value) and read_boolean(value)
    except BadValueError:
        return False
