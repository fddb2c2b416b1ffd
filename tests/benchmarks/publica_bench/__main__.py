# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmarks' command: python -m publica_bench --folder FOLDER."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import goals
from .contenders import ALL, BULK, SCRIPT, USER_LOOP
from .goals import Verdict
from .jobs import CHANGES, FEW, LATENCY, LIMITED, NEW, UNLIMITED, Job, matrix
from .measurement import Measurement
from .report import Report, read_runs, surroundings, write_runs
from .runner import Pace, Runner

SIZES = (100, 1_000, 10_000)
A_FEW = (1, 2, 5, 10)
QUICK_SIZES = (5, 20)
QUICK_PACE = Pace(budget=60.0, repeats=1)
CONDITIONS = {"unlimited": UNLIMITED, "latency": LATENCY, "limit": LIMITED}
NAMES = {contender.name: contender for contender in ALL}


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write. Returns 1 where a contender failed at a job, else 0."""
    options = _parser().parse_args(words)
    # Typed as any text stream; the real one can be reconfigured.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # Ended from outside, it still has a store and a contender to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal."))
    about = surroundings(options.commit)
    measured: list[Measurement] = []

    def keep(run: Measurement) -> None:
        measured.append(run)
        write_runs(options.folder / "runs.json", about, measured)

    pace = QUICK_PACE if options.quick else Pace(options.budget, options.repeats)
    runner = Runner(options.folder / "work", pace, _say, keep)
    if (options.resume or options.report) and (options.folder / "runs.json").exists():
        about, earlier = read_runs(options.folder / "runs.json", about, adds=options.resume)
        runner.go_on_from(earlier)
        measured.extend(run for run in earlier if not run.failed)
        _say(f"{len(measured)} runs are there already")
    jobs = _jobs(options)
    contenders = [] if options.report else [NAMES[name] for name in options.contenders]
    if not options.quick:
        runner.warm_up(contenders)
    for job in jobs:
        runner.run(job, contenders)
    a_few = [] if options.quick else [Job(NEW, users) for users in A_FEW]
    for job in a_few:
        runner.run(job, [each for each in (USER_LOOP, BULK, SCRIPT) if each in contenders])
    verdicts: list[Verdict] = []
    for goal in _goals(options):
        verdicts += goal.judge(runner.results) if options.report else goal.pursue(runner)
    report = Report(runner.results, jobs, a_few, verdicts, about)
    report.write(options.folder)
    print(f"\n{report.text()}")
    if options.publish:
        report.publish(options.publish)
    failed = [run for run in measured if run.failed]
    for run in failed:
        print(f"FAILED: {run.contender}, {run.users} users, {run.change}: {run.fault}")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="publica_bench", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for results and work files")
    parser.add_argument("--publish", type=Path, metavar="DOCS", help="also refresh these docs")
    parser.add_argument("--commit", default="", help="what is measured, to be told")
    parser.add_argument("--quick", action="store_true", help="small sizes, once, without a limit")
    parser.add_argument("--resume", action="store_true", help="keep the runs that are there")
    parser.add_argument("--report", action="store_true", help="measure nothing, tell what is there")
    parser.add_argument("--no-goals", action="store_true", help="the matrix alone")
    parser.add_argument("--no-loops", action="store_true", help="no loops over 1,000 users")
    parser.add_argument("--sizes", type=int, nargs="+", default=None, help="numbers of users")
    parser.add_argument("--budget", type=float, default=300.0, help="longest run, in seconds")
    parser.add_argument("--repeats", type=int, default=3, help="runs of what is not too slow")
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=sorted(NAMES),
        default=list(NAMES),
        help="who takes part in the matrix",
    )
    parser.add_argument("--changes", nargs="+", choices=list(CHANGES), default=list(CHANGES))
    parser.add_argument(
        "--conditions", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS)
    )
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


def _say(line: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    print(f"[{minutes:3}:{seconds:02}] {line}")


if __name__ == "__main__":
    sys.exit(main())
