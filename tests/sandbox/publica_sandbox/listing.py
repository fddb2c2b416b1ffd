# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint that lists and searches users, page by page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, String, case, cast, func, or_, select
from sqlalchemy.orm import selectinload
from sqlalchemy.sql.base import ExecutableOption

from .answers import Answer, Refusal, no_user, success
from .database import User
from .endpoints import DEFAULTS, Work, new_user
from .records import REPLACED_EMAIL, listed_record
from .requests import StoreRequest
from .rules import LARGEST_ID
from .switches import Switches

Row = TypeVar("Row")


def list_users(work: Work) -> Answer:
    """GET /users"""
    switches, parameters = work.switches, work.request.parameters
    if positive(parameters.get("page"), 1) > 1:
        _shift(work)
    selected = select(User).where(*_conditions(parameters.get("query", "").strip(), switches))
    base_url = work.request.base_url
    return page_of(
        work,
        selected,
        User.id,
        lambda user: listed_record(user, switches, base_url),
        none=no_user(),
        options=[selectinload(User.plans)],
    )


def page_of(
    work: Work,
    selected: Select[Row],
    row_id: Any,
    record: Callable[[Row], dict[str, Any]],
    *,
    none: Answer,
    options: Sequence[ExecutableOption] = (),
) -> Answer:
    """One page of a list.

    Args:
        work: The request.
        selected: The rows of all pages.
        row_id: The column of their ids.
        record: The record of a row.
        none: The 404 for a page without rows.
        options: What to load with the rows.
    """
    switches = work.switches
    parameters = work.request.parameters
    page = 1 if switches.page_ignored else positive(parameters.get("page"), 1)
    per_page = positive(parameters.get("per_page"), switches.per_page_default)
    per_page = min(per_page, switches.per_page_max)
    order = row_id.desc() if switches.list_order == "newest" else row_id
    offset = min((page - 1) * per_page, LARGEST_ID)
    wanted = selected.order_by(order).limit(per_page).offset(offset).options(*options)
    rows = work.session.scalars(wanted).all()
    if not rows and switches.empty_result == "not_found":
        raise Refusal(none)
    data = [record(row) for row in rows]
    paginator: dict[str, Any] = {"current_page": page, "data": data}
    if switches.paginator == "full":
        total = work.session.scalar(selected.with_only_columns(func.count(row_id))) or 0
        paginator |= _full_paginator(work.request, page, per_page, total, shown=len(data))
    return success({"paginator": paginator})


def _conditions(query: str, switches: Switches) -> list[ColumnElement[bool]]:
    active = User.deleted_at.is_(None)
    if query == "deactivated":
        return [User.deleted_at.is_not(None)]
    if query == "admins":
        return [User.admin.is_(True), *([] if switches.list_holds_deactivated else [active])]
    if not query:
        return [] if switches.list_holds_deactivated else [active]
    return [_search(query, switches), *([] if switches.search_finds_deactivated else [active])]


def _search(query: str, switches: Switches) -> ColumnElement[bool]:
    email: Any = User.email if switches.search_case_sensitive else User.email_key
    if switches.anonymized_email == "replaced":
        before, after = REPLACED_EMAIL.split("{}")
        replaced = before + cast(User.id, String) + after
        email = case((User.anonymized & User.email.is_(None), replaced), else_=email)
    text = query if switches.search_case_sensitive else query.casefold()
    fields = [email]
    if switches.search_fields == "email_and_external_id":
        fields.append(User.external_id)
    hits = or_(*(_matches(field, text, switches) for field in fields))
    # A query for ids only lets SQLite read the narrow index instead of complete rows.
    return User.id.in_(select(User.id).where(hits))


def _matches(field: Any, text: str, switches: Switches) -> ColumnElement[bool]:
    if switches.search_match == "exact":
        # The column has the type Any, so the comparison has it too.
        return field == text  # type: ignore[no-any-return]
    return func.instr(field, text) > 0


def positive(text: str | None, default: int) -> int:
    """A number from the query string. As in the framework, an invalid one counts as not given."""
    if text and text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0:
        return int(text)
    return default


def _shift(work: Work) -> None:
    """Change the beginning of the list, as another client might between two pages."""
    mode = work.switches.shift_between_pages
    if mode == "insert":
        newest = work.session.scalar(select(func.max(User.id))) or 0
        name = f"shifted-{newest + 1}"
        user = new_user(work.now, email=f"{name}@readers.example", external_id=name, **DEFAULTS)
        work.session.add(user)
        work.session.flush()
    elif mode == "delete":
        order = User.id.desc() if work.switches.list_order == "newest" else User.id
        first = select(User).where(User.deleted_at.is_(None), ~User.admin).order_by(order).limit(1)
        head = work.session.scalars(first).first()
        if head is not None:
            head.deleted_at = head.updated_at = work.now
            work.session.flush()


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
