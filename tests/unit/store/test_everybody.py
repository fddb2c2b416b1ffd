# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading everybody, and knowing whether that was everybody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.store.listing import (
    MAX_READS,
    read_all_users,
)
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.reading import BARE, FULL, Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.store import Call, FakeStore


def store_of(count: int, *deactivated: int, **reading: Any) -> FakeStore:
    users = (
        StoredUser(n, f"user{n}@example.org", deactivated=n in deactivated)
        for n in range(1, count + 1)
    )
    return FakeStore(*users, reading=Reading(**reading))


@pytest.mark.parametrize("paginator", [BARE, FULL])
@pytest.mark.parametrize("list_holds_deactivated", [False, True])
def test_everybody_is_read_once_whatever_list_they_are_in(
    paginator: str, list_holds_deactivated: bool
) -> None:
    reading: dict[str, Any] = {
        "paginator": paginator,
        "list_holds_deactivated": list_holds_deactivated,
        "page_size": 5,
    }
    store = store_of(12, 3, 4, **reading)

    all_users = read_all_users(api_on(store), deactivated=True)
    active = read_all_users(api_on(store), deactivated=False)

    assert all_users.complete
    assert sorted(user.id for user in all_users.users) == list(range(1, 13))
    assert [user.id for user in all_users.users if not user.active] == [3, 4]
    assert sorted(user.id for user in active.users) == [1, 2, *range(5, 13)]


def test_who_leaves_while_the_list_is_read_is_there_once_and_deactivated() -> None:
    store = store_of(10, paginator=FULL, page_size=5)

    def leave(call: Call) -> None:
        if call.query.get("page") == "2":
            store.users[1].deactivated = True

    store.before_answer = leave

    all_users = read_all_users(api_on(store), deactivated=True)

    # User 6 moved to the first page, after that was read; the second reading has found him.
    assert all_users.complete
    assert sorted(user.id for user in all_users.users) == list(range(1, 11))
    assert [user.id for user in all_users.users if not user.active] == [1]


def test_sign_ups_meanwhile_make_nobody_missing() -> None:
    store = store_of(10, paginator=FULL, page_size=5)

    def sign_up(call: Call) -> None:
        if call.query.get("page") == "2":
            # At the head of the list, as where the newest come first.
            number = 100 + len(store.users)
            new = StoredUser(number, f"new{number}@example.org")
            store.users = {number: new, **store.users}

    store.before_answer = sign_up

    all_users = read_all_users(api_on(store), deactivated=False)

    assert all_users.complete
    assert {user.id for user in all_users.users} >= set(range(1, 11))
    assert [call.query["page"] for call in store.calls] == ["1", "2", "3"]


def test_a_list_with_gaps_is_read_again_and_then_told() -> None:
    store = store_of(10, paginator=FULL, page_size=5, ignores_page=True)

    all_users = read_all_users(api_on(store), deactivated=False)

    assert not all_users.complete
    assert len(all_users.users) == 5
    assert sum(call.query["page"] == "1" for call in store.calls) == MAX_READS
