# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wish to end the run: heard, obeyed, and told."""

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
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError

SLEEP = StopRequest.sleep  # the unit tests put another one in its place


@pytest.mark.parametrize("number", module.TO_END, ids=lambda number: number.name)
def test_a_signal_is_heard_while_listening_only(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop_request = StopRequest()
    with stop_request.handling_signals():
        stop_request.check()
        os.kill(os.getpid(), number)
        assert stop_request.requested
        with pytest.raises(FatalError, match=number.name) as error:
            stop_request.check()
        assert error.value.code == "interrupted"
        os.kill(os.getpid(), number)  # the same wish once more ends nothing
    assert signal.getsignal(number) is before


def test_whoever_was_started_to_ignore_a_signal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop_request = StopRequest()
        with stop_request.handling_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop_request.requested
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_wish_ends_the_process() -> None:
    program = (
        "import os, signal, sys\n"
        "from ansible_collections.publica.la.plugins.module_utils import concurrency\n"
        "concurrency.SAME_REQUEST_SECONDS = 0.0\n"
        "with concurrency.StopRequest().handling_signals():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('going on', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('still there')\n"
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
    assert ended.stdout == "going on\n"


def test_a_pause_ends_with_the_wish() -> None:
    stop_request = StopRequest()
    threading.Timer(0.05, stop_request.request, ["SIGTERM"]).start()
    started = time.monotonic()
    SLEEP(stop_request, 60.0)
    assert time.monotonic() - started < 30.0


def test_a_wait_for_the_limit_ends_with_the_wish() -> None:
    stop_request = StopRequest()
    limiter = RateLimiter(100, 3600.0, stop_request=stop_request)
    limiter.answered(429, {"Retry-After": "60"}, limiter.acquire())
    threading.Timer(0.05, stop_request.request, ["SIGTERM"]).start()
    with pytest.raises(FatalError, match="SIGTERM"):
        limiter.acquire()
    assert limiter.wait_left() == 0.0


def test_in_another_thread_than_the_main_one_nothing_is_heard() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def listen() -> None:
        with StopRequest().handling_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [before]
