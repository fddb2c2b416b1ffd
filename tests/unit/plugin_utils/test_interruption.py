# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signal first tells the operator, then takes its course; the module gets time to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils import interruption as module
from ansible_collections.publica.la.plugins.plugin_utils import operator_channel
from ansible_collections.publica.la.plugins.plugin_utils.interruption import (
    Interruptible,
    interrupt_this_process,
    wait_for_end,
)


class EndedError(Exception):
    """In place of the end of this process."""


@pytest.fixture
def handlers() -> Iterator[list[int]]:
    """Handlers that raise; what they got is noted."""
    got: list[int] = []

    def end(number: int, _frame: Any) -> None:
        got.append(number)
        raise EndedError

    before = {number: signal.signal(number, end) for number in module.TO_END}
    yield got
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", module.TO_END)
def test_a_signal_tells_first(handlers: list[int], number: int) -> None:
    told: list[list[int]] = []
    with pytest.raises(EndedError), Interruptible(lambda: told.append(list(handlers))):
        os.kill(os.getpid(), number)
    assert told == [[]]
    assert handlers == [number]


def test_a_second_signal_does_not_tell_again(handlers: list[int]) -> None:
    told: list[str] = []

    def tell() -> None:
        told.append("told")
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(EndedError), Interruptible(tell):
        os.kill(os.getpid(), signal.SIGINT)
    assert (told, handlers) == (["told"], [signal.SIGINT])


def test_after_an_error_in_telling_the_signal_still_counts(handlers: list[int]) -> None:
    def tell() -> None:
        raise ValueError("the terminal is gone")

    with pytest.raises(EndedError), Interruptible(tell):
        os.kill(os.getpid(), signal.SIGTERM)
    assert handlers == [signal.SIGTERM]


def test_without_a_signal_everything_is_as_before(handlers: list[int]) -> None:
    before = [signal.getsignal(number) for number in module.TO_END]
    with Interruptible(handlers.clear):
        assert [signal.getsignal(number) for number in module.TO_END] != before
    assert [signal.getsignal(number) for number in module.TO_END] == before


def test_an_ignored_signal_stays_ignored(handlers: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    told: list[str] = []
    with Interruptible(lambda: told.append("told")):
        os.kill(os.getpid(), signal.SIGHUP)
    assert (told, handlers) == ([], [])


def test_this_process_can_be_ended_from_within(handlers: list[int]) -> None:
    told: list[str] = []
    with pytest.raises(EndedError), Interruptible(lambda: told.append("told")):
        interrupt_this_process()
    assert (told, handlers) == (["told"], [signal.SIGTERM])


SLEEPER = [sys.executable, "-c", "import time; print(flush=True); time.sleep(300)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when it is told to."""
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def of(pid: int, **changes: Any) -> dict[str, Any]:
    return {"pid": pid, "ended": False, "stopping": False, "done": 1, **changes}


class TestWaiting:
    def test_a_run_that_has_ended_is_not_waited_for(self) -> None:
        state = of(os.getpid(), ended=True)
        assert wait_for_end(lambda: state) is state

    def test_a_run_that_has_gone_is_not_waited_for(self) -> None:
        with subprocess.Popen([sys.executable, "-c", ""]) as process:
            process.wait()
        assert wait_for_end(lambda: of(process.pid))["done"] == 1  # type: ignore[index]  # no None

    def test_a_child_that_has_ended_is_not_waited_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "UNTOLD_SECONDS", 3600.0)
        monkeypatch.setattr(module, "GRACE_SECONDS", 3600.0)
        with subprocess.Popen([sys.executable, "-c", ""]) as process:
            # Nobody asks for its status, so to the system it is still there.
            last = wait_for_end(lambda: of(process.pid))
            assert process.returncode is None
        assert last == of(process.pid)

    def test_a_run_that_says_nothing_is_waited_for_a_moment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "SILENT_SECONDS", 0.05)
        assert wait_for_end(lambda: None) is None

    def test_the_last_writes_are_waited_for(self) -> None:
        states = [of(os.getpid(), stopping=True), of(os.getpid(), stopping=True, done=2)]
        told = iter([*states, of(os.getpid(), ended=True, done=3)])
        last = wait_for_end(lambda: next(told))
        assert last is not None
        assert (last["ended"], last["done"]) == (True, 3)

    def test_a_run_that_was_not_told_is_told_by_and_by(
        self, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "UNTOLD_SECONDS", 0.1)
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.5)
        wait_for_end(lambda: of(sleeper.pid))
        assert sleeper.wait(30) == -signal.SIGTERM

    def test_a_run_that_is_stopping_is_left_in_peace(
        self, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "UNTOLD_SECONDS", 0.0)
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.3)
        last = wait_for_end(lambda: of(sleeper.pid, stopping=True))
        assert last is not None
        assert not last["ended"]
        assert sleeper.poll() is None


def test_the_last_word_goes_to_the_kept_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(operator_channel, "_STDERR", writing)
    operator_channel.last_word("press: interrupted")
    os.close(writing)
    assert os.read(reading, 100) == b"press: interrupted\n"
    os.close(reading)


@pytest.mark.parametrize("kept", [None, 999_999])
def test_a_last_word_that_no_terminal_takes_is_logged(
    kept: int | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(operator_channel, "_STDERR", kept)
    with caplog.at_level("INFO", "ansible"):
        operator_channel.last_word("press: interrupted")
    assert caplog.messages == ["press: interrupted"]


def test_a_pipe_that_nobody_empties_does_not_hold_the_last_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    monkeypatch.setattr(operator_channel, "_STDERR", writing)
    monkeypatch.setattr(operator_channel, "PATIENCE_SECONDS", 0.01)
    operator_channel.last_word("press: interrupted")
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert b"press" not in pipe.read()
