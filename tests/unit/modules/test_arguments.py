# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the modules read their arguments: null, numbers, and values of a wrong type."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.tests.unit.support.modules import (
    ANA,
    ARGUMENTS,
    SECRET,
    ModuleRunner,
)
from ansible_collections.publica.la.tests.unit.support.store import FakeStore, StoredUser

# The options that no test can leave out.
NEEDED = {"base_url", "api_token", "dir", "name", "users", "email", "external_id"}


@pytest.fixture
def store() -> FakeStore:
    store = FakeStore(StoredUser(1, "ana@example.org", "A"))
    store.plans = [{"id": 11, "name": "Campus"}]
    return store


def as_one_and_as_row(
    run: ModuleRunner, store: FakeStore, options: dict[str, Any]
) -> list[dict[str, Any]]:
    """The results of both modules for one user."""
    one = run("publica_user", store, **options)
    many = run("publica_user_bulk", store, users=[options])
    assert SECRET not in one.everything + many.everything
    return [one.result, many.result]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_null_is_left_out(run: ModuleRunner, store: FakeStore, name: str) -> None:
    needed = {option: value for option, value in ARGUMENTS[name].items() if option in NEEDED}
    expected = run(name, store, check=True, **needed).result
    others = set(expected["invocation"]["module_args"]) - NEEDED
    found = run(name, store, check=True, **needed, **dict.fromkeys(others)).result
    assert "failed" not in found
    assert found == expected


def test_null_in_a_row_and_in_the_defaults_is_left_out(run: ModuleRunner, store: FakeStore) -> None:
    row = {**ANA, "state": None, "sessions_limit": None, "admin": None}
    defaults = {"state": None, "sessions_limit": 3, "plan_id": None}
    run("publica_user_bulk", store, users=[row], defaults=defaults)
    assert store.users[1].sessions_limit == 3
    assert len(store.writes) == 1


def test_a_key_that_is_null_is_no_key(run: ModuleRunner, store: FakeStore) -> None:
    assert (
        "one of the following is required" in run("publica_user", store, email=None).result["msg"]
    )
    result = run("publica_user_logout", store, email="ana@example.org", id=None).result
    assert result["changed"] is True


@pytest.mark.parametrize("options", [{"concurrency": "many"}, {"lookup": "x"}, {"colour": 1}])
def test_what_ansible_refuses_has_the_documented_keys(
    run: ModuleRunner, store: FakeStore, options: dict[str, Any]
) -> None:
    result = run("publica_user_bulk", store, users=[ANA], **options).result
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["failure"]["code"] == "invalid_input"
    assert result["failure"]["message"] == result["msg"]
    assert result["api"]["requests"] == 0


@pytest.mark.parametrize("value", [5, "5", " 5 ", "5.0", 5.0], ids=repr)
def test_numbers_and_booleans_follow_one_rule(
    run: ModuleRunner, store: FakeStore, value: Any
) -> None:
    options = {**ANA, "id": "1", "sessions_limit": value, "admin": "VERDADERO", "plan_id": "12.0"}
    one, many = as_one_and_as_row(run, store, options)
    assert one["changed"] is True
    assert (store.users[1].sessions_limit, store.users[1].admin) == (5, True)
    assert (many["changed"], many["summary"]["unchanged"]) == (False, 1)


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("email", {"password": SECRET}, "must be text, not a mapping"),
        ("email", [SECRET], "must be text, not a list"),
        ("external_id", [SECRET], "must be text, not a list"),
        ("external_id", True, "must be text, not a boolean; put it in quotes"),
        ("external_id", 1.1, "how it was written is not known; put it in quotes"),
        ("password", 12345678, "how it was written is not known; put it in quotes"),
        ("password", {"password": SECRET}, "must be text, not a mapping"),
        ("new_password", [SECRET], "must be text, not a list"),
        ("state", {"password": SECRET}, "a mapping is not valid; use one of"),
        ("id", {"password": SECRET}, "a mapping is not a whole number"),
        ("sessions_limit", [SECRET], "a list is not a whole number"),
        ("admin", {"password": SECRET}, "a mapping is not a boolean"),
        ("plan_valid_to", {"password": SECRET}, "must be text, not a mapping"),
        ("plan_valid_to", "1970-01-01", "is before the year 2000"),
        ("email", "an\u3164a@example.org", "contains U+3164 (HANGUL FILLER)"),
        ("external_id", "#N/A", "'#N/A' is an error value of a spreadsheet"),
    ],
)
def test_a_value_is_refused_alike_for_one_user_and_for_many(
    run: ModuleRunner, store: FakeStore, option: str, value: Any, part: str
) -> None:
    one, many = as_one_and_as_row(run, store, {"id": 1, "plan_id": 12, option: value})
    [text] = one["failure"]["fields"][option]
    assert part in text
    assert many["failure"]["fields"] == {f"users[0].{option}": [text]}
    assert "12345678" not in str([one, many])
    assert store.calls == []


def test_an_option_under_two_names_is_refused_alike(run: ModuleRunner, store: FakeStore) -> None:
    one, many = as_one_and_as_row(run, store, {**ANA, "plan_id": 12, "assign_new_plan": 13})
    text = "given twice, also as assign_new_plan; keep one"
    assert one["failure"]["fields"] == {"plan_id": [text]}
    assert many["failure"]["fields"] == {"users[0].plan_id": [text]}
    # Either name alone is enough.
    assert run("publica_user", store, **ANA, assign_new_plan=12).result["actions"] == [
        "assign_plan"
    ]


def test_a_row_that_is_no_mapping_has_its_index(run: ModuleRunner, store: FakeStore) -> None:
    result = run("publica_user_bulk", store, users=[ANA, None, "ben@example.org"]).result
    assert result["failure"]["fields"] == {
        "users[1]": ["is null, so it describes no user; remove the row, or give its options"],
        "users[2]": ["must be a mapping of options to values, not text"],
    }


def test_a_password_in_a_wrong_place_is_not_printed(run: ModuleRunner, store: FakeStore) -> None:
    slip = {"email": {"password": SECRET}}
    arguments: list[dict[str, Any]] = [
        {"users": [slip]},
        {"users": slip},
        {"users": [ANA], "defaults": slip},
        {"users": [ANA], "protected": [slip]},
        *({"users": [ANA], name: slip} for name in ("lookup", "approve", "exclusive", "timeout")),
        {"users": [ANA], "max_deactivations": [SECRET]},
        {"users": [ANA], "src": [SECRET]},
    ]
    for one in arguments:
        ran = run("publica_user_bulk", store, **one)
        assert ran.result["failed"] is True
        assert SECRET not in ran.everything


def test_a_structure_in_the_place_of_a_value_is_refused(
    run: ModuleRunner, store: FakeStore
) -> None:
    options = {"lookup": {"password": SECRET}, "timeout": [SECRET], "concurrency": 3}
    result = run("publica_user_bulk", store, users=[ANA], **options).result
    assert result["failure"]["fields"] == {
        "lookup": ["must be a single value, not a mapping"],
        "timeout": ["must be a single value, not a list"],
    }
    assert (result["changed"], result["api"]["requests"], store.calls) == (False, 0, [])


def test_a_fraction_is_no_key_to_search(run: ModuleRunner, store: FakeStore) -> None:
    result = run("publica_user_info", store, external_id=1.1).result
    assert "put it in quotes" in result["failure"]["fields"]["external_id"][0]
    assert run("publica_user_info", store, external_id=7).result["count"] == 0
    assert run("publica_user_info", store, id="1").result["count"] == 1
    named = run("publica_plan_info", store, name=1.1, query=2.5, id="0").result
    assert list(named["failure"]["fields"]) == ["id", "name", "query"]
    slip = run("publica_user_info", store, id={"password": SECRET})
    assert list(slip.result["failure"]["fields"]) == ["id"]
    assert SECRET not in slip.everything
