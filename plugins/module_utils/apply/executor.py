# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying a plan by several workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..client.api import UsersApi
from ..concurrency import INTERRUPTED, for_each
from ..errors import (
    FatalError,
    ForbiddenError,
    LostAnswerError,
    PublicaError,
    RejectedError,
    ValidationError,
    internal_error,
    out_of_range,
)
from ..plan.model import (
    FORCE_LOGOUT,
    Plan,
    Step,
    UserChange,
    as_reported,
    outcomes_of,
)
from ..plan.ordering import stages
from ..plan.removals import removals_blocked_by
from ..plan.warnings import LabelledWarning
from ..progress import NO_PROGRESS, Progress
from ..store.user import CurrentUser
from .writes import Writer, Written, is_about_plan, rejects_keys

FindTaken = Callable[[Sequence[UserChange]], Sequence[UserChange]]

CONTINUE, STOP = "continue", "stop"
ON_ERROR = (CONTINUE, STOP)
NOT_TRIED = "not_tried"

# More would only wait for each other: a store allows about 100 requests a minute.
MAX_WORKERS = 64

# If each of the first writes of a run is answered with 403, the token lacks the right to write.
# Any other 403 is about the user who was to be changed.
FIRST_WRITES = 10

_SESSIONS_OPEN = (
    "was or may have been changed, but open sessions may not have been ended. The next run sees no "
    "difference and does not end them; end them with publica_user_logout"
)


def check_workers(concurrency: int) -> list[ValidationError]:
    return out_of_range("concurrency", concurrency, 1, MAX_WORKERS)


class AppliedUser(NamedTuple):
    """What was done for one user; in check mode, what would be done.

    :ivar user: the user as they are now, as far as known; None if there is none.
    :ivar actions: in order, up to the first failure.
    """

    change: UserChange
    user: CurrentUser | None
    actions: tuple[str, ...] = ()
    warnings: tuple[LabelledWarning, ...] = ()
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
    find_taken: FindTaken | None = None,
) -> list[AppliedUser]:
    """Apply a plan, and return what was done for each user, in the order of the plan.

    In check mode, when the transport is read-only, return the prediction.

    :param find_taken: the changes of users that the store refused to create, since an account that
        was not read has a key of theirs. They are applied before any user is deactivated.
    """
    if api.transport.read_only:
        return predict(plan, on_error)
    run = _Run(Writer(api, today), on_error, progress, find_taken)
    to_apply = [change for change in plan.changes if change.steps]
    progress.applying(
        len(to_apply),
        plan.requests,
        unverified=sum(not change.compared for change in plan.changes),
    )
    if _is_stopped(plan, on_error):
        run.stop(None)
    api.transport.limiter.expect(plan.requests)
    applied: dict[int, AppliedUser] = {}

    def apply(change: UserChange) -> None:
        applied[change.position] = run.apply(change, applied)

    def apply_all(changes: Sequence[UserChange]) -> None:
        for stage in stages(changes):
            for_each(stage, apply, min(workers, len(stage)))

    apply_all([change for change in to_apply if not change.deactivates])
    found = run.found_taken(applied)
    applied.update((change.position, not_applied(change)) for change in found)
    apply_all(found)
    run.removals_error = _removals_error(plan, applied)
    apply_all([change for change in to_apply if change.deactivates])
    return [applied.get(change.position) or not_applied(change) for change in plan.changes]


def is_taken(applied: AppliedUser) -> bool:
    """Whether the store refused to create a user, since another account has a key of the user."""
    error, change = applied.error, applied.change
    if change.current is not None or not isinstance(error, RejectedError):
        return False
    return rejects_keys(error) and not is_about_plan(error, change.steps[0].body)


def predict(plan: Plan, on_error: str = CONTINUE) -> list[AppliedUser]:
    """The result of applying a plan if the store accepts every request."""
    if _is_stopped(plan, on_error):
        error = _stop_error(None)
        return [not_applied(change, error if change.steps else None) for change in plan.changes]
    removals_error = _removals_error(plan, {})
    return [
        not_applied(change, removals_error)
        if removals_error is not None and not change.listed
        else AppliedUser(change, change.after, tuple(change.actions), change.warnings, change.error)
        for change in plan.changes
    ]


def _is_stopped(plan: Plan, on_error: str) -> bool:
    """Whether an error that was found before the first write stops the run."""
    return on_error == STOP and any(change.error is not None for change in plan.changes)


def _stop_error(cause: PublicaError | None) -> PublicaError:
    reason = "the run stopped at another user's error (on_error: stop)."
    if cause is not None and cause.fatal:
        reason = f"the run ended early. {cause.message}"
    return PublicaError(NOT_TRIED, f"Not tried: {reason}")


def not_applied(change: UserChange, error: PublicaError | None = None) -> AppliedUser:
    """A user whose change was not applied; with ``error`` as the reason, or without steps."""
    if error is not None:
        return AppliedUser(change, change.current, error=error)
    return AppliedUser(change, change.current, (), change.warnings, change.error)


class _Run:
    """One application of a plan by several workers, which an error can stop."""

    def __init__(
        self, writer: Writer, on_error: str, progress: Progress, find_taken: FindTaken | None
    ) -> None:
        self._writer = writer
        self._progress = progress
        self._on_error = on_error
        self._find_taken = find_taken
        # Why no further change is started.
        self._stop_error: PublicaError | None = None
        self._write_numbers = itertools.count()
        self._forbidden_first: set[int] = set()
        # Why no user may be removed; known when all other changes are applied.
        self.removals_error: PublicaError | None = None

    def stop(self, cause: PublicaError | None) -> None:
        """Start no further change."""
        if self._stop_error is None:
            self._stop_error = _stop_error(cause)

    def apply(self, change: UserChange, applied: Mapping[int, AppliedUser]) -> AppliedUser:
        """Apply the steps of one user; ``applied`` holds the earlier stages."""
        if self._stop_error is not None:
            return not_applied(change, self._stop_error)
        blocked = self._blocked_by(change, applied)
        result = self._apply_steps(change) if blocked is None else not_applied(change, blocked)
        if self._find_taken is not None and is_taken(result):
            return result
        if result.error is None or result.error.code != INTERRUPTED:
            self._progress.applied(
                outcomes_of(result.actions), len(change.steps), result.error is not None
            )
        if result.error is not None and (result.error.fatal or self._on_error == STOP):
            self.stop(result.error)
        return result

    def found_taken(self, applied: Mapping[int, AppliedUser]) -> Sequence[UserChange]:
        changes = [user.change for user in applied.values() if is_taken(user)]
        if self._find_taken is None or not changes:
            return ()
        found: Sequence[UserChange] = ()
        try:
            if self._stop_error is None:
                found = self._find_taken(changes)
        except PublicaError as error:
            found = [change._replace(steps=(), after=None, error=error) for change in changes]
            if error.fatal:
                self.stop(error)
        by_position = {change.position: change for change in found}
        any_failed = False
        for refused in changes:
            change = by_position.get(refused.position)
            has_failed = change is None or change.error is not None
            if change is None or not change.steps:
                self._progress.applied((), len(refused.steps), has_failed)
            any_failed = any_failed or has_failed
        if any_failed and self._on_error == STOP:
            self.stop(None)
        return found

    def _blocked_by(
        self, change: UserChange, applied: Mapping[int, AppliedUser]
    ) -> PublicaError | None:
        """Why a change must not be applied after the earlier ones; None if it may."""
        position = change.waits_for
        if position is not None and (
            position not in applied or applied[position].error is not None
        ):
            return PublicaError(
                NOT_TRIED,
                f"Not tried: {change.desired.label} is to get an address that user #{position} "
                f"still has. Correct the failure of user #{position} and run again.",
            )
        return None if change.listed else self.removals_error

    def _apply_steps(self, change: UserChange) -> AppliedUser:
        current_change, user = change, change.current
        actions: list[str] = []
        warnings = list(change.warnings)
        error: PublicaError | None = None
        steps = list(change.steps)
        try:
            while steps:
                step = steps.pop(0)
                try:
                    written = self._write(step, current_change, user)
                except PublicaError as failure:
                    if not step.may_fail or failure.fatal:
                        raise
                    error = failure
                    continue
                user = written.user
                actions.extend(written.actions)
                warnings.extend(written.warnings)
                if written.remaining is not None:
                    current_change, steps = written.remaining, list(written.remaining.steps)
                    warnings.extend(current_change.warnings)
                    if current_change.error is not None:
                        raise current_change.error
        except PublicaError as failure:
            error = failure
            if FORCE_LOGOUT in (step.endpoint, *(left.endpoint for left in steps)) and (
                actions or isinstance(failure, LostAnswerError) or failure.code == "lost_answer"
            ):
                warnings.append(LabelledWarning(change.desired.label, _SESSIONS_OPEN))
        except Exception as bug:
            # The results of the other workers must survive.
            text = (
                "It is unknown whether the last change of this user was made. Run again to compare "
                "with the store as it is now, and please report it."
            )
            error = internal_error(bug, text, label=change.desired.label)
        return AppliedUser(change, user, tuple(as_reported(actions)), tuple(warnings), error)

    def _write(self, step: Step, change: UserChange, user: CurrentUser | None) -> Written:
        """Write one step; a 403 ends the run if each of the first writes was answered with 403."""
        number = next(self._write_numbers)
        try:
            return self._writer.write(step, change, user)
        except ForbiddenError as error:
            if number < FIRST_WRITES:
                self._forbidden_first.add(number)
            if len(self._forbidden_first) < FIRST_WRITES:
                raise
            raise FatalError(
                error.code,
                f"The store answered each of the first {FIRST_WRITES} writes of this run with 403, "
                "so the api_token is not allowed to change users. Use the token of an admin user "
                f"of this store. The last request was {error.method} {error.path}.",
                **error.request,
            ) from None


def _removals_error(plan: Plan, applied: Mapping[int, AppliedUser]) -> PublicaError | None:
    errors = {position: user.error for position, user in applied.items()}
    reason = removals_blocked_by(plan.changes, errors)
    return None if reason is None else PublicaError(NOT_TRIED, f"Not tried: {reason}")


def stopping_error(applied: Sequence[AppliedUser]) -> PublicaError | None:
    """The error that ended the run for all users; None if there is none."""
    return next((user.error for user in applied if user.error and user.error.fatal), None)
