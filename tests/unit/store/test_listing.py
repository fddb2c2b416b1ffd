# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading lists to their end, under every form of the paginator (variants 4 and 5)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError
from ansible_collections.publica.la.plugins.module_utils.store.listing import (
    MAX_READS,
    Listing,
    read_all_users,
)
from ansible_collections.publica.la.tests.unit.support.builders import api_on, store_of
from ansible_collections.publica.la.tests.unit.support.store import (
    BARE,
    FULL,
    SIMPLE,
    Call,
    FakeStore,
    Reply,
    StoredUser,
    Variants,
)


def read_all(store: FakeStore, query: str | None = None, page_size: int = 0) -> Listing:
    listing = Listing(api_on(store), query, page_size)
    for _user in listing:
        pass
    return listing


def page(*ids: int, **paginator: Any) -> Reply:
    records = [StoredUser(n, f"user{n}@example.org").record(Variants()) for n in ids]
    return Reply(200, {"CODE": "success", "data": {"paginator": {"data": records, **paginator}}})


def read_pages(*pages: Reply) -> Listing:
    """A listing of a store that returns these pages."""
    store = store_of(0)
    store.answer_instead("GET", *pages)
    return read_all(store)


@pytest.mark.parametrize("empty_is_404", [False, True], ids=["empty page", "404"])
@pytest.mark.parametrize(
    ("paginator", "count", "size", "pages"),
    [
        (FULL, 0, 100, 1),
        (FULL, 100, 100, 1),
        (FULL, 250, 100, 3),
        (FULL, 30, 15, 2),
        (SIMPLE, 100, 100, 1),
        (SIMPLE, 250, 100, 3),
        # Without further information, only a shorter or empty page is known to be the last.
        (BARE, 0, 100, 1),
        (BARE, 30, 100, 2),
        (BARE, 100, 100, 2),
        (BARE, 250, 100, 3),
        (BARE, 30, 15, 3),
    ],
)
def test_a_list_is_read_completely(
    paginator: str, count: int, size: int, pages: int, empty_is_404: bool
) -> None:
    store = store_of(count, paginator=paginator, page_size=size, empty_is_404=empty_is_404)
    listing = read_all(store)
    assert list(listing.users) == list(range(1, count + 1))
    assert len(store.calls) == listing.pages_read == pages
    assert listing.complete
    assert listing.finished


@pytest.mark.parametrize("paginator", [FULL, BARE, SIMPLE])
@pytest.mark.parametrize("ahead", [1, 4, 64])
def test_reading_ahead_requests_the_same_pages(paginator: str, ahead: int) -> None:
    store, one_by_one = store_of(950, paginator=paginator), store_of(950, paginator=paginator)
    listing = Listing(api_on(store, workers=8))
    with ThreadPoolExecutor(max_workers=8) as pool:
        while not listing.finished:
            listing.read_ahead(ahead, pool)
            listing.read_page()
    assert list(listing.users) == list(read_all(one_by_one).users)
    assert listing.complete
    requested = sorted(int(call.query["page"]) for call in store.calls)
    assert requested == [int(call.query["page"]) for call in one_by_one.calls]


def test_pages_are_requested_concurrently_if_their_number_is_known() -> None:
    store = store_of(1000, paginator=FULL)
    together = threading.Barrier(4, timeout=10)
    store.before_answer = lambda call: int(call.query["page"]) > 2 and together.wait()
    listing = Listing(api_on(store, workers=4))
    with ThreadPoolExecutor(max_workers=4) as pool:
        for pages in (1, 1, 4, 4, 4, 4):
            listing.read_ahead(pages, pool)
            listing.read_page()
        # Requests the rest of the second four, which wait for each other at the barrier.
        listing.read_ahead(4, pool)
        listing.read_page()
    assert listing.pages_read == 7


class LastFirst(Executor):
    """Calls what was submitted in the reverse order."""

    def __init__(self) -> None:
        self._submitted: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._submitted.append((future, lambda: call(*args, **kwargs)))
        return future

    def run(self) -> None:
        for future, call in reversed(self._submitted):
            future.set_result(call())


def test_a_page_that_was_answered_before_an_earlier_one_lacks_no_user() -> None:
    store = store_of(20, paginator=FULL, page_size=5)
    listing, pool = Listing(api_on(store)), LastFirst()
    listing.read_page()
    listing.read_page()
    listing.read_ahead(2, pool)

    def sign_up(call: Call) -> None:
        if call.query["page"] == "3":
            store.users = {100: StoredUser(100, "new@example.org"), **store.users}

    # Page 4 is answered, a user is added at the beginning of the list, and page 3 is answered.
    store.before_answer = sign_up
    pool.run()
    for _user in listing:
        pass
    assert listing.users.keys() >= set(range(1, 21))
    assert listing.complete
    assert [call.query["page"] for call in store.calls] == ["1", "2", "4", "3", "4", "5"]


def test_without_a_total_that_shows_sign_ups_no_page_is_read_ahead() -> None:
    store = store_of(0)
    pages = [page(number, last_page=4) for number in range(1, 5)]
    store.answer_instead("GET", *pages)
    listing, pool = Listing(api_on(store)), LastFirst()
    while not listing.finished:
        listing.read_page()
        listing.read_ahead(2, pool)
    pool.run()
    assert [call.query["page"] for call in store.calls] == ["1", "2", "3", "4"]
    assert listing.users.keys() == {1, 2, 3, 4}


def test_the_error_of_a_page_that_was_read_ahead_is_raised_when_it_is_read() -> None:
    store = store_of(600, paginator=FULL)
    listing = Listing(api_on(store, workers=4))
    listing.read_page()
    listing.read_page()
    store.answer_instead("GET", Reply(401, {"message": "Unauthenticated."}))
    with ThreadPoolExecutor(max_workers=1) as pool:
        listing.read_ahead(2, pool)
        with pytest.raises(FatalError):
            listing.read_page()


def test_pages_are_requested_by_number_and_size() -> None:
    store = store_of(150, paginator=FULL)
    read_all(store, "deactivated")
    read_all(store)
    assert [call.query for call in store.calls] == [
        {"page": "1", "per_page": "100", "query": "deactivated"},
        {"page": "1", "per_page": "100"},
        {"page": "2", "per_page": "100"},
    ]


@pytest.mark.parametrize(
    ("paginator", "complete"),
    [
        # Only a total can show that the page, which is always the same, is the complete list.
        pytest.param({}, False, id="bare"),
        pytest.param({"total": 3}, True, id="total reached"),
        pytest.param({"total": 5}, False, id="total not reached"),
        pytest.param({"last_page": 9}, False, id="more pages"),
    ],
)
def test_a_store_that_ignores_the_page_number_ends_the_list(
    paginator: dict[str, Any], complete: bool
) -> None:
    listing = read_pages(*[page(1, 2, 3, **paginator)] * 9)
    assert listing.pages_read == (1 if complete else 2)
    assert listing.complete is complete


@pytest.mark.parametrize(
    ("pages", "count"),
    [
        # A user was created while the list was read, so page 2 begins with the last user of page 1.
        pytest.param([page(1, 2, 3), page(3, 4, 5), page(6)], 6, id="by one"),
        pytest.param(
            [page(1, 2, 3), page(2, 3, 4), page(5, 6, 7), page(8)], 8, id="by most of a small page"
        ),
        pytest.param([page(1, 2, 3), page(3)], 3, id="to a page of their own"),
        pytest.param([page(1, 2, 3), page(4, 5, 6), page(5, 6)], 6, id="two to their own page"),
    ],
)
def test_records_that_move_to_the_next_page_count_once(pages: list[Reply], count: int) -> None:
    listing = read_pages(*pages)
    assert list(listing.users) == list(range(1, count + 1))
    assert listing.complete


@pytest.mark.parametrize(
    ("pages", "pages_read"),
    [
        pytest.param(
            [page(*range(last, last - 9, -1)) for last in range(20, 60)], 4, id="new users first"
        ),
        pytest.param([page(*range(last, 0, -1)) for last in range(1, 40)], 4, id="growing list"),
    ],
)
def test_a_first_page_that_is_repeated_with_new_users_ends_the_list(
    pages: list[Reply], pages_read: int
) -> None:
    listing = read_pages(*pages)
    assert listing.pages_read <= pages_read
    assert not listing.complete


def test_a_missing_external_id_is_none_if_other_records_have_one() -> None:
    first = page(1, 2)
    del first.body["data"]["paginator"]["data"][1]["external_id"]
    users = read_pages(first, page()).users.values()
    assert [user.returns_external_id for user in users] == [True, True]


def test_a_page_that_is_shorter_than_the_known_size_is_the_last() -> None:
    store = store_of(30)
    assert len(read_all(store, "deactivated", page_size=100).users) == 0
    listing = read_all(store, page_size=100)
    assert (len(listing.users), listing.pages_read) == (30, 1)


@pytest.mark.parametrize(
    "pages",
    [
        # User 1 left after page 1, so user 3 moved from page 2 to page 1 and was on neither.
        pytest.param([page(1, 2, last_page=2, total=4), page(4, last_page=2, total=3)], id="falls"),
        pytest.param(
            [page(1, 2, last_page=2, total=4), page(3, last_page=2, total=4)], id="not reached"
        ),
    ],
)
def test_a_total_shows_that_the_list_is_incomplete(pages: list[Reply]) -> None:
    assert not read_pages(*pages).complete


def test_the_last_version_of_a_record_counts() -> None:
    renamed = page(3, 4)
    renamed.body["data"]["paginator"]["data"][0]["email"] = "renamed@example.org"
    assert read_pages(page(1, 2, 3), renamed).users[3].email == "renamed@example.org"


@pytest.mark.parametrize(
    ("paginator", "left"),
    [
        pytest.param({"last_page": 7}, 6, id="last_page"),
        pytest.param({"last_page": "7"}, 6, id="last_page as text"),
        pytest.param({"total": 20, "next_page_url": "x"}, 9, id="total by page size"),
        pytest.param({}, None, id="unknown"),
    ],
)
def test_the_number_of_pages_left(paginator: dict[str, Any], left: int | None) -> None:
    store = store_of(0)
    store.answer_instead("GET", page(1, 2, **paginator))
    listing = Listing(api_on(store))
    listing.read_page()
    assert listing.pages_left == left


@pytest.mark.parametrize(
    "last",
    [
        pytest.param({"last_page": 1}, id="last_page"),
        pytest.param({"next_page_url": None}, id="no next page"),
        pytest.param({"per_page": 2, "total": 2}, id="total"),
        pytest.param({"per_page": 5}, id="fewer than a page"),
    ],
)
def test_a_page_that_is_marked_as_the_last_saves_a_request(last: dict[str, Any]) -> None:
    assert read_pages(page(1, 2, **last)).pages_read == 1


def test_a_reader_can_stop_early_and_continue() -> None:
    store = store_of(500)
    listing = Listing(api_on(store))
    assert next(user for user in listing if user.id == 120).id == 120
    assert len(store.calls) == 2
    assert len(list(listing)) == 500
    assert [call.query["page"] for call in store.calls] == ["1", "2", "3", "4", "5", "6"]


class TestReadAllUsers:
    @pytest.mark.parametrize("paginator", [BARE, FULL])
    @pytest.mark.parametrize("list_holds_deactivated", [False, True])
    def test_each_user_is_returned_once(self, paginator: str, list_holds_deactivated: bool) -> None:
        variants = {"paginator": paginator, "list_holds_deactivated": list_holds_deactivated}
        store = store_of(10, 2, page_size=5, **variants)
        found = read_all_users(api_on(store), deactivated=True)
        active = read_all_users(api_on(store), deactivated=False)

        assert found.complete
        assert sorted(user.id for user in found.users) == list(range(1, 13))
        assert [user.id for user in found.users if not user.active] == [11, 12]
        assert sorted(user.id for user in active.users) == list(range(1, 11))

    def test_a_user_who_leaves_while_the_list_is_read_is_deactivated(self) -> None:
        store = store_of(10, paginator=FULL, page_size=5)

        def leave(call: Call) -> None:
            if call.query.get("page") == "2":
                store.users[1].deactivated = True

        store.before_answer = leave
        found = read_all_users(api_on(store), deactivated=True)
        # User 6 moved to the first page after it was read, and is found when it is read again.
        assert found.complete
        assert sorted(user.id for user in found.users) == list(range(1, 11))
        assert [user.id for user in found.users if not user.active] == [1]

    def test_new_users_do_not_make_the_list_incomplete(self) -> None:
        store = store_of(10, paginator=FULL, page_size=5)

        def sign_up(call: Call) -> None:
            if call.query.get("page") == "2":
                number = 100 + len(store.users)
                new = StoredUser(number, f"new{number}@example.org")
                # Before the others, as in a list that begins with the newest users.
                store.users = {number: new, **store.users}

        store.before_answer = sign_up
        active = read_all_users(api_on(store), deactivated=False)
        assert active.complete
        assert {user.id for user in active.users} >= set(range(1, 11))
        assert [call.query["page"] for call in store.calls] == ["1", "2", "3"]

    def test_a_list_that_stays_incomplete_is_read_several_times(self) -> None:
        store = store_of(10, paginator=FULL, page_size=5, ignores_page=True)
        active = read_all_users(api_on(store), deactivated=False)
        assert not active.complete
        assert len(active.users) == 5
        assert sum(call.query["page"] == "1" for call in store.calls) == MAX_READS
