# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests, each suite in an environment of its own, and the demonstration."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

from .environment import (
    CACHE,
    DEFAULT,
    HOME,
    PYTHON,
    PYTHONS,
    REPOSITORY,
    REQUIREMENTS,
    TARGET_PYTHON,
    UV,
    ansible_environment,
    core_requirements,
    install,
    pytest,
    require_target_python,
    tree,
)


@nox.session
def sandbox(session: nox.Session) -> None:
    """The sandbox store's own tests."""
    install(session, "pytest", "sandbox")
    collection = tree()
    session.chdir(collection / "tests" / "sandbox")
    pytest(session, "tests", env={"PYTHONPATH": "."})


@nox.session(python=PYTHON)
def contract(session: nox.Session) -> None:
    """The OpenAPI description against the sandbox store and the client's traffic."""
    install(session, "pytest", "runtime", "sandbox", "contract")
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/contract", env=ansible_environment(collection))


@nox.session(python=PYTHON)
def pipelines(session: nox.Session) -> None:
    """The examples of pipelines, execution environments, AWX, navigator and ARA."""
    install(session, "pytest", "runtime", "sandbox", "pipelines", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/pipelines", env=ansible_environment(collection))


@nox.session(python=PYTHON)
def faults(session: nox.Session) -> None:
    """Every fault at every endpoint, and random lists, faults and runs for some hundred steps."""
    collection = _install_faults(session)
    pytest(session, "tests/faults", env=ansible_environment(collection))


@nox.session(python=PYTHON)
def soak(session: nox.Session) -> None:
    """The faults for as long as SOAK_MINUTES says, half an hour without it."""
    collection = _install_faults(session)
    minutes = os.environ.get("SOAK_MINUTES", "30")
    pytest(
        session,
        # A test plays for its part of the minutes.
        *("tests/faults", "--timeout=0"),
        env={**ansible_environment(collection), "SOAK_MINUTES": minutes},
    )


@nox.session(python=PYTHON)
def mutation(session: nox.Session) -> None:
    """One thing changed at a time in the engine, or in what stands after `--`; takes an hour."""
    install(session, "pytest", "unit", "runtime", "mutation", core_requirements(DEFAULT))
    HOME.mkdir(parents=True, exist_ok=True)
    script = REPOSITORY / "tests" / "tools" / "mutation.py"
    # No path to the tree: the tests must find the changed code before the other.
    env = {"HOME": str(HOME), "PYTHONPATH": ""}
    session.run("python", str(script), str(CACHE / "mutation"), *session.posargs, env=env)


def _install_faults(session: nox.Session) -> Path:
    """What the fault suite needs, and the collection's folder, entered."""
    install(session, "pytest", "runtime", "sandbox", "faults", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    return collection


def unit(session: nox.Session, core: str) -> None:
    """The unit tests."""
    install(session, "pytest", "unit", "runtime", core_requirements(core))
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/unit", env=ansible_environment(collection))


def integration(session: nox.Session, core: str) -> None:
    """Real playbooks against sandbox stores, and the documentation's examples."""
    install(session, "pytest", "integration", "runtime", "sandbox", core_requirements(core))
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/integration", env=ansible_environment(collection))


def demo(session: nox.Session, core: str) -> None:
    """The demonstration."""
    install(session, "runtime", "sandbox", core_requirements(core))
    collection = tree()
    python = Path(session.bin) / "python"
    script = collection / "tests" / "demo" / "run_demo.py"
    paths = {"PATH": os.pathsep.join([session.bin, os.environ["PATH"]])}
    # In nox's place instead of under it: nox would be ended by a SIGTERM without passing it on,
    # and the sandbox stores would never be stopped.
    sys.stdout.flush()
    os.execve(  # noqa: S606  (no shell is wanted)
        python,
        [str(python), str(script), "--folder", str(CACHE / "demo")],
        {**os.environ, **paths, **ansible_environment(collection)},
    )


@nox.session(name="unit-target", python=TARGET_PYTHON if PYTHONS[TARGET_PYTHON] else False)
def unit_target(session: nox.Session) -> None:
    """The unit tests on the oldest Python of an executing host."""
    require_target_python(session)
    install(session, "pytest", "unit", "runtime")
    # Ansible's own part there is the module_utils that a newer controller sends along.
    sent = CACHE / "sent"
    core = REQUIREMENTS / f"{core_requirements(DEFAULT)}.txt"
    words = ("--quiet", "--no-deps", "--python", str(PYTHONS[str(PYTHON)]))
    session.run_install(*UV, "pip", "install", *words, "--target", sent, "-r", core, external=True)
    collection = tree()
    session.chdir(collection)
    env = ansible_environment(collection)
    pytest(session, "tests/unit", env={**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{sent}"})


@nox.session(name="integration-target", python=PYTHON)
def integration_target(session: nox.Session) -> None:
    """The integration tests, with the modules on the oldest Python of an executing host."""
    python = require_target_python(session)
    install(session, "pytest", "integration", "runtime", "sandbox", core_requirements(DEFAULT))
    target = CACHE / "target"
    venv = (*UV, "venv", "--quiet", "--allow-existing", "--python", str(python), str(target))
    session.run_install(*venv, external=True)
    needs = (*UV, "pip", "install", "--quiet", "--python", str(target))
    session.run_install(*needs, "-r", str(REQUIREMENTS / "target.txt"), external=True)
    collection = tree()
    session.chdir(collection)
    env = {"PUBLICA_TEST_TARGET_PYTHON": str(target / "bin" / "python")}
    pytest(session, "tests/integration", env={**ansible_environment(collection), **env})
