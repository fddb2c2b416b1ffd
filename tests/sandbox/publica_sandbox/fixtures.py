# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for a test suite that needs a store. Its conftest.py imports them by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .testing import SandboxStore


@pytest.fixture(scope="session")
def running_store() -> Iterator[SandboxStore]:
    """The store that all tests of a worker share."""
    with SandboxStore() as store:
        yield store


@pytest.fixture
def store(running_store: SandboxStore) -> SandboxStore:
    """An empty store with the default switches, without a rate limit."""
    running_store.reset()
    return running_store
