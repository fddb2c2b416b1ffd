# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be told without running a test: style, types, ansible-test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import nox
from nox.command import CommandFailed

import collection_tree

from .environment import (
    CACHE,
    DEFAULT,
    PYTHON,
    REPOSITORY,
    ansible_environment,
    core_requirements,
    install,
    note_fallback,
    tree,
)

# ansible-test checks what runs under Ansible, by rules of Ansible's own history (no name `_`, for
# one). The test suites and the sandbox store are programs for a newer Python: ruff, mypy and their
# own tests hold them to more.
NOT_FOR_ANSIBLE_TEST = (
    "tests/benchmarks/*",
    "docs/_ext/*",
    "docs/conf.py",
    "tests/conftest.py",
    "tests/contract/*",
    "tests/docs/*",
    "tests/faults/*",
    "tests/integration/*",
    "tests/pipelines/*",
    "tests/report_page/*",
    "tests/release/*",
    "tests/sandbox/*",
    "tests/sessions/*",
    "tests/support/*",
    "tests/tools/*",
    "tests/unit/*",
)


@nox.session(python=PYTHON)
def lint(session: nox.Session) -> None:
    """The hooks of .pre-commit-config.yaml on every file, and ansible-lint's production profile."""
    note_fallback(session)
    install(session, "lint", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    # The hooks look at what git knows; in the copy that is nothing yet.
    session.run("git", "add", "--all", external=True)
    run_all(
        session,
        ("pre-commit", "run", "--all-files", "--show-diff-on-failure"),
        ("ansible-lint", "--profile", "production", "--offline", "--strict"),
        env=ansible_environment(collection),
    )


@nox.session(python=PYTHON)
def secrets(session: nox.Session) -> None:
    """Write what looks like a secret into .secrets.baseline, new findings with REASON."""
    install(session, "lint", core_requirements(DEFAULT))
    audit = REPOSITORY / "tests" / "tools" / "audit_secrets.py"
    session.run("python", str(audit), "--accept", os.environ.get("REASON", ""), *session.posargs)


def run_all(session: nox.Session, *commands: Sequence[str], env: dict[str, str]) -> None:
    """Run every command, whatever became of the one before, and fail if any has."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except CommandFailed:
            failed.append(command[0])
    if failed:
        session.error(f"Not in order: {', '.join(failed)}.")


@nox.session(name="format")
def format_code(session: nox.Session) -> None:
    """Bring the Python files into shape."""
    install(session, "lint")
    session.run("ruff", "check", "--fix-only")
    session.run("ruff", "format")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, on the collection's code, its tools and the sandbox store."""
    install(session, "types", "pytest", "sandbox", "benchmarks", "bootstrap", "release")
    session.chdir(tree())
    env = {"MYPYPATH": str(CACHE / "tree")}
    session.run("mypy", "plugins", env=env)
    tools = {"MYPYPATH": os.pathsep.join(["tests", "tests/tools", "tests/sandbox"])}
    programs = ("noxfile.py", "tests/sessions", "tests/tools", "tests/demo", "docs/examples")
    session.run("mypy", "--python-version", "3.11", *programs, env=tools)
    benchmarks = {"MYPYPATH": os.pathsep.join(["tests/benchmarks", "tests/sandbox"])}
    # numpy, which the charts come with, is written for a newer Python.
    words = ("--python-version", "3.12", "--package", "publica_bench")
    session.run("mypy", *words, env=benchmarks)
    session.chdir("tests/sandbox")
    session.run("mypy")


def sanity(session: nox.Session, core: str) -> None:
    """ansible-test sanity, in a copy of its own, since it writes into it."""
    install(session, "sanity", core_requirements(core))
    collection = collection_tree.export(CACHE / "sanity" / core, NOT_FOR_ANSIBLE_TEST)
    # Each release keeps environments of its own there, under the same names.
    home = CACHE / "sanity" / core / "home"
    _provide_get_pip(session, home)
    session.chdir(collection)
    session.run(
        *("ansible-test", "sanity", "--venv", "--python", str(session.python)),
        *("--requirements", "--color", "no", *session.posargs),
        env={"HOME": str(home)},
    )


def _provide_get_pip(session: nox.Session, home: Path) -> None:
    """Lay the stand-in for get-pip where ansible-test looks for what it has downloaded."""
    ask = (
        "from types import SimpleNamespace as Python\n"
        "from ansible_test._internal.python_requirements import get_venv_packages\n"
        f"print(get_venv_packages(Python(version='{session.python}'))['pip'])"
    )
    answer = session.run("python", "-c", ask, silent=True, log=False)
    version = str(answer).strip()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    session.install("--target", str(cache / "pip"), f"pip=={version}")
    shutil.copyfile(REPOSITORY / "tests" / "tools" / "get_pip.py", script)
