# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints that list plans and open sessions."""

from __future__ import annotations

from itertools import islice

from sqlalchemy import func, select

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
    selected = select(Plan).where(Plan.listed)
    if switches.plans_list == "empty":
        selected = selected.where(Plan.id.is_(None))
    if query := work.request.parameters.get("query", "").strip():
        selected = selected.where(func.instr(func.lower(Plan.name), query.lower()) > 0)
    if switches.plans_list == "list":
        plans = work.session.scalars(selected.order_by(Plan.id))
        return success([plan_record(plan, switches) for plan in plans])
    return page_of(
        work, selected, Plan.id, lambda plan: plan_record(plan, switches), none=no_plan()
    )


def list_sessions(work: Work) -> Answer:
    """GET /auth-sessions, filtered by a user's id or external id; the cursor is an offset."""
    parameters = work.request.parameters
    selected = select(User).where(User.open_sessions > 0).order_by(User.id)
    if "user_id" in parameters:
        selected = selected.where(User.id == positive(parameters["user_id"], 0))
    if "external_id" in parameters:
        selected = selected.where(User.external_id == parameters["external_id"])
    per_page = positive(parameters.get("per_page"), SESSIONS_PER_PAGE)
    per_page = min(per_page, MOST_SESSIONS_PER_PAGE)
    first = positive(parameters.get("cursor"), 0)
    users = work.session.scalars(selected)
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
