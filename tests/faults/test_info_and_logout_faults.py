# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every failure mode at the endpoints of publica_user_info and publica_user_logout.

A question returns all users or fails, and never returns a part. A user who is reported as logged
out has been logged out, or the task fails. Neither module changes anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from support import declared, in_process
from support.failure_modes import FAILURE_MODES, POSITIONS, FailureMode, FaultyClient, number_at
from support.in_process import Outcome
from support.selection import combinations
from support.variants import FAULT_VARIANTS

# Small pages, so that a list has a first, a middle and a last one.
SWITCHES: Mapping[str, Any] = {"per_page_max": 3}
FEW_RETRIES: dict[str, Any] = {"max_retries": 1, "max_rate_limit_wait": 0.5}

USERS: list[dict[str, Any]] = [
    {
        "email": f"reader{number}@example.org",
        "external_id": f"{number}4711" if number % 2 else f"staff-{number}",
        "admin": number % 3 == 0,
        "active": number % 4 != 3,
        "open_sessions": 2,
    }
    for number in range(14)
]
# Options, and the numbers of the users that must be returned.
QUESTIONS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "all": ({"status": "all"}, set(range(14))),
    "admins": ({"admins": True, "status": "all"}, {0, 3, 6, 9, 12}),
    "one on the last page": ({"external_id": "staff-0"}, {0}),
}
# Active users and their keys: an id, an address, an external id that is sent as it is, and one of
# digits, for which the list is read.
LOGGED_OUT: list[dict[str, Any]] = [
    {"email": "reader0@example.org"},
    {"external_id": "staff-2"},
    {"external_id": "14711"},
    {"email": "reader5@example.org"},
    {"id": 7},
]
NUMBERS = [0, 2, 1, 5, 6]
TIMES = (1, None)


@pytest.mark.parametrize(
    ("times", "mode", "position", "question"),
    combinations(TIMES, FAILURE_MODES, turns=[POSITIONS, list(QUESTIONS)], together=2),
)
def test_info_returns_all_users_or_fails(
    store: SandboxStore,
    client: FaultyClient,
    question: str,
    mode: FailureMode,
    position: str,
    times: int | None,
) -> None:
    options, numbers = QUESTIONS[question]
    _begin(store, client)
    assert _numbers(in_process.info(store, **options)) == numbers
    number = number_at(position, client.counts["list"])
    before = _begin(store, client)
    client.fail(mode, "list", number, times)

    result = in_process.info(store, **options, **({} if times else FEW_RETRIES))

    assert client.end() >= 1, "no request met the fault"
    assert result["changed"] is False
    if times:
        assert "failure" not in result
    if "failure" in result:
        assert "users" not in result
        assert result["failure"]["code"] != "internal"
    else:
        assert _numbers(result) == numbers
    assert store.journal(writes=True) == []
    assert declared.content(store) == before
    assert declared.secrets_in(Outcome(results=[result]), store) == []


@pytest.mark.parametrize(
    ("times", "mode", "position", "endpoint", "variant"),
    combinations(
        TIMES,
        FAILURE_MODES,
        turns=[POSITIONS, ["list", "force_logout"], ["documented", "other-encodings"]],
        together=2,
    ),
)
def test_a_user_reported_as_logged_out_is_logged_out(
    store: SandboxStore,
    client: FaultyClient,
    variant: str,
    endpoint: str,
    mode: FailureMode,
    position: str,
    times: int | None,
) -> None:
    _begin(store, client, variant)
    for key in LOGGED_OUT:
        assert in_process.logout(store, **key)["changed"] is True
    number = number_at(position, client.counts[endpoint])
    before = _begin(store, client, variant)
    client.fail(mode, endpoint, number, times)

    options = {} if times else FEW_RETRIES
    results = [in_process.logout(store, **key, **options) for key in LOGGED_OUT]

    assert client.end() >= 1, "no request met the fault"
    for result, number in zip(results, NUMBERS, strict=True):
        is_logged_out = store.user(email=f"reader{number}@example.org")["forced_logouts"] >= 1
        assert result["changed"] is ("failure" not in result)
        assert result.get("actions", []) == (["force_logout"] if result["changed"] else [])
        assert is_logged_out or not result["changed"], "reported, and still logged in"
        assert result.get("failure", {}).get("code") != "internal"
        if times:
            assert result["changed"] is True, result
    _check_only_sessions(store, before)
    assert declared.secrets_in(Outcome(results=results), store) == []


def _begin(
    store: SandboxStore, client: FaultyClient, variant: str = "documented"
) -> declared.Content:
    """Fill the store, without faults; returns its content."""
    switches = {**FAULT_VARIANTS[variant], **SWITCHES}
    store.reset()
    store.configure(**switches)
    store.add_users(USERS)
    client.switches = Switches(**switches)
    client.begin()
    return declared.content(store)


def _numbers(result: Mapping[str, Any]) -> set[int]:
    """The numbers in the addresses of a result's users, each of which occurs once."""
    numbers = [
        int(user["email"].removeprefix("reader").partition("@")[0]) for user in result["users"]
    ]
    assert len(numbers) == len(set(numbers)) == result["count"]
    return set(numbers)


def _check_only_sessions(store: SandboxStore, before: declared.Content) -> None:
    """Only sessions of the users that were logged out have changed."""
    now = declared.content(store)
    assert now["user_plans"] == before["user_plans"]
    for old, new in zip(before["users"], now["users"], strict=True):
        differing = {name for name in old if old[name] != new[name]}
        allowed = {"open_sessions", "forced_logouts"} if old["id"] - 1 in NUMBERS else set()
        assert differing <= allowed, differing
