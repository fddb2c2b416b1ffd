# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file: always whole, readable by its owner alone, and never written through a link."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from ansible_collections.publica.la.plugins.module_utils.progress import StateFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


def test_the_last_text_stays_and_nothing_beside_it(path: Path) -> None:
    file = StateFile(str(path))
    assert file.write("first\n")
    assert file.write("second\n")
    file.close()
    assert not file.write("third\n")
    assert path.read_text() == "second\n"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert file.problem is None


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_only_its_owner_reads_it(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        StateFile(str(path)).write("text")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_neither_followed_nor_replaced(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("precious")
    path.symlink_to(target)
    file = StateFile(str(path))
    assert not file.write("text")
    assert file.problem
    assert target.read_text() == "precious"
    assert path.is_symlink()


def test_a_link_beside_it_is_not_written_through(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("precious")
    path.with_name(f".{path.name}.{os.getpid()}").symlink_to(target)
    assert StateFile(str(path)).write("text")
    assert target.read_text() == "precious"
    assert path.read_text() == "text"
    assert not path.is_symlink()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_left_alone(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    before = path.stat().st_mode
    assert not StateFile(str(path)).write("text")
    assert path.stat().st_mode == before


def test_a_folder_that_is_missing_does_no_harm(tmp_path: Path) -> None:
    file = StateFile(str(tmp_path / "nowhere" / "progress.json"))
    assert not file.write("text")
    file.close()
    assert file.problem == "No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_does_no_harm(path: Path) -> None:
    path.parent.chmod(0o500)
    file = StateFile(str(path))
    assert not file.write("text")
    assert file.problem == "Permission denied"


def test_a_folder_that_vanishes_is_not_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "folder"
    directory.mkdir()
    file = StateFile(str(directory / "progress.json"))
    assert file.write("text")
    (directory / "progress.json").unlink()
    directory.rmdir()
    # Whoever is at the path now is somebody else.
    directory.mkdir()
    assert not file.write("more")
    assert list(directory.iterdir()) == []
    # It worked once, so nothing is wrong with the path.
    assert file.problem is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_writes_belongs_to_the_folders_owner(path: Path) -> None:
    os.chown(path.parent, 12345, 12345)
    assert StateFile(str(path)).write("text")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)


def test_a_reader_never_sees_a_part(path: Path) -> None:
    texts = {letter * 5000 for letter in "abc"}
    file = StateFile(str(path))
    file.write("a" * 5000)
    over = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not over.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for _round in range(200):
        for text in texts:
            assert file.write(text)
    over.set()
    reader.join()
    assert seen <= texts


def test_no_link_that_comes_and_goes_is_written_through(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("precious")
    over = threading.Event()

    def put_links() -> None:
        trap = path.with_name("trap")
        while not over.is_set():
            trap.symlink_to(target)
            trap.replace(path)

    attacker = threading.Thread(target=put_links)
    file = StateFile(str(path))
    attacker.start()
    try:
        for _round in range(500):
            file.write("text")
            assert target.read_text() == "precious"
    finally:
        over.set()
        attacker.join()
    path.unlink(missing_ok=True)
    assert file.write("last")
    assert path.read_text() == "last"
