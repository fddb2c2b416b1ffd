# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which users a run with a record compares, and who has left the list since the last run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..input.options import ABSENT, ALWAYS, DesiredUser, address_key
from ..plan.matching import DesiredKeys
from ..plan.model import UserChange
from ..plan.warnings import LabelledWarning, repeated_warning
from ..store.snapshot import Known
from .record import NOT_LISTED, Entry, Record, fingerprint


@dataclass(frozen=True)
class Rows:
    """The desired users of a run, each with the entry of the record that is the same user.

    :ivar entries: by position; a new user has none.
    :ivar compared: the positions of the users to read and compare.
    :ivar left: the entries of users who are no longer in the list.
    :ivar clashing: the entries that share a key with a desired user who has another entry.
    """

    desired: Sequence[DesiredUser]
    fingerprints: Sequence[str]
    entries: Mapping[int, Entry]
    compared: Sequence[int]
    left: Sequence[Entry]
    clashing: Sequence[Entry]
    keys: Keys

    @cached_property
    def owners(self) -> dict[int, int]:
        """The position of the desired user whose entry has an id, by the id."""
        return {entry.id: n for n, entry in self.entries.items() if entry.id is not None}

    def comparing(self, positions: Iterable[int]) -> Rows:
        return replace(self, compared=sorted({*self.compared, *positions}))

    @property
    def known_ids(self) -> dict[int, int]:
        """By position, the id at the store of each user whose external id is the record's."""
        return {
            position: entry.id
            for position in self.compared
            if (entry := self.entries.get(position)) is not None
            and entry.id is not None
            and _same_external_id(self.desired[position], entry)
        }

    def known(self, position: int, *, list_new: bool) -> Known:
        """What the record says about a desired user."""
        user, entry = self.desired[position], self.entries.get(position)
        # Only a creation, with both keys, shows that the store has the user under another address
        # or deactivated: it refuses a second one.
        in_list = list_new or None in (user.email, user.external_id)
        if entry is None:
            return Known(in_list=in_list or user.state == ABSENT or user.id is not None)
        return Known(
            id=entry.id,
            emails=tuple(email for email in entry.emails if address_key(email) != user.address),
            id_identifies=_same_external_id(user, entry),
            # Without an id and a fingerprint, the entry is of a creation that was cut short.
            in_list=in_list
            or entry.id is not None
            or entry.fingerprint is not None
            or entry.taken == NOT_LISTED
            or user.id not in (None, entry.id),
        )

    def was_listed(self, position: int) -> bool:
        """Whether an earlier run refused the same row, and its lists did not hold the user."""
        entry = self.entries.get(position)
        return entry is not None and entry.taken == self.fingerprints[position]

    def not_compared(self) -> list[UserChange]:
        """The desired users who are not read, with the warnings of the last run that did."""
        compared = set(self.compared)
        return [
            UserChange(position, user, warnings=_repeated(self.entries[position]), compared=False)
            for position, user in enumerate(self.desired)
            if position not in compared
        ]


def _same_external_id(user: DesiredUser, entry: Entry) -> bool:
    return user.external_id is not None and user.external_id == entry.external_id


def _repeated(entry: Entry) -> tuple[LabelledWarning, ...]:
    if not entry.warnings:
        return ()
    found = (repeated_warning(entry.label, *one) for one in entry.warnings.items())
    return tuple(filter(None, found))


def rows_of(
    desired: Sequence[DesiredUser], record: Record | None, today: str, *, compare_all: bool
) -> Rows:
    """The rows of a run; the first one has no record."""
    fingerprints = [fingerprint(user) for user in desired]
    keys = Keys(desired)
    entries, others = _entries_of(keys, () if record is None else record.entries)
    compared = [
        position
        for position, user in enumerate(desired)
        if compare_all
        or _is_due(user, fingerprints[position], entries.get(position), today)
        or keys.clash(position, entries[position])
    ]
    left: list[Entry] = []
    clashing: list[Entry] = []
    for entry in others:
        holders = [entries.get(position) for position in keys.positions(entry)]
        if not all(holder is not None and _are_two(holder, entry) for holder in holders):
            clashing.append(entry)
        elif not (entry.absent or (entry.taken and entry.id is None)):
            # Users who were to be absent, or who were never created, have not left.
            left.append(entry)
    return Rows(desired, fingerprints, entries, compared, left, clashing, keys)


def _are_two(one: Entry, other: Entry) -> bool:
    return one.id is not None and other.id is not None and one.id != other.id


def _is_due(user: DesiredUser, now: str, entry: Entry | None, today: str) -> bool:
    if entry is None or entry.fingerprint != now:
        return True
    if user.state == ABSENT:
        return False
    sets_password = user.password is not None and user.update_password == ALWAYS
    return sets_password or (entry.plan_end is not None and entry.plan_end < today)


class Keys(DesiredKeys):
    """The keys of desired users, compared with those of entries."""

    def __init__(self, desired: Sequence[DesiredUser]) -> None:
        super().__init__(desired)
        self._desired = desired

    def clash(self, position: int, entry: Entry) -> bool:
        """Whether another user than the one at this position has a key of an entry."""
        user = self._desired[position]
        # This is true of most of 100,000 entries, and fast.
        same = (entry.email, entry.external_id) == (user.email, user.external_id)
        if same and entry.earlier_email is None and self.ids.get(entry.id or 0) in (None, position):
            return False
        return not self.positions(entry) <= {position}

    def positions(self, entry: Entry) -> set[int]:
        """The positions of the desired users who have a key of an entry."""
        found = (
            # No id is 0.
            self.ids.get(entry.id or 0),
            self.external_ids.get(entry.external_id or ""),
            *(self.addresses.get(address_key(email)) for email in entry.emails),
        )
        return {position for position in found if position is not None}

    def by_earlier_email(self, entry: Entry) -> int | None:
        """The position of the user with the earlier address of an entry, unless it is another."""
        position = self.addresses.get(address_key(entry.earlier_email or ""))
        if position is None:
            return None
        external_ids = {self._desired[position].external_id, entry.external_id, None}
        return None if len(external_ids) > 2 else position


def _entries_of(keys: Keys, entries: Sequence[Entry]) -> tuple[dict[int, Entry], list[Entry]]:
    """The entry of each desired user, by position, and the entries of no desired user.

    An entry is the user with the same id, else the same external id, else the same address.
    """
    found: dict[int, Entry] = {}
    remaining = list(entries)
    lookups: tuple[Callable[[Entry], int | None], ...] = (
        lambda entry: keys.ids.get(entry.id or 0),
        lambda entry: keys.external_ids.get(entry.external_id or ""),
        lambda entry: keys.addresses.get(address_key(entry.email or "")),
        keys.by_earlier_email,
    )
    for position_of in lookups:
        others = []
        for entry in remaining:
            position = position_of(entry)
            if position is None or position in found:
                others.append(entry)
            else:
                found[position] = entry
        remaining = others
    return found, remaining
