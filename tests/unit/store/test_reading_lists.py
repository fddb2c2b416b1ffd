# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a list to its end under every form of the paginator (choices 4 and 5)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError
from ansible_collections.publica.la.plugins.module_utils.store.listing import Listing
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.reading import (
    BARE,
    FULL,
    SIMPLE,
    Reading,
)
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import FakeStore


def store_of(count: int, **reading: Any) -> FakeStore:
    users = (StoredUser(n, f"user{n}@example.org") for n in range(1, count + 1))
    return FakeStore(*users, reading=Reading(**reading))


def read_all(store: FakeStore, query: str | None = None) -> Listing:
    listing = Listing(api_on(store), query)
    for _user in listing:
        pass
    return listing


def page(*ids: int, **paginator: Any) -> Reply:
    records = [StoredUser(n, f"user{n}@example.org").record(Reading()) for n in ids]
    return Reply(200, {"CODE": "success", "data": {"paginator": {"data": records, **paginator}}})


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
        # Without a word on the rest, an end shows only in a page that is short or empty.
        (BARE, 0, 100, 1),
        (BARE, 30, 100, 2),
        (BARE, 100, 100, 2),
        (BARE, 250, 100, 3),
        (BARE, 30, 15, 3),
    ],
)
def test_a_list_is_read_whole(
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
def test_pages_that_are_asked_for_at_once_are_the_same_pages(paginator: str, ahead: int) -> None:
    store, one_by_one = store_of(950, paginator=paginator), store_of(950, paginator=paginator)
    listing = Listing(api_on(store, workers=8))
    with ThreadPoolExecutor(max_workers=8) as pool:
        while not listing.finished:
            listing.read_ahead(ahead, pool)
            listing.read_page()
    assert list(listing.users) == list(read_all(one_by_one).users)
    assert listing.complete
    asked_for = sorted(int(call.query["page"]) for call in store.calls)
    assert asked_for == [int(call.query["page"]) for call in one_by_one.calls]


def test_several_pages_are_under_way_at_once_where_their_number_is_told() -> None:
    store = store_of(1000, paginator=FULL)
    meeting = threading.Barrier(4, timeout=10)
    store.before_answer = lambda call: int(call.query["page"]) > 2 and meeting.wait()
    listing = Listing(api_on(store, workers=4))
    with ThreadPoolExecutor(max_workers=4) as pool:
        for pages in (1, 1, 4, 4, 4, 4):
            listing.read_ahead(pages, pool)
            listing.read_page()
        # The others of the second four come now, or wait for each other in vain.
        listing.read_ahead(4, pool)
        listing.read_page()
    assert listing.pages_read == 7


def test_a_page_that_fails_ahead_fails_when_its_turn_comes() -> None:
    store = store_of(600, paginator=FULL)
    listing = Listing(api_on(store, workers=4))
    listing.read_page()
    listing.read_page()
    store.answer_instead("GET", Reply(401, {"message": "Unauthenticated."}))
    with ThreadPoolExecutor(max_workers=1) as pool:
        listing.read_ahead(2, pool)
        with pytest.raises(FatalError):
            listing.read_page()


def test_pages_are_asked_for_by_number_and_size() -> None:
    store = store_of(150, paginator=FULL)
    read_all(store, "deactivated")
    read_all(store)
    assert store.calls[0].query == {"page": "1", "per_page": "100", "query": "deactivated"}
    assert [call.query for call in store.calls[1:]] == [
        {"page": "1", "per_page": "100"},
        {"page": "2", "per_page": "100"},
    ]


def test_a_page_may_be_an_object_with_gaps() -> None:
    assert len(read_all(store_of(130, pages_as_objects=True)).users) == 130


@pytest.mark.parametrize(
    ("paginator", "complete"),
    [
        # Only a total can tell that the one page which always comes is not all.
        pytest.param({}, False, id="bare"),
        pytest.param({"total": 3}, True, id="total reached"),
        pytest.param({"total": 5}, False, id="total not reached"),
        pytest.param({"last_page": 9}, False, id="more pages told"),
    ],
)
def test_a_store_that_ignores_the_page_ends_the_list(
    paginator: dict[str, Any], complete: bool
) -> None:
    store = store_of(0)
    store.answer_instead("GET", *[page(1, 2, 3, **paginator)] * 9)
    listing = read_all(store)
    assert listing.pages_read == (1 if complete else 2)
    assert listing.complete is complete


def test_records_that_shift_between_pages_count_once() -> None:
    store = store_of(0)
    # Somebody was created while reading, so page 2 begins with the last one of page 1.
    store.answer_instead("GET", page(1, 2, 3), page(3, 4, 5), page(6))
    listing = Listing(api_on(store))
    assert [user.id for user in listing] == [1, 2, 3, 4, 5, 6]
    assert listing.complete


def test_a_shift_by_most_of_a_small_page_does_not_end_the_list() -> None:
    store = store_of(0)
    store.answer_instead("GET", page(1, 2, 3), page(2, 3, 4), page(5, 6, 7), page(8))
    listing = read_all(store)
    assert list(listing.users) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert listing.complete


def test_a_first_page_that_comes_again_ends_the_list_though_somebody_signs_up_before_each() -> None:
    store = store_of(0)
    pages = [page(*range(number, number - 9, -1)) for number in range(20, 60)]
    store.answer_instead("GET", *pages)
    listing = read_all(store)
    assert listing.pages_read == 4
    assert not listing.complete


def test_a_small_list_that_grows_and_comes_again_ends_too() -> None:
    store = store_of(0)
    store.answer_instead("GET", *[page(*range(number, 0, -1)) for number in range(1, 40)])
    listing = read_all(store)
    assert listing.pages_read <= 4
    assert not listing.complete


def test_an_external_id_that_is_missing_beside_told_ones_is_none() -> None:
    store = store_of(0)
    told = page(1, 2)
    del told.body["data"]["paginator"]["data"][1]["external_id"]
    store.answer_instead("GET", told, page())
    assert [user.returns_external_id for user in read_all(store).users.values()] == [True, True]


def test_a_page_that_is_shorter_than_the_store_was_seen_to_give_is_the_last() -> None:
    store = store_of(30)
    listing = Listing(api_on(store), "deactivated", page_size=100)
    assert len(list(listing)) == 0
    listing = Listing(api_on(store), page_size=100)
    assert len(list(listing)) == 30
    assert listing.pages_read == 1


def test_a_total_that_falls_while_reading_is_a_gap() -> None:
    store = store_of(0)
    # User 1 left after page 1, so user 3 moved from page 2 to page 1 and is on neither.
    store.answer_instead("GET", page(1, 2, last_page=2, total=4), page(4, last_page=2, total=3))
    assert not read_all(store).complete


def test_of_a_record_that_moved_the_last_version_counts() -> None:
    store = store_of(0)
    renamed = page(3, 4)
    renamed.body["data"]["paginator"]["data"][0]["email"] = "renamed@example.org"
    store.answer_instead("GET", page(1, 2, 3), renamed)
    assert read_all(store).users[3].email == "renamed@example.org"


def test_a_total_that_was_not_reached_is_a_gap() -> None:
    store = store_of(0)
    store.answer_instead("GET", page(1, 2, last_page=2, total=4), page(3, last_page=2, total=4))
    assert not read_all(store).complete


@pytest.mark.parametrize(
    ("paginator", "left"),
    [
        pytest.param({"last_page": 7}, 6, id="last_page"),
        pytest.param({"last_page": "7"}, 6, id="last_page as text"),
        pytest.param({"total": 20, "next_page_url": "x"}, 9, id="total over the size of a page"),
        pytest.param({}, None, id="not told"),
    ],
)
def test_how_many_pages_are_left(paginator: dict[str, Any], left: int | None) -> None:
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
def test_what_tells_the_last_page_saves_a_request(last: dict[str, Any]) -> None:
    store = store_of(0)
    store.answer_instead("GET", page(1, 2, **last))
    read_all(store)
    assert len(store.calls) == 1


def test_a_reader_who_has_found_all_may_stop_early() -> None:
    store = store_of(500)
    listing = Listing(api_on(store))
    assert next(user for user in listing if user.id == 120).id == 120
    assert len(store.calls) == 2
    # Going on later reads nothing twice.
    assert len(list(listing)) == 500
    assert [call.query["page"] for call in store.calls] == ["1", "2", "3", "4", "5", "6"]
