# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook publica.la.provision on inventories as operators write them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.inventories import ALL_VARIABLES, encrypted, seats, write_inventory
from support.playbook_runner import PlaybookRunner, Run

PROVISION = "publica.la.provision"
EACH = 100  # users of a store in the two departments


@pytest.fixture
def south() -> Iterator[SandboxStore]:
    with SandboxStore(token="token-of-the-southern-store-0123456789") as store:
        yield store


def summaries(run: Run) -> dict[str, dict[str, int]]:
    """What the run came to, by host, without what is 0."""
    return {
        task.host: {name: count for name, count in task.result["summary"].items() if count}
        for task in run.of_module("publica_user_bulk")
    }


def test_two_stores_and_four_departments(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    stores = {"north": store, "south": south}
    inventory = write_inventory(runner, stores)

    planned = runner.playbook(PROVISION, inventory, arguments=["--check", "--diff"]).succeeded()

    assert [one.users() for one in stores.values()] == [[], []]
    first = runner.playbook(PROVISION, inventory).succeeded()
    created = {"desired": EACH, "created": EACH}
    assert summaries(planned) == summaries(first) == {"north": created, "south": created}
    for name, one in stores.items():
        assert {user["email"] for user in one.users(active=True)} == {
            seat["email"] for part in ("editorial", "library") for seat in seats(name, part)
        }
        assert all(len(one.plans_of(user["id"])) == 1 for user in one.users())
        one.clear_journal()

    second = runner.playbook(PROVISION, inventory).succeeded()

    unchanged = {"desired": EACH, "unchanged": EACH}
    assert summaries(second) == {"north": unchanged, "south": unchanged}
    assert not any(task.result["changed"] for task in second.tasks)
    assert second.stdout.count("changed=0") == len(stores)
    for one in stores.values():
        requests = one.journal()
        assert {(row["method"], row["endpoint"]) for row in requests} == {("GET", "list")}
        assert [row for row in requests if "query=" in row["query"]] == [], "looked users up"
        # A hundred users are a full page: without a total, a second one shows that it was all.
        assert len(requests) <= 2


def test_one_store_of_several(
    store: SandboxStore, south: SandboxStore, runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, {"north": store, "south": south})

    run = runner.playbook(PROVISION, inventory, arguments=["--limit", "south"]).succeeded()

    assert list(summaries(run)) == ["south"]
    assert store.journal() == []
    assert len(south.users()) == EACH


def test_another_group(store: SandboxStore, runner: PlaybookRunner) -> None:
    inventory = write_inventory(runner, {"north": store}, group="schools")

    nobody = runner.playbook(PROVISION, inventory).succeeded()
    run = runner.playbook(
        PROVISION, inventory, arguments=["--extra-vars", "publica_hosts=schools"]
    ).succeeded()

    assert nobody.tasks == []
    assert summaries(run) == {"north": {"desired": EACH, "created": EACH}}


def test_values_as_yaml_reads_them(store: SandboxStore, runner: PlaybookRunner) -> None:
    token, password_file = encrypted(runner, "publica_users_api_token", store.token)
    variables = f"""
publica_users_base_url: {store.base_url}
{token}
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
    runner.write("inventory/group_vars/all.yml", ALL_VARIABLES)
    inventory = runner.write("inventory/stores.yml", {"publica_stores": {"hosts": {"north": {}}}})
    vault = ["--vault-password-file", str(password_file)]

    first = runner.playbook(PROVISION, inventory.parent, arguments=vault).succeeded()
    second = runner.playbook(PROVISION, inventory.parent, arguments=vault).succeeded()

    assert summaries(first) == {"north": {"desired": 2, "created": 2}}
    assert summaries(second) == {"north": {"desired": 2, "unchanged": 2}}
    bruno = store.user(email="bruno@example.org")
    assert (bruno["external_id"], bruno["sessions_limit"]) == ("1002", None)
    assert [plan["valid_to"] for plan in store.plans_of(bruno["id"])] == ["2032-06-30"]
    ana = store.user(external_id="1001")
    assert [plan["valid_to"] for plan in store.plans_of(ana["id"])] == ["2031-12-31"]
    assert store.token not in first.output


def test_a_list_that_is_none(store: SandboxStore, runner: PlaybookRunner) -> None:
    inventory = write_inventory(runner, {"north": store})
    runner.write("inventory/host_vars/north/guests.yml", {"publica_users_desired_guests": "ana"})

    run = runner.playbook(PROVISION, inventory).failed()

    (failed,) = (task for task in run.tasks if task.failed)
    assert "publica_users_desired_guests" in failed.result["msg"]
    assert "rename" in failed.result["msg"]
    assert "Traceback" not in run.output
    assert store.journal() == []


def test_address_and_token_from_the_environment(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, {"north": store})
    (inventory / "host_vars" / "north" / "store.yml").unlink()
    environment = {"PUBLICA_BASE_URL": store.base_url, "PUBLICA_API_TOKEN": store.token}

    run = runner.playbook(PROVISION, inventory, environment=environment).succeeded()
    without = runner.playbook(PROVISION, inventory).failed()

    assert summaries(run) == {"north": {"desired": EACH, "created": EACH}}
    (failed,) = (task for task in without.tasks if task.failed)
    assert "base_url" in failed.result["msg"]


@pytest.mark.parametrize("variable", ["ansible_python_interpreter", "publica_python_interpreter"])
def test_the_inventory_chooses_the_python(
    variable: str, store: SandboxStore, runner: PlaybookRunner
) -> None:
    inventory = write_inventory(runner, {"north": store})
    trace = runner.folder / "used"
    python_here = os.environ.get("PUBLICA_TEST_TARGET_PYTHON", sys.executable)
    python = runner.write("python", f'#!/bin/sh\necho used >> {trace}\nexec {python_here} "$@"\n')
    python.chmod(0o755)
    runner.write("inventory/group_vars/all.yml", {variable: str(python)})

    runner.playbook(PROVISION, inventory).succeeded()

    assert trace.exists()


def test_a_user_who_fails_hides_nobody(store: SandboxStore, runner: PlaybookRunner) -> None:
    inventory = write_inventory(runner, {"north": store})
    bad: list[dict[str, Any]] = [
        {"email": "carla@example.org", "external_id": "guest-1", "plan_id": 999}
    ]
    runner.write("inventory/host_vars/north/guests.yml", {"publica_users_desired_guests": bad})

    run = runner.playbook(PROVISION, inventory).failed()

    (task,) = run.of_module("publica_user_bulk")
    assert task.result["changed"] is True
    assert "1 of 101 users failed" in task.result["msg"]
    assert "carla@example.org" in task.result["msg"]
    assert summaries(run) == {"north": {"desired": EACH + 1, "created": EACH, "failed": 1}}
    assert len(store.users()) == EACH


def test_every_option_of_the_role(store: SandboxStore, runner: PlaybookRunner) -> None:
    inventory = write_inventory(runner, {"north": store})
    options = {
        "publica_users_desired": [{"email": "ana@example.org", "external_id": "staff-1"}],
        "publica_users_defaults": {"only_sees_readable": True},
        "publica_users_lookup": "list",
        "publica_users_concurrency": 2,
        "publica_users_on_error": "stop",
        "publica_users_report": "all",
        "publica_users_validate_certs": False,
        "publica_users_ca_path": str(inventory),
        "publica_users_timeout": 20,
        "publica_users_max_retries": 1,
        "publica_users_rate_limit_share": 80,
        "publica_users_max_rate_limit_wait": 120,
        "publica_users_rate_limit_dir": str(runner.folder / "shared-limits"),
        "publica_users_progress_interval": 60,
    }
    runner.write("inventory/host_vars/north/options.yml", options)

    run = runner.playbook(PROVISION, inventory).succeeded()

    (task,) = run.of_module("publica_user_bulk")
    handed_on = {
        name: str(value)
        for name, value in options.items()
        if name not in ("publica_users_desired", "publica_users_defaults")
    }
    received = {f"publica_users_{name}": str(value) for name, value in task.args.items()}
    assert {name: received.get(name) for name in handed_on} == handed_on
    assert len(task.result["results"]) == EACH + 1
    assert all(user["only_sees_readable"] for user in store.users())
