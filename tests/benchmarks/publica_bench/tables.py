# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results as tables: for a terminal and for Markdown, from the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .contenders import SCRIPT, Contender
from .goals import Verdict
from .jobs import CHANGES, Job
from .runner import Results
from .statistics import NotRun, Summary, paired_ratio

HEAD = ("Users", "", "By", "Runs", "Requests", "Refused", "Seconds", "CPU s", "MB", "/ script")
NUMBERS = frozenset((0, 3, 4, 5, 6, 7, 8, 9))
VERDICT_HEAD = ("", "Measured", "Bound", "Kept")
VERDICT_NUMBERS = frozenset((1, 2))
NOTHING = "–"  # noqa: RUF001  (an en dash, as in a printed table)
Row = Sequence[str]


def result_rows(
    results: Results, jobs: Iterable[Job], contenders: Iterable[Contender]
) -> list[Row]:
    """A row for each job and contender that was run, or left out for its length."""
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


def verdict_rows(verdicts: Iterable[Verdict]) -> list[Row]:
    """A row for each thing that is watched."""
    return [
        (
            verdict.what,
            _measured(verdict),
            f"{'≥' if verdict.at_least else '≤'} {_figure(verdict.bound)}{verdict.unit}",
            "yes" if verdict.met else "NO",
        )
        for verdict in verdicts
    ]


def _measured(verdict: Verdict) -> str:
    if verdict.figure is None:
        return NOTHING
    return f"{'> ' if verdict.is_least else ''}{_figure(verdict.figure)}{verdict.unit}"


def text_table(head: Row, rows: Sequence[Row], numbers: frozenset[int]) -> str:
    """A table for a terminal."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = []
    for row in (head, tuple("-" * width for width in widths), *rows):
        cells = (
            cell.rjust(width) if number in numbers else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths))
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown_table(head: Row, rows: Sequence[Row], numbers: frozenset[int]) -> str:
    """The same table in Markdown."""
    rule = tuple("--:" if number in numbers else "---" for number in range(len(head)))
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def _cells(outcome: Summary | NotRun, ratio: float | None) -> Row:
    if isinstance(outcome, NotRun):
        said = f"not run (> {max(1, int(outcome.expected_seconds // 60))} min by extrapolation)"
        return (NOTHING, NOTHING, NOTHING, said, NOTHING, NOTHING, NOTHING)
    if outcome.unfinished:
        said = f"more than {_figure(outcome.slowest)} (ended)"
        return (str(outcome.runs), *(NOTHING,) * 2, said, *(NOTHING,) * 3)
    if outcome.fault:
        return (str(outcome.runs), *(NOTHING,) * 2, "failed", *(NOTHING,) * 3)
    return (
        str(outcome.runs),
        f"{outcome.requests:,}",
        str(outcome.refusals),
        _spread(outcome),
        _figure(outcome.cpu_seconds),
        f"{outcome.peak_mb:.0f}",
        NOTHING if ratio is None else _figure(ratio),
    )


def _spread(summary: Summary) -> str:
    if summary.runs == 1:
        return _figure(summary.seconds)
    low, high = _figure(summary.fastest), _figure(summary.slowest)
    return f"{_figure(summary.seconds)} ({low} to {high})"


def _figure(value: float) -> str:
    """Three digits that mean something, and no more than two behind the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
