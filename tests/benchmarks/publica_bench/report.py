# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a benchmark: runs as JSON, tables as Markdown, pictures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from . import charts
from .goals import Check
from .jobs import ALL, BULK, CHANGES, SCRIPT, USER_LOOP, Contender, Job
from .measurement import Measurement
from .runner import NotRun, Results, Summary, break_even, paired_ratio

# Absolute, since the archive on Galaxy holds the page without the pictures.
IMAGES = (
    "https://raw.githubusercontent.com/publica-la/ansible-collection-publica.la/main/docs/images"
)
PICTURES = (("seconds", ""), ("requests", "-requests"), ("peak_mb", "-memory"))
STORES = {"unlimited": "without a limit", "latency": "that is slow", "limit": "with a limit"}
NOTHING = "–"  # noqa: RUF001  (an en dash, as in a printed table)
Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table with the columns that hold numbers."""

    title: str
    head: Row
    rows: Sequence[Row]
    numbers: frozenset[int]

    def markdown(self) -> str:
        columns = range(len(self.head))
        rule = tuple("--:" if number in self.numbers else "---" for number in columns)
        rows = ["| " + " | ".join(row) + " |" for row in (self.head, rule, *self.rows)]
        return "\n".join([f"### {self.title}", "", *rows])


@dataclass(frozen=True)
class Report:
    """The results of a benchmark, and the environment that they depend on."""

    results: Results
    jobs: Sequence[Job]
    break_even_jobs: Sequence[Job]
    checks: Sequence[Check]
    environment: Mapping[str, str]

    def tables(self) -> list[Table]:
        """A table for each condition, one for a few users, and one for the goals."""
        conditions = dict.fromkeys(job.condition.title for job in self.jobs)
        titled: list[tuple[str, Sequence[Job]]] = [
            (title, [job for job in self.jobs if job.condition.title == title])
            for title in conditions
        ]
        titled.append(("A few users, no limit, no latency", self.break_even_jobs))
        head = (
            "Users", "", "By", "Runs", "Requests", "Refused", "Seconds", "CPU s", "MB", "/ script",
        )  # fmt: skip
        numbers = frozenset((0, 3, 4, 5, 6, 7, 8, 9))
        tables = [
            Table(title[:1].upper() + title[1:], head, rows, numbers)
            for title, jobs in titled
            if (rows := result_rows(self.results, jobs, ALL))
        ]
        checks = [check_row(check) for check in self.checks]
        return [
            *tables,
            Table("Goals", ("", "Measured", "Bound", "Met"), checks, frozenset((1, 2))),
        ]

    def break_even_sentence(self) -> str:
        """The number of users from which one bulk task is faster than a loop; empty if unknown."""
        loop, bulk = (
            {
                job.users: outcome.seconds
                for job in self.break_even_jobs
                if isinstance(outcome := self.results.outcome(job, contender), Summary)
                and not outcome.error
            }
            for contender in (USER_LOOP, BULK)
        )
        if min(len(loop), len(bulk)) < 2:
            return ""
        users = break_even(loop, bulk)
        if users is None:
            return f"{BULK.title}, was not faster than {USER_LOOP.title} at any number of users."
        return (
            f"Calculated from the smallest and the largest of a few users, {BULK.title}, is faster "
            f"than {USER_LOOP.title} from {users} on."
        )

    def markdown(self) -> str:
        """The tables, for the documentation and for a terminal."""
        tables = [table.markdown() for table in self.tables()]
        parts = (measured_with(self.environment), *tables, self.break_even_sentence())
        return "\n\n".join(filter(None, parts)) + "\n"

    def pictures(self) -> dict[str, str]:
        """SVG by file name: seconds for each condition; requests and memory for the first one."""
        drawn = {}
        conditions = list({job.condition.name: job.condition for job in self.jobs}.values())
        for number, condition in enumerate(conditions):
            for figure, suffix in PICTURES if number == 0 else PICTURES[:1]:
                panels = charts.panels_by_change(self.results, self.jobs, ALL, condition, figure)
                if panels:
                    kind = condition.name.partition("-")[0]
                    title = f"The same users by each contender: {condition.title}"
                    drawn[f"performance-{kind}{suffix}.svg"] = charts.draw(panels, title, figure)
        return drawn

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "performance.md").write_text(self.markdown(), "utf-8")
        for name, picture in self.pictures().items():
            (directory / name).write_text(picture, "utf-8")

    def publish(self, docs: Path) -> None:
        """Update the tables and pictures of the documentation.

        :raises ValueError: if the page has no place for the tables.
        """
        page = docs / "performance.md"
        pictures = self.pictures()
        shown = [f"![{_caption(name)}]({IMAGES}/{name})" for name in pictures]
        block = "\n\n".join([*shown, self.markdown()])
        page.write_text(with_block(page.read_text("utf-8"), block), "utf-8")
        for name, picture in pictures.items():
            (docs / "images" / name).write_text(picture, "utf-8")


def result_rows(
    results: Results, jobs: Iterable[Job], contenders: Iterable[Contender]
) -> list[Row]:
    """A row for each job and contender that was run, or not run because of its length."""
    contenders = list(contenders)
    rows: list[Row] = []
    for job in jobs:
        for contender in contenders:
            outcome = results.outcome(job, contender)
            if outcome is not None:
                ratio = paired_ratio(results.of(job, contender), results.of(job, SCRIPT))
                what = (f"{job.users:,}", CHANGES[job.change], contender.title)
                rows.append((*what, *_cells(outcome, ratio)))
    return rows


def check_row(check: Check) -> Row:
    """The figure of a goal, its bound, and whether it is met."""
    measured = NOTHING
    if check.figure is not None:
        measured = f"{'> ' if check.is_lower_bound else ''}{figure(check.figure)}{check.unit}"
    bound = f"{'≥' if check.at_least else '≤'} {figure(check.bound)}{check.unit}"
    return check.what, measured, bound, "yes" if check.met else "NO"


def _cells(outcome: Summary | NotRun, ratio: float | None) -> Row:
    if isinstance(outcome, NotRun):
        minutes = max(1, int(outcome.expected_seconds // 60))
        return (*(NOTHING,) * 3, f"not run (> {minutes} min by extrapolation)", *(NOTHING,) * 3)
    if outcome.error:
        ended = f"more than {figure(outcome.slowest)} (ended)"
        seconds = ended if outcome.unfinished else "failed"
        return (str(outcome.runs), *(NOTHING,) * 2, seconds, *(NOTHING,) * 3)
    seconds = figure(outcome.seconds)
    if outcome.runs > 1:
        seconds += f" ({figure(outcome.fastest)} to {figure(outcome.slowest)})"
    return (
        str(outcome.runs),
        f"{outcome.requests:,}",
        str(outcome.refusals),
        seconds,
        figure(outcome.cpu_seconds),
        f"{outcome.peak_mb:.0f}",
        NOTHING if ratio is None else figure(ratio),
    )


def figure(value: float) -> str:
    """Three significant digits, with at most two decimals."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _caption(picture: str) -> str:
    store, _, figure = picture.removeprefix("performance-").removesuffix(".svg").partition("-")
    return f"{(figure or 'seconds').capitalize()} by number of users, on a store {STORES[store]}"


def with_block(page: str, block: str, name: str = "benchmarks") -> str:
    """A page with the text between the two markers of this name replaced.

    :raises ValueError: if one of the markers is missing.
    """
    first, last = (f"<!-- {name}: {which} -->" for which in ("begin", "end"))
    before, begin, rest = page.partition(first)
    _old, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"The page has no {first} ... {last} to put the tables between.")
    return f"{before}{begin}\n\n{block}\n{end}{after}"


def measured_with(environment: Mapping[str, str]) -> str:
    """What the figures depend on, as a sentence."""
    values = ", ".join(f"{name} {value}" for name, value in environment.items())
    return f"Measured with {values}."


def environment(commit: str) -> dict[str, str]:
    """The versions and the hardware that the figures depend on."""
    return {
        "commit": commit or "unknown",
        "ansible-core": version("ansible-core"),
        "Python": platform.python_version(),
        "requests": version("requests"),
        "processor cores": str(os.cpu_count()),
    }


def write_runs(path: Path, environment: Mapping[str, str], runs: Iterable[Measurement]) -> None:
    """Write all runs, for further calculations and to resume the benchmark."""
    content = {"environment": dict(environment), "runs": [run.as_dict() for run in runs]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def read_runs(
    path: Path, here: Mapping[str, str], *, adds: bool = True
) -> tuple[dict[str, str], list[Measurement]]:
    """The environment and the runs of an earlier benchmark.

    :param here: the environment of this benchmark.
    :param adds: this benchmark adds runs.
    :raises ValueError: if the environments differ by more than the commit, so that the figures
        cannot be compared.
    """
    content = json.loads(path.read_text("utf-8"))
    before: dict[str, str] = content["environment"]
    for name in here.keys() | before.keys():
        if name != "commit" and here.get(name) != before.get(name):
            raise ValueError(f"{path} was measured with {name} {before.get(name)}. Start again.")
    added = [here["commit"]] if adds else []
    commits = dict.fromkeys([*before["commit"].split(" and "), *added])
    runs = [Measurement(**run) for run in content["runs"]]
    return {**here, "commit": " and ".join(commits)}, runs
