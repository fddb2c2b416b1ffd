# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test suites and the demonstration."""

from __future__ import annotations

import os
import sys

import nox

import find_python

from .environment import (
    CACHE,
    DEFAULT,
    OLDEST,
    PYTHONS,
    REPOSITORY,
    REQUIREMENTS,
    TARGET_PYTHON,
    UV,
    ansible_environment,
    benchmark_environment,
    for_each_core,
    install,
    programs,
    run,
    tree,
)

ENVIRONMENT = f"environment-{DEFAULT}"
# The suites then run the tests with the mark `full` too.
FULL = {"PUBLICA_TEST_FULL": "1"}
# Modules then run on the oldest Python of an executing host.
TARGET = {"PUBLICA_TEST_TARGET_PYTHON": str(programs("target") / "python")}
# Every process would take a second to load this plugin, which these tests don't use.
INTEGRATION = ("-p", "no:hypothesispytest", "tests/integration")
# The unit tests of what imports ansible-core; the others are the same on every release.
WITH_ANSIBLE = ("modules", "plugin_utils", "test_progress.py", "input/test_documents.py")


def pytest(
    session: nox.Session,
    core: str,
    *words: str,
    processes: int | str = "auto",
    env: dict[str, str] | None = None,
) -> None:
    """Run pytest in the copy of the work tree; words after `--` select the tests."""
    collection = tree()
    session.chdir(collection)
    run(
        *(session, core, "python", "-m", "pytest", "-o", f"cache_dir={CACHE / 'pytest'}"),
        *(f"--numprocesses={processes}", "--maxprocesses=4", "--dist=worksteal", "--timeout=300"),
        # Every process would take a second to load this plugin, which no test uses.
        *("-p", "no:schemathesis"),
        *(session.posargs or words),
        env={**ansible_environment(collection), **(env or {})},
    )


def every_core() -> list[str]:
    """The words that select the tests of every ansible-core, in the files that have some."""
    files = (REPOSITORY / "tests" / "integration").glob("test_*.py")
    selected = sorted(file for file in files if "mark.every_core" in file.read_text("utf-8"))
    names = [str(file.relative_to(REPOSITORY)) for file in selected]
    return [*INTEGRATION[:-1], "-m", "every_core", *names]


def integration(session: nox.Session, core: str) -> None:
    """Playbooks against sandbox stores, and the documentation's examples,"""
    pytest(session, core, *INTEGRATION)


# nox starts sessions in the order of their registration: the longest ones come first.
for_each_core(integration, in_default=["test"], allow_parallel=True)


@nox.session(name="faults-full", requires=[ENVIRONMENT], tags=["test-all"], allow_parallel=True)
def faults_full(session: nox.Session) -> None:
    """The fault tests that `make test` leaves out."""
    pytest(session, DEFAULT, "-m", "full", "tests/faults", env=FULL)


@nox.session(requires=[ENVIRONMENT], tags=["test"], allow_parallel=True)
def faults(session: nox.Session) -> None:
    """Failures at every endpoint, and random lists, failures and runs against an oracle."""
    pytest(session, DEFAULT, "tests/faults")


@nox.session(
    name="integration-full", requires=[ENVIRONMENT], tags=["test-all"], allow_parallel=True
)
def integration_full(session: nox.Session) -> None:
    """The integration tests that `make test` leaves out."""
    pytest(session, DEFAULT, *INTEGRATION, "-m", "full", env=FULL)


@nox.session(
    name="integration-target",
    requires=[f"environment-{OLDEST}", "environment-target"],
    tags=["test-all"],
    allow_parallel=True,
)
def integration_target(session: nox.Session) -> None:
    """Playbooks and modules on the oldest ansible-core, with the modules on the oldest Python."""
    words = ("-m", "not full or oldest_core")
    pytest(session, OLDEST, *INTEGRATION, *words, env={**FULL, **TARGET})


@nox.session(
    name="cores-target",
    requires=[ENVIRONMENT, "environment-target"],
    tags=["test-all"],
    allow_parallel=True,
)
def cores_target(session: nox.Session) -> None:
    """The tests of every ansible-core, with the modules on the oldest Python."""
    pytest(session, DEFAULT, *every_core(), env={**FULL, **TARGET})


def cores(session: nox.Session, core: str) -> None:
    """Playbooks, role and reports, in a part of the integration tests,"""
    pytest(session, core, *every_core(), env=FULL)


def unit(session: nox.Session, core: str) -> None:
    """Unit tests"""
    parts = [f"tests/unit/{name}" for name in WITH_ANSIBLE]
    pytest(session, core, *(["tests/unit"] if core == DEFAULT else parts))


# The next suites take less processor time in one process: each further one would import as much.
@nox.session(requires=[ENVIRONMENT], tags=["test"], allow_parallel=True)
def contract(session: nox.Session) -> None:
    """The API's description against the sandbox store and the client's requests."""
    pytest(session, DEFAULT, "tests/contract", processes=0)


@nox.session(name="sandbox-test", requires=[ENVIRONMENT], tags=["test"], allow_parallel=True)
def sandbox_test(session: nox.Session) -> None:
    """Tests of the sandbox store."""
    pytest(session, DEFAULT, "tests/sandbox/tests", processes=0)


@nox.session(name="report-page", requires=[ENVIRONMENT], tags=["test-all"], allow_parallel=True)
def report_page(session: nox.Session) -> None:
    """The report in Chromium, and its other formats read by independent parsers."""
    run(session, DEFAULT, "python", str(tree() / "tests" / "tools" / "find_chromium.py"))
    pytest(session, DEFAULT, "tests/report_page", processes=0)


@nox.session(requires=[ENVIRONMENT])
def soak(session: nox.Session) -> None:
    """The complete fault suite with new random examples for SOAK_MINUTES (30)."""
    minutes = os.environ.get("SOAK_MINUTES", "30")
    env = {**FULL, "SOAK_MINUTES": minutes}
    pytest(session, DEFAULT, "--timeout=0", "tests/faults", env=env)


@nox.session(requires=[ENVIRONMENT], tags=["test-all"])
def pipelines(session: nox.Session) -> None:
    """The examples for CI systems, AWX, ansible-builder, -navigator, ARA, LDAP and SQLite."""
    variable = "PUBLICA_TEST_PROGRAMS"
    directory = os.environ.get(variable) or str(CACHE / "programs")
    script = tree() / "tests" / "tools" / "unpack_programs.py"
    run(session, DEFAULT, "python", str(script), directory)
    pytest(session, DEFAULT, "tests/pipelines", env={variable: directory})


@nox.session(name="bench-test", requires=[ENVIRONMENT], tags=["test-all"])
def bench_test(session: nox.Session) -> None:
    """Tests of the benchmarks."""
    pytest(session, DEFAULT, "tests/benchmarks/tests", env=benchmark_environment(tree()))


def demo(session: nox.Session, core: str) -> None:
    """Provision two sandbox stores"""
    session.log("Starting tests/demo/run_demo.py")
    collection = tree()
    python = programs(core) / "python"
    script = collection / "tests" / "demo" / "run_demo.py"
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    # Replaces nox, which would not pass on a SIGTERM, and the sandbox stores would keep running.
    sys.stdout.flush()
    os.execve(  # noqa: S606  (no shell is needed)
        python,
        [str(python), str(script), "--folder", str(CACHE / "demo")],
        {**os.environ, **ansible_environment(collection), "PATH": path},
    )


@nox.session(name="environment-target")
def environment_target(session: nox.Session) -> None:
    """Install the packages of the modules and the unit tests for the oldest Python."""
    python = PYTHONS[TARGET_PYTHON]
    if python is None:
        session.error(find_python.missing([TARGET_PYTHON], "the oldest executing hosts"))
    install(session, "target", python, "unit")


@nox.session(
    name="unit-target",
    requires=[ENVIRONMENT, "environment-target"],
    tags=["test-all"],
    allow_parallel=True,
)
def unit_target(session: nox.Session) -> None:
    """Unit tests on the oldest Python of an executing host."""
    # There, ansible-core consists of the module_utils that the controller sends.
    sent = CACHE / "sent"
    core = REQUIREMENTS / "ansible-core" / f"{DEFAULT}.txt"
    words = ("--quiet", "--no-deps", "--python", str(programs(DEFAULT) / "python"))
    session.run(*UV, "pip", "install", *words, "--target", str(sent), "-r", str(core), log=False)
    path = f"{ansible_environment(tree())['PYTHONPATH']}:{sent}"
    pytest(session, "target", "tests/unit", env={"PYTHONPATH": path})
