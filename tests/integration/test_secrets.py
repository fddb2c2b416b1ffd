# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing secret is told, at the highest verbosity, whatever comes of a run.

Looked through are standard output and error, the log, results as a playbook has them, every file
that a run leaves behind, and the command lines and environments of all its processes.
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
from support.canaries import Watched, core_of, links_of, token, told, watched
from support.echo_store import echo_store
from support.inventories import write_inventory
from support.playbook_runner import LOCALHOST, Command, PlaybookRunner
from support.secret_ways import ANA, BULK, LOUD, USER, WAYS, Scene, Way

from support.paths import collection

TOKEN = "the store's token"


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
    # Their links to act as them are in every list that is read.
    secret_store.add_users(
        [{"email": "zoe@example.org"}, {"email": "yuri@example.org", "active": False}]
    )
    return Scene(secret_store, runner, echo, cores={TOKEN: core_of(TOKEN)})


def assert_untold(scene: Scene, seen: Watched) -> None:
    """No secret of a scene is in any place where a run can tell it."""
    places = seen.places()
    for place in ("stdout", "ansible.log"):
        assert b"TASK" in places[place], f"{place} told nothing at all"
    assert seen.command_lines, "no process of the run was seen"
    assert told({**scene.cores, **links_of(scene.store)}, places) == [], seen.run.output
    shared = scene.runner.folder.glob("rate-limits/*")
    assert {path.stat().st_mode & 0o777 for path in shared} <= {0o600}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_nothing_secret_is_told(scene: Scene, way: Way) -> None:
    seen = watched(scene.runner, way.command(scene))

    assert_untold(scene, seen)
    assert seen.run.returncode == way.returncode, seen.run.output
    if way.returncode == 0:
        failed = [task for task in seen.run.tasks if task.failed]
        assert [task.name for task in failed] == list(way.fails)
        if way.code is not None:
            assert {task.result["failure"]["code"] for task in failed} == {way.code}
    # The secrets were where they belong, so they could have been told.
    for email, place in way.holds.items():
        user = scene.store.user(email=email)
        assert scene.store.has_password(user["id"], scene.passwords[place]), email


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
    # As it is where nobody has changed Ansible's settings.
    environment = {"ANSIBLE_PIPELINING": "false"}
    return scene.runner.command(
        "publica.la.provision", inventory, arguments=LOUD, environment=environment
    )


@pytest.mark.parametrize(
    ("prepare", "module_is_told"),
    [(_many, True), (_many, False), (_provision, False)],
    ids=["the module", "ansible-playbook", "ansible-playbook with the playbook"],
)
def test_nothing_secret_is_told_by_an_interrupted_run(
    scene: Scene, prepare: Callable[[Scene], Command], module_is_told: bool
) -> None:
    scene.store.configure(latency=100)
    command = prepare(scene)

    def interrupt(playbook: int) -> None:
        until = time.monotonic() + 60
        while not scene.store.journal(writes=True) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(_module_of(command.records) if module_is_told else playbook, signal.SIGTERM)

    seen = watched(scene.runner, command, interrupt)

    assert_untold(scene, seen)
    if module_is_told:
        assert seen.run.named("many").result["failure"]["code"] == "interrupted"
    else:
        assert seen.run.returncode != 0
    assert scene.store.journal(writes=True)
    assert len(scene.store.users()) < len(SEATS)


def _module_of(records: Path) -> int:
    """The process of the module of a run: the youngest Python of all that have the run's mark."""
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


def test_everything_of_the_collection_has_its_way(scene: Scene) -> None:
    """A module, role or playbook that comes later needs a row in the table."""
    tasks = [task for way in WAYS for task in way.tasks(scene)]
    used = {word for task in tasks for word in task} | {way.playbook for way in WAYS}
    used |= {task.get("ansible.builtin.include_role", {}).get("name") for task in tasks}
    folders = {"plugins/modules": "*.py", "playbooks": "*.yml", "roles": "*"}
    offered = {
        f"publica.la.{path.stem}"
        for folder, pattern in folders.items()
        for path in (collection() / folder).glob(pattern)
        if not path.stem.startswith("_")
    }
    assert len(offered) > 5
    assert offered - used == set()


def test_a_token_of_the_environment_is_told_nowhere_else(scene: Scene) -> None:
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
    assert told(scene.cores, {"environments": places.pop("environments")})
    assert told(scene.cores, places) == []
    assert scene.store.user(email=ANA["email"])["active"]


def test_the_canaries_are_found_where_they_are_told(scene: Scene) -> None:
    """What the other tests rely on: a secret is seen in each place, in each spelling."""
    secret = scene.password("told on purpose")
    name = secret.strip("{} ")
    left = scene.runner.folder / "remote" / "left"
    tasks: list[dict[str, Any]] = [
        {
            "name": "printed",
            "ansible.builtin.debug": {"msg": f"{{{{ {name} | b64encode }}}}"},
        },
        {
            "name": "in the process list",
            "ansible.builtin.command": {
                "argv": ["python3", "-c", "import time; time.sleep(1)", secret]
            },
            "environment": {"TOLD": secret},
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

    found = {line.partition(" in ")[2] for line in told(scene.cores, seen.places())}
    assert {
        "stdout", "results", "process list", "environments", "ansible.log", "remote/left",
        "registered.json",
    } <= found  # fmt: skip
