# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is watched: bounds on ratios, each with the jobs that tell. No bound is an absolute time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .contenders import BULK, BULK_SRC, FOUR_BULK, LOOPS, SCRIPT, Contender
from .jobs import NEW, SAME, UNLIMITED, Condition, Job, latency, limited
from .runner import Pace, Results, Runner
from .statistics import floor_seconds, least_ratio, paired_ratio, summarize

# A loop is ended when it has taken so many times what shows that it is too slow: more would show
# nothing, and take an hour.
BEYOND = 1.2


@dataclass(frozen=True)
class Verdict:
    """A figure beside its bound.

    :ivar figure: None where the runs failed or were left out.
    :ivar is_least: the figure is known to be greater than that, and not how great it is.
    """

    what: str
    figure: float | None
    bound: float
    at_least: bool = False
    unit: str = ""
    is_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure keeps the bound."""
        if self.figure is None:
            return False
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


@dataclass(frozen=True)
class Goal:
    """Jobs to run, and what is then read from the results.

    :ivar pace: for the jobs, from the results so far; the runner's own where it gives none.
    """

    jobs: Sequence[tuple[Job, Sequence[Contender]]]
    judge: Callable[[Results], Iterable[Verdict]]
    pace: Callable[[Results], Pace | None] = lambda _results: None

    def pursue(self, runner: Runner) -> list[Verdict]:
        """Run the jobs (what was measured already is not repeated) and judge."""
        for job, contenders in self.jobs:
            runner.run(job, contenders, self.pace(runner.results))
        return list(self.judge(runner.results))


def full(loops: bool = True) -> list[Goal]:
    """All goals, at the sizes that they name.

    :param loops: the one of the loops too, which takes a quarter of an hour.
    """
    slow = [beside_the_loops(Job(NEW, 1_000))] if loops else []
    return [
        beside_the_script(Job(NEW, 2_000, latency(20)), (BULK, BULK_SRC), 1.25),
        beside_the_script(Job(NEW, 10_000), (BULK,), 2.0),
        beside_the_script(Job(SAME, 100_000), (BULK_SRC,), 3.0, megabytes=500),
        doubling(Job(SAME, 50_000), Job(SAME, 100_000), BULK_SRC),
        doubling(Job(NEW, 5_000), Job(NEW, 10_000), BULK),
        at_the_floor(Job(NEW, 300, limited(60, 6))),
        at_the_floor(Job(NEW, 300, limited(60, 6, told=False))),
        side_by_side(Job(NEW, 400, limited(60, 6))),
        *slow,
    ]


def beside_the_script(
    job: Job, contenders: Sequence[Contender], bound: float, megabytes: float | None = None
) -> Goal:
    """At most so many times the script's time, and where it is given, so much memory."""

    def judge(results: Results) -> Iterable[Verdict]:
        for contender in contenders:
            runs = results.of(job, contender)
            ratio = paired_ratio(runs, results.of(job, SCRIPT))
            yield Verdict(f"{job}: {contender.title} / {SCRIPT.title}", ratio, bound)
            if megabytes is not None:
                peak = None if ratio is None else summarize(runs).peak_mb
                what = f"{job}: memory of {contender.title}"
                yield Verdict(what, peak, megabytes, unit=" MB")

    return Goal([(job, (*contenders, SCRIPT))], judge)


def doubling(half: Job, whole: Job, contender: Contender, bound: float = 2.2) -> Goal:
    """Twice the users take at most so many times the time."""

    def judge(results: Results) -> Iterable[Verdict]:
        ratio = paired_ratio(results.of(whole, contender), results.of(half, contender))
        what = f"{contender.title}, {whole} / {half.users:,} users"
        yield Verdict(what, ratio, bound)

    return Goal([(half, (contender,)), (whole, (contender,))], judge)


def at_the_floor(job: Job, bound: float = 1.25, refusals: int = 9) -> Goal:
    """The limit's own time and little more, with few refusals."""

    def judge(results: Results) -> Iterable[Verdict]:
        figure = refused = None
        runs = results.of(job, BULK)
        if runs and not summarize(runs).fault:
            summary = summarize(runs)
            floor = floor_seconds(summary.requests - summary.refusals, job.condition)
            figure, refused = summary.seconds / floor, float(summary.refusals)
        yield Verdict(f"{job}: {BULK.title} / floor", figure, bound)
        yield Verdict(f"{job}: refusals of {BULK.title}", refused, refusals)

    return Goal([(job, (BULK,))], judge)


def side_by_side(job: Job, bound: float = 5.0) -> Goal:
    """Several runs with one token at once hardly get into each other's way."""

    def judge(results: Results) -> Iterable[Verdict]:
        share = None
        runs = results.of(job, FOUR_BULK)
        if runs and not summarize(runs).fault:
            share = max(100 * run.refusals / run.requests for run in runs)
        yield Verdict(f"{job}: refusals of {FOUR_BULK.title}", share, bound, unit=" %")

    return Goal([(job, (FOUR_BULK,))], judge)


def beside_the_loops(job: Job, bound: float = 50.0) -> Goal:
    """So many times as fast as a loop over the users."""

    def pace(results: Results) -> Pace | None:
        bulk = results.of(job, BULK)
        return Pace(until=BEYOND * bound * max(run.seconds for run in bulk)) if bulk else None

    def judge(results: Results) -> Iterable[Verdict]:
        for loop in LOOPS:
            runs = results.of(job, loop)
            ratio = least_ratio(runs, results.of(job, BULK))
            was_ended = any(run.unfinished for run in runs)
            what = f"{job}: {loop.title} / {BULK.title}"
            yield Verdict(what, ratio, bound, at_least=True, is_least=was_ended)

    return Goal([(job, (BULK,)), (job, LOOPS)], judge, pace)


def quick(condition: Condition = UNLIMITED) -> list[Goal]:
    """One goal at a size that takes seconds: it shows that goals work, and nothing else."""
    return [beside_the_script(Job(NEW, 5, condition), (BULK,), 1_000.0)]
