# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run with a record: it reads what may have changed, and keeps the record up to date."""

from __future__ import annotations

from collections.abc import Sequence

from ..apply.executor import AppliedUser
from ..client.api import UsersApi
from ..errors import PublicaError
from ..input.options import DesiredUser
from ..input.policy import RemovalPolicy
from ..plan.model import Plan, UserChange
from ..plan.planner import plan_users
from ..plan.removals import Removals
from ..progress import Progress, utc_now
from ..store.snapshot import SEARCH, Snapshot, find_in_lists, read_current
from ..store.user import UserIndex
from .entries import entries_after, entries_before
from .file import RecordFile
from .leavers import NO_LEAVERS, judge_leavers, leavers_of
from .record import Entry, Record
from .rows import rows_of


class RecordedRun:
    """One run with a record.

    :param desired: all desired users, with plans by the names that the rows have.
    """

    def __init__(
        self,
        file: RecordFile,
        desired: Sequence[DesiredUser],
        policy: RemovalPolicy,
        today: str,
        *,
        compare_all: bool,
    ) -> None:
        self._file = file
        self._record = file.record or Record(file.store)
        self._policy = policy
        self._today = today
        # After a first run that was killed, too.
        self._compare_all = compare_all or self._record.verified_at is None
        self._rows = rows_of(desired, file.record, today, compare_all=self._compare_all)
        self._leavers = leavers_of(self._rows.left, policy, compare_all=self._compare_all)
        self._judged = NO_LEAVERS
        self._resolved: dict[int, DesiredUser] = {}
        # Whether the lists were read for users that the store refuses to create.
        self._listed_taken = False
        self._is_complete = False
        self._index = UserIndex()
        self._repeats_external_ids = self._record.repeats_external_ids
        self.compared: Sequence[DesiredUser] = [desired[n] for n in self._rows.compared]
        self.warnings = self._leavers.warnings
        # Whether the lists are read for new users, too. Where a store accepts an external id twice,
        # creating a user would not show that the user exists.
        self.lists_new = self._compare_all or self._record.repeats_external_ids

    def read(
        self,
        api: UsersApi,
        compared: Sequence[DesiredUser],
        lookup: str,
        workers: int,
        progress: Progress,
        *,
        count_seats: bool,
    ) -> Snapshot:
        """Read the current users that the plan needs.

        :param compared: the users to compare, with the ids of their plans.
        """
        rows = self._rows
        self._resolved = dict(zip(rows.compared, compared))
        # A search reads no list for new users.
        self._listed_taken = self.lists_new and lookup != SEARCH
        known = [rows.known(position, list_new=self.lists_new) for position in rows.compared]
        leavers, of_leavers = self._leavers.wanted(in_list=self._compare_all)
        snapshot = read_current(
            api,
            [*compared, *leavers],
            lookup,
            workers,
            progress,
            all_users=count_seats,
            deactivated_too=count_seats,
            known=[*known, *of_leavers],
            store_size=len(self._record.entries),
        )
        self._repeats_external_ids |= snapshot.index.repeats_external_ids
        self._is_complete = snapshot.complete
        self._index = snapshot.index
        return snapshot

    def plan(self, snapshot: Snapshot) -> tuple[Plan, Removals]:
        """The plan for all desired users, in the order of the input, and the removals."""
        while others := self._owners_of_accounts(snapshot.index):
            self._rows = self._rows.comparing(others)
        changes = [*self._planned(snapshot.index), *self._rows.not_compared()]
        changes.sort(key=lambda change: change.position)
        entries = len(self._record.entries)
        self._judged = judge_leavers(self._leavers, snapshot, self._policy, self._rows, entries)
        return Plan(changes), self._judged.removals

    def _planned(self, index: UserIndex) -> Sequence[UserChange]:
        rows = self._rows
        users = [self._resolved.get(position, rows.desired[position]) for position in rows.compared]
        return plan_users(users, index, self._today, rows.compared, rows.known_ids).changes

    def _owners_of_accounts(self, index: UserIndex) -> set[int]:
        """The positions of users who are not compared, and whose account has keys of one who is.

        They are compared as well, so that no user takes the account of another one.
        """
        rows, owners = self._rows, self._rows.owners
        found = (
            current
            for position in rows.compared
            for current in index.with_keys_of(rows.desired[position])
        )
        return {owners[user.id] for user in found if user.id in owners} - set(rows.compared)

    def find_taken(
        self, api: UsersApi, changes: Sequence[UserChange], workers: int, progress: Progress
    ) -> list[UserChange]:
        """The changes of users that the store refused to create, after its lists were read.

        :returns: none for a user that the lists do not hold either.
        """
        rows = self._rows
        changes = [change for change in changes if not rows.was_listed(change.position)]
        if not changes:
            return []
        desired = [change.desired for change in changes]
        index = find_in_lists(api, desired, workers, progress, active_too=not self._is_complete)
        positions = [change.position for change in changes]
        found = plan_users(desired, index, self._today, positions).changes
        self._listed_taken = True
        owners = rows.owners
        return [
            change
            for change in found
            if change.error is not None
            or (
                change.current is not None
                and owners.get(change.current.id, change.position) == change.position
            )
        ]

    def write_before(self, plan: Plan) -> None:
        """Store the entries of all users who are about to be written, without a fingerprint."""
        if not plan.requests:
            return
        judged = self._judged
        removes = any(not change.listed for change in plan.changes)
        stay = [*judged.kept, *self._leavers.ignored, *(() if removes else judged.removed)]
        removed = judged.removed if removes else ()
        entries = entries_before(self._rows, plan.changes, removed, stay)
        try:
            self._write(entries, self._record.verified_at)
        except PublicaError as error:
            raise PublicaError(error.code, f"{error.message} Nothing was changed.") from None

    def write_after(self, applied: Sequence[AppliedUser]) -> None:
        """Store what the run has applied; a file that can't be written is a warning."""
        judged, rows = self._judged, self._rows
        removals = applied[len(rows.desired) :]
        remaining = judged.removed
        if removals:  # A guard did not skip them.
            pairs = zip(judged.removed, removals)
            remaining = [entry for entry, user in pairs if user.error is not None]
        others = [*judged.kept, *remaining]
        entries = entries_after(
            rows, applied, others, self._today, self._index, listed_taken=self._listed_taken
        )
        verified_at = utc_now() if self._compare_all else self._record.verified_at
        try:
            self._write(entries, verified_at)
        except PublicaError as error:
            self.warnings.append(f"{error.message} The next run compares these users again.")

    def _write(self, entries: Sequence[Entry], verified_at: str | None) -> None:
        self._file.write(
            Record(self._file.store, tuple(entries), verified_at, self._repeats_external_ids)
        )
