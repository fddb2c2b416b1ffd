# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``group/publica.la.publica`` in ``module_defaults`` reaches every module that sends requests."""

from __future__ import annotations

import pytest
import yaml
from publica_sandbox.testing import SandboxStore

from support.documentation import FEWEST_ARGUMENTS, collection, connecting_module_names
from support.playbooks import PlaybookRunner, connection_defaults


def test_the_group_names_exactly_the_modules() -> None:
    runtime = yaml.safe_load((collection() / "meta" / "runtime.yml").read_text(encoding="utf-8"))

    group = runtime["action_groups"]["publica"]

    assert sorted(group) == connecting_module_names() == sorted(FEWEST_ARGUMENTS)
    assert len(group) == len(set(group))


@pytest.mark.full
@pytest.mark.oldest_core
def test_defaults_of_the_group_reach_each_module(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    defaults = connection_defaults(store)["group/publica.la.publica"]
    tasks = [
        {"name": module, f"publica.la.{module}": arguments}
        for module, arguments in FEWEST_ARGUMENTS.items()
    ]
    without = [
        {
            **task,
            "name": f"{task['name']}, without",
            "module_defaults": {"group/publica.la.publica": {}},
            "ignore_errors": True,
        }
        for task in tasks
    ]
    other = {"module_defaults": {"group/publica.la.publica": {**defaults, "timeout": 12.5}}}

    run = runner.tasks([*tasks, *without], store, play=other).succeeded()

    for module in FEWEST_ARGUMENTS:
        assert float(run.named(module).args["timeout"]) == 12.5
        message = run.named(f"{module}, without").result["msg"]
        assert "api_token" in message
        assert "base_url" in message
