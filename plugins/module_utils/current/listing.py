# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a whole list of users, page by page, under every form of the paginator (choice 5)."""

from __future__ import annotations

from collections.abc import Iterator

from ..transport.answers import Page
from ..transport.users_api import UsersApi
from .user import CurrentUser, user_from_record


class Listing:
    """One list of the store, read page by page as far as its reader goes.

    :ivar users: what has been read so far, by id; of a record that moved between pages while the
        list was read, the last version.
    :ivar pages_read: how many pages were read.
    :ivar finished: the list has no further page.
    :ivar whole: as far as the store's answers tell, no user of the list is missing from ``users``.
    :ivar pages_left: how many pages are still to be read; None where the store does not tell.
    """

    def __init__(self, api: UsersApi, query: str | None = None) -> None:
        self._api = api
        self._query = query
        self.pages_read = 0
        self._first_ids: frozenset[int] = frozenset()
        self._first_page_again = 0
        self._total: int | None = None
        self.users: dict[int, CurrentUser] = {}
        self.finished = False
        self.whole = True
        self.pages_left: int | None = None

    def read_page(self) -> list[CurrentUser]:
        """Read the next page and return the users on it that no page before had."""
        self.pages_read += 1
        page = self._api.list_page(self.pages_read, self._query)
        read = [user_from_record(record) for record in page.records]
        if self.pages_read == 1:
            self._first_ids = frozenset(user.id for user in read)
        if self.pages_read > 1 and 2 * sum(u.id in self._first_ids for u in read) > len(read):
            self._first_page_again += 1
        new = [user for user in read if user.id not in self.users]
        self.users.update((user.id, user) for user in read)
        if page.total is not None:
            if self._total is not None and page.total < self._total:
                # Somebody left the list, so those behind moved up, one of them perhaps unseen.
                self.whole = False
            self._total = page.total
        self._look_ahead(page, has_new=bool(new))
        return new

    def __iter__(self) -> Iterator[CurrentUser]:
        """Users page by page, so that a reader who found all it looks for can stop early."""
        yield from list(self.users.values())
        while not self.finished:
            yield from self.read_page()

    def _look_ahead(self, page: Page, has_new: bool) -> None:
        # Most of the first page twice more: the store gives it whatever page is asked for, though
        # somebody signs up in between. Once may be the shift that sign-ups cause.
        ignored = self._first_page_again >= 2 or (self._first_page_again == 1 and not has_new)
        told_last = _is_last(page, self.pages_read)
        if not page.records:
            self.finished = True
        elif ignored or not has_new:
            # Nobody new, or the first page again. Then only a total can tell that nobody is
            # missing.
            self.finished = True
            self.whole = self.whole and (not ignored or self._total is not None)
        elif told_last is not None:
            self.finished = told_last
        else:
            # Without a word on the rest, a page shorter than the first one is the last. The first
            # itself proves nothing: the store may give fewer than were asked for.
            self.finished = self.pages_read > 1 and len(page.records) < len(self._first_ids)
        if self.finished:
            self.pages_left = 0
            if self._total is not None and len(self.users) < self._total:
                self.whole = False
        elif page.last_page is not None:
            self.pages_left = max(1, page.last_page - self.pages_read)
        elif self._total is not None and self._first_ids:
            self.pages_left = max(1, -(-self._total // len(self._first_ids)) - self.pages_read)


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
