# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of a record: before the first write of a run, and after its last one."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Any

from ..apply.executor import NOT_TRIED, AppliedUser, is_taken
from ..errors import RejectedError
from ..input.options import ABSENT, DesiredUser, address_key
from ..plan.model import ASSIGN_PLAN, CREATE, UserChange
from ..store.user import CurrentUser, UserIndex
from .record import NOT_LISTED, Entry
from .rows import Rows

# A plan that was assigned without an end has one that only a later reading shows. No plan is
# shorter than a month.
DAYS_UNTIL_END_IS_READ = 27


def entries_before(
    rows: Rows, changes: Sequence[UserChange], removed: Collection[Entry], others: Sequence[Entry]
) -> list[Entry]:
    """The entries to store before the first write.

    An entry of a user who is about to be written has no fingerprint, so that the user is compared
    again if the run is killed.

    :param others: the entries of users who have left the list and stay in the record.
    """
    written = {change.position: change for change in changes if change.listed and change.steps}
    entries = []
    for position in range(len(rows.desired)):
        entry, change = rows.entries.get(position), written.get(position)
        if change is not None:
            entry = _keys_of(change.desired, change.current, entry)
        if entry is not None:
            entries.append(entry)
    return [
        *entries,
        *(entry.without_fingerprint(entry.kept) for entry in [*removed, *others]),
        *rows.clashing,
    ]


def entries_after(
    rows: Rows,
    applied: Sequence[AppliedUser],
    others: Sequence[Entry],
    today: str,
    index: UserIndex,
    *,
    listed_taken: bool,
) -> list[Entry]:
    """The entries at the end of a run.

    :param applied: one for each desired user, then one for each removal.
    :param index: the users that were read before the first write.
    :param listed_taken: the lists were read for users that the store refused to create.
    """
    done = {user.change.current.id for user in applied if user.change.current and not user.error}

    def is_open(change: UserChange) -> bool:
        """Whether another row did not free the address of a user who is to be absent."""
        if change.desired.state != ABSENT or change.current is not None:
            return False
        holder = index.by_address.get(change.desired.address or "")
        return holder is not None and holder.active and holder.id not in done

    found = (
        _entry_after(rows, user, today, listed_taken=listed_taken, is_open=is_open(user.change))
        for user in applied[: len(rows.desired)]
    )
    entries = [entry for entry in found if entry is not None]
    ids = {entry.id for entry in entries if entry.id is not None}
    others = [entry for entry in (*others, *rows.clashing) if entry.id not in ids]
    return [*entries, *(entry.without_fingerprint(entry.kept) for entry in others)]


def _entry_after(
    rows: Rows, applied: AppliedUser, today: str, *, listed_taken: bool, is_open: bool
) -> Entry | None:
    change = applied.change
    position = change.position
    entry = rows.entries.get(position)
    if not change.compared:
        return entry
    if applied.error is not None or is_open:
        failed = _entry_after_failure(entry, applied)
        is_listed = listed_taken or rows.was_listed(position)
        if failed is not None and failed.taken and is_listed:
            # The lists are not read again for the same row.
            return failed._replace(taken=rows.fingerprints[position])
        return failed
    desired = change.desired
    return _keys_of(desired, applied.user or change.current, entry)._replace(
        earlier_email=None,
        fingerprint=rows.fingerprints[position],
        plan_end=_plan_end(applied, today),
        absent=desired.state == ABSENT,
        warnings=_standing(applied),
    )


def _entry_after_failure(entry: Entry | None, applied: AppliedUser) -> Entry | None:
    change, error = applied.change, applied.error
    if error is None or error.code == NOT_TRIED or not change.steps:
        return None if entry is None else entry.without_fingerprint()
    if change.current is None and isinstance(error, RejectedError):
        if is_taken(applied):
            return _keys_of(change.desired, None, entry)._replace(taken=NOT_LISTED)
        return None if entry is None else entry.without_fingerprint()
    return _keys_of(change.desired, applied.user or change.current, entry)


def _keys_of(desired: DesiredUser, current: CurrentUser | None, entry: Entry | None) -> Entry:
    """An entry with the keys of the row, and those of the account that the row leaves out."""
    known = Entry() if entry is None else entry
    account = Entry()
    if current is not None:
        # A user who is not created yet has the id 0, and an account can have no address.
        account = Entry(current.email or None, current.external_id, current.id or None)
    email = desired.email or account.email
    earlier = known.email if current is None else account.email
    is_renamed = earlier and email and address_key(earlier) != address_key(email)
    return Entry(
        email=email,
        external_id=desired.external_id or account.external_id or known.external_id,
        id=account.id or known.id or desired.id,
        earlier_email=earlier if is_renamed else None,
    )


def _plan_end(applied: AppliedUser, today: str) -> str | None:
    """The day after which a plan without a desired end has to be read again; None for never."""
    desired = applied.change.desired
    if desired.plan_id is None or desired.plan_valid_to is not None or applied.user is None:
        return None
    if desired.state == ABSENT:
        return None
    if not {ASSIGN_PLAN, CREATE}.isdisjoint(applied.actions):
        day = datetime.date.fromisoformat(today)
        return (day + datetime.timedelta(days=DAYS_UNTIL_END_IS_READ)).isoformat()
    held = [
        plan.last_day
        for plan in applied.user.plans or ()
        if plan.plan_id == desired.plan_id and plan.is_held_on(today)
    ]
    return None if None in held else max(filter(None, held), default=None)


def _standing(applied: AppliedUser) -> dict[str, list[Any]]:
    warnings = {warning.code: list(warning.values) for warning in applied.warnings if warning.code}
    return dict(sorted(warnings.items()))
