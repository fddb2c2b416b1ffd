# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths, the supported ansible-core releases, and the virtual environments of the sessions.

There is one environment for each ansible-core. Each has the packages of requirements/tests.txt; the
one for the newest ansible-core has those of requirements/checks.txt too. Importing this module
removes the user's own Ansible settings and store tokens from the environment variables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import nox

import collection_tree
import find_python

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
HOME = CACHE / "home"
REQUIREMENTS = REPOSITORY / "tests" / "requirements"

# The supported ansible-core releases, oldest first, each with the Pythons it runs on, best first.
# So the tests on one machine cover several Pythons. The sandbox store needs 3.11 or newer.
CORES = {
    "2.16": ("3.11", "3.12"),
    "2.17": ("3.11", "3.12"),
    "2.18": ("3.12", "3.11", "3.13"),
    "2.19": ("3.12", "3.11", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
OLDEST, NEWEST = "2.16", "2.21"
# The newest ansible-core for a machine that has only the oldest Python that this project accepts.
FALLBACK = "2.19"
# The oldest Python of the hosts that execute the modules.
TARGET_PYTHON = "3.9"
UV = (sys.executable, "-m", "uv")

for name in list(os.environ):
    if name.startswith(("ANSIBLE_", "PUBLICA_")) and not name.startswith("PUBLICA_TEST_"):
        del os.environ[name]
# Without bytecode, each of the many Ansible processes would first compile Ansible.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.update(
    LC_ALL="C.UTF-8",
    XDG_CACHE_HOME=str(CACHE / "xdg"),
    UV_PYTHON_INSTALL_DIR=str(CACHE / "python"),
    # uv then accepts a company's own certificate authority, as pip does.
    UV_SYSTEM_CERTS="true",
    MYPY_CACHE_DIR=str(CACHE / "mypy"),
    PYTHONPYCACHEPREFIX=str(CACHE / "pycache"),
    RUFF_CACHE_DIR=str(CACHE / "ruff"),
)

PYTHONS = {
    version: find_python.find(version)
    for version in sorted({TARGET_PYTHON, *(v for pythons in CORES.values() for v in pythons)})
}
# Real interpreters precede a version manager's shims, for nox, uv and ansible-test.
os.environ["PATH"] = os.pathsep.join(
    [*{str(found.parent): None for found in PYTHONS.values() if found}, os.environ["PATH"]]
)


def python_for(core: str) -> str | None:
    """The best Python on this machine for an ansible-core release."""
    return next((version for version in CORES[core] if PYTHONS[version]), None)


LATEST = NEWEST if python_for(NEWEST) else FALLBACK


def chosen_core() -> str:
    """The ansible-core that CORE names, or the newest one that this machine has a Python for.

    Raises:
        SystemExit: if CORE names one that is not supported, or has no Python here.
    """
    chosen = os.environ.get("CORE") or LATEST
    if chosen not in CORES:
        raise SystemExit(f"CORE={chosen} is not supported. Use one of {', '.join(CORES)}.")
    if python_for(chosen) is None:
        raise SystemExit(find_python.missing(CORES[chosen], f"ansible-core {chosen}"))
    return chosen


DEFAULT = chosen_core()


def programs(core: str) -> Path:
    """The directory of the programs of an environment: of an ansible-core, or of Python 3.9."""
    return CACHE / "environments" / ("newest" if core == LATEST else core) / "bin"


def install(session: nox.Session, name: str, python: Path | None, *requirements: str) -> None:
    """Build an environment, or bring it up to date with its requirement files."""
    directory = programs(name).parent
    session.log(f"Packages of {', '.join(requirements)} in {directory.relative_to(REPOSITORY)}")
    venv = (*UV, "venv", "--quiet", "--allow-existing", "--python", str(python), str(directory))
    session.run(*venv, log=False)
    files = [str(REQUIREMENTS / f"{requirement}.txt") for requirement in requirements]
    words = (word for file in files for word in ("--requirement", file))
    session.run(*(*UV, "pip", "install", "--quiet", "--python", str(directory), *words), log=False)


def environment(session: nox.Session, core: str) -> None:
    """Install the packages of the tests"""
    if core == LATEST and core != NEWEST:
        session.warn(find_python.missing(CORES[NEWEST], f"ansible-core {NEWEST}"))
        session.warn(f"Using ansible-core {core} instead.")
    checks = ["checks"] if core == LATEST else []
    python = PYTHONS[python_for(core) or ""]
    install(session, core, python, "tests", *checks, f"ansible-core/{core}")


def run(session: nox.Session, core: str, *command: str, env: dict[str, str] | None = None) -> None:
    """Run a program of the environment of an ansible-core release."""
    path = os.pathsep.join([str(programs(core)), os.environ["PATH"]])
    session.run(
        *(str(programs(core) / command[0]), *command[1:]),
        env={"PATH": path, **(env or {})},
        # An interrupted test still has to stop its stores.
        interrupt_timeout=20,
    )


def tree() -> Path:
    """The collection's directory in an up-to-date copy of the work tree."""
    return collection_tree.export(CACHE / "tree")


def ansible_environment(collection: Path) -> dict[str, str]:
    """The variables for programs that run Ansible or import the collection."""
    root = str(collection.parents[2])
    HOME.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(HOME),
        "ANSIBLE_COLLECTIONS_PATH": root,
        "ANSIBLE_CONFIG": str(collection / "tests" / "ansible.cfg"),
        "PYTHONPATH": os.pathsep.join([root, str(collection / "tests" / "sandbox")]),
    }


def benchmark_environment(collection: Path) -> dict[str, str]:
    """The variables for programs that import the benchmarks."""
    env = ansible_environment(collection)
    paths = [str(collection / "tests" / "benchmarks"), env["PYTHONPATH"]]
    return {**env, "PYTHONPATH": os.pathsep.join(paths)}


def for_each_core(
    function: Callable[[nox.Session, str], None],
    *,
    in_default: Sequence[str] = (),
    in_oldest: Sequence[str] = (),
    in_others: Sequence[str] = (),
    requires: str = "environment",
    allow_parallel: bool = False,
) -> None:
    """Register a session for every ansible-core release, such as unit-2.16.

    Args:
        function: What the session does. Its name is a tag of the session of the chosen release.
        in_default: Further tags of the session of the chosen release.
        in_oldest: Tags of the session of the oldest release.
        in_others: Tags of the sessions of the other releases that this machine has a Python for.
        requires: The session that must run first, without its release.
        allow_parallel: Whether it may run at the same time as another session.
    """
    for core in CORES:

        def session_for_core(session: nox.Session, core: str = core) -> None:
            if python_for(core) is None:
                session.error(find_python.missing(CORES[core], f"ansible-core {core}"))
            function(session, core)

        session_for_core.__doc__ = f"{function.__doc__} on ansible-core {core}."
        tags = [f"{function.__name__}-matrix"]
        tags += [function.__name__, *in_default] if core == DEFAULT else []
        tags += in_oldest if core == OLDEST else []
        tags += in_others if core not in (DEFAULT, OLDEST) and python_for(core) else []
        nox.session(
            name=f"{function.__name__}-{core}",
            requires=[f"{requires}-{core}"] if requires else [],
            tags=tags,
            allow_parallel=allow_parallel,
        )(session_for_core)
