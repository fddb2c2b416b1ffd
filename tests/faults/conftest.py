# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store, a client whose requests can fail, and pauses that are recorded instead of slept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import http
from ansible_collections.publica.la.plugins.module_utils.client import rate_limit as rate_window
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from publica_sandbox.fixtures import running_store, store
from publica_sandbox.testing import SandboxStore

from support.failure_modes import FaultyClient, closed_port

__all__ = ["running_store", "store"]

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before retries in seconds; they are recorded instead of slept."""
    recorded: list[float] = []
    monkeypatch.setattr(StopRequest, "sleep", lambda _self, seconds: recorded.append(seconds))
    # The limiter adds this to the wait that a 429 asks for, which is 0 here.
    monkeypatch.setattr(rate_window, "ROUNDING_SECONDS", 0.001)
    return recorded


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shares a rate budget with another one, or uses a proxy."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in list(os.environ):
        if name.lower() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _refusing_port() -> Iterator[int]:
    with closed_port() as closed:
        yield closed.getsockname()[1]


@pytest.fixture
def client(
    store: SandboxStore, monkeypatch: pytest.MonkeyPatch, _refusing_port: int
) -> FaultyClient:
    """The client's side of every connection to a store."""
    client = FaultyClient(store, _refusing_port)
    open_session = http.open_session

    def with_adapter(connection: Any, pool_size: int, time_limit: Any) -> Any:
        session = open_session(connection, pool_size, time_limit)
        session.mount("http://", client.adapter(pool_size))
        return session

    monkeypatch.setattr(http, "open_session", with_adapter)
    return client
