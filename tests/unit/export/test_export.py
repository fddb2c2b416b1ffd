# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of an export: whole, their owner's alone, never through a link, never somebody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.export.export import export
from ansible_collections.publica.la.plugins.module_utils.export.files import Folder
from ansible_collections.publica.la.plugins.module_utils.transport.errors import PublicaError
from ansible_collections.publica.la.tests.unit.support.builders import TOKEN, api_on
from ansible_collections.publica.la.tests.unit.support.reading import FULL, Reading
from ansible_collections.publica.la.tests.unit.support.records import StoredUser
from ansible_collections.publica.la.tests.unit.support.store import FakeStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one; the shared rate limit has its own beside it."""
    path = tmp_path / "exports"
    path.mkdir()
    return path


def a_store(**reading: Any) -> FakeStore:
    return FakeStore(
        StoredUser(1, "ana@example.org", "A", admin=True),
        StoredUser(2, "ben@example.org", "B", deactivated=True),
        reading=Reading(**reading),
    )


def exported(store: FakeStore, folder: Path, *, check: bool = False, **params: Any) -> Any:
    options: Mapping[str, Any] = {
        "api_token": TOKEN,
        "dir": str(folder),
        "name": "press",
        "formats": ["yaml", "csv"],
        "status": "all",
        "delimiter": "comma",
        "on_incomplete": "fail",
        **params,
    }
    return export(api_on(store, read_only=check), options)


def refused(store: FakeStore, folder: Path, **params: Any) -> PublicaError:
    with pytest.raises(PublicaError) as told:
        exported(store, folder, **params)
    assert store.calls == [], "the store was asked before the paths were checked"
    return told.value


def test_the_files_are_their_owners_alone_and_a_second_export_changes_nothing(
    folder: Path,
) -> None:
    umask = os.umask(0o027)
    try:
        first = exported(a_store(), folder / "new" / "folder")
        again = exported(a_store(), folder / "new" / "folder")
    finally:
        os.umask(umask)
    folder = folder / "new" / "folder"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["press.csv", "press.yml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert first["changed"] is True
    assert [file["changed"] for file in first["files"]] == [True, True]
    assert again["changed"] is False
    assert again["diff"] == []
    assert first["summary"] == {"exported": 2, "active": 1, "deactivated": 1, "admins": 1}


def test_permissions_that_are_too_wide_are_mended(folder: Path) -> None:
    exported(a_store(), folder)
    (folder / "press.csv").chmod(0o644)
    result = exported(a_store(), folder)
    assert [file["changed"] for file in result["files"]] == [False, True]
    assert stat.S_IMODE((folder / "press.csv").stat().st_mode) == 0o600


def test_check_mode_compares_and_writes_nothing(folder: Path) -> None:
    result = exported(a_store(), folder / "new", check=True)
    assert result["changed"] is True
    assert list(folder.iterdir()) == []
    [diff] = result["diff"]
    assert diff["before"] == {}
    assert "  - email: ana@example.org" in diff["after"]["press.yml"]


def test_a_long_text_is_not_compared_line_by_line(folder: Path) -> None:
    store = FakeStore(*(StoredUser(n, f"user{n}@example.org", f"E{n}") for n in range(1, 1001)))
    [diff] = exported(store, folder)["diff"]
    [line] = diff["after"]["press.yml"]
    assert "too long" in line


@pytest.mark.parametrize("name", ["press.yml", "press.csv"])
def test_a_link_is_neither_followed_nor_replaced(folder: Path, name: str) -> None:
    (folder / "target").write_text("precious", encoding="utf-8")
    (folder / name).symlink_to(folder / "target")
    error = refused(a_store(), folder)
    assert error.code == "not_written"
    assert f"{folder / name} is a link" in error.message
    assert (folder / "target").read_text(encoding="utf-8") == "precious"
    assert (folder / name).is_symlink()


def test_a_link_that_appears_meanwhile_is_not_written_through(folder: Path) -> None:
    (folder / "target").write_text("precious", encoding="utf-8")
    with Folder(str(folder), read_only=False) as opened:
        (folder / "press.yml").symlink_to(folder / "target")
        opened.write("press.yml", b"new")
    assert (folder / "target").read_text(encoding="utf-8") == "precious"
    assert (folder / "press.yml").read_bytes() == b"new"
    assert not (folder / "press.yml").is_symlink()


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "press.yml")
    assert "no regular file" in refused(a_store(), folder).message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("press.yml", "publica_users_base_url: https://press.example.org\n"),
        ("press.csv", "email,external_id\nana@example.org,A\n"),
    ],
)
def test_what_somebody_has_written_is_left_alone(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    error = refused(a_store(), folder)
    assert error.code == "not_written"
    assert str(folder / name) in error.message
    assert "Move it" in error.message
    assert (folder / name).read_text(encoding="utf-8") == content


@pytest.mark.parametrize("name", ["", " ", "../press", ".hidden", "a/b", "a\0b", "a\nb"])
def test_a_name_that_is_none_of_a_file(folder: Path, name: str) -> None:
    error = refused(a_store(), folder, name=name, formats=[])
    assert error.code == "invalid_input"
    assert set(error.fields) == {"name", "formats"}


def test_a_folder_that_is_none(folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    assert "is no folder" in refused(a_store(), folder / "file").message
    assert "cannot be opened" in refused(a_store(), folder / "a\0b").message


def test_a_write_that_fails_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(a_store(), folder)
    before = (folder / "press.yml").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store = FakeStore(StoredUser(9, "zoe@example.org", "Z"))
    with pytest.raises(PublicaError, match="No space left on device"):
        exported(store, folder)
    assert (folder / "press.yml").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["press.csv", "press.yml"]


def test_one_format_and_the_active_alone(folder: Path) -> None:
    result = exported(a_store(), folder, formats=["csv"], status="active", delimiter="semicolon")
    assert [path.name for path in folder.iterdir()] == ["press.csv"]
    text = (folder / "press.csv").read_text(encoding="utf-8-sig")
    assert "ana@example.org;A;present" in text
    assert "ben@example.org" not in text
    assert result["summary"]["exported"] == 1
    assert list(result["diff"][0]["after"]) == ["press.csv"]


def test_a_list_that_does_not_come_in_whole_is_refused_or_told(folder: Path) -> None:
    store = FakeStore(
        *(StoredUser(n, f"user{n}@example.org", f"E{n}") for n in range(1, 8)),
        reading=Reading(ignores_page=True, page_size=5, paginator=FULL),
    )
    with pytest.raises(PublicaError) as told:
        exported(store, folder)
    assert told.value.code == "incomplete_listing"
    assert list(folder.iterdir()) == []

    result = exported(store, folder, on_incomplete="warn")

    assert result["whole"] is False
    assert "may be missing" in result["warnings"][0]
    assert "# The store's list of users did not come in whole" in (folder / "press.yml").read_text(
        encoding="utf-8"
    )


def test_external_ids_that_the_store_hides_are_told_once(folder: Path) -> None:
    result = exported(a_store(tells_external_id=False), folder)
    [warning] = result["warnings"]
    assert "does not return external ids" in warning
    assert result["notes"] == []
    text = (folder / "press.yml").read_text(encoding="utf-8")
    assert f"# {warning}" in text.splitlines()


def test_everybody_is_named_whom_a_note_concerns(folder: Path) -> None:
    store = FakeStore(*(StoredUser(n, f"user{n:02}@example.org") for n in range(1, 31)))
    result = exported(store, folder)
    [note] = result["notes"]
    assert note["users"] == [f"user{n:02}@example.org" for n in range(1, 31)]
    [warning] = result["warnings"]
    assert "and 20 more: has no external_id" in warning


def test_neither_link_nor_token_is_in_a_file(folder: Path) -> None:
    exported(a_store(), folder)
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "impersonate" not in text
        assert TOKEN not in text
        assert "store.example" not in text
