# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON documents and JSON lines, and what is wrong with some of them."""

from __future__ import annotations

import io
import json

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.columns import (
    TextLines,
    read_columns,
)
from ansible_collections.publica.la.plugins.module_utils.input.documents import json_lines_rows
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.tests.unit.support.sources import SourceFolder, rows_of
from hypothesis import given
from hypothesis import strategies as st

ANA = DesiredUser(email="ana@example.org", external_id="A")
BEN = DesiredUser(email="ben@example.org", external_id="7")
LIST = (
    '[{"email": "ana@example.org", "External ID": "A"}, '
    '{"email": "ben@example.org", "external_id": 7}]'
)
SECRET = "Zebra-Crossing-77"


class TestDocuments:
    @pytest.mark.parametrize(
        "content",
        [
            LIST,
            f'{{"users": {LIST}}}',
            f'{{"publica_users_desired": {LIST}}}',
            f'{{"publica_users_desired_library": {LIST}}}',
            f"\n\n  {LIST}\n",
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_a_list_is_read_alone_or_under_its_name(
        self, directory: SourceFolder, content: str, encoding: str
    ) -> None:
        assert directory.users("seats.json", content.encode(encoding)) == [ANA, BEN]

    @pytest.mark.parametrize(
        "content",
        [
            "{}",
            "3",
            "null",
            '"users"',
            f'{{"users": {LIST}, "defaults": {{}}}}',
            f'{{"users": {LIST}, "users": {LIST}}}',
            f'{{"readers": {LIST}}}',
            '{"users": {"email": "ana@example.org"}}',
        ],
    )
    def test_anything_else_is_no_list_of_users(self, directory: SourceFolder, content: str) -> None:
        error = directory.error("seats.json", content)
        assert list(error.fields) == ["seats.json"]
        assert "a mapping with one key alone" in error.message

    def test_a_user_is_named_by_index(self, directory: SourceFolder) -> None:
        error = directory.error("seats.json", '[{"email": "a@b.org"}, {"email": "x"}, [1], "x"]')
        assert set(error.fields) == {"seats.json[1].email", "seats.json[2]", "seats.json[3]"}

    def test_what_is_no_json_is_told_with_line_and_column(self, directory: SourceFolder) -> None:
        content = f'[\n  {{"email": "a@b.org",\n   "password": "{SECRET}" "x"}}\n]'
        error = directory.error("seats.json", content)
        assert list(error.fields) == ["seats.json:3:36"]
        assert SECRET not in error.message

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            pytest.param("[" * 100_000, "nested", id="depth"),
            pytest.param(f'["{SECRET}', "seats.json:1:2 is no valid JSON", id="cut short"),
            pytest.param(f'[{{"email": "{SECRET}\n"}}]', "1:30 is no valid JSON", id="line break"),
            pytest.param(f"[{SECRET}]", "seats.json:1:2 is no valid JSON", id="no quotes"),
            pytest.param('[{"id": 1},]', "is no valid JSON", id="trailing comma"),
            pytest.param('[{"email": "a@b.org", "external_id": "\\ud800"}]', "external_id holds",
                         id="half of a character"),
            pytest.param('[{"id": 1, "password": "\\ud800ssssssssss"}]', "half of a character",
                         id="half of a character in a password"),
        ],
    )  # fmt: skip
    def test_what_is_broken_is_told(self, directory: SourceFolder, content: str, says: str) -> None:
        error = directory.error("seats.json", content)
        assert says in error.message
        assert SECRET not in error.message

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
    @pytest.mark.parametrize("name", ["email", "external_id", "password", "id", "plan_id", "admin"])
    def test_what_is_no_number_is_no_value(
        self, directory: SourceFolder, number: str, name: str
    ) -> None:
        error = directory.error(
            "seats.json", f'[{{"id": 1}}, {{"{name}": {number}, "state": null}}]'
        )
        assert f"seats.json[1].{name}" in error.fields

    def test_a_key_that_is_given_twice_is_a_fault(self, directory: SourceFolder) -> None:
        content = f'[{{"email": "a@b.org", "password": "{SECRET}", "password": "x{SECRET}"}}]'
        error = directory.error("seats.json", content)
        assert list(error.fields) == ["seats.json[0].password"]
        assert "given twice" in error.message
        assert SECRET not in error.message

    def test_a_key_in_two_spellings_is_a_fault(self, directory: SourceFolder) -> None:
        content = '[{"email": "a@b.org", "E-Mail": "x", "Email": "c@d.org"}]'
        error = directory.error("seats.json", content, {"E-mail": None})
        assert error.fields == {"seats.json[0].email": ["is given twice, also as Email; keep one"]}

    def test_unknown_keys_are_told(self, directory: SourceFolder) -> None:
        error = directory.error(
            "seats.json", '[{"id": 1, "Cost Center": 5}, {"id": 2, "emial": 1}]'
        )
        assert set(error.fields) == {"seats.json[0].Cost Center", "seats.json[1].emial"}

    def test_columns_are_mapped(self, directory: SourceFolder) -> None:
        content = '[{"Mail": "ana@example.org", "matricula": "A", "Dept.": {"name": "x"}}]'
        columns = {"mail": "email", "Matricula": "external_id", "dept.": None}
        assert directory.users("seats.json", content, columns) == [ANA]

    def test_a_mapped_key_that_no_user_has_is_a_fault(self, directory: SourceFolder) -> None:
        content = '[{"Mail": "ana@example.org"}, {"Nr": 2}]'
        columns = {"Mail": "email", "Nr": "external_id", "Plna": "plan_id", "Dept": None}
        error = directory.error("seats.json", content, columns)
        assert list(error.fields) == ["src_columns.Plna"]


class TestLines:
    def test_each_line_is_a_user(self, directory: SourceFolder) -> None:
        content = '{"email": "ana@example.org", "external_id": "A"}\n\n \r\n{"External-ID": 7}'
        assert directory.users("seats.jsonl", content) == [ANA, DesiredUser(external_id="7")]

    def test_faults_of_all_lines_come_together(self, directory: SourceFolder) -> None:
        content = (
            f'{{"email": "a@b.org", "password": "{SECRET}\n'
            "\n"
            '{"email": "x"}\n'
            "[1]\n"
            '{"id": 1, "id": 2}\n'
            '{"id": 3}, \n'
        )
        error = directory.error("seats.jsonl", content)
        assert set(error.fields) == {
            "seats.jsonl:1:52",
            "seats.jsonl:3.email",
            "seats.jsonl:4",
            "seats.jsonl:5.id",
            "seats.jsonl:6:10",
        }
        assert SECRET not in str(error.as_failure())

    def test_a_byte_that_is_no_text_ends_the_reading(self, directory: SourceFolder) -> None:
        error = directory.error("seats.jsonl", b'{"id": 1}\n{"email": "\xff"}\n{"id": 0}\n')
        assert list(error.fields) == ["seats.jsonl:2"]

    def test_they_are_read_only_as_far_as_rows_are_asked_for(self) -> None:
        content = io.BytesIO(b"".join(b'{"id": %d}\n' % number for number in range(1, 50_001)))
        columns, _ = read_columns({})
        rows = json_lines_rows(TextLines(content, "seats.jsonl"), columns)

        next(rows)

        assert content.tell() < len(content.getvalue()) / 10
        assert sum(1 for _ in rows) == 49_999


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["email", "external_id", "plan_id", "password"]),
            st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
            | st.integers()
            | st.booleans()
            | st.none(),
        ),
        min_size=1,
    ),
    st.booleans(),
)
def test_what_the_standard_library_writes_comes_back(rows: list[object], escaped: bool) -> None:
    document = json.dumps(rows, ensure_ascii=escaped).encode()
    lines = b"".join(json.dumps(row, ensure_ascii=True).encode() + b"\n" for row in rows)

    assert [row.values for row in rows_of("seats.json", document)] == rows
    assert [row.values for row in rows_of("seats.jsonl", lines)] == rows
