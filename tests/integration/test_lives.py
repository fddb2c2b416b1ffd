# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lives of users, told to the modules step by step; the truth comes from the database."""

from __future__ import annotations

import pytest
from publica_sandbox.testing import SandboxStore

from support.playbook_runner import PlaybookRunner
from support.scenarios import LEAVING, SCENARIOS, STRANGER, Scenario
from support.steps import live

every_scenario = pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=name) for name, scenario in SCENARIOS.items()]
)


@every_scenario
def test_each_step_is_foretold_done_and_not_repeated(
    scenario: Scenario, store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users(scenario.users)
    stranger = store.user(email=STRANGER["email"])

    live(runner, store, scenario.module, scenario.steps)

    assert store.user(email=STRANGER["email"]) == stranger, "somebody who was not named changed"


def test_a_store_that_logs_deactivated_users_out_needs_nothing_else(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.configure(force_logout_deactivated="ok")
    store.add_users(LEAVING.users)

    live(runner, store, LEAVING.module, LEAVING.steps)


@every_scenario
def test_nothing_is_written_under_check(
    scenario: Scenario, store: SandboxStore, runner: PlaybookRunner
) -> None:
    store.add_users(scenario.users)
    store.configure(refuse_writes=True)
    before = store.users()
    # A later step may ask for somebody whom an earlier one would have created.
    tasks = [
        {"name": step.name, f"publica.la.{scenario.module}": step.args, "ignore_errors": True}
        for step in scenario.steps
    ]

    run = runner.tasks(tasks, store, arguments=["--check", "--diff"]).succeeded()

    assert {task.name for task in run.tasks} == {step.name for step in scenario.steps}
    assert all(task.check_mode for task in run.tasks)
    assert any(task.result["changed"] for task in run.tasks), "no step would have written"
    assert store.journal(writes=True) == []
    assert store.users() == before
