# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says, in each language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.report import wording
from ansible_collections.publica.la.plugins.plugin_utils.report.forms import forms_of
from ansible_collections.publica.la.plugins.plugin_utils.report.texts import (
    LANGUAGES,
    Texts,
    catalogue,
)

import samples

FIRST, *OTHERS = LANGUAGES


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_has_the_same_texts_and_places(language: str) -> None:
    first, other = catalogue(FIRST), catalogue(language)

    assert list(first) == list(other)
    for name, text in first.items():
        assert other[name].strip() or name == "thousands"
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", other[name]))
        assert len(other["months"].split()) == 12


def test_a_language_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="fr; en, es, pt"):
        Texts("fr")


@pytest.mark.parametrize(
    ("language", "number", "date"),
    [("en", "12,345", "3 Dec 2026"), ("es", "12\u202f345", "3 dic 2026"),
     ("pt", "12.345", "3 dez 2026")],
)  # fmt: skip
def test_numbers_and_dates_are_the_languages_own(language: str, number: str, date: str) -> None:
    texts = Texts(language)

    assert texts.number(12345) == number
    assert texts.date("2026-12-03") == date


def test_a_value_with_braces_stays_itself() -> None:
    told = Texts("en")("seats.state_bar", store="{active}", active=1, deactivated=2)

    assert told == "{active}: 1 active, 2 deactivated"


PARTLY = samples.result([samples.item("x@example.org", error=samples.error("refused"))])


@pytest.mark.parametrize(
    ("stores", "kind", "check_mode", "words"),
    [
        ({"n": samples.many(1)}, "audit", True,
         "1 user in 1 store differs from the inventory."),
        ({"n": samples.many(2), "s": samples.many(3)}, "provision", True,
         "A run would change 5 users in 2 stores."),
        ({"n": samples.many(2)}, "provision", False, "2 users in 1 store were changed."),
        ({"n": samples.result()}, "provision", False,
         "Nothing had to be changed: in 1 store, everything is as the inventory declares."),
        ({"n": PARTLY}, "provision", False,
         "Nobody was changed. 1 user failed or was not tried."),
        ({"n": samples.result(), "s": {}}, "audit", True,
         "Nobody differs. 1 store was not compared."),
        ({"n": {"failed": True, "msg": "down"}}, "audit", True,
         "No store could be compared with the inventory. 1 store failed."),
        ({"n": {**samples.many(4), "results": [], "diff": []}}, "provision", False,
         "Users were changed in 1 store."),
    ],
)  # fmt: skip
def test_the_head_tells_the_run_in_a_sentence(
    stores: dict[str, Any], kind: str, check_mode: bool, words: str
) -> None:
    report = samples.report(stores, kind, check_mode=check_mode)

    assert wording.headline(report, Texts("en")) == words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "check_mode"), [("audit", True), ("provision", False)])
def test_no_place_is_left_unfilled(language: str, kind: str, check_mode: bool) -> None:
    stores = {"north": samples.many(6), "south": {}, "east": PARTLY}
    forms = forms_of(samples.report(stores, kind, check_mode=check_mode), language)

    page = forms["index.html"].partition('<script type="application/json"')[0]
    for text in (page.partition("</style>")[2], forms["report.md"], forms["junit.xml"]):
        assert re.findall(r"\{\w+\}", text) == []


def test_plans_in_a_difference_are_told_in_the_reports_language() -> None:
    entry = {
        "name": "plans",
        "before": [],
        "after": ["plan 12 (Library (card)) until 2027-06-30", "plan 13, cancelled", "plan 14"],
    }

    label, before, after = wording.difference(entry, Texts("es"))

    assert (label, before) == ("Planes", "ninguno")
    assert after == "Library (card) (12) hasta 30 jun 2027, Plan 13, cancelado, Plan 14"


def test_a_guard_that_a_warning_foretells_is_told_once() -> None:
    guard = {"code": "not_approved", "message": "Another plan was approved."}
    warned = {"guard": guard, "warnings": [f"A run would refuse this plan. {guard['message']}"]}
    report = samples.report({"north": {**samples.many(2), **warned}})

    (notice,) = wording.notices(report, Texts("en"))

    assert notice[0] == "warn"
    assert notice[3].endswith("Another plan was approved.")
