# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.provision on inventories of operators."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.inventories import (
    EACH,
    connection_of,
    encrypted,
    seats,
    write_inventory,
)
from support.playbooks import PlaybookRunner, TaskRun

PROVISION = "publica.la.provision"
ANA = {"email": "ana@example.org", "external_id": "staff-1"}


def counts(task: TaskRun) -> Mapping[str, int]:
    """The counts of the summary that are not 0."""
    return {name: count for name, count in task.result["summary"].items() if count}


def test_two_stores_and_four_departments(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    stores = {"north": store, "south": south}
    inventory = write_inventory(runner, stores)

    planned = runner.playbook(PROVISION, inventory, arguments=["--check", "--diff"]).succeeded()

    assert [one.users() for one in stores.values()] == [[], []]
    requests_before = {name: one.journal() for name, one in stores.items()}
    first = runner.playbook(PROVISION, inventory).succeeded()
    for run in (planned, first):
        tasks = run.of_module("publica_user_bulk")
        assert {task.host for task in tasks} == set(stores)
        assert all(counts(task) == {"desired": EACH, "created": EACH} for task in tasks)
    for name, one in stores.items():
        shown, real = (run.named("Show the run summary", name) for run in (planned, first))
        requests = len(one.journal()) - len(requests_before[name])
        assert shown.result["msg"] == (
            f"Dry run: nothing was written. {EACH} users would be created. The run needs "
            f"{requests} requests."
        )
        assert real.result["msg"] == f"{EACH} desired: {EACH} created; {requests} requests"
        # One line for each new user.
        assert all(planned.stdout.count(user["email"]) == 1 for user in one.users())
    for name, one in stores.items():
        assert {user["email"] for user in one.users(active=True)} == {
            seat["email"] for part in ("editorial", "library") for seat in seats(name, part)
        }
        assert all(len(one.plans_of(user["id"])) == 1 for user in one.users())
        one.clear_journal()

    second = runner.playbook(PROVISION, inventory).succeeded()

    for task in second.of_module("publica_user_bulk"):
        assert counts(task) == {"desired": EACH, "unchanged": EACH}
    assert not any(task.result["changed"] for task in second.tasks)
    assert second.stdout.count("changed=0") == len(stores)
    for one in stores.values():
        requests = one.journal()
        assert {(row["method"], row["endpoint"]) for row in requests} == {("GET", "list")}
        assert [row for row in requests if "query=" in row["query"]] == [], "looked users up"
        # A hundred users fill a page: without a total, a second one shows that there are no more.
        assert len(requests) <= 2


@pytest.mark.full
@pytest.mark.oldest_core
def test_yaml_values_vault_and_python(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    """Values as YAML reads them, an encrypted token, and both variables for the interpreter."""
    trace = runner.directory / "used"
    here = os.environ.get("PUBLICA_TEST_TARGET_PYTHON", sys.executable)
    script = f'#!/bin/sh\necho "$0" >> {trace}\nexec {here} "$@"\n'
    pythons = {name: runner.write(f"python-{name}", script) for name in ("north", "south")}
    for python in pythons.values():
        python.chmod(0o755)
    token, password_file = encrypted(runner, "publica_users_api_token", store.token)
    variables = f"""
publica_users_base_url: {store.base_url}
{token}
ansible_python_interpreter: {pythons["north"]}
publica_users_defaults:
  plan_valid_to: 2031-12-31
publica_users_desired:
  - email: ana@example.org
    external_id: 1001
    plan_id: 12
publica_users_desired_guests:
  - email: bruno@example.org
    external_id: 1002
    plan_id: 11
    plan_valid_to: 2032-06-30
    sessions_limit: "{{{{ limits.bruno | default(omit) }}}}"
    state: "{{{{ omit }}}}"
"""
    runner.write("inventory/host_vars/north.yml", variables)
    other = {"publica_python_interpreter": str(pythons["south"]), "publica_users_desired": [ANA]}
    hosts = {"north": {}, "south": {**connection_of(south), **other}}
    inventory = runner.write("inventory/stores.yml", {"publica_stores": {"hosts": hosts}}).parent
    vault = ["--vault-password-file", str(password_file), "--limit"]

    run = runner.playbook(
        [PROVISION, PROVISION], inventory, arguments=[*vault, "north,south"]
    ).succeeded()

    first, again = (task for task in run.of_module("publica_user_bulk") if task.host == "north")
    assert counts(first) == {"desired": 2, "created": 2}
    assert counts(again) == {"desired": 2, "unchanged": 2}
    bruno = store.user(email="bruno@example.org")
    assert (bruno["external_id"], bruno["sessions_limit"]) == ("1002", None)
    assert [plan["valid_to"] for plan in store.plans_of(bruno["id"])] == ["2032-06-30"]
    ana = store.user(external_id="1001")
    assert [plan["valid_to"] for plan in store.plans_of(ana["id"])] == ["2031-12-31"]
    assert store.token not in run.output
    assert set(trace.read_text().splitlines()) == {str(python) for python in pythons.values()}


def test_failures_and_every_option(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    """A host whose list is no list, one with a user who fails, and one with every option."""
    options: dict[str, Any] = {
        "publica_users_lookup": "list",
        "publica_users_concurrency": 2,
        "publica_users_on_error": "stop",
        "publica_users_report": "all",
        "publica_users_validate_certs": False,
        "publica_users_ca_path": str(runner.directory),
        "publica_users_timeout": 20,
        "publica_users_max_retries": 1,
        "publica_users_rate_limit_share": 80,
        "publica_users_max_rate_limit_wait": 120,
        "publica_users_rate_limit_dir": str(runner.directory / "shared-limits"),
        "publica_users_progress_interval": 60,
    }
    bad = [{"email": "carla@example.org", "external_id": "guest-1", "plan_id": 999}]
    inventory = write_inventory(runner, {"north": store, "south": south})
    runner.write(
        "inventory/host_vars/north/options.yml",
        {
            **options,
            "publica_users_desired": [ANA],
            "publica_users_defaults": {"only_sees_readable": True},
        },
    )
    runner.write("inventory/host_vars/south/guests.yml", {"publica_users_desired_guests": bad})
    with SandboxStore() as unused:
        no_list = {**connection_of(unused), "publica_users_desired_guests": "ana"}
        runner.write("inventory/more.yml", {"publica_stores": {"hosts": {"east": no_list}}})

        run = runner.playbook(PROVISION, inventory).failed()

        assert unused.journal() == []
    assert "Traceback" not in run.output
    messages = {task.host: task.result["msg"] for task in run.tasks if task.failed}
    assert "publica_users_desired_guests" in messages["east"]
    assert "carla@example.org" in messages["south"]
    tasks = {task.host: task for task in run.of_module("publica_user_bulk")}
    assert set(tasks) == {"north", "south", "east"}
    # A user who fails does not hide the others.
    assert tasks["south"].result["changed"] is True
    assert counts(tasks["south"]) == {"desired": EACH + 1, "created": EACH, "failed": 1}
    assert len(south.users()) == EACH
    passed = {f"publica_users_{name}": str(value) for name, value in tasks["north"].args.items()}
    expected = {name: str(value) for name, value in options.items()}
    assert {name: passed.get(name) for name in options} == expected
    assert len(tasks["north"].result["results"]) == EACH + 1
    assert all(user["only_sees_readable"] for user in store.users())
