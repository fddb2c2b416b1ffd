# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creating and changing users: the endpoints that take a body."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from .answers import Answer, Errors, Refusal, invalid, no_content, success
from .clock import day_of, moment
from .passwords import hash_password
from .records import created_record
from .rules import BooleanForms, check_fields
from .schema import Plan, User, UserPlan
from .work import Work

ATTRIBUTES = ("external_id", "email", "sessions_limit", "admin", "plan_admin", "only_sees_readable")
EMPTY: dict[str, Any] = {
    "sessions_limit": None,
    "admin": False,
    "plan_admin": False,
    "only_sees_readable": False,
}


def create(work: Work) -> Answer:
    """POST /users/"""
    required = {"external_id", "email"}
    if work.switches.password_required:
        required.add("new_password")
    fields = _checked_fields(work, required, documented="json", user=None)
    user = new_user(work.now, **{**EMPTY, **_attributes(work, fields)})
    set_password(user, fields.get("new_password"))
    work.session.add(user)
    work.session.flush()
    _assign_plan(work, user, fields, name=None)
    work.changed = True
    return success(created_record(user, work.switches))


def update(work: Work) -> Answer:
    """PUT /users/{id}"""
    user = work.named_user()
    if user.deleted_at is not None and work.switches.put_on_deactivated == "not_found":
        raise work.missing()
    required = {"external_id", "email", "only_sees_readable"}
    fields = _checked_fields(work, required, documented="integer", user=user)
    values = _attributes(work, fields)
    if work.switches.put == "replace":
        values = {**EMPTY, **values}
    work.change(user, values)
    if fields.get("new_password"):
        set_password(user, fields["new_password"])
        user.updated_at = work.now
        work.changed = True
    stored = work.switches.user_plan_name == "stored"
    _assign_plan(work, user, fields, name=fields.get("user_plan_name") if stored else None)
    return no_content()


def new_user(now: int, **attributes: Any) -> User:
    """A user with all that the store makes up itself."""
    return User(
        uuid=str(uuid.uuid4()),
        impersonation_secret=secrets.token_hex(16),
        created_at=now,
        updated_at=now,
        **{"email_key": email_key(attributes["email"]), **attributes},
    )


def email_key(email: str) -> str:
    """The form of an address under which it is unique."""
    return email.casefold()


def set_password(user: User, password: str | None) -> None:
    """Store a password, and count that it was set: the count is what tests look at."""
    if password:
        user.password_hash = hash_password(password)
        user.password_changes = (user.password_changes or 0) + 1


def _checked_fields(
    work: Work, required: set[str], *, documented: BooleanForms, user: User | None
) -> dict[str, Any]:
    accepted = work.switches.booleans_accepted
    fields, errors = check_fields(
        work.request.fields,
        required=required,
        forms="any" if accepted == "any" else documented,
    )
    _check_against_store(work, fields, errors, user)
    if user is not None and work.switches.user_plan_name == "refused":
        if fields.get("user_plan_name") is not None:
            errors["user_plan_name"] = ["The user plan name field is not allowed."]
    if errors:
        raise Refusal(invalid(errors, work.switches.validation_body))
    return fields


def _check_against_store(
    work: Work, fields: dict[str, Any], errors: Errors, user: User | None
) -> None:
    own_id = user.id if user is not None else None
    if "email" in fields and _taken(work, User.email_key, email_key(fields["email"]), own_id):
        errors["email"] = ["The email has already been taken."]
    if (
        "external_id" in fields
        and work.switches.external_id_unique
        and _taken(work, User.external_id, fields["external_id"], own_id)
    ):
        errors["external_id"] = ["The external id has already been taken."]
    plan_id = fields.get("assign_new_plan")
    if plan_id is not None and work.session.get(Plan, plan_id) is None:
        errors["assign_new_plan"] = ["The selected assign new plan is invalid."]


def _taken(work: Work, column: Any, value: str, own_id: int | None) -> bool:
    # Deactivated users count: a soft delete frees neither the address nor the external id.
    holders = work.session.scalars(select(User.id).where(column == value).limit(2))
    return any(holder != own_id for holder in holders)


def _attributes(work: Work, fields: dict[str, Any]) -> dict[str, Any]:
    values = {name: fields[name] for name in ATTRIBUTES if name in fields}
    for name, empty in EMPTY.items():
        if name in values and values[name] is None:
            values[name] = empty
    if work.switches.emails_lowercased:
        values["email"] = values["email"].lower()
    values["email_key"] = email_key(values["email"])
    return values


def _assign_plan(work: Work, user: User, fields: dict[str, Any], *, name: str | None) -> None:
    plan_id = fields.get("assign_new_plan")
    if plan_id is None:
        return
    plan = work.session.get_one(Plan, plan_id)
    valid_to = fields.get("new_plan_custom_valid_to") or _own_end(plan, work.now)
    if work.switches.assign_again == "once" and _holds(work, user, plan, valid_to):
        return
    work.session.add(
        UserPlan(
            user_id=user.id,
            plan_id=plan.id,
            name=name or plan.name,
            valid_from=day_of(work.now),
            valid_to=valid_to,
        )
    )
    work.changed = True


def _own_end(plan: Plan, now: int) -> str | None:
    if plan.days is None:
        return None
    return (moment(now) + timedelta(days=plan.days)).date().isoformat()


def _holds(work: Work, user: User, plan: Plan, valid_to: str | None) -> bool:
    same = select(UserPlan.id).where(
        UserPlan.user_id == user.id,
        UserPlan.plan_id == plan.id,
        UserPlan.cancelled_at.is_(None),
        UserPlan.valid_to.is_(valid_to) if valid_to is None else UserPlan.valid_to == valid_to,
    )
    return work.session.scalars(same.limit(1)).first() is not None
