# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every switch of the sandbox store, as one typed model.

A number in ``choice`` is a place where the documents leave the behaviour of a store open; the
values of the switch are the readings. Defaults are the readings closest to the documentation.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SeenOrMissing = Literal["not_found", "ok"]


def _switch(about: str, choice: int | None = None) -> Any:
    """The metadata of one switch: what it does, and which open choice it is a reading of."""
    return Field(description=about, json_schema_extra={"choice": choice})


class Switches(BaseModel):
    """The behaviour of one store. Immutable: a change makes a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search_match: Annotated[
        Literal["substring", "exact"],
        _switch("How `query` is compared with an address.", 1),
    ] = "substring"
    search_case_sensitive: Annotated[
        bool, _switch("Whether `query` is compared letter by letter, case included.", 1)
    ] = False
    search_fields: Annotated[
        Literal["email", "email_and_external_id"],
        _switch("What `query` looks at; with the second value strangers turn up, too.", 1),
    ] = "email"
    search_finds_deactivated: Annotated[
        bool, _switch("Whether a search also finds deactivated users.", 2)
    ] = False
    list_holds_deactivated: Annotated[
        bool, _switch("Whether a list without `query` also holds deactivated users.", 3)
    ] = False
    empty_result: Annotated[
        Literal["page", "not_found"],
        _switch("What an empty result is: 200 with an empty page, or 404.", 4),
    ] = "page"
    paginator: Annotated[
        Literal["bare", "full"],
        _switch("Only `current_page` and `data`, or the framework's full paginator.", 5),
    ] = "bare"
    per_page_default: Annotated[
        int, Field(ge=1), _switch("The length of a page when none is asked for.", 5)
    ] = 15
    per_page_max: Annotated[
        int, Field(ge=1), _switch("The longest page; a larger `per_page` is cut down to it.", 5)
    ] = 100
    page_ignored: Annotated[
        bool, _switch("Whether every page is the first one, whatever `page` says.", 5)
    ] = False
    list_order: Annotated[
        Literal["newest", "oldest"], _switch("Which user a list begins with.", 5)
    ] = "newest"
    shift_between_pages: Annotated[
        Literal["none", "insert", "delete"],
        _switch("What happens at the head of a list before each page after the first.", 5),
    ] = "none"
    booleans: Annotated[
        Literal["documented", "json", "integer", "string"],
        _switch(
            "How booleans are answered: as in the documented examples (mixed), true, 1 or '1'.", 6
        ),
    ] = "documented"
    booleans_accepted: Annotated[
        Literal["any", "documented"],
        _switch("Which booleans are taken: all forms, or true on POST and 1 on PUT only.", 6),
    ] = "any"
    times: Annotated[
        Literal["documented", "object", "iso"],
        _switch("How times are answered: as documented (mixed), an object, or ISO 8601.", 7),
    ] = "documented"
    external_id_shown: Annotated[bool, _switch("Whether a list shows `external_id`.", 8)] = True
    put: Annotated[
        Literal["merge", "replace"],
        _switch("Whether PUT leaves what is not sent as it is, or empties it.", 9),
    ] = "merge"
    put_on_deactivated: Annotated[
        Literal["not_found", "ok"], _switch("Whether PUT works on a deactivated user.", 10)
    ] = "not_found"
    user_plans: Annotated[
        Literal["plan_id", "nested", "hidden", "missing"],
        _switch("The shape of `user_plans`; `hidden` is an empty list beside a count above 0.", 11),
    ] = "plan_id"
    plan_dates: Annotated[
        Literal["date", "datetime", "end_of_day", "iso", "object"],
        _switch("How `valid_from` and `valid_to` are answered.", 11),
    ] = "date"
    deactivate_again: Annotated[
        SeenOrMissing, _switch("The answer to deactivating a deactivated user.", 12)
    ] = "not_found"
    reactivate_again: Annotated[
        SeenOrMissing, _switch("The answer to reactivating an active user.", 12)
    ] = "not_found"
    force_logout_path: Annotated[
        Literal["table", "example", "both"],
        _switch("Where force logout is: /v1/users (the table), /v1/dashboard/users, both.", 13),
    ] = "table"
    force_logout_deactivated: Annotated[
        Literal["not_found", "ok"],
        _switch("Whether force logout finds a deactivated user.", 13),
    ] = "not_found"
    force_logout_answer: Annotated[
        Literal["json", "no_content"],
        _switch("What force logout answers: 200 with JSON, or 204.", 13),
    ] = "json"
    validation_body: Annotated[
        Literal["laravel", "message", "data"],
        _switch("The body of a 422: message and errors, CODE and message, or CODE and data.", 14),
    ] = "laravel"
    rate_limit: Annotated[
        int, Field(ge=0), _switch("Requests a window may hold; 0 turns the limit off.", 15)
    ] = 100
    rate_limit_window: Annotated[
        float, Field(gt=0), _switch("Seconds of a window, from its first request on.", 15)
    ] = 60
    retry_after: Annotated[bool, _switch("Whether a 429 carries Retry-After.", 15)] = True
    rate_limit_reset: Annotated[bool, _switch("Whether a 429 carries X-RateLimit-Reset.", 15)] = (
        True
    )
    clock_offset: Annotated[
        int, _switch("Seconds by which the store's clock is ahead (below 0: behind).", 15)
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
        _switch("Whether assigning a plan that the user holds until that day adds a row.", 18),
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
        _switch("Under which keys a list shows the impersonation link."),
    ] = "both"
    numbers_as_strings: Annotated[
        bool, _switch("Whether ids, limits and counts are answered as strings.")
    ] = False
    forbidden: Annotated[bool, _switch("Whether every request is answered 403.")] = False
    refuse_writes: Annotated[
        bool, _switch("Whether every write is answered 423 and journaled as refused.")
    ] = False
    latency: Annotated[int, Field(ge=0), _switch("Milliseconds before each answer.")] = 0
