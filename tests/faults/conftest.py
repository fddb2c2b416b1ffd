# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store, the client's side of the wire, pauses cut short, and the figures at the end."""

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

from support import figures
from support.wire import Wire, closed_port

__all__ = ["running_store", "store"]

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def note(record_property: figures.Note) -> figures.Note:
    """Note what a test has tried, for the figures."""
    return lambda **what: record_property(figures.PROPERTY, what)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before retries in seconds; they are noted instead of slept."""
    noted: list[float] = []
    monkeypatch.setattr(StopRequest, "sleep", lambda _self, seconds: noted.append(seconds))
    # What the limiter adds to a wait that a 429 asks for: these ask for none.
    monkeypatch.setattr(rate_window, "ROUNDING_SECONDS", 0.001)
    return noted


@pytest.fixture(autouse=True)
def _own_rate_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shares a store's rate budget with another one: the store is the same for many."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _refusing_port() -> Iterator[int]:
    with closed_port() as closed:
        yield closed.getsockname()[1]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, _refusing_port: int) -> Wire:
    """The client's side of every connection to a store."""
    made = Wire(_refusing_port)
    open_session = http.open_session

    def with_adapter(connection: Any, pool_size: int) -> Any:
        session = open_session(connection, pool_size)
        session.mount("http://", made.adapter(pool_size))
        return session

    monkeypatch.setattr(http, "open_session", with_adapter)
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    noted = [
        what
        for report in reports
        if report.when == "call"
        for name, what in report.user_properties
        if name == figures.PROPERTY
    ]
    lines = figures.summary(noted)
    if lines:
        terminalreporter.section("what was tried")
        terminalreporter.write_line("\n".join(lines))
