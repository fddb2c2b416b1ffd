# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the real ansible-playbook, and the result of each task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from publica_sandbox.testing import SandboxStore

from .database import DatabaseState, copy_database
from .documentation import SUPPORT, collections_root
from .usage import record_usage

RUN_SECONDS = 300
# The variables that a run inherits. Every other one could change a result.
KEPT_VARIABLES = ("PATH", "ANSIBLE_CONFIG", "PYTHONPYCACHEPREFIX", "TMPDIR")
# For PYTHONPATH: the modules then start in half the time.
ARCHIVE_CACHE = str(SUPPORT / "archive_cache")
INTERPRETER = "{{ lookup('ansible.builtin.env', 'TARGET_PYTHON') }}"


@dataclass(frozen=True)
class TaskRun:
    """One task on one host: its arguments and its result."""

    name: str
    host: str
    action: str
    args: dict[str, Any]
    check_mode: bool
    status: str  # ok, failed, ignored (a failure that the play goes on after), skipped, unreachable
    result: dict[str, Any]
    role_variables: list[str]
    copy: str | None

    @property
    def failed(self) -> bool:
        return self.status in ("failed", "ignored", "unreachable")

    @property
    def database(self) -> DatabaseState:
        """The state of the store after this task."""
        assert self.copy is not None, "the run has no store"
        return DatabaseState(Path(self.copy))

    @property
    def code(self) -> str | None:
        failure = self.result.get("failure")
        return failure["code"] if failure else None


@dataclass(frozen=True)
class Run:
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

    def of_module(self, module: str) -> list[TaskRun]:
        """The tasks of one module of this collection that were not skipped."""
        name = f"publica.la.{module}"
        return [task for task in self.tasks if task.action == name and task.status != "skipped"]

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

    playbooks: list[str]
    words: list[str]
    environment: dict[str, str]
    records: Path

    def ran(self, returncode: int, stdout: str, stderr: str) -> Run:
        """The run, after its process has ended."""
        run = Run(returncode, stdout, stderr, _read(self.records))
        record_usage(self.playbooks, run.returncode, [vars(task) for task in run.tasks])
        return run


class Runner:
    """Runs tasks in one directory, where it also copies databases and writes files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._copies = 0

    def copy(self, store: SandboxStore) -> DatabaseState:
        """The state of a store now."""
        self._copies += 1
        return copy_database(store.database, self.directory, self._copies)

    def write(self, name: str, content: Any) -> Path:
        """Write a file: text and bytes unchanged, anything else as YAML."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, (str, bytes)):
            content = yaml.safe_dump(content, sort_keys=False)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


class PlaybookRunner(Runner):
    """Runs playbooks in one directory, which is also their HOME."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
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
            tasks: The tasks of the play.
            store: The store, whose database is copied after each task.
            play: Further keywords of the play.
            arguments: Further words of the command line.
            environment: Further variables.
        """
        copied = {"PUBLICA_TEST_DATABASE": str(store.database)}
        return self.playbook(
            self.play_of(tasks, store, play),
            self.write("localhost.yml", LOCALHOST),
            arguments=arguments,
            environment={"ANSIBLE_PIPELINING": "true", **copied, **(environment or {})},
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
        playbook: str | Path | Sequence[str | Path],
        inventory: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run a playbook by its path or its full name in the collection, or several in turn."""
        command = self.command(playbook, inventory, arguments=arguments, environment=environment)
        finished = subprocess.run(
            command.words,
            cwd=self.directory,
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
        playbook: str | Path | Sequence[str | Path],
        inventory: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Command:
        self._runs += 1
        records = self.directory / f"records-{self._runs}"
        records.mkdir(parents=True)
        several = [playbook] if isinstance(playbook, str | Path) else playbook
        playbooks = [str(each) for each in several]
        words = [
            str(ansible_program("ansible-playbook")),
            *playbooks,
            "--inventory",
            str(inventory),
        ]
        words += arguments
        variables = {
            **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
            "PYTHONPATH": ARCHIVE_CACHE,
            "LC_ALL": "C.UTF-8",
            # Its own, so that no runs of other tests share its rate limit.
            "PUBLICA_RATE_LIMIT_DIR": str(self.directory / "rate-limits"),
            "HOME": str(self.directory),
            "ANSIBLE_HOME": str(self.directory / "ansible-home"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections_root()),
            # The two sides disagree about ~: one takes HOME, the other the list of users.
            "ANSIBLE_ASYNC_DIR": str(self.directory / "async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(SUPPORT / "callback_plugins"),
            "ANSIBLE_NOCOLOR": "true",
            "PUBLICA_TEST_RECORDS": str(records),
            "TARGET_PYTHON": os.environ.get("PUBLICA_TEST_TARGET_PYTHON") or sys.executable,
            **(environment or {}),
        }
        return Command(playbooks, words, variables, records)


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


# The default, before a test sets a directory of its own.
_TEMPORARY = tempfile.gettempdir()


@contextmanager
def short_path_to(directory: Path) -> Iterator[Path]:
    """A link to a directory from the system's directory for temporary files.

    ansible-core 2.21 opens a socket below TMPDIR, and the path of a socket has about a hundred
    characters at most: fewer than the directory of a test may have.
    """
    with tempfile.TemporaryDirectory(prefix="p-", dir=_TEMPORARY) as short:
        link = Path(short) / "t"
        link.symlink_to(directory)
        yield link
