# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints with the default switches."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_client import SESSIONS, USERS, Api

NOT_A_DAY = "The new plan custom valid to does not match the format Y-m-d."


def errors(answer):
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"]


def test_create_stores_the_sent_values(api, store):
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


def test_create_uses_defaults_for_missing_fields(api, store):
    api.create()
    user = store.user(email="ada@example.org")
    assert user["sessions_limit"] is None
    assert (user["admin"], user["plan_admin"], user["only_sees_readable"]) == (False, False, False)
    assert (user["password_changes"], user["password_hash"]) == (0, None)


def test_password_is_not_in_the_file(api, store):
    api.create(new_password="Secret-Word-42")
    raw = b"".join(path.read_bytes() for path in store.database.parent.iterdir())
    assert b"ada@example.org" in raw
    assert b"Secret-Word-42" not in raw


def test_create_assigns_a_plan(api, store):
    assert store.add_plan("Month", id=20, duration_months=1) == 20
    with_day = api.create(assign_new_plan=11, new_plan_custom_valid_to="2031-05-06")
    (plan,) = store.plans_of(with_day.json()["data"]["id"])
    assert (plan["plan_id"], plan["name"], plan["valid_to"]) == (11, "Campus", "2031-05-06")
    assert plan["cancelled_at"] is None
    without_day = api.create("bob@example.org", assign_new_plan=20)
    (plan,) = store.plans_of(without_day.json()["data"]["id"])
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
def test_create_refuses_invalid_fields(api, store, field, value, message):
    body = {"email": "ada@example.org", field: value}
    assert errors(api.create(**body)) == {field: [message]}
    assert store.users() == []


@pytest.mark.parametrize("limit", [1, 999_999, "7", 5.0, None])
def test_create_accepts_limits(api, store, limit):
    assert api.create(sessions_limit=limit).status_code == 200
    assert store.user(email="ada@example.org")["sessions_limit"] == (limit and int(limit))


def test_empty_strings_are_null_and_white_space_is_removed_except_in_passwords(api, store):
    answer = api.create(
        " ada@example.org ",
        external_id=" x ",
        new_plan_custom_valid_to="",
        new_password=" secret 77 ",
    )
    assert answer.status_code == 200
    user = store.user(email="ada@example.org")
    assert user["external_id"] == "x"
    assert store.has_password(user["id"], " secret 77 ")


@pytest.mark.parametrize("active", [True, False])
def test_address_and_external_id_are_unique(api, store, active):
    store.add_user("Ada@Example.org", external_id="x", active=active)
    assert errors(api.create("ADA@example.org")) == {"email": ["The email has already been taken."]}
    assert errors(api.create("bob@example.org", external_id="x")) == {
        "external_id": ["The external id has already been taken."]
    }


def test_one_of_many_concurrent_creations_gets_the_address(store):
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
def test_a_body_that_is_not_an_object_is_empty(api, content):
    answer = api.http.post(f"{USERS}/", content=content)
    assert set(errors(answer)) == {"email", "external_id"}


def test_update_changes_a_user(api, store):
    user = store.add_user("ada@example.org", external_id="x")
    answer = api.update(user, email="eve@example.org", external_id="y", admin=1, sessions_limit=2)
    assert (answer.status_code, answer.content) == (204, b"")
    changed = store.user(id=user["id"])
    assert (changed["email"], changed["external_id"]) == ("eve@example.org", "y")
    assert (changed["admin"], changed["sessions_limit"]) == (True, 2)
    assert changed["password_changes"] == 0


def test_update_requires_three_fields(api, store):
    user = store.add_user("ada@example.org")
    answer = api.http.put(f"{USERS}/{user['id']}", json={})
    assert set(errors(answer)) == {"email", "external_id", "only_sees_readable"}


def test_update_sets_and_counts_a_password(api, store):
    user = store.add_user("ada@example.org", password="the-old-one")
    api.update(user, new_password="the-new-one")
    assert store.has_password(user["id"], "the-new-one")
    assert store.user(id=user["id"])["password_changes"] == 2


def test_update_accepts_the_users_own_address_and_refuses_another_users(api, store):
    ada, bob = store.add_user("ada@example.org"), store.add_user("bob@example.org")
    assert api.update(ada, email="ADA@example.org").status_code == 204
    answer = api.update(bob, email="ada@example.org", external_id=ada["external_id"])
    assert set(errors(answer)) == {"email", "external_id"}


def test_update_without_a_difference_changes_nothing(api, store):
    user = store.add_user("ada@example.org", sessions_limit=1)
    assert api.update(user, sessions_limit=1).status_code == 204
    assert store.user(id=user["id"]) == user
    assert [entry["changed"] for entry in store.journal(writes=True)] == [False]


def test_pages_contain_each_user_once(api, store):
    store.generate_users(25)
    pages = [api.emails(page=page, per_page=10) for page in (1, 2, 3, 4, 10**17)]
    assert [len(page) for page in pages] == [10, 10, 5, 0, 0]
    assert len({email for page in pages for email in page}) == 25


def test_invalid_page_numbers_count_as_not_given(api, store):
    store.generate_users(16)
    for text in ("0", "-1", "x", "", "1e9", "9" * 30):
        assert len(api.records(page=text, per_page=text)) == 15


def test_search_finds_part_of_an_address_in_any_case(api, store):
    for name in ("ada", "adam", "bob"):
        store.add_user(f"{name}@example.org")
    assert api.emails(query="ADA@Example.org") == ["ada@example.org"]
    assert set(api.emails(query="ada")) == {"ada@example.org", "adam@example.org"}
    assert api.emails(query="a_a") == []


def test_a_large_store_can_be_listed_and_searched(api, store):
    store.generate_users(20_000, deactivated=100)
    assert len(store.users(active=False)) == 100
    assert len(api.records(page=150, per_page=100)) == 100
    assert len(api.records(query=store.user(id=777)["email"])) == 1


def test_deactivate_and_reactivate(api, store):
    user = store.add_user("ada@example.org")
    answer = api.deactivate(user["id"])
    assert (answer.status_code, answer.json()) == (200, {"CODE": "success", "data": []})
    assert store.user(id=user["id"])["active"] is False
    answer = api.reactivate(user["id"])
    assert (answer.status_code, answer.json()) == (200, {"CODE": "success", "data": 1})
    assert store.user(id=user["id"])["active"] is True


def test_force_logout_prefers_the_id_to_an_equal_external_id(api, store):
    ada = store.add_user("ada@example.org")
    bob = store.add_user("bob@example.org", external_id=str(ada["id"]))
    api.force_logout(ada["id"])
    assert store.user(id=ada["id"])["forced_logouts"] == 1
    assert store.user(id=bob["id"])["forced_logouts"] == 0


@pytest.mark.parametrize("identifier", ["5", "abc", "9" * 40, "٣"])
@pytest.mark.parametrize(
    "call", ["deactivate", "reactivate", "force_logout", "end_sessions", "update"]
)
def test_unknown_user(api, call, identifier):
    user = {"id": identifier, "email": "ada@example.org", "external_id": "x"}
    answer = getattr(api, call)(user if call == "update" else identifier)
    message = f"No query results for model [App\\Models\\User] {identifier}"
    assert (answer.status_code, answer.json()) == (404, {"message": message})


def test_pages_of_plans(api, store):
    store.add_plan("Press", type="prepaid", duration_months=6, private=True, concurrency_limit=3)
    store.configure(paginator="full")
    first, second = (
        api.plans(per_page=3, page=page).json()["data"]["paginator"] for page in (1, 2)
    )
    assert (first["last_page"], first["total"], len(second["data"])) == (2, 4, 1)
    assert first["data"][0] == {
        "id": 14,
        "name": "Press",
        "type": "prepaid",
        "duration": 6,
        "private": True,
        "concurrency_limit": 3,
    }
    assert [plan["name"] for plan in second["data"]] == ["Campus"]
    found = api.plans(query="LIBRARY").json()["data"]["paginator"]["data"]
    assert [plan["id"] for plan in found] == [12]


def test_an_empty_page_of_plans_is_like_one_of_users(api, store):
    store.configure(empty_result="not_found")
    answer = api.plans(query="missing")
    message = "No query results for model [App\\Models\\Plan]."
    assert (answer.status_code, answer.json()) == (404, {"message": message})


def test_open_sessions(api, store):
    ada = store.add_user("ada@example.org", external_id="x", open_sessions=2)
    store.add_user("bob@example.org", open_sessions=1)
    store.add_user("eve@example.org")

    def page(**parameters):
        answer = api.http.get(SESSIONS, params=parameters).json()
        return [session["user_email"] for session in answer["data"]], answer["pagination"]

    assert page()[0] == ["ada@example.org", "ada@example.org", "bob@example.org"]
    assert len(page(user_id=ada["id"])[0]) == len(page(external_id="x")[0]) == 2
    first, pagination = page(per_page=2)
    assert (len(first), pagination["has_more"]) == (2, True)
    assert page(per_page=2, cursor=pagination["next_cursor"]) == (
        ["bob@example.org"],
        {"per_page": 2, "next_cursor": None, "has_more": False},
    )


def test_unknown_path(api):
    answer = api.http.get("/integration-api/v1/dashboard/readers")
    assert (answer.status_code, answer.json()) == (404, {"message": ""})


def test_method_not_allowed(api):
    answer = api.http.patch(f"{USERS}/5")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, PUT"
    assert answer.json()["message"].startswith("The PATCH method is not supported")


def test_options_and_head(api, store):
    assert api.http.options(USERS).headers["Allow"] == "GET,HEAD,POST"
    store.add_user("ada@example.org")
    answer = api.http.head(USERS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100
