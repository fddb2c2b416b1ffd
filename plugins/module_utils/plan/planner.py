# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planner: desired and current users in, the plan of the run out. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import PublicaError
from ..input.options import (
    ABSENT,
    ACTIVE,
    ALWAYS,
    DesiredUser,
)
from ..input.values import EXTERNAL_ID_LENGTH
from ..store.user import CurrentUser, HeldPlan, UserIndex
from .matching import NO_IDS, Match, describe, match_users
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
    UserChange,
)
from .ordering import with_order
from .warnings import (
    END_NOT_KEPT,
    ID_ALMOST_EQUAL,
    LEFT_DEACTIVATED,
    NOT_COMPARED,
    PAST_END,
    PLANS_UNKNOWN,
    UNKNOWN_STATUS,
    LabelledWarning,
    StandingWarning,
    standing_warning,
)

RIGHTS = ("admin", "plan_admin", "only_sees_readable")

# Changes that ``force_logout`` follows with a logout.
ENDS_SESSIONS = frozenset((*RIGHTS, "sessions_limit"))


def plan_users(
    desired: Sequence[DesiredUser],
    index: UserIndex,
    today: str,
    positions: Sequence[int] | None = None,
    known_ids: Mapping[int, int] = NO_IDS,
) -> Plan:
    """The plan that brings the current users to the desired state.

    :param today: the date in UTC, ``YYYY-MM-DD``.
    :param positions: of the desired users in the input, if these are a part of it.
    :param known_ids: see :func:`match_users`.
    """
    if positions is None:
        positions = range(len(desired))
    matches = match_users(desired, index, positions, known_ids)
    changes = [
        plan_user(position, user, match, today)
        for position, user, match in zip(positions, desired, matches)
    ]
    return Plan(with_order(changes, index))


def plan_user(position: int, desired: DesiredUser, match: Match, today: str) -> UserChange:
    """The change of the desired user at this position, regardless of the other users."""
    if isinstance(match, PublicaError):
        return UserChange(position, desired, error=match)
    if desired.state == ABSENT:
        return plan_absence(position, desired, match)
    if match is None:
        return _plan_creation(position, desired, today)
    return _plan_update(position, desired, match, today)


def plan_absence(position: int, desired: DesiredUser, current: CurrentUser | None) -> UserChange:
    if current is None or not current.active:
        return UserChange(position, desired, current, after=current)
    if not current.editable:
        return UserChange(position, desired, current, error=_refusal(current))
    steps = [Step(DEACTIVATE, (DEACTIVATE,))]
    if desired.force_logout:
        # First, since a store may not find a deactivated user. A failure must not keep the user
        # active.
        steps.insert(0, Step(FORCE_LOGOUT, (FORCE_LOGOUT,), may_fail=True))
    return UserChange(
        position, desired, current, tuple(steps), after=replace(current, active=False)
    )


def _plan_creation(position: int, desired: DesiredUser, today: str) -> UserChange:
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
    warnings: tuple[LabelledWarning, ...] = ()
    assigned = desired
    if desired.plan_id is not None and _has_past_end(desired, today):
        assigned = replace(desired, plan_id=None)
        warnings = (standing_warning(desired.label, PAST_END),)
    generates_password = desired.generate_password and desired.password is None
    step = Step(CREATE, (CREATE,), create_body(assigned), generates_password)
    after = _after_creation(assigned)
    return UserChange(position, desired, None, (step,), after=after, warnings=warnings)


def _plan_update(
    position: int, desired: DesiredUser, current: CurrentUser, today: str
) -> UserChange:
    different = different_attributes(desired, current)
    set_password = desired.password is not None and desired.update_password == ALWAYS
    assign_plan, plan_warning = plan_to_assign(desired, current, today)
    steps: list[Step] = []
    after = current
    if desired.state == ACTIVE and not current.active:
        # First, since an update may not find a deactivated user (variant 10).
        steps.append(Step(REACTIVATE, (REACTIVATE,)))
        after = replace(after, active=True, deactivated_at=None)

    parts = ((UPDATE, different), (SET_PASSWORD, set_password), (ASSIGN_PLAN, assign_plan))
    actions = tuple(action for action, is_needed in parts if is_needed)
    error = None
    if actions:
        error = _incomplete_update(desired, current)
        steps.append(Step(UPDATE, actions, _update_body(desired, current, different, actions)))
        after = replace(after, **different)
        if assign_plan:
            after = replace(after, plans=(*(current.plans or ()), _assigned_plan(desired)))
    if steps:
        error = _refusal(current) or error
    if error is not None:
        return UserChange(position, desired, current, error=error)
    ends_sessions = set_password or not ENDS_SESSIONS.isdisjoint(different)
    if desired.force_logout and ends_sessions and after.active:
        steps.append(Step(FORCE_LOGOUT, (FORCE_LOGOUT,)))

    standing = [plan_warning] if plan_warning else []
    if not current.active and desired.state != ACTIVE:
        standing.insert(0, (LEFT_DEACTIVATED,))
    if unknown := unknown_attributes(desired, current):
        standing.append((NOT_COMPARED, *unknown))
    warnings = [standing_warning(current.label, *warning) for warning in standing]
    if _is_almost_equal(different.get("external_id"), current.external_id):
        label = f"{current.label} (from {current.external_id} to {desired.external_id})"
        warnings.append(LabelledWarning(label, ID_ALMOST_EQUAL))
    return UserChange(
        position, desired, current, tuple(steps), after=after, warnings=tuple(warnings)
    )


def different_attributes(desired: DesiredUser, current: CurrentUser) -> dict[str, Any]:
    """The attributes to change, with their desired values.

    An attribute that the store does not return can't be compared, and is no difference.
    """
    different: dict[str, Any] = {}
    if desired.address not in (None, current.address):
        different["email"] = desired.email
    if (
        desired.external_id is not None
        and current.returns_external_id
        and desired.external_id != current.external_id
    ):
        different["external_id"] = desired.external_id
    limit = desired.sessions_limit
    if current.returns_sessions_limit and limit not in (None, current.sessions_limit or 0):
        different["sessions_limit"] = limit or None
    for name in RIGHTS:
        value, held = getattr(desired, name), getattr(current, name)
        if value is not None and held is not None and value != held:
            different[name] = value
    return different


def _not_returned(current: CurrentUser) -> list[str]:
    """The attributes that an update must contain and the store does not return (variant 26)."""
    unknown = [name for name in RIGHTS if getattr(current, name) is None]
    return unknown if current.returns_sessions_limit else [*unknown, "sessions_limit"]


def unknown_attributes(desired: DesiredUser, current: CurrentUser) -> list[str]:
    """The desired attributes that can't be compared, since the store does not return them."""
    return [name for name in _not_returned(current) if getattr(desired, name) is not None]


def _is_almost_equal(desired: str | None, current: str | None) -> bool:
    """Whether two external ids differ only by leading zeros or a trailing ``.0``."""
    if desired is None or current is None:
        return False
    return desired.removesuffix(".0").lstrip("0") == current.removesuffix(".0").lstrip("0")


def plan_to_assign(
    desired: DesiredUser, current: CurrentUser, today: str
) -> tuple[bool, StandingWarning | None]:
    """Whether to assign the desired plan, and a warning about it.

    A plan with the desired end is held. A store may not keep the end that it gets (variant 20): a
    row without an end is held too, and so is a plan that was assigned twice with one other end.
    """
    if desired.plan_id is None:
        return False, None
    if current.plans is None:
        return False, (PLANS_UNKNOWN,)
    plans = [plan for plan in current.plans if plan.plan_id == desired.plan_id and plan.gives_seat]
    wanted_end = desired.plan_valid_to
    if wanted_end is None:
        held = [plan for plan in plans if plan.is_held_on(today)]
        return not held, _status_warning(held)
    if held := [plan for plan in plans if wanted_end in plan.end_days]:
        return False, _status_warning(held)
    if any(not plan.end_days for plan in plans):
        return False, (END_NOT_KEPT, desired.plan_id, wanted_end)
    ends = Counter(plan.last_day for plan in plans if plan.is_held_on(today))
    for end, count in ends.items():
        if count > 1:
            return False, (END_NOT_KEPT, desired.plan_id, wanted_end, count, end)
    if _has_past_end(desired, today):
        return False, (PAST_END,)
    return True, None


def _status_warning(held: Sequence[HeldPlan]) -> StandingWarning | None:
    """A warning if every one of these plans has an order state that is not known (variant 21)."""
    is_unknown = held and all(plan.has_unknown_status for plan in held)
    return (UNKNOWN_STATUS, held[0].plan_id, held[0].status) if is_unknown else None


def _has_past_end(desired: DesiredUser, today: str) -> bool:
    return desired.plan_valid_to is not None and desired.plan_valid_to < today


def create_body(desired: DesiredUser) -> dict[str, Any]:
    """The body of a creation, with booleans as true or false (an update has 1 or 0)."""
    body: dict[str, Any] = {"email": desired.email, "external_id": desired.external_id}
    if desired.password is not None:
        body["new_password"] = desired.password
    if desired.sessions_limit is not None:
        body["sessions_limit"] = desired.sessions_limit or None
    rights = {name: getattr(desired, name) for name in RIGHTS}
    body.update((name, value) for name, value in rights.items() if value is not None)
    return {**body, **_plan_fields(desired)}


def _update_body(
    desired: DesiredUser,
    current: CurrentUser,
    different: Mapping[str, Any],
    actions: Sequence[str],
) -> dict[str, Any]:
    """The body of an update: the complete record, desired values over current ones (variant 9)."""
    body: dict[str, Any] = {
        "email": current.email,
        "external_id": current.external_id if current.returns_external_id else desired.external_id,
        "sessions_limit": current.sessions_limit,
        **{name: getattr(current, name) for name in RIGHTS},
        **{name: getattr(desired, name) for name in unknown_attributes(desired, current)},
        **different,
    }
    body["sessions_limit"] = body["sessions_limit"] or None
    for name in RIGHTS:
        if body[name] is None:
            # A right that the store does not return and the task does not give is not guessed.
            del body[name]
        else:
            body[name] = int(body[name])
    if SET_PASSWORD in actions:
        body["new_password"] = desired.password
    return {**body, **_plan_fields(desired)} if ASSIGN_PLAN in actions else body


def _plan_fields(desired: DesiredUser) -> dict[str, Any]:
    """The fields that assign a plan; its name is sent only with an assignment (variant 19)."""
    if desired.plan_id is None:
        return {}
    fields: dict[str, Any] = {"assign_new_plan": desired.plan_id}
    if desired.plan_valid_to is not None:
        fields["new_plan_custom_valid_to"] = desired.plan_valid_to
    if desired.user_plan_name is not None:
        fields["user_plan_name"] = desired.user_plan_name
    return fields


def _incomplete_update(desired: DesiredUser, current: CurrentUser) -> PublicaError | None:
    """The error for an update without a part of the record, which must be complete (variant 9)."""
    external_id = desired.external_id or current.external_id
    unknown = [name for name in _not_returned(current) if getattr(desired, name) is None]
    if external_id is None:
        reason = (
            "the user has none at the store"
            if current.returns_external_id
            else "this store does not return it"
        )
        names = ["external_id"]
    elif len(external_id) > EXTERNAL_ID_LENGTH:
        reason = f"the one at the store has more than {EXTERNAL_ID_LENGTH} characters"
        names = ["external_id"]
    elif not current.email and desired.email is None:
        reason = "the user has none at the store"
        names = ["email"]
    elif unknown:
        reason = "the store does not return the current value, which an update could overwrite"
        names = unknown
    else:
        return None
    options = " and ".join(names)
    return PublicaError(
        "incomplete",
        f"{describe(current)} can't be changed: the API requires {options}, and {reason}. Give "
        f"{options}.",
        fields={name: ["is required to change this user"] for name in names},
    )


def _refusal(current: CurrentUser) -> PublicaError | None:
    """The error for an account that can't be changed; None if it can."""
    if not current.editable:
        return PublicaError(
            "forbidden",
            f"{describe(current)} can't be changed through the API (can_be_edited is false), so no "
            "request was sent. Change the user in the dashboard, or remove the entry.",
        )
    if current.anonymized:
        return PublicaError(
            "anonymized",
            f"{describe(current)} is anonymized at the store, which can't be undone, so no request "
            "was sent. Remove the entry, or give the keys of another account.",
        )
    return None


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


def _assigned_plan(desired: DesiredUser) -> HeldPlan:
    return HeldPlan(
        plan_id=desired.plan_id,
        name=desired.user_plan_name or desired.plan_name,
        valid_to=desired.plan_valid_to,
        end_days=frozenset(filter(None, [desired.plan_valid_to])),
    )
