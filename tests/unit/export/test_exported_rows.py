# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of an export, which change nothing when they are provisioned again."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.export.formats import (
    DELIMITERS,
    ENCODING,
    csv_text,
    yaml_text,
)
from ansible_collections.publica.la.plugins.module_utils.export.rows import (
    INVALID_VALUE,
    NO_EXTERNAL_ID,
    NOT_UNIQUE,
    PLANS_UNKNOWN,
    SEVERAL_PLANS,
    ExportedUser,
    exported_users,
)
from ansible_collections.publica.la.plugins.module_utils.input.rows import users_of_entries
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.store.user import CurrentUser, UserIndex
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    held_plan,
)
from ansible_collections.publica.la.tests.unit.support.sources import rows_of
from ansible_collections.publica.la.tests.unit.support.work import calls_in
from hypothesis import given
from hypothesis import strategies as st


def rows(*users: CurrentUser) -> list[dict[str, Any]]:
    return [dict(user.values) for user in exported_users(users, TODAY)]


def warnings(*users: CurrentUser) -> list[tuple[str, str]]:
    exported = exported_users(users, TODAY)
    return [(warning.label, warning.text) for user in exported for warning in user.warnings]


class TestRow:
    def test_all_managed_attributes(self) -> None:
        user = current_user(
            1,
            sessions_limit=3,
            admin=True,
            plan_admin=False,
            only_sees_readable=True,
            plans=(held_plan(12, "2031-12-31"),),
        )
        assert rows(user) == [
            {
                "email": "user1@example.org",
                "external_id": "ext-1",
                "state": "present",
                "sessions_limit": 3,
                "plan_id": 12,
                "plan_valid_to": "2031-12-31",
                "admin": True,
                "plan_admin": False,
                "only_sees_readable": True,
            }
        ]
        assert warnings(user) == []

    def test_unknown_attributes_are_left_out(self) -> None:
        user = CurrentUser(1, "ana@example.org", active=True, returns_external_id=False, plans=None)
        assert rows(user) == [
            {"email": "ana@example.org", "state": "present", "sessions_limit": "unlimited"}
        ]
        assert warnings(user) == [("ana@example.org", PLANS_UNKNOWN)]

    def test_a_deactivated_user_is_absent_and_keeps_the_attributes(self) -> None:
        [row] = rows(current_user(1, active=False, sessions_limit=2))
        assert (row["state"], row["sessions_limit"]) == ("absent", 2)

    def test_rows_are_in_the_order_of_addresses(self) -> None:
        users = [current_user(n, email=f"{name}@example.org") for n, name in enumerate("bAc", 1)]
        found = [row["email"][0] for row in rows(*users)]
        assert found == ["A", "b", "c"]
        assert rows(*reversed(users)) == rows(*users)


class TestKeys:
    @pytest.mark.parametrize(
        ("option", "value", "label"),
        [
            *(
                ("email", value, "external_id ext-1")
                for value in ("ana", "ana @b.org", "a\x1bb@example.org", f"{'a' * 65}@example.org")
            ),
            *(
                ("external_id", value, "user1@example.org")
                for value in (" A", "A\n", "x" * 65, "NULL", "\ud800", "__omit_place_holder__00ff")
            ),
        ],
        ids=ascii,
    )
    def test_a_value_that_a_list_cannot_have_is_left_out_with_a_warning(
        self, option: str, value: str, label: str
    ) -> None:
        user = current_user(1, **{option: value})
        [row] = rows(user)
        assert {"email", "external_id", "id"} & set(row) == {"email", "external_id"} - {option}
        assert warnings(user) == [(label, f"the {option} {INVALID_VALUE}")]

    def test_an_address_in_nfd_is_kept(self) -> None:
        [row] = rows(user := current_user(1, email="jose\u0301@example.org"))
        assert row["email"] == user.email
        assert warnings(user) == []

    def test_an_empty_address_is_left_out_without_a_warning(self) -> None:
        user = current_user(1, email="")
        [row] = rows(user)
        assert "email" not in row
        assert row["external_id"] == "ext-1"
        assert warnings(user) == []

    def test_a_key_of_several_users_is_left_out(self) -> None:
        users = [
            current_user(1, email="Ana@example.org", external_id="A"),
            current_user(2, email="ana@example.org", active=False, external_id="B"),
            current_user(3, external_id="B"),
        ]
        assert [sorted({"email", "external_id", "id"} & set(row)) for row in rows(*users)] == [
            ["external_id"],
            ["id"],
            ["email"],
        ]
        labels = [label for label, text in warnings(*users) if text.endswith(NOT_UNIQUE)]
        assert labels == ["external_id A", "id 2", "id 2", "user3@example.org"]

    def test_a_user_without_another_key_has_the_id(self) -> None:
        [row] = rows(current_user(7, email="", external_id=None, active=False))
        assert row["id"] == 7

    def test_a_missing_external_id_is_a_warning_and_a_comment(self) -> None:
        user = current_user(1, external_id=None)
        assert warnings(user) == [("user1@example.org", NO_EXTERNAL_ID)]
        [comment] = exported_users([user], TODAY)[0].comments
        assert "external_id" in comment


class TestPlans:
    def test_the_plan_that_lasts_longest_is_in_the_row_and_the_others_are_in_a_comment(
        self,
    ) -> None:
        plans = (
            held_plan(9, "2026-07-01"),
            held_plan(12, "2031-12-31"),
            held_plan(11, "2031-12-31"),
            held_plan(11, "2031-12-31"),
            held_plan(13, "2026-05-31"),
            held_plan(14, cancelled=True),
        )
        user = current_user(1, plans=plans)
        [exported] = exported_users([user], TODAY)
        assert exported.values["plan_id"] == 11
        assert exported.values["plan_valid_to"] == "2031-12-31"
        [comment] = exported.comments
        assert "plan 12 until 2031-12-31, plan 9 until 2026-07-01" in comment
        assert warnings(user) == [("user1@example.org", SEVERAL_PLANS)]

    def test_a_plan_without_an_end_lasts_longest(self) -> None:
        [row] = rows(current_user(1, plans=(held_plan(12, "2031-12-31"), held_plan(11))))
        assert row["plan_id"] == 11
        assert "plan_valid_to" not in row

    def test_a_plan_is_held_until_the_end_of_its_last_day(self) -> None:
        [past] = rows(current_user(1, plans=(held_plan(12, "2026-05-31"),)))
        [today] = rows(current_user(1, plans=(held_plan(12, TODAY),)))
        assert "plan_id" not in past
        assert today["plan_valid_to"] == TODAY

    @pytest.mark.parametrize(
        ("valid_to", "day"),
        [
            ("2031-12-31", "2031-12-31"),
            ("2031-12-31T23:59:59.000000Z", "2031-12-31"),
            ("2031-12-31T00:00:00Z", "2031-12-31"),
            # The end of the day in Buenos Aires, and the beginning of one in Madrid.
            ("2032-01-01T02:59:59Z", "2031-12-31"),
            ("2031-12-30T23:00:00Z", "2031-12-31"),
        ],
    )
    def test_a_time_becomes_the_day_that_it_means(self, valid_to: str, day: str) -> None:
        [row] = rows(current_user(1, plans=(held_plan(12, valid_to),)))
        assert row["plan_valid_to"] == day

    def test_a_plan_with_an_impossible_id_is_left_out(self) -> None:
        user = current_user(1, plans=(held_plan(-4),))
        [row] = rows(user)
        assert "plan_id" not in row
        assert warnings(user) == [("user1@example.org", f"the plan_id {INVALID_VALUE}")]


# Texts that YAML, CSV, Ansible or a spreadsheet could read as another value.
AWKWARD = st.sampled_from(
    ["true", "no", "~", "", " ", "007", "1e3", "12:30:45", "2031-12-31", "-", "=1+1", "+549115",
     "@sum(1)", "-2+3", "{{ 7 * 7 }}", "{% x %}", "{# x #}", "#jinja2: x", "!unsafe x", "&a", "*a",
     "a: b", "# c", "'q'", '"q"', 'a,"b";c|d', "a;=1", "back\\slash", "\u202eabc", "\ufeffabc",
     "\x85", "\u2028", "tab\tbed", "çãñ", "\U0001f600", "a\nb", "x\x00y", "None", "\ud800",
     "__omit_place_holder__0a", "sep=;"]
)  # fmt: skip
texts = AWKWARD | st.text(max_size=12) | st.sampled_from(["A", "B"])
addresses = st.builds("{}@{}".format, texts, st.sampled_from(["example.org", "Example.ORG"]))
plans = st.builds(
    held_plan,
    plan_id=st.integers(-1, 3),
    valid_to=st.none()
    | st.sampled_from(["2020-01-01", TODAY, "2031-12-31", "2032-01-01T02:59:59Z", "0000-00-00"]),
    cancelled=st.booleans(),
)
rights = st.none() | st.booleans()


@st.composite
def stores(draw: st.DrawFn) -> list[CurrentUser]:
    """The users of any store: keys may repeat, and some are not valid in a list."""
    returned = draw(st.booleans())
    count = draw(st.integers(0, 6))
    return [
        CurrentUser(
            id=number,
            email=draw(addresses | texts).strip(),
            active=draw(st.booleans()),
            external_id=draw(st.none() | texts.filter(bool)) if returned else None,
            returns_external_id=returned,
            sessions_limit=draw(st.none() | st.sampled_from([1, 3, 999_999, 1_000_000, -1])),
            plans=draw(st.none() | st.lists(plans, max_size=3).map(tuple)),
            admin=draw(rights),
            plan_admin=draw(rights),
            only_sees_readable=draw(rights),
        )
        for number in range(1, count + 1)
    ]


def as_yaml(users: list[ExportedUser]) -> tuple[str, bytes]:
    return "press.yml", yaml_text(users, ["about"]).encode()


def as_csv(delimiter: str) -> Any:
    def written(users: list[ExportedUser]) -> tuple[str, bytes]:
        return "press.csv", csv_text(users, delimiter)[0].encode(ENCODING)

    return written


@pytest.mark.parametrize(
    "written", [as_yaml, *map(as_csv, DELIMITERS.values())], ids=["yaml", *DELIMITERS]
)
@given(store=stores())
def test_an_export_changes_nothing_when_it_is_provisioned(
    written: Any, store: list[CurrentUser]
) -> None:
    name, content = written(exported_users(store, TODAY))
    desired = users_of_entries(rows_of(name, content))
    plan = plan_users(desired, UserIndex(store), TODAY)
    assert [user.error for user in plan.changes if user.error] == []
    assert [user.steps for user in plan.changes if user.steps] == []
    # Each row matches another user, so no user is missing.
    assert sorted(user.current.id for user in plan.changes if user.current) == [
        user.id for user in store
    ]


def test_the_work_grows_linearly_with_the_users() -> None:
    def calls(count: int) -> int:
        users = [
            current_user(n, plans=(held_plan(12, "2031-12-31"), held_plan(11)))
            for n in range(1, count + 1)
        ]

        def written() -> None:
            exported = exported_users(users, TODAY)
            yaml_text(exported, [])
            csv_text(exported, ",")

        return calls_in(written)[0]

    assert calls(4_000) < 2.2 * calls(2_000)
