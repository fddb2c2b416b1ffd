# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The counts and estimates of a run, and the file in which a follower reads them."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils import progress as module
from ansible_collections.publica.la.plugins.module_utils.client.limiter import RateLimiter
from ansible_collections.publica.la.plugins.module_utils.concurrency import TO_END, StopRequest
from ansible_collections.publica.la.plugins.module_utils.plan.model import (
    ASSIGN_PLAN,
    CREATE,
    DEACTIVATE,
    FORCE_LOGOUT,
    REACTIVATE,
    UPDATE,
    outcomes_of,
)
from ansible_collections.publica.la.plugins.module_utils.progress import (
    APPLYING,
    Counts,
    Progress,
    check_interval,
    progress_to,
    progress_warnings,
)
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.plugins.module_utils.result.messages import summarize
from ansible_collections.publica.la.tests.unit.support.builders import api_on, desired_users
from ansible_collections.publica.la.tests.unit.support.files import make_special
from ansible_collections.publica.la.tests.unit.support.store import FakeStore, Reply, StoredUser


def applying(total: int, done: int = 0) -> Counts:
    """Counts of a run with one request a user."""
    counts = Counts(phase=APPLYING, total=total, requests_left=total)
    for _user in range(done):
        counts.count(outcomes_of([CREATE]), 1, failed=False)
    return counts


def test_user_counts_once_for_each_outcome() -> None:
    counts = applying(5)
    counts.count(outcomes_of([CREATE, ASSIGN_PLAN]), 1, failed=True)
    counts.count(outcomes_of([UPDATE, ASSIGN_PLAN]), 1, failed=False)
    counts.count(outcomes_of([REACTIVATE, UPDATE]), 2, failed=False)
    counts.count(outcomes_of([DEACTIVATE, FORCE_LOGOUT]), 2, failed=False)
    counts.count(outcomes_of([]), 1, failed=True)
    report = counts.as_reported(10.0, 0.0, None)
    assert {name: report[name] for name in (*counts.outcomes, "done", "failed")} == {
        "created": 1,
        "updated": 3,
        "reactivated": 1,
        "deactivated": 1,
        "done": 5,
        "failed": 2,
    }


def test_no_estimate_before_anything_is_known() -> None:
    report = Counts().as_reported(0.0, 0.0, 100)
    assert (report["users_per_second"], report["seconds_left"]) == (None, None)
    report = applying(50).as_reported(0.0, 0.0, None)
    assert (report["users_per_second"], report["seconds_left"]) == (None, None)


def test_estimate_without_a_limit_uses_the_rate_so_far() -> None:
    report = applying(400, done=100).as_reported(50.0, 0.0, None)
    assert (report["users_per_second"], report["seconds_left"]) == (2.0, 150)


@pytest.mark.parametrize(
    ("done", "applying_seconds", "waiting_seconds"),
    [
        (0, 0.0, 0.0),  # only the limit is known
        (60, 3.0, 0.0),  # the first window's requests are sent at once
        (100, 5.0, 55.0),  # and then the run waits
        (200, 65.0, 55.0),
        (2500, 25 * 60.0, 0.0),
    ],
)
def test_estimate_includes_the_rate_limit(
    done: int, applying_seconds: float, waiting_seconds: float
) -> None:
    # 5000 requests at 100 a minute take 49 complete windows and a moment.
    end = 49 * 60.0
    report = applying(5000, done).as_reported(applying_seconds, waiting_seconds, 100)
    assert report["seconds_left"] == pytest.approx(end - applying_seconds, abs=90.0)


def test_known_wait_is_part_of_the_rate() -> None:
    report = applying(5000, done=100).as_reported(5.0, 55.0, 100)
    assert report["users_per_second"] == pytest.approx(100 / 60, abs=0.01)
    assert report["waiting_seconds"] == 55


def test_smaller_limit_takes_longer() -> None:
    full, half = (
        applying(1000).as_reported(0.0, 0.0, limit)["seconds_left"] for limit in (100, 50)
    )
    assert (full, half) == (9 * 60, 19 * 60)


def test_no_estimate_after_the_end() -> None:
    counts = applying(10, done=4)
    counts.ended = True
    assert counts.as_reported(2.0, 0.0, 100)["seconds_left"] is None


TIMEOUT = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


def state(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def until(path: Path, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first state that fulfils the condition."""
    pause = threading.Event()
    for _try in range(int(TIMEOUT / 0.02)):
        current = state(path)
        if condition(current):
            return current
        pause.wait(0.02)
    raise AssertionError(f"condition never met: {current}")


class Limiter(RateLimiter):
    """A limiter that waits as a test needs."""

    def __init__(self, wait_left: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__(100, 60.0)
        self.wait_left = wait_left  # type: ignore[method-assign]


def written_to(path: Path, limiter: RateLimiter | None = None) -> AbstractContextManager[Progress]:
    return progress_to(str(path), limiter or Limiter(), StopRequest())


class TestReports:
    def test_file_exists_before_anything_is_reported(self, path: Path) -> None:
        with written_to(path):
            current = state(path)
            assert (current["phase"], current["ended"], current["done"]) == ("starting", False, 0)
        assert state(path)["ended"] is True

    def test_file_ends_after_an_error(self, path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), written_to(path):
            raise KeyboardInterrupt
        assert state(path)["ended"] is True

    def test_reports_from_many_threads_are_all_counted(self, path: Path) -> None:
        with written_to(path) as progress:
            progress.applying(4000, 4000)
            with ThreadPoolExecutor(16) as pool:
                for number in range(4000):
                    pool.submit(progress.applied, ["updated"], 1, number % 4 == 0)
        final = state(path)
        assert (final["done"], final["updated"], final["failed"]) == (4000, 4000, 1000)

    def test_follower_sees_each_phase(self, path: Path) -> None:
        with written_to(path) as progress:
            progress.reading()
            until(path, lambda current: current["phase"] == "reading")
            progress.page_read(100, 49)
            current = until(path, lambda current: current["pages_read"] == 1)
            assert (current["pages_left"], current["users_read"]) == (49, 100)
            progress.looking_up(7)
            progress.looked_up()
            until(path, lambda current: (current["look_ups"], current["looked_up"]) == (7, 1))
            assert current["unverified"] == 0
            progress.applying(3, 4, unverified=97)
            progress.applied(["created"], 2, False)
            current = until(path, lambda current: current["done"] == 1)
            assert (current["phase"], current["total"]) == ("applying", 3)
            assert current["unverified"] == 97
            assert current["created"] == 1
            progress.stopping()
            until(path, lambda current: bool(current["stopping"]))
            progress.finishing()
            until(path, lambda current: current["phase"] == "finishing")

    def test_wait_counts_down_without_a_report(self, path: Path) -> None:
        waits = [34.2, 33.4]
        with written_to(path, Limiter(lambda: waits[0])):
            assert state(path)["waiting_seconds"] == 35
            waits.pop(0)
            until(path, lambda current: current["waiting_seconds"] == 34)

    def test_estimate_uses_the_share_of_the_limit(self, path: Path) -> None:
        limiter = RateLimiter(50, 60.0)
        headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99"}
        limiter.answered(200, headers, limiter.acquire())
        with written_to(path, limiter) as progress:
            progress.applying(1000, 1000)
            current = until(path, lambda current: current["phase"] == "applying")
            assert current["seconds_left"] == 19 * 60

    def test_nothing_is_written_while_nothing_changes(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 3600.0)
        monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
        looks = threading.Semaphore(0)

        def wait_left() -> float:
            looks.release()
            return 0.0

        with written_to(path, Limiter(wait_left)) as progress:
            progress.reading()
            until(path, lambda current: current["phase"] == "reading")
            file = path.stat().st_ino
            for _look in range(20):
                assert looks.acquire(timeout=TIMEOUT)
            assert path.stat().st_ino == file

    def test_report_from_a_signal_handler_does_not_block(self, path: Path) -> None:
        with written_to(path) as progress, progress._lock:
            # As if the signal arrived during another report.
            progress.stopping()
        assert state(path)["stopping"] is True

    def test_stop_request_is_reported(self, path: Path) -> None:
        stop_request = StopRequest()
        with progress_to(str(path), Limiter(), stop_request):
            stop_request.request("SIGTERM")
        assert state(path)["stopping"] is True

    def test_thread_receives_no_signal(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        masks: list[set[int]] = []
        looks = threading.Semaphore(0)

        def wait_left() -> float:
            masks.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
            looks.release()
            return 0.0

        monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
        with written_to(path, Limiter(wait_left)):
            for _look in range(3):
                assert looks.acquire(timeout=TIMEOUT)
        assert set(TO_END) <= masks[1]
        # The main thread writes first. It must stay interruptible.
        assert not set(TO_END) & masks[0]
        assert not set(TO_END) & set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    def test_without_a_path_there_is_no_thread(self) -> None:
        threads = threading.active_count()
        with progress_to(None, Limiter(), StopRequest()) as progress:
            assert threading.active_count() == threads
        assert progress_warnings(progress) == []


class TestFile:
    """The file is replaced atomically, and never written through a link."""

    def test_only_its_owner_reads_it(self, path: Path) -> None:
        with written_to(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_missing_directory_gives_one_warning(self, tmp_path: Path) -> None:
        with written_to(tmp_path / "nowhere" / "progress.json") as progress:
            progress.applied(["created"], 1, False)
        [warning] = progress_warnings(progress)
        assert "No such file or directory" in warning

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_read_only_directory_gives_a_warning(self, path: Path) -> None:
        path.parent.chmod(0o500)
        with written_to(path) as progress:
            pass
        [warning] = progress_warnings(progress)
        assert "Permission denied" in warning

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [("link", "is a link"), ("directory", "not a regular"), ("pipe", "not a regular")],
    )
    def test_anything_but_a_regular_file_is_left_alone(
        self, path: Path, kind: str, reason: str
    ) -> None:
        target = path.with_name("target")
        target.write_text("precious")
        make_special(path, kind, target)
        before = path.lstat().st_mode
        with written_to(path) as progress:
            pass
        [warning] = progress_warnings(progress)
        assert reason in warning
        assert path.lstat().st_mode == before
        assert target.read_text() == "precious"

    @pytest.mark.parametrize(
        "content",
        [b"root:x:0:0:root:/root:/bin/sh\n", b"all:\n  hosts:\n", b'{"phase": "starting"}', b"[]",
         b'{"phase": [], "done": 1}', b"\xff", b"[" * 100_000, b" " * 100_000, b"9" * 5000],
    )  # fmt: skip
    def test_file_of_another_kind_is_left_alone(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        with written_to(path) as progress:
            progress.reading()
        [warning] = progress_warnings(progress)
        assert "progress.json is not a progress file, so it is kept" in warning
        assert path.read_bytes() == content

    @pytest.mark.parametrize("content", ["", '{"phase": "finishing", "done": 9, "mode": "older"}'])
    def test_empty_file_or_an_earlier_one_is_replaced(self, path: Path, content: str) -> None:
        path.write_text(content)
        for _run in range(2):
            with written_to(path) as progress:
                pass
            assert progress_warnings(progress) == []
            assert state(path)["ended"] is True

    def test_file_that_replaces_it_during_the_run_is_left_alone(self, path: Path) -> None:
        with written_to(path) as progress:
            path.write_text("precious")
            progress.reading()
        assert path.read_text() == "precious"

    def test_removed_directory_is_not_written_to_again(self, tmp_path: Path) -> None:
        directory = tmp_path / "directory"
        directory.mkdir()
        path = directory / "progress.json"
        with written_to(path) as progress:
            path.unlink()
            directory.rmdir()
            # Another directory at the same path.
            directory.mkdir()
        assert list(directory.iterdir()) == []
        # It worked once, so the path is right.
        assert progress_warnings(progress) == []

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner")
    def test_file_of_root_belongs_to_the_owner_of_the_directory(self, path: Path) -> None:
        os.chown(path.parent, 12345, 12345)
        with written_to(path):
            assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)


@pytest.mark.parametrize(
    ("seconds", "valid"),
    [(-1.0, False), (0.0, True), (86_400.0, True), (90_000.0, False), (float("nan"), False)],
)
def test_bounds_of_the_interval(seconds: float, valid: bool) -> None:
    found = [error.option for error in check_interval(seconds)]
    assert found == ([] if valid else ["progress_interval"])


@pytest.mark.parametrize("lookup", ["list", "search"])
def test_final_counts_of_a_run_are_its_summary(path: Path, lookup: str) -> None:
    store = FakeStore(*(StoredUser(n, f"user{n}@example.org", f"ext-{n}") for n in range(1, 8)))
    store.answer_instead("PUT", Reply(422, {"errors": {"admin": ["no"]}}), path="/3")
    rows: list[dict[str, Any]] = [
        {"email": f"user{n}@example.org", "external_id": f"ext-{n}", "admin": True}
        for n in range(1, 10)
    ]
    rows[6] = {"email": "user7@example.org", "state": "absent"}
    rows[4].pop("admin")
    api = api_on(store, workers=4)
    with written_to(path) as progress:
        provisioned = provision(
            api, desired_users(rows), lookup=lookup, workers=4, progress=progress
        )
    final, summary = state(path), summarize(provisioned.applied)
    same = ("created", "updated", "reactivated", "deactivated", "failed")
    assert {name: final[name] for name in same} == {name: summary[name] for name in same}
    assert (summary["created"], summary["failed"], summary["deactivated"]) == (2, 1, 1)
    assert final["done"] == final["total"] == 8
    assert final["look_ups"] == final["looked_up"] == (9 if lookup == "search" else 0)
    pages = sum(call.method == "GET" for call in store.calls) - final["looked_up"]
    assert final["pages_read"] == pages
    # Only numbers, and nothing about a user.
    assert "user" not in path.read_text().replace("users_", "")
    assert "ext-" not in path.read_text()
