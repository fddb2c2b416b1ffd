# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of modules share."""

from __future__ import annotations

import pytest
from ansible_collections.publica.la.tests.unit.support.modules import ModuleRunner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ModuleRunner:
    """Runs a module's ``main``."""
    return ModuleRunner(monkeypatch, capsys)
