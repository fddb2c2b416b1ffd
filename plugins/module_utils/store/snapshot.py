# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the current users with the fewest requests: list pages, or look-ups if cheaper.

A page of a list costs one request for 100 users, a look-up one request for each user. ``auto``
chooses after the first page. ``find_users`` serves the modules that name single users.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..client.api import ADMINS, DEACTIVATED, PAGE_SIZE, UsersApi
from ..concurrency import leave_signals_to_main_thread
from ..errors import InvalidInputError, ValidationError
from ..input.options import (
    BadValueError,
    DesiredUser,
    address_key,
    as_written,
    whole_number_between,
)
from ..progress import NO_PROGRESS, Progress
from .listing import Listing
from .user import CurrentUser, UserIndex

AUTO, LIST, SEARCH = "auto", "list", "search"
LOOKUPS = (AUTO, LIST, SEARCH)

# If the store does not return the length of its list: the number of look-ups that are considered
# as cheap as the pages read so far, per page. With 4, three users of a large store are looked up at
# once, and a thousand are listed.
LOOK_UPS_PER_PAGE = 4


def lookup_argument_spec() -> dict[str, Any]:
    """The argument spec of ``lookup``, for the modules that compare."""
    return {"type": "str", "choices": list(LOOKUPS), "default": AUTO}


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
) -> Snapshot:
    """Read the current users that the plan for ``desired`` needs.

    :param lookup: ``auto``, ``list`` or ``search``.
    :param workers: number of concurrent look-ups and pages.
    :param all_users: read the complete list of active users.
    :param deactivated_too: also read the complete list of deactivated users.
    """
    with ThreadPoolExecutor(workers, initializer=leave_signals_to_main_thread) as pool:
        reader = _Reader(api, desired, workers, pool, progress)
        if all_users:
            reader.list_all_users()
        elif lookup == SEARCH:
            reader.search_active()
        else:
            reader.list_active(may_look_up=lookup == AUTO)
        reader.list_deactivated(all_users=deactivated_too)
        return reader.snapshot()


def find_by_email(api: UsersApi, email: str, page_size: int = 0) -> list[CurrentUser]:
    """The users that a search for an address returns, the one with that address first.

    The search may match a substring and ignore case (variant 1), so complete addresses are compared
    here. A search that respects case does not find an address that the store has lower-cased
    (variant 16), so an address with capitals is searched again in lower case if it is not found.
    The same goes for a letter with an accent, which can be one character or two (NFC and NFD).

    :param page_size: number of users on a page of this store; 0 if no page was read yet.
    """
    seen: list[CurrentUser] = []
    for query in _spellings(email):
        for user in Listing(api, query, page_size):
            if address_key(user.email) == address_key(email) and not user.anonymized:
                return [user, *seen]
            seen.append(user)
    return seen


def _spellings(email: str) -> Iterable[str]:
    """The ways to write an address, the most probable first."""
    spellings = dict.fromkeys((email, email.lower()))
    if not email.isascii():
        spellings = dict.fromkeys(
            unicodedata.normalize(form, text) for form in ("NFC", "NFD") for text in spellings
        )
    return spellings


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
    ) -> None:
        self._api = api
        self._workers = workers
        self._pool = pool
        self._progress = progress
        self._looked_up: set[str] = set()
        self._active = Listing(api)
        self._deactivated: Listing | None = None
        self._unresolved: dict[int, DesiredUser] = dict(enumerate(desired))
        self._unresolved_by_key: dict[tuple[str, object], list[int]] = {}
        for position, user in self._unresolved.items():
            for key in _keys(user):
                self._unresolved_by_key.setdefault(key, []).append(position)
        # Users that a look-up can't find, or not with certainty.
        self._without_email = {n for n, user in self._unresolved.items() if user.email is None}
        self._with_id = {n for n, user in self._unresolved.items() if user.id is not None}
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
        while not self._active.finished and (self._without_email or self._with_id):
            self._read_page(self._active, len(self._without_email | self._with_id))

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
        self._read_deactivated(lambda desired: desired.state != "absent")

    def _holds_deactivated(self) -> bool:
        """Whether the list of active users holds a deactivated one."""
        return any(not user.active for user in self._active.users.values())

    def _look_up_before_listing(self) -> None:
        """Look the remaining users up; then read the list of deactivated users if needed.

        A user whose address was not found is most often deactivated, and that list is usually the
        shorter one.
        """
        self._look_up(stop_early=True)
        self._read_deactivated(
            lambda desired: self._was_looked_up(desired) and self._needs_list(desired)
        )

    def _read_deactivated(self, is_remaining: Callable[[DesiredUser], bool]) -> None:
        if self._deactivated is None:
            self._deactivated = Listing(self._api, DEACTIVATED, self._active.page_size)
        while not self._deactivated.finished and (remaining := self._count(is_remaining)):
            self._read_page(self._deactivated, remaining)

    def _count(self, is_remaining: Callable[[DesiredUser], bool]) -> int:
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
        positions = [
            position
            for position, user in self._unresolved.items()
            if user.email is not None and not self._was_looked_up(user)
        ]
        self._progress.looking_up(len(positions))
        for start in range(0, len(positions), self._workers):
            batch = [
                self._unresolved[position]
                for position in positions[start : start + self._workers]
                if position in self._unresolved
            ]
            addresses = [user.email for user in batch if user.email is not None]
            for found in self._pool.map(self._find, addresses):
                for user in found:
                    self._add(user)
            self._looked_up.update(map(address_key, addresses))
            if stop_early and any(map(self._needs_list, batch)):
                return

    def _find(self, email: str) -> list[CurrentUser]:
        found = find_by_email(self._api, email, self._active.page_size)
        self._progress.looked_up()
        return found

    def _add(self, current: CurrentUser) -> None:
        self.index.add(current)
        for key in _keys(current):
            for position in self._unresolved_by_key.get(key, ()):
                desired = self._unresolved.get(position)
                if desired is not None and self._is_resolved(desired):
                    del self._unresolved[position]
                    self._without_email.discard(position)
                    self._with_id.discard(position)

    def _is_resolved(self, desired: DesiredUser) -> bool:
        """Whether a user was read who has all keys of the desired user."""
        index = self.index
        found: CurrentUser | None = None
        if desired.id is not None:
            found = index.by_id.get(desired.id)
        elif desired.external_id is not None:
            found = index.by_external_id.get(desired.external_id)
        if found is None and desired.id is None and desired.email is not None:
            found = index.by_address.get(address_key(desired.email))
        if found is None:
            return False
        same_address = desired.email is None or (
            address_key(desired.email) == address_key(found.email)
        )
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
        if self._active.pages_read == 1 and len(self._active.users) < PAGE_SIZE:
            # Most likely the complete list; one more page makes that certain.
            return False
        if found_on_page:
            # A page with at least one desired user is as good as a look-up.
            return False
        return len(self._unresolved) < LOOK_UPS_PER_PAGE * self._active.pages_read

    def _was_looked_up(self, desired: DesiredUser) -> bool:
        return desired.email is not None and address_key(desired.email) in self._looked_up

    def _needs_list(self, desired: DesiredUser) -> bool:
        """Whether only the list can still resolve a desired user."""
        if self._is_resolved(desired):
            return False
        if not self._was_looked_up(desired) or desired.id is not None:
            return True
        # No user has the address; a user with another address may have the external id.
        return desired.external_id is not None and self.index.returns_external_id is not False


def _keys(user: DesiredUser | CurrentUser) -> list[tuple[str, object]]:
    """The keys of a user, in the form in which desired and current users are compared."""
    email = None if user.email is None else address_key(user.email)
    keys = (("id", user.id), ("external_id", user.external_id), ("email", email))
    return [(name, value) for name, value in keys if value is not None]


ACTIVE, ALL = "active", "all"
STATUSES = (ACTIVE, DEACTIVATED, ALL)


@dataclass(frozen=True)
class UserFilter:
    """Conditions that a user must all meet; None is no condition."""

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    query: str | None = None
    admins: bool = False
    status: str = ACTIVE

    @property
    def names_one(self) -> bool:
        """Whether at most one user can match, so that reading may stop at the first."""
        return self.email is not None or self.external_id is not None or self.id is not None

    def matches(self, user: CurrentUser) -> bool:
        """Whether a user meets the conditions, except ``query``, which the store has applied."""
        # This query of the API returns deactivated users, regardless of ``status``.
        status = DEACTIVATED if self.query == DEACTIVATED else self.status
        conditions: tuple[tuple[Any, Any], ...] = (
            (self.email and address_key(self.email), address_key(user.email)),
            (self.external_id, user.external_id),
            (self.id, user.id),
            (self.admins or None, user.admin),
            ({ACTIVE: True, DEACTIVATED: False, ALL: None}[status], user.active),
        )
        return all(value is None or value == actual for value, actual in conditions)


# The readers of the keys. The store may have any key, so every text can be searched.
_KEYS = {"email": as_written, "external_id": as_written, "id": whole_number_between(0, None)}


def user_filter(params: Mapping[str, Any]) -> UserFilter:
    """The filter that the options of a module give.

    :raises InvalidInputError: a key is of a wrong type, or an option is empty, for example because
        a variable is not set; that must not match all users.
    """
    given = {name: params[name] for name in UserFilter.__dataclass_fields__}
    for name, read in _KEYS.items():
        try:
            given[name] = None if given[name] is None else read(given[name])
        except BadValueError as error:
            raise InvalidInputError([ValidationError("", name, str(error))]) from None
    empty = [name for name, value in given.items() if isinstance(value, str) and not value.strip()]
    if empty:
        text = "the value is empty; leave the option out to search for all users"
        raise InvalidInputError([ValidationError("", name, text) for name in empty])
    return UserFilter(**given)


def find_users(api: UsersApi, conditions: UserFilter) -> list[CurrentUser]:
    """The users that meet the conditions, in the store's order, each once."""
    found: dict[int, CurrentUser] = {}
    for source in _sources(api, conditions):
        for user in source():
            if conditions.matches(user):
                found[user.id] = user
                if conditions.names_one:
                    return [user]
    return list(found.values())


def _sources(
    api: UsersApi, conditions: UserFilter
) -> Iterator[Callable[[], Iterable[CurrentUser]]]:
    """The lists that can hold the users, the cheapest first.

    A list does not decide whether a user is active (variant 3): a search may also find deactivated
    users (variant 2), so both lists are read.
    """
    email = conditions.email
    if email is not None:
        yield lambda: find_by_email(api, email)
    elif conditions.query is not None:
        yield lambda: Listing(api, conditions.query)
    elif conditions.admins:
        yield lambda: Listing(api, ADMINS)
    elif conditions.status != DEACTIVATED:
        yield lambda: Listing(api)
    if conditions.status != ACTIVE and conditions.query is None:
        yield lambda: Listing(api, DEACTIVATED)
