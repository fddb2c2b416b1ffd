# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_client import Api

NOT_A_DAY = "The new plan custom valid to does not match the format Y-m-d."


def errors(answer):
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"]


def test_a_user_is_stored_with_what_was_sent(api, store):
    answer = api.create(
        "ada@example.org",
        external_id="x-1",
        new_password="Abcd1234",
        sessions_limit=3,
        admin=True,
        plan_admin=False,
        only_sees_readable=True,
    )
    assert answer.status_code == 200
    user = store.user(email="ada@example.org")
    assert user["external_id"] == "x-1"
    assert user["sessions_limit"] == 3
    assert (user["admin"], user["plan_admin"], user["only_sees_readable"]) == (True, False, True)
    assert (user["active"], user["password_changes"]) == (True, 1)
    assert store.has_password(user["id"], "Abcd1234")
    assert not store.has_password(user["id"], "Abcd1235")
    assert answer.json()["data"]["id"] == user["id"]
    assert answer.json()["data"]["uuid"] == user["uuid"]


def test_the_password_is_nowhere_in_the_file(api, store):
    api.create(new_password="Secret-Word-42")
    raw = b"".join(path.read_bytes() for path in store.database.parent.iterdir())
    assert b"ada@example.org" in raw
    assert b"Secret-Word-42" not in raw


def test_what_is_left_out_has_defaults(api, store):
    api.create()
    user = store.user(email="ada@example.org")
    assert user["sessions_limit"] is None
    assert (user["admin"], user["plan_admin"], user["only_sees_readable"]) == (False, False, False)
    assert (user["password_changes"], user["password_hash"]) == (0, None)


def test_a_plan_is_assigned(api, store):
    user_id = api.create(assign_new_plan=11, new_plan_custom_valid_to="2031-05-06").json()["data"][
        "id"
    ]
    (plan,) = store.plans_of(user_id)
    assert (plan["plan_id"], plan["name"], plan["valid_to"]) == (11, "Campus", "2031-05-06")
    assert plan["cancelled_at"] is None


def test_a_plan_of_some_days_ends_by_itself(api, store):
    assert store.add_plan("Month", id=20, days=30) == 20
    user_id = api.create(assign_new_plan=20).json()["data"]["id"]
    (plan,) = store.plans_of(user_id)
    assert plan["valid_to"] > plan["valid_from"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("external_id", "", "The external id field is required."),
        ("external_id", "x" * 65, "The external id must not be greater than 64 characters."),
        ("external_id", 5, "The external id must be a string."),
        ("email", None, "The email field is required."),
        ("email", "ada", "The email must be a valid email address."),
        ("email", "a" * 250 + "@b.org", "The email must not be greater than 255 characters."),
        ("new_password", "short77", "The new password must be at least 8 characters."),
        ("new_password", "x" * 256, "The new password must not be greater than 255 characters."),
        ("sessions_limit", 0, "The sessions limit must be between 1 and 999999."),
        ("sessions_limit", 1_000_000, "The sessions limit must be between 1 and 999999."),
        ("sessions_limit", "many", "The sessions limit must be an integer."),
        ("sessions_limit", True, "The sessions limit must be an integer."),
        ("assign_new_plan", 99, "The selected assign new plan is invalid."),
        ("assign_new_plan", 10**40, f"The assign new plan must be between 1 and {2**63 - 1}."),
        ("new_plan_custom_valid_to", "31-12-2030", NOT_A_DAY),
        ("new_plan_custom_valid_to", "2030-02-30", NOT_A_DAY),
        ("admin", "yes", "The admin field must be true or false."),
        ("plan_admin", 2, "The plan admin field must be true or false."),
        ("only_sees_readable", [], "The only sees readable field must be true or false."),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_by_its_field(api, store, field, value, message):
    body = {"email": "ada@example.org", field: value}
    assert errors(api.create(**body)) == {field: [message]}
    assert store.users() == []


@pytest.mark.parametrize("limit", [1, 999_999, "7", 5.0, None])
def test_limits_that_are_taken(api, store, limit):
    assert api.create(sessions_limit=limit).status_code == 200
    assert store.user(email="ada@example.org")["sessions_limit"] == (limit and int(limit))


def test_empty_strings_count_as_null_and_space_around_is_dropped(api, store):
    answer = api.create(" ada@example.org ", external_id=" x ", new_plan_custom_valid_to="")
    assert answer.status_code == 200
    assert store.user(email="ada@example.org")["external_id"] == "x"


def test_space_around_a_password_is_kept(api, store):
    user_id = api.create(new_password=" secret 77 ").json()["data"]["id"]
    assert store.has_password(user_id, " secret 77 ")


@pytest.mark.parametrize("active", [True, False])
def test_an_address_is_unique_in_any_case_and_any_state(api, store, active):
    store.add_user("Ada@Example.org", active=active)
    assert errors(api.create("ADA@example.org")) == {"email": ["The email has already been taken."]}


@pytest.mark.parametrize("active", [True, False])
def test_an_external_id_is_unique_in_any_state(api, store, active):
    store.add_user("bob@example.org", external_id="x", active=active)
    assert errors(api.create(external_id="x")) == {
        "external_id": ["The external id has already been taken."]
    }


def test_of_many_creations_at_once_one_gets_the_address(store):
    def create(number):
        api = Api(store.base_url, store.token)
        return api.create("ada@example.org", external_id=f"x-{number}").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(create, range(16)))
    assert statuses == {200: 1, 422: 15}
    assert len(store.users()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"email": NaN}', b'{"email": "\\ud800@b.org"}']
)
def test_a_body_that_is_no_object_counts_as_empty(api, content):
    answer = api.http.post("/integration-api/v1/dashboard/users/", content=content)
    assert set(errors(answer)) == {"email", "external_id"}
