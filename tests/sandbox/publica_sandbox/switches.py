# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switches of the sandbox store, and how to read them from text.

A number in ``variant`` is a place where the API's documentation leaves the behaviour of a store
open; the values of the switch are the possible variants. Each default is the variant closest to
the documentation.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NotFoundOrOk = Literal["not_found", "ok"]


def _switch(about: str, variant: int | None = None) -> Any:
    return Field(description=about, json_schema_extra={"variant": variant})


class Switches(BaseModel):
    """The behaviour of one store. Immutable: a change makes a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search_match: Annotated[
        Literal["substring", "exact"],
        _switch("How `query` is compared with an email address.", 1),
    ] = "substring"
    search_case_sensitive: Annotated[
        bool, _switch("Whether `query` is compared case-sensitively.", 1)
    ] = False
    search_fields: Annotated[
        Literal["email", "email_and_external_id"],
        _switch("The fields that `query` is compared with.", 1),
    ] = "email"
    search_finds_deactivated: Annotated[
        bool, _switch("Whether a search also finds deactivated users.", 2)
    ] = False
    list_holds_deactivated: Annotated[
        bool, _switch("Whether a list without `query` also holds deactivated users.", 3)
    ] = False
    empty_result: Annotated[
        Literal["page", "not_found"],
        _switch("The answer for an empty result: 200 with an empty page, or 404.", 4),
    ] = "page"
    paginator: Annotated[
        Literal["bare", "full"],
        _switch("Only `current_page` and `data`, or the framework's full paginator.", 5),
    ] = "bare"
    per_page_default: Annotated[
        int, Field(ge=1), _switch("The length of a page if `per_page` is not given.", 5)
    ] = 15
    per_page_max: Annotated[
        int, Field(ge=1), _switch("The longest page; a larger `per_page` is reduced to it.", 5)
    ] = 100
    page_ignored: Annotated[
        bool, _switch("Whether `page` is ignored, so that every page is the first one.", 5)
    ] = False
    list_order: Annotated[
        Literal["newest", "oldest"],
        _switch("Whether a list begins with the newest or the oldest user.", 5),
    ] = "newest"
    shift_between_pages: Annotated[
        Literal["none", "insert", "delete"],
        _switch("What happens at the beginning of a list before each page after the first.", 5),
    ] = "none"
    booleans: Annotated[
        Literal["documented", "json", "integer", "string"],
        _switch("The form of booleans in answers: as documented (mixed), true, 1 or '1'.", 6),
    ] = "documented"
    booleans_accepted: Annotated[
        Literal["any", "documented"],
        _switch("Which booleans are accepted: all forms, or only true on POST and 1 on PUT.", 6),
    ] = "any"
    times: Annotated[
        Literal["documented", "object", "iso"],
        _switch("The form of times in answers: as documented (mixed), an object, or ISO 8601.", 7),
    ] = "documented"
    external_id_shown: Annotated[bool, _switch("Whether a list shows `external_id`.", 8)] = True
    put: Annotated[
        Literal["merge", "replace"],
        _switch("Whether PUT keeps the fields that are not sent, or empties them.", 9),
    ] = "merge"
    put_on_deactivated: Annotated[
        NotFoundOrOk, _switch("Whether PUT works on a deactivated user.", 10)
    ] = "not_found"
    user_plans: Annotated[
        Literal["plan_id", "nested", "hidden", "missing"],
        _switch("The form of `user_plans`; `hidden` is an empty list with a count above 0.", 11),
    ] = "plan_id"
    plan_dates: Annotated[
        Literal["date", "datetime", "end_of_day", "iso", "object"],
        _switch("The form of `valid_from` and `valid_to` in answers.", 11),
    ] = "date"
    deactivate_again: Annotated[
        NotFoundOrOk, _switch("The answer to deactivating a deactivated user.", 12)
    ] = "not_found"
    reactivate_again: Annotated[
        NotFoundOrOk, _switch("The answer to reactivating an active user.", 12)
    ] = "not_found"
    force_logout_path: Annotated[
        Literal["table", "example", "both"],
        _switch(
            "The path of force logout: /v1/users (the table), /v1/dashboard/users, or both.", 13
        ),
    ] = "table"
    force_logout_deactivated: Annotated[
        NotFoundOrOk,
        _switch("Whether force logout finds a deactivated user.", 13),
    ] = "not_found"
    force_logout_answer: Annotated[
        Literal["json", "no_content"],
        _switch("The answer of force logout: 200 with JSON, or 204.", 13),
    ] = "json"
    validation_body: Annotated[
        Literal["laravel", "message", "data"],
        _switch("The body of a 422: message and errors, CODE and message, or CODE and data.", 14),
    ] = "laravel"
    rate_limit: Annotated[
        int, Field(ge=0), _switch("Requests for each window; 0 turns the limit off.", 15)
    ] = 100
    rate_limit_window: Annotated[
        float, Field(gt=0), _switch("Length of a window in seconds, from its first request.", 15)
    ] = 60
    retry_after: Annotated[bool, _switch("Whether a 429 carries Retry-After.", 15)] = True
    rate_limit_reset: Annotated[bool, _switch("Whether a 429 carries X-RateLimit-Reset.", 15)] = (
        True
    )
    clock_offset: Annotated[
        int, _switch("Seconds by which the store's clock is ahead (negative: behind).", 15)
    ] = 0
    emails_lowercased: Annotated[
        bool, _switch("Whether addresses are stored in lower case.", 16)
    ] = False
    trailing_slash: Annotated[
        Literal["lenient", "strict"],
        _switch("Whether the undocumented form of a path works, or is redirected.", 17),
    ] = "lenient"
    assign_again: Annotated[
        Literal["new_row", "once"],
        _switch(
            "Whether assigning a plan that the user already holds until that day adds a row.", 18
        ),
    ] = "new_row"
    user_plan_name: Annotated[
        Literal["stored", "ignored", "refused"],
        _switch("What PUT does with `user_plan_name`; `refused` is a 422.", 19),
    ] = "stored"

    password_required: Annotated[bool, _switch("Whether creating a user needs `new_password`.")] = (
        False
    )
    external_id_unique: Annotated[
        bool, _switch("Whether two users may not share an `external_id`.")
    ] = True
    impersonation: Annotated[
        Literal["both", "impersonate", "impersonation_url", "none"],
        _switch("The keys under which a list shows the impersonation link."),
    ] = "both"
    numbers_as_strings: Annotated[
        bool, _switch("Whether ids, limits and counts are strings in answers.")
    ] = False
    forbidden: Annotated[bool, _switch("Whether every request is answered with 403.")] = False
    refuse_writes: Annotated[
        bool, _switch("Whether every write is answered with 423 and recorded as refused.")
    ] = False
    latency: Annotated[int, Field(ge=0), _switch("Milliseconds before each answer.")] = 0


class SwitchError(ValueError):
    """A switch or a value that does not exist."""


@dataclass(frozen=True, slots=True)
class SwitchInfo:
    """One row of the table of switches."""

    name: str
    values: str
    default: str
    variant: int | None
    about: str


def switch_table() -> list[SwitchInfo]:
    """All switches in the order of the API variants."""
    rows = []
    for name, field in Switches.model_fields.items():
        extra: Any = field.json_schema_extra
        rows.append(
            SwitchInfo(
                name=name,
                values=" | ".join(_known_values(name)) or "number",
                default=format_value(field.default),
                variant=extra["variant"],
                about=field.description or "",
            )
        )
    return rows


def change_switches(current: Switches, values: Mapping[str, object]) -> Switches:
    """``current`` with other values for some switches.

    Raises:
        SwitchError: with the nearest known name or the values that the switch accepts.
    """
    for name in values:
        if name not in Switches.model_fields:
            raise SwitchError(
                f"There is no switch {name!r}.{_nearest(name, Switches.model_fields)}"
            )
    try:
        return Switches.model_validate({**current.model_dump(), **values})
    except ValidationError as error:
        raise SwitchError(" ".join(_explain(problem) for problem in error.errors())) from error


def parse_assignments(arguments: Iterable[str]) -> dict[str, object]:
    """The values of ``name=value`` arguments of the command line."""
    values: dict[str, object] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            raise SwitchError(f"{argument!r} is not of the form switch=value.")
        values[name.strip().replace("-", "_")] = value.strip()
    return values


def format_value(value: object) -> str:
    """A value as it is written after ``--set name=``."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def problems_text(error: ValidationError) -> str:
    """The problems that pydantic found, each with the name of its field."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'values'}: {problem['msg']}"
        for problem in error.errors()
    )


def _known_values(name: str) -> list[str]:
    annotation = Switches.model_fields[name].annotation
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return []


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" The nearest is {close[0]!r}." if close else ""


def _explain(problem: Any) -> str:
    name, value = str(problem["loc"][0]), problem["input"]
    known = _known_values(name)
    if not known:
        return f"{name} cannot be {value!r}: {problem['msg']}."
    return f"{name} cannot be {value!r}, only {', '.join(known)}.{_nearest(str(value), known)}"
