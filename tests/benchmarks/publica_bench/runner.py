# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running jobs repeatedly within time limits, and the figures that result from the runs."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .jobs import NEW, Condition, Contender, Job
from .measurement import Measurement, measure

JobKey = tuple[str, int, str]


@dataclass(frozen=True)
class Summary:
    """Several runs of one contender at one job.

    :ivar error: the error of one of them, if there is one.
    :ivar unfinished: one was ended after ``slowest`` seconds.
    """

    runs: int
    seconds: float
    fastest: float
    slowest: float
    cpu_seconds: float
    peak_mb: float
    requests: int
    refusals: int
    error: str = ""
    unfinished: bool = False


@dataclass(frozen=True)
class NotRun:
    """A job that was not run, because it was expected to take too many seconds."""

    expected_seconds: float


def summarize(runs: Sequence[Measurement]) -> Summary:
    """The medians of several runs, and the maxima of memory and refusals."""
    seconds = [run.seconds for run in runs]
    return Summary(
        runs=len(runs),
        seconds=statistics.median(seconds),
        fastest=min(seconds),
        slowest=max(seconds),
        cpu_seconds=statistics.median(run.cpu_seconds for run in runs),
        peak_mb=max(run.peak_mb for run in runs),
        requests=round(statistics.median(run.requests for run in runs)),
        refusals=max(run.refusals for run in runs),
        error=next((run.error for run in runs if run.error), ""),
        unfinished=any(run.unfinished for run in runs),
    )


def paired_ratio(runs: Sequence[Measurement], others: Sequence[Measurement]) -> float | None:
    """The time of the runs divided by the time of the others: the median of the pairs.

    The runs of a pair followed each other, so that other load of the machine slowed both. None if
    no pair finished the job.
    """
    ratios = [run.seconds / other.seconds for run, other in _finished(runs, others)]
    return statistics.median(ratios) if ratios else None


def paired_difference(runs: Sequence[Measurement], others: Sequence[Measurement]) -> float | None:
    """The time of the runs above the time of the others: the median of the pairs, or None."""
    differences = [run.seconds - other.seconds for run, other in _finished(runs, others)]
    return statistics.median(differences) if differences else None


def _finished(
    runs: Sequence[Measurement], others: Sequence[Measurement]
) -> list[tuple[Measurement, Measurement]]:
    """The pairs whose runs both finished the job."""
    return [pair for pair in zip(runs, others) if not any(run.error for run in pair)]


def least_ratio(runs: Sequence[Measurement], others: Sequence[Measurement]) -> float | None:
    """A lower bound of the time of the runs divided by the time of the others.

    A run that was ended would have taken longer. None if a run is missing or failed.
    """
    if not runs or not others or any(run.failed for run in (*runs, *others)):
        return None
    return min(run.seconds for run in runs) / max(other.seconds for other in others)


def expected_seconds(size: int, measured: Mapping[int, float]) -> float | None:
    """The time of a job of this size, on a straight line through the measured times.

    The line goes through the two largest of the smaller sizes, because start-up costs are not
    proportional to the number of users. With one smaller size, the time is proportional to it.
    None without a smaller size.

    :param measured: seconds by size.
    """
    smaller = sorted(known for known in measured if known <= size)
    if not smaller:
        return None
    largest = smaller[-1]
    if len(smaller) == 1 or largest == size:
        return measured[largest] * size / largest
    slope = (measured[largest] - measured[smaller[-2]]) / (largest - smaller[-2])
    return measured[largest] + max(0.0, slope) * (size - largest)


def floor_seconds(requests: int, condition: Condition) -> float:
    """The minimum time that so many requests take under a limit.

    A window begins with its first request. So the requests of the first window cost nothing, and
    each further window begins one length after the one before.
    """
    if condition.limit is None or requests <= 0:
        return 0.0
    allowed, seconds = condition.limit
    return (math.ceil(requests / allowed) - 1) * float(seconds)


def break_even(loop: Mapping[int, float], bulk: Mapping[int, float]) -> int | None:
    """The number of users from which ``bulk`` is faster than ``loop``; None if it never is.

    Each time is a start-up cost and a cost for each user: a line through the smallest and the
    largest size.

    :param loop: seconds by size, for at least two sizes; ``bulk`` likewise.
    """
    loop_start, loop_each = _line(loop)
    bulk_start, bulk_each = _line(bulk)
    if loop_each <= bulk_each:
        return None
    return max(1, math.floor((bulk_start - loop_start) / (loop_each - bulk_each)) + 1)


def _line(seconds: Mapping[int, float]) -> tuple[float, float]:
    small, large = min(seconds), max(seconds)
    if small == large:
        raise ValueError("A line needs two sizes.")
    each = (seconds[large] - seconds[small]) / (large - small)
    return seconds[small] - each * small, each


@dataclass(frozen=True)
class TimeLimits:
    """How much time the runs may take.

    :ivar budget: a job that is expected to take more seconds is not run.
    :ivar timeout: run the job regardless of the expected time, and end it after so many seconds.
    :ivar repeats: number of runs, unless one run takes more than ``repeat_below`` seconds.
    """

    budget: float = 300.0
    repeats: int = 3
    repeat_below: float = 45.0
    timeout: float | None = None


@dataclass
class Results:
    """All runs by job and contender, and the jobs that were not run."""

    runs: dict[tuple[JobKey, str], list[Measurement]] = field(
        default_factory=lambda: defaultdict(list)
    )
    not_run: dict[tuple[JobKey, str], NotRun] = field(default_factory=dict)

    def of(self, job: Job, contender: Contender) -> list[Measurement]:
        return self.runs.get((job.key, contender.name), [])

    def outcome(self, job: Job, contender: Contender) -> Summary | NotRun | None:
        """The result of a contender at a job; None if it was not tried."""
        runs = self.of(job, contender)
        return summarize(runs) if runs else self.not_run.get((job.key, contender.name))

    def seconds_by_size(self, job: Job, contender: Contender) -> dict[int, float]:
        """Median times of the contender at jobs that differ from this one in their size only."""
        found = {}
        for ((change, users, condition), name), runs in self.runs.items():
            same = (change, condition) == (job.change, job.condition.name)
            if runs and same and name == contender.name:
                summary = summarize(runs)
                if not summary.error:
                    found[users] = summary.seconds
        return found


class Runner:
    """Runs jobs and collects the results.

    :param directory: for the files of the runs.
    :param log: gets a line for each run.
    :param done: gets each measurement when its run has ended.
    """

    def __init__(
        self,
        directory: Path,
        limits: TimeLimits,
        log: Callable[[str], None] = print,
        done: Callable[[Measurement], None] = lambda _measurement: None,
    ) -> None:
        self._directory = directory
        self._limits = limits
        self._log = log
        self._done = done
        self.results = Results()

    def resume(self, runs: Iterable[Measurement]) -> None:
        """Use these runs as results. Failed runs are repeated."""
        for run in runs:
            if not run.failed:
                self.results.runs[run.key, run.contender].append(run)

    def warm_up(self, contenders: Sequence[Contender]) -> None:
        """Run each contender once without a measurement, to compile Python and fill caches."""
        for contender in contenders:
            self._log(f"warming up: {contender.title}")
            measure(contender, Job(NEW, 1), self._directory, self._limits.budget)

    def run(
        self, job: Job, contenders: Sequence[Contender], limits: TimeLimits | None = None
    ) -> None:
        """Run all contenders in turn, then again, so that other load affects all of them."""
        limits = limits or self._limits
        selected = [each for each in contenders if self._is_to_run(job, each, limits)]
        for repeat in range(limits.repeats):
            for contender in selected:
                runs = self.results.of(job, contender)
                if repeat and (runs[0].error or runs[0].seconds > limits.repeat_below):
                    continue
                self._measure(job, contender, limits)

    def _is_to_run(self, job: Job, contender: Contender, limits: TimeLimits) -> bool:
        if self.results.of(job, contender):
            return False
        if limits.timeout is not None:
            return True
        known = self.results.seconds_by_size(job, contender)
        expected = expected_seconds(job.users, known)
        if expected is None or expected <= limits.budget:
            return True
        self.results.not_run[job.key, contender.name] = NotRun(expected)
        self._log(f"{job}: {contender.title}: not run, {expected / 60:.0f} min expected")
        return False

    def _measure(self, job: Job, contender: Contender, limits: TimeLimits) -> None:
        # Twice the budget, because an expected time may be wrong.
        timeout = limits.timeout or 2 * limits.budget
        run = measure(contender, job, self._directory, timeout)
        self.results.runs[job.key, contender.name].append(run)
        self._done(run)
        cost = f"{run.seconds:.1f} s, {run.peak_mb:.0f} MB, {run.requests:,} requests"
        refused = f", {run.refusals} refused" if run.refusals else ""
        self._log(f"{job}: {contender.title}: {run.error or cost + refused}")
