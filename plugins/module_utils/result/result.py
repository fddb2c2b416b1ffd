# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of the modules: one shape for a user, alone or among many, without secrets.

Text that people read (messages, warnings, diffs) has control characters escaped. Data keeps every
character, since playbooks compare it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import chain
from typing import Any

from ..apply.executor import NOT_TRIED, AppliedUser, stopping_error
from ..errors import EscapedText, PublicaError, counted, escape_control, listed
from ..input.options import PUBLIC_NAMES, DesiredUser, is_given
from ..plan.model import (
    FORCE_LOGOUT,
    SET_PASSWORD,
    UserChange,
    outcomes_of,
)
from ..plan.planner import RIGHTS
from ..plan.removals import INCOMPLETE_LISTING, GuardViolation
from ..plan.warnings import LabelledWarning, labels_by_text
from ..progress import OUTCOMES
from ..provision import PREDICTED, REFUSED, Provisioned
from ..store.user import CurrentUser, HeldPlan
from .seats import seats_of

CHANGES, ALL, SUMMARY = "changes", "all", "summary"
REPORTS = (CHANGES, ALL, SUMMARY)

# How many users a warning names, and how many failed users a message names.
NAMED_USERS = 10
NAMED_FAILURES = 5

# How many users who stay although the list does not contain them a result names, for each reason.
NAMED_KEPT = 100

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


SHOWN = ("email", "external_id", "active", *RIGHTS, "sessions_limit")
NOT_SHOWN = "(set, not shown)"


def diff_of(applied: AppliedUser) -> dict[str, Any] | None:
    """The difference of one user, as ``--diff`` shows it; None if nothing changes.

    Plans that differ are shown as text, and are under ``plans`` as data.
    """
    if not applied.changed:
        return None
    before = _shown(applied.change.current)
    after = _shown(applied.user)
    desired = applied.change.desired
    if applied.change.current is None:
        # Of a new user only the desired values are shown: the store chooses the others, which a
        # dry run can't know.
        asked = {*(name for name in SHOWN if getattr(desired, name, None) is not None), "active"}
        asked |= {"plans"} if desired.plan_id is not None else set()
        after = {name: value for name, value in after.items() if name in asked}
    for name in [name for name in after if name in before and before[name] == after[name]]:
        del before[name], after[name]
    creates_password = applied.change.current is None and (
        desired.password is not None or desired.generate_password
    )
    if creates_password or SET_PASSWORD in applied.actions:
        after["password"] = NOT_SHOWN
    if FORCE_LOGOUT in applied.actions:
        after["sessions"] = "ended"
    plans = {}
    for side, values in (("before", before), ("after", after)):
        if "plans" in values:
            plans[side] = values["plans"]
            values["plans"] = [_plan_as_text(plan) for plan in values["plans"]]
    label = (applied.change.current or applied.user or desired).email or desired.label
    unlisted = "" if applied.change.listed else ": not in the list"
    return {
        "before": before,
        "after": after,
        "before_header": label if applied.change.current else f"{label} (not at the store)",
        "after_header": f"{label} ({', '.join(applied.actions)}{unlisted})",
        **({"plans": plans} if plans else {}),
    }


def _shown(user: CurrentUser | None) -> dict[str, Any]:
    if user is None:
        return {}
    shown: dict[str, Any] = {name: getattr(user, name) for name in SHOWN}
    shown["plans"] = [
        {
            "plan_id": plan.plan_id,
            "name": plan.name or None,
            "valid_to": plan.valid_to[:10] if plan.valid_to else None,
            "cancelled": plan.cancelled,
            # A state that gives a seat is not news.
            "status": None if plan.gives_seat else plan.status,
        }
        for plan in user.plans or ()
    ]
    return shown


def _plan_as_text(plan: Mapping[str, Any]) -> str:
    name = f" ({plan['name']})" if plan["name"] else ""
    until = f" until {plan['valid_to']}" if plan["valid_to"] else ""
    ended = "cancelled" if plan["cancelled"] else plan["status"]
    return f"plan {plan['plan_id']}{name}{until}{f', {ended}' if ended else ''}"


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


def _guard_warning(provisioned: Provisioned) -> str | None:
    """The warning of a guard; None if there is no violation, or the run fails because of it."""
    violation, guard_effect = provisioned.violation, provisioned.guard_effect
    if violation is None or guard_effect == REFUSED:
        return None
    code, message = violation.code, violation.message
    if guard_effect != PREDICTED:
        return f"Skipped {_removals(violation)} (on_guard: skip, {code}). {message}"
    if provisioned.policy.skips_removals:
        return f"A run would skip {_removals(violation)} and do the rest ({code}). {message}"
    return f"A run would refuse this plan and change nothing ({code}). {message}"


def _removals(violation: GuardViolation) -> str:
    if violation.code == INCOMPLETE_LISTING and not violation.deactivations:
        return "all deactivations of users not in the list"
    return f"{counted(violation.deactivations, 'deactivation')} of users not in the list"


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
    violation, of_guard = provisioned.violation, _guard_warning(provisioned)
    # A guard that refuses the plan applies nothing; the diff then shows what would change.
    reported = [
        (user, shown)
        for user, shown in zip(applied, provisioned.shown)
        if _is_reported(user, report)
    ]
    result: dict[str, Any] = {
        "changed": any(user.changed for user in applied),
        "last_applied": _last_applied(provisioned),
        "summary": summarize(applied, sum(map(len, removals.kept.values()))),
        "kept": {
            reason: {"count": len(labels), "users": list(labels[:NAMED_KEPT])}
            for reason, labels in removals.kept.items()
        },
        "results": [item(user) for user, _shown in reported],
        "failed_users": list(failed_users),
        "diff": [
            {**diff, "result": number}
            for number, (_user, shown) in enumerate(reported)
            if (diff := diff_of(shown)) is not None
        ],
        "plan": {
            "hash": plan.hash,
            "requests": plan.requests,
            "minutes": plan.minutes(requests_a_window, share),
        },
        "guard": {**asdict(violation), "warning": of_guard} if violation else None,
        "seats": _seats(provisioned, report),
        "warnings": [
            *([of_guard] if of_guard else []),
            *provisioned.warnings,
            *warning_lines(chain(*(user.warnings for user in applied), removals.warnings)),
        ],
    }
    if violation is not None and provisioned.guard_effect == REFUSED:
        refused = PublicaError(violation.code, f"Nothing was changed. {violation.message}")
        return {**result, **refused.as_result()}
    if result["summary"]["failed"]:
        message = failure_message(applied)
        failed = PublicaError("users_failed", message, fields=_errors_by_place(applied))
        result.update(failed.as_result())
        if stopped_by := stopping_error(applied):
            result["failure"] = stopped_by.as_failure()
    return result


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


def summarize(applied: Sequence[AppliedUser], kept: int = 0) -> dict[str, int]:
    """Number of users by outcome; a user who was created and then failed counts in both.

    :param kept: number of users who stay active although the list does not contain them.
    """

    outcomes = Counter(chain.from_iterable(outcomes_of(user.actions) for user in applied))
    return {
        "desired": sum(user.change.listed for user in applied),
        **{outcome: outcomes[outcome] for outcome in OUTCOMES},
        "unchanged": sum(
            user.change.listed and not user.changed and user.error is None for user in applied
        ),
        "unverified": sum(not user.change.compared for user in applied),
        "protected": kept,
        "failed": sum(user.error is not None for user in applied),
    }


def failure_message(applied: Sequence[AppliedUser]) -> str:
    """The count of failed users, then one line for each of the first errors with its users."""
    errors = [user for user in applied if user.error is not None]
    users_by_text: dict[str, list[str]] = {}
    for user in errors:
        if user.error is not None and user.error.code != NOT_TRIED:
            users_by_text.setdefault(user.error.message, []).append(_named(user.change))
    failed = sum(map(len, users_by_text.values()))
    not_tried = f", {len(errors) - failed} not tried" if failed < len(errors) else ""
    lines = [f"{failed} of {len(applied)} users failed{not_tried}."]
    lines += [
        f"{listed(users, NAMED_USERS)}: {text}"
        for text, users in list(users_by_text.items())[:NAMED_FAILURES]
    ]
    if len(users_by_text) > NAMED_FAILURES:
        lines.append(f"{len(users_by_text) - NAMED_FAILURES} more errors are in results.")
    return EscapedText("\n".join(map(escape_control, lines)))


def _named(change: UserChange) -> str:
    label, place = change.desired.label, change.desired.place
    if not change.listed:
        return f"{label} (not in the list)"
    in_list = not place or place.startswith("users[")
    return f"#{change.position} {label}" if in_list else f"{place} {label}"
