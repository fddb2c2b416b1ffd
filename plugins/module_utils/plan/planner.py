# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(desired, current) to plan: a pure function, for one user and for many the same.

No I/O, no clock, no chance: what day it is comes in as an argument.
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
    Plan,
    Step,
    UserPlan,
    Warned,
)
from .ordering import with_order

RIGHTS = ("admin", "plan_admin", "only_sees_readable")


def different_attributes(desired: DesiredUser, current: CurrentUser) -> dict[str, Any]:
    """The attributes to change, by name, with the value wanted (``sessions_limit`` 0: no limit)."""
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
        wanted = getattr(desired, name)
        if wanted is not None and wanted != getattr(current, name):
            different[name] = wanted
    return different


def holds_plan(desired: DesiredUser, current: CurrentUser, today: str) -> bool | None:
    """Whether the user holds the desired plan, with the desired end date if one is given.

    :param today: the date in UTC as ``YYYY-MM-DD``; a plan that ended before is held no more.
    :returns: None where the store does not tell which plans the user holds (choice 11).
    """
    if current.plans is None:
        return None
    return any(_is_held(plan, desired, today) for plan in current.plans)


def _is_held(plan: HeldPlan, desired: DesiredUser, today: str) -> bool:
    if plan.plan_id != desired.plan_id or plan.cancelled:
        return False
    if desired.plan_valid_to is not None:
        return desired.plan_valid_to in plan.end_days
    return not plan.end_days or max(plan.end_days) >= today


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


# Changes that a user's open sessions must not outlive, where ``force_logout`` asks for it.
ENDS_SESSIONS = frozenset((*RIGHTS, "sessions_limit"))


def plan_users(desired: Sequence[DesiredUser], index: UserIndex, today: str) -> Plan:
    """The plan that brings the current users to the desired state.

    :param index: the current users, all that the desired ones have to be compared with.
    :param today: the date in UTC, ``YYYY-MM-DD``.
    """
    matches = match_users(desired, index)
    plans = [
        plan_user(number, user, match, today)
        for number, (user, match) in enumerate(zip(desired, matches))
    ]
    return Plan(with_order(plans, index))


def plan_user(number: int, desired: DesiredUser, match: Match, today: str) -> UserPlan:
    """The plan for the desired user number ``number``, without an eye to the other ones."""
    current = match.current
    if match.error is not None:
        return UserPlan(number, desired, error=match.error)
    if desired.state == ABSENT:
        return plan_absence(number, desired, current)
    if current is None:
        return _plan_creation(number, desired)
    return _plan_change(number, desired, current, today)


def plan_absence(number: int, desired: DesiredUser, current: CurrentUser | None) -> UserPlan:
    """The plan for a user who is not to be active."""
    if current is None or not current.active:
        return UserPlan(number, desired, current, after=current)
    steps = [Step(DEACTIVATE, (DEACTIVATE,))]
    if desired.force_logout:
        # Before, since a store may not find a deactivated user; and whatever becomes of it, the
        # user is deactivated.
        steps.insert(0, Step(FORCE_LOGOUT, (FORCE_LOGOUT,), may_fail=True))
    return UserPlan(number, desired, current, tuple(steps), after=replace(current, active=False))


def _plan_creation(number: int, desired: DesiredUser) -> UserPlan:
    missing = [name for name in ("email", "external_id") if getattr(desired, name) is None]
    if missing:
        names = " and ".join(missing)
        return UserPlan(
            number,
            desired,
            error=PublicaError(
                "incomplete",
                f"{desired.label} is not at the store, and to create the user {names} is missing. "
                f"Give {names}, or correct the key if the user should exist.",
                fields={name: ["is required to create a user"] for name in missing},
            ),
        )
    step = Step(
        CREATE,
        (CREATE,),
        create_body(desired),
        generates_password=desired.generate_password and desired.password is None,
    )
    return UserPlan(number, desired, None, (step,), after=_created(desired))


def _plan_change(number: int, desired: DesiredUser, current: CurrentUser, today: str) -> UserPlan:
    different = different_attributes(desired, current)
    set_password = desired.password is not None and desired.update_password == ALWAYS
    held = holds_plan(desired, current, today) if desired.plan_id is not None else True
    assign_plan = held is False
    steps: list[Step] = []
    after = current
    if desired.state == ACTIVE and not current.active:
        # First of all: an update may not find a deactivated user (choice 10).
        steps.append(Step(REACTIVATE, (REACTIVATE,)))
        after = replace(after, active=True, deactivated_at=None)

    parts = ((UPDATE, different), (SET_PASSWORD, set_password), (ASSIGN_PLAN, assign_plan))
    actions = tuple(action for action, wanted in parts if wanted)
    if actions:
        if desired.external_id is None and current.external_id is None:
            return UserPlan(number, desired, current, error=_without_external_id(current))
        body = update_body(
            desired, current, different, set_password=set_password, assign_plan=assign_plan
        )
        steps.append(Step(UPDATE, actions, body))
        after = _changed(after, different, desired if assign_plan else None)
    ends_sessions = set_password or not ENDS_SESSIONS.isdisjoint(different)
    if desired.force_logout and ends_sessions and after.active:
        steps.append(Step(FORCE_LOGOUT, (FORCE_LOGOUT,)))
    warnings = _warnings(desired, current, plans_unknown=held is None)
    return UserPlan(number, desired, current, tuple(steps), after=after, warnings=warnings)


def _warnings(
    desired: DesiredUser, current: CurrentUser, *, plans_unknown: bool
) -> tuple[Warned, ...]:
    warnings = []
    if not current.active and desired.state != ACTIVE:
        text = "deactivated, and left so; state: active reactivates the user"
        warnings.append(Warned(current.email, text))
    if plans_unknown:
        text = (
            "the store does not tell which plans the user holds, so none was assigned; to assign "
            "one again could give it twice"
        )
        warnings.append(Warned(current.email, text))
    return tuple(warnings)


def _without_external_id(current: CurrentUser) -> PublicaError:
    reason = "has none at the store"
    if not current.returns_external_id:
        reason = "cannot be read from this store"
    return PublicaError(
        "incomplete",
        f"To change {describe(current)} the API requires the user's external_id, which {reason}. "
        "Give external_id.",
        fields={"external_id": ["is required to change this user"]},
    )


def _created(desired: DesiredUser) -> CurrentUser:
    """The user that a creation makes; the store chooses the id, which is 0 until it has."""
    return CurrentUser(
        id=0,
        email=desired.email or "",
        active=True,
        external_id=desired.external_id,
        sessions_limit=desired.sessions_limit or None,
        admin=bool(desired.admin),
        plan_admin=bool(desired.plan_admin),
        only_sees_readable=desired.only_sees_readable,
        plans=() if desired.plan_id is None else (_assigned(desired),),
    )


def _changed(
    current: CurrentUser, different: Mapping[str, Any], assigned: DesiredUser | None
) -> CurrentUser:
    changes = dict(different)
    if "sessions_limit" in changes:
        changes["sessions_limit"] = changes["sessions_limit"] or None
    if assigned is not None:
        changes["plans"] = (*(current.plans or ()), _assigned(assigned))
    return replace(current, **changes)


def _assigned(desired: DesiredUser) -> HeldPlan:
    return HeldPlan(
        plan_id=desired.plan_id,
        name=desired.user_plan_name,
        valid_to=desired.plan_valid_to,
        end_days=frozenset(filter(None, [desired.plan_valid_to])),
    )
