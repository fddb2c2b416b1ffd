# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From rows to desired users: every bad row is found before the first request.

Each fault names the row (its index, or its file and line), the option, what is wrong and what to
write instead. No fault quotes a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Union

from ..errors import InvalidInputError
from .options import (
    IDENTITY,
    OPTION_BY_NAME,
    SEVERAL_CELLS,
    USER_OPTIONS,
    BadValueError,
    DesiredUser,
    address_key,
    is_given,
    safe_key_name,
    unknown_option,
)

# How many faults the message lists; the failure's ``fields`` holds them all.
ERRORS_IN_MESSAGE = 20


class LabelledRow(NamedTuple):
    """A row as it was read, before it is validated.

    ``label`` is where it stands: ``users[3]``, ``seats.csv:17``. ``guarded`` is true where a value
    can slip into another option's place, as in a table with passwords: then no fault quotes any.
    """

    label: str
    values: Any
    guarded: bool = False


@dataclass(frozen=True)
class ValidationError:
    """One thing that is wrong with one option of one row.

    A fault of a whole row or file has no ``row``, and its place as the ``option``.
    """

    row: str
    option: str
    text: str
    who: str = ""

    def __str__(self) -> str:
        where = f"{self.row} ({self.who})" if self.who else self.row
        return f"{where}: {self.option} {self.text}" if where else f"{self.option} {self.text}"


Entry = Union[LabelledRow, ValidationError]


def labelled(option: str, rows: Iterable[Any]) -> Iterator[LabelledRow]:
    """The rows of a task's own list, by their index."""
    for index, row in enumerate(rows):
        yield LabelledRow(f"{option}[{index}]", row)


def outside(
    option: str, value: float, low: float, high: float, unit: str = ""
) -> list[ValidationError]:
    """The fault of a task's own number that is not within its bounds; none where it is.

    :param unit: what the number counts, with a space before it, such as `` seconds``.
    """
    if low <= value <= high:
        return []
    return [ValidationError("", option, f"is {value:g}; write {low:g} to {high:g}{unit}")]


def invalid_input(faults: Sequence[ValidationError], source: str = "") -> InvalidInputError:
    """The error that tells of all faults at once.

    :param source: the path of the file that was read, if one was.
    """
    fields: dict[str, list[str]] = {}
    for fault in faults:
        key = f"{fault.row}.{fault.option}" if fault.row else fault.option
        fields.setdefault(key, []).append(fault.text)
    told = "; ".join(str(fault) for fault in faults[:ERRORS_IN_MESSAGE])
    rest = len(faults) - ERRORS_IN_MESSAGE
    more = f"; and {rest} more, all of them in failure.fields" if rest > 0 else ""
    end = "" if f"{told}{more}".endswith("?") else "."
    return InvalidInputError(f"{_head(len(faults), source)}: {told}{more}{end}", fields)


def _head(count: int, source: str) -> str:
    if source:
        noun = "1 fault was" if count == 1 else f"{count} faults were"
        return f"{noun} found, and nothing was sent (src is {source})"
    noun = "1 value is" if count == 1 else f"{count} values are"
    return f"{noun} not right, and nothing was sent"


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
        if isinstance(entry, ValidationError):
            faults.append(entry)
            continue
        user, row_errors = _read_row(entry, read_defaults)
        faults.extend(row_errors)
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


def _read_defaults(defaults: Any) -> tuple[dict[str, Any], list[ValidationError]]:
    if not isinstance(defaults, Mapping):
        text = f"must be a mapping of options to values, not {type(defaults).__name__}"
        return {}, [ValidationError("", "defaults", text)]
    values, faults = _read_values(LabelledRow("defaults", defaults))
    for name in IDENTITY:
        if values.pop(name, None) is not None:
            faults.append(
                ValidationError("defaults", name, "identifies one user and cannot be a default")
            )
    return values, faults


def _read_row(
    row: LabelledRow, defaults: Mapping[str, Any]
) -> tuple[DesiredUser | None, list[ValidationError]]:
    if not isinstance(row.values, Mapping):
        text = f"must be a mapping of options to values, not {type(row.values).__name__}"
        return None, [ValidationError("", row.label, text)]
    given, faults = _read_values(row)
    if not any(is_given(row.values.get(name)) for name in IDENTITY):
        faults.append(
            ValidationError(row.label, "email", "is missing: give email, external_id or id")
        )
    values = {**defaults, **given}
    for name in ("plan_valid_to", "user_plan_name"):
        # A default of one of these is meant for the rows that have a plan.
        if name in given and "plan_id" not in values and not _is_named(row.values, "plan_id"):
            faults.append(
                ValidationError(row.label, name, "says something of a plan: give plan_id as well")
            )
    if faults:
        who = _who(row)
        faults = [replace(fault, who=who) for fault in faults]
        # A partial user, so that duplicates of its keys are found in the same run.
        keys = {name: given[name] for name in IDENTITY if name in given}
        return (DesiredUser(**keys) if keys else None), faults
    return DesiredUser(**values, place=row.label), []


def _read_values(row: LabelledRow) -> tuple[dict[str, Any], list[ValidationError]]:
    values: dict[str, Any] = {}
    faults: list[ValidationError] = []
    for name, value in row.values.items():
        option = OPTION_BY_NAME.get(name)
        if option is None:
            faults.append(
                ValidationError(row.label, safe_key_name(name), unknown_option(str(name)))
            )
        elif not is_given(value):
            continue
        elif option.name in values:
            faults.append(
                ValidationError(row.label, option.name, f"is given twice, also as {name}")
            )
        else:
            try:
                values[option.name] = option.read(value)
            except BadValueError as error:
                text = error.without_value if row.guarded else str(error)
                faults.append(ValidationError(row.label, str(name), text))
    return values, faults


def _is_named(row: Mapping[str, Any], name: str) -> bool:
    option = OPTION_BY_NAME[name]
    return any(is_given(row.get(key)) for key in (option.name, *option.aliases))


def _duplicates(
    row: LabelledRow, user: DesiredUser, first_places: Mapping[str, dict[Any, str]]
) -> Iterator[ValidationError]:
    """The keys of a user that an earlier row has, too; notes the others as this row's."""
    for name, places in first_places.items():
        value = getattr(user, name)
        if value is None:
            continue
        first = places.setdefault(address_key(value) if name == "email" else value, row.label)
        if first is not row.label:
            shown = "(the same value)" if row.guarded else value
            yield ValidationError(row.label, name, f"{shown} stands in {first} already; keep one")
