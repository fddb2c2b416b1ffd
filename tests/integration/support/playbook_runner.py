# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running the real ansible-playbook, and telling what came of each of its tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore

from .paths import TESTS, collections_root
from .truth_at import TruthAt
from .usage import record_usage

# A run that takes longer hangs.
RUN_SECONDS = 300
# What a run may take over from whoever started the tests. Everything else could change a result.
KEPT_VARIABLES = ("PATH", "ANSIBLE_CONFIG", "PYTHONPYCACHEPREFIX", "TMPDIR")
INTERPRETER = "{{ lookup('ansible.builtin.env', 'TARGET_PYTHON') }}"


@dataclass(frozen=True)
class TaskRun:
    """One task on one host: what it was given, and what came of it."""

    name: str
    host: str
    action: str
    args: dict[str, Any]
    check_mode: bool
    status: str  # ok, failed, ignored (a failure that the play goes on after), skipped, unreachable
    result: dict[str, Any]
    role_variables: list[str]
    photograph: str | None

    @property
    def failed(self) -> bool:
        return self.status in ("failed", "ignored", "unreachable")

    @property
    def truth(self) -> TruthAt:
        """The store as this task left it."""
        assert self.photograph is not None, "the run had no store to photograph"
        return TruthAt(Path(self.photograph))


@dataclass(frozen=True)
class Run:
    """One run of ansible-playbook."""

    returncode: int
    stdout: str
    stderr: str
    tasks: list[TaskRun] = field(repr=False)

    @property
    def output(self) -> str:
        return f"{self.stdout}\n{self.stderr}"

    def named(self, name: str, host: str | None = None) -> TaskRun:
        """The one task with a name (on one host)."""
        found = [t for t in self.tasks if t.name == name and host in (None, t.host)]
        assert len(found) == 1, f"{len(found)} results of {name!r} on {host}:\n{self.output}"
        return found[0]

    def of_module(self, module: str, host: str | None = None) -> Iterator[TaskRun]:
        """The tasks of one module of this collection."""
        for task in self.tasks:
            if task.action == f"publica.la.{module}" and host in (None, task.host):
                yield task

    def succeeded(self) -> Run:
        """Itself, if no host failed."""
        assert self.returncode == 0, self.output
        return self

    def failed(self) -> Run:
        """Itself, if a host failed."""
        assert self.returncode == 2, self.output
        return self


@dataclass(frozen=True)
class Command:
    """The command line and the environment of one run."""

    playbook: str
    words: list[str]
    environment: dict[str, str]
    records: Path

    def ran(self, returncode: int, stdout: str, stderr: str) -> Run:
        """What came of it."""
        run = Run(returncode, stdout, stderr, _read(self.records))
        record_usage(self.playbook, run.returncode, [vars(task) for task in run.tasks])
        return run


class PlaybookRunner:
    """Runs playbooks below one folder, which is also their HOME."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs = 0

    def tasks(
        self,
        tasks: Sequence[Mapping[str, Any]],
        store: SandboxStore,
        *,
        play: Mapping[str, Any] | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run tasks against one store, whose address and token are the action group's defaults.

        Args:
            tasks: As they would stand in a playbook.
            store: The store, photographed after each task.
            play: Further keywords of the play.
            arguments: Further words of the command line.
            environment: Further variables.
        """
        photographed = {"PUBLICA_TEST_DATABASE": str(store.database)}
        return self.playbook(
            self.play_of(tasks, store, play),
            self.write("localhost.yml", LOCALHOST),
            arguments=arguments,
            environment={"ANSIBLE_PIPELINING": "true", **photographed, **(environment or {})},
        )

    def play_of(
        self,
        tasks: Sequence[Mapping[str, Any]],
        store: SandboxStore,
        play: Mapping[str, Any] | None = None,
    ) -> Path:
        """A playbook of tasks against one store, with further keywords of the play."""
        content = {
            "name": "Tasks of a test",
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": connection_defaults(store),
            **(play or {}),
            "tasks": list(tasks),
        }
        return self.write(f"play-{self._runs}.yml", [content])

    def playbook(
        self,
        playbook: str | Path,
        inventory: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run a playbook by its path, or by its full name in the collection."""
        command = self.command(playbook, inventory, arguments=arguments, environment=environment)
        finished = subprocess.run(
            command.words,
            cwd=self.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return command.ran(finished.returncode, finished.stdout, finished.stderr)

    def command(
        self,
        playbook: str | Path,
        inventory: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Command:
        """What runs a playbook, for whoever wants to start it in a way of his own."""
        self._runs += 1
        records = self.folder / f"records-{self._runs}"
        records.mkdir(parents=True)
        words = [str(ansible_program("ansible-playbook")), str(playbook)]
        words += ["--inventory", str(inventory), *arguments]
        variables = {
            **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
            "LC_ALL": "C.UTF-8",
            # Of its own, so that no other test's runs share a rate limit with this one's.
            "PUBLICA_RATE_LIMIT_DIR": str(self.folder / "rate-limits"),
            "HOME": str(self.folder),
            "ANSIBLE_HOME": str(self.folder / "ansible-home"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections_root()),
            # One side takes HOME for ~, and the other one the system's list of users.
            "ANSIBLE_ASYNC_DIR": str(self.folder / "async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(TESTS / "callback_plugins"),
            "ANSIBLE_NOCOLOR": "true",
            "PUBLICA_TEST_RECORDS": str(records),
            "TARGET_PYTHON": os.environ.get("PUBLICA_TEST_TARGET_PYTHON") or sys.executable,
            **(environment or {}),
        }
        return Command(str(playbook), words, variables, records)

    def write(self, name: str, content: Any) -> Path:
        """Write a file, with text as it is and anything else as YAML."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf-8")
        return path


LOCALHOST = {
    "all": {
        "hosts": {
            "localhost": {
                "ansible_connection": "local",
                "ansible_python_interpreter": INTERPRETER,
            }
        }
    }
}


def connection_defaults(store: SandboxStore) -> dict[str, Any]:
    """``module_defaults`` that reach a store from every module of the action group."""
    return {"group/publica.la.publica": {"base_url": store.base_url, "api_token": store.token}}


def ansible_program(name: str) -> Path:
    """A program of the Ansible that runs the tests."""
    return Path(sys.executable).parent / name


def _read(records: Path) -> list[TaskRun]:
    results = records / "results.jsonl"
    if not results.exists():
        return []
    lines = results.read_text(encoding="utf-8").splitlines()
    return [TaskRun(**json.loads(line)) for line in lines]
