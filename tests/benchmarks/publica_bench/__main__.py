# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmarks' command: python -m publica_bench --folder DIRECTORY."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from . import goals
from .goals import Check
from .jobs import (
    ALL,
    BULK,
    CHANGES,
    FEW,
    FOR_LISTS,
    LATENCY,
    LIMITED,
    LIST_CHANGES,
    NEW,
    PEOPLE,
    SCRIPT,
    UNLIMITED,
    USER_LOOP,
    Contender,
    Job,
    matrix,
)  # fmt: skip
from .measurement import Measurement
from .record_report import RecordReport
from .report import Report, environment, read_runs, write_runs
from .runner import Runner, TimeLimits

SIZES = (100, 1_000, 10_000)
A_FEW = (1, 2, 5, 10)
STORES = (1_000, 10_000, 100_000)
QUICK_SIZES = (5, 20)
QUICK_STORE = 500
QUICK_LIMITS = TimeLimits(budget=60.0, repeats=1)
CONDITIONS = {"unlimited": UNLIMITED, "latency": LATENCY, "limit": LIMITED}
NAMES = {contender.name: contender for contender in ALL}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the results. Returns 1 if a contender failed, else 0."""
    options = _parser().parse_args(arguments)
    # The type of sys.stdout is any text stream; the real one can be reconfigured.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # A signal must still stop the store and the contender.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal."))
    about = environment(options.commit)
    measured: list[Measurement] = []

    def keep(run: Measurement) -> None:
        measured.append(run)
        write_runs(options.folder / "runs.json", about, measured)

    limits = QUICK_LIMITS if options.quick else TimeLimits(options.budget, options.repeats)
    runner = Runner(options.folder / "work", limits, _log, keep)
    if (options.resume or options.report) and (options.folder / "runs.json").exists():
        about, earlier = read_runs(options.folder / "runs.json", about, adds=options.resume)
        runner.resume(earlier)
        measured.extend(run for run in earlier if not run.failed)
        _log(f"{len(measured)} earlier runs are used")
    contenders = [] if options.report else [NAMES[name] for name in options.contenders]
    if not options.quick:
        runner.warm_up(FOR_LISTS if options.only_record else contenders)
    if not options.only_record:
        _compare(runner, contenders, about, options)
    if not options.no_record:
        _compare_with_record(runner, about, options)
    failed = [run for run in measured if run.failed]
    for run in failed:
        print(f"FAILED: {run.contender}, {run.users} users, {run.change}: {run.error}")
    return 1 if failed else 0


def _compare(
    runner: Runner,
    contenders: Sequence[Contender],
    about: Mapping[str, str],
    options: argparse.Namespace,
) -> None:
    jobs = _jobs(options)
    for job in jobs:
        runner.run(job, contenders)
    a_few = [] if options.quick else [Job(NEW, users) for users in A_FEW]
    for job in a_few:
        runner.run(job, [each for each in (USER_LOOP, BULK, SCRIPT) if each in contenders])
    checks = _checks(runner, _goals(options), options)
    report = Report(runner.results, jobs, a_few, checks, about)
    report.write(options.folder)
    print(f"\n{report.markdown()}")
    if options.publish:
        report.publish(options.publish)


def _compare_with_record(
    runner: Runner, about: Mapping[str, str], options: argparse.Namespace
) -> None:
    """A run with a record next to others, in stores of which the list has a part."""
    if options.quick:
        jobs = [Job(PEOPLE, QUICK_STORE)]
    else:
        stores = options.stores or STORES
        jobs = [Job(change, users) for change in LIST_CHANGES for users in sorted(stores)]
    for job in jobs:
        runner.run(job, [] if options.report else FOR_LISTS)
    complete = not (options.quick or options.no_goals)
    checks = _checks(runner, goals.with_record() if complete else [], options)
    by_size = sorted(jobs, key=lambda job: job.users)
    report = RecordReport(runner.results, by_size, checks, about)
    report.write(options.folder)
    print(f"\n{report.markdown()}")
    if options.publish:
        report.publish(options.publish)


def _checks(
    runner: Runner, to_reach: Iterable[goals.Goal], options: argparse.Namespace
) -> list[Check]:
    """The checks of the goals, after the runs that they still need."""
    checks: list[Check] = []
    for goal in to_reach:
        checks += goal.check(runner.results) if options.report else goal.run(runner)
    return checks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="publica_bench", description=__doc__)
    add = parser.add_argument
    add("--folder", type=Path, required=True, metavar="DIRECTORY", help="for results and databases")
    add("--publish", type=Path, metavar="DOCS", help="also update this documentation")
    add("--commit", default="", help="the measured commit, for the report")
    add("--quick", action="store_true", help="small sizes, one run, without a limit")
    add("--resume", action="store_true", help="use the runs that are in the directory")
    add("--report", action="store_true", help="only report the runs that are in the directory")
    add("--no-goals", action="store_true", help="only the matrix of jobs")
    add("--no-loops", action="store_true", help="without loops over 1,000 users")
    add("--only-record", action="store_true", help="only the runs with a record and their peers")
    add("--no-record", action="store_true", help="without them")
    add("--stores", type=int, nargs="+", help="numbers of users in their stores")
    add("--sizes", type=int, nargs="+", help="numbers of users")
    add("--budget", type=float, default=300.0, help="maximum length of a run in seconds")
    add("--repeats", type=int, default=3, help="number of runs, unless a run is slow")
    for name, known in (
        ("contenders", sorted(NAMES)),
        ("changes", list(CHANGES)),
        ("conditions", list(CONDITIONS)),
    ):
        add(f"--{name}", nargs="+", choices=known, default=known, help="only these in the matrix")
    return parser


def _goals(options: argparse.Namespace) -> list[goals.Goal]:
    if options.quick:
        return goals.quick()
    return [] if options.no_goals else goals.full(not options.no_loops)


def _jobs(options: argparse.Namespace) -> list[Job]:
    if options.quick:
        return matrix(options.sizes or QUICK_SIZES, (NEW, FEW), (UNLIMITED,))
    conditions = [CONDITIONS[name] for name in options.conditions]
    return matrix(options.sizes or SIZES, options.changes, conditions)


_STARTED = time.monotonic()


def _log(line: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    print(f"[{minutes:3}:{seconds:02}] {line}")


if __name__ == "__main__":
    sys.exit(main())
