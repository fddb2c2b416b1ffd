# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limiter for all workers: they wait once and together, and nobody is forgotten."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import limiter as module
from ansible_collections.publica.la.plugins.module_utils.client import rate_limit as rate_window
from ansible_collections.publica.la.plugins.module_utils.client.limiter import RateLimiter
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError
from ansible_collections.publica.la.tests.unit.support.clock import Clock

LIMIT = {"X-RateLimit-Limit": "4"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def limiter(clock: Clock, share: int = 100, max_wait: float = 3600.0) -> RateLimiter:
    made = RateLimiter(share, max_wait)
    clock.rule(made)
    return made


def told(remaining: int, **more: str) -> dict[str, str]:
    return {**LIMIT, "X-RateLimit-Remaining": str(remaining), **more}


def test_without_headers_nobody_waits(clock: Clock) -> None:
    made = limiter(clock)
    for _request in range(200):
        made.answered(200, {}, made.acquire())
    assert clock.waits == []
    assert made.limit is None
    assert made.waited_seconds == 0.0


def test_the_limit_is_known_from_the_first_answer(clock: Clock) -> None:
    made = limiter(clock)
    made.answered(200, told(3), made.acquire())
    assert made.limit == 4


def test_a_refusal_is_waited_for_and_counted(clock: Clock) -> None:
    made = limiter(clock)
    made.answered(429, told(0, **{"Retry-After": "20"}), made.acquire())
    made.acquire()
    assert made.waited_seconds == pytest.approx(20.25, abs=0.5)


def test_a_longer_wait_than_allowed_ends_the_run(clock: Clock) -> None:
    made = limiter(clock, max_wait=10.0)
    made.answered(429, told(0, **{"Retry-After": "20"}), made.acquire())
    with pytest.raises(FatalError, match="max_rate_limit_wait") as error:
        made.acquire()
    assert (error.value.code, error.value.status) == ("rate_limited", 429)
    assert clock.waits == []


def test_a_lost_answer_frees_its_place(clock: Clock) -> None:
    made = limiter(clock)
    made.answered(429, told(0, **{"Retry-After": "1"}), made.acquire())
    made.lost(made.acquire())  # the one that tries alone
    clock.waits.clear()
    made.acquire()
    assert clock.waits == []


class TestWorkers:
    """With real threads and real, short times."""

    def test_they_wait_once_and_together(self) -> None:
        made = RateLimiter(100, 3600.0)
        plenty = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "90"}
        made.answered(429, told(0, **{"Retry-After": "0"}), made.acquire())

        def work(_number: int) -> None:
            made.answered(200, plenty, made.acquire())

        started = time.monotonic()
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(work, range(8)))
        # Were it counted for each of them, it would be several times what went by.
        assert 0.0 < made.waited_seconds <= time.monotonic() - started

    def test_one_answer_wakes_those_who_wait_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # So long a pause that nobody wakes of himself while the test lasts.
        monkeypatch.setattr(rate_window, "ROUNDING_SECONDS", 30.0)
        made = RateLimiter(100, 3600.0)
        made.answered(200, told(0), made.acquire())
        alone = made.acquire()
        through = threading.Event()

        def wait() -> None:
            made.acquire()
            through.set()

        threading.Thread(target=wait, daemon=True).start()
        assert not through.wait(0.05)
        made.answered(200, told(3), alone)
        assert through.wait(5.0)

    def test_an_error_in_one_leaves_the_others_their_turn(self) -> None:
        made = RateLimiter(100, 5.0)
        made.answered(429, told(0, **{"Retry-After": "60"}), made.acquire())
        errors: list[Any] = []

        def work(_number: int) -> None:
            try:
                made.acquire()
            except FatalError as error:
                errors.append(error.code)

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(work, range(4)))
        assert errors == ["rate_limited"] * 4
        assert made.waited_seconds < 1.0
