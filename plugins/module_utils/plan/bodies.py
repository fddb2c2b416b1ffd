# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bodies of the requests that create and update a user (source: the users API page)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..current.user import CurrentUser
from ..desired.user import DesiredUser
from .differences import RIGHTS


def create_body(desired: DesiredUser) -> dict[str, Any]:
    """The body of a creation. Booleans are true or false here, and 1 or 0 in an update."""
    body: dict[str, Any] = {"email": desired.email, "external_id": desired.external_id}
    if desired.password is not None:
        body["new_password"] = desired.password
    if desired.sessions_limit is not None:
        body["sessions_limit"] = desired.sessions_limit or None
    for name in RIGHTS:
        if getattr(desired, name) is not None:
            body[name] = getattr(desired, name)
    if desired.plan_id is not None:
        body.update(plan_fields(desired))
    return body


def update_body(
    desired: DesiredUser,
    current: CurrentUser,
    different: Mapping[str, Any],
    *,
    set_password: bool,
    assign_plan: bool,
) -> dict[str, Any]:
    """The whole record, current values under the different ones (choice 9)."""
    external_id = current.external_id if current.tells_external_id else desired.external_id
    record = {
        "email": current.email,
        "external_id": external_id,
        **{name: getattr(current, name) for name in RIGHTS},
        "sessions_limit": current.sessions_limit,
        **different,
    }
    body: dict[str, Any] = {
        "email": record["email"],
        "external_id": record["external_id"],
        "sessions_limit": record["sessions_limit"] or None,
    }
    for name in RIGHTS:
        # A right that neither the store tells nor the task wants is not made up.
        if record[name] is not None:
            body[name] = int(record[name])
    if set_password:
        body["new_password"] = desired.password
    if assign_plan:
        body.update(plan_fields(desired))
    return body


def plan_fields(desired: DesiredUser) -> dict[str, Any]:
    """The fields that assign a plan; its name goes beside an assignment only (choice 19)."""
    fields: dict[str, Any] = {"assign_new_plan": desired.plan_id}
    if desired.plan_valid_to is not None:
        fields["new_plan_custom_valid_to"] = desired.plan_valid_to
    if desired.user_plan_name is not None:
        fields["user_plan_name"] = desired.user_plan_name
    return fields
