# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of many users: one item each, of one shape, a summary and what the plan takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..applied.executor import NOT_TRIED, AppliedUser, stopping_error
from ..applied.guarded import REFUSED
from ..plan.operations import FATES, UserPlan
from ..provision import Provisioned
from ..transport.errors import PublicaError
from .diff import diff_of
from .guard import guard_failure, guard_item, guard_warnings
from .seats import seats_of
from .warning_lines import warning_lines

CHANGES, ALL, SUMMARY = "changes", "all", "summary"
REPORTS = (CHANGES, ALL, SUMMARY)

# How many failed users the message names; ``results`` holds them all.
NAMED_FAILURES = 5


def bulk_result(
    provisioned: Provisioned,
    *,
    failed_users: Sequence[Mapping[str, Any]],
    report: str,
    requests_a_window: int | None,
    share: int,
) -> dict[str, Any]:
    """The whole result of a bulk task; with ``failed`` where a user failed or a guard refused.

    :param failed_users: the items of the input that failed.
    :param requests_a_window: the store's rate limit, None where it has not told one.
    :param share: the percentage of it that the run may use.
    """
    plan, applied, removals = provisioned.plan, provisioned.applied, provisioned.removals
    verdict, (_applied, shown, consequence) = provisioned.verdict, provisioned.guarded
    result: dict[str, Any] = {
        "changed": any(user.changed for user in applied),
        "summary": summarize(applied, removals.kept),
        "results": [item(user) for user in reported(applied, report)],
        "failed_users": list(failed_users),
        "diff": [
            difference
            for user in reported(shown, report)
            if (difference := diff_of(user)) is not None
        ],
        "plan": {
            "hash": plan.hash,
            "requests": plan.requests,
            "minutes": plan.minutes(requests_a_window, share),
        },
        "guard": guard_item(verdict),
        "seats": _seats(provisioned, report),
        "warnings": [
            *guard_warnings(verdict, consequence, skips_removals=provisioned.policy.skips_removals),
            *warning_lines(applied, removals.warnings),
        ],
    }
    if verdict is not None and consequence == REFUSED:
        refused = guard_failure(verdict)
        return {**result, "failed": True, "msg": refused.message, "failure": refused.as_failure()}
    if result["summary"]["failed"]:
        message = failure_message(applied)
        result["failed"] = True
        result["msg"] = message
        result["failure"] = (
            stopping_error(applied)
            or PublicaError("users_failed", message, fields=_errors_by_place(applied))
        ).as_failure()
    return result


def _seats(provisioned: Provisioned, report: str) -> dict[str, Any] | None:
    """The store's seats as they are now: a dry run has changed none."""
    written = () if provisioned.foretold else (user.user for user in provisioned.applied)
    seats = seats_of(provisioned.current, written, provisioned.today)
    if seats is not None and report == SUMMARY:
        seats["ending"] = []
    return seats


def _errors_by_place(applied: Sequence[AppliedUser]) -> dict[str, list[str]]:
    """The errors by where the user stands: in the input, or among those whom it does not name."""
    listed = sum(user.plan.listed for user in applied)
    errors = {}
    for user in applied:
        if user.error is not None:
            index = user.plan.index
            place = user.plan.desired.place if user.plan.listed else f"not_listed[{index - listed}]"
            errors[place or f"users[{index}]"] = [user.error.message]
    return errors


def reported(applied: Sequence[AppliedUser], report: str) -> list[AppliedUser]:
    """The users that a result tells of one by one, in the order of the input."""
    if report == SUMMARY:
        return []
    if report == ALL:
        return list(applied)
    return [user for user in applied if user.changed or user.error is not None]


def item(applied: AppliedUser) -> dict[str, Any]:
    """The result of one user; the same keys whatever happened."""
    desired, user = applied.plan.desired, applied.user
    return {
        "email": user.email if user else desired.email,
        "external_id": user.external_id if user and user.external_id else desired.external_id,
        "id": (user.id or None) if user else desired.id,
        "state": desired.state,
        "actions": list(applied.actions),
        "changed": applied.changed,
        "failed": applied.error is not None,
        "error": applied.error.as_failure() if applied.error else None,
    }


def summarize(applied: Sequence[AppliedUser], kept: int = 0) -> dict[str, int]:
    """How many users met which fate; one that was created and failed after counts in both.

    :param kept: users that the list does not name and that were not to be removed.
    """

    def count(*actions: str) -> int:
        return sum(not set(actions).isdisjoint(user.actions) for user in applied)

    return {
        "desired": sum(user.plan.listed for user in applied),
        **{fate: count(*actions) for fate, actions in FATES.items()},
        "unchanged": sum(
            user.plan.listed and not user.changed and user.error is None for user in applied
        ),
        "protected": kept,
        "failed": sum(user.error is not None for user in applied),
    }


def failure_message(applied: Sequence[AppliedUser]) -> str:
    """One sentence on the users that failed, the first of them by name."""
    errors = [user for user in applied if user.error is not None]
    failed = [user for user in errors if user.error and user.error.code != NOT_TRIED]
    named = "; ".join(f"{_named(user.plan)}: {user.error}" for user in failed[:NAMED_FAILURES])
    rest = len(failed) - NAMED_FAILURES
    more = f"; and {rest} more, all of them in results" if rest > 0 else ""
    left = len(errors) - len(failed)
    not_tried = f"; {left} more were not tried" if left else ""
    return f"{len(failed)} of {len(applied)} users failed: {named}{more}{not_tried}"


def _named(plan: UserPlan) -> str:
    label, place = plan.desired.label, plan.desired.place
    if not plan.listed:
        return f"{label} (not in the list)"
    in_list = not place or place.startswith("users[")
    return f"#{plan.index} {label}" if in_list else f"{place} {label}"
