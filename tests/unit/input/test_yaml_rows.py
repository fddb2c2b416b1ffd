# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML documents, and what is wrong with some of them."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest
import yaml
from ansible.module_utils.common import yaml as ansible_yaml
from ansible_collections.publica.la.plugins.module_utils.input import documents as yaml_rows
from ansible_collections.publica.la.plugins.module_utils.input import files as source
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.tests.unit.support.sources import SourceFolder, rows_of
from hypothesis import given
from hypothesis import strategies as st

LIST = "- email: ana@example.org\n  External ID: A\n- {email: ben@example.org, external_id: 7}\n"
ANA = DesiredUser(email="ana@example.org", external_id="A")
BEN = DesiredUser(email="ben@example.org", external_id="7")
SECRET = "Zebra-Crossing-77"


@pytest.mark.parametrize("name", ["seats.yml", "seats.yaml", "SEATS.YML"])
@pytest.mark.parametrize("head", ["", "---\n", "users:\n", "publica_users_desired_library:\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_alone_or_under_its_name(
    directory: SourceFolder, name: str, head: str, encoding: str
) -> None:
    assert directory.users(name, (head + LIST).encode(encoding)) == [ANA, BEN]


def test_values_are_what_yaml_says_but_dates_and_leading_zeros(directory: SourceFolder) -> None:
    content = (
        "- email: ana@example.org\n"
        "  external_id: 0123\n"
        "  admin: yes\n"
        "  plan_id: 4\n"
        "  plan_valid_to: 2031-12-31\n"
        "  sessions_limit: Unlimited\n"
        "  password: ~\n"
    )
    [user] = directory.users("seats.yml", content)
    assert user == DesiredUser(
        email="ana@example.org", external_id="0123", admin=True, plan_id=4,
        plan_valid_to="2031-12-31", sessions_limit=0,
    )  # fmt: skip


def test_a_text_that_ansible_is_not_to_evaluate_is_that_text(directory: SourceFolder) -> None:
    content = '- email: ana@example.org\n  external_id: !unsafe "{{ 7 * 7 }}"\n'
    [user] = directory.users("seats.yml", content)
    assert user.external_id == "{{ 7 * 7 }}"

    error = directory.error("seats.yml", "- id: !unsafe [1]\n")
    assert "holds a value that is no plain text" in error.message


def test_a_password_that_yaml_takes_for_a_tag_is_not_told(directory: SourceFolder) -> None:
    error = directory.error("seats.yml", f"- id: 1\n  password: !{SECRET}\n")
    assert list(error.fields) == ["seats.yml:2"]
    assert "put a text that begins with ! in quotes" in error.message
    assert SECRET not in str(error.as_failure())


def test_anchors_and_merges_work(directory: SourceFolder) -> None:
    content = (
        "- &seat {email: ana@example.org, external_id: A, plan_id: 4}\n"
        "- {<<: *seat, email: ben@example.org, external_id: 7}\n"
    )
    users = directory.users("seats.yml", content)
    assert [(user.email, user.plan_id) for user in users] == [
        ("ana@example.org", 4),
        ("ben@example.org", 4),
    ]


def test_all_faults_come_together_each_with_its_line(directory: SourceFolder) -> None:
    content = (
        "# seats\n"
        "- email: x\n"
        "- email: a@b.org\n"
        "  password: !vault |\n"
        f"    {SECRET}\n"
        "- email: c@d.org\n"
        f"  password: {SECRET}\n"
        f"  password: {SECRET}\n"
        "- just text\n"
        "- {id: 1, plan_id: 2, plan_valid_to: 2031-02-30}\n"
        "- {id: 2, external_id: !!binary YQ==}\n"
        "- {id: .nan}\n"
        "- {external_id: .inf}\n"
        "- {id: 3, external_id: !!float x}\n"
        "- ? [a]\n  : b\n"
        "- &self [*self]\n"
        "- {id: 1, password:" + SECRET + "}\n"
    )
    error = directory.error("seats.yml", content)
    assert set(error.fields) == {
        "seats.yml:2.email",
        "seats.yml:4",
        "seats.yml:6.password",
        "seats.yml:9",
        "seats.yml:10.plan_valid_to",
        "seats.yml:11",
        "seats.yml:12.id",
        "seats.yml:13.external_id",
        "seats.yml:14",
        "seats.yml:15",
        "seats.yml:17",
        "seats.yml:18.id",
        "seats.yml:18.a key (not quoted, since it may hold a value)",
    }
    assert "which only Ansible itself can read" in error.message
    assert SECRET not in str(error.as_failure())


def test_it_is_no_matter_how_pyyaml_was_built(
    directory: SourceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = LIST + "- {id: 1, external_id: !!binary YQ==}\n- {id: 0}\n"
    built = directory.error("seats.yml", content)
    monkeypatch.setattr(ansible_yaml, "SafeLoader", yaml.SafeLoader)
    assert yaml.SafeLoader in imported_anew(monkeypatch).RowLoader.__mro__
    plain = directory.error("seats.yml", content)
    assert plain.fields == built.fields
    assert len(plain.fields) == 2


def test_without_pyyaml_the_remedy_is_told(
    directory: SourceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.setattr(ansible_yaml, "HAS_YAML", False)
    monkeypatch.setattr(ansible_yaml, "SafeLoader", object)
    imported_anew(monkeypatch)
    error = directory.error("seats.yml", LIST)
    assert list(error.fields) == ["seats.yml"]
    assert "pip install pyyaml" in error.message


def imported_anew(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module as it comes out where another PyYAML is installed, or none; it reads ``.yml``."""
    spec = importlib.util.spec_from_file_location(f"{yaml_rows.__name__}_anew", yaml_rows.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(source, "READERS", {".yml": module.yaml_rows})
    return module


def test_deep_nesting_is_told_and_does_not_end_the_process(directory: SourceFolder) -> None:
    deep = "[" * 20_000
    assert list(directory.error("seats.yml", f"- id: 1\n- id: {deep}").fields) == ["seats.yml"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param(f"- email: a@b.org\n password: {SECRET}\n", "seats.yml:2:2", id="indentation"),
        pytest.param(f"- email: [{SECRET}\n", "seats.yml:2:1", id="bracket"),
        pytest.param(f'- email: "{SECRET}\n', "seats.yml:2:1", id="quote"),
        pytest.param("- id: 1\n---\n- id: 2\n", "seats.yml:2", id="two documents"),
        pytest.param(f"- id: *{SECRET}\n", "seats.yml:1:7", id="alias"),
        pytest.param("- id: 1\n- id: \x07\n", "seats.yml:2", id="control character"),
        pytest.param("email: a@b.org\n", "seats.yml", id="one user"),
        pytest.param("users:\n", "seats.yml", id="nobody under the key"),
        pytest.param(f"users: []\npassword: {SECRET}\n", "seats.yml", id="two keys"),
        pytest.param(b"- id: 1\n- id: \xff\n", "seats.yml:2", id="bytes"),
    ],
)
def test_what_is_no_list_of_users_is_told_with_its_place(
    directory: SourceFolder, content: str | bytes, place: str
) -> None:
    error = directory.error("seats.yml", content)
    assert list(error.fields) == [place]
    assert SECRET not in error.message


# Not every version of PyYAML writes every kind of white space so that it comes back.
TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=8)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"email": TEXTS},
            optional={
                "password": TEXTS | st.none(),
                "plan_id": st.integers(),
                "admin": st.booleans(),
                "external_id": st.integers(0, 999).map("{:04}".format),
            },
        ),
        min_size=1,
    )
)
def test_what_pyyaml_writes_comes_back(rows: list[object]) -> None:
    written = yaml.safe_dump(rows, allow_unicode=True).encode()
    found = rows_of("seats.yml", written)
    assert [row.values for row in found] == rows
    assert [row.label for row in found] == sorted(
        (row.label for row in found), key=lambda label: int(label.rpartition(":")[2])
    )
