# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removals of users that the list does not contain, and the guards before them.

They are all such users of the store (``exclusive``), or those of a record (``leavers``).

Pure functions.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import EscapedText, PublicaError, counted, escape_control, listed
from ..input.options import ABSENT, DesiredUser, address_key
from ..input.policy import RemovalPolicy
from ..store.user import CurrentUser
from .matching import DesiredKeys
from .model import Plan, UserChange
from .planner import plan_absence
from .warnings import LabelledWarning

EMPTY_LIST = "empty_list"
INCOMPLETE_LISTING = "incomplete_listing"
TOO_MANY_DEACTIVATIONS = "too_many_deactivations"
NOT_APPROVED = "not_approved"

# How many of the users to remove a message names; the diff of a dry run shows all of them.
NAMED_USERS = 5

_WILDCARDS = frozenset("*?[")

# Why a user who is not in the list stays active; a key of ``kept`` in a result.
ADMIN, PROTECTED, RIGHTS_UNKNOWN = "admin", "protected", "rights_unknown"
PLAN_ADMIN, INSTITUTION = "plan_admin", "institution"
ANONYMIZED, NOT_EDITABLE = "anonymized", "not_editable"
NOT_FOUND, LISTED = "not_found", "listed"

# Reasons that the operator did not choose, each with the end of its warning.
_WARNED_REASONS = {
    PLAN_ADMIN: "the user is a plan admin",
    INSTITUTION: "all users of a network or site read through this account (ip_ranges, referrers)",
    ANONYMIZED: "the account is anonymized",
    NOT_EDITABLE: "the API may not change the account (can_be_edited is false)",
    RIGHTS_UNKNOWN: "the store does not return whether the user is an admin or a plan admin",
    NOT_FOUND: (
        "no active account has the recorded address: it is deactivated already, or its address was "
        "changed; a run with verify: all looks for the account by id"
    ),
    LISTED: "the account has a key of another user in the list; correct the keys of that user",
}


_UNPROVEN = (
    "is no longer in the list and was not deactivated, since the account with the address now is "
    "another one, or the record can't show that it is the same; a run removes the user from the "
    "record. To deactivate the account, list it with state: absent"
)


@dataclass(frozen=True)
class Removals:
    """The active users that the list does not contain.

    :ivar changes: one for each user to remove, by user id, so that the plan's hash is stable.
    :ivar active: number of active users in the store's list.
    :ivar kept: the users who stay active although the list does not contain them, by reason.
    :ivar have_left: they were in the list of an earlier run; ``active`` is then the number of
        entries of its record.
    :ivar unproven: users who have left, and whose address another account has now, or one that
        can't be shown to be the same. They are not changed.
    """

    changes: Sequence[UserChange] = ()
    active: int = 0
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)
    have_left: bool = False
    unproven: Sequence[str] = ()

    @property
    def warnings(self) -> list[LabelledWarning]:
        """A warning about each user who stays for a reason that the operator did not choose."""
        is_missing = "is no longer in the list" if self.have_left else "is not in the list"
        return [
            LabelledWarning(label, f"{is_missing} and was not deactivated, since {text}")
            for reason, text in _WARNED_REASONS.items()
            for label in self.kept.get(reason, ())
        ] + [LabelledWarning(label, _UNPROVEN) for label in self.unproven]


@dataclass(frozen=True)
class GuardViolation:
    """Why the guards refuse a plan; the ``guard`` of a result.

    :ivar code: a failure code.
    :ivar message: what is wrong and what to do.
    :ivar deactivations: number of users that the plan deactivates for not being in the list.
    :ivar limit: how many ``max_deactivations`` allows; None if it was not compared.
    :ivar active: number of active users at the store, or of entries in the record; None if unknown.
    """

    code: str
    message: str
    deactivations: int
    limit: int | None = None
    active: int | None = None


def refuse_empty_list(policy: RemovalPolicy, desired: Sequence[DesiredUser]) -> None:
    """Refuse an empty list, which would remove all users.

    :raises PublicaError: ``empty_list``, before the first request.
    """
    if desired or not (policy.exclusive or policy.has_record):
        return
    check = "Check users and src (a variable or an export may be empty by mistake)"
    if policy.exclusive:
        raise PublicaError(
            EMPTY_LIST,
            "The list of users is empty, and with exclusive: true all users of the store would be "
            f"deactivated. No request was sent. {check}, or set exclusive: false.",
        )
    raise PublicaError(
        EMPTY_LIST,
        "The list of users is empty, so all users of the record (last_applied) would have left it. "
        f"No request was sent. {check}. To deactivate them all, list them with state: absent.",
    )


def plan_removals(
    desired: Sequence[DesiredUser], active: Iterable[CurrentUser], policy: RemovalPolicy
) -> Removals:
    """The removals of active users who share no key with any desired user, under ``exclusive``.

    A user who shares one key is kept, even if the desired user fails: a row with a wrong key must
    not lock anyone out.

    :param active: the active users of the store's list, each once.
    """
    if not policy.exclusive:
        return Removals()
    keys = DesiredKeys(desired)
    is_protected = protection(policy.protected)
    all_users = list(active)
    removed: list[CurrentUser] = []
    kept: dict[str, list[str]] = {}
    for current in sorted(all_users, key=lambda current: current.id):
        if keys.include(current):
            continue
        reason = reason_to_keep(current, is_protected)
        if reason is None:
            removed.append(current)
        else:
            kept.setdefault(reason, []).append(current.label)
    return Removals(removal_changes(removed, len(desired), policy), len(all_users), kept)


def reason_to_keep(current: CurrentUser, is_protected: Callable[[str], bool]) -> str | None:
    """Why an account is never removed for not being in the list (variant 23); None if it may be."""
    reasons = {
        PROTECTED: is_protected(current.email),
        ADMIN: current.admin,
        PLAN_ADMIN: current.plan_admin,
        INSTITUTION: current.institution,
        ANONYMIZED: current.anonymized,
        NOT_EDITABLE: not current.editable,
        # Without its admins, a store could no longer be managed.
        RIGHTS_UNKNOWN: current.admin is None or current.plan_admin is None,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def protection(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A function that says whether an address matches one of the shell patterns, case ignored.

    Patterns without a wildcard, of which there can be thousands, are looked up in a set.
    """
    plain = {pattern for pattern in patterns if _WILDCARDS.isdisjoint(pattern)}
    wild = [fnmatch.translate(pattern) for pattern in patterns if pattern not in plain]
    matches = re.compile("|".join(wild)).match if wild else lambda _address: None

    def is_protected(email: str) -> bool:
        address = address_key(email)
        return address in plain or matches(address) is not None

    return is_protected


def removal_changes(
    removed: Iterable[CurrentUser], position: int, policy: RemovalPolicy
) -> list[UserChange]:
    """The changes that remove users; ``position`` is that of the first one in the plan."""
    return [
        _plan_removal(number, current, policy.force_logout)
        for number, current in enumerate(removed, start=position)
    ]


def _plan_removal(position: int, current: CurrentUser, force_logout: bool) -> UserChange:
    absent = DesiredUser(
        email=current.email or None,
        external_id=current.external_id,
        id=current.id,
        state=ABSENT,
        force_logout=force_logout,
    )
    return plan_absence(position, absent, current)._replace(listed=False)


def without_removals(plan: Plan) -> Plan:
    """The plan without the removals."""
    return Plan([change for change in plan.changes if change.listed])


def check_guards(
    plan: Plan, policy: RemovalPolicy, *, active: int, complete: bool
) -> GuardViolation | None:
    """Why the guards refuse a plan; None if they let it pass.

    :param active: number of active users that were read, or with leavers of entries in the record,
        for a limit in percent.
    :param complete: whether the store's list of active users was read completely.
    """
    removals = [change for change in plan.changes if not change.listed]
    if policy.exclusive and not complete:
        return _incomplete_listing(len(removals), active)
    limit = policy.limit.of(active) if policy.removes else None
    reported_active = active if policy.removes else None
    if policy.approve is not None:
        if policy.approve == plan.hash or not plan.requests:
            return None
        text = _with_approval(_not_approved(plan, policy.approve, removals), plan, policy)
        return GuardViolation(NOT_APPROVED, text, len(removals), limit, reported_active)
    if limit is not None and len(removals) > limit:
        text = _too_many(policy.limit.in_words(active, policy.counted), removals)
        text = _with_approval(text, plan, policy)
        return GuardViolation(TOO_MANY_DEACTIVATIONS, text, len(removals), limit, reported_active)
    return None


def _incomplete_listing(removals: int, read: int) -> GuardViolation:
    return GuardViolation(
        INCOMPLETE_LISTING,
        f"The store's list of active users is incomplete ({_users(read)} read), so it is unknown "
        "which users are not in the list of users. Run again while no other client changes users "
        "of the store. If the error remains, set exclusive: false and list the users who leave "
        "with state: absent.",
        removals,
    )


def _too_many(limit: str, removals: Sequence[UserChange]) -> str:
    are = "is" if len(removals) == 1 else "are"
    return (
        f"{_users(len(removals))} {are} not in the list and would be deactivated, but "
        f"max_deactivations allows {limit}: {_names(removals)}. Check that the list is complete, "
        "and review the plan in a dry run (--check --diff)."
    )


def _not_approved(plan: Plan, approved: str, removals: Sequence[UserChange]) -> str:
    sentence = (
        f"It deactivates {_users(len(removals))} not in the list: {_names(removals)}."
        if removals
        else "It deactivates no user for not being in the list."
    )
    return (
        f"The approved plan is {approved}, but the plan is now {plan.hash} "
        f"({counted(plan.requests, 'request')}): the list, the store, the options or the record "
        f"(last_applied) have changed since the review. {sentence} Review it in a dry run (--check "
        "--diff)."
    )


def _with_approval(text: str, plan: Plan, policy: RemovalPolicy) -> str:
    """A message with the line that approves the plan as its last one."""
    where, line = "", f"approve: '{plan.hash}'"
    if policy.in_role:
        where = " (with several stores, add --limit and the name of this one)"
        line = f"-e publica_users_approve={plan.hash}"
    return EscapedText(f"{escape_control(text)} To approve exactly this plan{where}:\n{line}")


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


def _names(removals: Sequence[UserChange]) -> str:
    return listed([removal.desired.label for removal in removals], NAMED_USERS)


def removals_blocked_by(
    changes: Sequence[UserChange], errors: Mapping[int, PublicaError | None]
) -> str | None:
    """Why no user may be removed in this run; None if users may be removed.

    If the store does not return external ids (variant 8), a user whose address has changed looks
    like one user to remove and another to create. The store then refuses the creation, since the
    external id is taken, and the old account must stay active. The same holds if a creation failed
    in a way that leaves open whose account the old one is.

    :param errors: the errors of the changes that were applied, by position.
    """
    hides_external_ids = any(
        change.current is not None and not change.current.returns_external_id
        for change in changes
        if not change.listed
    )
    if not hides_external_ids:
        return None
    for change in changes:
        error = errors.get(change.position, change.error)
        if change.listed and error is not None and _may_have_another_address(change, error):
            label = change.desired.label
            return (
                f"{label} could not be created, and the store does not return external ids. One of "
                f"the users who are not in the list may be {label} under another address, so no "
                f"user was removed. Correct the entry of {label} and run again."
            )
    return None


def _may_have_another_address(change: UserChange, error: PublicaError) -> bool:
    """Whether a desired user who was not found may be at the store under another address."""
    if change.current is not None or change.desired.state == ABSENT:
        return False
    # A store validates all fields at once. If it rejects only other fields, both keys are free.
    keys_are_free = error.fields and {"email", "external_id"}.isdisjoint(error.fields)
    return not (error.status == 422 and keys_are_free)
