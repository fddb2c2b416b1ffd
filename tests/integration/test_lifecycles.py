# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lifecycles of users, applied by the modules step by step."""

from __future__ import annotations

import pytest
from publica_sandbox.testing import SandboxStore

from support.in_process import ModuleRunner
from support.lifecycle_steps import LEAVING, SCENARIOS, STRANGER, Scenario
from support.lifecycles import run_steps


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_each_step_is_predicted_applied_and_not_repeated(
    scenario: Scenario, store: SandboxStore, modules: ModuleRunner
) -> None:
    store.add_users(scenario.users)
    stranger = store.user(email=STRANGER["email"])

    run_steps(modules, store, scenario.module, scenario.steps)

    assert store.user(email=STRANGER["email"]) == stranger


def test_a_store_that_logs_out_deactivated_users(
    store: SandboxStore, modules: ModuleRunner
) -> None:
    store.configure(force_logout_deactivated="ok")
    store.add_users(LEAVING.users)

    run_steps(modules, store, LEAVING.module, LEAVING.steps)
