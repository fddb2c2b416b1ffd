# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input that cannot be right: an error at its place, and no request."""

from __future__ import annotations

from typing import Any

from publica_sandbox.testing import SandboxStore

from support.failures import BadCase, check_failures
from support.in_process import ModuleRunner
from support.playbooks import PlaybookRunner

KEYS = {"email": "ana@example.org", "external_id": "staff-1"}
SECRET = "canary-of-the-file-7f3a"
QUOTES = "put it in quotes"


def _user(name: str, options: dict[str, Any], *fields: str, **expected: Any) -> BadCase:
    return BadCase(name, "publica_user", options, fields=fields, **expected)


def _refused(name: str, module: str, options: dict[str, Any], *mentions: str) -> BadCase:
    """A case that Ansible itself refuses."""
    return BadCase(name, module, options, code=None, mentions=mentions)


ONE_USER = [
    _refused("no key", "publica_user", {}, "email", "external_id", "id"),
    _user("no such state", {**KEYS, "state": "gone"}, "state", mentions=["present", "absent"]),
    _user("fraction as a key", {**KEYS, "external_id": 1.1}, "external_id", mentions=[QUOTES]),
    _user("number as a password", {**KEYS, "password": 73915264}, "password", mentions=[QUOTES]),
    _user("slip in a key", {"email": {"password": SECRET}}, "email", mentions=["a mapping"]),
    _user("slip in a state", {**KEYS, "state": [SECRET]}, "state", mentions=["a list"]),
    _user(
        "look-alike",
        {"email": "o\u2019neil@example.org", "external_id": "a\u3164b"},
        *("email", "external_id"),
        mentions=["U+2019 (RIGHT SINGLE QUOTATION MARK)", "U+3164 (HANGUL FILLER)"],
    ),
    _user("left behind", {**KEYS, "external_id": "#N/A"}, "external_id", mentions=["#N/A"]),
    _user(
        "converted date",
        {**KEYS, "plan_id": 12, "plan_valid_to": "1970-01-01"},
        "plan_valid_to",
        mentions=["1970-01-01", "2000"],
    ),
    _refused("unknown option", "publica_user", {**KEYS, "sesions_limit": 2}, "sesions_limit"),
    _user("no address", {"email": "ana at example.org"}, "email", mentions=["ana at example.org"]),
    _user("long external id", {**KEYS, "external_id": "x" * 65}, "external_id", mentions=["64"]),
    _user("short password", {**KEYS, "password": "seven77"}, "password", mentions=["8", "255"]),
    _user("high limit", {**KEYS, "sessions_limit": 1000000}, "sessions_limit", mentions=["999999"]),
    _user(
        "no such day",
        {**KEYS, "plan_id": 12, "plan_valid_to": "2031-02-30"},
        "plan_valid_to",
        mentions=["2031-02-30", "YYYY-MM-DD"],
    ),
    _user("end without a plan", {**KEYS, "plan_valid_to": "2031-12-31"}, "plan_valid_to"),
    _user("id zero", {"id": 0}, "id"),
    _user("many retries", {**KEYS, "max_retries": 101}, "max_retries", mentions=["101", "100"]),
    _user("no share", {**KEYS, "rate_limit_share": 0}, "rate_limit_share"),
    _user("no timeout", {**KEYS, "timeout": 0}, "timeout"),
    _user("no such file", {**KEYS, "ca_path": "/nowhere/a.pem"}, mentions=["/nowhere/a.pem"]),
    _refused("no key to log out", "publica_user_logout", {}, "email", "external_id"),
    _refused(
        "two keys to log out", "publica_user_logout", {"email": "ana@example.org", "id": 1},
        "mutually exclusive",
    ),
    _refused(
        "a query with an address", "publica_user_info",
        {"query": "ana", "email": "ana@example.org"}, "mutually exclusive",
    ),
]  # fmt: skip

# Rows, and the place of the error in each.
BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"state": "absent"}, "users[0].email"),
    ({"email": "ana@"}, "users[1].email"),
    ({"email": "b@example.org", "external_id": "x" * 65}, "users[2].external_id"),
    ({"email": "c@example.org", "password": "short"}, "users[3].password"),
    ({"email": "d@example.org", "sessions_limit": 1000000}, "users[4].sessions_limit"),
    (
        {"email": "e@example.org", "plan_id": 1, "plan_valid_to": "31.12.2031"},
        "users[5].plan_valid_to",
    ),
    ({"email": "f@example.org", "sesions_limit": 1}, "users[6].sesions_limit"),
    ({"email": "D@example.org"}, "users[7].email"),  # the address of users[4]
    ({"email": "g@example.org", "admin": "possibly"}, "users[8].admin"),
    ({"email": "h@example.org", "user_plan_name": "Staff"}, "users[9].user_plan_name"),
]


def _bulk(name: str, options: dict[str, Any], *fields: str, **expected: Any) -> BadCase:
    return BadCase(name, "publica_user_bulk", options, fields=fields, **expected)


MANY_USERS = [
    _bulk(
        "every bad row",
        {"users": [row for row, _ in BAD_ROWS]},
        *(place for _, place in BAD_ROWS),
        mentions=["users[4]", "sessions_limit", *(place.split(".")[0] for _, place in BAD_ROWS)],
    ),
    _bulk("a key as a default", {"users": [KEYS], "defaults": {"id": 5}}, "defaults.id"),
    _bulk("an unknown default", {"users": [KEYS], "defaults": {"plan": 5}}, "defaults.plan"),
    _bulk("too many workers", {"users": [KEYS], "concurrency": 65}, "concurrency", mentions=["64"]),
    _bulk(
        "errors of rows and task together",
        {
            "users": [KEYS, {"email": "bo\u200b@example.org"}],
            "concurrency": 0,
            "progress_interval": -1,
            "max_deactivations": "lots",
        },
        *("concurrency", "progress_interval", "max_deactivations", "users[1].email"),
        mentions=["4", "64", "86400", "lots", "U+200B"],
    ),
    _bulk(
        "rows that are no users",
        {"users": [KEYS, None, {"email": {"password": SECRET}}, {"external_id": [SECRET]}]},
        *("users[1]", "users[2].email", "users[3].external_id"),
        mentions=["null", "a mapping", "a list"],
    ),
    _bulk(
        "protection of no user",
        {
            "users": [KEYS],
            "exclusive": True,
            "protected": [["zoe@example.org"], "a@x.org b@x.org", "<a@x.org>", "@x.org", "[z-a]@*"],
        },
        *(f"protected[{index}]" for index in range(5)),
        mentions=["a list", "more than one address", "*@example.org"],
    ),
    _refused("no list", "publica_user_bulk", {}, "users"),
]


def test_nothing_is_sent_for_bad_input(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_user("zoe@example.org", external_id="guest-1", sessions_limit=1)
    before = store.users()
    # Good rows, of which one changes a user, and one bad row behind them.
    rows: list[dict[str, Any]] = [{"email": "zoe@example.org", "state": "absent"}]
    rows += [{"email": f"r{n}@example.org", "external_id": f"r-{n}"} for n in range(40)]
    rows[18]["sessions_limit"] = -1
    one_of_many = _bulk("one of many", {"users": rows}, "users[18].sessions_limit")
    cases = [*ONE_USER, *MANY_USERS, one_of_many]
    tasks = [case.task() for case in cases]
    tasks.append(one_of_many.task(name="predicted", check_mode=True))

    run = modules.tasks(tasks, store)

    check_failures(run, cases)
    assert run.named("predicted").result["failure"] == run.named("one of many").result["failure"]
    assert SECRET not in run.output
    assert "73915264" not in run.output
    assert store.journal() == []
    assert store.users() == before


def test_input_that_only_the_store_can_refuse(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_user("bruno@example.org", external_id="staff-2")
    store.add_user("carla@example.org", external_id="staff-3")
    found = [
        _user("created without external id", {"email": "ana@example.org"}, code="incomplete",
              mentions=["external_id"]),
        _user("created without address", {"external_id": "staff-1"}, code="incomplete",
              mentions=["email"]),
        _user("no such id", {"id": 4711}, code="identity_conflict", mentions=["4711"]),
        _user("keys of two users", {"email": "bruno@example.org", "external_id": "staff-3"},
              code="identity_conflict", mentions=["bruno@example.org", "carla@example.org"]),
    ]  # fmt: skip
    sent = [
        _user("no such plan", {**KEYS, "plan_id": 999}, "assign_new_plan", code="validation",
              mentions=["plan_id 999: "]),
        BadCase("no such user", "publica_user_logout", {"email": "ana@example.org"},
                code="not_found", mentions=["ana@example.org"]),
    ]  # fmt: skip
    # Check mode must predict the failures that no write is needed for.
    predicted = [case.task(name=f"{case.name}, predicted", check_mode=True) for case in found]
    before = store.users()

    run = modules.tasks([*predicted, *(case.task() for case in [*found, *sent])], store)

    check_failures(run, [*found, *sent])
    for case in found:
        expected = run.named(case.name).result["failure"]
        assert run.named(f"{case.name}, predicted").result["failure"] == expected
    failure = run.named("no such plan").result["failure"]
    assert (failure["method"], failure["status"]) == ("POST", 422)
    assert list(failure["fields"]) == ["assign_new_plan"]
    assert [row["status"] for row in store.journal(writes=True)] == [422]
    assert store.users() == before


def test_failures_in_a_playbook(store: SandboxStore, runner: PlaybookRunner) -> None:
    refused = next(case for case in ONE_USER if case.name == "unknown option")
    cases = [refused, MANY_USERS[0], _user("no such id", {"id": 4711}, code="identity_conflict")]

    run = runner.tasks([case.task() for case in cases], store, arguments=["-vvv"]).succeeded()

    check_failures(run, cases)
