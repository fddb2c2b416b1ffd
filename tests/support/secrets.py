# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that can be recognized wherever they turn up, and the places where they could.

A canary is a secret with a core of letters and digits of its own. Quoting, escaping and cutting
leave the core as it is, so it is looked for, and its base64 and hexadecimal forms.
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

from .playbook_runner import RUN_SECONDS, Command, PlaybookRunner, Run
from .short_path import short_path_to

SAMPLE_SECONDS = 0.05
# Ansible's watcher of a task in the background looks every five seconds whether it is over.
LAST_SECONDS = 30
# What the tests' own callback and stores keep below the folder, which is no trace of a run.
OWN_TRACES = ("records-", "publica-sandbox-")


def core_of(place: str) -> str:
    """The part of a canary that is looked for."""
    return f"canary{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def canary(place: str) -> str:
    """A secret that is used in one place only, so that a leak tells where it came from."""
    # Everything that quoting and escaping change, on both sides of the core.
    return f"%2F+&\\'\"é{core_of(place)}é\"'\\&+/ =x"


def token(place: str) -> str:
    """A canary that a header can carry."""
    return f"%2F+&'\"{core_of(place)}\"'&+/=x"


def spellings(core: str) -> list[bytes]:
    """A core in each form in which a tool could print it."""
    raw = core.encode()
    # Each beginning in a group of three bytes; the first and last characters mix with neighbours.
    encoded = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw.hex().encode(), *encoded]


def told(cores: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Which secrets stand where, in words.

    Args:
        cores: What to look for, by names that may be told.
        places: What to look through, by names as well.
    """
    return [
        f"{name} in {place}"
        for name, core in cores.items()
        for place, content in places.items()
        if any(spelling in content for spelling in spellings(core))
    ]


def links_of(store: SandboxStore) -> dict[str, str]:
    """The links to act as somebody, of all users of a store."""
    return {
        f"link to act as {user['email']}": user["impersonation_secret"] for user in store.users()
    }


@dataclass
class Watched:
    """A run, what its processes were called with, and the files that it left behind."""

    run: Run
    command_lines: set[bytes]
    environments: set[bytes]
    left_behind: dict[str, bytes] = field(repr=False)

    def places(self) -> dict[str, bytes]:
        """Everything that somebody could read of it, by where it stands."""
        results = json.dumps([task.result for task in self.run.tasks], ensure_ascii=False)
        return {
            "stdout": self.run.stdout.encode(),
            "stderr": self.run.stderr.encode(),
            "results": results.encode(errors="surrogatepass"),
            "process list": b"\n".join(self.command_lines),
            "environments": b"\n".join(self.environments),
            **self.left_behind,
        }


def watched(
    runner: PlaybookRunner, command: Command, meanwhile: Callable[[int], None] | None = None
) -> Watched:
    """Run a command and keep an eye on all its processes and files.

    Args:
        runner: Whose folder is everything that the run can write to.
        command: The run; its environment gets the folder's own places for temporary files.
        meanwhile: Called with the process's number while it runs.
    """
    before = _contents(runner.folder)
    temporary = runner.folder / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {
        **command.environment,
        "ANSIBLE_LOCAL_TEMP": str(temporary / "ansible"),
        "ANSIBLE_LOG_PATH": str(runner.folder / "ansible.log"),
    }
    environment.setdefault("ANSIBLE_REMOTE_TEMP", str(runner.folder / "remote"))
    sampler = _Sampler(f"PUBLICA_TEST_RECORDS={command.records}".encode())
    with (
        short_path_to(temporary) as short,
        subprocess.Popen(
            command.words,
            cwd=runner.folder,
            env={**environment, "TMPDIR": str(short)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process,
        sampler,
    ):
        if meanwhile is not None:
            meanwhile(process.pid)
        stdout, stderr = process.communicate(timeout=RUN_SECONDS)
        sampler.wait_for_others()
    run = command.ran(process.returncode, stdout, stderr)
    after = _contents(runner.folder)
    left = {path: content for path, content in after.items() if before.get(path) != content}
    return Watched(run, sampler.command_lines, sampler.environments, left)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(OWN_TRACES)
    }


class _Sampler:
    """Reads, again and again, how the processes with a mark in their environment were called."""

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
        """Wait for processes that go on after their parent: they tidy up last of all."""
        until = time.monotonic() + LAST_SECONDS
        while self._running and time.monotonic() < until:
            time.sleep(SAMPLE_SECONDS)

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            new = [Path("/proc", number) for number in _processes() if number not in self._others]
            # Each is looked at, whatever the first one says.
            seen = [self._look_at(process) for process in new]
            self._running = any(seen)

    def _look_at(self, process: Path) -> bool:
        """Look at a process, and tell whether it is one of the run that has not ended."""
        try:
            environment = (process / "environ").read_bytes()
            if self._mark in environment:
                self.environments.add(environment)
                self.command_lines.add((process / "cmdline").read_bytes())
                return True
        except OSError:
            # It has ended meanwhile.
            return False
        return False


def _processes() -> Iterable[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]
