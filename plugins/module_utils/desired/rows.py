# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the rows of a task to desired users: every bad row is found before the first request.

Each fault names the row (its index, or its file and line), the option, what is wrong and what to
write instead. No fault quotes a password.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..transport.errors import InvalidInputError
from .options import IDENTITY, USER_OPTIONS, BadValueError, is_given
from .user import DesiredUser, address_key

# How many faults the message lists; the failure's ``fields`` holds them all.
FAULTS_IN_MESSAGE = 20

_BY_NAME = {name: option for option in USER_OPTIONS for name in (option.name, *option.aliases)}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one option of one row."""

    row: str
    option: str
    text: str
    who: str = ""

    def __str__(self) -> str:
        where = f"{self.row} ({self.who})" if self.who else self.row
        return f"{where}: {self.option} {self.text}" if where else f"{self.option} {self.text}"


def desired_user(params: Mapping[str, Any]) -> DesiredUser:
    """The desired user of a module's own options.

    :raises InvalidInputError: with every fault.
    """
    given = {option.name: params.get(option.name) for option in USER_OPTIONS}
    user, faults = _read_row("", given, {})
    if user is None or faults:
        raise _invalid(faults)
    return user


def desired_users(
    rows: Sequence[Any], defaults: Mapping[str, Any] | None = None, option: str = "users"
) -> list[DesiredUser]:
    """The desired users of a list of mappings, with ``defaults`` under each of them.

    :raises InvalidInputError: with every fault of every row and of the defaults.
    """
    read_defaults, faults = _read_defaults(defaults or {})
    users: list[DesiredUser | None] = []
    labels = [f"{option}[{index}]" for index in range(len(rows))]
    for label, row in zip(labels, rows):
        user, row_faults = _read_row(label, row, read_defaults)
        users.append(user)
        faults.extend(row_faults)
    faults.extend(_duplicates(labels, users))
    if faults:
        raise _invalid(faults)
    return [user for user in users if user is not None]


def _who(row: Mapping[str, Any]) -> str:
    """Who a row is: in a list that was put together from several, its index says little."""
    return next((str(row[name])[:40] for name in IDENTITY if is_given(row.get(name))), "")


def _read_defaults(defaults: Any) -> tuple[dict[str, Any], list[Fault]]:
    if not isinstance(defaults, Mapping):
        text = f"must be a mapping of options to values, not {type(defaults).__name__}"
        return {}, [Fault("", "defaults", text)]
    values, faults = _read_values("defaults", defaults)
    for name in IDENTITY:
        if values.pop(name, None) is not None:
            faults.append(Fault("defaults", name, "identifies one user and cannot be a default"))
    return values, faults


def _read_row(
    label: str, row: Any, defaults: Mapping[str, Any]
) -> tuple[DesiredUser | None, list[Fault]]:
    if not isinstance(row, Mapping):
        text = f"must be a mapping of options to values, not {type(row).__name__}"
        return None, [Fault("", label, text)]
    given, faults = _read_values(label, row)
    if not any(is_given(row.get(name)) for name in IDENTITY):
        faults.append(Fault(label, "email", "is missing: give email, external_id or id"))
    values = {**defaults, **given}
    for name in ("plan_valid_to", "user_plan_name"):
        # A default of one of these is meant for the rows that have a plan.
        if name in given and "plan_id" not in values and not _is_named(row, "plan_id"):
            faults.append(Fault(label, name, "says something of a plan: give plan_id as well"))
    if faults:
        faults = [replace(fault, who=_who(row)) for fault in faults]
        # A partial user, so that duplicates of its keys are found in the same run.
        keys = {name: given[name] for name in IDENTITY if name in given}
        return (DesiredUser(**keys) if keys else None), faults
    return DesiredUser(**values), []


def _read_values(label: str, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in row.items():
        option = _BY_NAME.get(name)
        if option is None:
            faults.append(Fault(label, str(name), _unknown(str(name))))
        elif not is_given(value):
            continue
        elif option.name in values:
            faults.append(Fault(label, option.name, f"is given twice, also as {name}"))
        else:
            try:
                values[option.name] = option.read(value)
            except BadValueError as error:
                faults.append(Fault(label, str(name), str(error)))
    return values, faults


def _is_named(row: Mapping[str, Any], name: str) -> bool:
    option = _BY_NAME[name]
    return any(is_given(row.get(key)) for key in (option.name, *option.aliases))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), _BY_NAME, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(_BY_NAME))}"
    return f"is no option of a user; {hint}"


def _duplicates(labels: Sequence[str], users: Sequence[DesiredUser | None]) -> Iterable[Fault]:
    for name in IDENTITY:
        first: dict[Any, str] = {}
        for label, user in zip(labels, users):
            value = getattr(user, name) if user is not None else None
            if value is None:
                continue
            key = address_key(value) if name == "email" else value
            if key in first:
                yield Fault(label, name, f"{value} stands in {first[key]} already; keep one")
            else:
                first[key] = label


def _invalid(faults: Sequence[Fault]) -> InvalidInputError:
    fields: dict[str, list[str]] = {}
    for fault in faults:
        key = f"{fault.row}.{fault.option}" if fault.row else fault.option
        fields.setdefault(key, []).append(fault.text)
    told = "; ".join(str(fault) for fault in faults[:FAULTS_IN_MESSAGE])
    rest = len(faults) - FAULTS_IN_MESSAGE
    more = f"; and {rest} more, all of them in failure.fields" if rest > 0 else ""
    noun = "1 value is" if len(faults) == 1 else f"{len(faults)} values are"
    end = "" if f"{told}{more}".endswith("?") else "."
    return InvalidInputError(f"{noun} not right, and nothing was sent: {told}{more}{end}", fields)
