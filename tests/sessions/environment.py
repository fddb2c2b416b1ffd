# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where everything is, which releases of ansible-core there are, and what every session needs.

Importing it cleans the environment: a user's own Ansible, with its settings and tokens, plays no
part in a session.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import nox

import collection_tree
import find_python

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
HOME = CACHE / "home"
REQUIREMENTS = REPOSITORY / "tests" / "requirements"
SANDBOX = REPOSITORY / "tests" / "sandbox"

# The supported releases of ansible-core, oldest first, each with the Pythons that it runs on,
# best first: so one machine's tests see several. The sandbox store wants 3.11 or newer.
CORES = {
    "2.16": ("3.11", "3.12"),
    "2.17": ("3.11", "3.12"),
    "2.18": ("3.12", "3.11", "3.13"),
    "2.19": ("3.12", "3.11", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
NEWEST = "2.21"
# The core for a machine that has no newer Python than the one this project asks for.
FALLBACK = "2.19"
TARGET_PYTHON = "3.9"
UV = (sys.executable, "-m", "uv")

# What a developer has set for their own Ansible and stores must not reach a test.
for name in list(os.environ):
    if name.startswith(("ANSIBLE_", "PUBLICA_")) and not name.startswith("PUBLICA_TEST_"):
        del os.environ[name]
# Without bytecode each of some thousand runs of Ansible would compile Ansible first, which takes
# longer than the run, and no operator's does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.update(
    LC_ALL="C.UTF-8",
    XDG_CACHE_HOME=str(CACHE / "xdg"),
    UV_PYTHON_INSTALL_DIR=str(CACHE / "python"),
    # As pip does: a company's own certificate authority is known to the system alone.
    UV_SYSTEM_CERTS="true",
    MYPY_CACHE_DIR=str(CACHE / "mypy"),
    PYTHONPYCACHEPREFIX=str(CACHE / "pycache"),
    RUFF_CACHE_DIR=str(CACHE / "ruff"),
)

PYTHONS = {
    version: find_python.find(version)
    for version in sorted({TARGET_PYTHON, *(v for fit in CORES.values() for v in fit)})
}
# The real interpreters before any shim of the same name, for nox, uv and ansible-test alike.
os.environ["PATH"] = os.pathsep.join(
    [*{str(found.parent): None for found in PYTHONS.values() if found}, os.environ["PATH"]]
)


def python_for(core: str) -> str | None:
    """The best Python on this machine for a release of ansible-core."""
    return next((version for version in CORES[core] if PYTHONS[version]), None)


def chosen_core() -> str:
    """The ansible-core that CORE names, or the newest one that a Python was found for.

    Raises:
        SystemExit: if CORE names one that cannot be used.
    """
    chosen = os.environ.get("CORE") or (NEWEST if python_for(NEWEST) else FALLBACK)
    if chosen not in CORES:
        raise SystemExit(f"CORE={chosen}: the supported ones are {', '.join(CORES)}.")
    if python_for(chosen) is None:
        raise SystemExit(find_python.missing(CORES[chosen], f"ansible-core {chosen}"))
    return chosen


DEFAULT = chosen_core()
PYTHON = python_for(DEFAULT)


def install(session: nox.Session, *names: str) -> None:
    """Install the requirement files of these names."""
    session.log(f"Requirements: {', '.join(names)}")
    files = [REQUIREMENTS / f"{name}.txt" for name in names]
    session.install(*(word for file in files for word in ("--requirement", str(file))), log=False)


def core_requirements(core: str) -> str:
    """The name of the requirement file that brings a release of ansible-core."""
    return f"ansible-core/{core}"


def note_fallback(session: nox.Session) -> None:
    """Say it where the newest ansible-core could not be used."""
    if not (os.environ.get("CORE") or DEFAULT == NEWEST):
        session.warn(find_python.missing(CORES[NEWEST], f"ansible-core {NEWEST}"))
        session.warn(f"Until then this runs on ansible-core {DEFAULT}.")


def tree() -> Path:
    """The collection's folder in a fresh copy of the work tree."""
    return collection_tree.export(CACHE / "tree")


def ansible_environment(collection: Path) -> dict[str, str]:
    """The environment of everything that runs Ansible, or imports the collection."""
    root = str(collection.parents[2])
    HOME.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(HOME),
        "ANSIBLE_COLLECTIONS_PATH": root,
        "ANSIBLE_CONFIG": str(collection / "tests" / "ansible.cfg"),
        "PYTHONPATH": os.pathsep.join([root, str(collection / "tests" / "sandbox")]),
    }


def pytest(session: nox.Session, *words: str, env: dict[str, str] | None = None) -> None:
    """Run pytest, or what stands after `--` on nox's command line."""
    cache = CACHE / "pytest" / session.name
    session.run(
        *("python", "-m", "pytest", "-o", f"cache_dir={cache}"),
        *("--numprocesses=auto", "--maxprocesses=4", "--timeout=300"),
        *(session.posargs or words),
        env=env,
        # A test that is interrupted still has its stores to stop.
        interrupt_timeout=20,
    )


def for_each_core(run: Callable[[nox.Session, str], None], *tags: str) -> None:
    """Make a session of this for every release of ansible-core, such as unit-2.16.

    The one for the default release also has the bare name as its tag.
    """
    for core in CORES:

        def session_for_core(session: nox.Session, core: str = core) -> None:
            if python_for(core) is None:
                session.error(find_python.missing(CORES[core], f"ansible-core {core}"))
            if core == DEFAULT:
                note_fallback(session)
            run(session, core)

        session_for_core.__doc__ = f"{run.__doc__} On ansible-core {core}."
        # Without a Python there is no environment either, but a session that says what is missing.
        python = python_for(core) or False
        register = nox.session(
            name=f"{run.__name__}-{core}",
            python=python,
            tags=[*tags, *([run.__name__] if core == DEFAULT else [])],
        )
        register(session_for_core)


def require_target_python(session: nox.Session) -> Path:
    """The oldest Python that executing hosts may have, or an error that says how to get it."""
    found = PYTHONS[TARGET_PYTHON]
    if found is None:
        session.error(find_python.missing([TARGET_PYTHON], "the oldest executing hosts"))
    return found
