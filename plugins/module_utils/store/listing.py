# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading everybody of a store, and telling whether that was everybody."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from ..client.answers import Page
from ..client.api import DEACTIVATED, UsersApi
from .user import CurrentUser, user_from_record

# A page that comes again may be the shift that sign-ups between two pages cause. So many of them
# mean that the store gives the same page whatever page is asked for.
PAGES_AGAIN = 3


class Listing:
    """One list of the store, read page by page as far as its reader goes.

    :param query: the list's query; None for the active users.
    :param page_size: users that a page of this store was seen to hold; 0 where none was read yet.

    :ivar users: what has been read so far, by id; of a record that moved between pages while the
        list was read, the last version.
    :ivar page_size: the most users that a page has held; what is shorter is the last one.
    :ivar pages_read: how many pages were read.
    :ivar finished: the list has no further page.
    :ivar whole: as far as the store's answers tell, no user of the list is missing from ``users``.
    :ivar pages_left: how many pages are still to be read; None where the store does not tell.
    :ivar first_total: how many users the list had at its first page; None where that is not told.
    """

    def __init__(self, api: UsersApi, query: str | None = None, page_size: int = 0) -> None:
        self._api = api
        self.page_size = page_size
        self._query = query
        self.pages_read = 0
        self._first_ids: frozenset[int] = frozenset()
        self._last_ids: frozenset[int] = frozenset()
        self._pages_again = 0
        self._ahead: deque[Future[Page]] = deque()
        self._total: int | None = None
        self.first_total: int | None = None
        self.users: dict[int, CurrentUser] = {}
        self.finished = False
        self.complete = True
        self.pages_left: int | None = None

    def read_page(self) -> list[CurrentUser]:
        """Read the next page and return the users on it that no page before had."""
        self.pages_read += 1
        page = self._ahead.popleft().result() if self._ahead else self._fetch(self.pages_read)
        read = [user_from_record(record) for record in _with_external_ids(page.records)]
        self.page_size = max(self.page_size, len(read))
        ids = frozenset(user.id for user in read)
        if self.pages_read == 1:
            self._first_ids = ids
            self.first_total = page.total
        elif self._comes_again(ids):
            self._pages_again += 1
        self._last_ids = ids
        new = [user for user in read if user.id not in self.users]
        self.users.update((user.id, user) for user in read)
        if page.total is not None:
            if self._total is not None and page.total < self._total:
                # Somebody left the list, so those behind moved up, one of them perhaps unseen.
                self.complete = False
            self._total = page.total
        self._look_ahead(page, has_new=bool(new))
        return new

    def read_ahead(self, pages: int, pool: Executor) -> None:
        """Ask for the next pages all at once, since the reader will need so many of them.

        Only where the store tells how many there are, so that nothing is asked for beyond the end;
        and not before its second page was seen to be another one than the first.
        """
        if self.pages_left is None or self.pages_read < 2:
            return
        first = self.pages_read + 1
        for number in range(first + len(self._ahead), first + min(pages, self.pages_left)):
            self._ahead.append(pool.submit(self._fetch, number))

    def _fetch(self, number: int) -> Page:
        return self._api.list_page(number, self._query)

    def __iter__(self) -> Iterator[CurrentUser]:
        """Users page by page, so that a reader who found all it looks for can stop early."""
        yield from list(self.users.values())
        while not self.finished:
            yield from self.read_page()

    def _comes_again(self, ids: frozenset[int]) -> bool:
        """Whether a page is for the most part the first one, or the one before, once more.

        Nor can a page be longer than the first, unless the first has grown meanwhile.
        """
        again = max(len(ids & self._first_ids), len(ids & self._last_ids))
        return 2 * again > len(ids) or len(ids) > len(self._first_ids)

    def _look_ahead(self, page: Page, has_new: bool) -> None:
        ignored = self._pages_again >= PAGES_AGAIN or (self._pages_again > 0 and not has_new)
        reported_last = _is_last(page, self.pages_read)
        if not page.records:
            self.finished = True
        elif ignored or not has_new:
            # Nobody new, or the first page again. Then only a total can tell that nobody is
            # missing.
            self.finished = True
            self.complete = self.complete and (not ignored or self._total is not None)
        elif self._total is not None and len(self.users) >= self._total:
            self.finished = True
        elif reported_last is not None:
            self.finished = reported_last
        else:
            # Without a word on the rest, a page shorter than one before is the last. The first of
            # all proves nothing: the store may give fewer than were asked for.
            self.finished = len(page.records) < self.page_size
        if self.finished:
            self.pages_left = 0
            if self._total is not None and len(self.users) < self._total:
                self.complete = False
        elif page.last_page is not None:
            self.pages_left = max(1, page.last_page - self.pages_read)
        elif self._total is not None and self._first_ids:
            self.pages_left = max(
                1, math.ceil(self._total / len(self._first_ids)) - self.pages_read
            )


def _with_external_ids(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records, where one tells its external id with that of each: a missing one is none."""
    telling = sum("external_id" in record for record in records)
    if telling in (0, len(records)):
        return records
    return [{"external_id": None, **record} for record in records]


def _is_last(page: Page, number: int) -> bool | None:
    """Whether the paginator says that this page is the last; None where it does not say."""
    if page.last_page is not None:
        return number >= page.last_page
    if page.has_next is not None:
        return not page.has_next
    if page.total is not None and page.per_page:
        return number * page.per_page >= page.total
    if page.per_page:
        return len(page.records) < page.per_page
    return None


# How often a list is read at most. Whoever moved to an earlier page while others left the list is
# on a later reading's page.
MAX_READS = 3


@dataclass(frozen=True)
class UserList:
    """The users of a store, each once.

    :ivar whole: as far as the store's answers tell, nobody is missing who was there when the
        reading began.
    """

    users: tuple[CurrentUser, ...]
    complete: bool


def read_all_users(api: UsersApi, *, deactivated: bool) -> UserList:
    """Read the active users of a store, and the deactivated ones too where they are asked for.

    The deactivated come last: who left while the first list was read is in the second one, and its
    record is the newer one.
    """
    users: dict[int, CurrentUser] = {}
    complete = True
    for query in (None, DEACTIVATED) if deactivated else (None,):
        found, is_complete = _read_list(api, query)
        users.update(found)
        complete = complete and is_complete
    wanted = (user for user in users.values() if deactivated or user.active)
    return UserList(tuple(wanted), complete)


def _read_list(api: UsersApi, query: str | None) -> tuple[dict[int, CurrentUser], bool]:
    """All users that some readings of a list have brought, and whether nobody is missing."""
    users: dict[int, CurrentUser] = {}
    for listing in _readings(api, query):
        users.update(listing.users)
        # Sign-ups raise the total meanwhile; who was there at the beginning is what counts.
        total = listing.first_total
        if listing.complete or (total is not None and len(users) >= total):
            return users, True
    return users, False


def _readings(api: UsersApi, query: str | None) -> Iterator[Listing]:
    for _reading in range(MAX_READS):
        listing = Listing(api, query)
        while not listing.finished:
            listing.read_page()
        yield listing
