# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_client import Api

from publica_sandbox.fixtures import running_store, store
from publica_sandbox.testing import SandboxStore

__all__ = ["api", "running_store", "store"]


@pytest.fixture
def api(store: SandboxStore) -> Iterator[Api]:
    api = Api(store.base_url, store.token)
    yield api
    api.http.close()


@pytest.fixture
def configured(store: SandboxStore, setting: dict[str, object]) -> SandboxStore:
    store.configure(**setting)
    return store
