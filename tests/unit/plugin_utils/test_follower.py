# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a file: old content does not count, lines come when due, and no error gets out."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.progress import Counts
from ansible_collections.publica.la.plugins.plugin_utils import follower as module
from ansible_collections.publica.la.plugins.plugin_utils.follower import (
    Follower,
    StateReader,
    next_due,
)

PATIENCE = 30.0


def text(**changes: Any) -> str:
    return json.dumps({**Counts().as_reported(0.0, 0.0, None), "pid": 4711, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


@pytest.mark.parametrize(
    ("now", "due"),
    [(100.0, 105.0), (104.9, 105.0), (105.0, 110.0), (105.2, 110.0), (132.0, 135.0)],
)
def test_lines_are_due_at_fixed_times(now: float, due: float) -> None:
    assert next_due(100.0, 5.0, now) == due


class TestReading:
    def test_no_file_is_no_state(self, path: Path) -> None:
        reader = StateReader(str(path))
        assert reader.read() is None
        path.write_text(text(done=1))
        assert (reader.read() or {})["done"] == 1

    def test_what_was_there_before_is_another_runs(self, path: Path) -> None:
        path.write_text(text(done=999))
        reader = StateReader(str(path))
        assert reader.read() is None
        path.write_text(text(done=1))
        assert (reader.read() or {})["done"] == 1

    def test_the_last_good_state_outlives_the_file(self, path: Path) -> None:
        reader = StateReader(str(path))
        path.write_text(text(done=5))
        reader.read()
        path.write_text("torn {")
        assert (reader.read() or {})["done"] == 5
        path.write_bytes(b"\xff\xfe")
        assert (reader.read() or {})["done"] == 5
        path.unlink()
        assert (reader.read() or {})["done"] == 5

    def test_only_a_file_of_ones_own_counts(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader = StateReader(str(path))
        path.write_text(text(done=5))
        if os.geteuid() == 0:
            os.chown(path, 12345, 12345)
        else:
            monkeypatch.setattr(module.os, "geteuid", lambda: 12345)
        assert reader.read() is None

    @pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
    def test_only_a_file_counts_and_nothing_is_waited_for(self, path: Path, kind: str) -> None:
        target = path.with_name("target")
        reader = StateReader(str(path))
        if kind == "link":
            target.write_text(text(done=5))
            path.symlink_to(target)
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.mkdir()
        assert reader.read() is None


class Shown:
    """Lines that were shown, and a way to wait for so many."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._more:
            self.lines.append(line)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.lines) >= count, PATIENCE)


def never() -> None:
    raise AssertionError("called")


def test_lines_come_until_it_is_stopped(path: Path) -> None:
    shown = Shown()
    follower = Follower(StateReader(str(path)), "press", 0.02, shown, never)
    follower.start()
    shown.wait_for(1)
    path.write_text(text(phase="applying", total=3, done=2))
    count = len(shown.lines)
    shown.wait_for(count + 2)
    follower.stop()
    told = len(shown.lines)
    threading.Event().wait(0.1)
    assert len(shown.lines) == told == follower.shown
    assert shown.lines[0] == "press: reading the input"
    assert shown.lines[-1] == "press: 2/3 users"


def test_whoever_is_over_before_the_first_line_shows_none(path: Path) -> None:
    shown = Shown()
    follower = Follower(StateReader(str(path)), "press", 3600.0, shown, never)
    follower.start()
    follower.stop()
    assert (shown.lines, follower.shown) == ([], 0)


def test_a_line_that_cannot_be_shown_ends_it_quietly(path: Path) -> None:
    tried = threading.Event()

    def fail(_line: str) -> None:
        tried.set()
        raise BrokenPipeError

    follower = Follower(StateReader(str(path)), "press", 0.01, fail, never)
    follower.start()
    assert tried.wait(PATIENCE)
    follower.stop()
    assert follower.shown == 0


def test_a_run_without_its_parent_is_told_of_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents = iter([100])
    orphaned = threading.Event()
    monkeypatch.setattr(module.os, "getppid", lambda: next(parents, 1))
    reader = StateReader(str(path))
    path.write_text(text(done=1))
    follower = Follower(reader, "press", 3600.0, Shown(), orphaned.set)
    follower.start()
    assert orphaned.wait(PATIENCE)
    follower.stop()


def test_one_that_was_never_started_can_be_stopped(path: Path) -> None:
    follower = Follower(StateReader(str(path)), "press", 1.0, Shown(), never)
    follower.stop()
    assert follower.shown == 0
