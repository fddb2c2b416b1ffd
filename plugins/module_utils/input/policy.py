# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task says of users that are not in its list, and how far that may go.

The options ``exclusive``, ``protected``, ``max_deactivations``, ``approve`` and ``on_guard``, read
and checked before the first request. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .options import BadValueError, hidden_character, is_given, read_boolean
from .rows import ValidationError

FAIL, SKIP = "fail", "skip"
ON_GUARD = (FAIL, SKIP)
DEFAULT_LIMIT = "10%"
SEARCH = "search"  # the value of ``lookup`` that does without the list

_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%")
_HASH = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Limit:
    """How many users may be removed: a number, or a percentage of the active users."""

    amount: Fraction
    is_percentage: bool

    def of(self, active: int) -> int:
        """The number of users that it allows in a store with so many active ones."""
        if self.is_percentage:
            return int(self.amount * active / 100)  # rounded down: in doubt fewer
        return int(self.amount)

    def in_words(self, active: int) -> str:
        """``25 (10% of 250 active users)``, or only the number where no percentage was given."""
        number = self.of(active)
        if not self.is_percentage:
            return str(number)
        return f"{number} ({float(self.amount):g}% of {active} active users)"


NO_LIMIT_GIVEN = Limit(Fraction(10), is_percentage=True)


@dataclass(frozen=True)
class RemovalPolicy:
    """Whether unlisted users are removed, and what stands between a wrong list and a store.

    :ivar exclusive: active users that are not in the list are deactivated.
    :ivar protected: shell patterns of addresses, in small letters, that are never removed.
    :ivar approve: the hash of the one plan that may be carried out; None where none is asked for.
    :ivar on_guard: ``fail``, or ``skip`` to carry out everything but the removals.
    :ivar force_logout: whoever is removed is logged out as well.
    """

    exclusive: bool = False
    protected: tuple[str, ...] = ()
    limit: Limit = NO_LIMIT_GIVEN
    approve: str | None = None
    on_guard: str = FAIL
    force_logout: bool = False

    @property
    def skips_removals(self) -> bool:
        """Whether a guard costs only the removals. Without ``exclusive`` there are none."""
        return self.exclusive and self.on_guard == SKIP


LEAVES_ALONE = RemovalPolicy()


def removal_argument_spec() -> dict[str, Any]:
    """The argument spec of the options; what they mean is read by :func:`read_policy`."""
    return {
        "exclusive": {"type": "bool", "default": False},
        "protected": {"type": "list", "elements": "str", "default": []},
        "max_deactivations": {"type": "str", "default": DEFAULT_LIMIT},
        "approve": {"type": "str"},
        "on_guard": {"type": "str", "choices": list(ON_GUARD), "default": FAIL},
    }


def read_policy(params: Mapping[str, Any]) -> tuple[RemovalPolicy, list[ValidationError]]:
    """The policy of a task's parameters, and every fault in them."""
    faults: list[ValidationError] = []
    if params["exclusive"] and params["lookup"] == SEARCH:
        text = "is search, which does not read the list that exclusive needs; take auto or list"
        faults.append(ValidationError("", "lookup", text))
    protected = _read_protected(params["protected"] or (), faults)
    limit = NO_LIMIT_GIVEN
    try:
        limit = read_limit(params["max_deactivations"])
    except BadValueError as error:
        faults.append(ValidationError("", "max_deactivations", str(error)))
    approve: str | None = None
    if params["approve"] is not None:
        approve = params["approve"].strip().lower()
        if not _HASH.fullmatch(approve):
            text = (
                "is no hash of a plan; write the 16 characters that a dry run told, in quotes, or "
                "leave it out"
            )
            faults.append(ValidationError("", "approve", text))
    policy = RemovalPolicy(
        exclusive=params["exclusive"],
        protected=protected,
        limit=limit,
        approve=approve,
        on_guard=params["on_guard"],
        force_logout=_logs_out(params["defaults"]),
    )
    return policy, faults


def read_limit(value: str) -> Limit:
    """A whole number, or a percentage from 0% to 100%.

    :raises BadValueError: with what to write instead.
    """
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return Limit(Fraction(int(text)), is_percentage=False)
    found = _PERCENTAGE.fullmatch(text)
    if found is None:
        raise BadValueError(
            f'is "{text[:40]}"; write a whole number, such as 25, or a percentage, such as 10%'
        )
    percentage = Fraction(found.group(1))
    if percentage > 100:
        raise BadValueError(f"is {text}; 0% to 100% is allowed")
    return Limit(percentage, is_percentage=True)


def _read_protected(values: Sequence[str], faults: list[ValidationError]) -> tuple[str, ...]:
    patterns = [value.strip().lower() for value in values]
    for number, pattern in enumerate(patterns):
        if not pattern:
            text = "is empty; write an address, or a pattern such as *@example.org"
            faults.append(ValidationError("", f"protected[{number}]", text))
        elif hidden := hidden_character(pattern):
            # It would protect nobody, and nobody could see why.
            text = f"holds {hidden}, a character that is not seen; type the value anew"
            faults.append(ValidationError("", f"protected[{number}]", text))
    return tuple(patterns)


def _logs_out(defaults: Any) -> bool:
    """What the defaults say of ``force_logout``; a value that is none is the rows' fault."""
    value = defaults.get("force_logout") if isinstance(defaults, Mapping) else None
    try:
        return is_given(value) and read_boolean(value)
    except BadValueError:
        return False
