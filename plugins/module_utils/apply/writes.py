# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes to the store, each safe when its response is lost.

After a lost response the store may or may not have acted:

- create: look the address up, adopt the account if its external id agrees, else create again;
- update: repeat, which changes nothing; if it assigns a plan, read the user's plans first;
- deactivate, reactivate: repeat; a 404 is success if the user is now in that state;
- force logout: repeat.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..client.api import DEACTIVATED, UsersApi
from ..client.withholding import WITHHELD, StoreText
from ..concurrency import INTERRUPTED
from ..errors import LostAnswerError, NotFoundError, PublicaError, RejectedError
from ..input.options import ON_CREATE, DesiredUser
from ..plan.matching import describe
from ..plan.model import SECRET_FIELDS, UPDATE, Step, UserChange
from ..plan.planner import RIGHTS, plan_user
from ..plan.warnings import LabelledWarning
from ..store.listing import Listing
from ..store.search import find_by_email
from ..store.user import CurrentUser, user_from_record

GENERATED_PASSWORD_BYTES = 24  # 32 characters

OPTION_OF_FIELD = {
    "assign_new_plan": "plan_id",
    "new_plan_custom_valid_to": "plan_valid_to",
    "new_password": "password",
}
_PLAN = re.compile(r"(?<!user_)plan(?![_ ]admin|_name)", re.IGNORECASE)


@dataclass(frozen=True)
class Written:
    """Result of a step.

    :ivar user: the user as they are now.
    :ivar actions: what this run did.
    :ivar remaining: the change to continue with, if the account existed already.
    """

    user: CurrentUser | None
    actions: tuple[str, ...]
    remaining: UserChange | None = None
    warnings: tuple[LabelledWarning, ...] = ()


class Writer:
    def __init__(self, api: UsersApi, today: str) -> None:
        self._api = api
        self._today = today

    def write(self, step: Step, change: UserChange, current: CurrentUser | None) -> Written:
        write: Callable[[Step, UserChange, Any], Written] = getattr(self, f"_{step.endpoint}")
        try:
            return write(step, change, current)
        except (RejectedError, NotFoundError) as error:
            raise _with_options(error, step.body) from None

    def _create(self, step: Step, change: UserChange, _current: None) -> Written:
        desired = change.desired
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
                    return self._adopt(found, step, change, ours=True)
                if no_retry_left is not None:
                    raise no_retry_left from None
            except RejectedError as rejected:
                # The account may exist by now: the lost request arrived late, or another client
                # created it.
                found = self._find_new(desired) if rejects_keys(rejected) else None
                if found is None:
                    raise _with_remedy(rejected) from None
                return self._adopt(found, step, change, ours=lost > 0)
            else:
                return Written(_created(record, change), step.actions)

    def _find_new(self, desired: DesiredUser) -> CurrentUser | None:
        return self._search((desired.email,), lambda user: user.address == desired.address)

    def _adopt(self, found: CurrentUser, step: Step, change: UserChange, *, ours: bool) -> Written:
        """Continue with an account that exists already, by a change for what it lacks.

        :param ours: a request of this run created it, so its password is set.
        """
        desired = change.desired
        if found.returns_external_id and found.external_id != desired.external_id:
            raise PublicaError(
                "address_taken",
                f"Another client created {describe(found)} during this run, while "
                f"{desired.label} is to have external_id {desired.external_id}. Run again to "
                "compare with the store as it is now.",
            )
        if ours:
            desired = replace(desired, update_password=ON_CREATE)
            if _count_plans(found, desired):
                # With any end, since a store may not keep the one that it gets (variant 20).
                desired = replace(desired, plan_id=None)
        remaining = plan_user(change.position, desired, found, self._today)
        return Written(found, step.actions if ours else (), remaining)

    def _update(self, step: Step, change: UserChange, current: CurrentUser) -> Written:
        lost = 0
        done = step.actions
        while True:
            try:
                self._api.update(current.id, step.body, repeats=lost > 0)
            except LostAnswerError as error:
                lost += 1
                no_retry_left = self._wait(lost, error)
                if "assign_new_plan" in step.body or no_retry_left or _has_good_status(error):
                    found = self._read_again(current, step)
                    repeat = self._still_to_update(change, current, found, step)
                    if repeat is None:
                        return Written(found, done)
                    step, current = repeat, found
                if no_retry_left is not None:
                    raise no_retry_left from None
            except NotFoundError as error:
                raise error if is_about_plan(error, step.body) else _gone(current, error) from None
            else:
                return Written(_updated(current, change), done)

    def _still_to_update(
        self, change: UserChange, before: CurrentUser, found: CurrentUser, sent: Step
    ) -> Step | None:
        """The update to send after a lost one; None if the lost one was applied completely."""
        desired = change.desired
        if found.plans is None and "assign_new_plan" in sent.body:
            raise PublicaError(
                "lost_answer",
                f"{describe(found)}: the response to the assignment of plan "
                f"{change.desired.plan_id} was lost, and the store does not return the user's "
                "plans. Check at the store whether the plan was assigned, and run again.",
            )
        if _count_plans(found, desired) > _count_plans(before, desired):
            # Assigned, with any end, since a store may not keep the one that it gets (variant 20).
            desired = replace(desired, plan_id=None)
        remaining = plan_user(change.position, desired, found, self._today)
        updates = [step for step in remaining.steps if step.endpoint == UPDATE]
        if not updates:
            return None
        # A password can't be read, so it is set again; a plan is assigned only if it is missing.
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
                f"{describe(current)}: the response to an update was lost, and the store does not "
                "find the user. Run again to compare with the store as it is now.",
            )
        return found

    def _deactivate(self, step: Step, _change: UserChange, current: CurrentUser) -> Written:
        done = self._repeat_until(self._api.deactivate, current, wanted_active=False)
        return Written(replace(current, active=False), step.actions if done else ())

    def _reactivate(self, step: Step, _change: UserChange, current: CurrentUser) -> Written:
        done = self._repeat_until(self._api.reactivate, current, wanted_active=True)
        user = replace(current, active=True, deactivated_at=None)
        return Written(user, step.actions if done else ())

    def _repeat_until(
        self, send: Callable[..., None], current: CurrentUser, *, wanted_active: bool
    ) -> bool:
        """Send until the user has the wanted state; False if another client made the change."""
        lost = 0
        while True:
            try:
                send(current.id, repeats=lost > 0)
            except LostAnswerError as error:
                lost += 1
                no_retry_left = self._wait(lost, error)
                if (no_retry_left or _has_good_status(error)) and (
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

    def _force_logout(self, step: Step, change: UserChange, current: CurrentUser | None) -> Written:
        identifier = step.identifier
        if identifier is None:
            if current is None:
                raise ValueError("a logout needs a current user or an identifier")
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
                if not change.deactivates:
                    raise
                warning = LabelledWarning(
                    change.desired.label, "the store found no sessions of the user to end (404)"
                )
                return Written(current, (), warnings=(warning,))
            else:
                return Written(current, step.actions)

    def _search(
        self, emails: Sequence[str | None], fits: Callable[[CurrentUser], bool]
    ) -> CurrentUser | None:
        addresses: Iterable[str] = dict.fromkeys(email for email in emails if email)
        found = (user for email in addresses for user in find_by_email(self._api, email))
        return next(filter(fits, found), None)

    def _wait(self, lost: int, error: LostAnswerError) -> PublicaError | None:
        """Wait before checking whether a write was applied.

        :returns: the error to raise if it was not applied and no retry is left; else None.
        """
        try:
            self._api.transport.pause_before_retry(lost, error, error.retry_after)
        except PublicaError as no_retry_left:
            if no_retry_left.code == INTERRUPTED:
                raise
            return no_retry_left
        return None


def _has_good_status(error: LostAnswerError) -> bool:
    """Whether only the body of the response was lost; then the write was most likely applied."""
    return error.status is not None and 200 <= error.status < 300


def _count_plans(user: CurrentUser, desired: DesiredUser) -> int:
    return sum(plan.plan_id == desired.plan_id and plan.gives_seat for plan in user.plans or ())


def rejects_keys(rejected: RejectedError) -> bool:
    return not rejected.fields or bool({"email", "external_id"} & set(rejected.fields))


def _with_remedy(rejected: RejectedError) -> PublicaError:
    """The rejection of a creation, with the remedy if another user has the external id."""
    if "external" not in f"{rejected.message} {list(rejected.fields)}".lower():
        return rejected
    return rejected.reworded(
        f"{rejected.message} If the user exists at the store under another address, also give "
        "the user's id."
    )


def _with_options(error: PublicaError, body: Mapping[str, Any]) -> PublicaError:
    """An error whose message names options and plans as the task gives them.

    Its ``fields`` keep the names of the API.
    """
    message = error.message
    given = {
        name: f"{option} {body[name]}"
        for name, option in OPTION_OF_FIELD.items()
        if name in body and name not in SECRET_FIELDS
    }
    for name, option in {**OPTION_OF_FIELD, **given}.items():
        message = message.replace(f"{name}: ", f"{option}: ")
    if message == error.message and is_about_plan(error, body):
        message = f"{message.rstrip('.')}. The change assigns {', '.join(given.values())}."
    return error if message == error.message else error.reworded(message)


def is_about_plan(error: PublicaError, body: Mapping[str, Any]) -> bool:
    """Whether the store refuses the assignment of a plan."""
    return "assign_new_plan" in body and bool(_PLAN.search(error.message))


def _gone(current: CurrentUser, error: NotFoundError) -> PublicaError:
    """The error for a user that the store does not find, although they were read before."""
    text = f"The store does not find {describe(current)}"
    if current.active:
        text += (
            ": another client changed the user after this run read the store. Run again to compare "
            "with the store as it is now."
        )
    else:
        text += " for this change. Set state: active, which reactivates the user first."
    return NotFoundError("not_found", text, **error.request)


def _created(record: dict[str, Any], change: UserChange) -> CurrentUser:
    """The new user: the values that were sent, over the record in the response."""
    returned = user_from_record(record)
    planned = change.after
    if planned is None:
        return returned
    desired = change.desired
    managed = {
        name: getattr(planned, name)
        for name in ("sessions_limit", *RIGHTS)
        if getattr(desired, name) is not None
    }
    # The store may have put the password of the request into another field.
    store_text = StoreText([desired.password or ""])

    def shown(text: str | None) -> str | None:
        return None if text is None or store_text.quote(text) == WITHHELD else text

    plans = returned.plans if desired.plan_id is None else planned.plans
    if plans is not None:
        plans = tuple(replace(plan, name=shown(plan.name)) for plan in plans)
    return replace(
        returned,
        uuid=shown(returned.uuid),
        email=planned.email,
        external_id=planned.external_id,
        returns_external_id=True,
        active=True,
        plans=plans if plans is not None else planned.plans,
        **managed,
    )


def _updated(current: CurrentUser, change: UserChange) -> CurrentUser:
    # The response to an update has no body; the complete record that was sent is the new one.
    planned = change.after
    if planned is None or planned.id != current.id:
        return current
    return replace(planned, active=current.active, deactivated_at=current.deactivated_at)
