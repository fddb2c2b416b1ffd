# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the current users with the fewest requests: list pages, or look-ups if cheaper.

A page of a list costs one request for 100 users, a look-up one request for each user. ``auto``
chooses after the first page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from ..client.api import DEACTIVATED, PAGE_SIZE, UsersApi
from ..concurrency import leave_signals_to_main_thread
from ..input.options import ABSENT, DesiredUser, address_key
from ..progress import NO_PROGRESS, Progress
from .listing import Listing
from .search import find_by_email
from .user import CurrentUser, UserIndex

AUTO, LIST, SEARCH = "auto", "list", "search"
LOOKUPS = (AUTO, LIST, SEARCH)

# If the store does not return the length of its list: the number of look-ups that are considered
# as cheap as the pages read so far, per page. With 4, three users of a large store are looked up at
# once, and a thousand are listed.
LOOK_UPS_PER_PAGE = 4
# With a record, so many look-ups always count as cheaper then: a record is for large stores.
FEW_LOOK_UPS = 64


def lookup_argument_spec() -> dict[str, Any]:
    """The argument spec of ``lookup``, for the modules that compare."""
    return {"type": "str", "choices": list(LOOKUPS), "default": AUTO}


@dataclass(frozen=True)
class Known:
    """What the record of an earlier run says about a desired user.

    :ivar id: the id of the user at the store.
    :ivar emails: addresses that the user may have, besides the desired one.
    :ivar id_identifies: the record and the desired user have the same external id, so the id
        identifies the user where the store does not return external ids (variant 8).
    :ivar in_list: read the lists for the user if no look-up finds them.
    """

    id: int | None = None
    emails: tuple[str, ...] = ()
    id_identifies: bool = False
    in_list: bool = True


NOT_KNOWN = Known()


class _Wanted(NamedTuple):
    """A desired user who is to be found."""

    user: DesiredUser
    known: Known

    @property
    def emails(self) -> tuple[str, ...]:
        """The addresses to look up, the best first."""
        first = () if self.user.email is None else (self.user.email,)
        return (*first, *self.known.emails)


@dataclass(frozen=True)
class Snapshot:
    """What was read of a store.

    :ivar index: the current users that the plan needs, and others that were read with them.
    :ivar active: the active users on the pages of the list that were read, each once.
    :ivar complete: the list was read to its end, and by the store's responses no user is missing.
    :ivar deactivated: the deactivated users, each once; None unless their list was read to its end.
    """

    index: UserIndex
    active: Sequence[CurrentUser]
    complete: bool
    deactivated: Sequence[CurrentUser] | None = None


def read_current(
    api: UsersApi,
    desired: Sequence[DesiredUser],
    lookup: str = AUTO,
    workers: int = 1,
    progress: Progress = NO_PROGRESS,
    *,
    all_users: bool = False,
    deactivated_too: bool = False,
    known: Sequence[Known] | None = None,
    store_size: int = 0,
) -> Snapshot:
    """Read the current users that the plan for ``desired`` needs.

    :param lookup: ``auto``, ``list`` or ``search``.
    :param workers: number of concurrent look-ups and pages.
    :param all_users: read the complete list of active users.
    :param deactivated_too: also read the complete list of deactivated users.
    :param known: what a record says, for each of ``desired``; None without a record.
    :param store_size: the number of users that the record has, if there is one.
    """
    with ThreadPoolExecutor(workers, initializer=leave_signals_to_main_thread) as pool:
        reader = _Reader(api, desired, workers, pool, progress, known, store_size)
        if all_users:
            reader.list_all_users()
        elif lookup == SEARCH:
            reader.search_active()
        else:
            reader.list_active(may_look_up=lookup == AUTO)
        reader.list_deactivated(all_users=deactivated_too)
        return reader.snapshot()


def find_in_lists(
    api: UsersApi,
    desired: Sequence[DesiredUser],
    workers: int,
    progress: Progress,
    *,
    active_too: bool,
) -> UserIndex:
    """The users of the lists, read until all of ``desired`` are found, the deactivated first.

    :param active_too: read the list of active users after it.
    """
    with ThreadPoolExecutor(workers, initializer=leave_signals_to_main_thread) as pool:
        reader = _Reader(api, desired, workers, pool, progress)
        reader.list_deactivated()
        if active_too:
            reader.list_active(may_look_up=False)
        return reader.index


class _Reader:
    """The users read so far, and the desired users that are not resolved yet.

    A user who is read is compared only with the desired users who share a key, so the time is
    linear in the size of the store.
    """

    def __init__(
        self,
        api: UsersApi,
        desired: Iterable[DesiredUser],
        workers: int,
        pool: Executor,
        progress: Progress,
        known: Sequence[Known] | None = None,
        store_size: int = 0,
    ) -> None:
        self._api = api
        self._has_record = known is not None
        self._store_size = store_size
        self._workers = workers
        self._pool = pool
        self._progress = progress
        self._looked_up: set[str] = set()
        self._has_lower_cased = False
        self._active = Listing(api)
        self._deactivated: Listing | None = None
        self._unresolved: dict[int, _Wanted] = {
            position: _Wanted(user, NOT_KNOWN if known is None else known[position])
            for position, user in enumerate(desired)
        }
        self._unresolved_by_key: dict[tuple[str, object], list[int]] = {}
        for position, wanted in self._unresolved.items():
            for key in _keys(wanted.user, wanted.known.id):
                self._unresolved_by_key.setdefault(key, []).append(position)
        # Users that a look-up can't find, or not with certainty.
        self._without_email = {n for n, wanted in self._unresolved.items() if not wanted.emails}
        self._with_id = {
            n
            for n, wanted in self._unresolved.items()
            if wanted.user.id not in (None, wanted.known.id) and wanted.known.in_list
        }
        self.index = UserIndex()

    def list_active(self, may_look_up: bool) -> None:
        """Find the desired users in the list of active users, or by look-ups if cheaper."""
        if may_look_up and len(self._unresolved) == 1:
            # A look-up costs no more than the first page.
            self._look_up_before_listing()
        while not self._active.finished and (remaining := self._count(self._needs_list)):
            before = len(self._unresolved)
            self._read_page(self._active, remaining)
            found = before - len(self._unresolved)
            if may_look_up and self._look_ups_are_cheaper(found):
                may_look_up = False
                self._look_up_before_listing()
        self._look_up_in_gaps()

    def list_all_users(self) -> None:
        """Read the complete list of active users."""
        while not self._active.finished:
            # One page for each worker, since all pages are needed.
            self._read_page(self._active, self._workers * PAGE_SIZE)
        self._look_up_in_gaps()

    def _look_up_in_gaps(self) -> None:
        if not self._active.complete:
            # A user may be missing in the list and still exist.
            self._look_up(stop_early=False)

    def snapshot(self) -> Snapshot:
        """What was read, as a snapshot."""
        active = [user for user in self._active.users.values() if user.active]
        complete = self._active.finished and self._active.complete
        deactivated: list[CurrentUser] | None = None
        if self._deactivated is not None and self._deactivated.finished:
            if self._deactivated.complete:
                # A search may also return active users, who don't belong to this list.
                deactivated = [u for u in self._deactivated.users.values() if not u.active]
        elif complete and self._holds_deactivated():
            deactivated = [user for user in self._active.users.values() if not user.active]
        return Snapshot(self.index, active, complete, deactivated)

    def search_active(self) -> None:
        """Look every desired user up, and list only for those that a look-up can't find."""
        self._look_up(stop_early=False)
        # The account of a record exists, possibly under another address.
        self._read_deactivated(self._is_lost)
        while not self._active.finished and (
            self._without_email or self._with_id or self._count(self._is_lost)
        ):
            remaining = len(self._without_email | self._with_id)
            self._read_page(self._active, max(remaining, self._count(self._is_lost)))

    def list_deactivated(self, *, all_users: bool = False) -> None:
        """Find the desired users who are not active in the list of deactivated users.

        :param all_users: read the list completely.
        """
        read_complete = self._active.finished and self._active.complete
        if read_complete and self._holds_deactivated():
            return  # That list holds the deactivated users too (variant 3).
        if all_users:
            if self._deactivated is None:
                self._deactivated = Listing(self._api, DEACTIVATED, self._active.page_size)
            while not self._deactivated.finished:
                self._read_page(self._deactivated, self._workers * PAGE_SIZE)
            return
        # With ``absent``, a user who is not active needs no change.
        self._read_deactivated(
            lambda wanted: wanted.user.state != ABSENT and self._may_be_listed(wanted)
        )

    def _holds_deactivated(self) -> bool:
        """Whether the list of active users holds a deactivated one."""
        return any(not user.active for user in self._active.users.values())

    def _look_up_before_listing(self) -> None:
        """Look the remaining users up; then read the list of deactivated users if needed.

        A user whose address was not found is most often deactivated, and that list is usually the
        shorter one.
        """
        # With a record, most users are found, and the list is long compared with the look-ups.
        self._look_up(stop_early=not self._has_record)
        self._read_deactivated(
            lambda wanted: self._was_looked_up(wanted) and self._needs_list(wanted)
        )

    def _read_deactivated(self, is_remaining: Callable[[_Wanted], bool]) -> None:
        if self._deactivated is None:
            self._deactivated = Listing(self._api, DEACTIVATED, self._active.page_size)
        while not self._deactivated.finished and (remaining := self._count(is_remaining)):
            self._read_page(self._deactivated, remaining)

    def _count(self, is_remaining: Callable[[_Wanted], bool]) -> int:
        """Number of remaining users, up to the number that matters for reading ahead."""
        enough = self._workers * PAGE_SIZE
        return sum(1 for _user in islice(filter(is_remaining, self._unresolved.values()), enough))

    def _read_page(self, listing: Listing, remaining: int) -> None:
        """Read the next page, and read ahead for ``remaining`` users who are not found yet."""
        # At least this many pages are needed, even if they hold no other users.
        pages = -(-remaining // (listing.page_size or PAGE_SIZE))
        listing.read_ahead(min(pages, self._workers), self._pool)
        new = listing.read_page()
        self._progress.page_read(len(new), listing.pages_left)
        for user in new:
            self._add(user)

    def _look_up(self, stop_early: bool) -> None:
        """Look up the remaining users by address, as many at a time as there are workers.

        :param stop_early: stop at a user who was not found and that only the list can find.
        """
        while positions := [
            position
            for position, wanted in self._unresolved.items()
            if self._next_email(wanted) is not None
        ]:
            self._progress.looking_up(len(positions))
            for start in range(0, len(positions), self._workers):
                batch = [
                    self._unresolved[position]
                    for position in positions[start : start + self._workers]
                    if position in self._unresolved
                ]
                emails = [email for wanted in batch if (email := self._next_email(wanted))]
                for found in self._pool.map(self._find, emails):
                    for user in found:
                        self._add(user)
                self._looked_up.update(map(address_key, emails))
                if stop_early and any(map(self._needs_list, batch)):
                    return

    def _find(self, email: str) -> list[CurrentUser]:
        found = find_by_email(
            *(self._api, email, self._active.page_size), lower_case_first=self._has_lower_cased
        )
        if found and email != email.lower() and found[0].email in (email, email.lower()):
            self._has_lower_cased = found[0].email != email
        self._progress.looked_up()
        return found

    def _add(self, current: CurrentUser) -> None:
        self.index.add(current)
        for key in _keys(current, current.id):
            for position in self._unresolved_by_key.get(key, ()):
                wanted = self._unresolved.get(position)
                if wanted is not None and self._is_resolved(wanted):
                    del self._unresolved[position]
                    self._without_email.discard(position)
                    self._with_id.discard(position)

    def _is_resolved(self, wanted: _Wanted) -> bool:
        """Whether a user was read who has all keys of the desired user."""
        index, (desired, known) = self.index, wanted
        found: CurrentUser | None = None
        if desired.id is not None:
            found = index.by_id.get(desired.id)
        elif desired.external_id is not None:
            found = index.by_external_id.get(desired.external_id)
        if found is None and known.id_identifies and known.id is not None:
            found = index.by_id.get(known.id)
        if found is None and desired.id is None and desired.address is not None:
            found = index.by_address.get(desired.address)
        if found is None:
            return False
        if known.id_identifies and not found.returns_external_id and found.id != known.id:
            return False
        same_address = desired.address in (None, found.address)
        same_external_id = (
            desired.external_id is None
            or not found.returns_external_id
            or desired.external_id == found.external_id
        )
        return same_address and same_external_id

    def _look_ups_are_cheaper(self, found_on_page: int) -> bool:
        if self._active.finished or self._without_email:
            return False
        if self._active.pages_left is not None:
            return len(self._unresolved) < self._active.pages_left
        if len(self._unresolved) < self._store_size // PAGE_SIZE - self._active.pages_read:
            return True
        if self._active.pages_read == 1 and len(self._active.users) < PAGE_SIZE:
            # Most likely the complete list; one more page makes that certain.
            return False
        if self._has_record and len(self._unresolved) <= FEW_LOOK_UPS:
            return True
        if found_on_page:
            # A page with at least one desired user is as good as a look-up.
            return False
        return len(self._unresolved) < LOOK_UPS_PER_PAGE * self._active.pages_read

    def _next_email(self, wanted: _Wanted) -> str | None:
        """The address to look up next; None if there is none left, or the user was found."""
        if self._is_found(wanted):
            # Another user may have the desired address.
            emails = wanted.emails[:1] if wanted.user.email is not None else ()
        else:
            emails = wanted.emails
        return next((email for email in emails if address_key(email) not in self._looked_up), None)

    def _is_found(self, wanted: _Wanted) -> bool:
        """Whether the user that the row or the record names by an id was read."""
        return (wanted.user.id or wanted.known.id) in self.index.by_id

    def _was_looked_up(self, wanted: _Wanted) -> bool:
        return bool(wanted.emails) and self._next_email(wanted) is None

    def _may_be_listed(self, wanted: _Wanted) -> bool:
        """Whether to read the lists for a user that no look-up has found."""
        user, known = wanted
        found = self.index.by_id.get(user.id or known.id or 0)
        if found is not None and user.state == ABSENT and found.returns_external_id:
            # No write shows that another user has the external id.
            return known.in_list and user.external_id not in (None, found.external_id)
        return known.in_list and found is None

    def _is_lost(self, wanted: _Wanted) -> bool:
        """Whether a record names an account that no look-up has found."""
        return wanted.known.id is not None and self._needs_list(wanted)

    def _needs_list(self, wanted: _Wanted) -> bool:
        """Whether only the list can still resolve a desired user."""
        if self._is_resolved(wanted):
            return False
        if not self._was_looked_up(wanted):
            return True
        if not self._may_be_listed(wanted):
            return False
        if wanted.user.id is not None or wanted.known.id is not None:
            return True
        # No user has the address; a user with another address may have the external id.
        return wanted.user.external_id is not None and self.index.returns_external_id is not False


def _keys(user: DesiredUser | CurrentUser, known_id: int | None) -> list[tuple[str, object]]:
    """The keys of a user, in the form in which desired and current users are compared."""
    keys = (
        ("id", user.id or known_id),
        ("external_id", user.external_id),
        ("email", user.address),
    )
    return [(name, value) for name, value in keys if value is not None]
