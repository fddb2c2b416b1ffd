# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a progress file: when lines are shown, which files count, and interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.progress import Counts
from ansible_collections.publica.la.plugins.plugin_utils import progress_follower as module
from ansible_collections.publica.la.plugins.plugin_utils.progress_follower import (
    Follower,
    InterruptHandler,
    Settings,
    StateReader,
    final_message,
    interrupt_this_process,
    line_interval,
    next_due,
    wait_for_end,
    writes_document,
)
from ansible_collections.publica.la.tests.unit.support.files import make_special

TIMEOUT = 30.0
SETTINGS = Settings(
    connection="local",
    is_async=False,
    no_log=False,
    become_user=None,
    user="ines",
    stdout_callback="default",
)


class TestInterval:
    def test_the_option_overrides_the_environment_and_the_default(self) -> None:
        environment = {"PUBLICA_PROGRESS_INTERVAL": "2.5"}
        assert line_interval({}, {}, SETTINGS) == 5.0
        assert line_interval({}, environment, SETTINGS) == 2.5
        assert line_interval({"progress_interval": "0.5"}, environment, SETTINGS) == 0.5

    @pytest.mark.parametrize("user", ["root", "ines"])
    def test_a_become_user_whose_file_is_readable(self, user: str) -> None:
        assert line_interval({}, {}, replace(SETTINGS, become_user=user)) == 5.0

    @pytest.mark.parametrize(
        "changes",
        [
            {"connection": "ssh"},
            {"is_async": True},
            {"no_log": True},
            {"become_user": "another"},
            {"stdout_callback": "community.general.null"},
        ],
        ids=str,
    )
    def test_settings_without_lines(self, changes: dict[str, Any]) -> None:
        assert line_interval({}, {}, replace(SETTINGS, **changes)) is None

    @pytest.mark.parametrize("value", [0, "0", -1, "often", [], float("nan"), float("inf"), 90_000])
    def test_intervals_without_lines(self, value: object) -> None:
        assert line_interval({"progress_interval": value}, {}, SETTINGS) is None

    @pytest.mark.parametrize(
        ("callback", "expected"),
        [("default", False), ("", False), ("community.general.yaml", False), ("json", True),
         ("ansible.posix.json", True), ("ansible.posix.jsonl", True)],
    )  # fmt: skip
    def test_callbacks_that_write_a_document(self, callback: str, expected: bool) -> None:
        assert writes_document(callback) is expected

    @pytest.mark.parametrize(
        ("now", "due"),
        [(100.0, 105.0), (104.9, 105.0), (105.0, 110.0), (105.2, 110.0), (132.0, 135.0)],
    )
    def test_lines_are_due_at_fixed_times(self, now: float, due: float) -> None:
        assert next_due(100.0, 5.0, now) == due


def text(**changes: Any) -> str:
    """The content of a progress file."""
    return json.dumps({**Counts().as_reported(0.0, 0.0, None), "pid": 4711, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


@pytest.fixture
def reader(path: Path) -> StateReader:
    return StateReader(str(path))


def done(reader: StateReader) -> Any:
    """The number of finished users in the last state; None without a state."""
    return (reader.read() or {}).get("done")


class TestReader:
    def test_content_from_before_the_run_is_ignored(self, path: Path) -> None:
        path.write_text(text(done=999))
        reader = StateReader(str(path))
        assert reader.read() is None
        path.write_text(text(done=1))
        assert done(reader) == 1

    def test_the_last_valid_state_is_kept(self, path: Path, reader: StateReader) -> None:
        assert reader.read() is None
        path.write_text(text(done=5))
        assert done(reader) == 5
        path.write_text("incomplete {")
        assert done(reader) == 5
        path.write_bytes(b"\xff\xfe")
        assert done(reader) == 5
        path.unlink()
        assert done(reader) == 5

    def test_a_file_of_another_user_is_ignored(
        self, path: Path, reader: StateReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path.write_text(text(done=5))
        if os.geteuid() == 0:
            os.chown(path, 12345, 12345)
        else:
            monkeypatch.setattr(module.os, "geteuid", lambda: 12345)
        assert reader.read() is None

    @pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
    def test_only_a_regular_file_is_read(self, path: Path, reader: StateReader, kind: str) -> None:
        target = path.with_name("target")
        target.write_text(text(done=5))
        make_special(path, kind, target)
        assert reader.read() is None


class Shown:
    """Collects lines, and waits for a number of them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._more:
            self.lines.append(line)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.lines) >= count, TIMEOUT)


def never() -> None:
    raise AssertionError("called")


class TestFollower:
    def test_lines_are_shown_until_it_is_stopped(self, path: Path, reader: StateReader) -> None:
        shown = Shown()
        follower = Follower(reader, "press", 0.02, shown, never)
        follower.start()
        shown.wait_for(1)
        path.write_text(text(phase="applying", total=3, done=2))
        shown.wait_for(len(shown.lines) + 2)
        follower.stop()
        count = len(shown.lines)
        threading.Event().wait(0.1)
        assert len(shown.lines) == count == follower.shown
        assert shown.lines[0] == "press: reading the input"
        assert shown.lines[-1] == "press: 2/3 users"

    @pytest.mark.parametrize("started", [True, False])
    def test_a_run_shorter_than_the_interval_shows_no_line(
        self, reader: StateReader, started: bool
    ) -> None:
        shown = Shown()
        follower = Follower(reader, "press", 3600.0, shown, never)
        if started:
            follower.start()
        follower.stop()
        assert (shown.lines, follower.shown) == ([], 0)

    def test_a_line_that_cannot_be_shown_ends_it(self, reader: StateReader) -> None:
        tried = threading.Event()

        def fail(_line: str) -> None:
            tried.set()
            raise BrokenPipeError

        follower = Follower(reader, "press", 0.01, fail, never)
        follower.start()
        assert tried.wait(TIMEOUT)
        follower.stop()
        assert follower.shown == 0

    def test_a_run_without_its_parent_is_reported(
        self, path: Path, reader: StateReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parents = iter([100])
        orphaned = threading.Event()
        monkeypatch.setattr(module.os, "getppid", lambda: next(parents, 1))
        path.write_text(text(done=1))
        follower = Follower(reader, "press", 3600.0, Shown(), orphaned.set)
        follower.start()
        assert orphaned.wait(TIMEOUT)
        follower.stop()


class EndedError(Exception):
    """Replaces the end of this process."""


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that would have ended this process."""
    numbers: list[int] = []

    def end(number: int, _frame: Any) -> None:
        numbers.append(number)
        raise EndedError

    before = {number: signal.signal(number, end) for number in module.TO_END}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


class TestInterruptHandler:
    @pytest.mark.parametrize("number", module.TO_END)
    def test_it_is_called_before_the_signal_takes_effect(
        self, handled: list[int], number: int
    ) -> None:
        calls: list[list[int]] = []
        with pytest.raises(EndedError), InterruptHandler(lambda: calls.append(list(handled))):
            os.kill(os.getpid(), number)
        assert calls == [[]]
        assert handled == [number]

    def test_a_second_signal_does_not_call_it_again(self, handled: list[int]) -> None:
        calls: list[None] = []

        def interrupted() -> None:
            calls.append(None)
            os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(EndedError), InterruptHandler(interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        assert (calls, handled) == ([None], [signal.SIGINT])

    def test_after_an_error_the_signal_still_takes_effect(self, handled: list[int]) -> None:
        def fail() -> None:
            raise ValueError("the terminal is closed")

        with pytest.raises(EndedError), InterruptHandler(fail):
            os.kill(os.getpid(), signal.SIGTERM)
        assert handled == [signal.SIGTERM]

    def test_without_a_signal_the_handlers_are_restored(self, handled: list[int]) -> None:
        before = [signal.getsignal(number) for number in module.TO_END]
        with InterruptHandler(handled.clear):
            assert [signal.getsignal(number) for number in module.TO_END] != before
        assert [signal.getsignal(number) for number in module.TO_END] == before

    def test_an_ignored_signal_stays_ignored(self, handled: list[int]) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with InterruptHandler(never):
            os.kill(os.getpid(), signal.SIGHUP)
        assert handled == []

    def test_this_process_can_interrupt_itself(self, handled: list[int]) -> None:
        calls: list[None] = []
        with pytest.raises(EndedError), InterruptHandler(lambda: calls.append(None)):
            interrupt_this_process()
        assert (calls, handled) == ([None], [signal.SIGTERM])


SLEEPER = [sys.executable, "-c", "import time; print(flush=True); time.sleep(300)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that SIGTERM ends."""
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def state_of(pid: int, **changes: Any) -> dict[str, Any]:
    return {"pid": pid, "ended": False, "stopping": False, "done": 1, **changes}


class TestWaitForEnd:
    def test_a_module_that_has_ended_is_not_waited_for(self) -> None:
        state = state_of(os.getpid(), ended=True)
        assert wait_for_end(lambda: state) is state

    @pytest.mark.parametrize("reaped", [True, False])
    def test_a_process_that_has_ended_is_not_waited_for(
        self, reaped: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "FORWARD_SECONDS", 3600.0)
        monkeypatch.setattr(module, "GRACE_SECONDS", 3600.0)
        with subprocess.Popen([sys.executable, "-c", ""]) as process:
            if reaped:
                process.wait()
            last = wait_for_end(lambda: state_of(process.pid))
            assert (process.returncode is not None) is reaped
        assert last == state_of(process.pid)

    def test_a_module_without_a_state_is_waited_for_briefly(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "NO_STATE_SECONDS", 0.05)
        assert wait_for_end(lambda: None) is None

    def test_the_last_changes_are_waited_for(self) -> None:
        stopping = state_of(os.getpid(), stopping=True)
        states = iter([stopping, stopping, state_of(os.getpid(), ended=True, done=3)])
        assert wait_for_end(lambda: next(states)) == state_of(os.getpid(), ended=True, done=3)

    def test_the_signal_is_forwarded_to_a_module_that_does_not_stop(
        self, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "FORWARD_SECONDS", 0.1)
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.5)
        wait_for_end(lambda: state_of(sleeper.pid))
        assert sleeper.wait(TIMEOUT) == -signal.SIGTERM

    def test_no_signal_is_sent_to_a_module_that_is_stopping(
        self, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "FORWARD_SECONDS", 0.0)
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.3)
        state = state_of(sleeper.pid, stopping=True)
        assert wait_for_end(lambda: state) == state
        assert sleeper.poll() is None


class TestFinalMessage:
    def test_it_is_written_to_the_copied_standard_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reading, writing = os.pipe()
        monkeypatch.setattr(module, "_STDERR", writing)
        final_message("press: interrupted")
        os.close(writing)
        assert os.read(reading, 100) == b"press: interrupted\n"
        os.close(reading)

    @pytest.mark.parametrize("descriptor", [None, 999_999])
    def test_it_is_logged_without_a_terminal(
        self,
        descriptor: int | None,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(module, "_STDERR", descriptor)
        with caplog.at_level("INFO", "ansible"):
            final_message("press: interrupted")
        assert caplog.messages == ["press: interrupted"]

    def test_a_full_pipe_does_not_block_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        monkeypatch.setattr(module, "_STDERR", writing)
        monkeypatch.setattr(module, "MESSAGE_SECONDS", 0.01)
        final_message("press: interrupted")
        os.close(writing)
        with open(reading, "rb") as pipe:
            assert b"press" not in pipe.read()
