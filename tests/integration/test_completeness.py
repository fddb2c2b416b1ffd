# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check at the end of the suite (conftest.py) finds what no test has used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import usage


def _task(**changes: Any) -> dict[str, Any]:
    return {
        "action": "publica.la.publica_user_bulk",
        "args": {"users": [{"email": "ana@example.org"}], "defaults": {"assign_new_plan": 12}},
        "status": "ok",
        "check_mode": False,
        "role_variables": ["publica_users_report"],
        **changes,
    }


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(usage.DIRECTORY_VARIABLE, str(tmp_path))
    return tmp_path


def test_arguments_of_modules_and_roles_are_used(record: Path) -> None:
    usage.record_usage(["publica.la.provision"], 0, [_task()])

    assert usage.read_usage(record) == {
        "playbook provision",
        "module publica_user_bulk",
        "option publica_user_bulk.users",
        "option publica_user_bulk.users[].email",
        "option publica_user_bulk.defaults",
        "option publica_user_bulk.users[].assign_new_plan",
        "variable publica_users_report",
    }


@pytest.mark.parametrize(
    "changes",
    [{"status": "ignored"}, {"status": "skipped"}, {"check_mode": True}, {"action": "debug"}],
    ids=json.dumps,
)
def test_arguments_of_other_tasks_are_not_used(record: Path, changes: dict[str, Any]) -> None:
    usage.record_usage(["play.yml"], 0, [_task(**changes)])

    assert usage.read_usage(record) == set()


def test_a_failed_playbook_is_not_used(record: Path) -> None:
    usage.record_usage(["publica.la.provision"], 2, [])

    assert usage.read_usage(record) == set()


def test_everything_unused_is_named() -> None:
    offers = usage.offered()
    everything = {name for spellings in offers.values() for name in spellings}
    left_out = {
        "module publica_user_logout",
        "option publica_user_bulk.concurrency",
        "option publica_user_bulk.users[].only_sees_readable",
        "variable publica_users_defaults",
        "playbook provision",
    }
    assert left_out <= everything

    assert usage.unused(offers, everything) == []
    assert usage.unused(offers, everything - left_out) == sorted(
        name.replace(
            "variable publica_users_defaults", "option publica_users_defaults of role publica_users"
        )
        for name in left_out
    )


def test_an_option_is_used_by_any_of_its_names() -> None:
    offers = usage.offered()
    everything = {name for spellings in offers.values() for name in spellings}

    assert usage.unused(offers, everything - {"option publica_user.password"}) == []
