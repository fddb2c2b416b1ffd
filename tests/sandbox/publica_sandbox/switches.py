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
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NotFoundOrOk = Literal["not_found", "ok"]


def _switch(default: object, about: str, variant: int | None = None, **limits: Any) -> Any:
    return Field(default, description=about, json_schema_extra={"variant": variant}, **limits)


class Switches(BaseModel):
    """The behaviour of one store. Immutable: a change makes a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search_match: Literal["substring", "exact"] = _switch(
        "substring", "How `query` is compared with an email address.", 1
    )
    search_case_sensitive: bool = _switch(False, "Whether `query` is compared case-sensitively.", 1)
    search_fields: Literal["email", "email_and_external_id"] = _switch(
        "email", "The fields that `query` is compared with.", 1
    )
    search_finds_deactivated: bool = _switch(
        False, "Whether a search also finds deactivated users.", 2
    )
    list_holds_deactivated: bool = _switch(
        False, "Whether a list without `query` also holds deactivated users.", 3
    )
    empty_result: Literal["page", "not_found"] = _switch(
        "page", "The answer for an empty result: 200 with an empty page, or 404.", 4
    )
    paginator: Literal["bare", "full"] = _switch(
        "bare", "Only `current_page` and `data`, or the framework's full paginator.", 5
    )
    per_page_default: int = _switch(15, "The length of a page if `per_page` is not given.", 5, ge=1)
    per_page_max: int = _switch(
        100, "The longest page; a larger `per_page` is reduced to it.", 5, ge=1
    )
    page_ignored: bool = _switch(
        False, "Whether `page` is ignored, so that every page is the first one.", 5
    )
    list_order: Literal["newest", "oldest"] = _switch(
        "newest", "Whether a list begins with the newest or the oldest user.", 5
    )
    shift_between_pages: Literal["none", "insert", "delete"] = _switch(
        "none", "What happens at the beginning of a list before each page after the first.", 5
    )
    booleans: Literal["documented", "json", "integer", "string"] = _switch(
        "documented", "The form of booleans in answers: as documented (mixed), true, 1 or '1'.", 6
    )
    booleans_accepted: Literal["any", "documented"] = _switch(
        "any", "Which booleans are accepted: all forms, or only true on POST and 1 on PUT.", 6
    )
    times: Literal["documented", "object", "iso"] = _switch(
        "documented",
        "The form of times in answers: as documented (mixed), an object, or ISO 8601.",
        7,
    )
    external_id_shown: bool = _switch(True, "Whether a list shows `external_id`.", 8)
    put: Literal["merge", "replace"] = _switch(
        "merge", "Whether PUT keeps the fields that are not sent, or empties them.", 9
    )
    put_on_deactivated: NotFoundOrOk = _switch(
        "not_found", "Whether PUT works on a deactivated user.", 10
    )
    user_plans: Literal["plan_id", "nested", "hidden", "missing"] = _switch(
        "plan_id", "The form of `user_plans`; `hidden` is an empty list with a count above 0.", 11
    )
    plan_dates: Literal["date", "datetime", "end_of_day", "iso", "object"] = _switch(
        "date", "The form of `valid_from` and `valid_to` in answers.", 11
    )
    deactivate_again: NotFoundOrOk = _switch(
        "not_found", "The answer to deactivating a deactivated user.", 12
    )
    reactivate_again: NotFoundOrOk = _switch(
        "not_found", "The answer to reactivating an active user.", 12
    )
    force_logout_path: Literal["table", "example", "both", "auth_sessions"] = _switch(
        "table",
        "The path of force logout: /v1/users (the table), /v1/dashboard/users, both, or neither: "
        "only /v1/auth-sessions/users, which always works.",
        13,
    )
    force_logout_deactivated: NotFoundOrOk = _switch(
        "not_found", "Whether force logout finds a deactivated user.", 13
    )
    force_logout_answer: Literal["json", "no_content"] = _switch(
        "json", "The answer of force logout: 200 with JSON, or 204.", 13
    )
    validation_body: Literal["laravel", "message", "data"] = _switch(
        "laravel", "The body of a 422: message and errors, CODE and message, or CODE and data.", 14
    )
    rate_limit: int = _switch(100, "Requests for each window; 0 turns the limit off.", 15, ge=0)
    rate_limit_window: float = _switch(
        60, "Length of a window in seconds, from its first request.", 15, gt=0
    )
    retry_after: bool = _switch(True, "Whether a 429 carries Retry-After.", 15)
    clock_offset: int = _switch(
        0, "Seconds by which the store's clock is ahead (negative: behind).", 15
    )
    date_header: bool = _switch(True, "Whether answers carry Date.", 15)
    emails_lowercased: bool = _switch(False, "Whether addresses are stored in lower case.", 16)
    trailing_slash: Literal["both", "with_slash", "without_slash"] = _switch(
        "both",
        "The form of the path that creates a user. Unless both work, every other path has no "
        "slash at its end.",
        17,
    )
    trailing_slash_answer: Literal[
        "redirect", "relative_redirect", "not_found", "method_not_allowed", "redirect_elsewhere"
    ] = _switch(
        "redirect",
        "The answer to the wrong form: 301 with a complete or a relative Location, 404, 405, or "
        "301 to another origin, localhost.",
        17,
    )
    assign_again: Literal["new_row", "once"] = _switch(
        "new_row",
        "Whether assigning a plan that the user already holds until that day adds a row.",
        18,
    )
    user_plan_name: Literal["stored", "ignored", "refused"] = _switch(
        "stored", "What PUT does with `user_plan_name`; `refused` is a 422.", 19
    )
    plan_end: Literal["kept", "dropped_for_recurring", "own"] = _switch(
        "kept",
        "Whether the end given for a plan is stored, not stored for recurring plans, or replaced "
        "by the store's own: the plan's duration, or none.",
        20,
    )
    plan_status: Literal["hidden", "row", "order"] = _switch(
        "hidden", "Whether `user_plans` shows the state of a row: as `status` or in `order`.", 21
    )
    can_be_edited: Literal["shown", "always_true", "missing"] = _switch(
        "shown",
        "What a list shows of an account that answers every write with 403: "
        "`can_be_edited` false, true, or nothing.",
        22,
    )
    writes_forbidden: Literal[
        "none", "create", "update", "deactivate", "reactivate", "force_logout", "all"
    ] = _switch("none", "The writes that the token has no right to: answered with 403.", 22)
    institution_fields: Literal["lists", "null", "missing"] = _switch(
        "lists",
        "`ip_ranges` and `referrers` of an account that has none: empty lists, null, or missing.",
        23,
    )
    anonymized_email: Literal["null", "replaced"] = _switch(
        "null",
        "The address of an anonymized account: null, or one like anonymized-17@example.invalid.",
        24,
    )
    anonymized_shown: bool = _switch(True, "Whether a list shows `anonymized`.", 24)
    rate_limit_reset: Literal["refusals", "always", "never"] = _switch(
        "refusals", "The answers that carry X-RateLimit-Reset: each 429, all, or none.", 25
    )
    list_leaves_out: Literal[
        "none", "admin", "plan_admin", "only_sees_readable", "sessions_limit", "all"
    ] = _switch(
        "none",
        "The fields that a list leaves out; `role` goes with `admin`, `all` is all four.",
        26,
    )
    plans_list: Literal["paginator", "list", "not_found", "forbidden", "empty"] = _switch(
        "paginator",
        "The list of plans: pages like those of users, a plain list under `data`, 404, 403, or "
        "a list without plans.",
        27,
    )
    external_id_max: int = _switch(
        64,
        "The longest `external_id` that POST and PUT accept; a stored one may be longer.",
        28,
        ge=1,
    )

    password_required: bool = _switch(False, "Whether creating a user needs `new_password`.")
    external_id_unique: bool = _switch(True, "Whether two users may not share an `external_id`.")
    impersonation: Literal["both", "impersonate", "impersonation_url", "none"] = _switch(
        "both", "The keys under which a list shows the impersonation link."
    )
    numbers_as_strings: bool = _switch(
        False, "Whether ids, limits and counts are strings in answers."
    )
    forbidden: bool = _switch(False, "Whether every request is answered with 403.")
    refuse_writes: bool = _switch(
        False, "Whether every write is answered with 423 and recorded as refused."
    )
    latency: int = _switch(0, "Milliseconds before each answer.", ge=0)


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
