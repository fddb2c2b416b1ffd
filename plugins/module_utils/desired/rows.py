# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From rows to desired users: every bad row is found before the first request.

Each fault names the row (its index, or its file and line), the option, what is wrong and what to
write instead. No fault quotes a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .entries import Entry, Fault, LabelledRow, invalid_input, labelled
from .options import (
    IDENTITY,
    OPTION_BY_NAME,
    SEVERAL_CELLS,
    USER_OPTIONS,
    BadValueError,
    is_given,
    told_name,
    unknown_option,
)
from .user import DesiredUser, address_key


def desired_user(params: Mapping[str, Any]) -> DesiredUser:
    """The desired user of a module's own options.

    :raises InvalidInputError: with every fault.
    """
    given = {option.name: params.get(option.name) for option in USER_OPTIONS}
    user, faults = _read_row(LabelledRow("", given), {})
    if user is None or faults:
        raise invalid_input(faults)
    return user


def desired_users(
    rows: Sequence[Any], defaults: Mapping[str, Any] | None = None, option: str = "users"
) -> list[DesiredUser]:
    """The desired users of a list of mappings, with ``defaults`` under each of them.

    :raises InvalidInputError: with every fault of every row and of the defaults.
    """
    return users_of_entries(labelled(option, rows), defaults)


def users_of_entries(
    entries: Iterable[Entry], defaults: Mapping[str, Any] | None = None, source: str = ""
) -> list[DesiredUser]:
    """The desired users of rows from anywhere, each row read once and then let go of.

    :param entries: the rows, and what was found wrong where there is no row to be had.
    :param source: the path of the file among the sources, for the error to name.
    :raises InvalidInputError: with every fault of the entries, of every row and of the defaults.
    """
    read_defaults, faults = _read_defaults(defaults or {})
    first_places: dict[str, dict[Any, str]] = {name: {} for name in IDENTITY}
    users: list[DesiredUser] = []
    for entry in entries:
        if isinstance(entry, Fault):
            faults.append(entry)
            continue
        user, row_faults = _read_row(entry, read_defaults)
        faults.extend(row_faults)
        if user is not None:
            users.append(user)
            faults.extend(_duplicates(entry, user, first_places))
    if faults:
        raise invalid_input(faults, source)
    return users


def _who(row: LabelledRow) -> str:
    """Who a row is: in a list that was put together from several, its index says little."""
    if row.guarded:
        return ""
    values = (row.values.get(name) for name in IDENTITY)
    who = next((str(value)[:40] for value in values if is_given(value)), "")
    return "" if SEVERAL_CELLS.search(who) or not who.isprintable() else who


def _read_defaults(defaults: Any) -> tuple[dict[str, Any], list[Fault]]:
    if not isinstance(defaults, Mapping):
        text = f"must be a mapping of options to values, not {type(defaults).__name__}"
        return {}, [Fault("", "defaults", text)]
    values, faults = _read_values(LabelledRow("defaults", defaults))
    for name in IDENTITY:
        if values.pop(name, None) is not None:
            faults.append(Fault("defaults", name, "identifies one user and cannot be a default"))
    return values, faults


def _read_row(
    row: LabelledRow, defaults: Mapping[str, Any]
) -> tuple[DesiredUser | None, list[Fault]]:
    if not isinstance(row.values, Mapping):
        text = f"must be a mapping of options to values, not {type(row.values).__name__}"
        return None, [Fault("", row.label, text)]
    given, faults = _read_values(row)
    if not any(is_given(row.values.get(name)) for name in IDENTITY):
        faults.append(Fault(row.label, "email", "is missing: give email, external_id or id"))
    values = {**defaults, **given}
    for name in ("plan_valid_to", "user_plan_name"):
        # A default of one of these is meant for the rows that have a plan.
        if name in given and "plan_id" not in values and not _is_named(row.values, "plan_id"):
            faults.append(Fault(row.label, name, "says something of a plan: give plan_id as well"))
    if faults:
        who = _who(row)
        faults = [replace(fault, who=who) for fault in faults]
        # A partial user, so that duplicates of its keys are found in the same run.
        keys = {name: given[name] for name in IDENTITY if name in given}
        return (DesiredUser(**keys) if keys else None), faults
    return DesiredUser(**values, place=row.label), []


def _read_values(row: LabelledRow) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in row.values.items():
        option = OPTION_BY_NAME.get(name)
        if option is None:
            faults.append(Fault(row.label, told_name(name), unknown_option(str(name))))
        elif not is_given(value):
            continue
        elif option.name in values:
            faults.append(Fault(row.label, option.name, f"is given twice, also as {name}"))
        else:
            try:
                values[option.name] = option.read(value)
            except BadValueError as error:
                text = error.without_value if row.guarded else str(error)
                faults.append(Fault(row.label, str(name), text))
    return values, faults


def _is_named(row: Mapping[str, Any], name: str) -> bool:
    option = OPTION_BY_NAME[name]
    return any(is_given(row.get(key)) for key in (option.name, *option.aliases))


def _duplicates(
    row: LabelledRow, user: DesiredUser, first_places: Mapping[str, dict[Any, str]]
) -> Iterator[Fault]:
    """The keys of a user that an earlier row has, too; notes the others as this row's."""
    for name, places in first_places.items():
        value = getattr(user, name)
        if value is None:
            continue
        first = places.setdefault(address_key(value) if name == "email" else value, row.label)
        if first is not row.label:
            shown = "(the same value)" if row.guarded else value
            yield Fault(row.label, name, f"{shown} stands in {first} already; keep one")
