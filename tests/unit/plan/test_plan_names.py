# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of plans: which names are the same, and the errors for those that are no plan's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input.options import plan_name_key
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    Row,
    users_of_entries,
)
from ansible_collections.publica.la.plugins.module_utils.plan.plan_names import (
    NO_LIST,
    resolve_plan_names,
)
from ansible_collections.publica.la.plugins.module_utils.store.plans import StorePlan
from ansible_collections.publica.la.tests.unit.support.builders import PASSWORD, desired_users
from ansible_collections.publica.la.tests.unit.support.work import calls_in

PLANS = [
    StorePlan(11, "Campus"),
    StorePlan(12, "Library card"),
    StorePlan(13, "Library  Pass"),
    StorePlan(14, "gold"),
    StorePlan(15, "Gold"),
    StorePlan(16, None),
    StorePlan(17, " "),
    StorePlan(18, "Lançamento"),
]


def row(number: int, plan_name: str, **more: Any) -> dict[str, Any]:
    return {"email": f"user{number}@example.org", "plan_name": plan_name, **more}


def refused(rows: list[Any], plans: list[StorePlan] | None = PLANS) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as error:
        resolve_plan_names(desired_users(rows), plans)
    return error.value


@pytest.mark.parametrize(
    ("name", "plan_id"),
    [
        ("Campus", 11),
        ("CAMPUS", 11),
        ("library\u00a0 card", 12),
        ("Library Pass", 13),
        ("Lanc\u0327amento", 18),
        ("LANÇAMENTO", 18),
    ],
)
def test_the_complete_name_decides_without_case_and_white_space(name: str, plan_id: int) -> None:
    desired = desired_users([row(1, name, plan_valid_to="2031-12-31")])
    [user] = resolve_plan_names(desired, PLANS)
    assert (user.plan_id, user.plan_name, user.place) == (plan_id, name, "users[0]")
    assert user.plan_valid_to == "2031-12-31"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("stra\u00dfe", "STRASSE"),
        ("\u01f0", "J\u030c"),
        ("\u1e9e", "ss"),
        (" a\tb\u2003c ", "A B C"),
        ("\u00c5", "\u212b"),
    ],
)
def test_names_that_are_the_same(first: str, second: str) -> None:
    assert plan_name_key(first) == plan_name_key(second)
    assert plan_name_key(plan_name_key(first)) == plan_name_key(first)


def test_only_users_who_name_a_plan_are_changed() -> None:
    rows = [
        {"email": "a@example.org", "plan_id": 99},
        {"email": "b@example.org"},
        row(1, "No such plan", state="absent"),
        row(2, "campus"),
    ]
    desired = desired_users(rows)
    users = resolve_plan_names(desired, PLANS)
    assert users[:3] == desired[:3]
    assert [user.plan_id for user in users] == [99, None, None, 11]


def test_every_bad_name_is_an_error_with_what_to_do() -> None:
    rows = [
        row(0, "Libary card"),
        row(1, "Campus"),
        row(2, "GOLD"),
        row(3, "pass"),
        row(4, "zzzz"),
        row(5, "Libary card"),
    ]
    assert refused(rows).message == (
        "5 validation errors. Nothing was changed.\n"
        "users[0].plan_name (user0@example.org), users[5].plan_name (user5@example.org): "
        "'Libary card' is not the name of a plan of the store; did you mean 'Library card' (12), "
        "'Library  Pass' (13)?\n"
        "users[2].plan_name (user2@example.org): 'GOLD' is the name of 2 plans of the store; give "
        "plan_id instead, one of 14, 15\n"
        "users[3].plan_name (user3@example.org): 'pass' is not the name of a plan of the store; "
        "did you mean 'Library  Pass' (13)?\n"
        "users[4].plan_name (user4@example.org): 'zzzz' is not the name of a plan of the store; "
        "it has 'Campus' (11), 'Library card' (12), 'Library  Pass' (13), 'gold' (14), "
        "'Gold' (15) and 1 more"
    )


@pytest.mark.parametrize("plans", [None, [], [StorePlan(11)]], ids=["no list", "empty", "no name"])
def test_without_names_in_the_store_an_id_is_needed(plans: list[StorePlan] | None) -> None:
    error = refused([row(0, "Campus"), row(1, "Gold"), {"email": "a@example.org"}], plans)
    assert error.fields == {"users[0].plan_name": [NO_LIST], "users[1].plan_name": [NO_LIST]}
    assert len(error.message.splitlines()) == 2


def test_the_name_of_one_user_has_no_row() -> None:
    [user] = users_of_entries([Row("", row(0, "Campsu"))])
    with pytest.raises(InvalidInputError) as error:
        resolve_plan_names([user], PLANS)
    assert list(error.value.fields) == ["plan_name"]
    assert "\nplan_name: 'Campsu' is not" in error.value.message


def test_a_row_of_a_table_with_passwords_is_not_quoted() -> None:
    entries = [Row("seats.csv:2", row(0, PASSWORD), hides_values=True)]
    with pytest.raises(InvalidInputError) as error:
        resolve_plan_names(users_of_entries(entries), PLANS)
    assert "\nseats.csv:2.plan_name: the value is not the name of a plan" in error.value.message
    assert PASSWORD not in error.value.message


def test_names_of_the_store_are_cut_and_cannot_add_a_line() -> None:
    plans = [StorePlan(1, "Gold\nusers[9]: forged"), StorePlan(2, "Gold" + "x" * 5000)]
    message = refused([row(0, "Gold")], plans).message
    assert len(message.splitlines()) == 2
    assert len(message) < 400


def test_many_bad_names_are_a_short_message_in_linear_time() -> None:
    plans = [StorePlan(number, f"Plan number {number}") for number in range(1, 300)]
    same = refused([row(number, "Plan") for number in range(20_000)], plans).message
    assert len(same.splitlines()) == 2
    assert "and 19,995 more: 'Plan' is not the name" in same

    def calls(count: int) -> int:
        rows = [row(number, f"Name {number}") for number in range(count)]
        number, error = calls_in(lambda: refused(rows, plans))
        assert len(error.message.splitlines()) == 22
        return number

    assert calls(4_000) - calls(2_000) < 200 * 2_000


def test_a_good_name_after_many_good_ones_still_leads_to_suggestions() -> None:
    plans = [StorePlan(number, f"Plan {number:03}") for number in range(1, 100)]
    rows = [row(number, f"Plan {number:03}") for number in range(1, 100)]
    message = refused([*rows, row(100, "Plan 1000")], plans).message
    assert "did you mean 'Plan 100'" not in message
    assert "did you mean 'Plan 0" in message
