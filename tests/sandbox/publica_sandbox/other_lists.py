# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints that list plans and open sessions."""

from __future__ import annotations

from itertools import islice
from typing import Any

from .answers import FORBIDDEN, NO_ROUTE, Answer, json_answer, no_plan, success
from .database import Plan, User
from .endpoints import Work
from .listing import page_of, positive
from .records import plan_record, session_record

SESSIONS_PER_PAGE, MOST_SESSIONS_PER_PAGE = 100, 200


def list_plans(work: Work) -> Answer:
    """GET /dashboard/plans (27)"""
    switches = work.switches
    if switches.plans_list == "not_found":
        return NO_ROUTE
    if switches.plans_list == "forbidden":
        return FORBIDDEN
    condition, values = "listed", []
    if switches.plans_list == "empty":
        condition += " AND id IS NULL"
    if query := work.request.parameters.get("query", "").strip():
        condition += " AND instr(lower(name), ?) > 0"
        values.append(query.lower())
    if switches.plans_list == "list":
        plans = work.session.rows(Plan, f"WHERE {condition} ORDER BY id", *values)
        return success([plan_record(plan, switches) for plan in plans])

    def records(plans: list[Plan]) -> list[dict[str, Any]]:
        return [plan_record(plan, switches) for plan in plans]

    return page_of(work, Plan, condition, values, records, none=no_plan())


def list_sessions(work: Work) -> Answer:
    """GET /auth-sessions, filtered by a user's id or external id; the cursor is an offset."""
    parameters = work.request.parameters
    conditions, values = "open_sessions > 0", list[object]()
    if "user_id" in parameters:
        conditions += " AND id = ?"
        values.append(positive(parameters["user_id"], 0))
    if "external_id" in parameters:
        conditions += " AND external_id = ?"
        values.append(parameters["external_id"])
    per_page = positive(parameters.get("per_page"), SESSIONS_PER_PAGE)
    per_page = min(per_page, MOST_SESSIONS_PER_PAGE)
    first = positive(parameters.get("cursor"), 0)
    users = work.session.rows(User, f"WHERE {conditions} ORDER BY id", *values)
    records = (
        session_record(user, place) for user in users for place in range(1, user.open_sessions + 1)
    )
    found = list(islice(records, first, first + per_page + 1))
    more = len(found) > per_page
    pagination = {
        "per_page": per_page,
        "next_cursor": str(first + per_page) if more else None,
        "has_more": more,
    }
    payload = {"CODE": "success", "data": found[:per_page], "pagination": pagination}
    return json_answer(200, payload)
