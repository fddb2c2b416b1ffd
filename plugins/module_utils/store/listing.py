# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a list of users page by page, under every form of the paginator (variant 5)."""

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

# One repeated page may come from sign-ups between two requests, which shift the records. This many
# mean that the store ignores the page number.
MAX_REPEATED_PAGES = 3


class Listing:
    """One list of the store, read page by page as far as needed.

    :param query: the query of the list; None for the active users.
    :param page_size: number of users on a page of this store; 0 if no page was read yet.

    :ivar users: the users read so far, by id; the last version of a record that moved to another
        page while the list was read.
    :ivar page_size: the largest number of users on a page; a shorter page is the last one.
    :ivar pages_read: number of pages read.
    :ivar finished: there is no further page.
    :ivar complete: by the store's responses, no user is missing in ``users`` who was in the list
        when its first page was read, and has not left it since.
    :ivar pages_left: number of pages left; None if the store does not return it.
    :ivar first_total: number of users in the list when its first page was read; None if the store
        does not return it.
    """

    def __init__(self, api: UsersApi, query: str | None = None, page_size: int = 0) -> None:
        self._api = api
        self.page_size = page_size
        self._query = query
        self.pages_read = 0
        self._first_ids: frozenset[int] = frozenset()
        self._last_ids: frozenset[int] = frozenset()
        self._repeated_pages = 0
        self._ahead: deque[Future[Page]] = deque()
        self._total: int | None = None
        self.first_total: int | None = None
        self.users: dict[int, CurrentUser] = {}
        self.finished = False
        self.complete = True
        self.pages_left: int | None = None

    def read_page(self) -> list[CurrentUser]:
        """Read the next page and return its users who were on no earlier page."""
        self.pages_read += 1
        page = self._next_page()
        read = [user_from_record(record) for record in _with_external_ids(page.records)]
        self.page_size = max(self.page_size, len(read))
        ids = frozenset(user.id for user in read)
        if self.pages_read == 1:
            self._first_ids = ids
            self.first_total = page.total
        elif self._is_repeated(ids):
            self._repeated_pages += 1
        self._last_ids = ids
        new = [user for user in read if user.id not in self.users]
        self.users.update((user.id, user) for user in read)
        if page.total is not None:
            if self._total is not None and page.total < self._total:
                # A user left the list, so later users moved up, and one may have been missed.
                self.complete = False
            self._total = page.total
        self._look_ahead(page, has_new=bool(new))
        return new

    def read_ahead(self, pages: int, pool: Executor) -> None:
        """Request the next pages concurrently, since the reader needs this many of them.

        Only if the store returns the number of pages, so that no page beyond the end is requested,
        and a total, which shows sign-ups in between; and only after the second page differed from
        the first.
        """
        if self.pages_left is None or self._total is None or self.pages_read < 2:
            return
        first = self.pages_read + 1
        for number in range(first + len(self._ahead), first + min(pages, self.pages_left)):
            self._ahead.append(pool.submit(self._fetch, number))

    def _next_page(self) -> Page:
        if self._ahead:
            page = self._ahead.popleft().result()
            # The store may have answered this page before the one that was read last. A user added
            # in between has then moved another one past this page, so it is requested again.
            if page.total is None or self._total is None or page.total >= self._total:
                return page
        return self._fetch(self.pages_read)

    def _fetch(self, number: int) -> Page:
        return self._api.list_page(number, self._query)

    def __iter__(self) -> Iterator[CurrentUser]:
        """The users page by page, so that a reader can stop early."""
        yield from list(self.users.values())
        while not self.finished:
            yield from self.read_page()

    def _is_repeated(self, ids: frozenset[int]) -> bool:
        """Whether most users of a page were on the first page or on the one before.

        A page that is longer than the first one counts as repeated too: the first page has grown.
        """
        repeated = max(len(ids & self._first_ids), len(ids & self._last_ids))
        return 2 * repeated > len(ids) or len(ids) > len(self._first_ids)

    def _look_ahead(self, page: Page, has_new: bool) -> None:
        is_last = page.is_last(self.pages_read)
        # The first page again would not be shorter. A short page of known users is the last one, to
        # which sign-ups have moved them.
        is_end = len(page.records) < self.page_size and is_last is not False
        ignored = self._repeated_pages >= MAX_REPEATED_PAGES or (
            self._repeated_pages > 0 and not (has_new or is_end)
        )
        if not page.records:
            self.finished = True
        elif ignored or not has_new:
            # No new user, or the first page again. Then only a total can show that no user is
            # missing.
            self.finished = True
            self.complete = self.complete and (not ignored or self.first_total is not None)
        elif self._total is not None and len(self.users) >= self._total:
            self.finished = True
        elif is_last is not None:
            self.finished = is_last
        else:
            # Without further information, a page that is shorter than an earlier one is the last.
            # The first page does not show it: the store may return fewer users than requested.
            self.finished = len(page.records) < self.page_size
        if self.finished:
            self.pages_left = 0
            # Sign-ups since then raise the total, and may be on a page that was read before.
            if self.first_total is not None and len(self.users) < self.first_total:
                self.complete = False
        elif page.last_page is not None:
            self.pages_left = max(1, page.last_page - self.pages_read)
        elif self._total is not None and self._first_ids:
            self.pages_left = max(
                1, math.ceil(self._total / len(self._first_ids)) - self.pages_read
            )


def _with_external_ids(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records, each with an external id if one has it: a record without the field has none."""
    with_field = sum("external_id" in record for record in records)
    if with_field in (0, len(records)):
        return records
    return [{"external_id": None, **record} for record in records]


# How often a list is read at most. A user who moved to an earlier page while the list was read is
# found when it is read again.
MAX_READS = 3


@dataclass(frozen=True)
class UserList:
    """The users of a store, each once.

    :ivar complete: by the store's responses, no user is missing who was there at the beginning.
    """

    users: tuple[CurrentUser, ...]
    complete: bool


def read_all_users(api: UsersApi, *, deactivated: bool) -> UserList:
    """Read the active users of a store, and also the deactivated ones if requested.

    The deactivated users come last: a user who was deactivated during the run is in both lists, and
    the later record is the current one.
    """
    users: dict[int, CurrentUser] = {}
    complete = True
    for query in (None, DEACTIVATED) if deactivated else (None,):
        found, is_complete = _read_list(api, query)
        users.update(found)
        complete = complete and is_complete
    return UserList(tuple(u for u in users.values() if deactivated or u.active), complete)


def _read_list(api: UsersApi, query: str | None) -> tuple[dict[int, CurrentUser], bool]:
    """All users of a list, read several times if needed, and whether the list is complete."""
    users: dict[int, CurrentUser] = {}
    for _attempt in range(MAX_READS):
        listing = Listing(api, query)
        while not listing.finished:
            listing.read_page()
        users.update(listing.users)
        # Sign-ups during the run raise the total; the users at the beginning are what counts.
        total = listing.first_total
        if listing.complete or (total is not None and len(users) >= total):
            return users, True
    return users, False
