# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The goals of the benchmarks: bounds on ratios, requests, and times above that of a start.

No test depends on a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .jobs import (
    BULK,
    BULK_SRC,
    COMPLETE,
    FORMS,
    FOUR_BULK,
    LOOPS,
    NEW,
    PEOPLE,
    RECORD,
    SAME,
    SCRIPT,
    UNCHANGED,
    Contender,
    Job,
    latency,
    limited,
)  # fmt: skip
from .runner import (
    Results,
    Runner,
    TimeLimits,
    floor_seconds,
    least_ratio,
    paired_difference,
    paired_ratio,
    summarize,
)  # fmt: skip

# A loop is ended after this multiple of the time that proves it too slow: the complete run would
# prove nothing more and take an hour.
LOOP_TIMEOUT_FACTOR = 1.2


@dataclass(frozen=True)
class Check:
    """A figure and its bound.

    :ivar figure: None if the runs failed or are missing.
    :ivar is_lower_bound: the real value is greater than the figure.
    """

    what: str
    figure: float | None
    bound: float
    at_least: bool = False
    unit: str = ""
    is_lower_bound: bool = False

    @property
    def met(self) -> bool:
        if self.figure is None:
            return False
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


@dataclass(frozen=True)
class Goal:
    """Jobs to run, and the checks of their results.

    :ivar limits: for the jobs, from the results so far; None uses those of the runner.
    """

    jobs: Sequence[tuple[Job, Sequence[Contender]]]
    check: Callable[[Results], Iterable[Check]]
    limits: Callable[[Results], TimeLimits | None] = lambda _results: None

    def run(self, runner: Runner) -> list[Check]:
        """Run the jobs that have no results yet, and check the results."""
        for job, contenders in self.jobs:
            runner.run(job, contenders, self.limits(runner.results))
        return list(self.check(runner.results))


def full(loops: bool = True) -> list[Goal]:
    """All goals.

    :param loops: also the goal of the loops, which takes a quarter of an hour.
    """
    slow = [against_loops(Job(NEW, 1_000))] if loops else []
    return [
        against_script(Job(NEW, 2_000, latency(20)), (BULK, BULK_SRC), 1.25),
        against_script(Job(NEW, 10_000), (BULK,), 2.0),
        against_script(Job(SAME, 100_000), (BULK_SRC,), 3.0, megabytes=500),
        doubling(Job(SAME, 50_000), Job(SAME, 100_000), BULK_SRC),
        doubling(Job(NEW, 5_000), Job(NEW, 10_000), BULK),
        against_floor(Job(NEW, 300, limited(60, 6))),
        against_floor(Job(NEW, 300, limited(60, 6, retry_after=False))),
        concurrent(Job(NEW, 400, limited(60, 6))),
        *slow,
    ]


def with_record() -> list[Goal]:
    """The goals of runs with a record."""
    return [
        most_requests(Job(UNCHANGED, 100_000), 1),
        most_requests(Job(PEOPLE, 100_000), 90),
        above_start(Job(COMPLETE, 100_000), Job(COMPLETE, 1), seconds=4.0, megabytes=300.0),
    ]


def quick() -> list[Goal]:
    """One goal at a size that takes seconds, to show that goals work."""
    return [against_script(Job(NEW, 5), (BULK,), 1_000.0)]


def against_script(
    job: Job, contenders: Sequence[Contender], bound: float, megabytes: float | None = None
) -> Goal:
    """A maximum multiple of the script's time, and a maximum of memory if it is given."""

    def check(results: Results) -> Iterable[Check]:
        for contender in contenders:
            runs = results.of(job, contender)
            ratio = paired_ratio(runs, results.of(job, SCRIPT))
            yield Check(f"{job}: {contender.title} / {SCRIPT.title}", ratio, bound)
            if megabytes is not None:
                peak = None if ratio is None else summarize(runs).peak_mb
                what = f"{job}: memory of {contender.title}"
                yield Check(what, peak, megabytes, unit=" MB")

    return Goal([(job, (*contenders, SCRIPT))], check)


def most_requests(job: Job, bound: int) -> Goal:
    """A maximum of requests of a run with a record."""

    def check(results: Results) -> Iterable[Check]:
        runs = results.of(job, RECORD)
        requests = None
        if runs and not summarize(runs).error:
            requests = float(max(run.requests for run in runs))
        yield Check(f"{job}: requests of {RECORD.title}", requests, bound)

    return Goal([(job, (RECORD,))], check)


def above_start(job: Job, start: Job, seconds: float, megabytes: float) -> Goal:
    """A maximum of the time and the memory of a run above those of a run with one user.

    The latter is the start of Ansible and of the module.
    """

    def check(results: Results) -> Iterable[Check]:
        for form in FORMS:
            runs, starts = results.of(job, form), results.of(start, form)
            time = paired_difference(runs, starts)
            memory = None
            if time is not None:
                memory = summarize(runs).peak_mb - summarize(starts).peak_mb
            what = f"{job}: {form.title}, above a start"
            yield Check(what, time, seconds, unit=" s")
            yield Check(what, memory, megabytes, unit=" MB")

    return Goal([(start, FORMS), (job, FORMS)], check)


def doubling(half: Job, double: Job, contender: Contender, bound: float = 2.2) -> Goal:
    """A maximum multiple of the time for twice the users."""

    def check(results: Results) -> Iterable[Check]:
        ratio = paired_ratio(results.of(double, contender), results.of(half, contender))
        what = f"{contender.title}, {double} / {half.users:,} users"
        yield Check(what, ratio, bound)

    return Goal([(half, (contender,)), (double, (contender,))], check)


def against_floor(job: Job, bound: float = 1.25, refusals: int = 9) -> Goal:
    """A maximum multiple of the minimum time under the limit, with few refusals."""

    def check(results: Results) -> Iterable[Check]:
        figure = refused = None
        runs = results.of(job, BULK)
        if runs and not summarize(runs).error:
            summary = summarize(runs)
            floor = floor_seconds(summary.requests - summary.refusals, job.condition)
            figure, refused = summary.seconds / floor, float(summary.refusals)
        yield Check(f"{job}: {BULK.title} / floor", figure, bound)
        yield Check(f"{job}: refusals of {BULK.title}", refused, refusals)

    return Goal([(job, (BULK,))], check)


def concurrent(job: Job, bound: float = 5.0) -> Goal:
    """A maximum share of refusals when several runs use one token concurrently."""

    def check(results: Results) -> Iterable[Check]:
        share = None
        runs = results.of(job, FOUR_BULK)
        if runs and not summarize(runs).error:
            share = max(100 * run.refusals / run.requests for run in runs)
        yield Check(f"{job}: refusals of {FOUR_BULK.title}", share, bound, unit=" %")

    return Goal([(job, (FOUR_BULK,))], check)


def against_loops(job: Job, bound: float = 50.0) -> Goal:
    """A minimum multiple of the bulk module's time that a loop over the users takes."""

    def limits(results: Results) -> TimeLimits | None:
        bulk = results.of(job, BULK)
        if not bulk:
            return None
        timeout = LOOP_TIMEOUT_FACTOR * bound * max(run.seconds for run in bulk)
        return TimeLimits(timeout=timeout)

    def check(results: Results) -> Iterable[Check]:
        for loop in LOOPS:
            runs = results.of(job, loop)
            ratio = least_ratio(runs, results.of(job, BULK))
            ended = any(run.unfinished for run in runs)
            what = f"{job}: {loop.title} / {BULK.title}"
            yield Check(what, ratio, bound, at_least=True, is_lower_bound=ended)

    return Goal([(job, (BULK,)), (job, LOOPS)], check, limits)
