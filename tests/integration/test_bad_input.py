# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input that cannot be right: one clear text with the remedy each, and no request."""

from __future__ import annotations

from typing import Any

from publica_sandbox.testing import SandboxStore

from support.failures import BadCase, assert_clear
from support.playbook_runner import PlaybookRunner

KEYS = {"email": "ana@example.org", "external_id": "staff-1"}


def _of_one(
    name: str, options: dict[str, Any], *says: str, code: str | None = "invalid_input"
) -> BadCase:
    return BadCase(name, "publica_user", options, says, code)


ONE_USER = [
    _of_one("no identity", {}, "email", "external_id", "id", code=None),
    _of_one(
        "malformed address",
        {"email": "ana at example.org"},
        "not a valid email",
        "name@example.org",
    ),
    _of_one(
        "external id too long", {**KEYS, "external_id": "x" * 65}, "external_id", "65", "at most 64"
    ),
    _of_one("password too short", {**KEYS, "password": "seven77"}, "password", "8 to 255"),
    _of_one("limit too high", {**KEYS, "sessions_limit": 1000000}, "sessions_limit", "0 to 999999"),
    _of_one(
        "no such day",
        {**KEYS, "plan_id": 12, "plan_valid_to": "2031-02-30"},
        "plan_valid_to",
        "2031-02-30",
        "YYYY-MM-DD",
    ),
    _of_one(
        "an end without a plan", {**KEYS, "plan_valid_to": "2031-12-31"}, "plan_valid_to", "plan_id"
    ),
    _of_one("id zero", {"id": 0}, "id", "1 or more"),
    _of_one("no such state", {**KEYS, "state": "gone"}, "state", "present", "absent", code=None),
    _of_one("misspelt option", {**KEYS, "sesions_limit": 2}, "sesions_limit", code=None),
    _of_one(
        "retries out of bounds", {**KEYS, "max_retries": 101}, "max_retries", "0 to 100", "101"
    ),
    _of_one("share out of bounds", {**KEYS, "rate_limit_share": 0}, "rate_limit_share", "1 to 100"),
    _of_one("no time at all", {**KEYS, "timeout": 0}, "timeout", "more than 0"),
    _of_one(
        "no certificates there",
        {**KEYS, "ca_path": "/nowhere/authorities.pem"},
        "ca_path",
        "/nowhere/authorities.pem",
    ),
    BadCase(
        "two keys to log out",
        "publica_user_logout",
        {"email": "ana@example.org", "id": 1},
        ["mutually exclusive"],
        code=None,
    ),
    BadCase("nobody to log out", "publica_user_logout", {}, ["email", "external_id"], code=None),
    BadCase(
        "a query beside an address",
        "publica_user_info",
        {"query": "ana", "email": "ana@example.org"},
        ["mutually exclusive"],
        code=None,
    ),
]

BAD_ROWS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nobody": ({"state": "absent"}, ["users[0].email: missing", "external_id or id"]),
    "address": ({"email": "ana@"}, ["users[1].email: 'ana@' is not a valid email address"]),
    "external id": (
        {"email": "b@example.org", "external_id": "x" * 65},
        ["users[2]", "at most 64"],
    ),
    "password": ({"email": "c@example.org", "password": "short"}, ["users[3]", "8 to 255"]),
    "limit": ({"email": "d@example.org", "sessions_limit": 1000000}, ["users[4]", "999999"]),
    "date": (
        {"email": "e@example.org", "plan_id": 1, "plan_valid_to": "31.12.2031"},
        ["users[5]", "YYYY-MM-DD"],
    ),
    "misspelt": (
        {"email": "f@example.org", "sesions_limit": 1},
        ["users[6]", "sesions_limit", "sessions_limit"],
    ),
    "twice": ({"email": "D@example.org"}, ["users[7].email: the same email as in users[4]"]),
    "right": ({"email": "g@example.org", "admin": "perhaps"}, ["users[8]", "true or false"]),
    "plan": ({"email": "h@example.org", "user_plan_name": "Staff"}, ["users[9]", "give plan_id"]),
}


def _of_many(name: str, options: dict[str, Any], *says: str) -> BadCase:
    return BadCase(name, "publica_user_bulk", options, says)


MANY_USERS = [
    BadCase(
        "every bad row at once",
        "publica_user_bulk",
        {"users": [row for row, _ in BAD_ROWS.values()]},
        [
            "10 validation errors. No request was sent.\n",
            *(part for _, says in BAD_ROWS.values() for part in says),
        ],
        fields=["users[1].email", "users[6].sesions_limit", "users[7].email"],
    ),
    _of_many(
        "a key as a default", {"users": [KEYS], "defaults": {"id": 5}}, "defaults", "one user"
    ),
    _of_many(
        "a misspelt default",
        {"users": [KEYS], "defaults": {"plan": 5}},
        "defaults.plan: unknown option",
    ),
    _of_many("too many workers", {"users": [KEYS], "concurrency": 65}, "concurrency", "1 to 64"),
    BadCase(
        "everything at once, of the rows and of the task",
        "publica_user_bulk",
        {
            "users": [KEYS, {"email": "bo\u200b@example.org"}],
            "concurrency": 0,
            "progress_interval": -1,
            "max_deactivations": "lots",
        },
        [
            "4 validation errors. No request was sent.\n",
            "concurrency: 0 is out of range; use 1 to 64",
            "progress_interval: -1 is out of range; use 0 to 86400 seconds",
            "max_deactivations",
            "users[1].email: the value contains U+200B (ZERO WIDTH SPACE)",
        ],
        fields=["concurrency", "progress_interval", "max_deactivations", "users[1].email"],
    ),
    BadCase("no list", "publica_user_bulk", {}, ["users"], code=None),
]


def test_nothing_is_sent_for_what_cannot_be_right(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    cases = [*ONE_USER, *MANY_USERS]

    run = runner.tasks([case.task() for case in cases], store, arguments=["-vvv"]).succeeded()

    assert_clear(run, cases)
    assert store.journal() == []


def test_one_bad_row_holds_all_the_good_ones_back(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_user("zoe@example.org", external_id="guest-1", sessions_limit=1)
    before = store.users()
    rows: list[dict[str, Any]] = [
        {"email": f"r{number}@example.org", "external_id": f"r-{number}"} for number in range(40)
    ]
    rows[17]["sessions_limit"] = -1
    # What would change and deactivate somebody stands before the bad row.
    rows[:0] = [{"email": "zoe@example.org", "state": "absent"}]
    case = _of_many(
        "one of many", {"users": rows}, "1 validation error. No request was sent.", "users[18]"
    )
    foretold = {**case.task(), "name": "foretold", "check_mode": True}

    run = runner.tasks([foretold, case.task()], store).succeeded()

    assert_clear(run, [case])
    assert run.named("foretold").result["failure"] == run.named(case.name).result["failure"]
    assert store.journal() == []
    assert store.users() == before


def test_what_only_the_store_can_tell(store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_user("bruno@example.org", external_id="staff-2")
    store.add_user("carla@example.org", external_id="staff-3")
    # Each way in check mode first, where the dry run must foretell the failure.
    cases = [
        _of_one(
            "created without external id", {"email": "ana@example.org"}, "external_id is missing",
            "Give external_id", code="incomplete",
        ),
        _of_one(
            "created without address", {"external_id": "staff-1"}, "email is missing",
            code="incomplete",
        ),
        _of_one("no such id", {"id": 4711}, "4711", "Correct the id", code="identity_conflict"),
        _of_one(
            "two users in one",
            {"email": "bruno@example.org", "external_id": "staff-3"},
            "bruno@example.org", "carla@example.org", "Correct the keys",
            code="identity_conflict",
        ),
    ]  # fmt: skip
    foretold = [
        {**case.task(), "name": f"{case.name}, foretold", "check_mode": True} for case in cases
    ]
    before = store.users()

    run = runner.tasks(
        [*foretold, *(case.task() for case in cases)], store, arguments=["-vvv"]
    ).succeeded()

    assert_clear(run, cases)
    for case in cases:
        told, done = (run.named(name).result for name in (f"{case.name}, foretold", case.name))
        assert told["failure"] == done["failure"], case.name
    assert store.journal(writes=True) == []
    assert store.users() == before


def test_values_that_the_store_refuses(store: SandboxStore, runner: PlaybookRunner) -> None:
    plan = _of_one("no such plan", {**KEYS, "plan_id": 999}, "assign_new_plan", code="validation")
    nobody = BadCase(
        "nobody with this address",
        "publica_user_logout",
        {"email": "ana@example.org"},
        ["ana@example.org", "Correct the key"],
        code="not_found",
    )

    run = runner.tasks([plan.task(), nobody.task()], store, arguments=["-vvv"]).succeeded()

    assert_clear(run, [plan, nobody])
    failure = run.named(plan.name).result["failure"]
    assert (failure["method"], failure["status"]) == ("POST", 422)
    assert list(failure["fields"]) == ["assign_new_plan"]
    assert store.users() == []
