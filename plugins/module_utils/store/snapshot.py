# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding users by any of their keys, for the modules that name users one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..client.api import ADMINS, DEACTIVATED, PAGE_SIZE, UsersApi
from ..concurrency import leave_signals_to_main_thread
from ..errors import InvalidInputError, ValidationError
from ..input.options import DesiredUser, address_key
from ..progress import NO_PROGRESS, Progress
from .listing import Listing
from .user import CurrentUser, UserIndex

AUTO, LIST, SEARCH = "auto", "list", "search"
LOOKUPS = (AUTO, LIST, SEARCH)

# Where the store does not tell how long its list is: how many look-ups a page read so far is
# worth. At 4, three users in a large store are looked up at once, and a thousand are listed.
LOOK_UPS_PER_PAGE = 4


def lookup_argument_spec() -> dict[str, Any]:
    """The argument spec of ``lookup``, for the modules that compare."""
    return {"type": "str", "choices": list(LOOKUPS), "default": AUTO}


@dataclass(frozen=True)
class Snapshot:
    """What was read of a store.

    :ivar index: the current users that planning needs to know, and whoever was read beside them.
    :ivar active: the active users that the store's list has brought, each once.
    :ivar whole: the list was read to its end, and as far as the store tells nobody is missing.
    :ivar deactivated: the deactivated users, each once; None where their list was not read to its
        end.
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
    """The current users that planning ``desired`` needs to know, and whoever was read beside them.

    :param lookup: ``auto``, ``list`` or ``search``.
    :param workers: look-ups and pages asked for at once.
    :param progress: told of each page and look-up.
    :param everybody: read the list of the active users to its end, whoever is looked for.
    :param deactivated_too: read that of the deactivated ones to its end as well.
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
    """The users that a search for an address brings, the one with that address first.

    The match may be a substring and in any case (choice 1), so the whole address is compared
    here. A search that heeds case misses an address that the store has lower-cased (choice 16),
    so an address with capitals that was not found is looked for once more in lower case.

    :param page_size: users that a page of this store was seen to hold; 0 where none was read yet.
    """
    seen: list[CurrentUser] = []
    for spelling in dict.fromkeys((email, email.lower())):
        for user in Listing(api, spelling, page_size):
            if address_key(user.email) == address_key(email):
                return [user, *seen]
            seen.append(user)
    return seen


class _Reader:
    """What has been read so far, and which desired users are still looked for.

    Whoever is read touches only the desired users that share a key with him, so reading a store
    takes time in proportion to its size, however many users are looked for.
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
        self._open: dict[int, DesiredUser] = dict(enumerate(desired))
        self._open_by_key: dict[tuple[str, object], list[int]] = {}
        for number, user in self._open.items():
            for key in _desired_keys(user):
                self._open_by_key.setdefault(key, []).append(number)
        # Whom a look-up cannot find, or not for certain.
        self._without_email = {n for n, user in self._open.items() if user.email is None}
        self._with_id = {n for n, user in self._open.items() if user.id is not None}
        self.index = UserIndex()

    def list_active(self, may_look_up: bool) -> None:
        """Find the desired users in the list of the active ones, or by look-ups if cheaper."""
        if may_look_up and len(self._open) == 1:
            # One look-up can cost no more than the first page.
            self._look_up_before_listing()
        while not self._active.finished and (sought := self._count(self._needs_list)):
            open_before = len(self._open)
            self._read_page(self._active, sought)
            found = open_before - len(self._open)
            if may_look_up and self._look_ups_are_cheaper(found):
                may_look_up = False
                self._look_up_before_listing()
        self._look_up_in_gaps()

    def list_all_users(self) -> None:
        """Read the whole list of the active users."""
        while not self._active.finished:
            # As many pages as there are workers: all of them are needed.
            self._read_page(self._active, self._workers * PAGE_SIZE)
        self._look_up_in_gaps()

    def _look_up_in_gaps(self) -> None:
        if not self._active.complete:
            # The list has gaps, so not being in it proves nothing.
            self._look_up(stop_early=False)

    def snapshot(self) -> Snapshot:
        """What has been read."""
        active = [user for user in self._active.users.values() if user.active]
        complete = self._active.finished and self._active.complete
        deactivated: list[CurrentUser] | None = None
        if self._deactivated is not None and self._deactivated.finished:
            if self._deactivated.complete:
                # One that a store's search brings and that is active is no user of this list.
                deactivated = [u for u in self._deactivated.users.values() if not u.active]
        elif complete and self._holds_deactivated():
            deactivated = [user for user in self._active.users.values() if not user.active]
        return Snapshot(self.index, active, complete, deactivated)

    def search_active(self) -> None:
        """Look every desired user up, and list only for those who cannot be found so."""
        self._look_up(stop_early=False)
        while not self._active.finished and (self._without_email or self._with_id):
            self._read_page(self._active, len(self._without_email | self._with_id))

    def list_deactivated(self, *, all_users: bool = False) -> None:
        """Find the desired users who were not found active among the deactivated ones.

        :param everybody: read their list to its end, whoever is looked for.
        """
        read_complete = self._active.finished and self._active.complete
        if read_complete and self._holds_deactivated():
            return  # The list just read holds the deactivated users too (choice 3).
        if all_users:
            if self._deactivated is None:
                self._deactivated = Listing(self._api, DEACTIVATED, self._active.page_size)
            while not self._deactivated.finished:
                self._read_page(self._deactivated, self._workers * PAGE_SIZE)
            return
        # Nobody has to be deactivated who is not active, so to ``absent`` it makes no difference.
        self._read_deactivated(lambda user: user.state != "absent")

    def _holds_deactivated(self) -> bool:
        """Whether the list of the active users has brought a deactivated one."""
        return any(not user.active for user in self._active.users.values())

    def _look_up_before_listing(self) -> None:
        """Look up whoever is looked for; then read the shorter list first, if there is need.

        Whoever has neither been found active by the address, nor is found by another key, is most
        often deactivated, and a store has fewer of those as a rule.
        """
        self._look_up(stop_early=True)
        self._read_deactivated(lambda user: self._was_looked_up(user) and self._needs_list(user))

    def _read_deactivated(self, is_remaining: Callable[[DesiredUser], bool]) -> None:
        if self._deactivated is None:
            self._deactivated = Listing(self._api, DEACTIVATED, self._active.page_size)
        while not self._deactivated.finished and (sought := self._count(is_remaining)):
            self._read_page(self._deactivated, sought)

    def _count(self, is_remaining: Callable[[DesiredUser], bool]) -> int:
        """How many are looked for, as far as it matters to how many pages are read at once."""
        enough = self._workers * PAGE_SIZE
        return sum(1 for _user in islice(filter(is_remaining, self._open.values()), enough))

    def _read_page(self, listing: Listing, sought: int) -> None:
        """Read the next page, on which and behind which so many users are looked for."""
        # Even if each page were full of them, it takes so many pages to find them all.
        pages = -(-sought // (listing.page_size or PAGE_SIZE))
        listing.read_ahead(min(pages, self._workers), self._pool)
        new = listing.read_page()
        self._progress.page_read(len(new), listing.pages_left)
        for user in new:
            self._add(user)

    def _look_up(self, stop_early: bool) -> None:
        """Look up by address whoever is looked for and was not yet, some at a time.

        :param stop_early: stop when somebody was not found whom only the list can find.
        """
        numbers = [
            number
            for number, user in self._open.items()
            if user.email is not None and not self._was_looked_up(user)
        ]
        self._progress.looking_up(len(numbers))
        for start in range(0, len(numbers), self._workers):
            some = [
                self._open[number]
                for number in numbers[start : start + self._workers]
                if number in self._open
            ]
            addresses = [user.email for user in some if user.email is not None]
            for found in self._pool.map(self._find, addresses):
                for user in found:
                    self._add(user)
            self._looked_up.update(map(address_key, addresses))
            if stop_early and any(map(self._needs_list, some)):
                return

    def _find(self, email: str) -> list[CurrentUser]:
        found = find_by_email(self._api, email, self._active.page_size)
        self._progress.looked_up()
        return found

    def _add(self, user: CurrentUser) -> None:
        self.index.add(user)
        for key in _current_keys(user):
            for number in self._open_by_key.get(key, ()):
                desired = self._open.get(number)
                if desired is not None and self._is_resolved(desired):
                    del self._open[number]
                    self._without_email.discard(number)
                    self._with_id.discard(number)

    def _is_resolved(self, desired: DesiredUser) -> bool:
        """Whether one user was read who has every key that the desired user names."""
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
            return len(self._open) < self._active.pages_left
        if self._active.pages_read == 1 and len(self._active.users) < PAGE_SIZE:
            # Most likely the whole list, which one further page makes certain.
            return False
        if found_on_page:
            # A page that brings at least one of them is worth as much as a look-up.
            return False
        return len(self._open) < LOOK_UPS_PER_PAGE * self._active.pages_read

    def _was_looked_up(self, desired: DesiredUser) -> bool:
        return desired.email is not None and address_key(desired.email) in self._looked_up

    def _needs_list(self, desired: DesiredUser) -> bool:
        """Whether only the list can still tell who a desired user is."""
        if self._is_resolved(desired):
            return False
        if not self._was_looked_up(desired) or desired.id is not None:
            return True
        # Nobody has the address; somebody with another one may have the external id.
        return desired.external_id is not None and self.index.returns_external_id is not False


def _desired_keys(user: DesiredUser) -> list[tuple[str, object]]:
    email = None if user.email is None else address_key(user.email)
    return _keys(user.id, user.external_id, email)


def _current_keys(user: CurrentUser) -> list[tuple[str, object]]:
    return _keys(user.id, user.external_id, address_key(user.email))


def _keys(
    user_id: int | None, external_id: str | None, email: str | None
) -> list[tuple[str, object]]:
    named = (("id", user_id), ("external_id", external_id), ("email", email))
    return [(name, value) for name, value in named if value is not None]


ACTIVE, ALL = "active", "all"
STATUSES = (ACTIVE, DEACTIVATED, ALL)


@dataclass(frozen=True)
class UserFilter:
    """Which users are asked for; None does not restrict. All that is given must hold."""

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    query: str | None = None
    admins: bool = False
    status: str = ACTIVE

    @property
    def names_one(self) -> bool:
        """Whether at most one user can be meant, so that reading may stop at the first."""
        return self.email is not None or self.external_id is not None or self.id is not None

    @property
    def _status(self) -> str:
        # The API's own word for the deactivated ones asks for them whatever else is said.
        return DEACTIVATED if self.query == DEACTIVATED else self.status

    def fits(self, user: CurrentUser) -> bool:
        """Whether a user is asked for, as far as the user himself tells (``query`` it is not)."""
        wanted: tuple[tuple[Any, Any], ...] = (
            (self.email and address_key(self.email), address_key(user.email)),
            (self.external_id, user.external_id),
            (self.id, user.id),
            (self.admins or None, user.admin),
            ({ACTIVE: True, DEACTIVATED: False, ALL: None}[self._status], user.active),
        )
        return all(value is None or value == actual for value, actual in wanted)


def user_filter(params: Mapping[str, Any]) -> UserFilter:
    """Which users the options of a module ask for.

    :raises InvalidInputError: an option is empty, as where a variable was never set: to leave it
        out is one thing, to look for nobody another.
    """
    given = {name: params[name] for name in UserFilter.__dataclass_fields__}
    empty = [name for name, value in given.items() if isinstance(value, str) and not value.strip()]
    if empty:
        text = "the value is empty; leave the option out to search for all users"
        raise InvalidInputError([ValidationError("", name, text) for name in empty])
    return UserFilter(**given)


def find_users(api: UsersApi, wanted: UserFilter) -> list[CurrentUser]:
    """The users asked for, in the store's order, each once."""
    found: dict[int, CurrentUser] = {}
    for source in _sources(api, wanted):
        for user in source():
            if wanted.fits(user):
                found[user.id] = user
                if wanted.names_one:
                    return [user]
    return list(found.values())


def _sources(api: UsersApi, wanted: UserFilter) -> Iterator[Callable[[], Iterable[CurrentUser]]]:
    """Where the users asked for can be, the cheapest place first.

    The place never decides whether a user is active (choice 3): a search may find deactivated
    users too or not (choice 2), so both places are looked in.
    """
    email = wanted.email
    if email is not None:
        yield lambda: find_by_email(api, email)
    elif wanted.query is not None:
        yield lambda: Listing(api, wanted.query)
    elif wanted.admins:
        yield lambda: Listing(api, ADMINS)
    elif wanted.status != DEACTIVATED:
        yield lambda: Listing(api)
    if wanted.status != ACTIVE and wanted.query is None:
        yield lambda: Listing(api, DEACTIVATED)
