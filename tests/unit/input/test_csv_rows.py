# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables as spreadsheets write them, and broken tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input.files import file_entries
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import users_of_entries
from ansible_collections.publica.la.tests.unit.support.sources import SourceDirectory, rows_of
from hypothesis import given
from hypothesis import strategies as st

ANA = DesiredUser(email="ana@example.org", external_id="A")
BEN = DesiredUser(email="ben@example.org", external_id="B")
SECRET = "Zebra-Crossing-77"


class TestSpreadsheets:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
    @pytest.mark.parametrize(
        "delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "pipe"]
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_every_dialect_is_read(
        self, directory: SourceDirectory, end: str, delimiter: str, encoding: str
    ) -> None:
        rows = [["email", "external_id"], ["ana@example.org", "A"], ["ben@example.org", "B"]]
        text = "".join(delimiter.join(row) + end for row in rows)
        assert directory.users("seats.csv", text.encode(encoding)) == [ANA, BEN]

    @pytest.mark.parametrize(
        "line", ["sep=;\r\n", "SEP=;\n", '"sep=;"\n'], ids=["plain", "capitals", "quoted"]
    )
    def test_first_line_can_name_the_delimiter(self, directory: SourceDirectory, line: str) -> None:
        content = f"{line}email;external_id\nana@example.org;A\n"
        assert directory.users("seats.csv", content) == [ANA]
        assert directory.error("bad.csv", f"{content};;;\nx;Z").fields.keys() == {"bad.csv:5.email"}

    def test_single_column_needs_no_delimiter(self, directory: SourceDirectory) -> None:
        assert directory.users("seats.csv", "external_id\nA\n\nB\n") == [
            DesiredUser(external_id="A"),
            DesiredUser(external_id="B"),
        ]

    @pytest.mark.parametrize(
        "header",
        [
            "Email,External ID",
            " EMAIL , external-id ",
            '"email","External  id"',
            'E-mail,"External\nID"',
            "EMAIL,EXTERNAL__ID",
            "email,external - id",
            "email,External\u00a0ID",
        ],
    )
    def test_case_spaces_and_hyphens_of_names_do_not_matter(
        self, directory: SourceDirectory, header: str
    ) -> None:
        columns = {"e mail": "email"} if "E-mail" in header else {}
        assert directory.users("seats.csv", f"{header}\nana@example.org,A\n", columns) == [ANA]

    def test_other_delimiter_in_a_name_does_not_mislead(self, directory: SourceDirectory) -> None:
        content = "Email|Site, floor, room|External ID\nana@example.org|1, 2, 3|A\n"
        assert directory.users("seats.csv", content, {"Site, floor, room": None}) == [ANA]

    def test_cells_are_quoted_as_in_rfc_4180(self, directory: SourceDirectory) -> None:
        content = 'email,plan_id,user_plan_name\nana@example.org,4,"Gold, ""plus"""\n'
        [user] = directory.users("seats.csv", content)
        assert user.user_plan_name == 'Gold, "plus"'

    def test_empty_cell_is_unmanaged(self, directory: SourceDirectory) -> None:
        content = "email,external_id,admin,sessions_limit,password\nana@example.org,A,, ,\n"
        assert directory.users("seats.csv", content) == [ANA]
        [user] = directory.users("seats.csv", content, defaults={"sessions_limit": 3})
        assert user.sessions_limit == 3

    def test_rows_of_empty_cells_are_skipped(self, directory: SourceDirectory) -> None:
        content = "\n\nemail,external_id\n,\nana@example.org,A\n\n , \n,,,,,\n"
        assert directory.users("seats.csv", content) == [ANA]

    def test_column_without_a_name_must_be_empty(self, directory: SourceDirectory) -> None:
        content = "email,external_id,,\nana@example.org,A,,\nben@example.org,B,,x\n"
        error = directory.error("seats.csv", content)
        [(place, [text])] = error.fields.items()
        assert place == "seats.csv:3"
        assert "column 4" in text

    def test_every_option_can_be_a_column(self, directory: SourceDirectory) -> None:
        content = (
            "id,state,new_password,update_password,generate_password,sessions_limit,"
            "assign_new_plan,plan_valid_to,user_plan_name,admin,plan_admin,only_sees_readable,"
            "force_logout\n"
            f"7,active,{SECRET},always,no,UNLIMITED,4,2031-12-31,Gold,TRUE,0,f,yes\n"
        )
        assert directory.users("seats.csv", content) == [
            DesiredUser(
                id=7, state="active", password=SECRET, update_password="always", sessions_limit=0,
                plan_id=4, plan_valid_to="2031-12-31", user_plan_name="Gold", admin=True,
                plan_admin=False, only_sees_readable=False, force_logout=True,
            )
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "text", ["=cmd()", "+1+1", "{{ lookup('env', 'HOME') }}", "{% raw %}", "!vault", "<b>"]
    )
    def test_hostile_text_stays_text(self, directory: SourceDirectory, text: str) -> None:
        [user] = directory.users("seats.csv", f'external_id,password\n"{text}","{text}{SECRET}"\n')
        assert (user.external_id, user.password) == (text, text + SECRET)


class TestPlaces:
    def test_place_is_the_line_where_the_record_begins(self) -> None:
        content = b'email,password\n"a@b.org","one\ntwo\r\nthree"\n\nc@d.org,x\n'
        rows = rows_of("seats.csv", content)
        assert [row.place for row in rows] == ["seats.csv:2", "seats.csv:6"]
        assert rows[0].values["password"] == "one\ntwo\r\nthree"

    def test_errors_of_rows_and_values_are_reported_together(
        self, directory: SourceDirectory
    ) -> None:
        content = (
            "email,external_id,sessions_limit\n"
            "ana@example.org,A,1,\n"
            "ben@example.org,B,1,2,3\n"
            "carla,C,many\n"
            'dan@example.org,"D"x,1\n'
            "eve@example.org,E,2\n"
            "EVE@example.org,F,2\n"
        )
        users = [{"email": "x"}]
        error = directory.error("seats.csv", content, users=users, defaults={"admin": "maybe"})
        assert set(error.fields) == {
            "defaults.admin",
            "users[0].email",
            "seats.csv:2",
            "seats.csv:3",
            "seats.csv:4.email",
            "seats.csv:4.sessions_limit",
            "seats.csv:5",
            "seats.csv:7.email",
        }
        assert error.message.startswith("8 validation errors in ")
        assert "seats.csv:2: has 4 cells, but the header has 3;" in error.message
        assert "seats.csv:3: has 5 cells, but the header has 3;" in error.message
        assert (
            "seats.csv:7.email: the same email as in seats.csv:6 (seats.csv:7 has email "
            "'EVE@example.org', external_id 'F'; seats.csv:6 has email 'eve@example.org', "
            "external_id 'E')"
        ) in error.message

    def test_duplicates_are_found_across_the_list_and_the_file(
        self, directory: SourceDirectory
    ) -> None:
        users = [{"email": "ANA@example.org"}]
        error = directory.error("seats.csv", "email\nana@example.org\n", users=users)
        assert list(error.fields) == ["seats.csv:2.email"]
        assert "users[0] has email 'ANA@example.org'" in error.message

    def test_same_error_in_many_rows_is_one_line(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.csv", "id,state\n" + "1,present,x\n" * 30)
        places = ", ".join(f"seats.csv:{line}" for line in range(2, 7))
        assert f"\n{places} and 25 more: has 3 cells, but the header has 2; " in error.message
        assert len(error.message.split("\n")) == 2


class TestHeaders:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(f"ana@example.org,A,{SECRET}\n", id="a user instead"),
            pytest.param(f"password,{SECRET}\nana@example.org,A\n", id="no key of a user"),
            pytest.param(f"ana@example.org {SECRET}", id="a single cell"),
        ],
    )
    def test_line_that_may_be_no_header_is_not_quoted(
        self, directory: SourceDirectory, content: str
    ) -> None:
        error = directory.error("seats.csv", content)
        assert list(error.fields) == ["seats.csv:1"]
        assert "the first line must name the columns" in error.message
        assert SECRET not in str(error.as_failure())
        assert "ana@" not in str(error.as_failure())

    def test_unknown_columns_are_reported_at_once(self, directory: SourceDirectory) -> None:
        error = directory.error(
            "seats.csv", "email,Session Limits,Department\nana@example.org,1,x\n"
        )
        assert set(error.fields) == {"seats.csv:1.Session Limits", "seats.csv:1.Department"}
        assert "did you mean sessions_limit?" in error.message
        assert "src_columns" in error.message

    @pytest.mark.parametrize(
        ("header", "option", "columns"),
        [
            ("email,Email", "email", "email (1), Email (2)"),
            ("email,Mail", "email", "email (1), Mail (2)"),
            ("email,external id,External-ID", "external_id", "external id (2), External-ID (3)"),
            ("email,plan_id,assign_new_plan", "plan_id", "plan_id (2), assign_new_plan (3)"),
        ],
    )
    def test_two_columns_for_one_option_are_refused(
        self, directory: SourceDirectory, header: str, option: str, columns: str
    ) -> None:
        mapped = {"Mail": "email"} if "Mail" in header else None
        error = directory.error("seats.csv", f"{header}\n", mapped)
        [(place, [text])] = error.fields.items()
        assert place == f"seats.csv:1.{option}"
        assert columns in text

    def test_open_quote_in_the_header(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.csv", f'"email,password\nana@example.org,{SECRET}\n')
        assert list(error.fields) == ["seats.csv:1"]
        assert SECRET not in error.message


class TestTrailingCells:
    def test_empty_cells_at_the_end_can_be_left_out(self, directory: SourceDirectory) -> None:
        content = "email,external_id,sessions_limit,admin\nana@example.org,A\nben@example.org,B,2\n"
        assert directory.users("seats.csv", content) == [
            ANA,
            DesiredUser(email="ben@example.org", external_id="B", sessions_limit=2),
        ]

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_last_line_may_be_cut_off_without_a_line_end(
        self, directory: SourceDirectory, end: str
    ) -> None:
        content = f"email,external_id,admin\nana@example.org,A,{end}"
        assert directory.users("seats.csv", content) == [ANA]
        content = f"email,external_id,admin\nana@example.org,A{end}"
        if end:
            assert directory.users("seats.csv", content) == [ANA]
        else:
            error = directory.error("seats.csv", content)
            assert list(error.fields) == ["seats.csv:2"]
            assert "check whether the file was cut short" in error.message

    @pytest.mark.parametrize("rest", ["", ",", ", "])
    def test_header_can_end_with_a_delimiter(self, directory: SourceDirectory, rest: str) -> None:
        content = f"email,external_id,\nana@example.org,A{rest}\n"
        assert directory.users("seats.csv", content) == [ANA]


class TestStrayQuotes:
    """A quote that is not closed in its line must not swallow rows."""

    @pytest.mark.parametrize(
        ("rows", "end"),
        [
            pytest.param('1;"a;x\n2;b;x\n3;c;"\n4;d;x\n', 4, id="complete rows"),
            pytest.param('1;a;"x\n2;b;x\n3;c;"\n4;d;x\n', 4, id="in the last column"),
            pytest.param('1;"a\n2;";x\n', 3, id="between two rows"),
            pytest.param('1;"a;x\n2;5";x\n', 3, id="up to a sign for inches"),
            pytest.param('"1;a;x\n2";b;x\n', 3, id="in the first column"),
            pytest.param('1;"a\nana@example.org\nx";x\n', 4, id="with an address"),
            pytest.param('1;"a;x\n2;b"\n', 3, id="with too few cells"),
        ],
    )
    def test_record_that_holds_other_rows_is_refused(
        self, directory: SourceDirectory, rows: str, end: int
    ) -> None:
        error = directory.error("seats.csv", f"external id;note;other\n{rows}",
                                {"note": None, "other": None})  # fmt: skip
        assert list(error.fields) == ["seats.csv:2"]
        assert f"goes on to line {end} and" in error.message.replace(",", "")

    @pytest.mark.parametrize(
        "cell", ["two\nlines", "Calle 1\n\nBuenos Aires, AR", "one; two\nlines", "\n"]
    )
    def test_cell_with_plain_lines_is_accepted(self, directory: SourceDirectory, cell: str) -> None:
        content = f'email;external_id;note;other\nana@example.org;A;"{cell}";x\n'
        columns = {"note": None, "other": None}
        assert directory.users("seats.csv", content, columns) == [ANA]

    def test_single_column_is_checked_for_addresses(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.csv", 'email\n"ana@example.org\nben@example.org"\n')
        assert "goes on to line 3" in error.message


class TestBroken:
    def test_open_quote_has_the_place_where_it_begins(self, directory: SourceDirectory) -> None:
        content = f'email,password\nana@example.org,"{SECRET}\nben@example.org,{SECRET}\n'
        error = directory.error("seats.csv", content)
        assert list(error.fields) == ["seats.csv:2"]
        assert "a quote that is not closed" in error.message
        assert "the lines after it were not read" in error.message
        assert SECRET not in error.message

    def test_value_beyond_the_limit(self, directory: SourceDirectory) -> None:
        content = f'email\nana@example.org\n"{"x" * csv.field_size_limit()}y"\n'
        error = directory.error("seats.csv", content)
        assert list(error.fields) == ["seats.csv:3"]
        assert f"more than {csv.field_size_limit()} characters" in error.message

    def test_quote_after_a_space_is_refused(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.csv", 'email,external_id\nana@example.org, "A"\n')
        assert list(error.fields) == ["seats.csv:2.external_id"]

    @pytest.mark.parametrize(
        ("content", "place", "part"),
        [
            pytest.param(b"email\nana@example.org\nz\xfcrich@example.org\n", "seats.csv:3",
                         "not UTF-8", id="Latin-1"),
            pytest.param(b"\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00\x00\xd8\n\x00", "seats.csv:2",
                         "not UTF-16", id="half of a character"),
            pytest.param(b"email\nana@example.org\n\x00", "seats.csv:3", "NUL", id="NUL"),
            pytest.param("email\nana@example.org\n".encode("utf-16-le"), "seats.csv:1", "NUL",
                         id="UTF-16 without a mark"),
        ],
    )  # fmt: skip
    def test_bytes_that_are_no_text_are_reported_with_their_line(
        self, directory: SourceDirectory, content: bytes, place: str, part: str
    ) -> None:
        error = directory.error("seats.csv", content)
        assert list(error.fields) == [place]
        assert part in error.message
        assert "CSV UTF-8" in error.message

    def test_line_of_a_bad_byte_is_right_in_a_long_file(self, directory: SourceDirectory) -> None:
        content = b"email\n" + b"\n" * 20_000 + b"\xff\n"
        assert list(directory.error("seats.csv", content).fields) == ["seats.csv:20002"]


class TestSecrets:
    @pytest.mark.parametrize(
        "row",
        [
            pytest.param(f"ana@example.org,2,{SECRET},A", id="in the limit's place"),
            pytest.param(f"{SECRET},A,ana@example.org,2", id="in the address's place"),
            pytest.param(f"ana@example.org,A,{SECRET},2,x", id="in a row that is too long"),
            pytest.param(f"ana,{SECRET}", id="in a row that is too short"),
            pytest.param(f'ana@example.org,A,"{SECRET}"x,2', id="with a quote too many"),
            pytest.param(f'"ana@example.org,A,{SECRET}\nben@example.org",B,{SECRET},x',
                         id="swallowed by a quote"),
            pytest.param("ana@example.org,A,short-7,2", id="too short"),
        ],
    )  # fmt: skip
    def test_no_error_of_a_table_with_passwords_quotes_a_cell(
        self, directory: SourceDirectory, row: str
    ) -> None:
        error = directory.error("seats.csv", f"email,external_id,password,sessions_limit\n{row}\n")
        failure = str(error.as_failure())
        assert SECRET not in failure
        assert "short-7" not in failure
        assert "ana@" not in failure

    def test_no_error_quotes_a_value_that_was_several_cells(
        self, directory: SourceDirectory
    ) -> None:
        rows = f'"ana@example.org,A,{SECRET}",\n"ben@example.org;{SECRET}",B\n'
        error = directory.error("seats.csv", f"email,external_id\n{rows}")
        assert set(error.fields) == {"seats.csv:2.email", "seats.csv:3.email"}
        assert SECRET not in str(error.as_failure())


# Passwords of spaces only are empty cells, and a delimiter next to a line break is refused.
# Everything else must be read back unchanged.
TEXTS = (
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
    .filter(lambda text: text == "" or bool(text.strip()))
    .filter(lambda text: len(text.splitlines()) < 2 or not set(",;\t|@") & set(text))
)
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]


@given(
    rows=st.lists(st.tuples(st.integers(1, 10**6), TEXTS), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_text_of_the_standard_library_is_read_back(
    rows: list[tuple[int, str]], delimiter: str, encoding: str, end: str, quoting: Any
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "password"])
    writer.writerows(rows)

    found = rows_of("seats.csv", written.getvalue().encode(encoding))

    expected = [
        {"id": str(number), **({"password": text} if text else {})} for number, text in rows
    ]
    assert [row.values for row in found] == expected


@given(st.lists(st.sampled_from(['"', ",", ";", "\n", "a@b.org", " ", "x", "=1"]), max_size=12))
def test_any_table_leads_to_users_or_errors(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("email,external_id\n" + "".join(cells), encoding="utf-8")
    entries = list(file_entries(str(path), {}, None, []))
    errors: Mapping[str, Any] = {}
    users = 0
    try:
        users = len(users_of_entries(entries))
    except InvalidInputError as error:
        errors = error.fields
    assert entries
    assert errors or users == len(entries)
    assert {place[:7] for place in errors} <= {"any.csv"}
