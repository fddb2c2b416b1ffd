# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every unit test: no sleeping, and nothing from the environment of the developer."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from hypothesis import HealthCheck, settings

FOREIGN = ("ANSIBLE_", "PUBLICA_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

# The same examples on every machine, and no example database in the work tree.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    # No example can change what the fixtures below have set.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _signals_as_in_a_terminal() -> None:
    """Reset signals that a background job or nohup has set to be ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before retries in seconds, which are recorded instead of slept."""
    recorded: list[float] = []
    monkeypatch.setattr(StopRequest, "sleep", lambda _self, seconds: recorded.append(seconds))
    return recorded


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_rate_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of shared rate limits for each test, separate from other tests and real runs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
