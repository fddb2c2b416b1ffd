# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests it takes to know what a list of desired users has to be compared with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import (
    Snapshot,
    read_current,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import api_on, desired_user
from ansible_collections.publica.la.tests.unit.support.reading import BARE, FULL, Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

PAGINATORS = pytest.mark.parametrize("paginator", [BARE, FULL])


def store_of(active: int, deactivated: int = 0, **reading: Any) -> FakeStore:
    """Users 1 to ``active``, then the deactivated ones."""
    users = (
        StoredUser(
            number, f"user{number}@example.org", f"ext-{number}", deactivated=number > active
        )
        for number in range(1, active + deactivated + 1)
    )
    return FakeStore(*users, reading=Reading(**reading))


def wanted(numbers: Iterable[int], **options: Any) -> list[DesiredUser]:
    return [desired_user(number, **options) for number in numbers]


def read(store: FakeStore, desired: list[DesiredUser], lookup: str = "auto") -> UserIndex:
    return read_current(api_on(store, workers=4), desired, lookup, workers=4).index


def kinds(store: FakeStore) -> dict[str, int]:
    """How many requests went to which list."""
    counted = {"list": 0, "search": 0, "deactivated": 0}
    for call in store.calls:
        query = call.query.get("query", "list")
        counted[query if query in counted else "search"] += 1
    return counted


@PAGINATORS
class TestRequests:
    """The sizes that decide the cost of a run; one page more where no paginator tells the end."""

    def test_everybody_is_there_already(self, paginator: str) -> None:
        store = store_of(1000, paginator=paginator)
        read(store, wanted(range(1, 1001)))
        assert len(store.calls) == 10

    def test_a_few_of_a_large_store_are_looked_up(self, paginator: str) -> None:
        store = store_of(5000, paginator=paginator)
        index = read(store, wanted([1500, 2500, 4900]))
        assert kinds(store) == {"list": 1, "search": 3, "deactivated": 0}
        assert {1500, 2500, 4900} <= set(index.by_id)

    def test_a_few_on_the_first_page_need_no_look_up(self, paginator: str) -> None:
        store = store_of(5000, paginator=paginator)
        read(store, wanted([3, 4, 5]))
        assert len(store.calls) == 1

    def test_some_are_new(self, paginator: str) -> None:
        store = store_of(1000, paginator=paginator)
        read(store, wanted(range(101, 1101)))
        pages = {FULL: 10, BARE: 11}[paginator]
        assert kinds(store) == {"list": pages, "search": 0, "deactivated": 1}

    @pytest.mark.parametrize("tells", [True, False], ids=["external ids", "no external ids"])
    def test_a_few_new_ones_among_many_are_worth_a_page_and_no_look_ups(
        self, paginator: str, tells: bool
    ) -> None:
        store = store_of(1000, paginator=paginator, returns_external_id=tells)
        read(store, wanted(range(31, 1031)))
        assert len(store.calls) <= 12

    def test_some_are_new_beside_deactivated_ones(self, paginator: str) -> None:
        store = store_of(1000, deactivated=100, paginator=paginator)
        read(store, wanted(range(201, 1201)))
        pages = {FULL: (10, 1), BARE: (11, 2)}[paginator]
        assert kinds(store) == {"list": pages[0], "search": 0, "deactivated": pages[1]}

    def test_deactivated_ones_that_nobody_asks_for_are_not_read(self, paginator: str) -> None:
        store = store_of(400, deactivated=400, paginator=paginator)
        read(store, wanted(range(1, 401)))
        assert kinds(store) == {"list": 4, "search": 0, "deactivated": 0}

    def test_reading_stops_when_all_deactivated_ones_are_found(self, paginator: str) -> None:
        store = store_of(100, deactivated=500, paginator=paginator)
        index = read(store, wanted([*range(1, 101), 101, 102]))
        assert kinds(store)["deactivated"] == 1
        assert index.by_id[101].active is False

    def test_one_user_is_one_request(self, paginator: str) -> None:
        store = store_of(5000, paginator=paginator)
        read(store, wanted([4900]))
        assert kinds(store) == {"list": 0, "search": 1, "deactivated": 0}

    def test_nobody_costs_nothing(self, paginator: str) -> None:
        store = store_of(100, paginator=paginator)
        assert read(store, []).by_id == {}
        assert store.calls == []

    def test_who_is_to_be_absent_is_looked_for_in_the_shorter_list_first(
        self, paginator: str
    ) -> None:
        store = store_of(100, deactivated=50, paginator=paginator)
        read(store, wanted([101, 102], state="absent"))
        # Where the list's one page is not known to be all, whoever is deactivated already is found
        # so without reading on.
        assert kinds(store)["list"] == 1
        assert kinds(store)["deactivated"] == (1 if paginator == BARE else 0)

    def test_who_is_deactivated_and_has_to_be_costs_no_list(self, paginator: str) -> None:
        store = store_of(5000, deactivated=50, paginator=paginator)
        for _run in range(2):
            store.forget_calls()
            read(store, wanted([5007], state="absent"))
            assert kinds(store)["list"] == 0
            assert len(store.calls) <= 3


@pytest.mark.parametrize("holds", [False, True], ids=["apart", "together"])
def test_a_list_that_holds_the_deactivated_too_is_not_read_twice(holds: bool) -> None:
    store = store_of(150, deactivated=150, paginator=FULL, list_holds_deactivated=holds)
    index = read(store, wanted(range(1, 320)))
    assert kinds(store) == {
        "list": 3 if holds else 2,
        "search": 0,
        "deactivated": 0 if holds else 2,
    }
    assert index.by_id[151].active is False


class TestLookup:
    def test_list_never_searches(self) -> None:
        store = store_of(500, paginator=FULL)
        read(store, wanted([450]), lookup="list")
        assert kinds(store) == {"list": 5, "search": 0, "deactivated": 0}

    def test_search_never_lists_whom_an_address_names(self) -> None:
        store = store_of(500, paginator=FULL)
        index = read(store, wanted(range(1, 51)), lookup="search")
        assert kinds(store) == {"list": 0, "search": 50, "deactivated": 0}
        assert set(range(1, 51)) <= set(index.by_id)

    def test_search_lists_for_those_without_an_address(self) -> None:
        store = store_of(300, paginator=FULL)
        read(store, [DesiredUser(external_id="ext-150"), desired_user(290)], lookup="search")
        assert kinds(store) == {"list": 2, "search": 1, "deactivated": 0}

    def test_search_finds_the_deactivated_in_their_own_list(self) -> None:
        store = store_of(10, deactivated=10)
        index = read(store, wanted([15]), lookup="search")
        assert index.by_id[15].active is False


class TestKeys:
    """Who cannot be searched for has to be listed, and nobody else for his sake."""

    @pytest.mark.parametrize("keys", [{"id": 250}, {"external_id": "ext-250"}], ids=["id", "ext"])
    def test_without_an_address_the_list_is_read_as_far_as_needed(
        self, keys: dict[str, Any]
    ) -> None:
        store = store_of(5000, paginator=FULL)
        read(store, [DesiredUser(**keys)])
        assert kinds(store) == {"list": 3, "search": 0, "deactivated": 0}

    def test_a_new_address_of_a_known_external_id_is_found_in_the_list(self) -> None:
        store = store_of(300, paginator=FULL)
        index = read(store, [desired_user(250, email="renamed@example.org")])
        assert index.by_external_id["ext-250"].id == 250
        # A deactivated user may hold the new address, which would then be no free one.
        assert kinds(store) == {"list": 3, "search": 1, "deactivated": 1}

    def test_without_external_ids_in_reads_a_new_address_needs_no_whole_list(self) -> None:
        # Nobody could be recognised in it.
        store = store_of(5000, paginator=FULL, returns_external_id=False)
        read(store, [desired_user(9000)])
        assert kinds(store) == {"list": 1, "search": 1, "deactivated": 1}

    def test_an_address_in_another_case_is_found(self) -> None:
        store = store_of(1)
        index = read(store, [desired_user(1, email="USER1@Example.org")])
        assert index.by_id[1].email == "user1@example.org"

    def test_a_search_that_heeds_case_is_tried_in_lower_case(self) -> None:
        store = store_of(5000, paginator=FULL, heeds_case=True)
        read(store, [desired_user(4000, email="User4000@example.org")])
        assert kinds(store) == {"list": 0, "search": 2, "deactivated": 0}


class TestGaps:
    """Where a list is not whole, not being in it proves nothing."""

    def test_everybody_who_was_not_found_is_looked_up(self) -> None:
        store = store_of(250, ignores_page=True)
        index = read(store, wanted(range(1, 251)))
        assert set(index.by_id) == set(range(1, 251))
        assert kinds(store)["search"] == 150

    def test_nobody_is_looked_up_twice(self) -> None:
        store = store_of(250, ignores_page=True)
        read(store, [*wanted([240]), desired_user(9000)])
        searched = [
            call.query["query"] for call in store.calls if "@" in call.query.get("query", "")
        ]
        assert len(searched) == len(set(searched))


@pytest.mark.parametrize("size", [500, 2000])
def test_requests_grow_with_pages_and_not_with_users(size: int) -> None:
    store = store_of(size, paginator=FULL)
    read(store, wanted(range(1, size + 1)))
    assert len(store.calls) == size // 100


class TestEverybody:
    """Where the whole list counts, it is read to its end, whoever is looked for."""

    @staticmethod
    def _read(store: FakeStore, desired: list[DesiredUser]) -> Snapshot:
        return read_current(api_on(store, workers=4), desired, workers=4, all_users=True)

    @PAGINATORS
    @pytest.mark.parametrize("sought", [[], [3], [*range(1, 251)]], ids=["none", "one", "all"])
    def test_the_list_is_read_once(self, paginator: str, sought: list[int]) -> None:
        store = store_of(250, deactivated=120, paginator=paginator)
        snapshot = self._read(store, wanted(sought))
        assert kinds(store) == {"list": 3, "search": 0, "deactivated": 0}
        assert sorted(user.id for user in snapshot.active) == [*range(1, 251)]
        assert snapshot.complete

    @PAGINATORS
    def test_who_is_not_there_is_looked_for_among_the_deactivated(self, paginator: str) -> None:
        store = store_of(50, deactivated=20, paginator=paginator)
        snapshot = self._read(store, wanted([1, 60]))
        assert snapshot.index.by_id[60].active is False
        assert len(snapshot.active) == 50

    def test_only_active_users_count_whatever_the_list_holds(self) -> None:
        store = store_of(30, deactivated=20, list_holds_deactivated=True, paginator=FULL)
        snapshot = self._read(store, wanted([1]))
        assert len(snapshot.active) == 30
        assert snapshot.complete

    @pytest.mark.parametrize("count", [30, 250])
    def test_a_list_whose_pages_are_all_the_first_is_not_whole(self, count: int) -> None:
        store = store_of(count, ignores_page=True, paginator=BARE)
        assert not self._read(store, wanted([1])).complete

    def test_a_total_proves_that_one_page_is_all(self) -> None:
        store = store_of(30, ignores_page=True, paginator=FULL)
        assert self._read(store, wanted([1])).complete

    def test_a_part_of_the_list_is_not_whole(self) -> None:
        store = store_of(250, paginator=FULL)
        assert not read_current(api_on(store), wanted([1, 2])).complete
