# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file itself: whether it can be read, and the meaning of its columns."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import (
    InvalidInputError,
    ValidationError,
)
from ansible_collections.publica.la.plugins.module_utils.input import columns as columns_module
from ansible_collections.publica.la.plugins.module_utils.input import files
from ansible_collections.publica.la.plugins.module_utils.input.columns import (
    LARGEST_FILE,
    LONGEST_RECORD,
    Columns,
    TextLines,
)
from ansible_collections.publica.la.plugins.module_utils.input.files import (
    READERS,
    task_entries,
    users_of_task,
)
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    BadSourceError,
    Row,
    users_of_entries,
)
from ansible_collections.publica.la.tests.unit.support.sources import SourceDirectory
from ansible_collections.publica.la.tests.unit.support.work import loads

ANA = DesiredUser(email="ana@example.org", external_id="A")
ANA_CSV = "email,external_id\nana@example.org,A\n"


# Composing them takes a minute.
ACCENTS = "\u0301" * 90_000 + "\u0316" * 90_000


class Endless(io.RawIOBase):
    """A file with a line that never ends."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self.given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, _whence: int = 0) -> int:
        self.given = offset
        return offset

    def tell(self) -> int:
        return self.given

    def readinto(self, buffer: Any) -> int:
        wanted = self._beginning[self.given :] + b"a" * len(buffer)
        buffer[:] = wanted[: len(buffer)]
        self.given += len(buffer)
        return len(buffer)

    def read1(self, size: int) -> bytes:
        return self.read(size) or b""


def error_of(path: Path | str) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as error:
        users_of_task(None, str(path), None, None)
    return error.value


class TestFiles:
    def test_list_comes_first(self, directory: SourceDirectory) -> None:
        users = directory.users("seats.csv", ANA_CSV, users=[{"id": 3}], defaults={"admin": True})
        assert [user.label for user in users] == ["id 3", "ana@example.org"]
        assert [user.admin for user in users] == [True, True]

    def test_errors_of_the_task_come_first(self, directory: SourceDirectory) -> None:
        path = str(directory.write("seats.csv", "id\n0\n"))
        with pytest.raises(InvalidInputError) as error:
            users_of_task([{"id": 0}], path, None, None, [ValidationError("", "timeout", "bad")])
        assert list(error.value.fields) == ["timeout", "users[0].id", "seats.csv:2.id"]

    def test_a_null_list_is_an_error(self) -> None:
        # The action leaves such a list out, unless the lists are given as a JSON text.
        with pytest.raises(InvalidInputError) as error:
            users_of_task([{"id": 1}], None, None, None, user_lists={"staff": None})
        assert error.value.fields == {"user_lists.staff": ["must be a list of users, not null"]}

    def test_file_that_does_not_exist(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        error = error_of("seats.csv")
        assert list(error.fields) == ["src"]
        assert f" in {tmp_path / 'seats.csv'}. " in error.message
        assert "begin the path with inventory_dir" in error.message
        (tmp_path / "seats.csv").write_text(ANA_CSV)
        assert users_of_task(None, "seats.csv", None, None) == [ANA]

    @pytest.mark.parametrize(
        ("make", "kind"), [(os.mkdir, "a directory"), (os.mkfifo, "a device or a pipe")]
    )
    def test_only_a_regular_file_is_opened(self, tmp_path: Path, make: Any, kind: str) -> None:
        make(tmp_path / "seats.csv")
        error = error_of(tmp_path / "seats.csv")
        assert error.fields == {"src": [f"is {kind}; give the path of a file"]}

    def test_link_to_a_file_is_read(self, directory: SourceDirectory) -> None:
        link = directory.path / "seats.csv"
        link.symlink_to(directory.write("seats-2031.csv", ANA_CSV))
        assert users_of_task(None, str(link), None, None) == [ANA]

    def test_file_without_permission(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Not by its permissions, which do not apply to root.
        def refuse(*_given: Any, **_options: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(files, "open", refuse, raising=False)
        error = directory.error("seats.csv", ANA_CSV)
        assert list(error.fields) == ["src"]
        assert "permissions" in error.message

    def test_failure_while_reading_keeps_the_earlier_errors(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(lines: TextLines, _columns: Columns) -> Iterator[Any]:
            yield ValidationError(lines.name, "", "is odd")
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(files, "READERS", {".csv": failing})
        error = directory.error("seats.csv", "email\n")
        assert error.fields == {
            "seats.csv": ["is odd"],
            "src": ["cannot be read: Input/output error"],
        }

    @pytest.mark.parametrize("name", ["seats.txt", "seats", "seats.csv.gz", "csv", "."])
    def test_unknown_kind_of_file(self, tmp_path: Path, name: str) -> None:
        error = error_of(tmp_path / name)
        assert list(error.fields) == ["src"]
        assert all(kind in error.message for kind in (*READERS, ".xlsx"))

    @pytest.mark.parametrize("path", ["", "/srv/a\0b.csv", "/srv/a\ud800b.csv"])
    def test_impossible_path(self, path: str) -> None:
        assert list(error_of(path).fields) == ["src"]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            *(("seats.csv", text) for text in ("", "\n\n", "\ufeff", "sep=;\n")),
            *(("seats.csv", f"email,external_id\n{rows}") for rows in ("", ",\n\n")),
            *(("seats.json", text) for text in ("", " \n", "[]", '{"users": []}')),
            ("seats.jsonl", "\n \n"),
            *(("seats.yml", text) for text in ("", "---\n", "# none\n", "[]\n", "users: []\n")),
        ],
    )
    def test_file_without_users_is_refused(
        self, directory: SourceDirectory, name: str, content: str
    ) -> None:
        error = directory.error(name, content)
        assert list(error.fields) == [name]
        assert "leave src out" in error.message

    @pytest.mark.parametrize("name", ["seats.csv", "seats.json", "seats.jsonl", "seats.yml"])
    def test_encrypted_file_is_refused(self, directory: SourceDirectory, name: str) -> None:
        error = directory.error(name, "$ANSIBLE_VAULT;1.1;AES256\n3130\n")
        assert list(error.fields) == [name]
        assert "encrypted by Ansible Vault" in error.message

    def test_rows_are_validated_while_they_are_read(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # If the raw rows were collected first, both would be read before the first validation.
        steps: list[str] = []

        class Values(dict[str, Any]):
            def items(self) -> Any:
                if (step := f"validated {self['id']}") != steps[-1]:
                    steps.append(step)
                return super().items()

        def reader(_lines: TextLines, columns: Columns) -> Iterator[Any]:
            for number in (1, 2):
                steps.append(f"read {number}")
                [row] = columns.renamed(f"row {number}", {"id": number})
                assert isinstance(row, Row)
                yield row._replace(values=Values(row.values))

        monkeypatch.setattr(files, "READERS", {".csv": reader})
        path = directory.write("seats.csv", "email\n")
        users_of_entries(task_entries(None, str(path), None))
        assert steps == ["read 1", "validated 1", "read 2", "validated 2"]

    @pytest.mark.parametrize(
        ("name", "header", "row"),
        [("seats.csv", b"id\n", b"%d\n"), ("seats.jsonl", b"", b'{"id": %d}\n')],
    )
    def test_file_is_read_only_as_far_as_needed(self, name: str, header: bytes, row: bytes) -> None:
        content = io.BytesIO(header + b"".join(row % number for number in range(1, 50_001)))
        rows = READERS[Path(name).suffix](TextLines(content, name), Columns({}, {}))
        first = next(rows)
        assert isinstance(first, Row)
        assert first.place == f"{name}:{1 + bool(header)}"
        assert content.tell() < len(content.getvalue()) / 10
        assert sum(1 for _ in rows) == 49_999

    @pytest.mark.parametrize("name", ["seats.csv", "seats.json", "seats.jsonl", "seats.yml"])
    def test_large_file_is_refused_before_it_is_read(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        path = directory.write(name, "")
        os.truncate(path, LARGEST_FILE + 1)
        monkeypatch.delattr(files, "TextLines")
        error = error_of(path)
        assert error.fields.keys() == {name}
        assert "larger than 256 MB" in error.message

    @pytest.mark.parametrize(
        ("name", "beginning"),
        [("seats.csv", b""), ("seats.csv", b"email\n"), ("seats.csv", b'email,id\n"a"\n"a\n",'),
         ("seats.jsonl", b""), ("seats.jsonl", b'{"id": 1}\n{"email": "')],
    )  # fmt: skip
    def test_line_without_end_is_read_within_a_bound(self, name: str, beginning: bytes) -> None:
        content = Endless(beginning)
        rows = READERS[Path(name).suffix](TextLines(content, name), Columns({}, {}))  # type: ignore[arg-type]
        with pytest.raises(BadSourceError, match="is longer than 1,048,576 characters") as error:
            list(rows)
        assert error.value.error.place == f"{name}:{beginning.count(10) + 1}"
        assert content.given < 2 * LONGEST_RECORD

    @pytest.mark.parametrize("name", ["seats.json", "seats.yml"])
    def test_document_without_end_is_read_within_a_bound(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        # As a file that grows while it is read.
        monkeypatch.setattr(columns_module, "LARGEST_FILE", 3 << 20)
        content = Endless(b"- id: ")
        rows = READERS[Path(name).suffix](TextLines(content, name), Columns({}, {}))  # type: ignore[arg-type]
        with pytest.raises(BadSourceError, match="larger than 256 MB"):
            list(rows)
        assert content.given < 6 << 20

    def test_record_without_end_is_read_within_a_bound(self, directory: SourceDirectory) -> None:
        content = "email,id\n" + '"a\n",' * (LONGEST_RECORD // 4)
        [place] = directory.error("seats.csv", content).fields
        assert 200_000 < int(place.rpartition(":")[2]) < LONGEST_RECORD

    def test_bound_is_for_each_record(self, directory: SourceDirectory) -> None:
        blank = f"{' ' * 1000}\n" * (LONGEST_RECORD // 1000)
        for name, row in (("seats.csv", "1\n"), ("seats.jsonl", '{"id": 1}\n')):
            content = f"{blank}{'id' * (name == 'seats.csv')}\n{blank}{row}{blank}"
            assert [user.id for user in directory.users(name, content)] == [1]
        # A document can be one line.
        content = f'[{{"id": 1}},{" " * LONGEST_RECORD}{{"id": 2}}]'
        assert len(directory.users("seats.json", content)) == 2
        assert len(directory.users("seats.yml", content)) == 2

    @pytest.mark.parametrize("name", ["seats.json", "seats.yml", "seats.jsonl", "seats.csv"])
    def test_record_with_many_names_is_refused(self, directory: SourceDirectory, name: str) -> None:
        # Without the bound, each name is compared with all options.
        names = [f"emial{number}" for number in range(100_000)]
        content = "{" + ", ".join(f'"{one}": 1' for one in names) + "}\n"
        if name != "seats.jsonl":
            content = f"[{content}]"
        if name == "seats.csv":
            content = ",".join(names[:50_000]) + "\n"
        elif name == "seats.jsonl":
            content = content[: LONGEST_RECORD // 2].rpartition(",")[0] + "}\n"
        before = time.process_time()
        error = directory.error(name, content)
        assert "more than 1,000 columns or keys" in error.message
        assert time.process_time() - before < 10

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("seats.csv", "'a\" ," * 100_000 + "\n"),
            ("seats.csv", '"a" "b\'' * 100_000 + "\n"),
            ("seats.csv", f"email,a{ACCENTS}\n"),
            *(
                ("seats.jsonl", json.dumps(row, ensure_ascii=False))
                for row in (
                    {"id": 1, f"a{ACCENTS}": 1},
                    {"email": f"a{ACCENTS}@example.org"},
                    {"id": 1, "admin": ACCENTS},
                    {"external_id": f"#{ACCENTS}"},
                )
            ),
        ],
    )
    def test_time_does_not_grow_with_the_square(
        self, directory: SourceDirectory, name: str, content: str
    ) -> None:
        before = time.process_time()
        directory.error(name, content)
        assert time.process_time() - before < 10

    @pytest.mark.parametrize(
        ("library", "name", "content"),
        [("yaml", "seats.json", '[{"id": 1}]'), ("openpyxl", "seats.csv", "id\n1\n")],
    )
    def test_library_is_loaded_for_its_own_format_only(
        self, directory: SourceDirectory, library: str, name: str, content: str
    ) -> None:
        # Each takes longer to load than all other readers together.
        assert not loads(directory.write(name, content), library)


class TestColumns:
    CONTENT = "Mail;Matricula;Department\nana@example.org;A;Press\n"

    @pytest.mark.parametrize(
        ("name", "content", "columns"),
        [
            pytest.param("seats.csv", CONTENT, {"MAIL": "email", " matricula ": "external_id",
                                   "Department": None}, id="names of a personnel system"),
            # The ID of a personnel system is its own, and not the store's.
            pytest.param("seats.csv", "email,ID\nana@example.org,A\n", {"id": "external_id"},
                         id="a mapping has priority over the name"),
            pytest.param("seats.csv", "email,Matri\u0301cula\nana@example.org,A\n",
                         {"Matr\u00edcula": "external_id"}, id="both forms of an accent"),
            pytest.param("seats.json",
                         '[{"Mail": "ana@example.org", "matricula": "A", "Dept.": {"name": "x"}}]',
                         {"mail": "email", "Matricula": "external_id", "dept.": None},
                         id="keys of a document"),
        ],
    )  # fmt: skip
    def test_names_are_mapped(
        self, directory: SourceDirectory, name: str, content: str, columns: dict[str, Any]
    ) -> None:
        assert directory.users(name, content, columns) == [ANA]

    def test_option_can_be_named_by_its_alias(self, directory: SourceDirectory) -> None:
        content = "email,Plan\nana@example.org,4\n"
        [user] = directory.users("seats.csv", content, {"Plan": "assign_new_plan"})
        assert user.plan_id == 4

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
            # A mapped column must exist, and one that is ignored need not.
            ({"Mail": "email", "Matrikel": "external_id", "Matricula": None, "Department": None,
              "Site": None}, ["Matrikel"]),
        ],
    )  # fmt: skip
    def test_invalid_mapping_is_refused(
        self, directory: SourceDirectory, columns: dict[str, Any], places: list[str]
    ) -> None:
        error = directory.error("seats.csv", self.CONTENT, columns)
        assert list(error.fields) == [f"src_columns.{place}" for place in places]

    def test_nearest_option_is_named(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.csv", self.CONTENT, {"Mail": "emial"})
        assert "is mapped to emial: unknown option; did you mean email?" in error.message

    def test_they_need_a_file(self) -> None:
        with pytest.raises(InvalidInputError, match=r"src_columns: .*; give src as well"):
            users_of_task([{"id": 1}], None, {"Mail": "email"}, None)
