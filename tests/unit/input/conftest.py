# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory for the files of a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.publica.la.tests.unit.support.sources import SourceDirectory


@pytest.fixture
def directory(tmp_path: Path) -> SourceDirectory:
    return SourceDirectory(tmp_path)
