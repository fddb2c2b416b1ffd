# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the report about runs with a record, next to other ways to update a mixed store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import charts
from .goals import Check
from .jobs import FOR_LISTS, LIST_CHANGES, PEOPLE, REAL_LIMIT, UNLIMITED, Job
from .report import IMAGES, NOTHING, Row, Table, check_row, figure, measured_with, with_block
from .runner import NotRun, Results, Summary, floor_seconds

PICTURE = "performance-record.svg"
CAPTION = "Requests by number of users in the store, with and without a record"


@dataclass(frozen=True)
class RecordReport:
    """The results of runs with a record."""

    results: Results
    jobs: Sequence[Job]
    checks: Sequence[Check]
    environment: Mapping[str, str]

    def markdown(self) -> str:
        """The tables, for the documentation and for a terminal."""
        requests = self._table("Requests, and minutes at 100 requests a minute", _requests)
        seconds = self._table("Seconds without a limit, and memory in MB", _seconds)
        checks = [check_row(check) for check in self.checks]
        goals = Table(
            "Goals with a record", ("", "Measured", "Bound", "Met"), checks, frozenset((1, 2))
        )
        tables = [table.markdown() for table in (requests, seconds, goals) if table.rows]
        return "\n\n".join([measured_with(self.environment), *tables]) + "\n"

    def _table(self, title: str, cell: Callable[[Summary], str]) -> Table:
        """A row for each job. A cell is a figure with another one in brackets."""
        head = ("In the store", "In the list", "Changed", *(each.title for each in FOR_LISTS))
        rows: list[Row] = []
        for job in self.jobs:
            outcomes = [self.results.outcome(job, contender) for contender in FOR_LISTS]
            if any(outcomes):
                what = (f"{job.users:,}", f"{job.listed:,}", LIST_CHANGES[job.change])
                rows.append((*what, *(_cell(outcome, cell) for outcome in outcomes)))
        return Table(title, head, rows, frozenset((0, 1, 3, 4, 5)))

    def picture(self) -> str:
        """The requests as SVG; empty without results."""
        changes = {name: title for name, title in LIST_CHANGES.items() if name != PEOPLE}
        panels = charts.panels_by_change(
            self.results, self.jobs, FOR_LISTS, UNLIMITED, "requests", changes
        )
        title = "What has changed in a list of a fifth of the store's users"
        return charts.draw(panels, title, "requests") if panels else ""

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "performance-record.md").write_text(self.markdown(), "utf-8")
        if picture := self.picture():
            (directory / PICTURE).write_text(picture, "utf-8")

    def publish(self, docs: Path) -> None:
        """Update the tables and the picture of the documentation."""
        page, picture = docs / "performance.md", self.picture()
        shown = f"![{CAPTION}]({IMAGES}/{PICTURE})\n\n" if picture else ""
        block = f"{shown}{self.markdown()}"
        page.write_text(with_block(page.read_text("utf-8"), block, "record benchmarks"), "utf-8")
        if picture:
            (docs / "images" / PICTURE).write_text(picture, "utf-8")


def _cell(outcome: Summary | NotRun | None, cell: Callable[[Summary], str]) -> str:
    if not isinstance(outcome, Summary):
        return NOTHING
    return "failed" if outcome.error else cell(outcome)


def _requests(outcome: Summary) -> str:
    minutes = floor_seconds(outcome.requests, REAL_LIMIT) / 60
    return f"{outcome.requests:,} ({minutes:.0f})"


def _seconds(outcome: Summary) -> str:
    return f"{figure(outcome.seconds)} ({outcome.peak_mb:.0f})"
