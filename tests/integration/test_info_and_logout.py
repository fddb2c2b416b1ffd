# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""publica_user_info with every option, and publica_user_logout by each key."""

from __future__ import annotations

from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.in_process import ModuleRunner
from support.playbooks import TaskRun

USERS: list[dict[str, Any]] = [
    {"email": "ana@example.org", "external_id": "staff-1", "open_sessions": 2, "sessions_limit": 2},
    {"email": "bruno@example.org", "external_id": "4711", "open_sessions": 1, "admin": True},
    {"email": "carla@example.org", "external_id": "staff-3", "active": False},
    {"email": "diego@example.com", "external_id": "staff-4", "plans": [{"plan_id": 12}]},
    {"email": "elena@example.com", "external_id": "staff-5", "active": False, "admin": True},
    {"email": "banana@example.org", "external_id": "staff-6"},
]
ACTIVE = ["ana", "banana", "bruno", "diego"]

# Options, and the users that must be found, by the first part of the address.
QUESTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "active": ({}, ACTIVE),
    "all": ({"status": "all"}, sorted([*ACTIVE, "carla", "elena"])),
    "deactivated": ({"status": "deactivated"}, ["carla", "elena"]),
    "an address": ({"email": "ANA@example.org"}, ["ana"]),
    "an unknown address": ({"email": "ana@example.net"}, []),
    "an external id": ({"external_id": "4711"}, ["bruno"]),
    "an id": ({"id": 4}, ["diego"]),
    "an id that is deactivated": ({"id": 3}, []),
    "any such id": ({"id": 3, "status": "all"}, ["carla"]),
    "two keys that agree": ({"id": 1, "email": "ana@example.org"}, ["ana"]),
    "two keys that do not": ({"id": 2, "email": "ana@example.org"}, []),
    "a search": ({"query": "example.com"}, ["diego"]),
    "admins": ({"admins": True}, ["bruno"]),
    "all admins": ({"admins": True, "status": "all"}, ["bruno", "elena"]),
}


def found(task: TaskRun) -> list[str]:
    """The returned users, by the first part of the address."""
    return sorted(user["email"].partition("@")[0] for user in task.result["users"])


def test_which_users_are_found(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users(USERS)
    before = store.users()
    tasks = [
        {"name": name, "publica.la.publica_user_info": options, "check_mode": number % 2 == 0}
        for number, (name, (options, _)) in enumerate(QUESTIONS.items())
    ]

    run = modules.tasks(tasks, store).succeeded()

    answers = {name: found(run.named(name)) for name in QUESTIONS}
    assert answers == {name: expected for name, (_, expected) in QUESTIONS.items()}
    for task in run.tasks:
        assert task.result["count"] == len(task.result["users"])
        assert task.result["changed"] is False
    assert store.journal(writes=True) == []
    assert store.users() == before


def test_a_user_is_returned_in_the_normal_form(store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users(USERS)
    task = {"name": "diego", "publica.la.publica_user_info": {"email": "diego@example.com"}}

    run = modules.tasks([task], store).succeeded()

    (user,) = run.named("diego").result["users"]
    row = store.user(email="diego@example.com")
    for name in ("id", "uuid", "email", "external_id", "admin", "plan_admin", "sessions_limit"):
        assert user[name] == row[name], name
    (plan,) = user["plans"]
    assert (plan["plan_id"], plan["valid_to"], plan["cancelled"]) == (12, None, False)
    assert user["created_at"].endswith("Z")
    assert not any("impersonat" in name for name in user)


@pytest.mark.parametrize("path", ["table", "example"])
def test_sessions_end_by_each_key(path: str, store: SandboxStore, modules: ModuleRunner) -> None:
    store.add_users(USERS)
    store.configure(force_logout_path=path)
    # An external id of digits could be taken for an id: 4711 is not used, and 4 is Diego's.
    store.change_user(6, external_id="4", open_sessions=3)
    keys: dict[str, dict[str, Any]] = {
        "ana": {"email": "ana@example.org"},
        "bruno": {"external_id": "4711"},
        "diego": {"id": 4},
        "banana": {"external_id": "4"},
    }
    logouts = [{"name": name, "publica.la.publica_user_logout": key} for name, key in keys.items()]
    predicted = [
        {**task, "name": f"{task['name']}, predicted", "check_mode": True} for task in logouts
    ]

    run = modules.tasks([*predicted, *logouts], store).succeeded()

    predicted = run.named("banana, predicted").database
    assert [user["forced_logouts"] for user in predicted.users()] == [0] * len(USERS)
    for name in keys:
        planned, done = run.named(f"{name}, predicted"), run.named(name)
        assert planned.result["actions"] == done.result["actions"] == ["force_logout"]
        assert planned.result["changed"] is done.result["changed"] is True
    logged_out = {
        user["email"].partition("@")[0] for user in store.users() if user["forced_logouts"]
    }
    assert logged_out == set(keys)
    assert {user["forced_logouts"] for user in store.users()} == {0, 1}
