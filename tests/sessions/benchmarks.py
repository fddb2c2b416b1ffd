# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmarks and their own tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nox

from .environment import (
    CACHE,
    DEFAULT,
    PYTHON,
    REPOSITORY,
    ansible_environment,
    core_requirements,
    install,
    pytest,
    tree,
)


@nox.session(python=PYTHON)
def bench(session: nox.Session) -> None:
    """The benchmarks, with the words after `--`; PUBLISH=1 refreshes the documentation."""
    install_for_benchmarks(session)
    collection = tree()
    results = CACHE / "benchmarks"
    words = ["--folder", str(results), "--commit", commit()]
    if os.environ.get("PUBLISH") == "1":
        words += ["--publish", str(REPOSITORY / "docs")]
    session.run(
        *("python", "-m", "publica_bench", *words, *session.posargs),
        env=benchmark_environment(collection),
    )
    session.log(f"Tables, pictures and every single run: {results.relative_to(REPOSITORY)}")


@nox.session(name="bench-clients", python=PYTHON)
def bench_clients(session: nox.Session) -> None:
    """HTTP clients beside each other, as a table of ratios; docs/decisions has why."""
    install_for_benchmarks(session)
    session.run(
        *("python", "-m", "publica_bench.clients", *session.posargs),
        env=benchmark_environment(tree()),
    )


@nox.session(name="bench-test", python=PYTHON)
def bench_test(session: nox.Session) -> None:
    """The benchmarks' arithmetic, and one small run of them all."""
    install_for_benchmarks(session)
    install(session, "pytest")
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/benchmarks/tests", env=benchmark_environment(collection))


def install_for_benchmarks(session: nox.Session) -> None:
    """What the contenders and the race need."""
    install(session, "runtime", "sandbox", "benchmarks", core_requirements(DEFAULT))


def benchmark_environment(collection: Path) -> dict[str, str]:
    """The environment of Ansible, with the benchmarks' package to import."""
    env = ansible_environment(collection)
    benchmarks = str(collection / "tests" / "benchmarks")
    return {**env, "PYTHONPATH": os.pathsep.join([benchmarks, env["PYTHONPATH"]])}


def commit() -> str:
    """What is measured, as git names it, with a mark where the work tree differs from it."""
    describe = ("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty")
    said = subprocess.run(describe, capture_output=True, text=True, check=True)
    return said.stdout.strip()
