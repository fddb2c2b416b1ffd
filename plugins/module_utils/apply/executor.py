# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan as far as a guard's verdict on it allows."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..client.api import UsersApi
from ..concurrency import INTERRUPTED, for_each
from ..errors import LostAnswerError, PublicaError, ValidationError, internal_error, out_of_range
from ..plan.model import FORCE_LOGOUT, Plan, UserPlan, Warned, as_reported, outcomes_of
from ..plan.ordering import stages
from ..plan.removals import GuardViolation, removals_blocked_by, without_removals
from ..progress import NO_PROGRESS, Progress
from ..store.user import CurrentUser
from .writes import Writer

CONTINUE, STOP = "continue", "stop"
ON_ERROR = (CONTINUE, STOP)
NOT_TRIED = "not_tried"

_SESSIONS_LEFT = (
    "changed, or perhaps so, and the sessions that this was to end may still be open; the next run "
    "sees no change that would end them, so end them with publica_user_logout"
)

# More would only wait for each other: a store answers about a hundred requests a minute.
MOST_WORKERS = 64


def check_workers(concurrency: int) -> list[ValidationError]:
    """What is wrong with a number of workers that cannot be meant."""
    return out_of_range("concurrency", concurrency, 1, MOST_WORKERS)


@dataclass(frozen=True)
class AppliedUser:
    """What was done for one desired user; in check mode, what would be done.

    :ivar user: the user as he is now, as far as it is known; None where there is none.
    :ivar actions: what was done, in order, up to the first failure.
    """

    plan: UserPlan
    user: CurrentUser | None
    actions: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    error: PublicaError | None = None

    @property
    def changed(self) -> bool:
        return bool(self.actions)


def apply_plan(
    plan: Plan,
    api: UsersApi,
    *,
    today: str,
    workers: int = 1,
    on_error: str = CONTINUE,
    progress: Progress = NO_PROGRESS,
) -> list[AppliedUser]:
    """Apply a plan, and return what was done for each of its users, in the order of the input.

    Where the transport is read-only (check mode) nothing is written, and what is returned is what
    the plan foresees.

    :param workers: how many users are worked on at once.
    :param on_error: ``continue`` with the other users after a user's error, or ``stop``.
    :param progress: told of each user.
    """
    if api.transport.read_only:
        return predict(plan)
    run = _Run(Writer(api, today), on_error, progress)
    progress.applying(sum(bool(user.steps) for user in plan.users), plan.requests)
    if on_error == STOP and any(user.error is not None for user in plan.users):
        run.stop(None)
    api.transport.limiter.expect(plan.requests)
    applied: dict[int, AppliedUser] = {}

    def apply(user: UserPlan) -> None:
        applied[user.index] = run.apply(user, applied)

    for stage in stages(plan.users):
        if not all(user.listed for user in stage):
            run.held_removals = _held_removals(plan, applied)
        # The next wave may begin only when this one is done.
        for_each(stage, apply, min(workers, len(stage)))
    return [applied.get(user.index) or _without_steps(user) for user in plan.users]


def predict(plan: Plan) -> list[AppliedUser]:
    """What applying a plan would come to if the store refused nothing."""
    held_removals = _held_removals(plan, {})
    return [_predicted(user, held_removals) for user in plan.users]


class _Run:
    """One application of a plan by several workers, which an error can stop."""

    def __init__(self, writer: Writer, on_error: str, progress: Progress) -> None:
        self._writer = writer
        self._progress = progress
        self._on_error = on_error
        self._stopped = threading.Event()
        self._cause: PublicaError | None = None
        # Why nobody is removed who is not in the list, known once all others are done.
        self.held_removals: PublicaError | None = None

    def stop(self, cause: PublicaError | None) -> None:
        """Begin no further user."""
        if not self._stopped.is_set():
            self._cause = cause
            self._stopped.set()

    def apply(self, plan: UserPlan, applied: dict[int, AppliedUser]) -> AppliedUser:
        """Carry out the steps of one user; ``applied`` holds the waves before."""
        if self._stopped.is_set():
            return AppliedUser(plan, plan.current, error=self._not_tried())
        result = self._held_back(plan, applied) or self._carry_out(plan)
        if result.error is None or result.error.code != INTERRUPTED:
            self._progress.applied(
                outcomes_of(result.actions), len(plan.steps), result.error is not None
            )
        if result.error is not None and (result.error.fatal or self._on_error == STOP):
            self.stop(result.error)
        return result

    def _held_back(self, plan: UserPlan, applied: dict[int, AppliedUser]) -> AppliedUser | None:
        for index in plan.waits_for:
            if index not in applied or applied[index].error is not None:
                return AppliedUser(plan, plan.current, error=_held(plan, index))
        if not plan.listed and self.held_removals is not None:
            return AppliedUser(plan, plan.current, error=self.held_removals)
        return None

    def _carry_out(self, plan: UserPlan) -> AppliedUser:
        going_on, user = plan, plan.current
        actions: list[str] = []
        warnings = list(plan.warnings)
        error: PublicaError | None = None
        steps = list(plan.steps)
        try:
            while steps:
                step = steps.pop(0)
                try:
                    written = self._writer.carry_out(step, going_on, user)
                except PublicaError as failure:
                    if not step.may_fail or failure.fatal:
                        raise
                    error = failure
                    continue
                user = written.user
                actions.extend(written.actions)
                warnings.extend(written.warnings)
                if written.then is not None:
                    going_on, steps = written.then, list(written.then.steps)
                    warnings.extend(going_on.warnings)
                    if going_on.error is not None:
                        raise going_on.error
        except PublicaError as failure:
            error = failure
            if FORCE_LOGOUT in (step.endpoint, *(left.endpoint for left in steps)) and (
                actions or isinstance(failure, LostAnswerError) or failure.code == "lost_answer"
            ):
                warnings.append(Warned(plan.desired.label, _SESSIONS_LEFT))
        except Exception as bug:
            # What the other workers did must not be lost for it, and its text may hold anything.
            error = internal_error(bug, "Please report it.", label=plan.desired.label)
        return AppliedUser(plan, user, tuple(as_reported(actions)), tuple(warnings), error)

    def _not_tried(self) -> PublicaError:
        cause = self._cause
        if cause is not None and cause.fatal:
            reason = f"the run ended early: {cause.message}"
        else:
            reason = "the run stopped at another user's error (on_error: stop)"
        return PublicaError(NOT_TRIED, f"Not tried, since {reason}")


def _predicted(plan: UserPlan, held_removals: PublicaError | None) -> AppliedUser:
    if not plan.listed and held_removals is not None:
        return AppliedUser(plan, plan.current, error=held_removals)
    return AppliedUser(plan, plan.after, tuple(plan.actions), plan.warnings, plan.error)


def _without_steps(plan: UserPlan) -> AppliedUser:
    return AppliedUser(plan, plan.current, (), plan.warnings, plan.error)


def _held(plan: UserPlan, index: int) -> PublicaError:
    return PublicaError(
        NOT_TRIED,
        f"Not tried: #{index} was to give up the address that {plan.desired.label} takes, and "
        "that failed.",
    )


def _held_removals(plan: Plan, applied: Mapping[int, AppliedUser]) -> PublicaError | None:
    errors = {index: user.error for index, user in applied.items()}
    reason = removals_blocked_by(plan.users, errors)
    return None if reason is None else PublicaError(NOT_TRIED, f"Not tried: {reason}")


def stopping_error(applied: Sequence[AppliedUser]) -> PublicaError | None:
    """The error that ended a run for everybody, if one did."""
    return next((user.error for user in applied if user.error and user.error.fatal), None)


# What came of a verdict: nothing was done, the removals were left out, or a dry run told of it.
REFUSED, SKIPPED, PREDICTED = "refused", "skipped", "foretold"


class Guarded(NamedTuple):
    """What was done of a plan.

    ``shown`` is what there is to compare before and after: the same, or where nothing was done what
    was planned. ``consequence`` is what a guard's verdict came to; None where there was none.
    """

    applied: Sequence[AppliedUser]
    shown: Sequence[AppliedUser]
    consequence: str | None = None


def apply_guarded(
    plan: Plan,
    violation: GuardViolation | None,
    api: UsersApi,
    *,
    skips_removals: bool,
    **options: Any,
) -> Guarded:
    """Carry out what a verdict leaves of a plan.

    A dry run shows the whole plan whatever the verdict, since it is there to be reviewed.

    :param skips_removals: a verdict costs only the removals, not everything.
    :param options: for :func:`apply_plan`.
    """
    consequence = None
    if violation is not None:
        if not api.transport.read_only and not skips_removals:
            return Guarded(
                [_refused(user, violation) for user in plan.users], predict(plan), REFUSED
            )
        consequence = PREDICTED if api.transport.read_only else SKIPPED
    to_apply = without_removals(plan) if consequence == SKIPPED else plan
    applied = apply_plan(to_apply, api, **options)
    return Guarded(applied, applied, consequence)


def _refused(plan: UserPlan, violation: GuardViolation) -> AppliedUser:
    if not plan.steps:
        return AppliedUser(plan, plan.current, (), plan.warnings, plan.error)
    text = f"Not tried, since a guard refused the whole plan ({violation.code})."
    return AppliedUser(plan, plan.current, error=PublicaError(NOT_TRIED, text))
