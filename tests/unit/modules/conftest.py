# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of modules share."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.publica.la.tests.unit.support.modules import ModuleRunner

# Where the tests' exports go, as a playbook can write it.
EXPORTS = "PUBLICA_TEST_EXPORTS"


@pytest.fixture(autouse=True)
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not there yet, by its path and by a variable of the environment."""
    path = tmp_path / "exports"
    monkeypatch.setenv(EXPORTS, str(path))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ModuleRunner:
    """Runs a module's ``main``."""
    return ModuleRunner(monkeypatch, capsys)
