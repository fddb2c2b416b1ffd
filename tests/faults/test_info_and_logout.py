# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at the endpoints of publica_user_info and publica_user_logout.

Who asks is told of everybody or that it failed, and never of a part. Whoever is reported as logged
out has been logged out, or the task has failed. Neither changes anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from ansible_collections.publica.la.tests.integration.support import in_process
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore
from support.readings import READINGS
from support.runs import Outcome

from support import declared, staging
from support.figures import Note
from support.troubles import POSITIONS, TROUBLES, Trouble
from support.wire import Wire

# Small pages, so that a list has a first, a middle and a last one.
SWITCHES: Mapping[str, Any] = {"per_page_max": 3}
IMPATIENT = {"max_retries": 1, "max_rate_limit_wait": 0.5}

PEOPLE: list[dict[str, Any]] = [
    {
        "email": f"reader{number}@example.org",
        "external_id": f"{number}4711" if number % 2 else f"staff-{number}",
        "admin": number % 3 == 0,
        "active": number % 4 != 3,
        "open_sessions": 2,
    }
    for number in range(14)
]
# What is asked for, and by which users' numbers it is answered.
QUESTIONS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "everybody": ({"status": "all"}, set(range(14))),
    "admins": ({"admins": True, "status": "all"}, {0, 3, 6, 9, 12}),
    "one by the last page": ({"external_id": "staff-0"}, {0}),
}
# Active users, and the key that a task names each by: an id, an address, an external id that is
# sent as it is, and one of digits, for which the list is read.
LOGGED_OUT: list[dict[str, Any]] = [
    {"email": "reader0@example.org"},
    {"external_id": "staff-2"},
    {"external_id": "14711"},
    {"email": "reader5@example.org"},
    {"id": 7},
]
NUMBERS = [0, 2, 1, 5, 6]

# Each fault once at each position, and without end from one of them on.
CASES = [
    *product(TROUBLES, POSITIONS, [True]),
    *((trouble, POSITIONS[n % len(POSITIONS)], False) for n, trouble in enumerate(TROUBLES)),
]
every_fault = pytest.mark.parametrize(
    ("trouble", "position", "ends"),
    [
        pytest.param(*case, id="-".join(map(str, [*case[:2], "once" if case[2] else "on and on"])))
        for case in CASES
    ],
)
every_question = pytest.mark.parametrize("question", QUESTIONS)


@every_fault
@every_question
def test_info_tells_of_everybody_or_fails(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    question: str,
    trouble: Trouble,
    position: str,
    ends: bool,
) -> None:
    options, numbers = QUESTIONS[question]
    _begin(store, wire)
    assert _numbers(in_process.info(store, **options)) == numbers
    number = staging.number_at(position, wire.counts["list"])
    before = _begin(store, wire)
    _arm(store, wire, trouble, "list", number, ends=ends)

    result = in_process.info(store, **options, **({} if ends else IMPATIENT))

    _note(note, store, wire, trouble, ("list", position, "info", "documented"))
    assert result["changed"] is False
    if ends:
        assert "failure" not in result
    if "failure" in result:
        assert "users" not in result
        assert result["failure"]["code"] != "internal"
    else:
        assert _numbers(result) == numbers
    assert store.journal(writes=True) == []
    assert declared.content(store) == before
    assert staging.secrets_in(Outcome(said=[result]), store) == []


@every_fault
@pytest.mark.parametrize("endpoint", ["list", "force_logout"])
@pytest.mark.parametrize("reading", ["documented", "spelled-otherwise"])
def test_who_is_reported_as_logged_out_has_been(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    reading: str,
    endpoint: str,
    trouble: Trouble,
    position: str,
    ends: bool,
) -> None:
    _begin(store, wire, reading)
    for key in LOGGED_OUT:
        assert in_process.logout(store, **key)["changed"] is True
    number = staging.number_at(position, wire.counts[endpoint])
    before = _begin(store, wire, reading)
    _arm(store, wire, trouble, endpoint, number, ends=ends)

    options = {} if ends else IMPATIENT
    results = [in_process.logout(store, **key, **options) for key in LOGGED_OUT]

    _note(note, store, wire, trouble, (endpoint, position, "logout", reading))
    logouts = [_user(store, number)["forced_logouts"] for number in NUMBERS]
    for result, times in zip(results, logouts, strict=True):
        assert result["changed"] is ("failure" not in result)
        assert result.get("actions", []) == (["force_logout"] if result["changed"] else [])
        assert times >= 1 or not result["changed"], "reported, and still logged in"
        assert result.get("failure", {}).get("code") != "internal"
        if ends:
            assert result["changed"] is True, result
    _prove_nothing_else_changed(store, before)
    assert staging.secrets_in(Outcome(said=results), store) == []


def _begin(store: SandboxStore, wire: Wire, reading: str = "documented") -> declared.Content:
    """A store with its people, and nothing meddled with."""
    switches = {**READINGS[reading], **SWITCHES}
    store.reset()
    store.configure(**switches)
    store.add_users(PEOPLE)
    wire.switches = Switches(**switches)
    wire.begin()
    return declared.content(store)


def _arm(
    store: SandboxStore, wire: Wire, trouble: Trouble, endpoint: str, number: int, *, ends: bool
) -> None:
    if ends:
        staging.arm(store, wire, trouble, endpoint, number)
    else:
        staging.arm_from(store, wire, trouble, endpoint, number)


def _note(
    note: Note, store: SandboxStore, wire: Wire, trouble: Trouble, case: tuple[str, str, str, str]
) -> None:
    fired = staging.disarm(store, wire)
    assert fired >= 1, "the fault met no request, so nothing was tried"
    names = ("endpoint", "position", "mode", "reading")
    note(fault=str(trouble), fired=fired, **dict(zip(names, case, strict=True)))


def _user(store: SandboxStore, number: int) -> dict[str, Any]:
    return dict(store.user(email=f"reader{number}@example.org"))


def _numbers(result: Mapping[str, Any]) -> set[int]:
    """Whom a result tells of, by the numbers in their addresses; each must be there once."""
    numbers = [
        int(user["email"].removeprefix("reader").partition("@")[0]) for user in result["users"]
    ]
    assert len(numbers) == len(set(numbers)) == result["count"]
    return set(numbers)


def _prove_nothing_else_changed(store: SandboxStore, before: declared.Content) -> None:
    """A logout ends sessions, and does nothing else to anybody."""
    of_sessions = {"open_sessions", "forced_logouts"}
    now = declared.content(store)
    assert now["user_plans"] == before["user_plans"]
    for old, new in zip(before["users"], now["users"], strict=True):
        differing = {name for name in old if old[name] != new[name]}
        assert differing <= of_sessions, differing
        if old["id"] - 1 not in NUMBERS:
            assert differing == set()
