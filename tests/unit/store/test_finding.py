# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding users by their keys, as the info and the logout module do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import (
    UserFilter,
    find_users,
    user_filter,
)
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.reading import FULL, Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

MAX_READS = [
    pytest.param(Reading(paginator=FULL), id="apart"),
    pytest.param(Reading(paginator=FULL, list_holds_deactivated=True), id="lists hold both"),
    pytest.param(Reading(paginator=FULL, search_finds_deactivated=True), id="searches find both"),
    pytest.param(Reading(paginator=FULL, empty_is_404=True), id="empty is 404"),
    pytest.param(Reading(), id="bare paginator"),
]


def store_of(reading: Reading) -> FakeStore:
    return FakeStore(
        StoredUser(1, "ana@example.org", "A", admin=True),
        StoredUser(2, "joana@example.org", "J"),
        StoredUser(3, "ben@example.org", "B", deactivated=True),
        StoredUser(4, "cleo@example.org", "C", admin=True, deactivated=True),
        reading=reading,
    )


def found(reading: Reading, **wanted: Any) -> list[int]:
    return sorted(user.id for user in find_users(api_on(store_of(reading)), UserFilter(**wanted)))


@pytest.mark.parametrize("reading", MAX_READS)
@pytest.mark.parametrize(
    ("wanted", "ids"),
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
        ({"query": "nobody"}, []),
    ],
    ids=str,
)
def test_who_is_found(reading: Reading, wanted: dict[str, Any], ids: list[int]) -> None:
    assert found(reading, **wanted) == ids


@pytest.mark.parametrize(
    ("wanted", "requests"),
    [
        pytest.param({"email": "user450@example.org"}, 1, id="an address"),
        pytest.param({"email": "user450@example.org", "status": "all"}, 1, id="whatever status"),
        pytest.param({"id": 150}, 2, id="an id, as far as it stands"),
        pytest.param({"external_id": "ext-150"}, 2, id="an external id"),
        pytest.param({}, 5, id="everybody"),
        pytest.param({"query": "user45"}, 1, id="a query"),
        pytest.param({"admins": True}, 1, id="the admins"),
    ],
)
def test_no_request_too_many(wanted: dict[str, Any], requests: int) -> None:
    users = (StoredUser(n, f"user{n}@example.org", f"ext-{n}") for n in range(1, 501))
    store = FakeStore(*users, reading=Reading(paginator=FULL))
    find_users(api_on(store), UserFilter(**wanted))
    assert len(store.calls) == requests


def test_the_apis_own_word_for_the_deactivated_ones_asks_for_them() -> None:
    store = FakeStore(
        StoredUser(1, "ana@example.org"), StoredUser(2, "bruno@example.org", deactivated=True)
    )
    assert [user.id for user in find_users(api_on(store), UserFilter(query="deactivated"))] == [2]


@pytest.mark.parametrize("name", ["email", "external_id", "query"])
def test_an_empty_option_is_refused_before_any_request(name: str) -> None:
    params = {"email": None, "external_id": None, "id": None, "query": None}
    with pytest.raises(InvalidInputError) as error:
        user_filter({**params, "admins": False, "status": "active", name: " "})
    assert set(error.value.fields) == {name}
