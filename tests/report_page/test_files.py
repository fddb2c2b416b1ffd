# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JSON, Markdown and JUnit XML, read with independent parsers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import escape_control
from ansible_collections.publica.la.plugins.plugin_utils.report.text import (
    MOST_CHARACTERS,
    code,
    files_of,
)
from ansible_collections.publica.la.plugins.plugin_utils.report.wording import LANGUAGES
from junitparser import Error, Failure, JUnitXml
from markdown_it import MarkdownIt

import samples

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"
COMMENT = 65_536  # characters of a comment on GitHub


def hostile() -> dict[str, Any]:
    north = samples.result(samples.many(4))
    return samples.report({samples.HOSTILE[2]: samples.hostile(), "north": north})


def as_github_reads(text: str) -> list[Any]:
    """The inline tokens of a Markdown text, with tables, markup and addresses recognised."""
    parser = MarkdownIt("gfm-like", {"html": True})
    return [child for token in parser.parse(text) for child in token.children or ()]


@pytest.mark.parametrize("make", [samples.of_every_kind, hostile])
@pytest.mark.parametrize("language", LANGUAGES)
def test_json_is_valid_against_the_schema(make: Any, language: str) -> None:
    written = json.loads(files_of(make(), language)["report.json"])

    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(written)
    assert written["language"] == language
    assert {**make(), "language": language} == written


def test_the_schema_refuses_an_unknown_key() -> None:
    written = {**samples.of_every_kind(), "language": "en", "token": "x"}
    schema = json.loads(SCHEMA.read_text("utf-8"))

    with pytest.raises(jsonschema.ValidationError, match="token"):
        jsonschema.Draft202012Validator(schema).validate(written)


def test_values_are_no_markdown() -> None:
    text = files_of(hostile(), "en")["report.md"]
    tokens = as_github_reads(text)

    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "em_open", "s_open"}, kinds
    assert {t.content for t in tokens if t.type == "html_inline"} <= {"<br>"}
    spans = [token.content for token in tokens if token.type == "code_inline"]
    for value in samples.HOSTILE:
        assert escape_control(value) in spans
    for token in tokens:
        if token.type == "text":
            assert "@" not in token.content
            assert "alert" not in token.content


def test_each_line_of_a_message_is_a_line_of_markdown() -> None:
    text = files_of(samples.of_several_lines(), "en")["report.md"]

    spans = [token.content for token in as_github_reads(text) if token.type == "code_inline"]
    # In the failure of a store, in a warning and in the row of a user.
    assert [spans.count(line) for line in samples.LINES] == [3, 3, 3]
    assert "\\n" not in text
    nested = [
        token for token in MarkdownIt("gfm-like").parse(text) if token.type == "list_item_open"
    ]
    assert [token.level for token in nested] == [1, 3, 3, 1, 1, 3, 3]


@pytest.mark.parametrize("value", ["`", "``` `", " a ", "a|b", "a\\|b", "\\", "|", "x`|`y"])
def test_a_code_span_keeps_its_value_in_a_table(value: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {code(value)} | end |\n"

    inline = as_github_reads(table)

    spans = [token.content for token in inline if token.type == "code_inline"]
    assert spans == [value]
    assert inline[-1].content == "end"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "stores",
    [
        {"north": samples.result(samples.many(5000))},
        {"north": samples.hostile() | {"msg": "x" * 90_000}},
        {f"store {n}": {"failed": True, "msg": f"{n} is down. " * 20} for n in range(2000)},
    ],
    ids=["many users", "long texts", "many stores"],
)
def test_markdown_fits_a_comment(stores: dict[str, Any], language: str) -> None:
    text = files_of(samples.report(stores), language)["report.md"]

    assert 500 < len(text) <= MOST_CHARACTERS < COMMENT
    if len(samples.report(stores)["changes"]) == 5000:
        assert "index.html" in text.splitlines()[-1]


def junit(report: dict[str, Any]) -> dict[str, list[Any]]:
    """The cases of each suite in the JUnit XML of a report."""
    xml = JUnitXml.fromstring(files_of(report, "en")["junit.xml"].encode())
    return {suite.name: list(suite) for suite in xml}


def test_junit_has_a_case_for_each_store_and_user() -> None:
    suites = junit(samples.of_every_kind())

    def outcomes(store: str) -> list[str]:
        return ["-".join(type(r).__name__ for r in case.result) for case in suites[store]]

    assert outcomes("unchanged") == [""]
    # In an audit, a difference is a failure, and a user that failed is an error.
    assert outcomes("partly failed") == ["Error", *["Failure"] * 60, "Error", "Error"]
    assert outcomes("guarded") == ["Failure"] * 4
    assert [outcomes(name) for name in ("failed", "unreachable", "not run")] == [["Error"]] * 3


def test_junit_of_provisioning_fails_only_for_failures() -> None:
    stores = {"north": samples.result(samples.many(5))}

    [cases] = junit(samples.report(stores, "provision", check_mode=False)).values()

    assert len(cases) == 6
    assert not any(isinstance(r, (Error, Failure)) for case in cases for r in case.result)
    assert "Sessions: 1 → no limit" in cases[2].system_out


def test_each_file_shows_which_users_were_not_read() -> None:
    left = samples.leaver("leaver@example.org")
    record = samples.of_record([left], unverified=12345)
    stores = {"north": record, "south": samples.result(), "west": samples.of_record()}

    report = samples.report(stores, "provision", check_mode=False)
    files = files_of(report, "en")

    written = json.loads(files["report.json"])
    assert written["totals"]["users"]["unverified"] == 12435
    assert [store["summary"]["unverified"] for store in written["stores"]] == [12345, 0, 90]
    assert written["stores"][0]["last_applied"] == {
        "entries": 19990,
        "verified_at": "2026-11-23T02:00:00Z",
    }
    assert written["stores"][0]["kept"] == record["kept"]
    (change,) = written["changes"]
    assert (change["listed"], change["leaver"]) == (False, True)
    text = files["report.md"]
    assert "1 user in 1 store was changed. 12,435 unchanged users were not read." in text
    assert "| Unchanged | Of these, not read | Failed |" in text
    assert "| `west` | As last applied |" in text
    assert "| `south` | As declared |" in text
    assert "- `north`: 12,345 unchanged users were not read" in text
    assert "deactivate, no longer in the inventory" in text
    cases = junit(report)
    assert "12,345 unchanged users were not read" in cases["north"][0].system_out
    assert cases["south"][0].system_out is None
    assert "deactivate, no longer in the inventory" in cases["north"][1].system_out


@pytest.mark.parametrize("kind", ["provision", "audit"])
def test_no_file_of_a_dry_run_reads_as_if_it_had_been_written(kind: str) -> None:
    report = samples.report({"north": samples.result(samples.many(10))}, kind)
    text, cases = files_of(report, "en")["report.md"], junit(report)["north"]

    for part in (text, cases[0].system_out):
        assert "nothing was written." in part
        assert "The run needs 14 requests." in part
    assert "| Would be created | Would be updated |" in text
    written = "\n".join([text, *(case.system_out or "" for case in cases)])
    assert not re.search(r"(?<!be )(created|updated|reactivated|deactivated|ended|set,)", written)


def test_each_line_of_a_message_is_a_line_of_junit() -> None:
    suites = junit(samples.of_several_lines())

    (store,), (_store, user) = suites["refused"], suites["partly"]
    assert store.result[0].text.splitlines() == samples.LINES
    assert user.result[0].text.splitlines() == samples.LINES
    assert user.result[0].message == " ".join(samples.LINES)


def test_junit_accepts_every_value() -> None:
    names = [case.name for cases in junit(hostile()).values() for case in cases]

    assert {escape_control(text) for text in samples.HOSTILE} <= set(names)
