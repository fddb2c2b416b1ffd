# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limiter: waits of all workers, and the state that runs on one machine share in a file."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import stat
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import limiter as module
from ansible_collections.publica.la.plugins.module_utils.client import rate_limit
from ansible_collections.publica.la.plugins.module_utils.client.limiter import (
    BudgetFile,
    RateLimiter,
)
from ansible_collections.publica.la.plugins.module_utils.client.rate_limit import (
    MOST_EARLY_ASKED,
    STALE_SECONDS,
)
from ansible_collections.publica.la.plugins.module_utils.errors import FatalError
from ansible_collections.publica.la.tests.unit.support.clock import Clock
from ansible_collections.publica.la.tests.unit.support.files import (
    alternating_link,
    make_special,
    umask,
)

STORE, TOKEN = "https://example.publica.la", "canary-token-0123456789abcdef"
STATE = {"limit": 100, "lowest": 7}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "budgets"


def headers(remaining: int, limit: int = 10, **more: str) -> dict[str, str]:
    values = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}
    return {**values, **{name.replace("_", "-"): value for name, value in more.items()}}


def limiter(clock: Clock, max_wait: float = 3600.0) -> RateLimiter:
    made = RateLimiter(100, max_wait)
    clock.rule(made)
    return made


class TestWaits:
    def test_first_answer_reports_the_limit(self, clock: Clock) -> None:
        made = limiter(clock)
        made.answered(200, headers(3, limit=4), made.acquire())
        assert (made.limit, made.usable) == (4, 4)

    def test_wait_after_a_refusal_is_counted(self, clock: Clock) -> None:
        made = limiter(clock)
        made.answered(429, headers(0, limit=4, Retry_After="20"), made.acquire())
        made.acquire()
        assert made.waited_seconds == pytest.approx(20.25, abs=0.5)

    def test_wait_beyond_the_maximum_is_fatal(self, clock: Clock) -> None:
        made = limiter(clock, max_wait=10.0)
        made.answered(429, headers(0, limit=4, Retry_After="20"), made.acquire())
        with pytest.raises(FatalError, match="max_rate_limit_wait") as error:
            made.acquire()
        assert (error.value.code, error.value.status) == ("rate_limited", 429)
        assert clock.waits == []

    @pytest.mark.parametrize("offset", [-3600, 3600])
    def test_clock_that_is_an_hour_off_causes_no_such_wait(self, clock: Clock, offset: int) -> None:
        # Neither Date nor Retry-After: the reset is only known by the store's clock.
        made = limiter(clock, max_wait=90.0)
        ends = clock.now + 40.0
        reset = {"X_RateLimit_Reset": str(int(ends) + offset)}
        sent_at = made.acquire()
        while clock.now < ends:
            made.answered(429, headers(0, **reset), sent_at)
            sent_at = made.acquire()
        made.answered(200, headers(9), sent_at)
        assert made.waited_seconds < 90.0

    def test_lost_answer_of_the_probe_allows_another(self, clock: Clock) -> None:
        made = limiter(clock)
        made.answered(429, headers(0, limit=4, Retry_After="1"), made.acquire())
        made.lost(made.acquire())  # the probe
        clock.waits.clear()
        made.acquire()
        assert clock.waits == []


class TestWorkers:
    """With real threads and short real times."""

    def test_concurrent_waits_are_counted_once(self) -> None:
        made = RateLimiter(100, 3600.0)
        plenty = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "90"}
        made.answered(429, headers(0, limit=4, Retry_After="0"), made.acquire())

        def work(_number: int) -> None:
            made.answered(200, plenty, made.acquire())

        started = time.monotonic()
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(work, range(8)))
        # Counted for each worker, it would be several times the elapsed time.
        assert 0.0 < made.waited_seconds <= time.monotonic() - started

    def test_answer_wakes_waiting_workers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Too long for a worker to wake without a notification during the test.
        monkeypatch.setattr(rate_limit, "ROUNDING_SECONDS", 30.0)
        made = RateLimiter(100, 3600.0)
        made.answered(200, headers(0, limit=4), made.acquire())
        probe = made.acquire()
        through = threading.Event()

        def wait() -> None:
            made.acquire()
            through.set()

        threading.Thread(target=wait, daemon=True).start()
        assert not through.wait(0.05)
        made.answered(200, headers(3, limit=4), probe)
        assert through.wait(5.0)

    def test_error_in_one_worker_does_not_block_the_others(self) -> None:
        made = RateLimiter(100, 5.0)
        made.answered(429, headers(0, limit=4, Retry_After="60"), made.acquire())
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


def run(directory: Path, clock: Clock, share: int = 100) -> RateLimiter:
    made = RateLimiter(share, 3600.0, BudgetFile(STORE, TOKEN, str(directory)))
    clock.rule(made)
    return made


class TestConcurrentRuns:
    def test_runs_share_one_budget(self, directory: Path, clock: Clock) -> None:
        one, other = run(directory, clock, share=50), run(directory, clock, share=50)
        for remaining in (9, 8, 7, 6):
            one.answered(200, headers(remaining), one.acquire())
        other.answered(200, headers(5), other.acquire())
        other.acquire()
        assert sum(clock.waits) == pytest.approx(60.25, abs=0.5)

    def test_requests_under_way_count_for_all_runs(self, directory: Path, clock: Clock) -> None:
        one = run(directory, clock, share=50)
        one.answered(200, headers(9), one.acquire())
        for _request in range(4):
            one.acquire()
        other = run(directory, clock, share=50)
        delay, _now = other._update_shared(other._try_to_send)
        assert delay > 0

    def test_all_runs_wait_after_a_refusal_of_one(self, directory: Path, clock: Clock) -> None:
        one, other = run(directory, clock), run(directory, clock)
        other.answered(200, headers(9), other.acquire())
        clock.now += 1.0
        one.answered(429, headers(0, Retry_After="20"), one.acquire())
        other.acquire()
        assert sum(clock.waits) == pytest.approx(20.25)

    def test_few_new_runs_probe_a_refused_window(self, directory: Path, clock: Clock) -> None:
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

    def test_outdated_refusal_is_forgotten_by_all_runs(self, directory: Path, clock: Clock) -> None:
        one = run(directory, clock)
        one.answered(429, {"Retry-After": "20"}, one.acquire())
        clock.now += 1.0
        for _new in range(4):
            new = run(directory, clock)
            new.answered(200, {}, new.acquire())
            new.answered(200, {}, new.acquire())
        assert clock.waits == []

    def test_new_run_probes_a_used_up_window_once(self, directory: Path, clock: Clock) -> None:
        one = run(directory, clock)
        one.answered(200, headers(0), one.acquire())
        clock.waits.clear()
        clock.now += 1.0
        other = run(directory, clock)
        sent_at = other.acquire()
        assert clock.waits == []
        # The store restarted and began a new window.
        other.answered(200, headers(9), sent_at)
        for _request in range(9):
            other.acquire()
        assert sum(clock.waits) < 1.0

    def test_state_of_an_old_window_is_ignored(self, directory: Path, clock: Clock) -> None:
        one = run(directory, clock)
        one.answered(429, headers(0, limit=3, Retry_After="20"), one.acquire())
        clock.now += 20 + STALE_SECONDS + 61
        other = run(directory, clock)
        assert other.limit is None

    def test_store_without_a_limit_writes_nothing(self, directory: Path, clock: Clock) -> None:
        made = run(directory, clock)
        for _request in range(20):
            made.answered(200, {}, made.acquire())
        (file,) = directory.iterdir()
        assert file.read_bytes() == b""

    def test_run_continues_without_a_file_that_fails(
        self, directory: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = run(directory, clock)
        made.answered(200, headers(9), made.acquire())

        def fail(_self: Any, _state: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(BudgetFile, "write", fail)
        for remaining in (8, 7):
            made.answered(200, headers(remaining), made.acquire())
        assert made._window.left == 7
        assert made._budget is None

    def test_file_and_its_name_contain_neither_store_nor_token(
        self, directory: Path, clock: Clock
    ) -> None:
        made = run(directory, clock)
        made.answered(200, headers(9), made.acquire())
        file = the_file(directory)
        content = file.read_text()
        assert '"limit":10' in content
        for secret in (TOKEN, "example", "publica"):
            assert secret not in file.name + content


def budget(directory: Path | None = None, store: str = STORE, token: str = TOKEN) -> BudgetFile:
    return BudgetFile(store, token, None if directory is None else str(directory))


def the_file(directory: Path) -> Path:
    (file,) = directory.iterdir()
    return file


def keep_locked(directory: Path, holds: Any) -> None:
    with budget(directory).locked():
        holds.set()
        time.sleep(60)


class TestBudgetFile:
    def test_written_state_is_read_by_another_run(self, directory: Path) -> None:
        one, other = budget(directory), budget(directory)
        assert other.read() is None
        one.write(STATE)
        assert other.read() == STATE

    def test_shorter_state_replaces_a_longer_one(self, directory: Path) -> None:
        one = budget(directory)
        one.write({"text": "x" * 500})
        one.write(STATE)
        assert budget(directory).read() == STATE

    @pytest.mark.parametrize(
        "other",
        [{"store": "https://other.publica.la"}, {"token": "another-token-0123456789abcdef"}],
        ids=str,
    )
    def test_other_store_or_token_has_its_own_file(
        self, directory: Path, other: dict[str, str]
    ) -> None:
        budget(directory).write(STATE)
        assert budget(directory, **other).read() is None

    def test_lock_is_exclusive(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.01)
        one, other = budget(directory), budget(directory)
        with one.locked(), pytest.raises(BlockingIOError), other.locked():
            pass
        with other.locked():
            pass

    def test_lock_of_a_killed_process_is_released(self, directory: Path) -> None:
        budget(directory)
        spawn = multiprocessing.get_context("spawn")
        holds = spawn.Event()
        process = spawn.Process(target=keep_locked, args=(directory, holds))
        process.start()
        assert holds.wait(30)
        process.kill()
        process.join()
        with budget(directory).locked():
            pass

    @pytest.mark.parametrize(
        "content", ["", "{", "null", "[]", '{"window": {}}', '{"clocks_apart": "x", "window": {}}'],
        ids=str,
    )  # fmt: skip
    def test_incomplete_content_is_ignored(self, directory: Path, content: str) -> None:
        made = budget(directory)
        made.write(STATE)
        the_file(directory).write_text(content)
        assert made.read() is None

    def test_times_of_another_clock_are_ignored(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = budget(directory)
        made.write(STATE)
        # As after a restart of the machine.
        monotonic = time.monotonic
        monkeypatch.setattr(module.time, "monotonic", lambda: monotonic() + 1000)
        assert made.read() is None


class TestBudgetFileSafety:
    @pytest.mark.parametrize("mask", [0o000, 0o077], ids=oct)
    def test_only_the_owner_has_access(self, mask: int) -> None:
        with umask(mask):
            budget().write(STATE)
        own = Path(os.path.join(tempfile.gettempdir(), f"publica.la-{os.geteuid()}"))
        assert stat.S_IMODE(own.stat().st_mode) == 0o700
        assert stat.S_IMODE(the_file(own).stat().st_mode) == 0o600

    @pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "readable by other users"])
    def test_another_kind_of_file_is_refused(
        self, directory: Path, tmp_path: Path, kind: str
    ) -> None:
        budget(directory)
        file = the_file(directory)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("precious")
        elsewhere.chmod(0o600)
        if kind == "readable by other users":
            file.chmod(0o644)
        else:
            file.unlink()
            with umask(0o077):
                make_special(file, kind, elsewhere)
        reason = "symbolic link" if kind == "link" else "not a regular file that only this user"
        with pytest.raises(OSError, match=reason):
            budget(directory)
        assert elsewhere.read_text() == "precious"

    def test_alternating_link_is_not_followed(self, directory: Path, tmp_path: Path) -> None:
        budget(directory)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("precious")
        with alternating_link(the_file(directory), elsewhere):
            for _round in range(500):
                with contextlib.suppress(OSError):
                    budget(directory).write(STATE)
                assert elsewhere.read_text() == "precious"

    def test_linked_directory_is_refused(self, directory: Path, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        directory.symlink_to(tmp_path / "real")
        with pytest.raises(NotADirectoryError):
            budget(directory)
        assert list((tmp_path / "real").iterdir()) == []

    @pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777], ids=oct)
    def test_default_directory_writable_by_other_users_is_refused(self, mode: int) -> None:
        own = Path(tempfile.gettempdir(), f"publica.la-{os.geteuid()}")
        own.mkdir()
        own.chmod(mode)
        with pytest.raises(OSError, match="write"):
            budget()

    def test_default_directory_of_another_user_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        someone = os.geteuid() + 1
        Path(tempfile.gettempdir(), f"publica.la-{someone}").mkdir(mode=0o700)
        monkeypatch.setattr(module.os, "geteuid", lambda: someone)
        with pytest.raises(OSError, match="another user"):
            budget()

    def test_error_names_the_reason(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="Not a directory"):
            budget(tmp_path / "file")
