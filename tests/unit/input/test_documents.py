# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON documents, JSON lines and YAML documents, valid and broken."""

from __future__ import annotations

import json
import sys
import tracemalloc
from typing import Any

import pytest
import yaml
from ansible.module_utils.common import yaml as ansible_yaml
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.tests.unit.support.sources import SourceDirectory, rows_of
from hypothesis import given
from hypothesis import strategies as st

ANA = DesiredUser(email="ana@example.org", external_id="A")
BEN = DesiredUser(email="ben@example.org", external_id="7")
JSON = (
    '[{"email": "ana@example.org", "External ID": "A"}, '
    '{"email": "ben@example.org", "external_id": 7}]'
)
YAML = "- email: ana@example.org\n  External ID: A\n- {email: ben@example.org, external_id: 7}\n"
SECRET = "Zebra-Crossing-77"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("seats.json", JSON),
        ("seats.json", f'{{"users": {JSON}}}'),
        ("seats.json", f'{{"publica_users_desired": {JSON}}}'),
        ("seats.json", f'{{"publica_users_desired_library": {JSON}}}'),
        ("seats.json", f"\n\n  {JSON}\n"),
        *(
            (name, f"{head}{YAML}")
            for name in ("seats.yml", "seats.yaml", "SEATS.YML")
            for head in ("", "---\n", "users:\n", "publica_users_desired_library:\n")
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_list_is_read_with_or_without_a_key(
    directory: SourceDirectory, name: str, content: str, encoding: str
) -> None:
    assert directory.users(name, content.encode(encoding)) == [ANA, BEN]


# Nine levels of nine aliases stand for 387,420,489 values.
LAUGHS = {
    kind: [
        f"a{level}: &a{level} {pattern % ', '.join([f'{key}*a{level - 1}' for key in keys])}"
        if level
        else f"a0: &a0 {scalars}"
        for level in range(9)
    ]
    for kind, pattern, keys, scalars in (
        ("lists", "[%s]", [""] * 9, f"[{', '.join('x' * 9)}]"),
        ("mappings", "{%s}", [f"k{n}: " for n in range(9)], "{k0: x, k1: x, k2: x}"),
        ("merges", "{<<: [%s]}", [""] * 9, "{k0: x, k1: x, k2: x}"),
    )
}

# Broken documents, with the place of the error.
BROKEN = [
    *(
        pytest.param("seats.json", content, "seats.json", id=f"no list: {content[:20]}")
        for content in (
            "{}",
            "3",
            "null",
            '"users"',
            f'{{"users": {JSON}, "defaults": {{}}}}',
            f'{{"users": {JSON}, "users": {JSON}}}',
            f'{{"readers": {JSON}}}',
            '{"users": {"email": "ana@example.org"}}',
        )
    ),
    pytest.param("seats.json", f'[\n  {{"email": "a@b.org",\n   "password": "{SECRET}" "x"}}\n]',
                 "seats.json:3:36", id="JSON, no comma"),
    pytest.param("seats.json", "[" * 100_000, "seats.json:1", id="JSON, depth"),
    pytest.param("seats.json", f'["{SECRET}', "seats.json:1:2", id="JSON, cut short"),
    pytest.param("seats.json", f'[{{"email": "{SECRET}\n"}}]', "seats.json:1:30",
                 id="JSON, line break"),
    pytest.param("seats.json", f"[{SECRET}]", "seats.json:1:2", id="JSON, no quotes"),
    pytest.param("seats.json", '[{"id": 1},]', "seats.json:1:", id="JSON, trailing comma"),
    pytest.param("seats.json", '[{"id": ' + "9" * 5000 + "}]", "seats.json[0].id",
                 id="JSON, long number"),
    pytest.param("seats.json", '[{"email": "a@b.org", "external_id": "\\ud800"}]',
                 "seats.json[0].external_id", id="JSON, half of a character"),
    pytest.param("seats.json", f'[{{"id": 1, "password": "\\ud800{SECRET}"}}]',
                 "seats.json[0].password", id="JSON, half of a character in a password"),
    pytest.param("seats.jsonl", b'{"id": 1}\n{"email": "\xff"}\n{"id": 0}\n', "seats.jsonl:2",
                 id="JSON lines, bytes end the reading"),
    pytest.param("seats.yml", f"- email: a@b.org\n password: {SECRET}\n", "seats.yml:2:2",
                 id="YAML, indentation"),
    pytest.param("seats.yml", f"- email: [{SECRET}\n", "seats.yml:2:1", id="YAML, bracket"),
    pytest.param("seats.yml", f'- email: "{SECRET}\n', "seats.yml:2:1", id="YAML, quote"),
    pytest.param("seats.yml", "- id: 1\n---\n- id: 2\n", "seats.yml:2", id="YAML, two documents"),
    pytest.param("seats.yml", f"- id: *{SECRET}\n", "seats.yml:1:7", id="YAML, alias"),
    pytest.param("seats.yml", "- id: 1\n- id: \x07\n", "seats.yml:2", id="YAML, control character"),
    pytest.param("seats.yml", "email: a@b.org\n", "seats.yml", id="YAML, one user"),
    pytest.param("seats.yml", "users:\n", "seats.yml", id="YAML, no list under the key"),
    pytest.param("seats.yml", f"users: []\npassword: {SECRET}\n", "seats.yml", id="YAML, two keys"),
    pytest.param("seats.yml", b"- id: 1\n- id: \xff\n", "seats.yml:2", id="YAML, bytes"),
    pytest.param("seats.yml", f"- id: 1\n  password: !{SECRET}\n", "seats.yml:2",
                 id="YAML, password read as a tag"),
    pytest.param("seats.yml", "- id: !unsafe [1]\n", "seats.yml:1", id="YAML, unsafe list"),
    *(pytest.param("seats.yml", f"- id: 1\n- {{{', '.join(laughs)}}}\n- id: 0\n", "seats.yml:2",
                   id=f"YAML, nested aliases in {kind}") for kind, laughs in LAUGHS.items()),
    # Deep nesting must not end the process.
    pytest.param("seats.yml", f"- id: 1\n- id: {'[' * 20_000}", "seats.yml", id="YAML, depth"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "place"), BROKEN)
def test_broken_document_is_refused_with_its_place(
    directory: SourceDirectory, name: str, content: str | bytes, place: str
) -> None:
    error = directory.error(name, content)
    [found] = error.fields
    assert found == place or (place.endswith(":") and found.startswith(place))
    assert SECRET not in str(error.as_failure())


# Keys and passwords that programs would change, each as a file can hold it.
AS_WRITTEN = [
    "1.10", "+5491122334455", "-0", "0123", "0x1F", "1_000", "12:30", "12:30.5", "5.0",
    "12345678901234567890123", "2031-12-31", "2031-12-31T00:00:00Z", "yes", "off", "true", "=",
]  # fmt: skip


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_yaml_keeps_the_characters_of_keys_and_passwords(
    directory: SourceDirectory, text: str
) -> None:
    password = text if len(text) >= 8 else f"{text * 8}"
    users = directory.users("seats.yml", f"- external_id: {text}\n  password: {password}\n")
    assert users == [DesiredUser(external_id=text, password=password)]


@pytest.mark.parametrize(
    "text", ["1.10", "-0", "5.0", "12345678", "12345678901234567890123", "1.23456789012345678901"]
)
def test_json_keeps_the_characters_of_numbers(directory: SourceDirectory, text: str) -> None:
    password = text if len(text) >= 8 else f"12345{text.lstrip('-')}00"
    row = f'{{"external_id": {text}, "password": {password}}}'
    expected = [DesiredUser(external_id=text, password=password)]
    assert directory.users("seats.json", f"[{row}]") == expected
    assert directory.users("seats.jsonl", row) == expected


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("seats.yml", "- {id: 7, plan_id: 4.0, plan_valid_to: 2031-12-31, sessions_limit: 5, "
                      "admin: on, state: active}"),
        ("seats.json", '[{"id": 7, "plan_id": 4.0, "plan_valid_to": "2031-12-31", '
                       '"sessions_limit": 5, "admin": 1, "state": "active"}]'),
        ("seats.yml", '- {id: "7", plan_id: "4.0", plan_valid_to: "2031-12-31", '
                      'sessions_limit: " 5 ", admin: "VRAI", state: active}'),
    ],
)  # fmt: skip
def test_numbers_dates_and_booleans_are_read_by_their_option(
    directory: SourceDirectory, name: str, row: str
) -> None:
    expected = DesiredUser(
        id=7, plan_id=4, plan_valid_to="2031-12-31", sessions_limit=5, admin=True, state="active"
    )
    assert directory.users(name, row) == [expected]


@pytest.mark.parametrize("null", ["~", "null", "NULL", ""])
def test_plain_null_is_left_out(directory: SourceDirectory, null: str) -> None:
    content = f"- email: ana@example.org\n  external_id: A\n  password: {null}\n  id: {null}\n"
    assert directory.users("seats.yml", content) == [ANA]


class TestJson:
    def test_place_is_the_index(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.json", '[{"email": "a@b.org"}, {"email": "x"}, [1], "x"]')
        assert set(error.fields) == {"seats.json[1].email", "seats.json[2]", "seats.json[3]"}

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
    @pytest.mark.parametrize("name", ["email", "external_id", "password", "id", "plan_id", "admin"])
    def test_infinite_number_is_refused(
        self, directory: SourceDirectory, number: str, name: str
    ) -> None:
        error = directory.error(
            "seats.json", f'[{{"id": 1}}, {{"{name}": {number}, "state": null}}]'
        )
        assert f"seats.json[1].{name}" in error.fields

    def test_repeated_key_is_refused(self, directory: SourceDirectory) -> None:
        content = f'[{{"email": "a@b.org", "password": "{SECRET}", "password": "x{SECRET}"}}]'
        error = directory.error("seats.json", content)
        assert list(error.fields) == ["seats.json[0].password"]
        assert "given twice" in error.message
        assert SECRET not in error.message

    def test_key_in_two_spellings_is_refused(self, directory: SourceDirectory) -> None:
        content = '[{"email": "a@b.org", "E-Mail": "x", "Email": "c@d.org"}]'
        error = directory.error("seats.json", content, {"E-mail": None})
        assert error.fields == {"seats.json[0].email": ["given twice, also as Email; keep one"]}

    def test_unknown_keys_are_refused(self, directory: SourceDirectory) -> None:
        error = directory.error(
            "seats.json", '[{"id": 1, "Cost Center": 5}, {"id": 2, "emial": 1}]'
        )
        assert set(error.fields) == {"seats.json[0].Cost Center", "seats.json[1].emial"}

    def test_mapped_key_that_no_user_has_is_refused(self, directory: SourceDirectory) -> None:
        content = '[{"Mail": "ana@example.org"}, {"Nr": 2}]'
        columns = {"Mail": "email", "Nr": "external_id", "Plna": "plan_id", "Dept": None}
        error = directory.error("seats.json", content, columns)
        assert list(error.fields) == ["src_columns.Plna"]


class TestJsonLines:
    def test_each_line_is_a_user(self, directory: SourceDirectory) -> None:
        content = '{"email": "ana@example.org", "external_id": "A"}\n\n \r\n{"External-ID": 7}'
        assert directory.users("seats.jsonl", content) == [ANA, DesiredUser(external_id="7")]

    def test_errors_of_all_lines_are_reported_together(self, directory: SourceDirectory) -> None:
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


class TestYaml:
    def test_unsafe_text_is_that_text(self, directory: SourceDirectory) -> None:
        content = '- email: ana@example.org\n  external_id: !unsafe "{{ 7 * 7 }}"\n'
        [user] = directory.users("seats.yml", content)
        assert user.external_id == "{{ 7 * 7 }}"

    def test_number_with_a_tag_keeps_its_characters(self, directory: SourceDirectory) -> None:
        [user] = directory.users("seats.yml", "- {id: 1, external_id: !!int 0123}\n")
        assert user.external_id == "0123"

    def test_anchors_and_merges_work(self, directory: SourceDirectory) -> None:
        content = (
            "- &seat {email: ana@example.org, external_id: A, plan_id: 4}\n"
            "- {<<: *seat, email: ben@example.org, external_id: 7}\n"
        )
        users = directory.users("seats.yml", content)
        assert [(user.email, user.plan_id) for user in users] == [
            ("ana@example.org", 4),
            ("ben@example.org", 4),
        ]

    def test_many_users_can_merge_the_same_options(self, directory: SourceDirectory) -> None:
        others = {f"Note {number}": None for number in range(40)}
        content = (
            f"- &seat {{id: 9999, plan_id: 4, {', '.join(f'{name}: x' for name in others)}}}\n"
            "- &more {<<: *seat, id: 9998, admin: no}\n"
        ) + "".join(f"- {{<<: *more, id: {number}}}\n" for number in range(1, 2001))
        users = directory.users("seats.yml", content, others)
        assert {(user.plan_id, user.admin) for user in users[2:]} == {(4, False)}
        assert len(users) == 2002

    @pytest.mark.parametrize("kind", LAUGHS)
    def test_nested_aliases_take_little_memory(self, directory: SourceDirectory, kind: str) -> None:
        # Also where each level is a user.
        content = "".join(f"- {laugh.partition(': ')[2]}\n" for laugh in LAUGHS[kind])
        tracemalloc.start()
        try:
            error = directory.error("seats.yml", content)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        [place] = [place for place, texts in error.fields.items() if "its aliases" in texts[0]]
        assert place in ("seats.yml:5", "seats.yml:6", "seats.yml:7")
        assert peak < 50_000_000

    def test_place_of_a_user_who_is_an_alias(self, directory: SourceDirectory) -> None:
        error = directory.error("seats.yml", "- &seat {id: 1}\n- id: 2\n- *seat\n")
        assert list(error.fields) == ["seats.yml:3.id"]

    def test_errors_of_all_users_are_reported_together(self, directory: SourceDirectory) -> None:
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
            "seats.yml:18.(key not shown)",
        }
        assert "which only Ansible can read" in error.message
        assert SECRET not in str(error.as_failure())

    @pytest.mark.parametrize("quote", ["'", '"'])
    def test_quoted_text_that_holds_other_users_is_refused(
        self, directory: SourceDirectory, quote: str
    ) -> None:
        content = (
            "# José\n"
            f"- email: ana@example.org\n  external_id: {quote}A\n"
            f"- email: ben@example.org\n  external_id: B{quote}\n"
        )
        error = directory.error("seats.yml", content)
        assert list(error.fields) == ["seats.yml:2.external_id"]
        assert "goes on to line 5, and it holds lines that look like rows" in error.message

    def test_plain_text_of_several_lines_is_accepted(self, directory: SourceDirectory) -> None:
        content = '- email: ana@example.org\n  external_id: A\n  Note: "two\n    lines"\n'
        assert directory.users("seats.yml", content, {"Note": None}) == [ANA]

    def test_both_builds_of_pyyaml_lead_to_the_same_result(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = YAML + "- {id: 1, external_id: !!binary YQ==}\n- {id: 0}\n"
        built = directory.error("seats.yml", content)
        monkeypatch.setattr(ansible_yaml, "SafeLoader", yaml.SafeLoader)
        plain = directory.error("seats.yml", content)
        assert plain.fields == built.fields
        assert len(plain.fields) == 2

    def test_remedy_without_pyyaml(
        self, directory: SourceDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        monkeypatch.setattr(ansible_yaml, "HAS_YAML", False)
        error = directory.error("seats.yml", YAML)
        assert list(error.fields) == ["seats.yml"]
        assert "pip install pyyaml" in error.message


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
def test_json_of_the_standard_library_is_read_back(
    rows: list[dict[str, Any]], escaped: bool
) -> None:
    document = json.dumps(rows, ensure_ascii=escaped).encode()
    lines = b"".join(json.dumps(row, ensure_ascii=True).encode() + b"\n" for row in rows)

    expected = [{name: _in_a_file(value) for name, value in row.items()} for row in rows]
    assert [row.values for row in rows_of("seats.json", document)] == expected
    assert [row.values for row in rows_of("seats.jsonl", lines)] == expected


def _in_a_file(value: Any, *booleans: str) -> Any:
    """A value as it is read from a file: a number, and in YAML a boolean, is its characters."""
    if isinstance(value, bool):
        return value if not booleans else booleans[0] if value else booleans[1]
    return str(value) if isinstance(value, int) else value


# Not every version of PyYAML writes every kind of white space so that it is read back unchanged.
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
def test_yaml_of_pyyaml_is_read_back(rows: list[dict[str, Any]]) -> None:
    written = yaml.safe_dump(rows, allow_unicode=True).encode()
    found = rows_of("seats.yml", written)
    assert [row.values for row in found] == [
        {name: _in_a_file(value, "true", "false") for name, value in row.items()} for row in rows
    ]
    places = [row.place for row in found]
    assert places == sorted(places, key=lambda place: int(place.rpartition(":")[2]))
