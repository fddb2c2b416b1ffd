# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users who have left the list since the last run: who is removed, and who stays, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import counted, listed
from ..input.options import ABSENT, DesiredUser, address_key
from ..input.policy import RemovalPolicy
from ..plan.removals import (
    LISTED,
    NAMED_USERS,
    NOT_FOUND,
    PROTECTED,
    Removals,
    protection,
    reason_to_keep,
    removal_changes,
)
from ..store.snapshot import Known, Snapshot
from ..store.user import CurrentUser
from .record import Entry
from .rows import Rows


@dataclass(frozen=True)
class Leavers:
    """The users of a record who are no longer in the list.

    :ivar sought: those to find at the store.
    :ivar kept: those who stay without being read, each with the reason in its entry.
    :ivar ignored: those who stay since ``leavers`` is ``ignore``.
    """

    sought: Sequence[Entry]
    kept: Sequence[Entry]
    ignored: Sequence[Entry]

    def wanted(self, *, in_list: bool) -> tuple[list[DesiredUser], list[Known]]:
        """The users to find, and what the record says about each."""
        users = [
            DesiredUser(entry.email, entry.external_id, entry.id, state=ABSENT)
            for entry in self.sought
        ]
        known = [Known(entry.id, entry.emails[1:], in_list=in_list) for entry in self.sought]
        return users, known

    @property
    def warnings(self) -> list[str]:
        if not self.ignored:
            return []
        have, stay = ("has", "stays") if len(self.ignored) == 1 else ("have", "stay")
        names = listed([entry.label for entry in self.ignored], NAMED_USERS)
        return [
            f"{counted(len(self.ignored), 'user', ',')} {have} left the list and {stay} unchanged, "
            f"since leavers is ignore: {names}. A run removes them from the record. To deactivate "
            "them, list them with state: absent. To deactivate users who leave later, set leavers: "
            "deactivate."
        ]


def leavers_of(left: Sequence[Entry], policy: RemovalPolicy, *, compare_all: bool) -> Leavers:
    """The leavers, judged as far as the record allows."""
    if not policy.leavers:
        return Leavers((), (), left)
    is_protected = protection(policy.protected)
    sought: list[Entry] = []
    kept: list[Entry] = []
    for entry in left:
        if any(map(is_protected, entry.emails)):
            kept.append(entry.without_fingerprint(PROTECTED))
        elif compare_all or (entry.kept in (None, PROTECTED, LISTED) and entry.emails):
            sought.append(entry)
        elif entry.id is not None:
            kept.append(entry.without_fingerprint(entry.kept or NOT_FOUND))
    return Leavers(sought, kept, ())


@dataclass(frozen=True)
class JudgedLeavers:
    """The leavers after the store was read.

    :ivar removed: the entries of the users to remove.
    :ivar kept: the entries of those who stay in the record, each with the reason.
    """

    removals: Removals
    removed: Sequence[Entry]
    kept: Sequence[Entry]


NO_LEAVERS = JudgedLeavers(Removals(), (), ())


def judge_leavers(
    leavers: Leavers, snapshot: Snapshot, policy: RemovalPolicy, rows: Rows, entries: int
) -> JudgedLeavers:
    """What happens to the users who are no longer in the list.

    A user is removed only if the account that was found is the one of the record.
    """
    is_protected = protection(policy.protected)
    owners = rows.owners
    removed: dict[int, tuple[CurrentUser, Entry]] = {}
    kept = list(leavers.kept)
    unproven: list[str] = []
    for entry in leavers.sought:
        current = _account_of(entry, snapshot)
        if current is not None:
            if not current.active or current.id in owners:
                continue
            is_listed = rows.keys.include(current)
            reason = LISTED if is_listed else reason_to_keep(current, is_protected)
            if reason is None:
                removed[current.id] = current, entry
            else:
                kept.append(entry._replace(id=current.id).without_fingerprint(reason))
        elif any(address_key(email) in snapshot.index.by_address for email in entry.emails):
            unproven.append(entry.label)
        elif entry.id is not None and not snapshot.complete:
            kept.append(entry.without_fingerprint(NOT_FOUND))
    by_reason: dict[str, list[str]] = {}
    for entry in kept:
        by_reason.setdefault(entry.kept or NOT_FOUND, []).append(entry.label)
    in_order = [removed[user_id] for user_id in sorted(removed)]
    users = [current for current, _entry in in_order]
    changes = removal_changes(users, len(rows.desired), policy)
    return JudgedLeavers(
        Removals(changes, entries, by_reason, have_left=True, unproven=unproven),
        [entry for _current, entry in in_order],
        kept,
    )


def _account_of(entry: Entry, snapshot: Snapshot) -> CurrentUser | None:
    """The account of an entry: the one with its id, or if it has none, with its external id."""
    index = snapshot.index
    if entry.id is not None:
        return index.by_id.get(entry.id)
    return None if entry.external_id is None else index.by_external_id.get(entry.external_id)
