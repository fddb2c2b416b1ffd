# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores and runners for the tests, and the check that nothing was left without a scenario."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from publica_sandbox.fixtures import running_store, store

from support import usage
from support.paths import TESTS, collection, collections_root
from support.playbook_runner import PlaybookRunner

__all__ = ["running_store", "store"]

# The modules' own Python is imported as Ansible imports it.
sys.path.insert(0, str(collections_root()))

COLLECTED = "collected"


@pytest.fixture(autouse=True, scope="session")
def _signals_as_in_a_terminal() -> None:
    """A job in the background, or behind nohup, hands down that some signals are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_rate_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shares a store's rate budget with another one, or with the developer's own runs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def runner(tmp_path: Path) -> PlaybookRunner:
    """Playbooks below a folder of the test's own."""
    return PlaybookRunner(tmp_path)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        # The process that starts the workers, or the only one: what they use comes together here.
        os.environ[usage.FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="publica-usage-")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which test files run, so that the check below knows whether all of them do."""
    files = sorted({Path(item.path).name for item in session.items})
    folder = Path(os.environ[usage.FOLDER_VARIABLE])
    if files:
        (folder / f"{COLLECTED}.{os.getpid()}").write_text("\n".join(files), encoding="utf-8")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    folder = Path(os.environ[usage.FOLDER_VARIABLE])
    (folder / f"deselected.{os.getpid()}").write_text(f"{len(items)} tests", encoding="utf-8")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the suite for whatever the collection offers and no scenario has used."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ[usage.FOLDER_VARIABLE])
    # A failed test has perhaps not come as far as to use anything, and is news enough.
    if exitstatus == pytest.ExitCode.OK:
        config.stash[REPORT] = _completeness(folder)
        if config.stash[REPORT]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = terminalreporter.config.stash.get(REPORT, [])
    if missing:
        terminalreporter.section("used in no integration scenario", red=True)
        terminalreporter.write_line("\n".join(missing))


REPORT = pytest.StashKey["list[str]"]()


def _completeness(folder: Path) -> list[str]:
    """What was left unused; nothing where only a part of the tests ran, which cannot tell."""
    all_files = {path.name for path in TESTS.glob("test_*.py")}
    ran = {
        name
        for file in folder.glob(f"{COLLECTED}.*")
        for name in file.read_text(encoding="utf-8").splitlines()
    }
    if ran != all_files or any(folder.glob("deselected.*")):
        return []
    return usage.unused(usage.offered(collection()), usage.read_usage(folder))
