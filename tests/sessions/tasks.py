# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks outside the tests: benchmarks, reports to look at, mutation testing."""

from __future__ import annotations

import os
import subprocess

import nox

from .environment import (
    CACHE,
    DEFAULT,
    HOME,
    REPOSITORY,
    ansible_environment,
    benchmark_environment,
    run,
    tree,
)

ENVIRONMENT = f"environment-{DEFAULT}"


@nox.session(requires=[ENVIRONMENT])
def bench(session: nox.Session) -> None:
    """The benchmarks, with the words after `--`; PUBLISH=1 updates the documentation."""
    results = CACHE / "benchmarks"
    describe = ("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty")
    commit = subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    words = ["--folder", str(results), "--commit", commit]
    if os.environ.get("PUBLISH") == "1":
        words += ["--publish", str(REPOSITORY / "docs")]
    command = ("python", "-m", "publica_bench", *words, *session.posargs)
    run(session, DEFAULT, *command, env=benchmark_environment(tree()))
    session.log(f"Tables, charts and all single runs: {results.relative_to(REPOSITORY)}")


@nox.session(name="report-demo", requires=[ENVIRONMENT])
def report_demo(session: nox.Session) -> None:
    """Write reports of three sandbox stores; REPORT_LANGUAGE is en, es or pt."""
    write_reports(session, os.environ.get("REPORT_LANGUAGE") or "en")


@nox.session(name="report-pictures", requires=[ENVIRONMENT])
def report_pictures(session: nox.Session) -> None:
    """Update the documentation's pictures of a report and of a terminal."""
    write_reports(session, "en")
    page = CACHE / "report-demo" / "audit" / "index.html"
    script = tree() / "tests" / "report_page" / "take_pictures.py"
    images = REPOSITORY / "docs" / "images"
    run(session, DEFAULT, "python", str(script), str(page), str(images))
    script = tree() / "tests" / "demo" / "take_terminal_picture.py"
    environment = ansible_environment(tree())
    run(session, DEFAULT, "python", str(script), str(images / "terminal.svg"), env=environment)


def write_reports(session: nox.Session, language: str) -> None:
    """Run the demonstration of reports."""
    collection = tree()
    script = collection / "tests" / "report_page" / "report_demo.py"
    words = ("--folder", str(CACHE / "report-demo"), "--language", language)
    run(session, DEFAULT, "python", str(script), *words, env=ansible_environment(collection))


@nox.session(requires=[ENVIRONMENT])
def mutation(session: nox.Session) -> None:
    """Mutation testing of the directories and files after `--`."""
    HOME.mkdir(parents=True, exist_ok=True)
    script = REPOSITORY / "tests" / "tools" / "mutation.py"
    # Without the path to the tree: the tests must import the mutants.
    env = {"HOME": str(HOME), "PYTHONPATH": ""}
    words = (str(CACHE / "mutation"), *session.posargs)
    run(session, DEFAULT, "python", str(script), *words, env=env)
