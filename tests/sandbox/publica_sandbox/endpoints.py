# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints that create or change one user. ``listing`` has the endpoint that lists users."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from .answers import FORBIDDEN, NO_CONTENT, Answer, Errors, Refusal, invalid, no_user, success
from .database import ENDED, Plan, Session, User, UserPlan, day_of, months_later, store_time
from .database_state import hash_password
from .records import created_record
from .requests import StoreRequest
from .rules import LARGEST_ID, BooleanForms, check_fields
from .switches import Switches

DEFAULTS: dict[str, Any] = {
    "sessions_limit": None,
    "admin": False,
    "plan_admin": False,
    "only_sees_readable": False,
}
ATTRIBUTES = ("external_id", "email", *DEFAULTS)
PASSWORD = ("password_hash", "password_changes")


@dataclass(slots=True)
class Work:
    """One request inside one transaction; ``changed``: whether it changed data."""

    session: Session
    switches: Switches
    request: StoreRequest
    identifier: str = ""
    changed: bool = False

    @property
    def now(self) -> int:
        """The store's time in whole seconds."""
        return int(store_time(self.switches.clock_offset))

    def change(self, user: User, values: dict[str, Any]) -> None:
        """Set attributes. Only values that differ count as a change."""
        differing = {name: value for name, value in values.items() if getattr(user, name) != value}
        if differing:
            self.session.change(user, **differing, updated_at=self.now)
            self.changed = True

    def find_user(self, *, by_external_id: bool = False) -> User:
        """The user that the path identifies, deactivated or not.

        Raises:
            Refusal: with a 404 if there is none.
        """
        user = None
        if self.identifier.isascii() and self.identifier.isdigit():
            number = int(self.identifier[:20])
            user = self.session.get(User, number) if number <= LARGEST_ID else None
        if user is None and by_external_id:
            same = "WHERE external_id = ? ORDER BY id LIMIT 1"
            user = next(iter(self.session.rows(User, same, self.identifier)), None)
        if user is None:
            raise self.not_found()
        return user

    def find_editable_user(self, *, by_external_id: bool = False) -> User:
        """The user of a path that writes.

        Raises:
            Refusal: with a 404 if there is none, with a 403 if the account cannot be edited.
        """
        user = self.find_user(by_external_id=by_external_id)
        if not user.can_be_edited:
            raise Refusal(FORBIDDEN)
        return user

    def not_found(self) -> Refusal:
        return Refusal(no_user(self.identifier))


def create(work: Work) -> Answer:
    """POST /users/"""
    required = {"external_id", "email"}
    if work.switches.password_required:
        required.add("new_password")
    fields = _checked_fields(work, required, documented="json", user=None)
    user = new_user(work.now, **{**DEFAULTS, **_attributes(work, fields)})
    set_password(user, fields.get("new_password"))
    work.session.add(user)
    _assign_plan(work, user, fields, name=None)
    work.changed = True
    return success(created_record(user, work.switches))


def update(work: Work) -> Answer:
    """PUT /users/{id}"""
    user = work.find_editable_user()
    if user.deleted_at is not None and work.switches.put_on_deactivated == "not_found":
        raise work.not_found()
    required = {"external_id", "email", "only_sees_readable"}
    fields = _checked_fields(work, required, documented="integer", user=user)
    values = _attributes(work, fields)
    if work.switches.put == "replace":
        values = {**DEFAULTS, **values}
    work.change(user, values)
    if fields.get("new_password"):
        set_password(user, fields["new_password"])
        stored_password = {name: getattr(user, name) for name in PASSWORD}
        work.session.change(user, **stored_password, updated_at=work.now)
        work.changed = True
    stored = work.switches.user_plan_name == "stored"
    _assign_plan(work, user, fields, name=fields.get("user_plan_name") if stored else None)
    return NO_CONTENT


def deactivate(work: Work) -> Answer:
    """DELETE /users/{id}"""
    user = work.find_editable_user()
    if user.deleted_at is None:
        work.change(user, {"deleted_at": work.now})
    elif work.switches.deactivate_again == "not_found":
        raise work.not_found()
    return success([])


def reactivate(work: Work) -> Answer:
    """PUT /users/{id}/re-activate"""
    user = work.find_editable_user()
    if user.deleted_at is None and work.switches.reactivate_again == "not_found":
        raise work.not_found()
    work.change(user, {"deleted_at": None})
    return success(1)


def force_logout(work: Work) -> Answer:
    """POST /users/{id}/force-logout, where the id may also be the external id, or DELETE
    /auth-sessions/users/{id}.
    """
    user = work.find_editable_user(by_external_id=work.request.method == "POST")
    if user.deleted_at is not None and work.switches.force_logout_deactivated == "not_found":
        raise work.not_found()
    work.session.change(user, open_sessions=0, forced_logouts=user.forced_logouts + 1)
    work.changed = True
    return success([]) if work.switches.force_logout_answer == "json" else NO_CONTENT


def new_user(now: int, **attributes: Any) -> User:
    """A user with the values that the store generates itself."""
    return User(
        uuid=str(uuid.uuid4()),
        impersonation_secret=secrets.token_hex(16),
        created_at=now,
        updated_at=now,
        **{"email_key": email_key(attributes["email"]), **attributes},
    )


def email_key(email: str | None) -> str | None:
    """The form in which an address is unique."""
    return email.casefold() if email is not None else None


def set_password(user: User, password: str | None) -> None:
    """Store a password, if there is one, and count the change for tests."""
    if password:
        user.password_hash = hash_password(password)
        user.password_changes += 1


def _checked_fields(
    work: Work, required: set[str], *, documented: BooleanForms, user: User | None
) -> dict[str, Any]:
    accepted = work.switches.booleans_accepted
    fields, errors = check_fields(
        work.request.fields,
        required=required,
        forms="any" if accepted == "any" else documented,
        external_id_max=work.switches.external_id_max,
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
    if "email" in fields and _taken(work, "email_key", email_key(fields["email"]), own_id):
        errors["email"] = ["The email has already been taken."]
    if (
        "external_id" in fields
        and work.switches.external_id_unique
        and _taken(work, "external_id", fields["external_id"], own_id)
    ):
        errors["external_id"] = ["The external id has already been taken."]
    plan_id = fields.get("assign_new_plan")
    if plan_id is not None and work.session.get(Plan, plan_id) is None:
        errors["assign_new_plan"] = ["The selected assign new plan is invalid."]


def _taken(work: Work, column: str, value: str | None, own_id: int | None) -> bool:
    # Deactivated users count: a soft delete releases neither the address nor the external id.
    holders = work.session.execute(f"SELECT id FROM users WHERE {column} IS ? LIMIT 2", value)
    return any(holder != own_id for (holder,) in holders)


def _attributes(work: Work, fields: dict[str, Any]) -> dict[str, Any]:
    values = {name: fields[name] for name in ATTRIBUTES if name in fields}
    for name, default in DEFAULTS.items():
        if name in values and values[name] is None:
            values[name] = default
    if work.switches.emails_lowercased:
        values["email"] = values["email"].lower()
    values["email_key"] = email_key(values["email"])
    return values


def _assign_plan(work: Work, user: User, fields: dict[str, Any], *, name: str | None) -> None:
    plan_id = fields.get("assign_new_plan")
    if plan_id is None:
        return
    (plan,) = work.session.rows(Plan, "WHERE id = ?", plan_id)
    valid_to = _plan_end(work, plan, fields.get("new_plan_custom_valid_to"))
    if work.switches.assign_again == "once" and _holds(work, user, plan, valid_to):
        return
    work.session.add(
        UserPlan(
            user_id=user.id,
            plan_id=plan_id,
            name=name or plan.name,
            valid_from=day_of(work.now),
            valid_to=valid_to,
        )
    )
    work.changed = True


def _plan_end(work: Work, plan: Plan, given: str | None) -> str | None:
    """The last day of an assignment (20)."""
    switch = work.switches.plan_end
    if switch == "dropped_for_recurring" and plan.type == "recurring":
        return None
    if given and switch != "own":
        return given
    if plan.duration_months is None:
        return None
    return months_later(day_of(work.now), plan.duration_months)


def _holds(work: Work, user: User, plan: Plan, valid_to: str | None) -> bool:
    same = (
        "SELECT 1 FROM user_plans WHERE user_id = ? AND plan_id = ? AND cancelled_at IS NULL"
        f" AND status NOT IN ({', '.join('?' * len(ENDED))}) AND valid_to IS ? LIMIT 1"
    )
    return work.session.scalar(same, user.id, plan.id, *ENDED, valid_to) is not None
