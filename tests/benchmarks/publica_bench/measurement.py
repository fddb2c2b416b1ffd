# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One contender does one job once, on a store of its own, and its result is checked."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from publica_sandbox.testing import SandboxStore

from .jobs import LOOPS, NEW, Contender, Job
from .users import listed, listed_before, stored_before, write_files

# Short enough to see peaks of some tenths of a second, long enough not to disturb the run.
SAMPLE_SECONDS = 0.1
MEGABYTE = 1_000_000
OUTPUT_SHOWN = 300
BATCH = 20_000


@dataclass(frozen=True)
class Measurement:
    """The cost of one run, and its error.

    :ivar cpu_seconds: of all processes of the contender; those of the store do not count.
    :ivar peak_mb: maximum memory (RSS) of all its processes together. Memory that a process shares
        with its parent counts in both.
    :ivar requests: requests that the store received, ``refusals`` the 429s among them.
    :ivar error: empty if the store has the desired state and every process ended with 0.
    :ivar unfinished: the run was ended at its timeout: the job takes longer than ``seconds``.
    :ivar load: load average of the machine (one minute) before the run.
    """

    contender: str
    change: str
    users: int
    condition: str
    seconds: float
    cpu_seconds: float
    peak_mb: float
    requests: int
    refusals: int
    error: str
    load: float
    unfinished: bool = False

    @classmethod
    def failure(cls, contender: Contender, job: Job, error: str, load: float) -> Measurement:
        """A run that could not begin."""
        name, condition = contender.name, job.condition.name
        return cls(name, job.change, job.users, condition, 0.0, 0.0, 0.0, 0, 0, error, load)

    @property
    def key(self) -> tuple[str, int, str]:
        """The values that identify the job."""
        return self.change, self.users, self.condition

    @property
    def failed(self) -> bool:
        """Whether the run failed. The time of a loop that was ended is a valid lower bound."""
        is_loop = self.contender in {loop.name for loop in LOOPS}
        return bool(self.error) and not (self.unfinished and is_loop)

    def as_dict(self) -> dict[str, Any]:
        """The values for JSON, rounded to the precision of the measurement."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def measure(contender: Contender, job: Job, directory: Path, timeout: float) -> Measurement:
    """Run a contender on a job.

    :param directory: for databases, files of users and the output of the contender.
    :param timeout: seconds after which the run is ended and counts as failed.
    """
    seed = seeded_database(job, directory / "seeds")
    lists = directory / "users"
    files = write_files(listed(job), lists, contender.processes)
    [before] = write_files(listed_before(job), lists, name="before")
    database = fresh_copy(seed, directory / "store.sqlite3")
    load = os.getloadavg()[0]
    with SandboxStore(database, process=True, **job.condition.switches) as store:
        env = {
            **os.environ,
            "PUBLICA_BASE_URL": store.base_url,
            "PUBLICA_API_TOKEN": store.token,
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }
        output = directory / "output"
        if contender.has_record:
            # The run that writes the record. The measured one needs the same store.
            for old in lists.glob("last-applied.json*"):
                old.unlink()
            cost = run([contender.command(before)], env, output, timeout)
            if error := _error_of(cost, output):
                return Measurement.failure(contender, job, f"the first run: {error}", load)
            store.clear_journal()
        commands = [contender.command(file, before if job.moved else None) for file in files]
        cost = run(commands, env, output, timeout)
        [counted] = store.sql(
            "SELECT COUNT(*) AS requests, COALESCE(SUM(status = 429), 0) AS refusals FROM journal"
        )
        error = _error_of(cost, output) or wrong_state(job, store)
    return Measurement(
        contender=contender.name,
        change=job.change,
        users=job.users,
        condition=job.condition.name,
        seconds=cost.seconds,
        cpu_seconds=cost.cpu_seconds,
        peak_mb=cost.peak_mb,
        error=error,
        load=load,
        unfinished=cost.timed_out,
        **counted,
    )


@dataclass(frozen=True)
class Cost:
    """The cost of concurrent commands; ``seconds`` from the first start to the last end."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_codes: tuple[int, ...]
    timed_out: bool = False


def run(
    commands: Sequence[Sequence[str]], env: Mapping[str, str], directory: Path, timeout: float
) -> Cost:
    """Run commands concurrently to their end, with their output in ``directory``.

    :param timeout: seconds after which processes that still run are killed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    used_before = _cpu_of_ended_children()
    began = time.perf_counter()
    processes = [
        _start(command, env, directory / f"output-{number}.txt")
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
    """End a process that still runs, and its children."""
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


def _error_of(cost: Cost, output: Path) -> str:
    if cost.timed_out:
        return "ended at the timeout"
    for number, code in enumerate(cost.exit_codes):
        if code:
            printed = (output / f"output-{number}.txt").read_text("utf-8", errors="replace")
            return f"exit code {code}: {' '.join(printed.split())[-OUTPUT_SHOWN:]}"
    return ""


def seeded_database(job: Job, directory: Path) -> Path:
    """A store's file in the state before the job. It is made once, and copied for each run."""
    path = directory / f"seed-{job.stored}.sqlite3"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        users = stored_before(job)
        with SandboxStore(unfinished) as store:
            for start in range(0, len(users), BATCH):
                store.add_users(users[start : start + BATCH])
        unfinished.rename(path)
    return path


def fresh_copy(database: Path, target: Path) -> Path:
    """A copy for one run, without the files of an earlier one."""
    for old in target.parent.glob(f"{target.name}*"):
        old.unlink()
    return Path(shutil.copyfile(database, target))


def wrong_state(job: Job, store: SandboxStore) -> str:
    """How the database differs from the desired state after the job; empty if it does not."""
    desired = listed(job)
    active = {
        row["email"]: row
        for row in store.sql(
            """SELECT email, external_id, sessions_limit, password_hash
            FROM users WHERE deleted_at IS NULL"""
        )
    }
    good = sum(
        user.items() <= active.get(user["email"], {}).items()
        and (job.change != NEW or active[user["email"]]["password_hash"] is not None)
        for user in desired
    )
    if (good, len(active)) == (len(desired), len(desired) + job.users - job.listed):
        return ""
    return f"{good:,} of {len(desired):,} users as desired, {len(active):,} in the store"
