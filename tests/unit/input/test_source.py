# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file as such: whether it can be read at all, and what its columns are said to mean."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input import files as source
from ansible_collections.publica.la.plugins.module_utils.input.columns import (
    Columns,
    TextLines,
    column_key,
)
from ansible_collections.publica.la.plugins.module_utils.input.files import (
    READERS,
    task_entries,
    users_of_task,
)
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    ValidationError,
    users_of_entries,
)
from ansible_collections.publica.la.tests.unit.support.sources import SourceFolder

ANA = DesiredUser(email="ana@example.org", external_id="A")
SECRET = "Zebra-Crossing-77"


def error_of(path: Path | str, columns: dict[str, Any] | None = None) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as told:
        users_of_task(None, str(path), columns, None)
    return told.value


class TestFiles:
    def test_the_list_comes_first(self, directory: SourceFolder) -> None:
        users = directory.users("seats.csv", "email,external_id\nana@example.org,A\n",
                             users=[{"id": 3}], defaults={"admin": True})  # fmt: skip
        assert [user.label for user in users] == ["id 3", "ana@example.org"]
        assert [user.admin for user in users] == [True, True]

    def test_one_that_is_not_there_is_told_with_the_remedy(self, tmp_path: Path) -> None:
        error = error_of(tmp_path / "seats.csv")
        assert list(error.fields) == ["src"]
        assert str(tmp_path / "seats.csv") in error.message
        assert "playbook_dir" in error.message

    def test_a_relative_path_is_told_in_full(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert str(tmp_path / "seats.csv") in error_of("seats.csv").message
        (tmp_path / "seats.csv").write_text("email,external_id\nana@example.org,A\n")
        assert users_of_task(None, "seats.csv", None, None) == [ANA]

    def test_a_folder_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "seats.csv").mkdir()
        assert "is a folder" in error_of(tmp_path / "seats.csv").message

    def test_a_pipe_is_none_and_nobody_waits_for_it(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "seats.csv")
        assert "is a device or a pipe" in error_of(tmp_path / "seats.csv").message

    def test_one_that_may_not_be_read_is_told(
        self, directory: SourceFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Not by its permissions, which do not count for root.
        def refuse(*_given: Any, **_options: Any) -> None:
            raise PermissionError(13, "Permission denied")

        path = directory.write("seats.csv", "email\nana@example.org\n")
        monkeypatch.setattr(source, "open", refuse, raising=False)
        error = error_of(path)
        assert list(error.fields) == ["src"]
        assert "permissions" in error.message

    def test_one_that_fails_in_the_middle_is_told(
        self, directory: SourceFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(lines: TextLines, _columns: Columns) -> Iterator[Any]:
            yield ValidationError("", lines.name, "is odd")
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(source, "READERS", {".csv": failing})
        error = directory.error("seats.csv", "email\n")
        assert error.fields == {
            "seats.csv": ["is odd"],
            "src": ["cannot be read: Input/output error"],
        }

    @pytest.mark.parametrize("name", ["seats.xlsx", "seats", "seats.csv.gz", "csv", "."])
    def test_another_kind_of_file_is_told_the_known_ones(self, tmp_path: Path, name: str) -> None:
        error = error_of(tmp_path / name)
        assert list(error.fields) == ["src"]
        assert all(kind in error.message for kind in READERS)

    def test_the_kind_is_told_by_the_name_in_any_case(self, directory: SourceFolder) -> None:
        content = "email,external_id\nana@example.org,A\n"
        assert directory.users("Seats.CSV", content) == [ANA]

    @pytest.mark.parametrize("path", ["/srv/a\0b.csv", "/srv/a\ud800b.csv"])
    def test_what_can_be_no_path_is_told(self, path: str) -> None:
        assert list(error_of(path).fields) == ["src"]

    def test_no_path_at_all_is_told(self) -> None:
        assert list(error_of("").fields) == ["src"]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("seats.csv", ""),
            ("seats.csv", "\n\n"),
            ("seats.csv", "\ufeff"),
            ("seats.csv", "sep=;\n"),
            ("seats.csv", "email,external_id\n"),
            ("seats.csv", "email,external_id\n,\n\n"),
            ("seats.json", ""),
            ("seats.json", " \n"),
            ("seats.json", "[]"),
            ("seats.json", '{"users": []}'),
            ("seats.jsonl", "\n \n"),
            ("seats.yml", ""),
            ("seats.yml", "---\n"),
            ("seats.yml", "# nobody\n"),
            ("seats.yml", "[]\n"),
            ("seats.yml", "users: []\n"),
        ],
    )
    def test_one_without_users_is_refused(
        self, directory: SourceFolder, name: str, content: str
    ) -> None:
        error = directory.error(name, content)
        assert list(error.fields) == [name]
        assert "most likely the export failed" in error.message

    @pytest.mark.parametrize("name", ["seats.csv", "seats.json", "seats.jsonl", "seats.yml"])
    def test_one_that_is_encrypted_is_told_as_such(
        self, directory: SourceFolder, name: str
    ) -> None:
        error = directory.error(name, "$ANSIBLE_VAULT;1.1;AES256\n3130\n")
        assert list(error.fields) == [name]
        assert "encrypted by Ansible Vault" in error.message

    def test_rows_are_validated_as_they_are_read(
        self, directory: SourceFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Were the raw rows collected first, the address would be read after the second row.
        happened: list[str] = []

        class Row(dict[str, Any]):
            def items(self) -> Any:
                happened.append(f"validated {self['id']}")
                return super().items()

        def reader(_lines: TextLines, columns: Columns) -> Iterator[Any]:
            for number in (1, 2):
                happened.append(f"read {number}")
                yield from (
                    row._replace(values=Row(row.values))
                    for row in columns.renamed(f"row {number}", {"id": number})
                )

        monkeypatch.setattr(source, "READERS", {".csv": reader})
        path = directory.write("seats.csv", "email\n")
        users_of_entries(task_entries(None, str(path), None))
        assert happened == ["read 1", "validated 1", "read 2", "validated 2"]


class TestColumns:
    CONTENT = "Mail;Matricula;Department\nana@example.org;A;Press\n"

    def test_names_of_a_personnel_system_are_mapped(self, directory: SourceFolder) -> None:
        columns = {"MAIL": "email", " matricula ": "external_id", "Department": None}
        assert directory.users("seats.csv", self.CONTENT, columns) == [ANA]

    def test_an_option_may_be_named_by_its_alias(self, directory: SourceFolder) -> None:
        content = "email,Plan\nana@example.org,4\n"
        [user] = directory.users("seats.csv", content, {"Plan": "assign_new_plan"})
        assert user.plan_id == 4

    def test_a_mapping_goes_before_the_name_itself(self, directory: SourceFolder) -> None:
        # A personnel system's ID is its own, and not the store's.
        content = "email,ID\nana@example.org,A\n"
        assert directory.users("seats.csv", content, {"id": "external_id"}) == [ANA]

    def test_letters_with_accents_are_the_same_in_both_forms(self, directory: SourceFolder) -> None:
        content = "email,Matri\u0301cula\nana@example.org,A\n"
        assert directory.users("seats.csv", content, {"Matr\u00edcula": "external_id"}) == [ANA]

    @pytest.mark.parametrize(
        ("columns", "places"),
        [
            ({"Mail": "emial"}, ["Mail"]),
            ({"Mail": 3}, ["Mail"]),
            ({"Mail": ["email"]}, ["Mail"]),
            ({"Mail": "email", "mail": "external_id"}, ["mail"]),
            ({"Mail": "email", "Other": "email"}, ["Other"]),
            ({"Plan": "plan_id", "Other": "assign_new_plan"}, ["Other"]),
            ({"Mail": "emial", "Other": "x"}, ["Mail", "Other"]),
        ],
    )
    def test_a_mapping_that_cannot_be_is_told(
        self, directory: SourceFolder, columns: dict[str, Any], places: list[str]
    ) -> None:
        error = directory.error("seats.csv", self.CONTENT, columns)
        assert list(error.fields) == [f"src_columns.{place}" for place in places]

    def test_the_nearest_option_is_named(self, directory: SourceFolder) -> None:
        error = directory.error("seats.csv", self.CONTENT, {"Mail": "emial"})
        assert 'is mapped to "emial"' in error.message
        assert "did you mean email?" in error.message

    def test_a_mapped_column_must_be_there(self, directory: SourceFolder) -> None:
        columns = {"Mail": "email", "Matrikel": "external_id", "Matricula": None,
                   "Department": None, "Site": None}  # fmt: skip
        error = directory.error("seats.csv", self.CONTENT, columns)
        assert list(error.fields) == ["src_columns.Matrikel"]

    def test_two_columns_for_one_option_are_told(self, directory: SourceFolder) -> None:
        error = directory.error("seats.csv", "email,Mail\n", {"Mail": "email"})
        assert error.fields == {
            "seats.csv:1.email": ["is meant by the columns email (1), Mail (2); keep one"]
        }

    def test_without_a_file_they_mean_nothing(self) -> None:
        with pytest.raises(InvalidInputError, match="give src as well"):
            users_of_task([{"id": 1}], None, {"Mail": "email"}, None)

    @pytest.mark.parametrize(
        ("written", "key"),
        [
            (" External ID ", "external_id"),
            ("external - id", "external_id"),
            ("EXTERNAL__ID", "external_id"),
            ("plan\u00a0id", "plan_id"),
            ("plan\nid", "plan_id"),
        ],
    )
    def test_names_are_compared_in_one_form(self, written: str, key: str) -> None:
        assert column_key(written) == key


def test_a_regular_file_is_what_a_link_points_to(directory: SourceFolder) -> None:
    target = directory.write("seats-2031.csv", "email,external_id\nana@example.org,A\n")
    link = directory.directory / "seats.csv"
    link.symlink_to(target)
    assert stat.S_ISLNK(os.lstat(link).st_mode)
    assert users_of_task(None, str(link), None, None) == [ANA]
