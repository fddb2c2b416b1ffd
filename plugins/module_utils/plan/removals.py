# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is removed because the list does not name him, and who is kept all the same. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import PublicaError
from ..input.options import ABSENT, DesiredUser, address_key
from ..input.policy import RemovalPolicy
from ..store.user import CurrentUser
from .model import Plan, UserPlan, Warned
from .planner import plan_absence

EMPTY_LIST = "empty_list"
INCOMPLETE_LISTING = "incomplete_listing"
TOO_MANY_DEACTIVATIONS = "too_many_deactivations"
NOT_APPROVED = "not_approved"

# How many of the users to remove a verdict names; the dry run's diff holds them all.
NAMED_USERS = 5


@dataclass(frozen=True)
class GuardViolation:
    """Why a plan is not to be carried out as it is.

    :ivar code: a short stable name.
    :ivar message: what is wrong and what to do, for a person.
    :ivar deactivations: how many users that are not in the list the plan deactivates.
    :ivar limit: how many it may; None where that is not known, or not asked.
    :ivar active: how many active users the store has; None where that is not known.
    """

    code: str
    message: str
    deactivations: int
    limit: int | None = None
    active: int | None = None


def refuse_empty_list(policy: RemovalPolicy, desired: Sequence[DesiredUser]) -> None:
    """Refuse to remove everybody, which is what a list of nobody says.

    :raises PublicaError: ``empty_list``, before the first request.
    """
    if policy.exclusive and not desired:
        raise PublicaError(
            EMPTY_LIST,
            "exclusive is true and the list of users is empty, which would deactivate everybody at "
            "the store. Nothing was sent. Most likely a variable or an export is empty that should "
            "not be; check users and src, or set exclusive to false.",
        )


def check_guards(
    plan: Plan, policy: RemovalPolicy, *, active: int, complete: bool
) -> GuardViolation | None:
    """The verdict on a plan; None where it may be carried out.

    :param active: how many active users were read, of which the limit may be a percentage.
    :param whole: whether the store's list of active users came in whole.
    """
    removals = [user for user in plan.users if not user.listed]
    if policy.exclusive and not complete:
        return _incomplete(len(removals), active)
    limit = policy.limit.of(active) if policy.exclusive else None
    reported_active = active if policy.exclusive else None
    if policy.approve is not None:
        if policy.approve == plan.hash or not plan.requests:
            return None
        text = _not_approved(plan, policy.approve, removals)
        return GuardViolation(NOT_APPROVED, text, len(removals), limit, reported_active)
    if limit is not None and len(removals) > limit:
        text = _too_many(plan, policy.limit.in_words(active), removals)
        return GuardViolation(TOO_MANY_DEACTIVATIONS, text, len(removals), limit, reported_active)
    return None


def without_removals(plan: Plan) -> Plan:
    """The plan without what it does to users that are not in the list."""
    return Plan([user for user in plan.users if user.listed])


def _incomplete(removals: int, read: int) -> GuardViolation:
    return GuardViolation(
        INCOMPLETE_LISTING,
        f"The store's list of active users did not come in whole ({_users(read)} were read), so "
        "who is not in the list of users cannot be told for certain. Run again, when nobody else "
        "changes users of the store; if it stays so, set exclusive to false and name those who "
        "leave with state: absent.",
        removals,
    )


def _too_many(plan: Plan, limit: str, removals: Sequence[UserPlan]) -> str:
    return (
        f"{_users(len(removals))} {_are(removals)} not in the list and would be deactivated, but "
        f"max_deactivations allows {limit}: {_names(removals)}. Check that the list is complete. "
        "If that is right, raise max_deactivations, or review the plan in a dry run and "
        f"give approve: '{plan.hash}'."
    )


def _not_approved(plan: Plan, approved: str, removals: Sequence[UserPlan]) -> str:
    removed = (
        f"It deactivates {_users(len(removals))} not in the list: {_names(removals)}."
        if removals
        else "It deactivates nobody who is not in the list."
    )
    requests = "1 request" if plan.requests == 1 else f"{plan.requests} requests"
    return (
        f"approve names the plan {approved}, but what list and store come to now is the plan "
        f"{plan.hash} ({requests}): one of them has changed since the review, or other options "
        f"were given. {removed} Review it in a dry run, and give approve: '{plan.hash}' if it is "
        "right."
    )


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


def _are(removals: Sequence[UserPlan]) -> str:
    return "is" if len(removals) == 1 else "are"


def _names(removals: Sequence[UserPlan]) -> str:
    rest = len(removals) - NAMED_USERS
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(removal.desired.label for removal in removals[:NAMED_USERS]) + more


_WILDCARDS = frozenset("*?[")

_RIGHTS_UNKNOWN = (
    "not in the list, and kept since the store does not tell whether the user is an admin"
)


@dataclass(frozen=True)
class Removals:
    """What ``exclusive`` makes of the users that the list does not name.

    :ivar plans: one for each user to remove, by user id, so that the plan's hash is stable.
    :ivar active: how many active users the store's list holds.
    :ivar kept: how many are not removed though the list does not name them.
    :ivar warnings: what the operator should know of those.
    """

    plans: Sequence[UserPlan] = ()
    active: int = 0
    kept: int = 0
    warnings: Sequence[Warned] = ()


NO_REMOVALS = Removals()


def plan_removals(
    desired: Sequence[DesiredUser], active: Iterable[CurrentUser], policy: RemovalPolicy
) -> Removals:
    """The removals of active users that share no key with any desired user.

    One key in common is enough to be spared, whatever becomes of that desired user: a row that is
    wrong in its other keys must lock nobody out.

    :param active: the active users of the store's list, each once.
    """
    ids = {user.id for user in desired}
    external_ids = {user.external_id for user in desired if user.external_id is not None}
    addresses = {address_key(user.email) for user in desired if user.email is not None}
    is_protected = protection(policy.protected)
    all_users = sorted(active, key=lambda user: user.id)
    unlisted = [
        user
        for user in all_users
        if user.id not in ids
        and user.external_id not in external_ids
        and address_key(user.email) not in addresses
    ]
    removed: list[CurrentUser] = []
    warnings: list[Warned] = []
    for user in unlisted:
        if user.admin or is_protected(user.email):
            continue
        if user.admin is None:
            # An admin who is locked out could not even let the others in again.
            warnings.append(Warned(user.email, _RIGHTS_UNKNOWN))
        else:
            removed.append(user)
    plans = [
        _plan_removal(len(desired) + number, user, policy.force_logout)
        for number, user in enumerate(removed)
    ]
    return Removals(plans, len(all_users), len(unlisted) - len(removed), warnings)


def protection(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether an address is one of some shell patterns, without regard to case.

    Patterns without a wildcard, which can be thousands, are looked up instead of tried in turn.
    """
    plain = {pattern for pattern in patterns if _WILDCARDS.isdisjoint(pattern)}
    wild = [fnmatch.translate(pattern) for pattern in patterns if pattern not in plain]
    matches = re.compile("|".join(wild)).match if wild else lambda _address: None

    def is_protected(email: str) -> bool:
        address = address_key(email)
        return address in plain or matches(address) is not None

    return is_protected


def removals_blocked_by(
    plans: Sequence[UserPlan], errors: Mapping[int, PublicaError | None]
) -> str | None:
    """Why nobody may be removed in this run after all; None where nothing speaks against it.

    Where the store hides external ids (choice 8), somebody whose address has changed looks like one
    user too many and one to be created. The store then refuses the creation, since the external id
    is taken, and the old account must stay. So must it where it was not found out whose it is.

    :param errors: what became of the plans that were carried out, by index.
    """
    hides_external_ids = any(
        plan.current is not None and not plan.current.returns_external_id
        for plan in plans
        if not plan.listed
    )
    if not hides_external_ids:
        return None
    for plan in plans:
        error = errors.get(plan.index, plan.error)
        if plan.listed and error is not None and _may_be_another(plan, error):
            return (
                f"who {plan.desired.label} is at the store is not certain, since the store does "
                "not return external ids and the user could not be created. Whoever is not in the "
                "list may be that user under another address, so nobody was removed. Correct the "
                f"entry of {plan.desired.label} and run again."
            )
    return None


def _may_be_another(plan: UserPlan, error: PublicaError) -> bool:
    """Whether a desired user who was not found may be at the store under another address."""
    if plan.current is not None or plan.desired.state == ABSENT:
        return False
    # A store checks all fields at once, so one that finds fault with others only has told that the
    # keys are free.
    keys_are_free = error.fields and {"email", "external_id"}.isdisjoint(error.fields)
    return not (error.status == 422 and keys_are_free)


def _plan_removal(number: int, user: CurrentUser, force_logout: bool) -> UserPlan:
    absent = DesiredUser(
        email=user.email or None,
        external_id=user.external_id,
        id=user.id,
        state=ABSENT,
        force_logout=force_logout,
    )
    return replace(plan_absence(number, absent, user), listed=False)
