# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop requests by signals, and worker threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.publica.la.plugins.module_utils import concurrency as module
from ansible_collections.publica.la.plugins.module_utils.client.limiter import RateLimiter
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest, for_each
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError

SLEEP = StopRequest.sleep  # the unit tests replace it


@pytest.mark.parametrize("number", module.TO_END, ids=lambda number: number.name)
def test_signal_requests_a_stop_only_during_the_block(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop_request = StopRequest()
    with stop_request.handling_signals():
        stop_request.check()
        os.kill(os.getpid(), number)
        assert stop_request.requested
        with pytest.raises(FatalError, match=number.name) as error:
            stop_request.check()
        assert error.value.code == "interrupted"
        os.kill(os.getpid(), number)  # the same request again has no effect
    assert signal.getsignal(number) is before


def test_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop_request = StopRequest()
        with stop_request.handling_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop_request.requested
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_second_request_ends_the_process() -> None:
    program = (
        "import os, signal, sys\n"
        "from ansible_collections.publica.la.plugins.module_utils import concurrency\n"
        "concurrency.SAME_REQUEST_SECONDS = 0.0\n"
        "with concurrency.StopRequest().handling_signals():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('continues', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('still runs')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGTERM
    assert ended.stdout == "continues\n"


def test_stop_request_ends_a_sleep() -> None:
    stop_request = StopRequest()
    threading.Timer(0.05, stop_request.request, ["SIGTERM"]).start()
    started = time.monotonic()
    SLEEP(stop_request, 60.0)
    assert time.monotonic() - started < 30.0


def test_stop_request_ends_a_wait_for_the_rate_limit() -> None:
    stop_request = StopRequest()
    limiter = RateLimiter(100, 3600.0, stop_request=stop_request)
    limiter.answered(429, {"Retry-After": "60"}, limiter.acquire())
    threading.Timer(0.05, stop_request.request, ["SIGTERM"]).start()
    with pytest.raises(FatalError, match="SIGTERM"):
        limiter.acquire()
    assert limiter.wait_left() == 0.0


def test_only_the_main_thread_handles_signals() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def handle() -> None:
        with StopRequest().handling_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=handle)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_each_item_once(workers: int) -> None:
    done: list[int] = []
    for_each(range(200), done.append, workers)
    assert sorted(done) == list(range(200))


def test_one_worker_keeps_the_order_without_a_thread() -> None:
    threads: list[threading.Thread] = []
    done: list[int] = []

    def act(item: int) -> None:
        threads.append(threading.current_thread())
        done.append(item)

    for_each(range(20), act, 1)
    assert done == list(range(20))
    assert set(threads) == {threading.current_thread()}


def test_number_of_concurrent_workers() -> None:
    meeting = threading.Barrier(4, timeout=10)
    for_each(range(4), lambda _item: meeting.wait(), 4)


@pytest.mark.parametrize("workers", [1, 4])
def test_first_error_is_raised_and_ends_the_work(workers: int) -> None:
    begun: list[int] = []

    def act(item: int) -> None:
        begun.append(item)
        if item == 5:
            raise ValueError("the fifth")

    with pytest.raises(ValueError, match="the fifth"):
        for_each(range(10_000), act, workers)
    assert len(begun) < 10_000


def test_no_items() -> None:
    for_each([], pytest.fail, 4)
