# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provisioning from end to end: read the store, plan, check the guards, apply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .apply.executor import (
    CONTINUE,
    NOT_TRIED,
    AppliedUser,
    FindTaken,
    apply_plan,
    not_applied,
    predict,
)
from .client.api import UsersApi
from .errors import NotFoundError, PublicaError
from .input.options import DesiredUser
from .input.policy import WITHOUT_REMOVALS, RemovalPolicy
from .last_applied.file import RecordFile
from .last_applied.run import RecordedRun
from .plan.model import FORCE_LOGOUT, Plan, Step, UserChange
from .plan.plan_names import names_plan, resolve_plan_names
from .plan.planner import plan_users
from .plan.removals import (
    GuardViolation,
    Removals,
    check_guards,
    plan_removals,
    without_removals,
)
from .plan.warnings import LabelledWarning
from .progress import NO_PROGRESS, Progress, utc_now
from .store.plans import PlanList
from .store.search import ACTIVE, UserFilter, find_users
from .store.snapshot import AUTO, SEARCH, Snapshot, read_current
from .store.user import CurrentUser

# What a guard violation led to: nothing was applied, everything but the removals was, or it was a
# dry run.
REFUSED, SKIPPED, PREDICTED = "refused", "skipped", "predicted"


@dataclass(frozen=True)
class Provisioned:
    """Result of a provisioning run.

    :ivar snapshot: what was read of the store.
    :ivar today: the date of the run in UTC.
    :ivar dry_run: nothing was written, since the task ran in check mode.
    :ivar needed_requests: what a complete run sends, to read and to write, without retries.
    :ivar requests: number of requests that were sent; of a dry run, that a run would send.
    :ivar record: the record of the run; None without one.
    :ivar warnings: about the record.
    :ivar guard_effect: ``refused``, ``skipped`` or ``predicted``; None without a violation.
    :ivar applied: one for each desired user in the order of the input, then one for each removal.
    :ivar shown: the same for the diff; of a refused plan, the prediction.
    """

    snapshot: Snapshot
    today: str
    dry_run: bool
    plan: Plan
    policy: RemovalPolicy
    removals: Removals
    violation: GuardViolation | None
    guard_effect: str | None
    applied: Sequence[AppliedUser]
    shown: Sequence[AppliedUser]
    needed_requests: int
    requests: int
    record: RecordFile | None = None
    warnings: Sequence[str] = ()


def provision(
    api: UsersApi,
    desired: Sequence[DesiredUser],
    *,
    lookup: str = AUTO,
    workers: int = 1,
    on_error: str = CONTINUE,
    policy: RemovalPolicy = WITHOUT_REMOVALS,
    progress: Progress = NO_PROGRESS,
    count_seats: bool = False,
    record: RecordFile | None = None,
    verify_all: bool = False,
) -> Provisioned:
    """Bring the users of a store to the desired state, or predict that in check mode.

    :param count_seats: read the store's lists completely, so that all seats can be counted.
    :param record: what the last run applied, so that only what has changed since is read.
    :param verify_all: read and compare all users nevertheless.
    """
    today = utc_now()[:10]
    dry_run = api.transport.read_only
    recorded = None
    if record is not None:
        compare_all = verify_all or count_seats
        recorded = RecordedRun(record, desired, policy, today, compare_all=compare_all)
    plan_list = PlanList(api)
    progress.reading()
    compared = with_plan_ids(desired if recorded is None else recorded.compared, plan_list)
    if recorded is None:
        snapshot = read_current(
            api,
            compared,
            lookup,
            workers,
            progress,
            all_users=policy.exclusive or count_seats,
            deactivated_too=count_seats,
        )
        plan = plan_users(compared, snapshot.index, today)
        removals = plan_removals(compared, snapshot.active, policy)
    else:
        snapshot = recorded.read(api, compared, lookup, workers, progress, count_seats=count_seats)
        plan, removals = recorded.plan(snapshot)
    plan = Plan([*plan.changes, *removals.changes])
    usage = api.transport.usage()
    needed = usage["requests"] - usage["retries"] + plan.requests
    if dry_run:
        plan = _with_unknown_plans(plan, plan_list)
    violation = check_guards(plan, policy, active=removals.active, complete=snapshot.complete)
    guard_effect = None
    if violation is not None:
        guard_effect = PREDICTED if dry_run else SKIPPED if policy.skips_removals else REFUSED
    if violation is not None and guard_effect == REFUSED:
        applied: Sequence[AppliedUser] = [_refused(change, violation) for change in plan.changes]
        shown: Sequence[AppliedUser] = predict(plan)
    else:
        # A dry run shows the complete plan despite a violation, so that it can be reviewed.
        to_apply = without_removals(plan) if guard_effect == SKIPPED else plan
        find_taken: FindTaken | None = None
        if recorded is not None:
            recorded.write_before(to_apply)
            # An approval is for the plan as it is, and a search reads no list.
            if policy.approve is None and lookup != SEARCH and not recorded.lists_new:
                find_taken = partial(recorded.find_taken, api, workers=workers, progress=progress)
        applied = shown = apply_plan(
            to_apply,
            api,
            today=today,
            workers=workers,
            on_error=on_error,
            progress=progress,
            find_taken=find_taken,
        )
        if recorded is not None:
            recorded.write_after(applied)
    progress.finishing()
    return Provisioned(
        snapshot,
        today,
        dry_run,
        plan,
        policy,
        removals,
        violation,
        guard_effect,
        applied,
        shown,
        needed,
        needed if dry_run else api.transport.usage()["requests"],
        record,
        () if recorded is None else recorded.warnings,
    )


def with_plan_ids(desired: Sequence[DesiredUser], plan_list: PlanList) -> Sequence[DesiredUser]:
    """The desired users, with the id of each plan that they name.

    The store's list of plans is read only if one of them does.

    :raises InvalidInputError: with every name that is not the name of exactly one plan.
    """
    if not any(map(names_plan, desired)):
        return desired
    return resolve_plan_names(desired, plan_list.read())


def _with_unknown_plans(plan: Plan, plan_list: PlanList) -> Plan:
    """The plan with a warning for each user who is to get a plan that the store does not list."""
    if not any(_assigns(change) for change in plan.changes):
        return plan
    listed = {known.id for known in plan_list.read() or ()}
    if not listed:
        return plan
    changes = []
    for change in plan.changes:
        plan_id = change.desired.plan_id
        if _assigns(change) and plan_id not in listed:
            text = f"plan_id {plan_id} is not in the store's list of plans; check the id"
            warning = LabelledWarning(change.desired.label, text)
            change = change._replace(warnings=(*change.warnings, warning))
        changes.append(change)
    return Plan(changes)


def _assigns(change: UserChange) -> bool:
    return any("assign_new_plan" in step.body for step in change.steps)


def _refused(change: UserChange, violation: GuardViolation) -> AppliedUser:
    if not change.steps:
        return not_applied(change)
    text = f"Not tried: a guard refused the plan ({violation.code})."
    return not_applied(change, PublicaError(NOT_TRIED, text))


def end_sessions(api: UsersApi, desired: DesiredUser) -> AppliedUser:
    """End the sessions of the user with the given key, or predict that in check mode.

    An id is sent as it is. The endpoint also takes an external id, which is sent unless it
    consists of digits (it could be another user's id) or holds characters with a meaning in a path
    (``..`` or a slash). Otherwise, and where the store has no such endpoint (variant 13), the user
    is looked up and the id is sent.

    :raises NotFoundError: no user has the key.
    """
    external_id = desired.external_id
    if desired.id is not None:
        applied = _end_sessions_of(api, desired, desired.id)
    elif external_id is not None and _fits_into_path(external_id):
        applied = _end_sessions_of(api, desired, external_id)
        if applied.error is not None and applied.error.no_route:
            applied = _end_sessions_of(api, desired, _found(api, desired))
    else:
        applied = _end_sessions_of(api, desired, _found(api, desired))
    # A user who was looked up exists, so the 404 is about the request.
    if isinstance(applied.error, NotFoundError) and applied.change.current is None:
        raise PublicaError(
            "not_found",
            f"The store has no active user with {desired.label}, so no session was ended. Correct "
            "the key.",
            **applied.error.request,
        )
    return applied


def _found(api: UsersApi, desired: DesiredUser) -> CurrentUser:
    """The active user with the given key.

    :raises NotFoundError: there is none.
    """
    found = find_users(api, UserFilter(desired.email, desired.external_id, status=ACTIVE))
    if not found:
        raise NotFoundError(
            "not_found", f"The store has no active user with {desired.label}. Correct the key."
        )
    return found[0]


def _end_sessions_of(
    api: UsersApi, desired: DesiredUser, user: CurrentUser | int | str
) -> AppliedUser:
    """End the sessions of a user, or of the one with this id or external id."""
    current = user if isinstance(user, CurrentUser) else None
    identifier = user.id if isinstance(user, CurrentUser) else user
    step = Step(FORCE_LOGOUT, (FORCE_LOGOUT,), identifier=identifier)
    change = UserChange(0, desired, current, (step,), after=current)
    return apply_plan(Plan([change]), api, today="")[0]


def _fits_into_path(external_id: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*", external_id)) and (
        not external_id.isdecimal()
    )
