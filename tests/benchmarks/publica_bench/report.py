# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that is written down: the runs as JSON, tables as text and Markdown, pictures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from . import charts, tables
from .contenders import ALL, BULK, USER_LOOP
from .goals import Verdict
from .jobs import Condition, Job
from .measurement import Measurement
from .runner import Results
from .statistics import Summary, break_even

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
PICTURES = (("seconds", ""), ("requests", "-requests"), ("peak_mb", "-memory"))


@dataclass(frozen=True)
class Report:
    """What was measured, where, and what it says."""

    results: Results
    jobs: Sequence[Job]
    break_even_jobs: Sequence[Job]
    verdicts: Sequence[Verdict]
    surroundings: Mapping[str, str]

    def conditions(self) -> list[Condition]:
        """The conditions of the jobs, each once, in their order."""
        return list({job.condition.name: job.condition for job in self.jobs}.values())

    def sections(self) -> list[tuple[str, tables.Row, list[tables.Row], frozenset[int]]]:
        """Each table: title, head, rows, columns of numbers."""
        named = [
            (f"{condition.title}", [job for job in self.jobs if job.condition == condition])
            for condition in self.conditions()
        ]
        named.append(("A few users, no limit, no latency", list(self.break_even_jobs)))
        made = [
            (_capital(title), tables.HEAD, rows, tables.NUMBERS)
            for title, jobs in named
            if (rows := tables.result_rows(self.results, jobs, ALL))
        ]
        rows = tables.verdict_rows(self.verdicts)
        return [*made, ("What is watched", tables.VERDICT_HEAD, rows, tables.VERDICT_NUMBERS)]

    def break_even_sentence(self) -> str:
        """From how many users on one task for all is faster than a loop; empty if not measured."""
        loop, bulk = (
            {
                job.users: outcome.seconds
                for job in self.break_even_jobs
                if isinstance(outcome := self.results.outcome(job, contender), Summary)
                and not outcome.fault
            }
            for contender in (USER_LOOP, BULK)
        )
        if min(len(loop), len(bulk)) < 2:
            return ""
        users = break_even(loop, bulk)
        if users is None:
            return f"{BULK.title}, was not faster than {USER_LOOP.title}, however many the users."
        return (
            f"By the smallest and the largest of a few users, {BULK.title}, is faster than "
            f"{USER_LOOP.title} from {users} on."
        )

    def text(self) -> str:
        """The tables for a terminal."""
        parts = [_told(self.surroundings)]
        for title, head, rows, numbers in self.sections():
            parts.append(f"{title}\n\n{tables.text_table(head, rows, numbers)}")
        return "\n\n".join(filter(None, (*parts, self.break_even_sentence()))) + "\n"

    def markdown(self) -> str:
        """The tables for the documentation."""
        parts = [_told(self.surroundings)]
        for title, head, rows, numbers in self.sections():
            parts.append(f"### {title}\n\n{tables.markdown_table(head, rows, numbers)}")
        return "\n\n".join(filter(None, (*parts, self.break_even_sentence()))) + "\n"

    def pictures(self) -> dict[str, str]:
        """SVG by file name: seconds for each condition; requests and memory for the first one."""
        made = {}
        for number, condition in enumerate(self.conditions()):
            for figure, suffix in PICTURES if number == 0 else PICTURES[:1]:
                panels = charts.panels_by_change(self.results, self.jobs, ALL, condition, figure)
                if panels:
                    kind = condition.name.partition("-")[0]
                    name = f"performance-{kind}{suffix}.svg"
                    made[name] = charts.draw(panels, condition, figure)
        return made

    def write(self, folder: Path) -> None:
        """Write tables and pictures into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "performance.txt").write_text(self.text(), "utf-8")
        (folder / "performance.md").write_text(self.markdown(), "utf-8")
        for name, picture in self.pictures().items():
            (folder / name).write_text(picture, "utf-8")

    def publish(self, docs: Path) -> None:
        """Bring the documentation's tables and pictures up to date.

        :raises ValueError: if the page has no place for the tables.
        """
        page = docs / "performance.md"
        pictures = self.pictures()
        shown = [f"![{_words(name)}](images/{name})" for name in pictures]
        block = "\n\n".join([*shown, self.markdown()])
        page.write_text(with_block(page.read_text("utf-8"), block), "utf-8")
        for name, picture in pictures.items():
            (docs / "images" / name).write_text(picture, "utf-8")


def _words(picture: str) -> str:
    """What a picture is called for whoever does not see it."""
    store, _, figure = picture.removeprefix("performance-").removesuffix(".svg").partition("-")
    stores = {"unlimited": "without a limit", "latency": "that is slow", "limit": "with a limit"}
    return f"{(figure or 'seconds').capitalize()} by number of users, on a store {stores[store]}"


def with_block(page: str, block: str) -> str:
    """A page with the text between the two markers replaced.

    :raises ValueError: if one of the markers is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no {BEGIN} ... {END} to put the tables between.")
    return f"{before}{begin}\n\n{block}\n{end}{after}"


def surroundings(commit: str) -> dict[str, str]:
    """What the figures depend on, without a word on whose machine it was."""
    return {
        "commit": commit or "unknown",
        "ansible-core": version("ansible-core"),
        "Python": platform.python_version(),
        "requests": version("requests"),
        "processor cores": str(os.cpu_count()),
    }


def write_runs(path: Path, surroundings: Mapping[str, str], runs: Iterable[Measurement]) -> None:
    """Every run, for whoever wants to calculate on."""
    told = {"surroundings": dict(surroundings), "runs": [run.as_dict() for run in runs]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def read_runs(
    path: Path, here: Mapping[str, str], *, adds: bool = True
) -> tuple[dict[str, str], list[Measurement]]:
    """The runs of an earlier benchmark to go on from, and what all of them depend on.

    :param here: what the runs to come depend on.
    :param adds: there will be runs to come.
    :raises ValueError: if that differs by more than the commit: such figures do not stand side by
        side.
    """
    told = json.loads(path.read_text("utf-8"))
    before: dict[str, str] = told["surroundings"]
    for name in here.keys() | before.keys():
        if name != "commit" and here.get(name) != before.get(name):
            raise ValueError(f"{path} was measured with {name} {before.get(name)}; begin anew.")
    added = [here["commit"]] if adds else []
    commits = dict.fromkeys([*before["commit"].split(" and "), *added])
    runs = [Measurement(**run) for run in told["runs"]]
    return {**here, "commit": " and ".join(commits)}, runs


def _told(surroundings: Mapping[str, str]) -> str:
    return "Measured with " + ", ".join(f"{k} {v}" for k, v in surroundings.items()) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
