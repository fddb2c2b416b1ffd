# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command costs: the time of the whole process, and of the tree of processes under it."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# Often enough for a peak of some tenths of a second, seldom enough to take no part in the race.
SAMPLE_SECONDS = 0.1
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What some commands that ran at once took together.

    :ivar seconds: wall clock, from the first start to the last end.
    :ivar cpu_seconds: of all their processes; the store's are not among them.
    :ivar peak_mb: the most memory (RSS) that their processes held at one time. What a process
        shares with the one it was forked from counts in both.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_codes: tuple[int, ...]
    timed_out: bool = False


def run(
    commands: Sequence[Sequence[str]], env: Mapping[str, str], folder: Path, timeout: float
) -> Cost:
    """Run commands side by side to their end, with what they say in ``folder``.

    :param timeout: seconds after which whatever still runs is killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    used_before = _cpu_of_ended_children()
    began = time.perf_counter()
    processes = [
        _start(command, env, folder / f"output-{number}.txt")
        for number, command in enumerate(commands)
    ]
    peak = 0
    timed_out = False
    try:
        while any(process.poll() is None for process in processes):
            peak = max(peak, sum(_memory(process.pid) for process in processes))
            with suppress(subprocess.TimeoutExpired):
                next(p for p in processes if p.returncode is None).wait(SAMPLE_SECONDS)
            timed_out = time.perf_counter() - began > timeout
            if timed_out:
                break
        seconds = time.perf_counter() - began
    finally:
        for process in processes:
            _kill(process)
    return Cost(
        seconds=seconds,
        cpu_seconds=_cpu_of_ended_children() - used_before,
        peak_mb=peak / MEGABYTE,
        exit_codes=tuple(process.returncode for process in processes),
        timed_out=timed_out,
    )


def _start(command: Sequence[str], env: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as file:
        return subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )


def _memory(pid: int) -> int:
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and those under it."""
    if process.poll() is not None:
        return
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    process.kill()
    process.wait()


def _cpu_of_ended_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
