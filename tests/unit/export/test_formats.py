# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an export, as YAML, Ansible and a spreadsheet read them."""

from __future__ import annotations

import datetime
import io
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from ansible_collections.publica.la.plugins.module_utils.export.formats import (
    columns_of,
    csv_text,
    is_exported_csv,
    is_exported_yaml,
    is_formula,
    yaml_text,
)
from ansible_collections.publica.la.plugins.module_utils.export.rows import (
    ExportedUser,
    exported_users,
)
from ansible_collections.publica.la.plugins.module_utils.export.workbook import (
    is_exported_workbook,
    workbook_bytes,
)
from ansible_collections.publica.la.plugins.module_utils.input.columns import Columns
from ansible_collections.publica.la.plugins.module_utils.input.files import users_of_task
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import Row
from ansible_collections.publica.la.plugins.module_utils.input.workbook import workbook_rows
from ansible_collections.publica.la.plugins.module_utils.store.user import HeldPlan
from ansible_collections.publica.la.tests.support.saved_workbook import (
    SAVED_BY_LIBREOFFICE,
    USERS,
)
from ansible_collections.publica.la.tests.unit.support.builders import (
    TODAY,
    current_user,
    desired_users,
)
from hypothesis import given
from hypothesis import strategies as st


class _Loader(yaml.SafeLoader):
    """The safe loader with the only tag of Ansible that an export writes."""


class Unsafe(str):
    """A text that Ansible does not evaluate."""


_Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))


def loaded(**changes: Any) -> dict[str, Any]:
    """The row of a file with one user, as another YAML parser reads it."""
    text = yaml_text(exported_users([current_user(1, **changes)], TODAY), ["about"])
    [row] = yaml.load(text, _Loader)["publica_users_desired"]  # noqa: S506  (a safe loader)
    return dict(row)


class TestYaml:
    def test_the_form_of_a_file(self) -> None:
        users = [
            current_user(1, email="ana@example.org", external_id="007", sessions_limit=2),
            current_user(2, email="ben@example.org", external_id=None, active=False),
        ]
        assert yaml_text(exported_users(users, TODAY), ["2 exported."]) == (
            "# The users of a store, exported by publica.la.\n"
            "# 2 exported.\n"
            "---\n"
            "publica_users_desired:\n"
            "  - email: ana@example.org\n"
            '    external_id: "007"\n'
            "    state: present\n"
            "    sessions_limit: 2\n"
            "    admin: false\n"
            "    plan_admin: false\n"
            "    only_sees_readable: false\n"
            "  # Has no external_id at the store, and every change needs one.\n"
            "  - email: ben@example.org\n"
            "    state: absent\n"
            "    sessions_limit: unlimited\n"
            "    admin: false\n"
            "    plan_admin: false\n"
            "    only_sees_readable: false\n"
        )

    def test_a_store_without_users(self) -> None:
        assert yaml.safe_load(yaml_text([], [])) == {"publica_users_desired": []}

    @given(external_id=st.text(min_size=1, max_size=64))
    def test_a_text_is_read_back_unchanged(self, external_id: str) -> None:
        row = loaded(external_id=external_id)
        assert row.get("external_id", external_id) == external_id
        assert type(row.get("external_id", "")) in (str, Unsafe)

    @pytest.mark.parametrize(
        "template", ["{{ x }}", "a{% if x %}", "{# gone #}", "#jinja2: trim_blocks:True"]
    )
    def test_a_template_is_marked_as_unsafe(self, template: str) -> None:
        found = loaded(external_id=template)["external_id"]
        assert isinstance(found, Unsafe)
        assert found == template

    def test_a_comment_is_one_line_with_escaped_characters(self) -> None:
        text = yaml_text(
            exported_users([current_user(1, email="a\n- id: 9\u202e\u2028b")], TODAY), []
        )
        assert '  # The email "a\\n- id: 9\\u202e\\u2028b" ' in text
        assert len(yaml.safe_load(text)["publica_users_desired"]) == 1

    def test_only_an_export_is_recognized(self) -> None:
        assert is_exported_yaml(yaml_text([], []))
        assert not is_exported_yaml("# The users of a store.\n")
        assert not is_exported_yaml("publica_users_desired: []\n")


class TestCsv:
    @pytest.mark.parametrize(
        "text",
        ["=1+1", "+1|x", "-a", "@SUM(1)", " =1", "\t=1", '"=1"', "\uff1d1", "a;=1", "a,@b", "a|-b",
         "+1-1"],
    )  # fmt: skip
    def test_a_formula_is_left_out_with_a_warning(self, text: str) -> None:
        assert is_formula(text)
        if text.strip() == text:
            table, warnings = csv_text(
                exported_users([current_user(1, external_id=text)], TODAY), ","
            )
            assert text not in table
            [warning] = warnings
            assert warning.label == "user1@example.org"
            assert "external_id" in warning.text

    @pytest.mark.parametrize(
        "text", ["a=b", "+5491150001111", "-7", "a-b+c@example.org", "007", "a, b", "x;y"]
    )
    def test_text_that_is_no_formula_is_kept(self, text: str) -> None:
        assert not is_formula(text)
        table, warnings = csv_text(exported_users([current_user(1, external_id=text)], TODAY), ",")
        assert text in table
        assert warnings == []

    def test_a_user_whose_keys_are_formulas_is_named_by_the_id(self) -> None:
        users = [current_user(5, email="=a@example.org", external_id="@b"), current_user(6)]
        table, _warnings = csv_text(exported_users(users, TODAY), ";")
        header, first, second = table.splitlines()
        assert header.endswith(";only_sees_readable;id")
        assert first.startswith(";;present;")
        assert first.endswith(";5")
        assert second.startswith("user6@example.org;ext-6;present;unlimited;;;false;")
        assert second.endswith(";")

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_only_an_export_is_recognized(self, delimiter: str) -> None:
        odd = [current_user(5, email="", external_id=None)]
        assert is_exported_csv(csv_text([], delimiter)[0])
        assert is_exported_csv(csv_text(exported_users(odd, TODAY), delimiter)[0])
        assert not is_exported_csv("email,external_id,state\r\n")
        assert not is_exported_csv("")


def bulk_rows(users: Sequence[ExportedUser]) -> list[DesiredUser]:
    return desired_users([dict(user.values) for user in users])


class TestWorkbook:
    @staticmethod
    def saved_users() -> list[ExportedUser]:
        """The users whose workbook LibreOffice has saved."""
        users = []
        for number, values in enumerate(USERS, 1):
            plan_id, day = values.get("plan", (None, ""))
            plans = (HeldPlan(plan_id, valid_to=f"{day}T00:00:00Z", end_days=frozenset([day])),)
            held = {"plans": plans} if plan_id else {}
            given = {name: value for name, value in values.items() if name != "plan"}
            users.append(current_user(number, **given, **held))
        return exported_users(users, TODAY)

    def test_it_is_read_back_with_the_same_users(self, tmp_path: Path) -> None:
        users = self.saved_users()
        assert len(users) == len(USERS)
        (tmp_path / "press.xlsx").write_bytes(workbook_bytes(users))
        for path in (tmp_path / "press.xlsx", SAVED_BY_LIBREOFFICE):
            warnings: list[str] = []
            read = users_of_task(None, str(path), None, None, warnings=warnings)
            assert read == bulk_rows(users), path
            assert warnings == []

    def test_as_a_spreadsheet_sees_it(self) -> None:
        file = io.BytesIO(workbook_bytes(self.saved_users()))
        [sheet] = openpyxl.load_workbook(file).worksheets
        assert sheet.freeze_panes == "A2"
        names = [cell.value for cell in sheet[1]]
        assert names == list(columns_of([]))
        row = {name: sheet.cell(2, number) for number, name in enumerate(names, 1)}
        assert (row["external_id"].value, row["external_id"].number_format) == ("00123", "@")
        assert row["plan_valid_to"].is_date
        assert row["plan_valid_to"].value == datetime.datetime(2031, 12, 31)
        assert (row["plan_id"].value, row["admin"].value) == (12, False)
        assert all(cell.data_type != "f" for cells in sheet.rows for cell in cells)
        # What is added below is text as well.
        assert sheet.column_dimensions["B"].number_format == "@"

    def test_the_same_users_give_the_same_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = workbook_bytes(self.saved_users())
        monkeypatch.setattr(time, "time", lambda: 1.0)
        monkeypatch.setattr(sys, "platform", "win32")
        assert workbook_bytes(self.saved_users()) == first
        with zipfile.ZipFile(io.BytesIO(first)) as archive:
            assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert not any("docProps" in name for name in archive.namelist())

    @given(external_id=st.text(min_size=1, max_size=64))
    def test_a_text_is_read_back_unchanged(self, external_id: str) -> None:
        users = exported_users([current_user(1, external_id=external_id)], TODAY)
        file = io.BytesIO(workbook_bytes(users))
        columns = Columns({}, {})
        *_errors, row = workbook_rows(file, "press.xlsx", columns, None, [])
        assert isinstance(row, Row)
        assert row.values.get("external_id") == users[0].values.get("external_id")

    def test_a_user_without_other_keys_has_the_id(self, tmp_path: Path) -> None:
        users = exported_users([current_user(5, email="", external_id=None)], TODAY)
        path = tmp_path / "press.xlsx"
        path.write_bytes(workbook_bytes(users))
        [user] = users_of_task(None, str(path), None, None)
        assert (user.id, user.email) == (5, None)

    def test_only_an_export_is_recognized(self) -> None:
        assert is_exported_workbook(workbook_bytes([])[:4096])
        assert is_exported_workbook(workbook_bytes(self.saved_users())[:4096])
        assert not is_exported_workbook(SAVED_BY_LIBREOFFICE.read_bytes())
        assert not is_exported_workbook(b"")
