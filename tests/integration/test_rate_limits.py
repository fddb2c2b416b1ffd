# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's rate limit under each of its readings: slower, and with the same result."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.transport import rate_window
from publica_sandbox.testing import SandboxStore

from support import in_process

LIMIT, WINDOW, WORKERS = 10, 1.0, 8
ROWS = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(14)]
READINGS = [
    {"retry_after": after, "rate_limit_reset": reset, "clock_offset": offset}
    for after, reset, offset in product([True, False], [True, False], [0, 3600, -3600])
    # Where no header speaks of time, the clock does not matter.
    if after or reset or offset == 0
]


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client takes for the length of a window where no header tells it."""
    monkeypatch.setattr(rate_window, "WINDOW_SECONDS", WINDOW)


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_everybody_is_created_within_the_limit(
    reading: dict[str, Any], store: SandboxStore
) -> None:
    store.configure(rate_limit=LIMIT, rate_limit_window=WINDOW, **reading)

    result = in_process.bulk(store, ROWS, concurrency=WORKERS)

    assert "failed" not in result, result
    assert result["summary"]["created"] == len(ROWS)
    assert {user["email"] for user in store.users()} == {row["email"] for row in ROWS}
    assert result["api"]["waited_seconds"] > 0
    journal = store.journal()
    assert len(journal) == result["api"]["requests"]
    refused = [row for row in journal if row["status"] == 429]
    # At the most those that were under way when the limit was reached; nobody insists.
    assert len(refused) < WORKERS


def test_a_share_is_left_to_others(store: SandboxStore) -> None:
    store.configure(rate_limit=LIMIT, rate_limit_window=WINDOW)

    result = in_process.bulk(store, ROWS, rate_limit_share=50)

    assert result["summary"]["created"] == len(ROWS)
    assert [row for row in store.journal() if row["status"] == 429] == []
    assert result["api"]["waited_seconds"] > WINDOW


def test_no_longer_wait_than_allowed(store: SandboxStore) -> None:
    store.configure(rate_limit=LIMIT, rate_limit_window=60)

    result = in_process.bulk(store, ROWS, max_rate_limit_wait=0.5, concurrency=1)

    assert result["failure"]["code"] == "rate_limited"
    assert "max_rate_limit_wait" in result["msg"]
    created = result["summary"]["created"]
    assert 0 < created < len(ROWS)
    assert len(store.users()) == created
