# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The YAML and CSV of an export, as YAML, Ansible and a spreadsheet read them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.publica.la.plugins.module_utils.export.formats import (
    csv_text,
    is_exported_csv,
    is_exported_yaml,
    is_formula,
    yaml_text,
)
from ansible_collections.publica.la.plugins.module_utils.export.rows import exported_users
from ansible_collections.publica.la.tests.unit.support.builders import TODAY, current_user
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
