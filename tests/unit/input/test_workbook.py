# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workbooks: what a cell means, what is refused with its place, and hostile files."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import InvalidInputError
from ansible_collections.publica.la.plugins.module_utils.input import files, workbook_file
from ansible_collections.publica.la.plugins.module_utils.input.files import users_of_task
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.workbook import (
    shown_number,
    unescaped,
)
from ansible_collections.publica.la.plugins.module_utils.input.workbook_file import (
    column_letters,
    column_number,
)
from ansible_collections.publica.la.tests.support.workbooks import (
    MAIN,
    package,
    text_cell,
    workbook,
)
from ansible_collections.publica.la.tests.unit.support.sources import SourceDirectory
from openpyxl.comments import Comment
from openpyxl.styles import numbers

ANA = DesiredUser(email="ana@example.org", external_id="A")
HEADER = ("email", "external_id")
KEYS = f'<row r="1">{text_cell("A1", "email")}{text_cell("B1", "external_id")}</row>'


def formatted(reference: str, number_format: str) -> Callable[[Any], None]:
    def change(sheet: Any) -> None:
        sheet[reference].number_format = number_format

    return change


def of_cell(directory: SourceDirectory, option: str, value: Any, number_format: str = "") -> Any:
    """The value of an option that a cell leads to, or the text of its error."""
    others = {"email": "ana@example.org"} if option == "id" else {"id": 1, "plan_id": 2}
    row = {**others, option: value}
    letter = column_letters(list(row).index(option) + 1)
    change = formatted(f"{letter}2", number_format) if number_format else None
    try:
        content = workbook(tuple(row), tuple(row.values()), change=change)
        [user] = directory.users("readers.xlsx", content)
    except InvalidInputError as error:
        [(place, [text])] = error.fields.items()
        assert place == f"Readers!{letter}2.{option}"
        return text
    return getattr(user, option)


class TestCells:
    @pytest.mark.parametrize(
        ("option", "value", "number_format", "expected"),
        [
            ("external_id", "00123", "", "00123"),
            ("external_id", " a_x005F_x0041_b ", "", "a_x0041_b"),
            ("external_id", "x005F_y", "", "x005F_y"),
            ("external_id", 123, "", "123"),
            ("external_id", 123.0, "", "123"),
            ("external_id", -5, "", "-5"),
            ("external_id", 0, "", "0"),
            ("external_id", 123, "00000", "00123"),
            ("external_id", 1234567, "00000", "1234567"),
            ("external_id", 12, "##0", "12"),
            ("external_id", 12, "@", "12"),
            ("external_id", 12, "[$-409]0000", "0012"),
            ("external_id", 12, "0;[Red]-0", "12"),
            ("external_id", 10**15 - 1, "0", "9" * 15),
            ("id", 7.0, "", 7),
            ("plan_id", 12, "#,##0", 12),
            ("sessions_limit", 3, "", 3),
            ("sessions_limit", "unlimited", "", 0),
            ("plan_valid_to", datetime.date(2031, 12, 31), "", "2031-12-31"),
            ("plan_valid_to", datetime.datetime(2031, 12, 31, 23, 59), "", "2031-12-31"),
            ("plan_valid_to", 48213, numbers.FORMAT_DATE_DDMMYY, "2031-12-31"),
            ("plan_valid_to", "2031-12-31", "", "2031-12-31"),
            ("admin", True, "", True),
            ("admin", 0, "", False),
            ("admin", "VERDADERO", "", True),
            ("password", "12345678", "", "12345678"),
            ("state", "absent", "", "absent"),
        ],
    )
    def test_a_value_is_read_by_its_type(
        self,
        directory: SourceDirectory,
        option: str,
        value: Any,
        number_format: str,
        expected: Any,
    ) -> None:
        assert of_cell(directory, option, value, number_format) == expected

    @pytest.mark.parametrize(
        ("option", "value", "number_format", "reason"),
        [
            ("external_id", 123, "00-000", "shows other characters"),
            ("external_id", 1234, "#,##0", "shows other characters"),
            ("external_id", 5, "0.00", "shows other characters"),
            ("external_id", 5, "0%", "shows other characters"),
            ("external_id", 5, '"S-"0', "shows other characters"),
            ("external_id", -5, "0;-0", "shows other characters"),
            ("external_id", 1.5, "", "with a fraction"),
            ("external_id", 0.1, "0", "with a fraction"),
            ("external_id", 10**15, "", "more than 15 digits"),
            ("external_id", 1.2345e20, "", "more than 15 digits"),
            ("id", 10**15, "", "more than 15 digits"),
            ("external_id", datetime.date(2031, 12, 31), "", "is a date"),
            ("id", datetime.date(2031, 12, 31), "", "is a date"),
            ("external_id", datetime.time(12, 30), "", "a time without a date"),
            ("plan_valid_to", datetime.time(12, 30), "", "a time without a date"),
            ("external_id", True, "", "is a truth value"),
            ("plan_id", True, "", "is a truth value"),
            ("plan_valid_to", False, "", "is a truth value"),
            ("plan_valid_to", 48213, "", "without the format of a date"),
            ("plan_valid_to", 20311231, "0", "without the format of a date"),
            ("plan_valid_to", "31/12/2031", "", "is not a date"),
            ("plan_valid_to", datetime.date(1931, 12, 31), "", "before the year 2000"),
            ("password", 12345678, "", "is no text"),
            ("password", 12345678, "@", "is no text"),
            ("password", datetime.date(2031, 12, 31), "", "is no text"),
            ("password", True, "", "is no text"),
            ("external_id", "a_x000D_b", "", "control character"),
            ("external_id", "#N/A", "", "error value"),
            ("user_plan_name", 1.5, "", "with a fraction"),
            ("admin", 2, "", "not a boolean"),
            ("external_id", "a" * 32_767, "", "has 32767 characters"),
        ],
    )
    def test_a_value_that_is_not_certain_is_refused(
        self, directory: SourceDirectory, option: str, value: Any, number_format: str, reason: str
    ) -> None:
        text = of_cell(directory, option, value, number_format)
        assert reason in str(text)
        if option == "password":
            assert str(value) not in text

    @pytest.mark.parametrize(
        ("number", "number_format", "shown"),
        [
            (0, "#", None), (5, "#", "5"), (0, "#0", "0"), (7, "General", "7"),
            (7, "GENERAL;-General", "7"), (7, '"0"', None), (7, "0 ", None), (7, "_-0", None),
            (-7, "000", "-007"), (7, "", "7"), (7, "0000;", "0007"), (7, "[<10]0", None),
            (7, "0E+00", None), (7, "0000000000000000000000", "0" * 21 + "7"),
        ],
    )  # fmt: skip
    def test_what_a_number_shows(self, number: int, number_format: str, shown: str | None) -> None:
        assert shown_number(number, number_format) == shown

    def test_characters_by_their_codes(self) -> None:
        assert unescaped("_x0041__x00E9_ _x005F_x0041_ _xzz_") == "A\u00e9 _x0041_ _xzz_"

    def test_columns(self) -> None:
        for number in (1, 26, 27, 52, 702, 703, 16_384):
            assert column_number(column_letters(number)) == number
        assert column_letters(16_384) == "XFD"

    def test_texts_are_shared_rich_or_in_the_cell(self, directory: SourceDirectory) -> None:
        strings = (
            "<si><t>email</t></si><si><t>external_id</t></si>"
            "<si><r><t>ana@</t></r><r><rPr><b/></rPr><t>example.org</t></r></si>"
            "<si><t>x005F_y</t><rPh sb='0' eb='1'><t>hidden</t></rPh></si>"
        )
        rows = (
            '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
            '<row><c t="s"><v>2</v></c><c t="s"><v>3</v></c></row>'
            f'<row r="5">{text_cell("B5", "&lt;B&gt;_x005F_x0041_")}</row>'
        )
        users = directory.users("readers.xlsx", package(rows, strings=strings))
        assert [(user.email, user.external_id) for user in users] == [
            ("ana@example.org", "x005F_y"),
            (None, "<B>_x0041_"),
        ]
        assert [user.place for user in users] == ["Readers!2", "Readers!5"]

    def test_names_with_a_prefix(self, directory: SourceDirectory) -> None:
        rows = (
            '<x:row r="1"><x:c r="B1" t="str"><x:f>A9</x:f><x:v>email</x:v></x:c></x:row>'
            '<x:row r="2" hidden="1"><x:c r="B2" t="str"><x:v>ana@example.org</x:v></x:c></x:row>'
        )
        warnings: list[str] = []
        content = package(rows, prefix="x:")
        [user] = directory.users("readers.xlsx", content, warnings=warnings)
        assert user.email == ANA.email
        assert len(warnings) == 1

    def test_dates_of_1904(self, directory: SourceDirectory) -> None:
        def since_1904(sheet: Any) -> None:
            sheet.parent.epoch = datetime.datetime(1904, 1, 1)

        content = workbook(
            ("id", "plan_id", "plan_valid_to"),
            (1, 2, datetime.date(2031, 12, 31)),
            change=since_1904,
        )
        [user] = directory.users("readers.xlsx", content)
        assert user.plan_valid_to == "2031-12-31"


FORMULAS = (
    f'<row r="2">{text_cell("A2", "ana@example.org")}'
    '<c r="B2" t="str"><f>1</f><v>A</v></c><c r="C2"><f>SUM(D1)</f><v>12</v></c></row>'
    f'<row r="3">{text_cell("A3", "ben@example.org")}'
    '<c r="B3"><f>1</f><v>7.0</v></c><c r="C3" t="str"><f>""</f><v></v></c></row>'
)


class TestFormulas:
    HEADER = KEYS.replace("</row>", f"{text_cell('C1', 'plan_id')}</row>")

    def test_their_stored_value_counts(self, directory: SourceDirectory) -> None:
        users = directory.users("readers.xlsx", package(self.HEADER + FORMULAS))
        assert [(user.external_id, user.plan_id) for user in users] == [("A", 12), ("7", None)]

    @pytest.mark.parametrize(
        "cell",
        ['<c r="B2"><f>1</f></c>', '<c r="B2"><f>1</f><v></v></c>', '<c r="B2"><f>1</f><v/></c>',
         '<c r="B2" t="str"><f>1</f></c>', '<c><f t="shared" si="0"/></c>',
         '<c r="B2">\n<f>1</f>\n<v></v>\n</c>\n'],
    )  # fmt: skip
    def test_one_without_a_value_is_refused(self, directory: SourceDirectory, cell: str) -> None:
        rows = f'{KEYS}<row r="2">{text_cell("A2", "ana@example.org")}{cell}</row>'
        error = directory.error("readers.xlsx", package(rows))
        assert list(error.fields) == ["Readers!B2.external_id"]
        assert "formula whose result is not in the file" in error.message

    def test_a_row_of_them_is_no_empty_row(self, directory: SourceDirectory) -> None:
        content = workbook(HEADER, ("=A1", "=B1"), ("ana@example.org", "A"))
        error = directory.error("readers.xlsx", content)
        assert list(error.fields) == ["Readers!A2.email", "Readers!B2.external_id"]

    def test_error_values(self, directory: SourceDirectory) -> None:
        row = '<row r="2"><c r="A2" t="e"><f>1</f><v>#REF!</v></c><c r="B2"><v>1</v></c></row>'
        error = directory.error("readers.xlsx", package(KEYS + row))
        assert list(error.fields) == ["Readers!A2.email"]
        assert "is an error value of the spreadsheet" in error.message


def two_sheets(sheet: Any) -> None:
    other = sheet.parent.create_sheet("Staff")
    for row in (HEADER, ("ben@example.org", "B")):
        other.append(row)
    sheet.sheet_state = "hidden"


class TestSheets:
    CONTENT = workbook(HEADER, ("ana@example.org", "A"), change=two_sheets)

    @pytest.mark.parametrize(
        ("sheet", "key"), [(None, "B"), ("staff", "B"), (" STAFF ", "B"), ("readers", "A")]
    )
    def test_the_first_visible_one_or_one_by_its_name(
        self, directory: SourceDirectory, sheet: str | None, key: str
    ) -> None:
        [user] = directory.users("readers.xlsx", self.CONTENT, sheet=sheet)
        assert user.external_id == key

    def test_a_name_is_composed(self, directory: SourceDirectory) -> None:
        content = workbook(HEADER, ("ana@example.org", "A"), title="Lectores de Jos\u00e9")
        sheet = "lectores de jose\u0301"
        assert directory.users("readers.xlsx", content, sheet=sheet) == [ANA]

    def test_no_such_sheet(self, directory: SourceDirectory) -> None:
        error = directory.error("readers.xlsx", self.CONTENT, sheet="Guests")
        assert list(error.fields) == ["sheet"]
        assert "name one of Readers (hidden), Staff" in error.message

    def test_no_visible_sheet(self, directory: SourceDirectory) -> None:
        content = package(KEYS, sheets={"A": "hidden", "B": "veryHidden"})
        error = directory.error("readers.xlsx", content)
        assert list(error.fields) == ["sheet"]
        assert "name one of A (hidden), B (hidden)" in error.message

    @pytest.mark.parametrize(
        ("src", "reason"), [(None, "give src as well"), ("a.csv", "src is no workbook"),
                            ("a.json", "src is no workbook"), ("a", "src is no workbook")],
    )  # fmt: skip
    def test_it_needs_a_workbook(self, src: str | None, reason: str) -> None:
        with pytest.raises(InvalidInputError) as error:
            users_of_task([{"id": 1}], src, None, None, sheet="Readers")
        assert next(iter(error.value.fields)) == "sheet"
        assert reason in error.value.message

    def test_missing_columns_name_the_sheets(self, directory: SourceDirectory) -> None:
        content = workbook(("Mail", "Name"), ("ana@example.org", "Ana"), change=two_sheets)
        error = directory.error("readers.xlsx", content, sheet="Readers")
        assert list(error.fields) == ["Readers!1"]
        assert "names none of the columns" in error.message
        assert "Readers (hidden), Staff; name another one in sheet" in error.message
        error_of_column = directory.error("readers.xlsx", content, {"Number": "external_id"})
        assert list(error_of_column.fields) == ["src_columns.Number"]
        assert "is not a column of the sheet Staff" in error_of_column.message
        assert "Readers (hidden), Staff" in error_of_column.message

    @pytest.mark.parametrize("rows", [(), (HEADER,), (HEADER, ("", " ")), ((None, "  "),)])
    def test_one_without_users_is_refused(
        self, directory: SourceDirectory, rows: Sequence[Any]
    ) -> None:
        error = directory.error("readers.xlsx", workbook(*rows))
        assert list(error.fields) == ["Readers"]
        assert "the workbook has the sheets Readers" in error.message


class TestTables:
    def test_the_table_can_begin_anywhere(self, directory: SourceDirectory) -> None:
        def change(sheet: Any) -> None:
            for number, values in ((4, ("E-Mail", "External ID", "Dept.")), (7, ("x", None))):
                for column, value in enumerate(values, 3):
                    sheet.cell(number, column, value)
            sheet["C7"] = "ana@example.org"
            sheet["D7"] = "A"
            sheet["E7"] = "Press"
            sheet["C4"].comment = Comment("the address", "x")

        columns = {"E-Mail": "email", "Dept.": None}
        [user] = directory.users("readers.xlsx", workbook(change=change), columns)
        assert (user, user.place) == (ANA, "Readers!7")

    def test_every_bad_cell_is_named(self, directory: SourceDirectory) -> None:
        content = workbook(
            (*HEADER, "password", None),
            ("no address", 1.5, "canary-in-a-cell", None),
            ("ana@example.org", "A", 12345678, "note"),
            (None, None, "canary-in-a-cell"),
            ("ANA@example.org", "A", None),
        )
        error = directory.error("readers.xlsx", content)
        assert list(error.fields) == [
            "Readers!A2.email", "Readers!B2.external_id", "Readers!D3", "Readers!C3.password",
            "Readers!4.email", "Readers!A5.email", "Readers!B5.external_id",
        ]  # fmt: skip
        assert "canary" not in error.message
        assert "no address" not in error.message
        assert "the same email as in Readers!3" in error.message

    def test_twenty_thousand_bad_rows_stay_readable(self, directory: SourceDirectory) -> None:
        rows = "".join(
            f'<row r="{number}"><c r="A{number}" t="b"><v>1</v></c></row>'
            for number in range(2, 20_002)
        )
        error = directory.error("readers.xlsx", package(KEYS + rows))
        assert error.message.startswith("20,000 validation errors in ")
        assert len(error.message.split("\n")) == 2
        assert "Readers!A2.email, Readers!A3.email" in error.message
        assert len(error.message) < 1000

    def test_a_header_is_checked(self, directory: SourceDirectory) -> None:
        content = workbook(("email", "E mail", "Email", "emial", 2031), ("ana@example.org",))
        error = directory.error("readers.xlsx", content, {"E mail": "email"})
        assert list(error.fields) == ["Readers!D1.emial", "Readers!E1.2031", "Readers!A1.email"]
        assert "email (A), E mail (B), Email (C); keep one" in error.message

    @pytest.mark.parametrize(
        ("merged", "refused"),
        [("A2:A3", True), ("B3:C3", True), ("A1:B1", True), ("C2:C3", False), ("D2:E9", False),
         ("A4:B6", False), ("A3:A9", True)],
    )  # fmt: skip
    def test_merged_cells_in_the_table(
        self, directory: SourceDirectory, merged: str, refused: bool
    ) -> None:
        rows = (
            KEYS.replace("</row>", f"{text_cell('C1', 'Department')}</row>")
            + f'<row r="2">{text_cell("A2", "ana@example.org")}{text_cell("C2", "x")}</row>'
            + f'<row r="3">{text_cell("A3", "ben@example.org")}</row>'
        )
        merges = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>'
        content = package(rows, after=merges)
        if refused:
            error = directory.error("readers.xlsx", content, {"Department": None})
            assert list(error.fields) == [f"Readers!{merged}"]
            assert "is merged" in error.message
        else:
            assert len(directory.users("readers.xlsx", content, {"Department": None})) == 2

    def test_hidden_and_filtered_rows_count_with_a_warning(
        self, directory: SourceDirectory
    ) -> None:
        def hide(sheet: Any) -> None:
            sheet.auto_filter.ref = "A1:B5"
            for number in (1, 2, 3, 6):
                sheet.row_dimensions[number].hidden = True

        rows = [(f"user{number}@example.org", f"E{number}") for number in range(3)]
        warnings: list[str] = []
        content = workbook(HEADER, *rows, change=hide)
        assert len(directory.users("readers.xlsx", content, warnings=warnings)) == 3
        [warning] = warnings
        assert warning.startswith("Readers: 2 rows with a user are hidden or filtered out")


class TestDashboardColumns:
    ROWS = (
        ("email", "assign_plan_id", "assign_plan_valid_from", "Assign plan valid to", "password"),
        ("ana@example.org", "12", "", "2031-12-31", "12345678"),
    )
    USER = DesiredUser(
        email="ana@example.org", plan_id=12, plan_valid_to="2031-12-31", password="12345678"
    )

    def contents(self, start: str = "") -> dict[str, str | bytes]:
        """The same user in every format."""
        row = tuple(start if cell == "" else cell for cell in self.ROWS[1])
        pairs = list(zip(self.ROWS[0], row))
        return {
            "a.xlsx": workbook(self.ROWS[0], row),
            "a.csv": f"{','.join(self.ROWS[0])}\n{','.join(row)}\n",
            "a.json": json.dumps([dict(pairs)]),
            "a.yml": json.dumps([dict(pairs)]),
        }

    def test_they_need_no_mapping(self, directory: SourceDirectory) -> None:
        for name, content in self.contents().items():
            assert directory.users(name, content) == [self.USER], name

    def test_a_start_is_refused(self, directory: SourceDirectory) -> None:
        for name, content in self.contents("2031-01-01").items():
            error = directory.error(name, content)
            place = {"a.xlsx": "Readers!C2", "a.csv": "a.csv:2", "a.json": "a.json[0]",
                     "a.yml": "a.yml:1"}[name]  # fmt: skip
            assert list(error.fields) == [f"{place}.assign_plan_valid_from"]
            assert "or map it to null in src_columns" in error.message
            columns = {"assign_plan_valid_from": None}
            assert directory.users(name, content, columns) == [self.USER]

    def test_a_plan_is_given_once(self, directory: SourceDirectory) -> None:
        content = "email,plan_id,assign_plan_id\nana@example.org,1,2\n"
        error = directory.error("a.csv", content)
        assert list(error.fields) == ["a.csv:1.plan_id"]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
STRICT = '<workbook xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"><sheets/></workbook>'
DOCTYPE = '<!DOCTYPE a [<!ENTITY b "c">]>'
ROWS = KEYS + f'<row r="2">{text_cell("A2", "ana@example.org")}</row>'


def encrypted_parts() -> bytes:
    """A workbook whose parts are marked as encrypted."""
    content = bytearray(package(ROWS))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            pytest.param(b"email,external_id\n", "is no workbook, or is broken", id="csv"),
            pytest.param(b"PK", "is no workbook, or is broken", id="beginning"),
            pytest.param(package(ROWS)[:-200], "broken or cut short", id="cut"),
            pytest.param(b"PK\x05\x06" + b"\0" * 18, "broken or cut short", id="no-parts"),
            pytest.param(OLE, "the old Excel format", id="xls"),
            pytest.param(OLE + "EncryptedPackage".encode("utf-16-le"), "a password", id="locked"),
            pytest.param(encrypted_parts(), "by a password", id="locked-parts"),
            pytest.param(b"$ANSIBLE_VAULT;1.1;AES256\n31\n", "by Ansible Vault", id="vault"),
            pytest.param(package(ROWS, parts={"xl/vbaProject.bin": b"x"}), "macros", id="macros"),
            pytest.param(package(ROWS, parts={"xl/workbook.bin": b"x"}), "binary", id="xlsb"),
            pytest.param(package(ROWS, parts={"mimetype": b"x"}), "OpenDocument", id="ods"),
            pytest.param(package(ROWS, parts={"xl/workbook.xml": STRICT}), "Strict", id="strict"),
            pytest.param(package(ROWS, parts={"xl/workbook.xml": "<a"}), "broken", id="xml"),
            pytest.param(package(ROWS, parts={"[Content_Types].xml": "<a/>"}), "broken",
                         id="types"),
            pytest.param(package(ROWS, parts={"xl/styles.xml": DOCTYPE + "<a/>"}),
                         "a document type", id="doctype"),
            pytest.param(package(f"{ROWS}<row"), "broken", id="sheet"),
            pytest.param(package(f'{KEYS}<row r="2"><c r="A2"><v>x</v></c></row>'), "broken",
                         id="number"),
            pytest.param(package(f'{KEYS}<row r="2"><c r="A2" t="s"><v>9</v></c></row>'),
                         "broken", id="no-string"),
            pytest.param(package(f'{KEYS}<row r="2"><c r="2A"><v>1</v></c></row>'), "broken",
                         id="reference"),
        ],
    )  # fmt: skip
    def test_they_are_refused_with_a_remedy(
        self, directory: SourceDirectory, content: bytes, reason: str
    ) -> None:
        error = directory.error("readers.xlsx", content)
        [(place, [text])] = error.fields.items()
        assert place == "readers.xlsx"
        assert reason in text
        assert ";" in text

    @pytest.mark.parametrize(
        ("suffix", "reason"),
        [(".xls", "old Excel format"), (".xlsm", "macros"), (".XLSB", "binary"),
         (".xltx", "template"), (".xltm", "template"), (".ods", "OpenDocument")],
    )  # fmt: skip
    def test_other_kinds_are_refused_by_their_suffix(
        self, directory: SourceDirectory, suffix: str, reason: str
    ) -> None:
        error = directory.error(f"readers{suffix}", b"x")
        assert list(error.fields) == ["src"]
        assert reason in error.message
        assert "save it as .xlsx" in error.message

    def test_damage_anywhere_is_an_error_and_no_exception(self, directory: SourceDirectory) -> None:
        content = bytearray(workbook(HEADER, *((f"u{n}@example.org", f"E{n}") for n in range(50))))
        for at in range(0, len(content), 97):
            damaged = bytes(content[:at]) + bytes([content[at] ^ 0x55]) + bytes(content[at + 1 :])
            with suppress(InvalidInputError):
                directory.users("readers.xlsx", damaged)

    def test_parts_that_are_not_needed_can_be_broken(self, directory: SourceDirectory) -> None:
        parts = {"docProps/core.xml": "<a>", "xl/theme/theme1.xml": "<b", "xl/media/a.png": b"\0"}
        assert len(directory.users("readers.xlsx", package(ROWS, parts=parts))) == 1

    def test_openpyxl_is_missing_or_old(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = package(ROWS)
        with monkeypatch.context() as patched:
            patched.setattr("openpyxl.__version__", "3.0.10")
            error = directory.error("readers.xlsx", content)
        assert "(openpyxl >= 3.1)" in error.message
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        error = directory.error("readers.xlsx", content)
        assert list(error.fields) == ["readers.xlsx"]
        assert "Failed to import the required Python library (openpyxl)" in error.message


class TestBounds:
    def refused_at_once(self, directory: SourceDirectory, content: bytes) -> str:
        before = time.process_time()
        error = directory.error("readers.xlsx", content)
        assert time.process_time() - before < 20
        return error.message

    def test_a_zip_bomb(self, directory: SourceDirectory) -> None:
        zeros = b"\0" * (90 << 20)
        content = package(ROWS, parts={f"xl/media/{number}.bin": zeros for number in range(3)})
        assert len(content) < 1 << 20
        assert "larger than 256 MB when it is unpacked" in self.refused_at_once(directory, content)

    def test_many_parts(self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
        content = package(ROWS, parts={f"xl/media/{number}": b"" for number in range(30)})
        assert len(directory.users("readers.xlsx", content)) == 1
        with monkeypatch.context() as patched:
            patched.setattr(workbook_file, "MOST_PARTS", 30)
            assert "too many parts" in self.refused_at_once(directory, content)
        monkeypatch.setattr(workbook_file, "_LARGEST_DIRECTORY", 1000)
        monkeypatch.delattr(zipfile, "ZipFile")
        assert "too many parts" in self.refused_at_once(directory, content)

    @pytest.mark.parametrize("rows", [10, 1])
    def test_many_cells(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch, rows: int
    ) -> None:
        monkeypatch.setattr(workbook_file, "MOST_CELLS", 1000)
        content = package(KEYS + f"<row>{'<c/>' * (1000 // rows)}</row>" * rows)
        assert "Readers: has more than" in self.refused_at_once(directory, content)

    @pytest.mark.parametrize(
        "cell", ["<c><v>{}</v></c>", "<c t='inlineStr'><is><t>{}</t></is></c>"]
    )
    def test_a_long_text(self, directory: SourceDirectory, cell: str) -> None:
        content = package(f"{KEYS}<row>{cell.format('1' * (40 << 20))}</row>")
        assert "Readers: has more than" in self.refused_at_once(directory, content)

    def test_far_rows_and_columns(self, directory: SourceDirectory) -> None:
        rows = f'{KEYS}<row r="1048576">{text_cell("A1048576", "ana@example.org")}'
        dimension = f'<dimension ref="A1:XFD1048576" xmlns="{MAIN}"/>'
        content = package(f'{rows}<c r="XFD1048576" s="0"/></row>', after=dimension)
        [user] = directory.users("readers.xlsx", content)
        assert user.place == "Readers!1048576"

    def test_many_columns(self, directory: SourceDirectory) -> None:
        content = workbook([f"emial{number}" for number in range(1001)])
        assert "more than 1,000 columns" in self.refused_at_once(directory, content)

    @pytest.mark.full
    @pytest.mark.parametrize("formula", ["", "<f>A1</f>"])
    def test_a_hundred_thousand_rows(self, directory: SourceDirectory, formula: str) -> None:
        names = ("email", "external_id", "state", "sessions_limit", "plan_id", "plan_valid_to",
                 "admin")  # fmt: skip
        header = "".join(text_cell(f"{one}1", name) for one, name in zip("ABCDEFG", names))
        cells = (
            f'<c r="A{{0}}" t="str">{formula}<v>user{{0}}@example.org</v></c>'
            f'<c r="B{{0}}" t="str">{formula}<v>S-{{0}}</v></c>'
            f'<c r="C{{0}}" t="str">{formula}<v>present</v></c><c r="D{{0}}">{formula}<v>2</v></c>'
            f'<c r="E{{0}}">{formula}<v>12</v></c>'
            f'<c r="F{{0}}" t="str">{formula}<v>2031-12-31</v></c>'
            f'<c r="G{{0}}" t="b">{formula}<v>0</v></c>'
        )
        rows = "".join(f'<row r="{n}">{cells.format(n)}</row>' for n in range(2, 100_002))
        path = directory.write("readers.xlsx", package(f'<row r="1">{header}</row>{rows}'))
        program = (
            f"import resource; from {files.__name__} import users_of_task; "
            f"print(len(users_of_task(None, {str(path)!r}, None, None))); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=300
        )
        count, megabytes = done.stdout.split()
        assert count == "100000"
        assert int(megabytes) < 400
