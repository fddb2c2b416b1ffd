# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planner: desired and current users in, the plan of the run out.

Pure functions, the same for one user and for many. The date of the run is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import PublicaError
from ..input.options import ABSENT, ACTIVE, ALWAYS, DesiredUser, address_key
from ..store.user import CurrentUser, HeldPlan, UserIndex
from .matching import Match, describe, match_users
from .model import (
    ASSIGN_PLAN,
    CREATE,
    DEACTIVATE,
    FORCE_LOGOUT,
    REACTIVATE,
    SET_PASSWORD,
    UPDATE,
    LabelledWarning,
    Plan,
    Step,
    UserChange,
)
from .ordering import with_order

RIGHTS = ("admin", "plan_admin", "only_sees_readable")

# Changes that ``force_logout`` follows with a logout.
ENDS_SESSIONS = frozenset((*RIGHTS, "sessions_limit"))

_LEFT_DEACTIVATED = "is deactivated and stays so; set state: active to reactivate the user"
_PLANS_UNKNOWN = (
    "the store does not return the user's plans, so no plan was assigned; a second assignment "
    "would add the plan twice"
)


def plan_users(desired: Sequence[DesiredUser], index: UserIndex, today: str) -> Plan:
    """The plan that brings the current users to the desired state.

    :param index: all current users that the desired ones are compared with.
    :param today: the date in UTC, ``YYYY-MM-DD``.
    """
    matches = match_users(desired, index)
    changes = [
        plan_user(position, user, match, today)
        for position, (user, match) in enumerate(zip(desired, matches))
    ]
    return Plan(with_order(changes, index))


def plan_user(position: int, desired: DesiredUser, match: Match, today: str) -> UserChange:
    """The change of the desired user at this position, regardless of the other users."""
    if isinstance(match, PublicaError):
        return UserChange(position, desired, error=match)
    if desired.state == ABSENT:
        return plan_absence(position, desired, match)
    if match is None:
        return _plan_creation(position, desired)
    return _plan_update(position, desired, match, today)


def plan_absence(position: int, desired: DesiredUser, current: CurrentUser | None) -> UserChange:
    """The change of a user who must not be active."""
    if current is None or not current.active:
        return UserChange(position, desired, current, after=current)
    steps = [Step(DEACTIVATE, (DEACTIVATE,))]
    if desired.force_logout:
        # First, since a store may not find a deactivated user. A failure must not keep the user
        # active.
        steps.insert(0, Step(FORCE_LOGOUT, (FORCE_LOGOUT,), may_fail=True))
    return UserChange(
        position, desired, current, tuple(steps), after=replace(current, active=False)
    )


def _plan_creation(position: int, desired: DesiredUser) -> UserChange:
    missing = [name for name in ("email", "external_id") if getattr(desired, name) is None]
    if missing:
        names = " and ".join(missing)
        error = PublicaError(
            "incomplete",
            f"The store has no user {desired.label}, and {names} is missing to create the user. "
            f"Give {names}, or correct the key if the user should exist.",
            fields={name: ["is required to create a user"] for name in missing},
        )
        return UserChange(position, desired, error=error)
    step = Step(
        CREATE,
        (CREATE,),
        create_body(desired),
        generates_password=desired.generate_password and desired.password is None,
    )
    return UserChange(position, desired, None, (step,), after=_after_creation(desired))


def _plan_update(
    position: int, desired: DesiredUser, current: CurrentUser, today: str
) -> UserChange:
    different = different_attributes(desired, current)
    set_password = desired.password is not None and desired.update_password == ALWAYS
    is_held = holds_plan(desired, current, today) if desired.plan_id is not None else True
    assign_plan = is_held is False
    steps: list[Step] = []
    after = current
    if desired.state == ACTIVE and not current.active:
        # First, since an update may not find a deactivated user (variant 10).
        steps.append(Step(REACTIVATE, (REACTIVATE,)))
        after = replace(after, active=True, deactivated_at=None)

    parts = ((UPDATE, different), (SET_PASSWORD, set_password), (ASSIGN_PLAN, assign_plan))
    actions = tuple(action for action, is_needed in parts if is_needed)
    if actions:
        if desired.external_id is None and current.external_id is None:
            return UserChange(position, desired, current, error=_external_id_missing(current))
        body = update_body(
            desired, current, different, set_password=set_password, assign_plan=assign_plan
        )
        steps.append(Step(UPDATE, actions, body))
        after = _after_update(after, different, desired if assign_plan else None)
    ends_sessions = set_password or not ENDS_SESSIONS.isdisjoint(different)
    if desired.force_logout and ends_sessions and after.active:
        steps.append(Step(FORCE_LOGOUT, (FORCE_LOGOUT,)))

    warnings = []
    if not current.active and desired.state != ACTIVE:
        warnings.append(LabelledWarning(current.email, _LEFT_DEACTIVATED))
    if is_held is None:
        warnings.append(LabelledWarning(current.email, _PLANS_UNKNOWN))
    return UserChange(
        position, desired, current, tuple(steps), after=after, warnings=tuple(warnings)
    )


def different_attributes(desired: DesiredUser, current: CurrentUser) -> dict[str, Any]:
    """The attributes to change, with their desired values (``sessions_limit`` 0: no limit)."""
    different: dict[str, Any] = {}
    if desired.email is not None and address_key(desired.email) != address_key(current.email):
        different["email"] = desired.email
    if (
        desired.external_id is not None
        and current.returns_external_id
        and desired.external_id != current.external_id
    ):
        different["external_id"] = desired.external_id
    if desired.sessions_limit not in (None, current.sessions_limit or 0):
        different["sessions_limit"] = desired.sessions_limit
    for name in RIGHTS:
        value = getattr(desired, name)
        if value is not None and value != getattr(current, name):
            different[name] = value
    return different


def holds_plan(desired: DesiredUser, current: CurrentUser, today: str) -> bool | None:
    """Whether the user holds the desired plan, with the desired end if one is given.

    :param today: the date in UTC as ``YYYY-MM-DD``; a plan that ended before is not held.
    :returns: None if the store does not return the user's plans (variant 11).
    """
    if current.plans is None:
        return None
    return any(_is_desired_plan(plan, desired, today) for plan in current.plans)


def _is_desired_plan(plan: HeldPlan, desired: DesiredUser, today: str) -> bool:
    if plan.plan_id != desired.plan_id or plan.cancelled:
        return False
    if desired.plan_valid_to is not None:
        return desired.plan_valid_to in plan.end_days
    return plan.is_held_on(today)


def create_body(desired: DesiredUser) -> dict[str, Any]:
    """The body of a creation, with booleans as true or false (an update has 1 or 0)."""
    body: dict[str, Any] = {"email": desired.email, "external_id": desired.external_id}
    if desired.password is not None:
        body["new_password"] = desired.password
    if desired.sessions_limit is not None:
        body["sessions_limit"] = desired.sessions_limit or None
    for name in RIGHTS:
        if getattr(desired, name) is not None:
            body[name] = getattr(desired, name)
    if desired.plan_id is not None:
        body.update(_plan_fields(desired))
    return body


def update_body(
    desired: DesiredUser,
    current: CurrentUser,
    different: Mapping[str, Any],
    *,
    set_password: bool,
    assign_plan: bool,
) -> dict[str, Any]:
    """The body of an update: the complete record, desired values over current ones (variant 9)."""
    external_id = current.external_id if current.returns_external_id else desired.external_id
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
        # A right that the store does not return and the task does not give is not guessed.
        if record[name] is not None:
            body[name] = int(record[name])
    if set_password:
        body["new_password"] = desired.password
    if assign_plan:
        body.update(_plan_fields(desired))
    return body


def _plan_fields(desired: DesiredUser) -> dict[str, Any]:
    """The fields that assign a plan; its name is sent only with an assignment (variant 19)."""
    fields: dict[str, Any] = {"assign_new_plan": desired.plan_id}
    if desired.plan_valid_to is not None:
        fields["new_plan_custom_valid_to"] = desired.plan_valid_to
    if desired.user_plan_name is not None:
        fields["user_plan_name"] = desired.user_plan_name
    return fields


def _external_id_missing(current: CurrentUser) -> PublicaError:
    reason = (
        "the user has none at the store"
        if current.returns_external_id
        else "this store does not return it"
    )
    return PublicaError(
        "incomplete",
        f"{describe(current)} can't be changed: the API requires the external_id, and {reason}. "
        "Give external_id.",
        fields={"external_id": ["is required to change this user"]},
    )


def _after_creation(desired: DesiredUser) -> CurrentUser:
    """The user after a creation; the id is 0 until the store has chosen one."""
    return CurrentUser(
        id=0,
        email=desired.email or "",
        active=True,
        external_id=desired.external_id,
        sessions_limit=desired.sessions_limit or None,
        admin=bool(desired.admin),
        plan_admin=bool(desired.plan_admin),
        only_sees_readable=desired.only_sees_readable,
        plans=() if desired.plan_id is None else (_assigned_plan(desired),),
    )


def _after_update(
    current: CurrentUser, different: Mapping[str, Any], assigned: DesiredUser | None
) -> CurrentUser:
    attributes = dict(different)
    if "sessions_limit" in attributes:
        attributes["sessions_limit"] = attributes["sessions_limit"] or None
    if assigned is not None:
        attributes["plans"] = (*(current.plans or ()), _assigned_plan(assigned))
    return replace(current, **attributes)


def _assigned_plan(desired: DesiredUser) -> HeldPlan:
    return HeldPlan(
        plan_id=desired.plan_id,
        name=desired.user_plan_name,
        valid_to=desired.plan_valid_to,
        end_days=frozenset(filter(None, [desired.plan_valid_to])),
    )
