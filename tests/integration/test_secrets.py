# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is shown, at the highest verbosity, whether a run succeeds or fails.

The tests search standard output and error, the log, results as a playbook has them, every file that
a run leaves, and the command lines and environments of all its processes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.documentation import collection
from support.in_process import ModuleRunner
from support.inventories import write_inventory
from support.playbooks import LOCALHOST, Command, PlaybookRunner
from support.secret_scenarios import ANA, BULK, LOUD, PLAIN, SCENARIOS, USER, Scenario, Scene
from support.secrets import Watched, core_of, leaks, links_of, token, watched
from support.servers import echo_store

TOKEN = "the store's token"
# Each is an attribute of a scenario and a mark of its test.
MARKS = ("full", "oldest_core")


@pytest.fixture(scope="module")
def secret_store() -> Iterator[SandboxStore]:
    with SandboxStore(token=token(TOKEN)) as running:
        yield running


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with echo_store() as address:
        yield address


@pytest.fixture
def scene(secret_store: SandboxStore, echo: str, runner: PlaybookRunner) -> Scene:
    secret_store.reset()
    # Every list that is read holds the impersonation links of these users.
    secret_store.add_users(
        [{"email": "zoe@example.org"}, {"email": "yuri@example.org", "active": False}]
    )
    return Scene(secret_store, runner, echo, cores={TOKEN: core_of(TOKEN)})


def check_no_leak(scene: Scene, seen: Watched) -> None:
    places = seen.places()
    for place in ("stdout", "ansible.log"):
        assert b"TASK" in places[place], f"{place} is empty"
    assert seen.command_lines, "no process of the run was seen"
    assert leaks({**scene.cores, **links_of(scene.store)}, places) == [], seen.run.output
    shared = scene.runner.directory.glob("rate-limits/*")
    assert {path.stat().st_mode & 0o777 for path in shared} <= {0o600}


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(
            scenario,
            id=scenario.name,
            marks=[getattr(pytest.mark, name) for name in MARKS if getattr(scenario, name)],
        )
        for scenario in SCENARIOS
    ],
)
def test_no_secret_is_shown(scene: Scene, scenario: Scenario) -> None:
    seen = watched(scene.runner, scenario.command(scene))

    check_no_leak(scene, seen)
    assert seen.run.returncode == scenario.returncode, seen.run.output
    if scenario.returncode == 0:
        failed = [task for task in seen.run.tasks if task.failed]
        assert [task.name for task in failed] == list(scenario.fails)
        if scenario.code is not None:
            assert {task.code for task in failed} == {scenario.code}
    # The secrets reached the store, so they could have been shown.
    for email, place in scenario.holds.items():
        user = scene.store.user(email=email)
        assert scene.store.has_password(user["id"], scene.passwords[place]), email


@pytest.mark.parametrize("scenario", PLAIN, ids=lambda scenario: scenario.name)
def test_no_secret_is_in_the_output_of_a_module(
    scene: Scene, modules: ModuleRunner, scenario: Scenario
) -> None:
    scene.templates = False

    run = modules.tasks(scenario.tasks(scene), scene.store)

    results = [task.result for task in run.tasks]
    places = {"output": run.stdout.encode(), "results": repr(results).encode()}
    assert leaks({**scene.cores, **links_of(scene.store)}, places) == []
    assert [task.name for task in run.tasks if task.failed] == list(scenario.fails)
    if scenario.code is not None:
        assert {task.code for task in run.tasks if task.failed} == {scenario.code}


SEATS = [
    {"email": f"reader{number}@example.org", "external_id": f"reader-{number}"}
    for number in range(200)
]


def _many(scene: Scene) -> Command:
    users = [{**ANA, "password": scene.password("row of an interrupted run")}, *SEATS]
    task = {"name": "many", BULK: {"users": users, "concurrency": 2}, "ignore_errors": True}
    return scene.command([task], {"ANSIBLE_PIPELINING": "true"}, [], registers=True)


def _provision(scene: Scene) -> Command:
    inventory = write_inventory(scene.runner, {"north": scene.store})
    guests = [{**ANA, "password": scene.secret("guest of an interrupted run")}, *SEATS]
    path = "inventory/host_vars/north/guests.yml"
    scene.runner.write(path, {"publica_users_desired_guests": guests})
    # Ansible's default.
    environment = {"ANSIBLE_PIPELINING": "false"}
    return scene.runner.command(
        "publica.la.provision", inventory, arguments=LOUD, environment=environment
    )


@pytest.mark.parametrize(
    ("prepare", "to_module"),
    [
        pytest.param(_many, True, id="the module", marks=pytest.mark.full),
        pytest.param(_many, False, id="ansible-playbook", marks=pytest.mark.full),
        pytest.param(_provision, False, id="ansible-playbook with the playbook"),
    ],
)
def test_an_interrupted_run_shows_no_secret(
    scene: Scene, prepare: Callable[[Scene], Command], to_module: bool
) -> None:
    scene.store.configure(latency=100)
    command = prepare(scene)

    def interrupt(playbook: int) -> None:
        until = time.monotonic() + 60
        while not scene.store.journal(writes=True) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(_module_of(command.records) if to_module else playbook, signal.SIGTERM)

    seen = watched(scene.runner, command, interrupt)

    check_no_leak(scene, seen)
    if to_module:
        assert seen.run.named("many").code == "interrupted"
    else:
        assert seen.run.returncode != 0
    assert scene.store.journal(writes=True)
    assert len(scene.store.users()) < len(SEATS)


def _module_of(records: Path) -> int:
    """The process of the module of a run: the youngest Python with the mark of the run."""
    mark = f"PUBLICA_TEST_RECORDS={records}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark in (process / "environ").read_bytes():
                program = (process / "cmdline").read_bytes().partition(b"\0")[0]
                found += [int(process.name)] if b"python" in program else []
        except OSError:
            continue
    return max(found)


def test_every_module_role_and_playbook_has_a_scenario(scene: Scene) -> None:
    tasks = [task for scenario in SCENARIOS for task in scenario.tasks(scene)]
    used = {word for task in tasks for word in task}
    used |= {name for scenario in SCENARIOS for name in scenario.playbooks}
    used |= {task.get("ansible.builtin.include_role", {}).get("name") for task in tasks}
    directories = {"plugins/modules": "*.py", "playbooks": "*.yml", "roles": "*"}
    offered = {
        f"publica.la.{path.stem}"
        for directory, pattern in directories.items()
        for path in (collection() / directory).glob(pattern)
        if not path.stem.startswith("_")
    }
    assert len(offered) > 5
    assert offered - used == set()


def test_a_token_of_the_environment_is_only_there(scene: Scene) -> None:
    runner = scene.runner
    command = runner.command(
        runner.play_of([{"name": "one", USER: ANA}], scene.store, {"module_defaults": {}}),
        runner.write("localhost.yml", LOCALHOST),
        arguments=LOUD,
        environment={
            "PUBLICA_API_TOKEN": scene.store.token,
            "PUBLICA_BASE_URL": scene.store.base_url,
        },
    )

    seen = watched(scene.runner, command)

    places = seen.places()
    assert leaks(scene.cores, {"environments": places.pop("environments")})
    assert leaks(scene.cores, places) == []
    assert scene.store.user(email=ANA["email"])["active"]


@pytest.mark.full
def test_leaked_canaries_are_found(scene: Scene) -> None:
    """The other tests find a secret in each place and in each encoding."""
    secret = scene.password("shown on purpose")
    name = secret.strip("{} ")
    left = scene.runner.directory / "remote" / "left"
    command = ["python3", "-c", "import time; time.sleep(1)", secret]
    tasks: list[dict[str, Any]] = [
        {"name": "printed", "ansible.builtin.debug": {"msg": f"{{{{ {name} | b64encode }}}}"}},
        {
            "name": "in the process list",
            "ansible.builtin.command": {"argv": command},
            "environment": {"SHOWN": secret},
        },
        {
            "name": "left behind",
            "ansible.builtin.copy": {
                "content": f"x{{{{ {name} | urlencode }}}}",
                "dest": str(left),
            },
        },
    ]

    seen = watched(scene.runner, scene.command(tasks, {}, [], registers=True))

    found = {line.partition(" in ")[2] for line in leaks(scene.cores, seen.places())}
    assert {
        "stdout", "results", "process list", "environments", "ansible.log", "remote/left",
        "registered.json",
    } <= found  # fmt: skip
