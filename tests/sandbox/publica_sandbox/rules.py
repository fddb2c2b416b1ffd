# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for the fields of a request, with the error messages of the framework."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, Literal

from .answers import Errors

BooleanForms = Literal["any", "json", "integer"]
Rule = Callable[[Any], Any]

LARGEST_ID = 2**63 - 1
_TRIMMED = " \t\n\r\0\x0b"
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_EMAIL = re.compile(r"[^@\s\x00]+@[A-Za-z0-9.-]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class RuleBroken(Exception):
    """A value that breaks a rule. The message continues "The <field> "."""


def text(*, most: int, least: int = 0) -> Rule:
    """A rule for strings of some length."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise RuleBroken("must be a string.")
        if len(value) < least:
            raise RuleBroken(f"must be at least {least} characters.")
        if len(value) > most:
            raise RuleBroken(f"must not be greater than {most} characters.")
        return value

    return check


def email(value: Any) -> str:
    """Check an email address: no white space, one at sign, and a possible domain."""
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        raise RuleBroken("must be a valid email address.")
    return str(text(most=255)(value))


def integer(*, least: int, most: int) -> Rule:
    """A rule for whole numbers, which may also be written as strings."""

    def check(value: Any) -> int:
        number = _whole_number(value)
        if number is None:
            raise RuleBroken("must be an integer.")
        if not least <= number <= most:
            raise RuleBroken(f"must be between {least} and {most}.")
        return number

    return check


def day(value: Any) -> str:
    """Check a day written ``yyyy-mm-dd``."""
    try:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValueError
        date.fromisoformat(value)
    except ValueError:
        raise RuleBroken("does not match the format Y-m-d.") from None
    return value


def boolean(forms: BooleanForms) -> Rule:
    """A rule for booleans in the accepted forms."""

    def check(value: Any) -> bool:
        is_json, is_integer = isinstance(value, bool), type(value) is int and value in (0, 1)
        accepted = {
            "json": is_json,
            "integer": is_integer,
            "any": is_json or is_integer or value in ("0", "1"),
        }
        if not accepted[forms]:
            raise RuleBroken("field must be true or false.")
        return value in (True, "1")

    return check


def field_rules(forms: BooleanForms, external_id_max: int) -> dict[str, Rule]:
    """The rule for each documented field."""
    flag = boolean(forms)
    return {
        "external_id": text(most=external_id_max),
        "email": email,
        "new_password": text(least=8, most=255),
        "sessions_limit": integer(least=1, most=999_999),
        "assign_new_plan": integer(least=1, most=LARGEST_ID),
        "new_plan_custom_valid_to": day,
        "admin": flag,
        "plan_admin": flag,
        "only_sees_readable": flag,
        "user_plan_name": text(most=255),
    }


def check_fields(
    sent: Mapping[str, Any],
    *,
    required: Collection[str],
    forms: BooleanForms,
    external_id_max: int,
) -> tuple[dict[str, Any], Errors]:
    """The documented fields that were sent, normalized, and the errors by field.

    An empty string counts as null, and white space around a string is removed (except in a
    password): the framework does both before it validates.
    """
    cleaned: dict[str, Any] = {}
    errors: Errors = {}
    for name, rule in field_rules(forms, external_id_max).items():
        label = name.replace("_", " ")
        value = _trimmed(sent.get(name), keep_space=name == "new_password")
        if value is None:
            if name in required:
                errors[name] = [f"The {label} field is required."]
            elif name in sent:
                cleaned[name] = None
            continue
        try:
            cleaned[name] = rule(value)
        except RuleBroken as broken:
            errors[name] = [f"The {label} {broken}"]
    return cleaned, errors


def _trimmed(value: Any, *, keep_space: bool) -> Any:
    if not isinstance(value, str):
        return value
    return (value if keep_space else value.strip(_TRIMMED)) or None


def _whole_number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) else None
