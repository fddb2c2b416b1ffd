# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules from arguments to result: what each returns and how it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils import module as module_py
from ansible_collections.publica.la.tests.unit.support.builders import TOKEN
from ansible_collections.publica.la.tests.unit.support.modules import (
    ANA,
    ARGUMENTS,
    EXPORT,
    ModuleRunner,
)
from ansible_collections.publica.la.tests.unit.support.store import FakeStore, Reply, StoredUser

EVERY = pytest.mark.parametrize("name", ARGUMENTS)
KEYS = {
    "publica_export": {"files", "summary", "whole", "notes", "diff"},
    "publica_plan_info": {"plans", "count"},
    "publica_store_info": {
        *("store", "census", "requests_a_minute", "requests_to_list", "unknown"),
    },
    "publica_user": {"user", "actions", "diff"},
    "publica_user_bulk": {
        "msg",
        "summary",
        "results",
        "failed_users",
        "last_applied",
        "guard",
        "kept",
        "seats",
        "plan",
        "diff",
    },
    "publica_user_info": {"users", "count"},
    "publica_user_logout": {"actions"},
}


CAMPUS, CARD = {"id": 11, "name": "Campus"}, {"id": 12, "name": "Library  Card"}


@pytest.fixture
def store() -> FakeStore:
    store = FakeStore(
        StoredUser(1, "ana@example.org", "A"),
        StoredUser(2, "ben@example.org", "B", deactivated=True),
    )
    store.plans = [CAMPUS, CARD]
    return store


@EVERY
@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
def test_the_keys_of_a_result(run: ModuleRunner, store: FakeStore, name: str, check: bool) -> None:
    result = run(name, store, check=check, **ARGUMENTS[name]).result
    assert set(result) - {"warnings"} == {"changed", "api", "invocation", *KEYS[name]}
    assert result["changed"] is not name.endswith("_info")
    assert result["api"] == {
        "requests": len(store.calls),
        "retries": 0,
        "waited_seconds": 0.0,
    }
    writes = result["changed"] and name != "publica_export" and not check
    assert bool(store.writes) is writes


@EVERY
def test_a_failure_has_its_structure(run: ModuleRunner, store: FakeStore, name: str) -> None:
    store.answer_instead("GET", Reply(401, {"message": "Unauthenticated."}))
    result = run(name, store, **ARGUMENTS[name]).result
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["msg"] == result["failure"]["message"]
    assert result["failure"] == {
        "code": "unauthenticated",
        "message": result["msg"],
        "method": "GET",
        "path": f"/integration-api/v1/dashboard/{'plans' if 'plan' in name else 'users'}",
        "status": 401,
        "fields": {},
    }
    assert result["api"]["requests"] == 1


@EVERY
def test_an_invalid_connection_is_an_error_before_the_first_request(
    run: ModuleRunner, store: FakeStore, name: str
) -> None:
    bad: dict[str, Any] = {"base_url": "http://store.example", "max_retries": -1}
    result = run(name, store, **ARGUMENTS[name], **bad).result
    assert set(result["failure"]["fields"]) == {"base_url", "max_retries"}
    assert store.calls == []


@EVERY
def test_the_environment_can_provide_the_connection(
    run: ModuleRunner, store: FakeStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLICA_BASE_URL", "https://other.example")
    monkeypatch.setenv("PUBLICA_API_TOKEN", "from-the-environment")
    ran = run(name, store, **ARGUMENTS[name], base_url=None, api_token=None)
    assert "failure" not in ran.result
    assert store.headers_seen[0]["X-User-Token"] == "from-the-environment"
    assert "from-the-environment" not in ran.everything


def test_unchecked_certificates_cause_a_warning(run: ModuleRunner, store: FakeStore) -> None:
    ran = run("publica_user_info", store, validate_certs=False)
    [warning] = ran.result["warnings"]
    assert "validate_certs is false" in str(warning)


def test_a_missing_library_is_named(
    run: ModuleRunner, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_py, "IMPORT_ERROR", ImportError("No module named 'requests'"))
    result = run("publica_user_info", store).result
    assert result["failed"] is True
    assert "requests" in result["msg"]


def test_the_session_is_closed_in_every_case(
    run: ModuleRunner, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(store, "close", lambda: closed.append(True))
    run("publica_user", store, **ANA)
    run("publica_user", store, email="not an address")
    store.answer_instead("GET", Reply(403))
    run("publica_user", store, **ANA)
    assert closed == [True] * 3


class TestUser:
    def test_a_warning_is_passed_on(self, run: ModuleRunner, store: FakeStore) -> None:
        result = run("publica_user", store, email="ben@example.org", external_id="B").result
        assert "state: active" in str(result["warnings"])

    @pytest.mark.parametrize("lookup", ["auto", "list", "search"])
    def test_every_lookup_finds_the_user(
        self, run: ModuleRunner, store: FakeStore, lookup: str
    ) -> None:
        result = run("publica_user", store, **ANA, lookup=lookup).result
        assert (result["changed"], result["user"]["id"]) == (False, 1)


class TestBulk:
    def test_invalid_rows_are_errors_before_the_first_request(
        self, run: ModuleRunner, store: FakeStore
    ) -> None:
        result = run("publica_user_bulk", store, users=[ANA, {"email": "x"}, {"plan_id": 0}]).result
        assert set(result["failure"]["fields"]) == {
            "users[1].email",
            "users[2].email",
            "users[2].plan_id",
        }
        assert store.calls == []

    def test_values_that_only_the_store_can_have_are_matched_and_escaped(
        self, run: ModuleRunner
    ) -> None:
        hidden, at_store = "o\u200bzoe@example.org", "staff\u202e-7"
        store = FakeStore(StoredUser(1, hidden, "Z"), StoredUser(2, "ben@example.org", at_store))
        zoe = {"external_id": "Z", "email": "zoe@example.org"}
        ben = {"email": "ben@example.org", "admin": True}
        result = run("publica_user_bulk", store, users=[zoe, ben]).result
        assert [item["actions"] for item in result["results"]] == [["update"], ["update"]]
        assert store.users[1].email == "zoe@example.org"
        assert store.users[2].external_id == at_store
        assert hidden not in str(result["diff"])
        assert result["diff"][0]["before"] == {"email": "o\\u200bzoe@example.org"}
        found = run("publica_user_info", store, external_id=at_store).result["users"]
        assert [user["id"] for user in found] == [2]

    def test_users_can_be_counted_without_a_request(
        self, run: ModuleRunner, store: FakeStore
    ) -> None:
        lists = {"press": [ANA], "library": [{"email": "ben@example.org"}]}
        result = run("publica_user_bulk", store, user_lists=lists, validate_only=True).result
        assert result["summary"] == {"desired": 2}
        assert result["changed"] is False
        bad = run("publica_user_bulk", store, users=[{"email": "x"}], validate_only=True).result
        assert bad["failure"]["code"] == "invalid_input"
        assert store.calls == []

    def test_neither_a_list_nor_a_file_is_refused(
        self, run: ModuleRunner, store: FakeStore
    ) -> None:
        result = run("publica_user_bulk", store).result
        assert result["failed"] is True
        assert "users, user_lists, src" in result["msg"]
        assert store.calls == []

    def test_a_file_can_be_the_only_input(
        self, run: ModuleRunner, store: FakeStore, tmp_path: Path
    ) -> None:
        path = tmp_path / "seats.csv"
        path.write_text("Mail,External ID\nana@example.org,A\n", encoding="utf-8")
        ran = run("publica_user_bulk", store, src=str(path), src_columns={"Mail": "email"})
        assert ran.result["summary"]["unchanged"] == 1
        assert ran.result["invocation"]["module_args"]["src"] == str(path)

    @pytest.mark.parametrize("concurrency", [0, 1000])
    def test_workers_have_bounds(
        self, run: ModuleRunner, store: FakeStore, concurrency: int
    ) -> None:
        result = run("publica_user_bulk", store, users=[ANA], concurrency=concurrency).result
        assert list(result["failure"]["fields"]) == ["concurrency"]
        assert store.calls == []

    def test_the_plan_has_the_minutes_at_the_rate_limit(
        self, run: ModuleRunner, store: FakeStore
    ) -> None:
        page = {"CODE": "success", "data": {"paginator": {"data": [], "last_page": 1}}}
        limit = {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1"}
        store.answer_instead("GET", Reply(200, page, limit))
        rows = [{"email": f"new{n}@example.org", "external_id": f"n{n}"} for n in range(5)]
        result = run("publica_user_bulk", store, check=True, users=rows, lookup="list").result
        assert result["plan"]["requests"] == 5
        assert result["plan"]["minutes"] == 2


class TestInfo:
    def test_an_unknown_address_is_an_empty_list(self, run: ModuleRunner, store: FakeStore) -> None:
        result = run("publica_user_info", store, email="unknown@example.org").result
        assert (result["users"], result["count"], result["changed"]) == ([], 0, False)

    def test_a_query_excludes_the_keys(self, run: ModuleRunner, store: FakeStore) -> None:
        result = run("publica_user_info", store, email="ana@example.org", query="ana").result
        assert result["failed"] is True
        assert store.calls == []


class TestPlanInfo:
    @pytest.mark.parametrize(
        ("options", "ids"),
        [
            ({}, [11, 12]),
            ({"id": "12"}, [12]),
            ({"id": 13}, []),
            ({"name": "library card"}, [12]),
            ({"name": "library"}, []),
            ({"query": "CARD"}, [12]),
            ({"query": "a", "id": 11}, [11]),
            ({"query": "card", "id": 11}, []),
        ],
    )
    @pytest.mark.parametrize("ignores_query", [False, True])
    def test_a_plan_matches_all_options(
        self,
        run: ModuleRunner,
        store: FakeStore,
        options: dict[str, Any],
        ids: list[int],
        ignores_query: bool,
    ) -> None:
        store.variants = replace(store.variants, ignores_plan_query=ignores_query)
        result = run("publica_plan_info", store, **options).result
        assert [plan["id"] for plan in result["plans"]] == ids
        assert result["count"] == len(ids)
        assert store.calls[0].query.get("query") == options.get("query")

    def test_a_search_that_finds_nothing_is_checked_by_the_complete_list(
        self, run: ModuleRunner, store: FakeStore
    ) -> None:
        store.answer_instead("GET", Reply(404, {"message": ""}))
        result = run("publica_plan_info", store, query="card").result
        assert [plan["id"] for plan in result["plans"]] == [12]
        assert [call.query.get("query") for call in store.calls[:2]] == ["card", None]

    @pytest.mark.parametrize("option", ["name", "query", "id"])
    def test_an_empty_option_is_an_error(
        self, run: ModuleRunner, store: FakeStore, option: str
    ) -> None:
        result = run("publica_plan_info", store, **{option: " "}).result
        assert "is empty" in result["failure"]["fields"][option][0]
        assert store.calls == []

    @pytest.mark.parametrize("options", [{}, {"query": "card"}, {"name": "Campus"}], ids=str)
    def test_a_store_that_lists_no_plans_is_an_error(
        self, run: ModuleRunner, store: FakeStore, options: dict[str, Any]
    ) -> None:
        store.plans = None
        result = run("publica_plan_info", store, **options).result
        assert result["failure"]["code"] == "no_plan_list"
        assert "plans" not in result


class TestExport:
    def test_a_second_export_changes_nothing(
        self, run: ModuleRunner, store: FakeStore, exports: Path
    ) -> None:
        first = run("publica_export", store, **EXPORT).result
        second = run("publica_export", store, **EXPORT).result
        assert (first["changed"], second["changed"]) == (True, False)
        assert [file["path"] for file in first["files"]] == [
            str(exports / "press.yml"),
            str(exports / "press.csv"),
        ]
        assert first["summary"]["exported"] == 2

    def test_a_value_that_contains_the_token_is_not_written(
        self, run: ModuleRunner, store: FakeStore, exports: Path
    ) -> None:
        store.users[1].external_id = f"x{TOKEN}"
        ran = run("publica_export", store, **EXPORT)
        assert ran.result["failure"]["code"] == "unexpected_answer"
        assert list(exports.iterdir()) == []
        assert TOKEN not in ran.everything


def test_a_logout_takes_exactly_one_key(run: ModuleRunner, store: FakeStore) -> None:
    keys_of_both: dict[str, Any] = {"id": 1, "email": "ana@example.org"}
    for keys in ({}, keys_of_both):
        assert run("publica_user_logout", store, **keys).result["failed"] is True
    assert store.calls == []


def test_a_value_that_is_the_token_is_masked(run: ModuleRunner, store: FakeStore) -> None:
    # Ansible masks the values of its no_log options in every result.
    store.users[1].external_id = TOKEN
    assert TOKEN not in run("publica_user_info", store, id=1).everything
