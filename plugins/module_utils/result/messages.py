# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a bulk task says in its ``msg`` and about its guards.

Pure functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from ..apply.executor import NOT_TRIED, AppliedUser
from ..errors import EscapedText, counted, escape_control, listed
from ..plan.model import UserChange, outcomes_of, rate_limit_windows
from ..plan.removals import INCOMPLETE_LISTING, GuardViolation
from ..progress import OUTCOMES
from ..provision import PREDICTED, REFUSED, Provisioned

# How many users a line names, and how many errors a message of failed users.
NAMED_USERS = 10
NAMED_FAILURES = 5

DRY_RUN = "Dry run: nothing was written."


def guard_warning(provisioned: Provisioned) -> str | None:
    """The warning of a guard; None if there is no violation, or the run fails because of it."""
    violation = provisioned.violation
    if violation is None or provisioned.guard_effect == REFUSED:
        return None
    return EscapedText(f"{_guard_effect(provisioned, violation)}. {violation.message}")


def _guard_effect(provisioned: Provisioned, violation: GuardViolation) -> str:
    if provisioned.guard_effect != PREDICTED:
        return f"Skipped {_removals(violation)} (on_guard: skip, {violation.code})"
    if provisioned.policy.skips_removals:
        return f"A run would skip {_removals(violation)} and do the rest ({violation.code})"
    return f"A run would refuse this plan and change nothing ({violation.code})"


def _removals(violation: GuardViolation) -> str:
    if violation.code == INCOMPLETE_LISTING and not violation.deactivations:
        return "all deactivations of users not in the list"
    return f"{counted(violation.deactivations, 'deactivation')} of users not in the list"


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


def run_message(
    provisioned: Provisioned, summary: Mapping[str, int], requests_a_window: int | None, share: int
) -> str:
    """What a run without failures did, or in check mode would do, in numbers.

    :param requests_a_window: the store's rate limit; None if unknown.
    :param share: the percentage of the limit that the run may use.
    """
    requests, violation = provisioned.requests, provisioned.violation
    unread = summary["unverified"]
    of_unchanged = f" ({unread} of them unverified: not read)" if unread else ""
    counts = {name: summary[name] for name in OUTCOMES if summary[name]}
    if not provisioned.dry_run:
        counts.update((name, summary[name]) for name in ("unchanged", "protected") if summary[name])
        parts = [
            f"{number} {name}{of_unchanged if name == 'unchanged' else ''}"
            for name, number in counts.items()
        ]
        done = ", ".join(parts) or "none"
        return f"{summary['desired']} desired: {done}; {counted(requests, 'request')}"
    parts = [f"{number:,} {name}" for name, number in counts.items()]
    if parts:
        name, number = next(iter(counts.items()))
        parts[0] = f"{counted(number, 'user', ',')} would be {name}"
    sentences = [DRY_RUN, f"{', '.join(parts) or 'Nothing would change'}."]
    if summary["unchanged"] and (parts or unread):
        sentences.append(f"{counted(summary['unchanged'], 'user', ',')} unchanged{of_unchanged}.")
    if summary["protected"]:
        sentences.append(f"{counted(summary['protected'], 'user', ',')} protected.")
    if provisioned.plan.requests:
        windows = rate_limit_windows(requests, requests_a_window, share)
        about = f", about {windows:,} minutes" if windows > 1 else ""
        sentences.append(f"The run needs {counted(requests, 'request', ',')}{about}.")
    if violation is not None:
        sentences.append(f"{_guard_effect(provisioned, violation)}: see the warning.")
    return " ".join(sentences)


def failure_message(applied: Sequence[AppliedUser], *, dry_run: bool = False) -> str:
    """The count of failed users, then one line for each of the first errors with its users."""
    errors = [user for user in applied if user.error is not None]
    users_by_text: dict[str, list[str]] = {}
    for user in errors:
        if user.error is not None and user.error.code != NOT_TRIED:
            users_by_text.setdefault(user.error.message, []).append(_named(user.change))
    failed = sum(map(len, users_by_text.values()))
    not_tried = f", {len(errors) - failed} not tried" if failed < len(errors) else ""
    head = f"{failed} of {counted(len(applied), 'user')} failed{not_tried}."
    lines = [f"{DRY_RUN} {head}" if dry_run else head]
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
