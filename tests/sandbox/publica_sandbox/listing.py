# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint that lists and searches users, page by page."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from .answers import Answer, Refusal, no_user, success
from .database import TABLES, Kind, Session, User, UserPlan
from .endpoints import DEFAULTS, Work, new_user
from .records import REPLACED_EMAIL, listed_record
from .requests import StoreRequest
from .rules import LARGEST_ID
from .switches import Switches


def list_users(work: Work) -> Answer:
    """GET /users"""
    switches, parameters = work.switches, work.request.parameters
    if positive(parameters.get("page"), 1) > 1:
        _shift(work)
    condition, values = _condition(parameters.get("query", "").strip(), switches)

    def records(users: list[User]) -> list[dict[str, Any]]:
        _load_plans(work.session, users)
        return [listed_record(user, switches, work.request.base_url) for user in users]

    return page_of(work, User, condition, values, records, none=no_user())


def _load_plans(session: Session, users: list[User]) -> None:
    by_id = {user.id: user for user in users}
    ids = json.dumps(list(by_id))
    assignments = session.rows(
        UserPlan, "WHERE user_id IN (SELECT value FROM json_each(?)) ORDER BY id", ids
    )
    if assignments:
        names = dict(session.execute("SELECT id, name FROM plans").fetchall())
        for row in assignments:
            by_id[row.user_id].plans.append((row, names.get(row.plan_id, "")))


def page_of(
    work: Work,
    kind: type[Kind],
    condition: str,
    values: Sequence[object],
    records: Callable[[list[Kind]], list[dict[str, Any]]],
    *,
    none: Answer,
) -> Answer:
    """One page of a list.

    Args:
        work: The request.
        kind: The rows.
        condition: Which of them the pages have, in SQL.
        values: The values of the condition.
        records: Returns the records of rows.
        none: The 404 for a page without rows.
    """
    switches = work.switches
    parameters = work.request.parameters
    page = 1 if switches.page_ignored else positive(parameters.get("page"), 1)
    per_page = positive(parameters.get("per_page"), switches.per_page_default)
    per_page = min(per_page, switches.per_page_max)
    order = "id DESC" if switches.list_order == "newest" else "id"
    offset = min((page - 1) * per_page, LARGEST_ID)
    page_alone = f"WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = work.session.rows(kind, page_alone, *values, per_page, offset)
    if not rows and switches.empty_result == "not_found":
        raise Refusal(none)
    data = records(rows)
    paginator: dict[str, Any] = {"current_page": page, "data": data}
    if switches.paginator == "full":
        count = f"SELECT count(*) FROM {TABLES[kind]} WHERE {condition}"
        total = work.session.scalar(count, *values)
        paginator |= _full_paginator(work.request, page, per_page, total, shown=len(data))
    return success({"paginator": paginator})


def _condition(query: str, switches: Switches) -> tuple[str, list[object]]:
    """The condition for the users of a list in SQL, and its values."""
    if query == "deactivated":
        return "deleted_at IS NOT NULL", []
    if query == "admins":
        return "admin" if switches.list_holds_deactivated else "admin AND deleted_at IS NULL", []
    if not query:
        return "1" if switches.list_holds_deactivated else "deleted_at IS NULL", []
    condition, values = _search(query, switches)
    active = "" if switches.search_finds_deactivated else " AND deleted_at IS NULL"
    return f"{condition}{active}", values


def _search(query: str, switches: Switches) -> tuple[str, list[object]]:
    email = "email" if switches.search_case_sensitive else "email_key"
    values: list[object] = []
    if switches.anonymized_email == "replaced":
        before, after = REPLACED_EMAIL.split("{}")
        email = f"CASE WHEN anonymized AND email IS NULL THEN ? || id || ? ELSE {email} END"
        values += [before, after]
    text = query if switches.search_case_sensitive else query.casefold()
    fields = [email]
    if switches.search_fields == "email_and_external_id":
        fields.append("external_id")
    test = "{} = ?" if switches.search_match == "exact" else "instr({}, ?) > 0"
    hits = " OR ".join(test.format(field) for field in fields)
    # A query for ids only lets SQLite read the narrow index instead of complete rows.
    return f"id IN (SELECT id FROM users WHERE {hits})", [*values, *[text] * len(fields)]


def positive(text: str | None, default: int) -> int:
    """A number from the query string. As in the framework, an invalid one counts as not given."""
    if text and text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0:
        return int(text)
    return default


def _shift(work: Work) -> None:
    """Change the beginning of the list, as another client might between two pages."""
    mode = work.switches.shift_between_pages
    if mode == "insert":
        newest = work.session.scalar("SELECT max(id) FROM users") or 0
        name = f"shifted-{newest + 1}"
        user = new_user(work.now, email=f"{name}@readers.example", external_id=name, **DEFAULTS)
        work.session.add(user)
    elif mode == "delete":
        order = "id DESC" if work.switches.list_order == "newest" else "id"
        first = f"WHERE deleted_at IS NULL AND NOT admin ORDER BY {order} LIMIT 1"
        for head in work.session.rows(User, first):
            work.session.change(head, deleted_at=work.now, updated_at=work.now)


def _full_paginator(
    request: StoreRequest, page: int, per_page: int, total: int, *, shown: int
) -> dict[str, Any]:
    path = f"{request.base_url}{request.path}"
    last = max(1, math.ceil(total / per_page))

    def link(number: int) -> str:
        return f"{path}?{urlencode({**request.parameters, 'page': number})}"

    before = (page - 1) * per_page
    return {
        "first_page_url": link(1),
        "from": before + 1 if shown else None,
        "last_page": last,
        "last_page_url": link(last),
        "next_page_url": link(page + 1) if page < last else None,
        "path": path,
        "per_page": per_page,
        "prev_page_url": link(page - 1) if page > 1 else None,
        "to": before + shown if shown else None,
        "total": total,
    }
