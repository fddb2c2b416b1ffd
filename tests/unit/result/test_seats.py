# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seats of a store after a run, by state and plan, and the requests to count them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.plugins.module_utils.result.seats import seats_of
from ansible_collections.publica.la.plugins.module_utils.store.snapshot import Snapshot
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    api_on,
    bulk,
    current_user,
    desired_user,
    held_plan,
    store_of,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    BARE,
    FULL,
    FakeStore,
    Held,
    StoredUser,
)


def snapshot(
    active: Iterable[CurrentUser], *, complete: bool = True, gone: list[CurrentUser] | None = None
) -> Snapshot:
    return Snapshot(UserIndex(), list(active), complete, gone)


def seats(*active: CurrentUser, written: Iterable[CurrentUser | None] = ()) -> dict[str, Any]:
    found = seats_of(snapshot(active, gone=[current_user(90, active=False)]), written, TODAY)
    assert found is not None
    return found


def test_an_incomplete_list_is_not_counted() -> None:
    assert seats_of(snapshot([current_user()], complete=False), [], TODAY) is None


def test_deactivated_users_who_were_not_read_are_not_counted() -> None:
    found = seats_of(snapshot([current_user()]), [], TODAY)
    assert found is not None
    assert (found["active"], found["deactivated"]) == (1, None)


def test_users_count_as_they_are_after_the_run() -> None:
    leaving = current_user(1, active=False)
    new, back = current_user(3), current_user(90)
    found = seats(current_user(1), current_user(2), written=[leaving, new, back, None])
    assert (found["active"], found["deactivated"]) == (3, 1)


def test_each_plan_counts_the_users_who_hold_it_today() -> None:
    ended, cancelled = held_plan(11, "2026-05-31"), held_plan(12, cancelled=True)
    found = seats(
        current_user(1, plans=(held_plan(11, name="Campus"), held_plan(12, "2030-01-01"))),
        current_user(2, plans=(held_plan(11), held_plan(11, "2031-01-01"))),
        current_user(3, plans=(ended, cancelled)),
        current_user(4, plans=None),
    )
    assert found["plans"] == [
        {"plan_id": 11, "name": "Campus", "users": 2},
        {"plan_id": 12, "name": None, "users": 1},
    ]
    assert (found["without_plan"], found["plans_unknown"]) == (1, 1)
    assert found["ending"] == []


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        (["2026-06-01"], "2026-06-01"),
        (["2026-08-30"], "2026-08-30"),
        (["2026-08-31"], None),
        (["2026-05-31"], None),
        ([None], None),
        (["2026-06-10", "2026-07-10"], "2026-07-10"),
        (["2026-06-10", None], None),
        (["2026-07-01T02:59:59Z"], "2026-07-01"),
    ],
)
def test_a_plan_ends_soon_within_90_days(ends: list[str | None], found: str | None) -> None:
    user = current_user(plans=tuple(held_plan(12, end, name="Card") for end in ends))
    ending = seats(user)["ending"]
    expected = {"email": user.email, "plan_id": 12, "name": "Card", "valid_to": found}
    assert ending == ([expected] if found else [])


def test_the_plan_that_ends_first_comes_first() -> None:
    days = ["2026-07-01", "2026-06-02", "2026-07-01"]
    users = [current_user(9 - n, plans=(held_plan(12, day),)) for n, day in enumerate(days)]
    ending = seats(*users)["ending"]
    assert [(one["valid_to"], one["email"][4]) for one in ending] == [
        ("2026-06-02", "8"),
        ("2026-07-01", "7"),
        ("2026-07-01", "9"),
    ]


SILVER = Held(3, "2031-01-31", "Silver")


def counted(store: FakeStore, desired: list[DesiredUser], **options: Any) -> Any:
    report = options.pop("report", "changes")
    api = api_on(store, read_only=options.pop("check", False), workers=4)
    return bulk(provision(api, desired, workers=4, **options), report)["seats"]


@pytest.mark.parametrize(("paginator", "requests"), [(BARE, 7), (FULL, 5)])
@pytest.mark.parametrize("lookup", ["auto", "list", "search"])
def test_counting_reads_the_complete_lists(paginator: str, requests: int, lookup: str) -> None:
    store = store_of(300, 200, plans=[SILVER], paginator=paginator)
    found = counted(store, [desired_user(7)], count_seats=True, lookup=lookup)
    assert (found["active"], found["deactivated"]) == (300, 200)
    assert found["plans"] == [{"plan_id": 3, "name": "Silver", "users": 300}]
    assert len(store.calls) == requests


def test_a_list_with_active_and_deactivated_users_is_read_once() -> None:
    store = store_of(30, 20, plans=[SILVER], paginator=FULL, list_holds_deactivated=True)
    found = counted(store, [desired_user(7)], count_seats=True)
    assert (found["active"], found["deactivated"]) == (30, 20)
    assert len(store.calls) == 1


def test_without_the_option_no_list_is_read() -> None:
    store = store_of(300, 200, plans=[SILVER], paginator=FULL)
    assert counted(store, [desired_user(7)], lookup="search") is None
    assert len(store.calls) == 1


def test_a_dry_run_counts_the_current_seats() -> None:
    removed = [desired_user(number, state="absent") for number in (1, 2)]
    before = counted(
        store_of(5, 0, plans=[SILVER], paginator=FULL), removed, count_seats=True, check=True
    )
    after = counted(store_of(5, 0, plans=[SILVER], paginator=FULL), removed, count_seats=True)
    assert (before["active"], before["deactivated"]) == (5, 0)
    assert (after["active"], after["deactivated"]) == (3, 2)


def test_a_summary_names_no_user() -> None:
    store = FakeStore(
        StoredUser(1, "user1@example.org", "ext-1", plans=[Held(3, "2031-01-31")]),
        paginator=FULL,
    )
    found = counted(store, [desired_user(1)], count_seats=True, report="summary")
    assert found["active"] == 1
    assert found["ending"] == []
