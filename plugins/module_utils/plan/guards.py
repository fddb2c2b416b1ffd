# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between a wrong list and the store: asked of a plan before anything of it is done.

Pure functions. A verdict names what was found, the limit, the first users and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..desired.removal_options import RemovalPolicy
from ..desired.user import DesiredUser
from ..transport.errors import PublicaError
from .operations import Plan, UserPlan

EMPTY_LIST = "empty_list"
INCOMPLETE_LISTING = "incomplete_listing"
TOO_MANY_DEACTIVATIONS = "too_many_deactivations"
NOT_APPROVED = "not_approved"

# How many of the users to remove a verdict names; the dry run's diff holds them all.
NAMED_USERS = 5


@dataclass(frozen=True)
class Verdict:
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


def judge(plan: Plan, policy: RemovalPolicy, *, active: int, whole: bool) -> Verdict | None:
    """The verdict on a plan; None where it may be carried out.

    :param active: how many active users were read, of which the limit may be a percentage.
    :param whole: whether the store's list of active users came in whole.
    """
    removals = [user for user in plan.users if not user.listed]
    if policy.exclusive and not whole:
        return _incomplete(len(removals), active)
    limit = policy.limit.of(active) if policy.exclusive else None
    told_active = active if policy.exclusive else None
    if policy.approve is not None:
        if policy.approve == plan.hash or not plan.requests:
            return None
        text = _not_approved(plan, policy.approve, removals)
        return Verdict(NOT_APPROVED, text, len(removals), limit, told_active)
    if limit is not None and len(removals) > limit:
        text = _too_many(plan, policy.limit.in_words(active), removals)
        return Verdict(TOO_MANY_DEACTIVATIONS, text, len(removals), limit, told_active)
    return None


def without_removals(plan: Plan) -> Plan:
    """The plan without what it does to users that are not in the list."""
    return Plan([user for user in plan.users if user.listed])


def _incomplete(removals: int, read: int) -> Verdict:
    return Verdict(
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
