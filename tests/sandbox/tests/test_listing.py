# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from api_client import USERS


def test_a_record_has_all_documented_fields(api, store):
    store.add_user("ada@example.org", external_id="x", plans=[{"plan_id": 11}])
    (record,) = api.records()
    assert set(record) == {
        "id", "uuid", "admin", "plan_admin", "email", "sessions_limit", "only_sees_readable",
        "picture", "created_at", "updated_at", "deleted_at", "user_plans_count", "can_be_edited",
        "purchased_issues_with_cancelled_count", "created_at_date_string", "impersonate",
        "sessions", "ip_ranges", "referrers", "purchased_issues_with_cancelled", "user_plans",
        "external_id", "role", "exhibition_mode", "acquired_content_count", "anonymized",
        "impersonation_url",
    }  # fmt: skip
    assert record["user_plans_count"] == 1


def test_the_impersonation_link_is_a_secret_that_a_leak_test_can_find(api, store):
    user = store.add_user("ada@example.org")
    (record,) = api.records()
    assert user["impersonation_secret"] in record["impersonate"]
    assert len(user["impersonation_secret"]) == 32


def test_pages_cover_every_user_once(api, store):
    store.generate_users(25)
    pages = [api.emails(page=page, per_page=10) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert len({email for page in pages for email in page}) == 25


def test_nonsense_in_the_query_string_counts_as_not_given(api, store):
    store.generate_users(16)
    for word in ("0", "-1", "x", "", "1e9", "9" * 30):
        assert len(api.records(page=word, per_page=word)) == 15


def test_a_page_far_behind_the_end_is_empty(api, store):
    store.generate_users(1)
    assert api.records(page=10**17) == []


def test_a_search_finds_part_of_an_address_in_any_case(api, store):
    for name in ("ada", "adam", "bob"):
        store.add_user(f"{name}@example.org")
    assert api.emails(query="ADA@Example.org") == ["ada@example.org"]
    assert set(api.emails(query="ada")) == {"ada@example.org", "adam@example.org"}
    assert api.emails(query="a_a") == []


def test_the_words_for_deactivated_users_and_admins(api, store):
    store.add_user("ada@example.org", admin=True)
    store.add_user("bob@example.org", active=False)
    store.add_user("eve@example.org")
    assert api.emails(query="deactivated") == ["bob@example.org"]
    assert api.emails(query="admins") == ["ada@example.org"]
    assert api.http.get(f"{USERS}/?query=admins").status_code == 200


def test_many_users_are_listed_and_searched_quickly(api, store):
    store.generate_users(20_000, deactivated=100)
    assert len(store.users(active=False)) == 100
    assert len(api.records(page=150, per_page=100)) == 100
    assert len(api.records(query=store.user(id=777)["email"])) == 1
