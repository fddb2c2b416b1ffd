# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the tests of modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.publica.la.tests.unit.support.modules import ModuleRunner

# The variable of the environment with the directory of exports.
EXPORTS = "PUBLICA_TEST_EXPORTS"


@pytest.fixture(autouse=True)
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that does not exist yet; the environment has its path."""
    path = tmp_path / "exports"
    monkeypatch.setenv(EXPORTS, str(path))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ModuleRunner:
    """A function that runs the ``main`` of a module."""
    return ModuleRunner(monkeypatch, capsys)
