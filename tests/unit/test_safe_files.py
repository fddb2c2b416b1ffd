# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are replaced atomically, with the given mode, and never reached through a link."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.publica.la.plugins.module_utils import safe_files
from ansible_collections.publica.la.plugins.module_utils.safe_files import (
    Directory,
    UnsafeFileError,
    UnsafePathError,
)
from ansible_collections.publica.la.tests.unit.support.files import (
    alternating_link,
    make_special,
    umask,
)

NAME = "file.json"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with Directory(str(tmp_path)) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.fixture
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file elsewhere, which must not change."""
    file = tmp_path_factory.mktemp("elsewhere") / "target"
    file.write_text("precious")
    file.chmod(0o600)
    return file


class TestDirectory:
    def test_missing_directory_is_not_created_by_default(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            Directory(str(tmp_path / "new"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("mask", [0o000, 0o022], ids=oct)
    def test_created_directory_has_the_mode(self, tmp_path: Path, mask: int) -> None:
        with umask(mask):
            Directory(str(tmp_path / "new"), create_mode=0o700).close()
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700

    @pytest.mark.parametrize("parents", [False, True])
    def test_missing_parents_are_created_only_on_request(
        self, tmp_path: Path, parents: bool
    ) -> None:
        path = tmp_path / "parent" / "new"
        with suppress(FileNotFoundError):
            Directory(str(path), create_mode=0o700, parents=parents).close()
        assert path.is_dir() is parents

    @pytest.mark.parametrize("parents", [False, True])
    def test_existing_directory_keeps_its_mode(self, tmp_path: Path, parents: bool) -> None:
        tmp_path.chmod(0o755)
        Directory(str(tmp_path), create_mode=0o700, parents=parents).close()
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

    @pytest.mark.parametrize("parents", [False, True])
    def test_file_is_not_a_directory(self, path: Path, parents: bool) -> None:
        path.touch()
        with pytest.raises((NotADirectoryError, FileExistsError)):
            Directory(str(path), create_mode=0o700, parents=parents)

    def test_dangling_link_is_not_a_missing_directory(self, path: Path) -> None:
        path.symlink_to("nowhere")
        with pytest.raises(FileExistsError):
            Directory(str(path), create_mode=0o700, parents=True)

    @pytest.mark.parametrize("follow_link", [False, True])
    def test_link_to_a_directory(self, tmp_path: Path, follow_link: bool) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        followed = False
        with suppress(OSError):
            Directory(str(tmp_path / "link"), follow_link=follow_link).close()
            followed = True
        assert followed is follow_link

    @pytest.mark.parametrize(
        ("mode", "private"), [(0o700, True), (0o755, True), (0o770, False), (0o702, False)], ids=str
    )
    def test_private_directory(self, tmp_path: Path, mode: int, private: bool) -> None:
        tmp_path.chmod(mode)
        with Directory(str(tmp_path)) as opened:
            assert opened.is_private is private

    def test_directory_that_replaces_it_is_not_used(self, tmp_path: Path) -> None:
        place = tmp_path / "place"
        with Directory(str(place), create_mode=0o700) as opened:
            place.rmdir()
            place.mkdir()
            with pytest.raises(FileNotFoundError):
                opened.replace(NAME, b"content")
        assert list(place.iterdir()) == []

    def test_lock_is_exclusive(self, directory: Directory, tmp_path: Path) -> None:
        other = os.open(tmp_path, os.O_RDONLY)
        try:
            with directory.locked(), pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(other)

    def test_lock_is_not_waited_for_without_end(
        self, directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert safe_files.LOCK_SECONDS == 30.0
        monkeypatch.setattr(safe_files, "LOCK_SECONDS", 0.2)
        with Directory(str(tmp_path)) as other:
            too_long = pytest.raises(TimeoutError, match="another process holds")
            with other.locked(), too_long, directory.locked():
                raise AssertionError
            monkeypatch.setattr(safe_files, "LOCK_SECONDS", 30.0)
            with other.locked():
                threading.Timer(0.2, fcntl.flock, (other._fd, fcntl.LOCK_UN)).start()
                with directory.locked():
                    pass

    def test_close_twice(self, tmp_path: Path) -> None:
        opened = Directory(str(tmp_path))
        opened.close()
        opened.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            opened.replace(NAME, b"content")


class TestWay:
    """Where root runs, no part of a path leads where another user wants."""

    @pytest.fixture(autouse=True)
    def root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)

    def opened(self, path: Path, *, create: bool = True) -> None:
        mode = 0o700 if create else None
        Directory(str(path), create_mode=mode, parents=True, check_way=True).close()

    @pytest.mark.parametrize("create", [False, True])
    @pytest.mark.parametrize("part", ["", "inner", "inner/last"])
    def test_part_that_any_user_can_change(self, tmp_path: Path, part: str, create: bool) -> None:
        path = tmp_path / "inner" / "last"
        path.mkdir(parents=True)
        (tmp_path / part).chmod(0o777)
        with pytest.raises(UnsafePathError, match=f"^.*{tmp_path / part} can be .*chmod o-w"):
            self.opened(path, create=create)
        # As in /tmp, other users cannot replace a part.
        (tmp_path / part).chmod(0o1777)
        self.opened(path, create=create)
        # A group is chosen by the administrator.
        (tmp_path / part).chmod(0o770)
        self.opened(path, create=create)

    def test_it_is_checked_only_where_root_runs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        tmp_path.chmod(0o777)
        self.opened(tmp_path / "new")
        assert (tmp_path / "new").is_dir()

    @pytest.mark.parametrize("mask", [0o000, 0o022], ids=oct)
    def test_missing_parts_are_created(self, tmp_path: Path, mask: int) -> None:
        with umask(mask):
            with pytest.raises(FileNotFoundError):
                self.opened(tmp_path / "new" / "last", create=False)
            assert list(tmp_path.iterdir()) == []
            for _time in range(2):
                self.opened(tmp_path / "new" / "last")
        assert stat.S_IMODE((tmp_path / "new" / "last").stat().st_mode) == 0o700
        assert not stat.S_IMODE((tmp_path / "new").stat().st_mode) & 0o002

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can change the owner")
    @pytest.mark.parametrize("target", ["real", "./../{name}/real", "{parent}/{name}/real"])
    @pytest.mark.parametrize("rest", ["", "inner"])
    def test_link(self, tmp_path: Path, target: str, rest: str) -> None:
        link, real = tmp_path / "link", tmp_path / "real"
        real.mkdir()
        link.symlink_to(target.format(parent=tmp_path.parent, name=tmp_path.name))
        with Directory(str(link / rest), create_mode=0o700, parents=True, check_way=True) as opened:
            opened.replace(NAME, b"content")
        assert (real / rest / NAME).read_bytes() == b"content"
        os.chown(link, 12345, 12345, follow_symlinks=False)
        with pytest.raises(UnsafePathError, match=f"{link} is a link of another user"):
            self.opened(link / rest)
        link.unlink()
        link.symlink_to(real / "nowhere")
        with pytest.raises(FileExistsError):
            self.opened(link / rest)
        assert [path.name for path in real.iterdir()] == [rest or NAME]

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can change the owner")
    def test_links_in_a_cycle(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("link")
        with pytest.raises(OSError, match="symbolic links"):
            self.opened(tmp_path / "link")

    def test_anything_but_a_directory(self, path: Path) -> None:
        path.touch()
        for one in (path, path / "inner"):
            with pytest.raises(NotADirectoryError):
                self.opened(one)


class TestRead:
    def test_content(self, directory: Directory, path: Path) -> None:
        path.write_bytes(b"content")
        assert directory.read(NAME) == b"content"
        assert directory.read(NAME, max_bytes=7) == b"content"

    def test_missing_file(self, directory: Directory) -> None:
        assert directory.read(NAME) is None
        assert directory.status(NAME) is None

    def test_too_large_a_file(self, directory: Directory, path: Path) -> None:
        path.write_bytes(b"content")
        with pytest.raises(UnsafeFileError, match="6 bytes"):
            directory.read(NAME, max_bytes=6)
        assert directory.read(NAME, max_bytes=6, beginning=True) == b"content"[:6]

    @pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
    def test_anything_but_a_regular_file(
        self, directory: Directory, path: Path, target: Path, kind: str
    ) -> None:
        make_special(path, kind, target)
        reason = "is a link" if kind == "link" else "not a regular file"
        with pytest.raises(UnsafeFileError, match=reason):
            directory.read(NAME)
        with pytest.raises(UnsafeFileError, match=reason):
            directory.status(NAME)


class TestReplace:
    @pytest.mark.parametrize("sync", [False, True])
    def test_only_the_last_content_remains(
        self, directory: Directory, path: Path, sync: bool
    ) -> None:
        directory.replace(NAME, b"first and longer", sync=sync)
        directory.replace(NAME, b"second", sync=sync)
        assert path.read_bytes() == b"second"
        assert [entry.name for entry in path.parent.iterdir()] == [NAME]

    @pytest.mark.parametrize("mask", [0o000, 0o077], ids=oct)
    @pytest.mark.parametrize("mode", [0o600, 0o644], ids=oct)
    def test_mode_is_independent_of_the_umask(
        self, directory: Directory, path: Path, mode: int, mask: int
    ) -> None:
        with umask(mask):
            directory.replace(NAME, b"content", mode=mode)
        assert stat.S_IMODE(path.stat().st_mode) == mode

    def test_default_mode_is_owner_only(self, directory: Directory, path: Path) -> None:
        directory.replace(NAME, b"content")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("place", [NAME, f".{NAME}.{os.getpid()}"], ids=["file", "temporary"])
    def test_link_is_replaced_and_not_followed(
        self, directory: Directory, path: Path, target: Path, place: str
    ) -> None:
        path.with_name(place).symlink_to(target)
        directory.replace(NAME, b"content")
        assert target.read_text() == "precious"
        assert path.read_bytes() == b"content"
        assert not path.is_symlink()

    def test_alternating_link_is_not_followed(
        self, directory: Directory, path: Path, target: Path
    ) -> None:
        with alternating_link(path, target):
            for _round in range(500):
                directory.replace(NAME, b"content")
                assert target.read_text() == "precious"
        directory.replace(NAME, b"last")
        assert path.read_bytes() == b"last"

    def test_reader_never_sees_a_part(self, directory: Directory, path: Path) -> None:
        contents = {letter * 5000 for letter in "abc"}
        directory.replace(NAME, b"a" * 5000)
        stopped = threading.Event()
        seen: set[str] = set()

        def read() -> None:
            while not stopped.is_set():
                seen.add(path.read_text())

        reader = threading.Thread(target=read)
        reader.start()
        for _round in range(200):
            for content in contents:
                directory.replace(NAME, content.encode())
        stopped.set()
        reader.join()
        assert seen <= contents

    def test_failure_leaves_the_old_file_and_nothing_else(
        self, directory: Directory, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path.write_text("old")

        def fail(_fd: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left on device"):
            directory.replace(NAME, b"new", sync=True)
        assert path.read_text() == "old"
        assert [entry.name for entry in path.parent.iterdir()] == [NAME]

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner")
    @pytest.mark.parametrize("as_owner", [False, True])
    def test_owner_of_a_file_that_root_writes(
        self, directory: Directory, path: Path, as_owner: bool
    ) -> None:
        os.chown(path.parent, 12345, 12345)
        directory.replace(NAME, b"content", as_owner=as_owner)
        owner = 12345 if as_owner else 0
        assert (path.stat().st_uid, path.stat().st_gid) == (owner, owner)
