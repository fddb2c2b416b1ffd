# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file by which runs of one machine share a budget: safe, and harmless where it fails."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client import limiter as budget_file
from ansible_collections.publica.la.plugins.module_utils.client.limiter import (
    BudgetFile,
    BudgetFileError,
)

STORE, TOKEN = "https://example.publica.la", "canary-token-0123456789abcdef"
STATE = {"limit": 100, "lowest": 7}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "budgets"


def budget(directory: Path | None = None, store: str = STORE, token: str = TOKEN) -> BudgetFile:
    return BudgetFile(store, token, None if directory is None else str(directory))


def the_file(directory: Path) -> Path:
    (file,) = directory.iterdir()
    return file


def keep_locked(directory: Path, holds: Any) -> None:
    with budget(directory).locked():
        holds.set()
        time.sleep(60)


class TestSharing:
    def test_what_one_writes_another_reads(self, directory: Path) -> None:
        one, other = budget(directory), budget(directory)
        assert other.read() is None
        one.write(STATE)
        assert other.read() == STATE

    def test_a_shorter_state_leaves_nothing_of_a_longer_one(self, directory: Path) -> None:
        one = budget(directory)
        one.write({"text": "x" * 500})
        one.write(STATE)
        assert budget(directory).read() == STATE

    @pytest.mark.parametrize(
        "other",
        [{"store": "https://other.publica.la"}, {"token": "another-token-0123456789abcdef"}],
        ids=str,
    )
    def test_another_store_or_token_has_another_file(
        self, directory: Path, other: dict[str, str]
    ) -> None:
        budget(directory).write(STATE)
        assert budget(directory, **other).read() is None

    def test_two_cannot_hold_it_at_once(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(budget_file, "LOCK_TIMEOUT", 0.01)
        one, other = budget(directory), budget(directory)
        with one.locked(), pytest.raises(BudgetFileError, match="locked"), other.locked():
            pass
        with other.locked():
            pass

    def test_the_lock_of_a_process_that_was_killed_is_gone(self, directory: Path) -> None:
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


class TestContent:
    def test_the_name_tells_neither_store_nor_token(self, directory: Path) -> None:
        budget(directory)
        name = the_file(directory).name
        assert "publica" not in name
        assert TOKEN not in name

    @pytest.mark.parametrize(
        "torn", ["", "{", "null", "[]", '{"window": {}}', '{"clocks_apart": "x", "window": {}}'],
        ids=str,
    )  # fmt: skip
    def test_what_is_not_whole_is_not_read(self, directory: Path, torn: str) -> None:
        made = budget(directory)
        made.write(STATE)
        the_file(directory).write_text(torn)
        assert made.read() is None

    def test_times_of_another_clock_are_not_read(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = budget(directory)
        made.write(STATE)
        # As after a restart of the machine.
        monotonic = time.monotonic
        monkeypatch.setattr(budget_file.time, "monotonic", lambda: monotonic() + 1000)
        assert made.read() is None


class TestSafety:
    @pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
    def test_nobody_else_can_read_it(self, umask: int) -> None:
        before = os.umask(umask)
        try:
            budget().write(STATE)
        finally:
            os.umask(before)
        own = Path(os.path.join(budget_file.tempfile.gettempdir(), f"publica.la-{os.geteuid()}"))
        assert stat.S_IMODE(own.stat().st_mode) == 0o700
        assert stat.S_IMODE(the_file(own).stat().st_mode) == 0o600

    def test_no_link_in_its_place_is_followed(self, directory: Path, tmp_path: Path) -> None:
        budget(directory)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("precious")
        file = the_file(directory)
        file.unlink()
        file.symlink_to(elsewhere)
        with pytest.raises(BudgetFileError):
            budget(directory)
        assert elsewhere.read_text() == "precious"

    def test_no_link_that_comes_and_goes_is_written_through(
        self, directory: Path, tmp_path: Path
    ) -> None:
        budget(directory)
        file = the_file(directory)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("precious")
        over = threading.Event()

        def put_links() -> None:
            trap = tmp_path / "trap"
            while not over.is_set():
                trap.symlink_to(elsewhere)
                trap.replace(file)
                file.unlink()

        attacker = threading.Thread(target=put_links)
        attacker.start()
        try:
            for _round in range(500):
                with contextlib.suppress(BudgetFileError):
                    budget(directory).write(STATE)
                assert elsewhere.read_text() == "precious"
        finally:
            over.set()
            attacker.join()

    def test_no_second_name_of_another_file_is_written_to(
        self, directory: Path, tmp_path: Path
    ) -> None:
        budget(directory)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("precious")
        elsewhere.chmod(0o600)
        file = the_file(directory)
        file.unlink()
        os.link(elsewhere, file)
        with pytest.raises(BudgetFileError, match="own"):
            budget(directory)
        assert elsewhere.read_text() == "precious"

    def test_a_pipe_in_its_place_blocks_nobody(self, directory: Path) -> None:
        budget(directory)
        file = the_file(directory)
        file.unlink()
        os.mkfifo(file, 0o600)
        with pytest.raises(BudgetFileError, match="own"):
            budget(directory)

    def test_a_file_that_others_may_read_is_not_used(self, directory: Path) -> None:
        budget(directory)
        the_file(directory).chmod(0o644)
        with pytest.raises(BudgetFileError, match="read"):
            budget(directory)

    def test_a_folder_that_is_a_link_is_not_used(self, directory: Path, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        directory.symlink_to(tmp_path / "real")
        with pytest.raises(BudgetFileError):
            budget(directory)
        assert list((tmp_path / "real").iterdir()) == []

    @pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777], ids=oct)
    def test_an_own_folder_that_others_may_write_to_is_not_used(self, mode: int) -> None:
        own = Path(budget_file.tempfile.gettempdir(), f"publica.la-{os.geteuid()}")
        own.mkdir()
        own.chmod(mode)
        with pytest.raises(BudgetFileError, match="write"):
            budget()

    def test_somebody_elses_folder_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        someone = os.geteuid() + 1
        Path(budget_file.tempfile.gettempdir(), f"publica.la-{someone}").mkdir(mode=0o700)
        monkeypatch.setattr(budget_file.os, "geteuid", lambda: someone)
        with pytest.raises(BudgetFileError, match="somebody else"):
            budget()

    def test_where_no_folder_can_be_the_error_says_why(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(BudgetFileError, match="Not a directory"):
            budget(tmp_path / "file")
