# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several runs of one machine that share what they know of a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import limiter as limiter_module
from ansible_collections.publica.la.plugins.module_utils.client.limiter import (
    BudgetFile,
    BudgetFileError,
    RateLimiter,
)
from ansible_collections.publica.la.plugins.module_utils.client.rate_limit import (
    MOST_EARLY_ASKED,
    STALE_SECONDS,
)
from ansible_collections.publica.la.tests.unit.support.clock import Clock

STORE, TOKEN = "https://example.publica.la", "canary-token-0123456789abcdef"


def headers(remaining: int, limit: int = 10, **more: str) -> dict[str, str]:
    told = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}
    return {**told, **{name.replace("_", "-"): value for name, value in more.items()}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limiter_module, "time", clock)
    return clock


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "budgets"


def run(directory: Path, clock: Clock, share: int = 100) -> RateLimiter:
    made = RateLimiter(share, 3600.0, BudgetFile(STORE, TOKEN, str(directory)))
    clock.rule(made)
    return made


class TestRuns:
    def test_what_one_has_used_the_other_does_not_use_again(
        self, directory: Path, clock: Clock
    ) -> None:
        one, other = run(directory, clock, share=50), run(directory, clock, share=50)
        for remaining in (9, 8, 7, 6):
            one.answered(200, headers(remaining), one.acquire())
        other.answered(200, headers(5), other.acquire())
        other.acquire()
        assert sum(clock.waits) == pytest.approx(60.25, abs=0.5)

    def test_requests_under_way_count_for_all(self, directory: Path, clock: Clock) -> None:
        one = run(directory, clock, share=50)
        one.answered(200, headers(9), one.acquire())
        for _request in range(4):
            one.acquire()
        other = run(directory, clock, share=50)
        under_way = other._try_to_send
        delay, _now = other._share_knowledge(under_way)
        assert delay > 0

    def test_a_refusal_of_one_is_waited_out_by_all(self, directory: Path, clock: Clock) -> None:
        one, other = run(directory, clock), run(directory, clock)
        other.answered(200, headers(9), other.acquire())
        clock.now += 1.0
        one.answered(429, headers(0, Retry_After="20"), one.acquire())
        other.acquire()
        assert sum(clock.waits) == pytest.approx(20.25)

    def test_new_runs_ask_whether_a_refusal_still_holds_and_a_few_only(
        self, directory: Path, clock: Clock
    ) -> None:
        one = run(directory, clock)
        one.answered(429, headers(0, Retry_After="20"), one.acquire())
        asked = 0
        for _new in range(5):
            clock.now += 0.5
            new = run(directory, clock)
            clock.waits.clear()
            sent_at = new.acquire()
            asked += not clock.waits
            new.answered(429, headers(0, Retry_After="18"), sent_at)
        assert asked == MOST_EARLY_ASKED

    def test_a_refusal_that_holds_no_more_is_forgotten_by_all(
        self, directory: Path, clock: Clock
    ) -> None:
        one = run(directory, clock)
        one.answered(429, {"Retry-After": "20"}, one.acquire())
        clock.now += 1.0
        for _new in range(4):
            new = run(directory, clock)
            new.answered(200, {}, new.acquire())
            new.answered(200, {}, new.acquire())
        assert clock.waits == []

    def test_a_run_that_begins_in_a_used_up_window_asks_once(
        self, directory: Path, clock: Clock
    ) -> None:
        one = run(directory, clock)
        one.answered(200, headers(0), one.acquire())
        clock.waits.clear()
        clock.now += 1.0
        other = run(directory, clock)
        sent_at = other.acquire()
        assert clock.waits == []
        # The store has been restarted since, and begun anew.
        other.answered(200, headers(9), sent_at)
        for _request in range(9):
            other.acquire()
        assert sum(clock.waits) < 1.0

    def test_a_window_that_was_over_long_ago_says_nothing(
        self, directory: Path, clock: Clock
    ) -> None:
        one = run(directory, clock)
        one.answered(429, headers(0, limit=3, Retry_After="20"), one.acquire())
        clock.now += 20 + STALE_SECONDS + 61
        other = run(directory, clock)
        assert other.limit is None

    def test_a_store_without_a_limit_leaves_no_trace(self, directory: Path, clock: Clock) -> None:
        made = run(directory, clock)
        for _request in range(20):
            made.answered(200, {}, made.acquire())
        (file,) = directory.iterdir()
        assert file.read_bytes() == b""

    def test_a_file_that_fails_in_between_is_done_without(
        self, directory: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = run(directory, clock)
        made.answered(200, headers(9), made.acquire())

        def fail(_self: Any, _state: Any) -> None:
            raise BudgetFileError("No space left on device")

        monkeypatch.setattr(BudgetFile, "write", fail)
        for remaining in (8, 7):
            made.answered(200, headers(remaining), made.acquire())
        assert made._window.left == 7
        assert made._budget is None

    def test_nothing_of_the_store_is_in_the_file(self, directory: Path, clock: Clock) -> None:
        made = run(directory, clock)
        made.answered(200, headers(9), made.acquire())
        (file,) = directory.iterdir()
        content = file.read_text()
        assert '"limit":10' in content
        assert TOKEN not in content
        assert "example" not in content
