# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in the variables of the role and the playbooks, and settings that hosts inherit."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.release import __version__
from ansible_collections.publica.la.plugins.plugin_utils.variables import (
    PLAYBOOK_VARIABLES,
    ROLE_VARIABLES,
)
from publica_sandbox.testing import SandboxStore

from support.documentation import SUPPORT
from support.inventories import ALL_VARIABLES, connection_of, write_hosts
from support.playbooks import PlaybookRunner, Run

PROVISION, AUDIT = "publica.la.provision", "publica.la.audit"
EXPORT, OFFBOARD = "publica.la.export", "publica.la.offboard"
ANA, BRUNO, CARLA = (
    {"email": f"{name}@example.org", "external_id": f"staff-{name}"}
    for name in ("ana", "bruno", "carla")
)


TEXT_VARIABLES = tuple(
    f"publica_users_{name}"
    for name in ("src", "sheet", "report_dir", "report_language", "last_applied")
)


def words_of(text: str) -> str:
    """A text without the line breaks of Ansible's warnings."""
    return " ".join(text.split())


def only_message(run: Run) -> str:
    """The message of the tasks that failed, which must be the same on each host."""
    (message,) = {task.result["msg"] for task in run.tasks if task.failed}
    return str(message)


@pytest.fixture
def stores(store: SandboxStore, south: SandboxStore) -> dict[str, SandboxStore]:
    """Two stores with the same two users."""
    for one in (store, south):
        for user in (ANA, BRUNO):
            one.add_user(user["email"], external_id=user["external_id"])
    return {"north": store, "south": south}


@pytest.fixture
def inventory(stores: dict[str, SandboxStore], runner: PlaybookRunner) -> Path:
    """The two stores with one desired user, a group without stores, and another host."""
    desired = {"publica_users_desired": [ANA]}
    path = write_hosts(
        runner, {name: {**connection_of(one), **desired} for name, one in stores.items()}
    )
    runner.write("inventory/other.yml", {"web": {"hosts": {"aaa": None}}, "empty": {"hosts": {}}})
    return path


@pytest.mark.parametrize(
    ("playbook", "extra"),
    [
        (OFFBOARD, "publica_offboard_emails=ana@example.org, bruno@example.org"),
        pytest.param(PROVISION, "publica_hosts=north, south", marks=pytest.mark.full),
        pytest.param(AUDIT, "publica_hosts=north, south", marks=pytest.mark.full),
        pytest.param(EXPORT, "publica_export_dir=my files", marks=pytest.mark.full),
    ],
)
def test_words_that_ansible_dropped(
    playbook: str,
    extra: str,
    stores: dict[str, SandboxStore],
    runner: PlaybookRunner,
    inventory: Path,
) -> None:
    run = runner.playbook(playbook, inventory, arguments=["--extra-vars", extra]).failed()

    message = only_message(run)
    assert f"-e {extra.partition('=')[0]}" in message
    assert "blank" in message
    assert [one.journal() for one in stores.values()] == [[], []]


@pytest.mark.parametrize(
    ("playbook", "hosts", "named"),
    [
        (PROVISION, "nroth", "nroth"),
        (OFFBOARD, "publica_stores:!soutth", "soutth"),
        (OFFBOARD, "{{ chosen }}", "'chosen' is undefined"),
        *(
            pytest.param(*values, marks=pytest.mark.full)
            for values in (
                (AUDIT, "north,soutth", "soutth"),
                (EXPORT, "north:&web", "no host matches"),
                (OFFBOARD, "", "no host matches"),
                (PROVISION, "empty", "empty"),
                (PROVISION, "nor*,sou?", "sou?"),
            )
        ),
    ],
)
def test_patterns_that_match_nothing(
    playbook: str,
    hosts: str,
    named: str,
    stores: dict[str, SandboxStore],
    runner: PlaybookRunner,
    inventory: Path,
) -> None:
    given = ["publica_offboard_emails=ana@example.org", "publica_export_dir=exported"]
    extra = [word for value in (f"publica_hosts={hosts}", *given) for word in ("-e", value)]

    run = runner.playbook(playbook, inventory, arguments=extra).failed()

    message = only_message(run)
    assert named in message
    assert "publica_hosts" in message
    assert [one.journal() for one in stores.values()] == [[], []]


def test_patterns_that_match_and_a_missing_group(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, inventory: Path
) -> None:
    excluded = ["-e", '{"publica_hosts": ["web", "south:!empty"]}', "--limit", "north,south"]

    run = runner.playbook([AUDIT, PROVISION], inventory, arguments=excluded).succeeded()

    assert [task.host for task in run.of_module("publica_user_bulk")] == ["south", "south"]
    assert stores["north"].journal() == []
    other = runner.write("other.yml", {"web": {"hosts": {"aaa": None, "bbb": None}}})
    missing = runner.playbook(AUDIT, other, arguments=["--limit", "bbb"]).failed()
    assert "publica_stores" in only_message(missing)
    assert {task.host for task in missing.tasks} == {"bbb"}


@pytest.mark.every_core
def test_settings_that_hosts_inherit(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, inventory: Path
) -> None:
    """A store is reached from the controller, whatever the inventory sets for its hosts."""
    inherited = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.9",
        "ansible_user": "deploy",
        "ansible_become": True,
        "ansible_become_method": "ansible.builtin.su",
        "ansible_become_user": "nobody",
        "ansible_python_interpreter": "/opt/remote/bin/python3",
    }
    runner.write("inventory/group_vars/publica_stores.yml", inherited)
    given = ["publica_offboard_emails=bruno@example.org", "publica_export_dir=exported"]
    extra = [word for value in given for word in ("--extra-vars", value)]
    several = [PROVISION, AUDIT, EXPORT, OFFBOARD]

    runner.playbook(several, inventory, arguments=extra).succeeded()

    for name, one in stores.items():
        assert [user["email"] for user in one.users(active=True)] == [ANA["email"]]
        assert (runner.directory / "exported" / f"{name}.csv").exists()


@pytest.mark.full
def test_another_connection_and_python(runner: PlaybookRunner, inventory: Path) -> None:
    # Not the variable that the tests set for every host: with Ansible's own Python.
    runner.write("inventory/group_vars/all.yml", {"ansible_python_interpreter": "auto"})
    runner.playbook(AUDIT, inventory).succeeded()
    python = os.environ.get("PUBLICA_TEST_TARGET_PYTHON", sys.executable)
    runner.write("inventory/group_vars/all.yml", {"ansible_python_interpreter": python})
    arguments = ["--extra-vars", "publica_connection=elsewhere"]
    environment = {
        "ANSIBLE_CONNECTION_PLUGINS": str(SUPPORT / "connection_plugins"),
        "ANSIBLE_REMOTE_TEMP": str(runner.directory / "remote"),
    }

    runner.playbook(AUDIT, inventory, arguments=arguments, environment=environment).succeeded()

    without = runner.playbook(AUDIT, inventory, arguments=arguments).failed()
    assert "elsewhere" in only_message(without)


@pytest.mark.every_core
@pytest.mark.full
@pytest.mark.oldest_core
def test_rows_and_lists_that_are_none(store: SandboxStore, runner: PlaybookRunner) -> None:
    """Each error names the list, and nothing is sent; a null in place of a list is left out."""
    lists: dict[str, Any] = {
        "empty-row": [ANA, None, BRUNO],
        "wrong-row": [ANA, {**BRUNO, "sessions_limit": "many"}],
        "no-row": [ANA, "bruno@example.org"],
        "text": "ana@example.org",
        "mapping": {"ana": ANA},
        "undefined": "{{ staff }}",
        "undefined-row": [ANA, {**BRUNO, "plan_id": "{{ staff_plan }}"}],
        "null": None,
    }
    errors = {
        "empty-row": "publica_users_desired_staff[1]: is null",
        "wrong-row": "publica_users_desired_staff[1].sessions_limit (bruno@example.org): 'many'",
        "no-row": "publica_users_desired_staff[1]: must be a mapping",
        "text": "publica_users_desired_staff: is text",
        "mapping": "publica_users_desired_staff: is a mapping",
        "undefined": "publica_users_desired_staff: cannot be evaluated: 'staff' is undefined",
        "undefined-row": "publica_users_desired_staff[1]: cannot be evaluated: 'staff_plan' is",
        "null": "publica_users_desired_staff: is null",
    }
    with SandboxStore() as unused:
        exclusive = {**connection_of(unused), "publica_users_exclusive": True}
        hosts = {
            name: {**exclusive, "publica_users_desired_staff": rows} for name, rows in lists.items()
        }
        hosts["null"]["publica_users_desired"] = [ANA]
        hosts["null-leavers"] = {
            **connection_of(unused),
            "publica_users_desired": [ANA],
            "publica_users_desired_staff": None,
            "publica_users_last_applied": "{{ inventory_dir }}/../{{ inventory_hostname }}.json",
            "publica_users_leavers": "deactivate",
        }
        errors["null-leavers"] = errors["null"]
        hosts["first"] = {**exclusive, "publica_users_desired": [ANA, None]}
        errors["first"] = "publica_users_desired[1]: is null"
        hosts["first-undefined"] = {**exclusive, "publica_users_desired": "{{ staff }}"}
        errors["first-undefined"] = "publica_users_desired: cannot be evaluated: 'staff' is undef"
        hosts["left-out"] = {
            **connection_of(store),
            "publica_users_desired": [ANA],
            "publica_users_desired_staff": None,
            "publica_users_desired_guests": "{{ omit }}",
        }

        run = runner.playbook(PROVISION, write_hosts(runner, hosts)).failed()

        assert unused.journal() == []
    tasks = {task.host: task for task in run.of_module("publica_user_bulk")}
    for host, text in errors.items():
        assert text in tasks[host].result["msg"]
        assert tasks[host].code == "invalid_input"
    assert [user["email"] for user in store.users()] == [ANA["email"]]
    for name in ("staff", "guests"):
        assert f"publica_users_desired_{name} is null" in words_of(run.output)


def test_a_user_who_fails_later_is_named_by_the_list(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    staff = [BRUNO, {**CARLA, "plan_id": 999}]
    variables = {
        **connection_of(store),
        "publica_users_desired": [ANA],
        "publica_users_desired_staff": staff,
    }

    run = runner.playbook(PROVISION, write_hosts(runner, {"north": variables})).failed()

    (task,) = run.of_module("publica_user_bulk")
    assert list(task.result["failure"]["fields"]) == ["publica_users_desired_staff[1]"]
    assert "publica_users_desired_staff[1] carla@example.org" in task.result["msg"]
    assert task.result["failed_users"] == [staff[1]]
    assert {user["email"] for user in store.users()} == {"ana@example.org", "bruno@example.org"}


@pytest.mark.every_core
@pytest.mark.full
@pytest.mark.oldest_core
def test_null_is_left_out(store: SandboxStore, runner: PlaybookRunner) -> None:
    """For each variable of the role and of the playbooks."""
    nulls: dict[str, Any] = dict.fromkeys((*ROLE_VARIABLES, *PLAYBOOK_VARIABLES))
    store.add_user(BRUNO["email"], external_id=BRUNO["external_id"])
    given = {
        **connection_of(store),
        "publica_users_desired_staff": [ANA],
        "publica_export_dir": str(runner.directory / "exported"),
        "publica_offboard_emails": [BRUNO["email"]],
    }
    # The tests can have another Python for the modules.
    nulls["publica_python_interpreter"] = ALL_VARIABLES["publica_python_interpreter"]
    inventory = write_hosts(runner, {"north": {**nulls, **given}})

    run = runner.playbook([PROVISION, AUDIT, EXPORT, OFFBOARD], inventory).succeeded()

    assert [user["email"] for user in store.users(active=True)] == [ANA["email"]]
    of_role = run.of_module("publica_user_bulk")[0].args
    assert set(of_role) == {
        *("base_url", "api_token", "user_lists", "defaults", "count_seats"),
    }


def test_omit_is_left_out(store: SandboxStore, runner: PlaybookRunner) -> None:
    # Before ansible-core 2.19, the check of a role's arguments accepts omit as a text only.
    is_new = tuple(map(int, __version__.split(".")[:2])) >= (2, 19)
    names = ROLE_VARIABLES if is_new else TEXT_VARIABLES
    omitted = dict.fromkeys(names, "{{ nothing | default(omit) }}")
    given = {**connection_of(store), "publica_users_desired": [ANA]}
    inventory = write_hosts(runner, {"north": {**omitted, **given}})

    run = runner.playbook([PROVISION, AUDIT], inventory).succeeded()

    provisioned, audited = run.of_module("publica_user_bulk")
    assert (provisioned.result["summary"]["created"], audited.result["changed"]) == (1, False)


def test_null_falls_back_to_the_environment_and_is_no_list(
    store: SandboxStore, runner: PlaybookRunner
) -> None:
    nulls: dict[str, Any] = dict.fromkeys(ROLE_VARIABLES)
    hosts = {"north": {**nulls, "publica_users_desired": [ANA]}, "south": nulls}
    environment = {"PUBLICA_BASE_URL": store.base_url, "PUBLICA_API_TOKEN": store.token}

    run = runner.playbook(PROVISION, write_hosts(runner, hosts), environment=environment).failed()

    assert run.stdout.count("1 desired: 1 created") == 1
    assert "Set publica_users_desired" in only_message(run)
    assert [user["email"] for user in store.users()] == [ANA["email"]]


def test_misspelt_variables_and_hosts_of_one_store(
    stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> None:
    north, south = stores["north"], stores["south"]
    hosts = {
        "north": {**connection_of(north), "publica_users_desired": [ANA]},
        "again": {**connection_of(north), "publica_users_desired": [], "publica_user_src": "x.csv"},
        # Falls back to the address in the environment.
        "south": {"publica_users_base_ulr": south.base_url, "publica_users_desired": []},
        "east": {**connection_of(north), "publica_users_scr": "readers.csv"},
    }
    hosts["again"]["publica_users_base_url"] = f"{north.base_url}/"
    environment = {"PUBLICA_BASE_URL": north.base_url, "PUBLICA_API_TOKEN": north.token}

    run = runner.playbook(PROVISION, write_hosts(runner, hosts), environment=environment).failed()

    output = words_of(run.output)
    for text in (
        "publica_user_src is not a variable of this collection",
        "Did you mean publica_users_src?",
        "publica_users_base_ulr is not a variable of this collection",
        "Did you mean publica_users_base_url?",
    ):
        assert text in output
    shared = f"north, again, south, east are the same store, {north.base_url} (south: from"
    assert output.count(shared) == 1
    (failed,) = (task for task in run.tasks if task.failed)
    assert failed.host == "east"
    assert "publica_users_scr is unknown; did you mean publica_users_src?" in failed.result["msg"]
    # A registered result and a variable of the user's own are none.
    assert "publica_users_result" not in output
    assert "publica_python_interpreter is" not in output


def test_truth_values_of_the_playbooks(
    stores: dict[str, SandboxStore], runner: PlaybookRunner, inventory: Path
) -> None:
    wrong = ["--extra-vars", "publica_audit_fail=Ture"]

    run = runner.playbook(AUDIT, inventory, arguments=wrong).failed()

    assert "publica_audit_fail: 'Ture'" in only_message(run)
    assert [one.journal() for one in stores.values()] == [[], []]


def test_a_variable_that_cannot_be_evaluated_is_not_one_that_is_not_set(
    stores: dict[str, SandboxStore], runner: PlaybookRunner
) -> None:
    """Otherwise the store or the token of the environment would take its place."""
    north = connection_of(stores["north"])
    other = stores["south"]
    hosts: dict[str, dict[str, Any]] = {
        "address": {**north, "publica_users_base_url": "{{ north_url }}"},
        "token": {**north, "publica_users_api_token": "{{ north_token }}"},
        "file": {
            **north,
            "publica_users_src": "{{ readers }}.csv",
            "publica_users_ca_path": "{{ certificates | default(omit) }}",
        },
    }
    environment = {"PUBLICA_BASE_URL": other.base_url, "PUBLICA_API_TOKEN": other.token}
    extra = ["--extra-vars", "publica_offboard_emails=ana@example.org"]
    inventory = write_hosts(runner, hosts)

    looked = runner.playbook("publica.la.preflight", inventory, environment=environment).failed()
    run = runner.playbook(OFFBOARD, inventory, arguments=extra, environment=environment).failed()

    page = words_of(looked.stdout)
    assert "publica_users_ca_path" not in page
    for name, missing in (("base_url", "north_url"), ("src", "readers")):
        assert f"publica_users_{name} cannot be evaluated: '{missing}' is undefined." in page
    text = "publica_users_api_token cannot be evaluated: 'north_token' is undefined."
    assert text in page
    assert {task.host for task in run.tasks if task.failed} == {"address", "token"}
    # Offboarding reads no file.
    assert [user["email"] for user in stores["north"].users(active=True)] == [BRUNO["email"]]
    assert other.journal() == []
