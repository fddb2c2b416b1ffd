# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of the modules: one shape for a user, alone or among many, without secrets.

Text that people read (messages, warnings, diffs) has control characters escaped. Data keeps every
character, since playbooks compare it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import chain
from typing import Any

from ..apply.executor import AppliedUser, stopping_error
from ..errors import EscapedText, PublicaError, escape_control, listed
from ..input.options import PUBLIC_NAMES, DesiredUser
from ..input.values import is_given
from ..plan.model import rate_limit_windows
from ..plan.warnings import LabelledWarning, labels_by_text
from ..provision import REFUSED, Provisioned
from ..store.user import CurrentUser, HeldPlan
from .diff import diff_of, diffs_of
from .messages import NAMED_USERS, failure_message, guard_warning, run_message, summarize
from .seats import seats_of

CHANGES, ALL, SUMMARY = "changes", "all", "summary"
REPORTS = (CHANGES, ALL, SUMMARY)

# How many users who stay although the list does not contain them a result names, for each reason.
NAMED_KEPT = 100

# How many users the result of a refused plan names, since Ansible prints the result of a failed
# task. It does not print ``diff``, which holds the others.
NAMED_REFUSED = 5

# The keys of a result that hold text for people.
TEXT_KEYS = ("msg", "warnings", "failure", "guard", "diff")


def escaped_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """A module's result with control characters escaped in the text for people."""
    escaped = {
        name: _escape_all(value) if name in TEXT_KEYS else value for name, value in result.items()
    }
    if "results" in escaped:
        escaped["results"] = [
            {**item, "error": _escape_all(item["error"])} if item["error"] else item
            for item in escaped["results"]
        ]
    return escaped


def _escape_all(value: Any) -> Any:
    if isinstance(value, str):
        return escape_control(value)
    if isinstance(value, Mapping):
        return {_escape_all(key): _escape_all(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escape_all(inner) for inner in value]
    return value


def normal_form(user: CurrentUser) -> dict[str, Any]:
    """A user as every module returns it. Times are ISO 8601 in UTC; None means unknown."""
    return {
        "id": user.id or None,
        "uuid": user.uuid,
        "external_id": user.external_id,
        "email": user.email,
        "active": user.active,
        "admin": user.admin,
        "plan_admin": user.plan_admin,
        "only_sees_readable": user.only_sees_readable,
        "sessions_limit": user.sessions_limit,
        "plans": None if user.plans is None else [_plan(plan) for plan in user.plans],
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "deactivated_at": user.deactivated_at,
        **user.counters,
    }


def _plan(plan: HeldPlan) -> dict[str, Any]:
    return {
        "plan_id": plan.plan_id,
        "name": plan.name,
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "cancelled": plan.cancelled,
        "status": plan.status,
    }


def warning_lines(warnings: Iterable[LabelledWarning]) -> list[str]:
    """One line for each text with the users that it is about, in the order of the first user."""
    grouped = labels_by_text(warnings)
    return [f"{listed(users, NAMED_USERS)}: {text}." for text, users in grouped.items()]


_UNSET = {field.name: field.default for field in fields(DesiredUser)}


def failed_users(
    applied: Sequence[AppliedUser], rows: Sequence[Any], defaults: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The items of the input that failed, in its order, without their passwords.

    :param rows: the items of ``users``, with which the input begins; they are returned as given.
        Rows of a file, which is not kept in memory, are built from the desired user.
    :param defaults: the defaults of the task.
    """
    items = []
    for user in applied:
        if user.error is None or not user.change.listed:
            continue
        if user.change.position < len(rows):
            row: Mapping[str, Any] = rows[user.change.position]
            given = {name: value for name, value in row.items() if is_given(value)}
        else:
            # An option that is not set is left out, unless the task has a default for it.
            values = {name: getattr(user.change.desired, name) for name in _UNSET}
            given = {
                name: value
                for name, value in values.items()
                if value is not None and (value != _UNSET[name] or name in defaults)
            }
            if "plan_name" in given:
                # The id was resolved from the name, and an item can have only one of them.
                given.pop("plan_id", None)
        items.append({name: value for name, value in given.items() if name in PUBLIC_NAMES})
    return items


def logout_result(applied: AppliedUser) -> dict[str, Any]:
    """The result of a task that ends sessions."""
    return {
        "changed": applied.changed,
        "actions": list(applied.actions),
        "warnings": warning_lines(applied.warnings),
        **(applied.error.as_result() if applied.error else {}),
    }


def single_result(applied: AppliedUser) -> dict[str, Any]:
    """The result of a task on one user, with ``failed`` and what was done before if it failed."""
    difference = diff_of(applied)
    return {
        **logout_result(applied),
        "user": normal_form(applied.user) if applied.user else {},
        **({"diff": difference} if difference else {}),
    }


def bulk_result(
    provisioned: Provisioned,
    *,
    failed_users: Sequence[Mapping[str, Any]],
    report: str,
    requests_a_window: int | None,
    share: int,
) -> dict[str, Any]:
    """The result of a bulk task, with ``failed`` if a user failed or a guard refused the plan.

    :param failed_users: the items of the input that failed.
    :param requests_a_window: the store's rate limit; None if unknown.
    :param share: the percentage of the limit that the run may use.
    """
    plan, applied, removals = provisioned.plan, provisioned.applied, provisioned.removals
    violation, of_guard = provisioned.violation, guard_warning(provisioned)
    refused = violation is not None and provisioned.guard_effect == REFUSED
    is_short = refused and report != ALL
    # A guard that refuses the plan applies nothing; the diff then shows what would change.
    reported = [
        (user, shown)
        for user, shown in zip(applied, provisioned.shown)
        if _is_reported(user, report)
    ]
    named = len(reported)
    if is_short:
        reported, named = _named_first(reported)
    diff = diffs_of([shown for _user, shown in reported])
    for entry in diff:
        if entry.get("result", 0) >= named:
            entry["item"] = item(reported[entry["result"]][0])
    summary = summarize(applied, sum(map(len, removals.kept.values())))
    result: dict[str, Any] = {
        "changed": any(user.changed for user in applied),
        "msg": run_message(provisioned, summary, requests_a_window, share),
        "last_applied": _last_applied(provisioned),
        "summary": summary,
        "kept": {
            reason: {
                "count": len(labels),
                "users": list(labels[: NAMED_REFUSED if is_short else NAMED_KEPT]),
            }
            for reason, labels in removals.kept.items()
        },
        "results": [item(user) for user, _shown in reported[:named]],
        "failed_users": list(failed_users[:NAMED_REFUSED] if is_short else failed_users),
        "diff": diff,
        "plan": {
            "hash": plan.hash,
            "requests": plan.requests,
            "minutes": plan.minutes(requests_a_window, share),
            "total_requests": provisioned.needed_requests,
            "total_minutes": rate_limit_windows(
                provisioned.needed_requests, requests_a_window, share
            ),
        },
        "guard": {**asdict(violation), "warning": of_guard} if violation else None,
        "seats": _seats(provisioned, report),
        "warnings": [
            *([of_guard] if of_guard else []),
            *provisioned.warnings,
            *warning_lines(chain(*(user.warnings for user in applied), removals.warnings)),
        ],
    }
    if violation is not None and refused:
        text: str = EscapedText(f"Nothing was changed. {violation.message}")
        return {**result, **PublicaError(violation.code, text).as_result()}
    if summary["failed"]:
        text = failure_message(applied, dry_run=provisioned.dry_run)
        failed = PublicaError("users_failed", text, fields=_errors_by_place(applied))
        result.update(failed.as_result())
        if stopped_by := stopping_error(applied):
            result["failure"] = stopped_by.as_failure()
    return result


Reported = tuple[AppliedUser, AppliedUser]


def _named_first(reported: Sequence[Reported]) -> tuple[list[Reported], int]:
    """The users of a refused plan with those first that the result names, and their number.

    Those are all users with an error of their own, and the first ones of the others.
    """
    named: list[Reported] = []
    others: list[Reported] = []
    room = NAMED_REFUSED
    for pair in reported:
        own_error = pair[0].change.error is not None
        (named if own_error or room else others).append(pair)
        room -= bool(room and not own_error)
    return [*named, *others], len(named)


def _last_applied(provisioned: Provisioned) -> dict[str, Any] | None:
    """The record after the run; None without one."""
    file = provisioned.record
    if file is None:
        return None
    record = file.record
    return {
        "path": file.path,
        "entries": 0 if record is None else len(record.entries),
        "verified_at": None if record is None else record.verified_at,
    }


def _seats(provisioned: Provisioned, report: str) -> dict[str, Any] | None:
    """The store's seats after the run; None if they were not counted."""
    written = () if provisioned.dry_run else (one.user for one in provisioned.applied)
    seats = seats_of(provisioned.snapshot, written, provisioned.today)
    if seats is not None and report == SUMMARY:
        seats["ending"] = []
    return seats


def _errors_by_place(applied: Sequence[AppliedUser]) -> dict[str, list[str]]:
    """The errors by place in the input, or by position among the users not in the list."""
    listed = sum(user.change.listed for user in applied)
    errors = {}
    for user in applied:
        if user.error is not None:
            position = user.change.position
            place = (
                user.change.desired.place
                if user.change.listed
                else f"not_listed[{position - listed}]"
            )
            errors[place or f"users[{position}]"] = [user.error.message]
    return errors


def _is_reported(user: AppliedUser, report: str) -> bool:
    """Whether ``results`` has an item for a user."""
    if report == CHANGES:
        return user.changed or user.error is not None
    return report == ALL


def item(applied: AppliedUser) -> dict[str, Any]:
    """One of ``results``; always with the same keys."""
    desired, user = applied.change.desired, applied.user
    return {
        # The keys that were asked for, not what the store has put into their place.
        "email": desired.email or (user.email if user else None),
        "external_id": desired.external_id or (user.external_id if user else None),
        "id": desired.id or ((user.id or None) if user else None),
        "state": desired.state,
        "listed": applied.change.listed,
        "actions": list(applied.actions),
        "changed": applied.changed,
        "failed": applied.error is not None,
        "error": applied.error.as_failure() if applied.error else None,
    }
