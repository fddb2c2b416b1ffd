# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that it takes to read the current users, and look-ups by key."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.store.search import (
    UserFilter,
    find_by_email,
    find_users,
    user_filter,
)
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import (
    Snapshot,
    read_current,
)
from ansible_collections.publica.la.plugins.module_utils.store.user import UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    api_on,
    desired_user,
    store_of,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    BARE,
    FULL,
    FakeStore,
    StoredUser,
)

PAGINATORS = pytest.mark.parametrize("paginator", [BARE, FULL])


def users(numbers: Iterable[int], **options: Any) -> list[DesiredUser]:
    return [desired_user(number, **options) for number in numbers]


def read(store: FakeStore, desired: list[DesiredUser], lookup: str = "auto") -> UserIndex:
    return read_current(api_on(store, workers=4), desired, lookup, workers=4).index


def kinds(store: FakeStore) -> dict[str, int]:
    """Number of requests by list."""
    counted = {"list": 0, "search": 0, "deactivated": 0}
    for call in store.calls:
        query = call.query.get("query", "list")
        counted[query if query in counted else "search"] += 1
    return counted


# The sizes that decide the cost of a run. Without a total, one more page shows the end of a list.
COSTS = [
    ("all users exist", (1000, 0), range(1, 1001), {FULL: (10, 0, 0), BARE: (10, 0, 0)}),
    ("few of a large store", (5000, 0), [1500, 2500, 4900], {FULL: (1, 3, 0), BARE: (1, 3, 0)}),
    ("few on the first page", (5000, 0), [3, 4, 5], {FULL: (1, 0, 0), BARE: (1, 0, 0)}),
    ("some new", (1000, 0), range(101, 1101), {FULL: (10, 0, 1), BARE: (11, 0, 1)}),
    ("new and deactivated", (1000, 100), range(201, 1201), {FULL: (10, 0, 1), BARE: (11, 0, 2)}),
    ("other deactivated users", (400, 400), range(1, 401), {FULL: (4, 0, 0), BARE: (4, 0, 0)}),
    ("one user", (5000, 0), [4900], {FULL: (0, 1, 0), BARE: (0, 1, 0)}),
    ("no user", (100, 0), [], {FULL: (0, 0, 0), BARE: (0, 0, 0)}),
]


@PAGINATORS
@pytest.mark.parametrize(
    ("size", "numbers", "costs"), [c[1:] for c in COSTS], ids=[c[0] for c in COSTS]
)
def test_requests_by_list(
    size: tuple[int, int], numbers: Iterable[int], costs: dict[str, tuple[int, ...]], paginator: str
) -> None:
    store = store_of(*size, paginator=paginator)
    index = read(store, users(numbers))
    assert tuple(kinds(store).values()) == costs[paginator]
    assert {number for number in numbers if number <= size[0]} <= set(index.by_id)


@PAGINATORS
class TestRequests:
    @pytest.mark.parametrize("returned", [True, False], ids=["external ids", "no external ids"])
    def test_a_few_new_users_cost_no_look_ups(self, paginator: str, returned: bool) -> None:
        store = store_of(1000, paginator=paginator, returns_external_id=returned)
        read(store, users(range(31, 1031)))
        assert len(store.calls) <= 12

    def test_reading_stops_when_all_deactivated_users_are_found(self, paginator: str) -> None:
        store = store_of(100, deactivated=500, paginator=paginator)
        index = read(store, users([*range(1, 101), 101, 102]))
        assert kinds(store)["deactivated"] == 1
        assert index.by_id[101].active is False

    def test_absent_users_are_first_searched_in_the_shorter_list(self, paginator: str) -> None:
        store = store_of(100, deactivated=50, paginator=paginator)
        read(store, users([101, 102], state="absent"))
        # If the first page is not known to be the complete list, no further page is read.
        assert kinds(store)["list"] == 1
        assert kinds(store)["deactivated"] == (1 if paginator == BARE else 0)

    def test_an_absent_user_who_is_deactivated_costs_no_list(self, paginator: str) -> None:
        store = store_of(5000, deactivated=50, paginator=paginator)
        for _run in range(2):
            store.forget_calls()
            read(store, users([5007], state="absent"))
            assert kinds(store)["list"] == 0
            assert len(store.calls) <= 3


@pytest.mark.parametrize("holds", [False, True], ids=["active only", "both"])
def test_a_list_that_contains_deactivated_users_is_read_once(holds: bool) -> None:
    store = store_of(150, deactivated=150, paginator=FULL, list_holds_deactivated=holds)
    index = read(store, users(range(1, 320)))
    assert kinds(store) == {
        "list": 3 if holds else 2,
        "search": 0,
        "deactivated": 0 if holds else 2,
    }
    assert index.by_id[151].active is False


class TestLookup:
    def test_list_never_searches(self) -> None:
        store = store_of(500, paginator=FULL)
        read(store, users([450]), lookup="list")
        assert kinds(store) == {"list": 5, "search": 0, "deactivated": 0}

    def test_search_reads_no_list_for_users_with_an_address(self) -> None:
        store = store_of(500, paginator=FULL)
        index = read(store, users(range(1, 51)), lookup="search")
        assert kinds(store) == {"list": 0, "search": 50, "deactivated": 0}
        assert set(range(1, 51)) <= set(index.by_id)

    def test_search_reads_the_list_for_users_without_an_address(self) -> None:
        store = store_of(300, paginator=FULL)
        read(store, [DesiredUser(external_id="ext-150"), desired_user(290)], lookup="search")
        assert kinds(store) == {"list": 2, "search": 1, "deactivated": 0}

    def test_search_finds_deactivated_users_in_their_list(self) -> None:
        store = store_of(10, deactivated=10)
        index = read(store, users([15]), lookup="search")
        assert index.by_id[15].active is False


class TestKeys:
    """Keys that only the list can resolve."""

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
        # A deactivated user may have the new address, which would then be taken.
        assert kinds(store) == {"list": 3, "search": 1, "deactivated": 1}

    def test_without_returned_external_ids_a_new_address_needs_one_page(self) -> None:
        store = store_of(5000, paginator=FULL, returns_external_id=False)
        read(store, [desired_user(9000)])
        assert kinds(store) == {"list": 1, "search": 1, "deactivated": 1}

    def test_a_search_that_respects_case_is_repeated_in_lower_case(self) -> None:
        store = store_of(5000, paginator=FULL, respects_case=True)
        read(store, [desired_user(4000, email="User4000@example.org")])
        assert kinds(store) == {"list": 0, "search": 2, "deactivated": 0}

    def test_the_lower_case_comes_first_once_the_store_has_lower_cased_an_address(self) -> None:
        store = store_of(50_000, paginator=FULL, respects_case=True)
        wanted = [desired_user(n, email=f"User{n}@example.org") for n in range(4000, 4020)]
        api = api_on(store)
        found = read_current(api, wanted, "search", workers=1).index
        assert len(found.by_id) == 20
        assert kinds(store) == {"list": 0, "search": 21, "deactivated": 0}

    def test_an_address_is_searched_in_both_forms_of_unicode(self) -> None:
        stored = unicodedata.normalize("NFD", "josé@example.org")
        store = FakeStore(StoredUser(1, stored, "J"), paginator=FULL)
        api = api_on(store)
        assert [user.id for user in find_by_email(api, "josé@example.org")] == [1]
        assert kinds(store)["search"] == 2
        assert [user.id for user in find_users(api, UserFilter(stored))] == [1]
        assert find_by_email(api, "jose@example.org") == []


class TestGaps:
    """A user who is missing in an incomplete list may still exist."""

    @pytest.mark.parametrize("lookup", ["auto", "list"])
    def test_all_missing_users_are_looked_up(self, lookup: str) -> None:
        store = store_of(250, ignores_page=True)
        index = read(store, users(range(1, 251)), lookup)
        assert set(index.by_id) == set(range(1, 251))
        assert kinds(store)["search"] == 150

    def test_no_user_is_looked_up_twice(self) -> None:
        store = store_of(250, ignores_page=True)
        read(store, [*users([240]), desired_user(9000)])
        searched = [
            call.query["query"] for call in store.calls if "@" in call.query.get("query", "")
        ]
        assert len(searched) == len(set(searched))


class TestAllUsers:
    """Reading the complete list, regardless of the desired users."""

    @staticmethod
    def _read(store: FakeStore, desired: list[DesiredUser]) -> Snapshot:
        return read_current(api_on(store, workers=4), desired, workers=4, all_users=True)

    @PAGINATORS
    @pytest.mark.parametrize("numbers", [[], [3], [*range(1, 251)]], ids=["none", "one", "all"])
    def test_the_list_is_read_once(self, paginator: str, numbers: list[int]) -> None:
        store = store_of(250, deactivated=120, paginator=paginator)
        snapshot = self._read(store, users(numbers))
        assert kinds(store) == {"list": 3, "search": 0, "deactivated": 0}
        assert sorted(user.id for user in snapshot.active) == [*range(1, 251)]
        assert snapshot.complete

    @PAGINATORS
    def test_a_missing_user_is_searched_among_the_deactivated(self, paginator: str) -> None:
        store = store_of(50, deactivated=20, paginator=paginator)
        snapshot = self._read(store, users([1, 60]))
        assert snapshot.index.by_id[60].active is False
        assert len(snapshot.active) == 50

    def test_only_active_users_count(self) -> None:
        store = store_of(30, deactivated=20, list_holds_deactivated=True, paginator=FULL)
        snapshot = self._read(store, users([1]))
        assert len(snapshot.active) == 30
        assert snapshot.complete

    @pytest.mark.parametrize("count", [30, 250])
    def test_a_list_that_repeats_its_first_page_is_incomplete(self, count: int) -> None:
        store = store_of(count, ignores_page=True, paginator=BARE)
        assert not self._read(store, users([1])).complete

    def test_a_total_shows_that_one_page_is_the_complete_list(self) -> None:
        store = store_of(30, ignores_page=True, paginator=FULL)
        assert self._read(store, users([1])).complete

    def test_a_part_of_the_list_is_incomplete(self) -> None:
        store = store_of(250, paginator=FULL)
        assert not read_current(api_on(store), users([1, 2])).complete


VARIANTS: list[Any] = [
    pytest.param({"paginator": FULL}, id="separate lists"),
    pytest.param({"paginator": FULL, "list_holds_deactivated": True}, id="list has both"),
    pytest.param({"paginator": FULL, "search_finds_deactivated": True}, id="search finds both"),
    pytest.param({"paginator": FULL, "empty_is_404": True}, id="empty is 404"),
    pytest.param({}, id="bare paginator"),
]


class TestFindUsers:
    @pytest.mark.parametrize("variants", VARIANTS)
    @pytest.mark.parametrize(
        ("conditions", "ids"),
        [
            ({}, [1, 2]),
            ({"status": "deactivated"}, [3, 4]),
            ({"status": "all"}, [1, 2, 3, 4]),
            ({"admins": True}, [1]),
            ({"admins": True, "status": "deactivated"}, [4]),
            ({"admins": True, "status": "all"}, [1, 4]),
            ({"email": "ANA@example.org"}, [1]),
            ({"email": "na@example.org"}, []),
            ({"email": "ben@example.org"}, []),
            ({"email": "ben@example.org", "status": "deactivated"}, [3]),
            ({"email": "ben@example.org", "status": "all"}, [3]),
            ({"email": "ana@example.org", "status": "deactivated"}, []),
            ({"external_id": "J"}, [2]),
            ({"external_id": "j"}, []),
            ({"external_id": "B", "status": "all"}, [3]),
            ({"id": 2}, [2]),
            ({"id": 3}, []),
            ({"id": 3, "status": "all"}, [3]),
            ({"id": 99, "status": "all"}, []),
            ({"email": "ana@example.org", "external_id": "A", "id": 1}, [1]),
            ({"email": "ana@example.org", "external_id": "J"}, []),
            ({"email": "joana@example.org", "admins": True}, []),
            ({"query": "ana"}, [1, 2]),
            ({"query": "ana", "admins": True}, [1]),
            ({"query": "unknown"}, []),
            ({"query": "deactivated"}, [3, 4]),
        ],
        ids=str,
    )
    def test_found_users(
        self, variants: dict[str, Any], conditions: dict[str, Any], ids: list[int]
    ) -> None:
        store = FakeStore(
            StoredUser(1, "ana@example.org", "A", admin=True),
            StoredUser(2, "joana@example.org", "J"),
            StoredUser(3, "ben@example.org", "B", deactivated=True),
            StoredUser(4, "cleo@example.org", "C", admin=True, deactivated=True),
            **variants,
        )
        found = find_users(api_on(store), UserFilter(**conditions))
        assert sorted(user.id for user in found) == ids

    @pytest.mark.parametrize(
        ("conditions", "requests"),
        [
            ({"email": "user450@example.org"}, 1),
            ({"email": "user450@example.org", "status": "all"}, 1),
            ({"id": 150}, 2),
            ({"external_id": "ext-150"}, 2),
            ({}, 5),
            ({"query": "user45"}, 1),
            ({"admins": True}, 1),
        ],
        ids=str,
    )
    def test_number_of_requests(self, conditions: dict[str, Any], requests: int) -> None:
        store = store_of(500, paginator=FULL)
        find_users(api_on(store), UserFilter(**conditions))
        assert len(store.calls) == requests

    @pytest.mark.parametrize(
        ("conditions", "returned", "number"),
        [
            ({"external_id": "ext-1"}, False, 1),
            ({"external_id": "ext-1", "email": "user1@example.org"}, False, 1),
            ({"external_id": "unknown"}, True, 0),
            ({"email": "unknown@example.org"}, False, 0),
        ],
        ids=str,
    )
    def test_a_key_that_the_store_does_not_return_gives_a_warning(
        self, conditions: dict[str, Any], returned: bool, number: int
    ) -> None:
        warnings: list[str] = []
        store = store_of(5, returns_external_id=returned)
        assert find_users(api_on(store), UserFilter(**conditions), warnings) == []
        assert len(warnings) == number
        assert all(conditions["external_id"] in warning for warning in warnings)

    @pytest.mark.parametrize(
        ("conditions", "ids", "number"),
        [
            ({}, [1], 0),
            ({"status": "all"}, [1], 1),
            ({"email": "ana@example.org"}, [], 1),
            ({"query": "ana"}, [], 1),
        ],
        ids=str,
    )
    def test_admins_of_a_store_that_does_not_return_who_is_one(
        self, conditions: dict[str, Any], ids: list[int], number: int
    ) -> None:
        store = FakeStore(
            StoredUser(1, "ana@example.org", "A", admin=True),
            StoredUser(2, "joana@example.org", "J"),
            StoredUser(3, "ben@example.org", "B", deactivated=True),
            returns_admin=False,
        )
        warnings: list[str] = []
        found = find_users(api_on(store), UserFilter(**conditions, admins=True), warnings)
        assert [user.id for user in found] == ids
        assert all(user.admin for user in found)
        assert len(warnings) == number

    @pytest.mark.parametrize("name", ["email", "external_id", "query"])
    def test_an_empty_option_is_an_error(self, name: str) -> None:
        params = {"email": None, "external_id": None, "id": None, "query": None}
        with pytest.raises(InvalidInputError) as error:
            user_filter({**params, "admins": False, "status": "active", name: " "})
        assert set(error.value.fields) == {name}
