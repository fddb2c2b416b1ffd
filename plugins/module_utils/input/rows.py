# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From rows to desired users, with every error of every row. No error quotes a password."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from types import MappingProxyType
from typing import Any, NamedTuple, Union

from ..errors import InvalidInputError, ValidationError
from .options import (
    IDENTITY,
    OPTION_BY_NAME,
    VALID_FROM,
    DesiredUser,
    unknown_option,
)
from .values import (
    BadValueError,
    is_given,
    kind_of,
    may_be_several_cells,
    quoted,
    safe_key_name,
)

LABEL_CHARACTERS = 40
TWO_PLANS = "cannot be combined with plan_id; keep one of the two"

_NO_START = (
    "cannot be chosen: a plan begins when it is assigned. Empty the column, or map it to null in "
    "src_columns"
)


class Row(NamedTuple):
    """A row before its validation.

    :ivar values: a ``BadValueError`` among them stands for a cell without a value for its option.
    :ivar hides_values: no error quotes a value of the row, since any value may be a password: in a
        table that has them, a missing delimiter moves them to another column.
    :ivar letters: in a workbook, the letter of each option's column. The row's place is then
        ``Readers!7``, and that of a cell ``Readers!B7``.
    """

    place: str
    values: Any
    hides_values: bool = False
    letters: Mapping[str, str] = MappingProxyType({})

    def place_of(self, option: str) -> str:
        letter = self.letters.get(option)
        if letter is None:
            return self.place
        sheet, mark, number = self.place.rpartition("!")
        return f"{sheet}{mark}{letter}{number}"


Entry = Union[Row, ValidationError]


class BadSourceError(ValueError):
    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place}: {text}")
        self.error = ValidationError(place, "", text)


def desired_user(params: Mapping[str, Any]) -> DesiredUser:
    """The desired user of a module's own options.

    :raises InvalidInputError: with every error, here and below.
    """
    given = {name: params.get(name) for name in OPTION_BY_NAME}
    user, errors = _read_row(Row("", given), {}, {})
    if user is None or errors:
        raise InvalidInputError(errors)
    return user


def rows_of_list(rows: Iterable[Any], name: str = "users") -> Iterator[Row]:
    for index, row in enumerate(rows):
        yield Row(f"{name}[{index}]", row)


def users_of_entries(
    entries: Iterable[Entry], defaults: Mapping[str, Any] | None = None, source: str = ""
) -> list[DesiredUser]:
    """The desired users of rows from any source; no row is kept after it was read.

    :param source: the path of the file among the sources.
    """
    read_defaults, errors = _read_defaults(defaults or {})
    first_users: dict[str, dict[Any, DesiredUser]] = {name: {} for name in IDENTITY}
    remembered: Remembered = {}
    users: list[DesiredUser] = []
    for entry in entries:
        if isinstance(entry, ValidationError):
            errors.append(entry)
            continue
        user, row_errors = _read_row(entry, read_defaults, remembered)
        errors += row_errors
        if user is not None:
            users.append(user)
            errors.extend(_duplicates(entry, user, first_users))
    if errors:
        raise InvalidInputError(errors, source)
    return users


def _read_defaults(defaults: Any) -> tuple[dict[str, Any], list[ValidationError]]:
    if not isinstance(defaults, Mapping):
        return {}, [_no_mapping("defaults", defaults)]
    values, errors = _read_values(Row("defaults", defaults))
    for name in IDENTITY:
        if values.pop(name, None) is not None:
            text = "cannot be a default, since it identifies one user; give it in the row"
            errors.append(ValidationError("defaults", name, text))
    if {"plan_id", "plan_name"} <= values.keys():
        errors.append(ValidationError("defaults", "plan_name", TWO_PLANS))
    return values, errors


# The values that valid rows have besides their keys, with the defaults: as written, and as read.
# 100,000 rows have few combinations of them, and finding one here is faster than reading it again.
Remembered = dict[tuple[Any, ...], dict[str, Any]]
MOST_REMEMBERED = 1000


def _remembered_user(row: Row, remembered: Remembered) -> DesiredUser | None:
    """The user of a valid row with the same values as an earlier one, except those of its keys."""
    if row.values.__class__ is not dict:
        return None
    try:
        values = remembered.get(_without_keys(row.values))
        if values is None:
            return None
        keys = {
            name: OPTION_BY_NAME[name].read(value)
            for name in IDENTITY
            if is_given(value := row.values.get(name))
        }
    # A value is a list or a mapping, or a key is not valid.
    except (TypeError, BadValueError):
        return None
    if not keys:
        return None
    return DesiredUser(**values, **keys, place=row.place, hides_values=row.hides_values)


def _without_keys(values: Mapping[str, Any]) -> tuple[Any, ...]:
    # True, 1 and 1.0 are equal, and differ in what they mean.
    return tuple(
        (name, value.__class__, value) for name, value in values.items() if name not in IDENTITY
    )


def _read_row(
    row: Row, defaults: Mapping[str, Any], remembered: Remembered
) -> tuple[DesiredUser | None, list[ValidationError]]:
    user = _remembered_user(row, remembered)
    if user is not None:
        return user, []
    if not isinstance(row.values, Mapping):
        return None, [_no_mapping(row.place, row.values)]
    given, errors = _read_values(row)
    # A value that is not valid is in ``errors`` and not in ``given``.
    names: Set[str] = given.keys()
    if errors:
        names = {
            OPTION_BY_NAME[name].name
            for name, value in row.values.items()
            if name in OPTION_BY_NAME and is_given(value)
        }
    if names.isdisjoint(IDENTITY):
        text = "missing; give email, external_id or id"
        errors.append(ValidationError(row.place, "email", text))
    values = {**defaults, **given}
    if "plan_id" in names and "plan_name" in names:
        errors.append(ValidationError(row.place, "plan_name", TWO_PLANS))
    elif "plan_id" in names:
        values.pop("plan_name", None)
    elif "plan_name" in names:
        values.pop("plan_id", None)
    elif values.keys().isdisjoint(("plan_id", "plan_name")):
        # A default of one of these is meant for the rows that have a plan.
        for name in ("plan_valid_to", "user_plan_name"):
            if name in given:
                text = "applies only together with a plan; give plan_id or plan_name as well"
                errors.append(ValidationError(row.place_of(name), name, text))
    if not errors:
        if len(remembered) < MOST_REMEMBERED:
            others = {name: value for name, value in values.items() if name not in IDENTITY}
            remembered[_without_keys(row.values)] = others
        return DesiredUser(**values, place=row.place, hides_values=row.hides_values), []
    # A partial user, so that duplicates of its keys are found in the same run.
    keys = {name: given[name] for name in IDENTITY if name in given}
    return (DesiredUser(**keys, place=row.place) if keys else None), _labelled(row, errors)


def _no_mapping(place: str, value: Any) -> ValidationError:
    text = "is null, so it describes no user; remove the row, or give its options"
    if value is not None:
        text = f"must be a mapping of options to values, not {kind_of(value)}"
    return ValidationError(place, "", text)


def _read_values(row: Row) -> tuple[dict[str, Any], list[ValidationError]]:
    values: dict[str, Any] = {}
    errors: list[ValidationError] = []
    for name, value in row.values.items():
        option = OPTION_BY_NAME.get(name)
        if option is None and name == VALID_FROM:
            if is_given(value) and str(value).strip():
                errors.append(ValidationError(row.place_of(name), name, _NO_START))
        elif option is None:
            text = unknown_option(str(name))
            errors.append(ValidationError(row.place, safe_key_name(name), text))
        elif not is_given(value):
            continue
        elif option.name in values:
            text = f"given twice, also as {name}; keep one"
            errors.append(ValidationError(row.place_of(name), option.name, text))
        else:
            try:
                if isinstance(value, BadValueError):
                    raise value
                values[option.name] = option.read(value)
            except BadValueError as error:
                text = error.without_value if row.hides_values else str(error)
                errors.append(ValidationError(row.place_of(name), str(name), text))
    return values, errors


def _labelled(row: Row, errors: list[ValidationError]) -> list[ValidationError]:
    """The errors with the user's key, since an index says little in a list joined from several."""
    if row.hides_values or not row.place:
        return errors
    name, label = key_label(row.values)
    # An error of the key itself quotes it already.
    return [error if error.option == name else error._replace(label=label) for error in errors]


def key_label(values: Mapping[str, Any]) -> tuple[str, str]:
    """The first key of a row that can be shown, as its name and a label."""
    for name in IDENTITY:
        value = values.get(name)
        if not is_given(value) or not isinstance(value, (str, int, float)):
            continue
        key = str(value).strip()
        if key and key.isprintable() and not may_be_several_cells(key):
            return name, key[:LABEL_CHARACTERS]
    return "", ""


def _duplicates(
    row: Row, user: DesiredUser, first_users: Mapping[str, dict[Any, DesiredUser]]
) -> Iterator[ValidationError]:
    """An error for each key that an earlier row has too; other keys are recorded for later rows."""
    for name, users in first_users.items():
        key = user.address if name == "email" else getattr(user, name)
        if key is None:
            continue
        first = users.setdefault(key, user)
        if first is user:
            continue
        # Rows of the file come last, so if the first row hides its values, so does this one.
        held = "values not shown" if row.hides_values else f"{_keys(user)}; {_keys(first)}"
        text = f"the same {name} as in {first.place} ({held}); keep one of the two rows"
        yield ValidationError(row.place_of(name), name, text)


def _keys(user: DesiredUser) -> str:
    """For instance ``users[3] has email 'ana@example.org', id 7``."""
    keys = [(name, getattr(user, name)) for name in IDENTITY]
    held = ", ".join(f"{name} {quoted(value)}" for name, value in keys if value is not None)
    return f"{user.place} has {held}"
