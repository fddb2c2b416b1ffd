# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out one write so that a lost answer never does harm.

After a lost answer the store may or may not have acted. Each write has its own way to find out, or
is one whose repetition changes nothing:

- create: look the address up, adopt the account if its external id agrees, else create again;
- update: repeating it changes nothing, unless it assigns a plan; then read the plans first;
- deactivate, reactivate: repeat; a 404 is success if the user is now in that state;
- force logout: repeat.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..client.api import DEACTIVATED, UsersApi
from ..concurrency import INTERRUPTED
from ..errors import LostAnswerError, NotFoundError, PublicaError, RejectedError
from ..input.options import ON_CREATE, DesiredUser, address_key
from ..plan.matching import Match, describe
from ..plan.model import UPDATE, Step, UserPlan, Warned
from ..plan.planner import plan_user
from ..store.listing import Listing
from ..store.snapshot import find_by_email
from ..store.user import CurrentUser, user_from_record

GENERATED_PASSWORD_BYTES = 24  # 32 characters


@dataclass(frozen=True)
class Written:
    """What became of a step: the user as he is now, and what this run did to bring that about.

    ``then`` is the plan to go on with, where the account turned out to be there already.
    """

    user: CurrentUser | None
    actions: tuple[str, ...]
    then: UserPlan | None = None
    warnings: tuple[Warned, ...] = ()


class Writer:
    """The writes to one store.

    :param today: the date in UTC, ``YYYY-MM-DD``.
    """

    def __init__(self, api: UsersApi, today: str) -> None:
        self._api = api
        self._today = today

    def carry_out(self, step: Step, plan: UserPlan, current: CurrentUser | None) -> Written:
        """Carry out one step of a plan.

        :param current: the user as the steps before have left him.
        """
        carry_out: Callable[[Step, UserPlan, Any], Written] = getattr(self, f"_{step.endpoint}")
        return carry_out(step, plan, current)

    def _create(self, step: Step, plan: UserPlan, _current: None) -> Written:
        desired = plan.desired
        body = dict(step.body)
        if step.generates_password:
            body["new_password"] = secrets.token_urlsafe(GENERATED_PASSWORD_BYTES)
        lost = 0
        while True:
            try:
                record = self._api.create(body, repeats=lost > 0)
            except LostAnswerError as error:
                lost += 1
                no_retry_left = self._wait(lost, error)
                found = self._find_new(desired)
                if found is not None:
                    return self._adopt(found, step, plan, ours=True)
                if no_retry_left is not None:
                    raise no_retry_left from None
            except RejectedError as rejected:
                # Perhaps the account is there by now: a lost request arrived late after all, or
                # somebody else was faster.
                found = self._find_new(desired) if _speaks_of_keys(rejected) else None
                if found is None:
                    raise _with_hint(rejected) from None
                return self._adopt(found, step, plan, ours=lost > 0)
            else:
                return Written(_created(record, plan), step.actions)

    def _find_new(self, desired: DesiredUser) -> CurrentUser | None:
        return self._search((desired.email,), lambda user: _same_address(user, desired))

    def _adopt(self, found: CurrentUser, step: Step, plan: UserPlan, *, ours: bool) -> Written:
        """Take an account that is there already, and do what it lacks.

        :param ours: a request of this run made it, so it has its password.
        """
        desired = plan.desired
        if not _agrees(found, desired):
            raise PublicaError(
                "address_taken",
                f"{desired.label} was created by somebody else in the meantime: "
                f"{describe(found)}, not external_id {desired.external_id}. Run again to compare "
                "with the store as it is now.",
            )
        if ours:
            desired = replace(desired, update_password=ON_CREATE)
        rest = plan_user(plan.index, desired, Match(found), self._today)
        return Written(found, step.actions if ours else (), then=rest)

    def _update(self, step: Step, plan: UserPlan, current: CurrentUser) -> Written:
        lost = 0
        done = step.actions
        while True:
            try:
                self._api.update(current.id, step.body, repeats=lost > 0)
            except LostAnswerError as error:
                lost += 1
                no_retry_left = self._wait(lost, error)
                if "assign_new_plan" in step.body or no_retry_left or _was_good(error):
                    found = self._read_again(current, step)
                    repeat = self._still_to_update(plan, found, step)
                    if repeat is None:
                        return Written(found, done)
                    step, current = repeat, found
                if no_retry_left is not None:
                    raise no_retry_left from None
            except NotFoundError as error:
                raise _gone(current, error) from None
            else:
                return Written(_updated(current, plan), done)

    def _still_to_update(self, plan: UserPlan, found: CurrentUser, sent: Step) -> Step | None:
        """The update that a lost one leaves to be done; None where it was carried out whole."""
        if found.plans is None and "assign_new_plan" in sent.body:
            raise PublicaError(
                "lost_answer",
                f"{describe(found)}: the answer to an update that assigns a plan was lost, and the "
                "store does not tell which plans the user holds. See at the store whether plan "
                f"{plan.desired.plan_id} was assigned, and run again.",
            )
        rest = plan_user(plan.index, plan.desired, Match(found), self._today)
        updates = [step for step in rest.steps if step.endpoint == UPDATE]
        if not updates:
            return None
        # A password cannot be read, so it is set once more; the plan only where it is missing.
        return updates[0] if updates[0].body != sent.body else sent

    def _read_again(self, current: CurrentUser, step: Step) -> CurrentUser:
        def is_same(user: CurrentUser) -> bool:
            return user.id == current.id

        found = self._search((step.body["email"], current.email), is_same)
        if found is None and not current.active:
            found = next(filter(is_same, Listing(self._api, DEACTIVATED)), None)
        if found is None:
            raise PublicaError(
                "lost_answer",
                f"{describe(current)}: the answer to an update was lost, and the user is not found "
                "any more. Run again to compare with the store as it is now.",
            )
        return found

    def _deactivate(self, step: Step, _plan: UserPlan, current: CurrentUser) -> Written:
        done = self._repeat_until(
            lambda repeats: self._api.deactivate(current.id, repeats=repeats),
            current,
            wanted_active=False,
        )
        return Written(replace(current, active=False), step.actions if done else ())

    def _reactivate(self, step: Step, _plan: UserPlan, current: CurrentUser) -> Written:
        done = self._repeat_until(
            lambda repeats: self._api.reactivate(current.id, repeats=repeats),
            current,
            wanted_active=True,
        )
        user = replace(current, active=True, deactivated_at=None)
        return Written(user, step.actions if done else ())

    def _repeat_until(
        self, send: Callable[[bool], None], current: CurrentUser, *, wanted_active: bool
    ) -> bool:
        """Send until it is certain that the user has the wanted state.

        :returns: whether this run brought it about; somebody else may have been faster.
        """
        lost = 0
        while True:
            try:
                send(lost > 0)
            except LostAnswerError as error:
                lost += 1
                no_retry_left = self._wait(lost, error)
                if (no_retry_left or _was_good(error)) and (
                    self._is_active(current) is wanted_active
                ):
                    return True
                if no_retry_left is not None:
                    raise no_retry_left from None
            except NotFoundError as error:
                if self._is_active(current) is not wanted_active:
                    raise _gone(current, error) from None
                return lost > 0
            else:
                return True

    def _is_active(self, current: CurrentUser) -> bool:
        found = self._search((current.email,), lambda user: user.id == current.id)
        return found is not None and found.active

    def _force_logout(self, step: Step, plan: UserPlan, current: CurrentUser | None) -> Written:
        identifier = step.identifier
        if identifier is None:
            if current is None:
                raise ValueError("a logout needs a user of the store, or a key that names one")
            identifier = current.id
        lost = 0
        while True:
            try:
                self._api.force_logout(identifier, repeats=lost > 0)
            except LostAnswerError as error:
                lost += 1
                no_retry_left = self._wait(lost, error)
                if no_retry_left is not None:
                    raise no_retry_left from None
            except NotFoundError:
                if not plan.deactivates:
                    raise
                told = Warned(
                    plan.desired.label,
                    "the store finds no sessions of the user to end (404)",
                )
                return Written(current, (), warnings=(told,))
            else:
                return Written(current, step.actions)

    def _search(
        self, emails: Sequence[str | None], fits: Callable[[CurrentUser], bool]
    ) -> CurrentUser | None:
        addresses: Iterable[str] = dict.fromkeys(email for email in emails if email)
        found = (user for email in addresses for user in find_by_email(self._api, email))
        return next(filter(fits, found), None)

    def _wait(self, lost: int, error: LostAnswerError) -> PublicaError | None:
        """Wait before finding out what became of a write.

        :returns: the error to raise where it was not carried out and no retry is left.
        """
        try:
            self._api.transport.pause_before_retry(lost, error, error.retry_after)
        except PublicaError as no_retry_left:
            if no_retry_left.code == INTERRUPTED:
                raise
            return no_retry_left
        return None


def _was_good(error: LostAnswerError) -> bool:
    """Whether the status was a good one and only the body was not: then it was most likely done."""
    return error.status is not None and 200 <= error.status < 300


def _speaks_of_keys(rejected: RejectedError) -> bool:
    return not rejected.fields or bool({"email", "external_id"} & set(rejected.fields))


def _with_hint(rejected: RejectedError) -> RejectedError:
    """The refusal of a creation, with what helps where somebody else has the external id."""
    if "external" not in f"{rejected.message} {list(rejected.fields)}".lower():
        return rejected
    return RejectedError(
        rejected.code,
        f"{rejected.message} If this is a user of the store who has another address there, give "
        "the user's id as well.",
        method=rejected.method,
        path=rejected.path,
        status=rejected.status,
        fields=rejected.fields,
    )


def _same_address(user: CurrentUser, desired: DesiredUser) -> bool:
    return desired.email is not None and address_key(user.email) == address_key(desired.email)


def _agrees(found: CurrentUser, desired: DesiredUser) -> bool:
    return not found.returns_external_id or found.external_id == desired.external_id


def _gone(current: CurrentUser, error: NotFoundError) -> PublicaError:
    """The error for a user that the store does not find where the plan saw him."""
    if current.active:
        text = (
            f"The store does not find {describe(current)} any more: somebody changed the user "
            "since this run read the store. Run again to compare with the store as it is now."
        )
    else:
        text = (
            f"The store does not find {describe(current)} for this change. Set state: active to "
            "reactivate the user first."
        )
    return NotFoundError(
        "not_found", text, method=error.method, path=error.path, status=error.status
    )


def _created(record: dict[str, Any], plan: UserPlan) -> CurrentUser:
    """The new user: what the answer tells, under what was asked for."""
    told = user_from_record(record)
    planned = plan.after
    if planned is None:
        return told
    desired = plan.desired
    managed = {
        name: getattr(planned, name)
        for name in ("sessions_limit", "admin", "plan_admin", "only_sees_readable")
        if getattr(desired, name) is not None
    }
    plans = told.plans if desired.plan_id is None else planned.plans
    return replace(
        told,
        email=told.email or planned.email,
        external_id=planned.external_id,
        returns_external_id=True,
        active=True,
        plans=plans if plans is not None else planned.plans,
        **managed,
    )


def _updated(current: CurrentUser, plan: UserPlan) -> CurrentUser:
    # The answer to an update has no body; what was sent whole is what the store now holds.
    planned = plan.after
    if planned is None or planned.id != current.id:
        return current
    return replace(planned, active=current.active, deactivated_at=current.deactivated_at)
