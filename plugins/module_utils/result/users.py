# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user in a result: one normal form, which no secret and no impersonation link ever enters."""

from __future__ import annotations

from typing import Any

from ..current.user import CurrentUser, HeldPlan


def normal_form(user: CurrentUser) -> dict[str, Any]:
    """A user as every module returns it. Times are ISO 8601 in UTC; None where not known."""
    return {
        "id": user.id or None,
        "uuid": user.uuid,
        "external_id": user.external_id,
        "email": user.email,
        "active": user.active,
        "admin": user.admin,
        "plan_admin": user.plan_admin,
        "only_sees_readable": user.only_sees_readable,
        "sessions_limit": user.sessions_limit,
        "plans": None if user.plans is None else [_plan(plan) for plan in user.plans],
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "deactivated_at": user.deactivated_at,
        **user.counters,
    }


def _plan(plan: HeldPlan) -> dict[str, Any]:
    return {
        "plan_id": plan.plan_id,
        "name": plan.name,
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "cancelled": plan.cancelled,
    }
