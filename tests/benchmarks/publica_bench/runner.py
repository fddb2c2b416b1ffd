# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of the measurements: side by side, again and again, and never longer than wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .contenders import Contender
from .jobs import NEW, Job
from .measurement import Measurement, measure
from .statistics import NotRun, Summary, expected_seconds, summarize

JobKey = tuple[str, int, str]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pace:
    """How much time the measurements may take.

    :ivar budget: a job that is expected to take more seconds is not run.
    :ivar until: run the job whatever is expected, and end it after so many seconds.
    :ivar repeats: how often a job is run, unless one run takes more than ``repeat_below`` seconds.
    """

    budget: float = 300.0
    repeats: int = 3
    repeat_below: float = 45.0
    until: float | None = None


@dataclass
class Results:
    """All runs by job and contender, and what was not run."""

    runs: dict[tuple[JobKey, str], list[Measurement]] = field(
        default_factory=lambda: defaultdict(list)
    )
    left_out: dict[tuple[JobKey, str], NotRun] = field(default_factory=dict)

    def of(self, job: Job, contender: Contender) -> list[Measurement]:
        """The runs of a contender at a job."""
        return self.runs.get((key(job), contender.name), [])

    def outcome(self, job: Job, contender: Contender) -> Summary | NotRun | None:
        """What came of a contender at a job; None where nobody tried."""
        runs = self.of(job, contender)
        return summarize(runs) if runs else self.left_out.get((key(job), contender.name))

    def seconds_by_size(self, job: Job, contender: Contender) -> dict[int, float]:
        """Medians of the contender's runs at jobs like this one that were done whole."""
        found = {}
        for (known, name), runs in self.runs.items():
            change, users, condition = known
            like_it = (change, condition) == (job.change, job.condition.name)
            if runs and like_it and name == contender.name:
                summary = summarize(runs)
                if not summary.fault:
                    found[users] = summary.seconds
        return found


def key(job: Job) -> JobKey:
    """What identifies a job."""
    return job.change, job.users, job.condition.name


class Runner:
    """Runs jobs and gathers what they took.

    :param folder: for whatever the runs write.
    :param say: takes a line for each measurement.
    :param done: is told each measurement as soon as it is there.
    """

    def __init__(
        self,
        folder: Path,
        pace: Pace,
        say: Say = print,
        done: Callable[[Measurement], None] = lambda _measurement: None,
    ) -> None:
        self._folder = folder
        self._pace = pace
        self._say = say
        self._done = done
        self.results = Results()

    def go_on_from(self, runs: Iterable[Measurement]) -> None:
        """Take these as measured; what failed is run again."""
        for run in runs:
            if not run.failed:
                self.results.runs[run.job, run.contender].append(run)

    def warm_up(self, contenders: Sequence[Contender]) -> None:
        """Let each contender run once without being measured.

        Whoever comes first would else pay for what Python compiles once, and for cold files.
        """
        for contender in contenders:
            self._say(f"warming up: {contender.title}")
            measure(contender, Job(NEW, 1), self._folder, self._pace.budget)

    def run(self, job: Job, contenders: Sequence[Contender], pace: Pace | None = None) -> None:
        """Let all contenders do a job in turn, and again: what disturbs meets them alike."""
        pace = pace or self._pace
        racing = [contender for contender in contenders if self._is_to_run(job, contender, pace)]
        for repeat in range(pace.repeats):
            for contender in racing:
                runs = self.results.of(job, contender)
                if repeat and (runs[0].fault or runs[0].seconds > pace.repeat_below):
                    continue
                self._measure(job, contender, pace)

    def _is_to_run(self, job: Job, contender: Contender, pace: Pace) -> bool:
        if self.results.of(job, contender):
            return False
        if pace.until is not None:
            return True
        known = self.results.seconds_by_size(job, contender)
        expected = expected_seconds(job.users, known)
        if expected is None or expected <= pace.budget:
            return True
        self.results.left_out[key(job), contender.name] = NotRun(expected)
        self._say(f"{job}: {contender.title}: not run, {expected / 60:.0f} min expected")
        return False

    def _measure(self, job: Job, contender: Contender, pace: Pace) -> None:
        # Twice what was thought to be bearable: an expectation may be wrong.
        timeout = pace.until or 2 * pace.budget
        run = measure(contender, job, self._folder, timeout)
        self.results.runs[key(job), contender.name].append(run)
        self._done(run)
        told = f"{run.seconds:.1f} s, {run.peak_mb:.0f} MB, {run.requests:,} requests"
        refused = f", {run.refusals} refused" if run.refusals else ""
        self._say(f"{job}: {contender.title}: {run.fault or told + refused}")
