# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run reports, from many threads and from real work, and what a follower reads of it."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils import progress as module
from ansible_collections.publica.la.plugins.module_utils.client.limiter import RateLimiter
from ansible_collections.publica.la.plugins.module_utils.concurrency import TO_END, StopRequest
from ansible_collections.publica.la.plugins.module_utils.input.rows import desired_users
from ansible_collections.publica.la.plugins.module_utils.progress import (
    NO_PROGRESS,
    FileProgress,
    Pace,
    check_interval,
    progress_to,
    progress_warnings,
)
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.plugins.module_utils.result.result import summarize
from ansible_collections.publica.la.tests.unit.support.builders import api_on
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.reply import Reply
from ansible_collections.publica.la.tests.unit.support.store import FakeStore

PATIENCE = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


def state(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def until(path: Path, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first state that is so; a generous bound ends a test that waits in vain."""
    pause = threading.Event()
    for _try in range(int(PATIENCE / 0.02)):
        told = state(path)
        if is_so(told):
            return told
        pause.wait(0.02)
    raise AssertionError(f"never so: {told}")


def pace() -> Pace:
    return Pace()


def test_the_file_is_there_before_anything_is_reported(path: Path) -> None:
    progress = FileProgress(str(path), pace)
    try:
        told = state(path)
        assert (told["phase"], told["ended"], told["done"]) == ("starting", False, 0)
    finally:
        progress.close()
    assert state(path)["ended"] is True


def test_reports_from_many_threads_are_all_counted(path: Path) -> None:
    progress = FileProgress(str(path), pace)
    progress.applying(4000, 4000)
    with ThreadPoolExecutor(16) as pool:
        for number in range(4000):
            pool.submit(progress.applied, ["updated"], 1, number % 4 == 0)
    progress.close()
    told = state(path)
    assert (told["done"], told["updated"], told["failed"]) == (4000, 4000, 1000)


def test_a_follower_sees_each_phase_while_it_lasts(path: Path) -> None:
    progress = FileProgress(str(path), pace)
    progress.reading()
    until(path, lambda told: told["phase"] == "reading")
    progress.page_read(100, 49)
    told = until(path, lambda told: told["pages_read"] == 1)
    assert (told["pages_left"], told["users_read"]) == (49, 100)
    progress.looking_up(7)
    progress.looked_up()
    told = until(path, lambda told: told["look_ups"] == 7 and told["looked_up"] == 1)
    progress.applying(3, 4)
    progress.applied(["created"], 2, False)
    told = until(path, lambda told: told["done"] == 1)
    assert (told["phase"], told["total"], told["created"]) == ("applying", 3, 1)
    progress.stopping()
    until(path, lambda told: bool(told["stopping"]))
    progress.finishing()
    until(path, lambda told: told["phase"] == "finishing")
    progress.close()


def test_a_wait_counts_down_without_any_report(path: Path) -> None:
    waits = [34.2, 33.4]
    progress = FileProgress(str(path), lambda: Pace(waits[0], 100))
    assert state(path)["waiting_seconds"] == 35
    waits.pop(0)
    until(path, lambda told: told["waiting_seconds"] == 34)
    progress.close()


def test_nothing_is_written_while_nothing_happens(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 3600.0)
    monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
    progress = FileProgress(str(path), pace)
    progress.reading()
    until(path, lambda told: told["phase"] == "reading")
    file = path.stat().st_ino
    threading.Event().wait(0.1)
    assert path.stat().st_ino == file
    progress.close()


def test_a_report_from_a_signal_handler_waits_for_nobody(path: Path) -> None:
    progress = FileProgress(str(path), pace)
    # As when the signal comes in the middle of another report.
    with progress._lock:
        progress.stopping()
    progress.close()
    assert state(path)["stopping"] is True


def test_its_thread_takes_no_signal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks: list[set[int]] = []

    def looked_at() -> Pace:
        masks.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        return Pace()

    monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
    progress = FileProgress(str(path), looked_at)
    while len(masks) < 3:
        threading.Event().wait(0.01)
    progress.close()
    assert set(TO_END) <= masks[1]
    # The first look is the main thread's own, which goes on to be interrupted.
    assert not set(TO_END) & masks[0]
    assert not set(TO_END) & set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_without_a_path_nothing_is_kept() -> None:
    threads = threading.active_count()
    with progress_to(None, RateLimiter(100, 60.0), 100, StopRequest()) as progress:
        assert progress is NO_PROGRESS
        assert threading.active_count() == threads
    assert progress_warnings(progress) == []


def test_a_file_that_cannot_be_written_is_warned_of_once(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "progress.json"
    with progress_to(str(missing), RateLimiter(100, 60.0), 100, StopRequest()) as progress:
        progress.applied(["created"], 1, False)
    [warning] = progress_warnings(progress)
    assert "No such file or directory" in warning


def test_an_error_ends_the_file_too(path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        progress_to(str(path), RateLimiter(100, 60.0), 100, StopRequest()),
    ):
        raise KeyboardInterrupt
    assert state(path)["ended"] is True


@pytest.mark.parametrize("seconds", [-1.0, 90_000.0, float("nan")])
def test_an_interval_has_bounds(seconds: float) -> None:
    [fault] = check_interval(seconds)
    assert str(fault) == (f"progress_interval: {seconds:g} is out of range; use 0 to 86400 seconds")


@pytest.mark.parametrize("seconds", [0.0, 86_400.0])
def test_the_bounds_of_an_interval_are_allowed(seconds: float) -> None:
    assert check_interval(seconds) == []


@pytest.mark.parametrize("lookup", ["list", "search"])
def test_a_real_run_tells_what_its_summary_tells(path: Path, lookup: str) -> None:
    store = FakeStore(*(StoredUser(n, f"user{n}@example.org", f"ext-{n}") for n in range(1, 8)))
    store.answer_instead("PUT", Reply(422, {"errors": {"admin": ["no"]}}), path="/3")
    rows: list[dict[str, Any]] = [
        {"email": f"user{n}@example.org", "external_id": f"ext-{n}", "admin": True}
        for n in range(1, 10)
    ]
    rows[6] = {"email": "user7@example.org", "state": "absent"}
    rows[4].pop("admin")
    progress = FileProgress(str(path), pace)
    provisioned = provision(
        api_on(store, workers=4), desired_users(rows), lookup=lookup, workers=4, progress=progress
    )
    progress.close()
    told, summary = state(path), summarize(provisioned.applied)
    same = ("created", "updated", "reactivated", "deactivated", "failed")
    assert {name: told[name] for name in same} == {name: summary[name] for name in same}
    assert (summary["created"], summary["failed"], summary["deactivated"]) == (2, 1, 1)
    assert told["done"] == told["total"] == 8
    assert told["look_ups"] == told["looked_up"] == (9 if lookup == "search" else 0)
    pages = sum(call.method == "GET" for call in store.calls) - told["looked_up"]
    assert told["pages_read"] == pages
    # Numbers only: nothing of a user.
    assert "user" not in path.read_text().replace("users_", "")
    assert "ext-" not in path.read_text()
