# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that are recognized wherever they appear, and the places where they could appear.

A canary is a secret with a unique core of letters and digits. Quoting, escaping and cutting do not
change the core, so the core is searched for, also in base64 and hexadecimal.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from publica_sandbox.testing import SandboxStore

from .playbooks import RUN_SECONDS, Command, PlaybookRunner, Run, short_path_to

SAMPLE_SECONDS = 0.05
# Ansible's watcher of a background task checks every five seconds whether it has ended.
LAST_SECONDS = 30
# What the tests' own callback and stores write, which is not left by a run.
OWN_FILES = ("records-", "publica-sandbox-", "copy-")


def core_of(place: str) -> str:
    """The part of a canary that is searched for."""
    return f"canary{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def canary(place: str) -> str:
    """A secret that is used in one place only, so that a leak shows where it came from."""
    # All that quoting and escaping change, on both sides of the core.
    return f"%2F+&\\'\"é{core_of(place)}é\"'\\&+/ =x"


def token(place: str) -> str:
    """A canary that a header can carry."""
    return f"%2F+&'\"{core_of(place)}\"'&+/=x"


def encodings(core: str) -> list[bytes]:
    """A core in each form in which a tool could print it."""
    raw = core.encode()
    # base64 groups three bytes; the first and last characters mix with neighbours.
    encoded = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw.hex().encode(), *encoded]


def leaks(cores: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Which secrets are in which places; both have names that are not secret."""
    return [
        f"{name} in {place}"
        for name, core in cores.items()
        for place, content in places.items()
        if any(encoding in content for encoding in encodings(core))
    ]


def links_of(store: SandboxStore) -> dict[str, str]:
    return {f"link of {user['email']}": user["impersonation_secret"] for user in store.users()}


@dataclass
class Watched:
    """A run, the command lines of its processes, and the files that it left."""

    run: Run
    command_lines: set[bytes]
    environments: set[bytes]
    files: dict[str, bytes] = field(repr=False)

    def places(self) -> dict[str, bytes]:
        """Everything that a user of the machine could read, by place."""
        results = json.dumps([task.result for task in self.run.tasks], ensure_ascii=False)
        return {
            "stdout": self.run.stdout.encode(),
            "stderr": self.run.stderr.encode(),
            "results": results.encode(errors="surrogatepass"),
            "process list": b"\n".join(self.command_lines),
            "environments": b"\n".join(self.environments),
            **self.files,
        }


def watched(
    runner: PlaybookRunner, command: Command, while_running: Callable[[int], None] | None = None
) -> Watched:
    """Run a command, and watch all its processes and files.

    Args:
        runner: The runner, whose directory holds every file that the run can write.
        command: The command.
        while_running: Called with the id of the process.
    """
    before = _contents(runner.directory)
    temporary = runner.directory / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {
        **command.environment,
        "ANSIBLE_LOCAL_TEMP": str(temporary / "ansible"),
        "ANSIBLE_LOG_PATH": str(runner.directory / "ansible.log"),
    }
    environment.setdefault("ANSIBLE_REMOTE_TEMP", str(runner.directory / "remote"))
    sampler = _Sampler(f"PUBLICA_TEST_RECORDS={command.records}".encode())
    with (
        short_path_to(temporary) as short,
        subprocess.Popen(
            command.words,
            cwd=runner.directory,
            env={**environment, "TMPDIR": str(short)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process,
        sampler,
    ):
        if while_running is not None:
            while_running(process.pid)
        stdout, stderr = process.communicate(timeout=RUN_SECONDS)
        sampler.wait_for_others()
    run = command.ran(process.returncode, stdout, stderr)
    after = _contents(runner.directory)
    files = {path: content for path, content in after.items() if before.get(path) != content}
    return Watched(run, sampler.command_lines, sampler.environments, files)


def _contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(OWN_FILES)
    }


class _Sampler:
    """Reads repeatedly how the processes with a mark in their environment were called."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._others = set(_processes())
        self._running = True
        self.command_lines: set[bytes] = set()
        self.environments: set[bytes] = set()

    def __enter__(self) -> _Sampler:
        self._thread.start()
        return self

    def wait_for_others(self) -> None:
        """Wait for processes that outlive their parent."""
        until = time.monotonic() + LAST_SECONDS
        while self._running and time.monotonic() < until:
            time.sleep(SAMPLE_SECONDS)

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            new = [Path("/proc", number) for number in _processes() if number not in self._others]
            running = [self._look_at(process) for process in new]
            self._running = any(running)

    def _look_at(self, process: Path) -> bool:
        """Whether this is a running process of the run, which is then recorded."""
        try:
            environment = (process / "environ").read_bytes()
            if self._mark in environment:
                self.environments.add(environment)
                self.command_lines.add((process / "cmdline").read_bytes())
                return True
        except OSError:
            return False  # it has ended
        return False


def _processes() -> Iterable[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]
