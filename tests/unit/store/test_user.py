# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users in normal form: times, records in every API variant, and the index."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.input.options import address_key
from ansible_collections.publica.la.plugins.module_utils.result.result import normal_form
from ansible_collections.publica.la.plugins.module_utils.store.user import (
    CurrentUser,
    HeldPlan,
    UserIndex,
    end_days,
    is_set,
    time_of,
    user_from_record,
)
from ansible_collections.publica.la.tests.unit.support.builders import current_user, held_plan
from ansible_collections.publica.la.tests.unit.support.store import IMPERSONATION, RIGHTS

ISO = "2021-05-18T13:28:53Z"
MAPPING = {"timestamp": 1621344533, "date": "2021-05-18 13:28:53", "timezone": "UTC"}
# What the framework returns for a database's zero date.
ZERO_DATE = {"timestamp": -62169984000, "date": "-0001-11-30 00:00:00.000000", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param("2021-05-18T13:28:53.000000Z", ISO, id="ISO 8601, microseconds"),
        pytest.param(ISO, ISO, id="ISO 8601"),
        pytest.param("2021-05-18T10:28:53-03:00", ISO, id="another zone"),
        pytest.param("2021-05-18 13:28:53", ISO, id="database format"),
        pytest.param("2021-05-18", "2021-05-18", id="date"),
        pytest.param(MAPPING, ISO, id="mapping"),
        pytest.param({"timestamp": "1621344533"}, ISO, id="timestamp as text"),
        pytest.param({"date": "2021-05-18 13:28:53.000000"}, ISO, id="mapping without timestamp"),
        pytest.param(1621344533, ISO, id="number"),
        pytest.param(None, None, id="null"),
        pytest.param("", None, id="empty"),
        pytest.param({}, None, id="empty mapping"),
        pytest.param(True, None, id="boolean"),
        pytest.param("soon", None, id="other text"),
        pytest.param("2021-02-30T00:00:00Z", "2021-02-30T00:00:00Z", id="impossible day"),
    ],
)
def test_a_time_in_every_form(sent: Any, expected: str | None) -> None:
    assert time_of(sent) == expected


@pytest.mark.parametrize(
    "sent", [ZERO_DATE, {"timestamp": 10**17}, -62169984000, 10**17, float("inf")], ids=str
)
def test_a_time_out_of_range_raises_no_error(sent: Any) -> None:
    assert time_of(sent) is None or isinstance(time_of(sent), str)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((value, False) for value in (None, "", "0", 0, False, {}, {"date": None})),
        *((value, False) for value in ("0000-00-00 00:00:00", "-0001-11-30T00:00:00.000000Z")),
        (ZERO_DATE, False),
        *((value, True) for value in ("2021-05-18", "2021-05-18 13:28:53", 1621344533, MAPPING)),
    ],
    ids=repr,
)
def test_is_set(sent: Any, expected: bool) -> None:
    assert is_set(sent) is expected


LAST, NEXT = "2026-12-31", "2027-01-01"


@pytest.mark.parametrize(
    ("valid_to", "days"),
    [
        pytest.param(None, set(), id="null"),
        pytest.param("", set(), id="empty"),
        pytest.param("soon", set(), id="other text"),
        pytest.param("0000-00-00", set(), id="zero date"),
        pytest.param("0000-00-00 00:00:00", set(), id="zero time"),
        pytest.param("2026-02-30", set(), id="impossible day"),
        pytest.param("2026-12-31", {LAST}, id="date"),
        pytest.param("2026-12-31T23:59:59Z", {LAST}, id="end of the day in UTC"),
        pytest.param("2026-12-31T00:00:00.000000Z", {LAST}, id="start of the day in UTC"),
        pytest.param("2026-12-31T23:59:59-03:00", {LAST, NEXT}, id="with a zone"),
        pytest.param("2027-01-01T02:59:59Z", {LAST, NEXT}, id="end of the day in Buenos Aires"),
        pytest.param("2027-01-01T03:29:59Z", {LAST, NEXT}, id="end of the day in Newfoundland"),
        pytest.param("2026-12-31T23:00:00Z", {LAST, NEXT}, id="midnight in Madrid"),
        pytest.param("2026-12-31T18:30:00Z", {LAST, NEXT}, id="midnight in Delhi"),
        pytest.param("2027-01-01T02:59:58Z", {NEXT}, id="another second"),
        pytest.param("2026-12-31T12:34:56Z", {LAST}, id="another time"),
        pytest.param("9999-12-31T23:00:00Z", {"9999-12-31"}, id="last possible day"),
        pytest.param("0001-01-01T02:59:59Z", {"0001-01-01"}, id="first possible day"),
        pytest.param("2028-03-01T04:59:59Z", {"2028-03-01", "2028-02-29"}, id="leap day"),
        pytest.param(
            {"timestamp": 1798779599, "date": "2026-12-31 23:59:59", "timezone": "America/Bogota"},
            {LAST, NEXT},
            id="mapping with a zone",
        ),
    ],
)
def test_the_days_that_the_end_of_a_plan_may_mean(valid_to: Any, days: set[str]) -> None:
    assert end_days(valid_to) == days


# The record of the documentation's list, with an address instead of the hidden one.
DOCUMENTED: dict[str, Any] = {
    "id": 923242,
    "uuid": "af5af4f9-9b8d-4d79-b162-0cec4279cae5",
    "admin": False,
    "plan_admin": False,
    "email": "ana@example.org",
    "sessions_limit": 1,
    "only_sees_readable": 1,
    "picture": "https://www.gravatar.com/avatar/98789c9d?s=160&d=mm&r=g",
    "created_at": "2021-05-18T13:28:53.000000Z",
    "updated_at": "2021-05-18T13:28:53.000000Z",
    "deleted_at": None,
    "purchased_issues_with_cancelled_count": 0,
    "user_plans_count": 0,
    "can_be_edited": True,
    "created_at_date_string": "2021-05-18",
    "impersonate": IMPERSONATION,
    "sessions": None,
    "ip_ranges": [],
    "referrers": [],
    "purchased_issues_with_cancelled": [],
    "user_plans": [],
}


def read(**fields: Any) -> CurrentUser:
    return user_from_record({"id": 5, "email": "ana@example.org", **fields})


def test_the_documented_record_in_normal_form() -> None:
    assert normal_form(user_from_record(DOCUMENTED)) == {
        "id": 923242,
        "uuid": "af5af4f9-9b8d-4d79-b162-0cec4279cae5",
        "external_id": None,
        "email": "ana@example.org",
        "active": True,
        "admin": False,
        "plan_admin": False,
        "only_sees_readable": True,
        "sessions_limit": 1,
        "plans": [],
        "created_at": ISO,
        "updated_at": ISO,
        "deactivated_at": None,
        "purchased_issues_with_cancelled_count": 0,
        "user_plans_count": 0,
    }


@pytest.mark.parametrize("name", ["impersonate", "impersonation_url"])
def test_an_impersonation_link_is_left_out(name: str) -> None:
    user = user_from_record({**DOCUMENTED, name: IMPERSONATION})
    assert "impersonate" not in repr(user) + json.dumps(normal_form(user))


@pytest.mark.parametrize("name", RIGHTS)
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((value, True) for value in (True, 1, "1", "true", "TRUE")),
        *((value, False) for value in (False, 0, "0", "false")),
        ("maybe", None),
        ([], None),
    ],
    ids=repr,
)
def test_booleans_in_every_form(name: str, sent: Any, expected: bool | None) -> None:
    assert getattr(read(**{name: sent}), name) is expected
    assert getattr(read(), name) is None


@pytest.mark.parametrize("sent", [None, ""], ids=repr)
def test_an_empty_value_leaves_open_whether_a_user_is_an_admin(sent: Any) -> None:
    rights = [getattr(read(**dict.fromkeys(RIGHTS, sent)), name) for name in RIGHTS]
    assert dict(zip(RIGHTS, rights)) == {
        "admin": None,
        "plan_admin": False,
        "only_sees_readable": False,
    }


@pytest.mark.parametrize(
    ("fields", "special"),
    [
        pytest.param({}, set(), id="ordinary"),
        pytest.param({"ip_ranges": [], "referrers": []}, set(), id="empty lists"),
        pytest.param({"ip_ranges": None, "referrers": "[]"}, set(), id="null and empty JSON"),
        pytest.param({"ip_ranges": [""], "referrers": [None]}, set(), id="empty entries"),
        pytest.param({"ip_ranges": ["10.0.0.0/8"]}, {"institution"}, id="networks"),
        pytest.param({"referrers": '["https://uni.example"]'}, {"institution"}, id="sites as JSON"),
        pytest.param({"referrers": {"0": "uni.example"}}, {"institution"}, id="sites as an object"),
        pytest.param({"anonymized": False, "can_be_edited": True}, set(), id="documented"),
        pytest.param({"anonymized": 1, "can_be_edited": "1"}, {"anonymized"}, id="anonymized"),
        pytest.param({"can_be_edited": 0}, {"not editable"}, id="not editable"),
        pytest.param({"can_be_edited": None}, set(), id="editable is null"),
    ],
)
def test_special_accounts(fields: dict[str, Any], special: set[str]) -> None:
    user = read(**fields)
    found = {
        "institution": user.institution,
        "anonymized": user.anonymized,
        "not editable": not user.editable,
    }
    assert {name for name, is_so in found.items() if is_so} == special


@pytest.mark.parametrize(
    ("deleted_at", "at"),
    [(None, None), ("", None), ("2021-05-18T13:28:53.000000Z", ISO), (MAPPING, ISO)],
    ids=str,
)
def test_deleted_at_decides_whether_a_user_is_active(deleted_at: Any, at: str | None) -> None:
    user = read(deleted_at=deleted_at)
    assert (user.active, user.deactivated_at) == (at is None, at)


@pytest.mark.parametrize(
    ("fields", "external_id", "returned"),
    [
        pytest.param({}, None, False, id="not returned"),
        pytest.param({"external_id": None}, None, True, id="null"),
        pytest.param({"external_id": ""}, None, True, id="empty"),
        pytest.param({"external_id": "E"}, "E", True, id="text"),
        pytest.param({"external_id": 7}, "7", True, id="number"),
    ],
)
def test_external_ids(fields: dict[str, Any], external_id: str | None, returned: bool) -> None:
    user = read(**fields)
    assert (user.external_id, user.returns_external_id) == (external_id, returned)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(None, None), (0, None), ("0", None), (3, 3), ("3", 3), (True, None)],
    ids=repr,
)
def test_a_sessions_limit_of_zero_is_no_limit(sent: Any, expected: int | None) -> None:
    assert read(sessions_limit=sent).sessions_limit == expected
    assert read(sessions_limit=sent).returns_sessions_limit
    assert not read().returns_sessions_limit


GOLD = held_plan(4, "2026-12-31", name="Gold")


def entry(**fields: Any) -> dict[str, Any]:
    return {"user_plans": [{"valid_to": "2026-12-31", **fields}]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"user_plans": []}, (), id="empty list"),
        pytest.param({"user_plans": [], "user_plans_count": 0}, (), id="empty list, count 0"),
        pytest.param({"user_plans_count": 0}, (), id="only count 0"),
        pytest.param({"user_plans_count": "0"}, (), id="only count 0 as text"),
        pytest.param(entry(plan_id=4, name="Gold"), (GOLD,), id="plan_id"),
        pytest.param(entry(plan={"id": 4, "name": "Gold"}), (GOLD,), id="nested"),
        pytest.param(
            entry(id=99, plan_id="4", plan={"id": 4, "name": "Gold"}), (GOLD,), id="both and own id"
        ),
        pytest.param(
            {"user_plans": {"0": entry(plan_id=4, name="Gold")["user_plans"][0]}},
            (GOLD,),
            id="list as an object",
        ),
        pytest.param(entry(plan_id=4, user_plan_name="Gold"), (GOLD,), id="name of the request"),
        pytest.param(
            entry(plan_id=4, valid_to="2026-12-31T02:59:59.000000Z"),
            (held_plan(4, "2026-12-31T02:59:59Z"),),
            id="end as a time",
        ),
        pytest.param(entry(plan_id=4, valid_to=None), (HeldPlan(4),), id="no end"),
        pytest.param(
            entry(plan_id=4, valid_to=None, cancelled_at=ISO),
            (HeldPlan(4, cancelled=True),),
            id="cancelled",
        ),
        *(
            pytest.param(
                {"user_plans": [{"plan_id": 4, **fields}]}, (HeldPlan(4, status=status),), id=name
            )
            for name, fields, status in [
                ("state", {"status": "Dispute-Lost"}, "dispute_lost"),
                ("state of the order", {"order": {"status": "refunded"}}, "refunded"),
                (
                    "only the order has ended",
                    {"status": "active", "order": {"status": "refunded"}},
                    "refunded",
                ),
                ("no state", {"status": None, "order": None}, None),
                ("state that is no name", {"status": {"name": "paid"}}, "unknown"),
            ]
        ),
        pytest.param({}, None, id="neither list nor count"),
        pytest.param({"user_plans": None}, None, id="null"),
        pytest.param({"user_plans_count": 2}, None, id="count without a list"),
        pytest.param({"user_plans": [], "user_plans_count": 2}, None, id="hidden list"),
        pytest.param({"user_plans": [{"name": "Gold"}]}, None, id="entry without a plan"),
        pytest.param({"user_plans": ["Gold"]}, None, id="entry as text"),
    ],
)
def test_plans_in_every_form(fields: dict[str, Any], expected: tuple[HeldPlan, ...] | None) -> None:
    assert read(**fields).plans == expected


def test_counters_are_integers() -> None:
    user = read(acquired_content_count="7", user_plans_count=0, secret_count=8, account="8")
    assert dict(user.counters) == {"acquired_content_count": 7, "user_plans_count": 0}


@pytest.mark.parametrize("name", ["email", "external_id", "uuid"])
@pytest.mark.parametrize("link", [IMPERSONATION, "https://store.example/take/53114"])
def test_a_link_in_the_place_of_a_key_is_left_out(name: str, link: str) -> None:
    user = read(**{name: link, "impersonation_url": link})
    assert "53114" not in repr(user) + json.dumps(normal_form(user))


@pytest.mark.parametrize("user_id", [None, "x", True, 1.5, {}], ids=repr)
def test_a_record_without_an_id_is_an_error(user_id: Any) -> None:
    with pytest.raises(PublicaError) as error:
        read(id=user_id)
    assert error.value.code == "unexpected_answer"


@pytest.mark.parametrize("email", [None, 5])
def test_an_anonymized_user_has_no_address(email: Any) -> None:
    assert read(email=email).email == ""


class TestIndex:
    def test_a_user_is_found_by_every_key(self) -> None:
        user = current_user(5, email="Ana@Example.org")
        index = UserIndex([user])
        assert index.by_id[5] is user
        assert index.by_external_id["ext-5"] is user
        assert index.by_address[address_key(" ANA@example.ORG ")] is user

    def test_a_later_record_replaces_the_keys(self) -> None:
        index = UserIndex([current_user(5)])
        later = current_user(5, email="new@example.org", external_id="new")
        index.add(later)
        assert list(index.by_address.values()) == list(index.by_external_id.values()) == [later]

    def test_a_key_that_has_moved_stays_with_its_new_holder(self) -> None:
        # Read while addresses move: 2 has the address of 1 before the later record of 1 is read.
        index = UserIndex([current_user(1), current_user(2, email="user1@example.org")])
        index.add(current_user(1, email="new@example.org"))
        assert index.by_address["user1@example.org"].id == 2

    def test_the_active_one_of_two_holders_counts(self) -> None:
        active = current_user(1, email="ana@example.org")
        gone = current_user(2, email="ana@example.org", external_id=None, active=False)
        for order in ([active, gone], [gone, active]):
            assert UserIndex(order).by_address["ana@example.org"] is active

    def test_the_address_of_an_anonymized_account_is_no_key(self) -> None:
        assert UserIndex([current_user(5, anonymized=True)]).by_address == {}

    def test_an_empty_address_is_no_key(self) -> None:
        assert UserIndex([current_user(5, email="")]).by_address == {}

    def test_whether_external_ids_are_returned_is_unknown_at_first(self) -> None:
        index = UserIndex()
        assert index.returns_external_id is None
        index.add(current_user(1, external_id=None, returns_external_id=False))
        assert index.returns_external_id is False
        index.add(current_user(2))
        assert index.returns_external_id is True
