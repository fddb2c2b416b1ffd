# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a store after a preflight: in words, within 80 columns, and with no other markup."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.preflight import (
    NOT_SEEN,
    VARIANTS,
    WIDTH,
    first_run,
    lines_of,
    page_of,
    report_of,
    store_of,
    summary_lines,
)

SEEN: dict[str, Any] = {
    "external_id_returned": True, "paginator": "full", "per_page_max": 100,
    "search_finds_deactivated": False, "list_holds_deactivated": True, "plan_rows": "plan",
    "plans_list": True, "times": "iso", "booleans": "number",
}  # fmt: skip
CENSUS: dict[str, Any] = {
    "active": 1250, "deactivated": 30, "admins": 2, "plan_admins": None, "institutions": 1,
    "anonymized": 0, "not_editable": 0, "without_external_id": 3, "external_id_too_long": 4,
    "without_plan": None, "requests_to_list": 14,
}  # fmt: skip
ROWS = {"summary": {"desired": 200}}


def result(**changes: Any) -> dict[str, Any]:
    store = {"rate_limit": 100, "clock_offset_seconds": 0, "variants": SEEN}
    return {
        "store": {**store, **changes.pop("store", {})},
        "requests_a_minute": 100,
        "requests_to_list": 4,
        "unknown": [{"variant": 9, "text": "whether an update replaces or merges"}],
        "api": {"requests": 6},
        **changes,
    }


def failed(message: str, code: str | None = "unauthenticated") -> dict[str, Any]:
    failure = {"failure": {"code": code, "message": message}} if code else {}
    return {"failed": True, "msg": message, **failure}


def text_of(found: dict[str, Any], rows: dict[str, Any] = ROWS, name: str = "press") -> str:
    """The page as one text, with single blanks."""
    lines = list(lines_of(store_of(name, found, rows)))
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)
    return " ".join(" ".join(lines).split())


def test_the_page_of_a_store() -> None:
    text = text_of(result(census=CENSUS, warnings=["The list of plans has an unknown form."]))
    for part in (
        "press =====",
        "accepts the token. 6 requests, nothing written.",
        "100 requests a minute. The store's clock and the one here agree.",
        "A page holds up to 100 users. [5]",
        "External ids are shown, so users are matched by them. [8]",
        "A search for an address finds active users only. [2]",
        "The list of active users holds deactivated ones too. [3]",
        "1,250 active users, 30 deactivated.",
        "2 of them administer the store",
        "1 of them are institutions",
        "3 of them have no external_id",
        "4 of them have an external_id that the API refuses",
        "Not shown by the store: plan_admins, without_plan.",
        "200 rows in the lists and the file. About 204 requests, about 3 minutes: a write for "
        "each row, and 4 to read the store.",
        "publica.la.provision --check --diff",
        "Unknown until a write whether an update replaces or merges [9].",
        "Warnings - The list of plans has an unknown form.",
    ):
        assert part in text
    assert "Not seen" not in text
    assert "anonymized" not in text


def test_each_value_of_a_variant_is_in_words() -> None:
    for number, name, texts in VARIANTS:
        for value, words in texts.items():
            text = text_of(result(store={"variants": {**SEEN, name: value}}))
            assert f"{words} [{number}]" in text
    nothing = text_of(result(store={"variants": dict.fromkeys(SEEN)}))
    assert f"Not seen: {', '.join(NOT_SEEN.values())}." in nothing
    assert NOT_SEEN.keys() == SEEN.keys()


@pytest.mark.parametrize(
    ("store", "usable", "part"),
    [
        ({"rate_limit": None}, None, "The store reports no limit."),
        ({}, 50, "100 requests a minute, of which runs use 50 (rate_limit_share)."),
        ({"clock_offset_seconds": None}, 100, "its answers have no date"),
        ({"clock_offset_seconds": 7200}, 100, "The store's clock is 7,200 s ahead of the one here"),
        ({"clock_offset_seconds": -2}, 100, "The store's clock is 2 s behind the one here"),
    ],
)
def test_the_limit_and_the_clock(store: dict[str, Any], usable: int | None, part: str) -> None:
    assert part in text_of(result(store=store, requests_a_minute=usable))


@pytest.mark.parametrize(
    ("changes", "rows", "expected"),
    [
        ({}, ROWS, (200, 204, 3)),
        ({"requests_a_minute": 50}, ROWS, (200, 204, 5)),
        ({"requests_a_minute": None}, ROWS, (200, 204, None)),
        ({"requests_to_list": None}, ROWS, (200, None, 2)),
        ({}, {"summary": {"desired": 0}}, (0, 4, 1)),
        ({}, {"skipped": True, "changed": False}, (None, None, None)),
        ({}, {}, (None, None, None)),
    ],
    ids=str,
)
def test_the_cost_of_a_first_run(
    changes: dict[str, Any], rows: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    cost = first_run(result(**changes), rows)
    assert (cost["rows"], cost["requests"], cost["minutes"]) == expected
    assert cost["error"] is None


def test_a_first_run_in_words() -> None:
    assert "About as many writes, about 2 minutes, and one request for each 100 users" in text_of(
        result(requests_to_list=None)
    )
    assert "No list and no file of users is set yet." in text_of(result(), {})
    one = text_of(result(), {"summary": {"desired": 1}})
    assert "1 row in the lists and the file. About 5 requests, less than a minute: a" in one
    without = text_of(result(store={"rate_limit": None}, requests_a_minute=None))
    assert "About 204 requests: a write for each row" in without


def test_the_census_is_offered_with_its_cost() -> None:
    assert "Not counted. -e publica_preflight_census=true reads all users: 4 requests." in text_of(
        result()
    )
    assert "one request for each 100 users" in text_of(result(requests_to_list=None))


@pytest.mark.parametrize("code", ["invalid_input", None])
def test_the_errors_of_a_list_are_shown(code: str | None) -> None:
    rows = {**failed("2 validation errors.\nusers[0].email: wrong", code), "failed": False}
    text = text_of(result(), rows)
    assert "A run refuses the list and the file before its first request: 2 validation" in text
    assert "users[0].email: wrong" in text
    store = store_of("press", result(), rows)
    assert store["status"] == "ready"
    summary = " ".join(summary_lines([store]))
    assert "1 of 1 store can be managed.   With a list that a run refuses: press." in summary


@pytest.mark.parametrize(
    ("found", "status", "part"),
    [
        (failed("No.\nMore"), "failed", "Failed (unauthenticated): No. More"),
        (failed("argument 'census' is of type", None), "failed", "Failed: argument 'census' is"),
        ({"unreachable": True, "msg": "No ssh"}, "failed", "Failed: No ssh"),
        ({}, "not_run", "It was not read. See the error above."),
        # The result of the task that checks the variables.
        ({"changed": False}, "not_run", "It was not read."),
    ],
    ids=str,
)
def test_a_store_that_was_not_read(found: dict[str, Any], status: str, part: str) -> None:
    text = text_of(found, {})
    assert part in text
    store = store_of("faro", found, {})
    assert (store["status"], store["store"], store["first_run"]) == (status, None, None)
    summary = " ".join(summary_lines([store, store_of("press", result(), ROWS)]))
    assert "1 of 2 stores can be managed.   Failed: faro." in summary


def test_no_text_leaves_the_page_or_adds_a_line() -> None:
    odd = "a\x1b[31m\u202ename\nof-a-store-" + "x" * 200
    text = text_of(result(warnings=["line\none", "y" * 300]), ROWS, odd)
    assert "\\x1b[31m\\u202ename\\nof-a-store" in text
    assert "line\\none" in text


def test_the_page_of_a_report_has_no_markup_but_its_own() -> None:
    name = "<script>alert(1)</script>&"
    stores = [store_of(name, failed("<b>No</b>"), {}), store_of("press", result(), ROWS)]
    report = report_of(stores, generated_at="2026-06-01T10:00:00Z", version="12.34.56")
    page = page_of(report)
    assert page.count("<script") == page.count("<b>") == page.count("http:") == 0
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in page
    assert "2026-06-01T10:00:00Z, publica.la 12.34.56" in page
    assert "Content-Security-Policy" in page
    assert "1 of 2 stores can be managed." in page
    assert {key: report[key] for key in ("format", "kind")} == {"format": 1, "kind": "preflight"}
