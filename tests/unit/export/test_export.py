# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of an export: complete, for their owner only, not through links, no foreign files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import PublicaError
from ansible_collections.publica.la.plugins.module_utils.export.export import (
    NO_PLAN_NAMES,
    export,
    names_of_plans,
)
from ansible_collections.publica.la.plugins.module_utils.export.rows import NO_PLAN_NAME
from ansible_collections.publica.la.plugins.module_utils.input.files import users_of_task
from ansible_collections.publica.la.plugins.module_utils.store.plans import StorePlan
from ansible_collections.publica.la.tests.support.saved_workbook import SAVED_BY_LIBREOFFICE
from ansible_collections.publica.la.tests.unit.support.builders import TOKEN, api_on
from ansible_collections.publica.la.tests.unit.support.files import make_special, umask
from ansible_collections.publica.la.tests.unit.support.store import (
    FULL,
    FakeStore,
    Held,
    StoredUser,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An empty directory."""
    path = tmp_path / "exports"
    path.mkdir()
    return path


def two_users(**variants: Any) -> FakeStore:
    return FakeStore(
        StoredUser(1, "ana@example.org", "A", admin=True),
        StoredUser(2, "ben@example.org", "B", deactivated=True),
        **variants,
    )


def exported(store: FakeStore, directory: Path, *, check: bool = False, **params: Any) -> Any:
    options: Mapping[str, Any] = {
        "api_token": TOKEN,
        "dir": str(directory),
        "name": "press",
        "formats": ["yaml", "csv"],
        "status": "all",
        "plans": "ids",
        "delimiter": "comma",
        "on_incomplete": "fail",
        **params,
    }
    return export(api_on(store, read_only=check), options)


def refused(store: FakeStore, directory: Path, **params: Any) -> PublicaError:
    """The error of an export that fails before the first request."""
    with pytest.raises(PublicaError) as error:
        exported(store, directory, **params)
    assert store.calls == []
    return error.value


def test_the_files_are_for_their_owner_only_and_a_second_export_changes_nothing(
    directory: Path,
) -> None:
    with umask(0o027):
        first = exported(two_users(), directory / "new" / "inner")
        again = exported(two_users(), directory / "new" / "inner")
    directory = directory / "new" / "inner"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(path.name for path in directory.iterdir()) == ["press.csv", "press.yml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert first["changed"] is True
    assert [file["changed"] for file in first["files"]] == [True, True]
    assert again["changed"] is False
    assert again["diff"] == []
    assert first["summary"] == {"exported": 2, "active": 1, "deactivated": 1, "admins": 1}


def test_wrong_permissions_are_corrected(directory: Path) -> None:
    exported(two_users(), directory)
    (directory / "press.csv").chmod(0o644)
    result = exported(two_users(), directory)
    assert [file["changed"] for file in result["files"]] == [False, True]
    assert stat.S_IMODE((directory / "press.csv").stat().st_mode) == 0o600


def test_check_mode_compares_and_writes_nothing(directory: Path) -> None:
    result = exported(two_users(), directory / "new", check=True)
    assert result["changed"] is True
    assert list(directory.iterdir()) == []
    [diff] = result["diff"]
    assert diff["before"] == {}
    assert "  - email: ana@example.org" in diff["after"]["press.yml"]


def test_a_long_text_is_not_compared_line_by_line(directory: Path) -> None:
    store = FakeStore(*(StoredUser(n, f"user{n}@example.org", f"E{n}") for n in range(1, 1001)))
    [diff] = exported(store, directory)["diff"]
    [line] = diff["after"]["press.yml"]
    assert "too long" in line


@pytest.mark.parametrize("name", ["press.yml", "press.csv"])
@pytest.mark.parametrize(("kind", "reason"), [("link", "link"), ("pipe", ""), ("file", "move")])
def test_anything_but_an_export_is_left_alone(
    directory: Path, name: str, kind: str, reason: str
) -> None:
    path, target = directory / name, directory / "target"
    target.write_text("email,external_id\nana@example.org,A\n", encoding="utf-8")
    if kind == "file":
        path.write_bytes(target.read_bytes())
    else:
        make_special(path, kind, target)
    before = path.lstat()
    error = refused(two_users(), directory)
    assert error.code == "not_written"
    assert str(path) in error.message
    assert reason in error.message.lower()
    assert (path.lstat().st_ino, path.lstat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert target.read_text(encoding="utf-8") == "email,external_id\nana@example.org,A\n"


@pytest.mark.parametrize("name", ["", " ", "../press", ".hidden", "a/b", "a\0b", "a\nb"])
def test_invalid_names(directory: Path, name: str) -> None:
    error = refused(two_users(), directory, name=name, formats=[])
    assert error.code == "invalid_input"
    assert set(error.fields) == {"name", "formats"}


@pytest.mark.parametrize("name", ["file", "a\0b"])
def test_invalid_directories(directory: Path, name: str) -> None:
    (directory / "file").write_text("", encoding="utf-8")
    error = refused(two_users(), directory / name)
    assert error.code == "not_written"
    assert str(directory) in error.message


@pytest.mark.parametrize("check", [False, True])
def test_root_does_not_write_below_a_directory_of_all_users(
    directory: Path, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "inner").mkdir()
    directory.chmod(0o777)
    with pytest.raises(PublicaError) as error:
        exported(two_users(), directory / "inner", check=check)
    assert error.value.code == "not_written"
    assert f"{directory / 'inner'} is not used: {directory} can be changed by" in str(error.value)
    assert list((directory / "inner").iterdir()) == []


def test_a_failed_write_keeps_the_old_file(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(two_users(), directory)
    before = (directory / "press.yml").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store = FakeStore(StoredUser(9, "zoe@example.org", "Z"))
    with pytest.raises(PublicaError, match="No space left on device"):
        exported(store, directory)
    assert (directory / "press.yml").read_bytes() == before
    assert sorted(path.name for path in directory.iterdir()) == ["press.csv", "press.yml"]


def test_one_format_with_only_the_active_users(directory: Path) -> None:
    result = exported(
        two_users(), directory, formats=["csv"], status="active", delimiter="semicolon"
    )
    assert [path.name for path in directory.iterdir()] == ["press.csv"]
    text = (directory / "press.csv").read_text(encoding="utf-8-sig")
    assert "ana@example.org;A;present" in text
    assert "ben@example.org" not in text
    assert result["summary"]["exported"] == 1
    assert list(result["diff"][0]["after"]) == ["press.csv"]


def test_an_incomplete_list_is_an_error_or_a_warning(directory: Path) -> None:
    store = FakeStore(
        *(StoredUser(n, f"user{n}@example.org", f"E{n}") for n in range(1, 8)),
        ignores_page=True,
        page_size=5,
        paginator=FULL,
    )
    with pytest.raises(PublicaError) as error:
        exported(store, directory)
    assert error.value.code == "incomplete_listing"
    assert list(directory.iterdir()) == []
    result = exported(store, directory, on_incomplete="warn")
    assert result["whole"] is False
    [warning] = result["warnings"]
    assert f"# {warning}" in (directory / "press.yml").read_text(encoding="utf-8").splitlines()


def test_hidden_external_ids_are_one_warning(directory: Path) -> None:
    result = exported(two_users(returns_external_id=False), directory)
    [warning] = result["warnings"]
    assert "external ids" in warning
    assert result["notes"] == []
    text = (directory / "press.yml").read_text(encoding="utf-8")
    assert f"# {warning}" in text.splitlines()


def test_a_note_names_all_its_users(directory: Path) -> None:
    store = FakeStore(*(StoredUser(n, f"user{n:02}@example.org") for n in range(1, 31)))
    result = exported(store, directory)
    [note] = result["notes"]
    assert note["users"] == [f"user{n:02}@example.org" for n in range(1, 31)]
    [warning] = result["warnings"]
    assert "and 20 more: " in warning


def test_no_link_or_token_is_in_a_file(directory: Path) -> None:
    exported(two_users(), directory)
    for path in directory.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "impersonate" not in text
        assert TOKEN not in text
        assert "store.example" not in text


@pytest.mark.parametrize(
    "name",
    [None, "", " ", "GOLD", "two\nlines", "#REF!", "NULL", "=1+1", "a;@b",
     "__omit_place_holder__0a", "half \ud800"],
)  # fmt: skip
def test_a_name_that_is_not_unique_or_not_valid_in_a_file_is_not_used(name: str | None) -> None:
    plans = [StorePlan(1, name), StorePlan(2, " Gold"), StorePlan(3, "Library  card ")]
    expected = {3: "Library  card"} if name == "GOLD" else {2: "Gold", 3: "Library  card"}
    assert names_of_plans(plans) == expected


def plans_of_rows(directory: Path) -> list[str]:
    """The header of the table and the plans of its rows."""
    lines = (directory / "press.csv").read_text(encoding="utf-8-sig").splitlines()
    return [",".join(line.split(",")[4:-3]) for line in lines]


def test_rows_have_the_names_of_plans(directory: Path) -> None:
    store = two_users()
    store.users[1].plans = [Held(12, "2031-12-31", name="Another name of the assignment")]
    store.users[2].plans = [Held(13)]
    store.plans = [{"id": 12, "name": "Library card"}, {"id": 13, "name": "{{ staff }}"}]
    result = exported(store, directory, plans="names")
    assert (result["notes"], result["warnings"]) == ([], [])
    assert plans_of_rows(directory) == [
        "plan_name,plan_valid_to", "Library card,2031-12-31", "{{ staff }},"
    ]  # fmt: skip
    text = (directory / "press.yml").read_text(encoding="utf-8")
    assert '    plan_name: "Library card"\n    plan_valid_to: "2031-12-31"\n' in text
    assert '    plan_name: !unsafe "{{ staff }}"\n' in text
    assert "plan_id" not in text
    # The next export, with ids again, replaces these files.
    assert exported(store, directory)["changed"] is True
    assert plans_of_rows(directory)[:2] == ["plan_id,plan_valid_to", "12,2031-12-31"]


def test_a_plan_without_a_usable_name_keeps_its_id(directory: Path) -> None:
    store = two_users()
    store.users[1].plans = [Held(12)]
    store.users[2].plans = [Held(99)]
    store.plans = [{"id": 12, "name": "Library card"}]
    result = exported(store, directory, plans="names")
    assert plans_of_rows(directory) == [
        "plan_id,plan_name,plan_valid_to", ",Library card,", "99,,"
    ]  # fmt: skip
    text = f"the plan {NO_PLAN_NAME}"
    assert result["notes"] == [{"text": text, "users": ["ben@example.org"]}]
    comment = f"  # The plan {NO_PLAN_NAME}.\n  - email: ben@example.org"
    assert comment in (directory / "press.yml").read_text(encoding="utf-8")
    assert exported(store, directory, plans="names")["changed"] is False


def test_a_store_without_a_list_of_plans_keeps_all_ids(directory: Path) -> None:
    store = two_users()
    store.users[1].plans = [Held(12)]
    result = exported(store, directory, plans="names")
    assert result["warnings"] == [NO_PLAN_NAMES]
    assert result["notes"] == []
    assert plans_of_rows(directory) == ["plan_id,plan_valid_to", "12,", ","]
    assert f"# {NO_PLAN_NAMES}\n---" in (directory / "press.yml").read_text(encoding="utf-8")


class TestWorkbook:
    def test_a_second_export_changes_nothing_and_the_diff_shows_sizes(
        self, directory: Path
    ) -> None:
        formats = {"formats": ["xlsx", "csv"]}
        planned = exported(two_users(), directory, check=True, **formats)
        first = exported(two_users(), directory, **formats)
        assert planned["files"] == first["files"]
        path = directory / "press.xlsx"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        again = exported(two_users(), directory, **formats)
        assert (again["changed"], again["diff"]) == (False, [])
        third = exported(FakeStore(), directory, formats=["xlsx"])
        [diff] = third["diff"]
        assert re.fullmatch(r"\([0-9]+ bytes\)", diff["before"]["press.xlsx"][0])
        assert diff["after"] == {"press.xlsx": [f"({path.stat().st_size} bytes)"]}

    def test_an_id_like_a_formula_is_kept(self, directory: Path) -> None:
        store = FakeStore(StoredUser(1, "ana@example.org", "=1+1"))
        assert exported(store, directory, formats=["xlsx"])["warnings"] == []
        [user] = users_of_task(None, str(directory / "press.xlsx"), None, None)
        assert user.external_id == "=1+1"

    def test_another_workbook_is_left_alone(self, directory: Path) -> None:
        (directory / "press.xlsx").write_bytes(SAVED_BY_LIBREOFFICE.read_bytes())
        error = refused(two_users(), directory, formats=["xlsx"])
        assert "was not written by an export" in error.message

    def test_the_token_of_a_hostile_store_is_not_written(self, directory: Path) -> None:
        store = FakeStore(StoredUser(1, "ana@example.org", TOKEN))
        with pytest.raises(PublicaError, match="holds the api_token"):
            exported(store, directory, formats=["xlsx"])
        assert list(directory.iterdir()) == []
