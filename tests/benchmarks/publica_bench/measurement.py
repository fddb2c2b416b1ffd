# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One contender doing one job once, on a store of its own, with its result proved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from publica_sandbox.testing import SandboxStore

from . import users
from .contenders import LOOPS, Contender
from .jobs import Job
from .processes import Cost, run

OUTPUT_TOLD = 300
_LOOPS = frozenset(loop.name for loop in LOOPS)


@dataclass(frozen=True)
class Measurement:
    """What one run took, and what was wrong with it.

    :ivar requests: those that the store took in, ``refusals`` the 429s among them.
    :ivar fault: empty where the store ended as desired and every process with 0.
    :ivar unfinished: it was ended, since it took longer than it was given: ``seconds`` is less than
        the job takes.
    :ivar load: the machine's load average (of a minute) just before.
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
    fault: str
    load: float
    unfinished: bool = False

    @property
    def job(self) -> tuple[str, int, str]:
        """What identifies the job."""
        return self.change, self.users, self.condition

    @property
    def failed(self) -> bool:
        """Whether it went wrong. A loop that was ended did not: its time is a lower bound."""
        return bool(self.fault) and not (self.unfinished and self.contender in _LOOPS)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with no more digits than were measured."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def measure(contender: Contender, job: Job, folder: Path, timeout: float) -> Measurement:
    """Let a contender do a job.

    :param folder: for databases, the users' files and what the contender says.
    :param timeout: seconds after which the run is ended, and counts as failed.
    """
    seed = users.seeded_database(job, folder / "seeds")
    files = users.write_files(users.desired(job.users), folder / "users", contender.processes)
    database = users.fresh_copy(seed, folder / "store.sqlite3")
    load = os.getloadavg()[0]
    with SandboxStore(database, process=True, **job.condition.switches) as store:
        cost = run(
            [contender.command(file) for file in files],
            _environment(store),
            folder / "output",
            timeout,
        )
        [counted] = store.sql(
            "SELECT COUNT(*) AS requests, COALESCE(SUM(status = 429), 0) AS refusals FROM journal"
        )
        fault = _fault_of(cost, folder / "output") or users.fault_of(job, store)
    return Measurement(
        contender=contender.name,
        change=job.change,
        users=job.users,
        condition=job.condition.name,
        seconds=cost.seconds,
        cpu_seconds=cost.cpu_seconds,
        peak_mb=cost.peak_mb,
        fault=fault,
        load=load,
        unfinished=cost.timed_out,
        **counted,
    )


def _environment(store: SandboxStore) -> Mapping[str, str]:
    """The environment of a contender; the token travels here, and not in a list of processes."""
    return {
        **os.environ,
        "PUBLICA_BASE_URL": store.base_url,
        "PUBLICA_API_TOKEN": store.token,
        # It would be one line of warning in each run.
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


def _fault_of(cost: Cost, output: Path) -> str:
    if cost.timed_out:
        return "ended, since it took too long"
    for number, code in enumerate(cost.exit_codes):
        if code:
            said = (output / f"output-{number}.txt").read_text("utf-8", errors="replace")
            return f"exit code {code}: {' '.join(said.split())[-OUTPUT_TOLD:]}"
    return ""
