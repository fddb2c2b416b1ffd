# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a whole list of users, page by page, under every form of the paginator (choice 5)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

from ..transport.answers import Page
from ..transport.users_api import UsersApi
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
        self.whole = True
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
                self.whole = False
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
        told_last = _is_last(page, self.pages_read)
        if not page.records:
            self.finished = True
        elif ignored or not has_new:
            # Nobody new, or the first page again. Then only a total can tell that nobody is
            # missing.
            self.finished = True
            self.whole = self.whole and (not ignored or self._total is not None)
        elif self._total is not None and len(self.users) >= self._total:
            self.finished = True
        elif told_last is not None:
            self.finished = told_last
        else:
            # Without a word on the rest, a page shorter than one before is the last. The first of
            # all proves nothing: the store may give fewer than were asked for.
            self.finished = len(page.records) < self.page_size
        if self.finished:
            self.pages_left = 0
            if self._total is not None and len(self.users) < self._total:
                self.whole = False
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
