# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores and runners for the tests, and the check that every option was used."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from publica_sandbox.fixtures import running_store, store
from publica_sandbox.testing import SandboxStore

from support import usage
from support.documentation import collections_root
from support.in_process import ModuleRunner
from support.playbooks import PlaybookRunner

__all__ = ["running_store", "store"]

sys.path.insert(0, str(collections_root()))

TESTS = Path(__file__).parent
COLLECTED = "collected"


@pytest.fixture(autouse=True, scope="session")
def _default_signals() -> None:
    """A job in the background, or under nohup, inherits that some signals are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_rate_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shares a rate budget with another test, or with runs of the developer."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def runner(tmp_path: Path) -> PlaybookRunner:
    """Playbooks in a directory of the test."""
    return PlaybookRunner(tmp_path)


@pytest.fixture
def modules(tmp_path: Path) -> ModuleRunner:
    """Modules in this process, with their files in a directory of the test."""
    return ModuleRunner(tmp_path)


@pytest.fixture
def south() -> Iterator[SandboxStore]:
    """A second store."""
    with SandboxStore(token="token-of-the-southern-store-0123456789") as store:
        yield store


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that exists once a value was evaluated."""
    return tmp_path / "evaluated"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        # The process that starts the workers, or the only one.
        os.environ[usage.DIRECTORY_VARIABLE] = tempfile.mkdtemp(prefix="publica-usage-")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With modules on another Python, run only tests of playbooks and of a module's ``main``."""
    if "PUBLICA_TEST_TARGET_PYTHON" not in os.environ:
        return
    same = [item for item in items if not {"runner", "modules"}.intersection(item.fixturenames)]
    config.hook.pytest_deselected(items=same)
    items[:] = [item for item in items if item not in same]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Record which test files run, so that the check below knows whether all of them do."""
    files = sorted({Path(item.path).name for item in session.items})
    directory = Path(os.environ[usage.DIRECTORY_VARIABLE])
    if files:
        (directory / f"{COLLECTED}.{os.getpid()}").write_text("\n".join(files), encoding="utf-8")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    if not all(item.get_closest_marker("full") for item in items):
        directory = Path(os.environ[usage.DIRECTORY_VARIABLE])
        (directory / f"deselected.{os.getpid()}").write_text("", encoding="utf-8")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the suite for everything that the collection offers and no test has used."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    directory = Path(os.environ[usage.DIRECTORY_VARIABLE])
    # A failed test may not have used what it would use.
    if exitstatus == pytest.ExitCode.OK:
        config.stash[REPORT] = _completeness(directory)
        if config.stash[REPORT]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(directory)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = terminalreporter.config.stash.get(REPORT, [])
    if missing:
        terminalreporter.section("used in no integration test", red=True)
        terminalreporter.write_line("\n".join(missing))


REPORT = pytest.StashKey["list[str]"]()


def _completeness(directory: Path) -> list[str]:
    """What was left unused; nothing if only a part of the tests ran."""
    all_files = {path.name for path in TESTS.glob("test_*.py")}
    ran = {
        name
        for file in directory.glob(f"{COLLECTED}.*")
        for name in file.read_text(encoding="utf-8").splitlines()
    }
    if ran != all_files or any(directory.glob("deselected.*")):
        return []
    return usage.unused(usage.offered(), usage.read_usage(directory))
