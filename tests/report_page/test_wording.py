# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of a report in each language, and which of them a report shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.report import wording
from ansible_collections.publica.la.plugins.plugin_utils.report.text import files_of
from ansible_collections.publica.la.plugins.plugin_utils.report.wording import (
    LANGUAGES,
    Texts,
    catalogue,
)

import samples

ENGLISH, *OTHERS = LANGUAGES
FAILED = samples.result([samples.user("x@example.org", error=samples.error("refused"))])


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_has_the_same_texts_and_placeholders(language: str) -> None:
    english, other = catalogue(ENGLISH), catalogue(language)

    assert list(english) == list(other)
    for name, text in english.items():
        assert other[name].strip() or name == "thousands"
        # A text that depends on a number may have a singular and a plural form.
        (expected,) = {frozenset(re.findall(r"\{\w+\}", form)) for form in text.split("|")}
        for form in other[name].split("|"):
            assert frozenset(re.findall(r"\{\w+\}", form)) == expected
    assert len(other["months"].split()) == 12


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(ValueError, match="fr"):
        Texts("fr")


@pytest.mark.parametrize(
    ("language", "number", "date"),
    [("en", "12,345", "3 Dec 2026"), ("es", "12\u202f345", "3 dic 2026"),
     ("pt", "12.345", "3 dez 2026")],
)  # fmt: skip
def test_numbers_and_dates_follow_the_language(language: str, number: str, date: str) -> None:
    texts = Texts(language)

    assert texts.number(12345) == number
    assert texts.date("2026-12-03") == date
    assert texts.date("no date") == "no date"


def test_braces_in_a_value_are_not_a_placeholder() -> None:
    assert Texts("en")("value.until", plan="{date}", date="{plan}") == "{date} until {plan}"


def created(number: int, minutes: int) -> dict[str, Any]:
    """A result with so many new users."""
    new = [samples.user(f"{one}@example.org", "create") for one in range(number)]
    return samples.result(new, plan=samples.cost(number, minutes))


def changed(number: int) -> dict[str, Any]:
    """A result with so many users that changed."""
    return samples.result(samples.many(number))


@pytest.mark.parametrize(
    ("stores", "kind", "check_mode", "headline"),
    [
        ({"n": changed(1)}, "audit", True,
         "Audit: nothing was written. 1 user in 1 store differs from the inventory. "
         "1 would be created. The run needs 5 requests."),
        ({"n": changed(2), "s": changed(3)}, "provision", True,
         "Dry run: nothing was written. 5 users in 2 stores would change. "
         "2 would be created, 3 would be updated. The run needs 13 requests."),
        ({"n": created(200, minutes=3)}, "provision", True,
         "Dry run: nothing was written. 200 users in 1 store would be created. "
         "The run needs 204 requests, about 3 minutes."),
        ({"n": changed(2)}, "provision", False, "2 users in 1 store were changed."),
        ({"n": samples.result()}, "provision", False,
         "In 1 store, everything is as the inventory declares."),
        ({"n": FAILED}, "provision", False,
         "No user was changed. 1 user failed or was not tried."),
        ({"n": samples.result(), "s": {}}, "audit", True,
         "Audit: nothing was written. No user differs. 1 store was not compared."),
        ({"n": {"failed": True, "msg": "down"}}, "audit", True,
         "Audit: nothing was written. No store could be compared with the inventory. "
         "1 store failed."),
        ({"n": {**changed(4), "results": [], "diff": []}}, "provision", False,
         "Users were changed in 1 store."),
        ({"n": {**changed(4), "results": [], "diff": []}}, "provision", True,
         "Dry run: nothing was written. Users in 1 store would change. 1 would be created, "
         "2 would be updated, 1 would be deactivated. The run needs 8 requests."),
        ({"n": samples.of_record(), "s": samples.result()}, "provision", False,
         "No user was changed. 90 unchanged users were not read."),
        ({"n": samples.of_record(samples.many(1), unverified=1)}, "provision", False,
         "1 user in 1 store was changed. 1 unchanged user was not read."),
        ({"n": samples.of_record(unverified=0)}, "audit", True,
         "Audit: nothing was written. In 1 store, everything is as the inventory declares."),
    ],
)  # fmt: skip
def test_the_headline_has_the_changes_and_each_kind_of_failure(
    stores: dict[str, Any], kind: str, check_mode: bool, headline: str
) -> None:
    report = samples.report(stores, kind, check_mode=check_mode)

    assert " ".join(wording.headline(report, Texts("en"))).strip() == headline


@pytest.mark.parametrize(
    ("language", "headline"),
    [
        ("es", ("Simulación: no se escribió nada. Se crearían 1.500 usuarios en 1 tienda.",
                "La ejecución necesita 1.504 solicitudes, unos 16 minutos.")),
        ("pt", ("Simulação: nada foi gravado. Seriam criados 1.500 usuários em 1 loja.",
                "A execução precisa de 1.504 requisições, cerca de 16 minutos.")),
    ],
)  # fmt: skip
def test_a_dry_run_in_each_language(language: str, headline: tuple[str, str]) -> None:
    report = samples.report({"n": created(1500, minutes=16)}, "provision")

    found = wording.headline(report, Texts(language))

    assert tuple(text.replace("\u202f", ".") for text in found) == headline


def test_a_change_that_changed_when_hides_is_one() -> None:
    report = samples.report({"n": {**changed(1), "changed": False}}, "provision")

    assert [store["status"] for store in report["stores"]] == ["changed"]


def test_the_report_of_an_audit_may_be_written_outside_check_mode() -> None:
    report = samples.report({"n": changed(1)}, "audit", check_mode=False)

    assert report["check_mode"]
    assert [change["status"] for change in report["changes"]] == ["foreseen"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "check_mode"), [("audit", True), ("provision", False)])
def test_no_placeholder_remains(language: str, kind: str, check_mode: bool) -> None:
    leavers = samples.of_record([samples.leaver("leaver@example.org")])
    stores = {"north": changed(6), "south": {}, "east": FAILED, "west": leavers}
    files = files_of(samples.report(stores, kind, check_mode=check_mode), language)

    page = files["index.html"].partition('<script type="application/json"')[0]
    for text in (page.partition("</style>")[2], files["report.md"], files["junit.xml"]):
        assert re.findall(r"\{\w+\}", text) == []


@pytest.mark.parametrize(
    ("language", "notes"),
    [
        ("en",
         "90 unchanged users were not read, because their rows are as they were applied last. "
         "Last complete comparison: 23 Nov 2026, 02:00 UTC. "
         "Not in the inventory, but not deactivated: admin (1), not found (2), a new reason (3)."),
        ("pt", "90 usuários sem alteração não foram lidos, porque suas linhas não mudaram desde "
         "que foram aplicadas. Última comparação completa: 23 nov 2026, 02:00 UTC. "
         "Fora do inventário, mas não desativados: administrador (1), não encontrado (2), "
         "a new reason (3)."),
    ],
)  # fmt: skip
def test_the_notes_on_a_store_with_a_record(language: str, notes: str) -> None:
    store = samples.of_record()
    for reason, number in (("not_found", 2), ("a new reason", 3)):
        store["kept"][reason] = {"count": number, "users": ["x@example.org"]}
    (found,) = samples.report({"north": store})["stores"]

    assert wording.store_notes(found, Texts(language)) == notes


def test_a_record_that_was_never_compared_completely() -> None:
    store = samples.of_record(unverified=90, kept={})
    store["last_applied"]["verified_at"] = None
    (found,) = samples.report({"north": store})["stores"]

    assert wording.store_notes(found, Texts("en")).endswith("Last complete comparison: never.")


def test_a_run_that_reads_all_users_shows_no_earlier_comparison() -> None:
    (found,) = samples.report({"north": samples.of_record(unverified=0, kept={})})["stores"]

    assert wording.store_notes(found, Texts("en")) == ""


def test_a_result_of_an_earlier_version_has_no_record() -> None:
    report = samples.report({"north": samples.result(samples.many(4))})

    (store,) = report["stores"]
    assert (store["last_applied"], store["kept"], store["summary"]["unverified"]) == (None, {}, 0)
    assert not any(change["leaver"] for change in report["changes"])
    assert wording.store_notes(store, Texts("en")) == ""
    assert "not read" not in files_of(report, "en")["report.md"].lower()


def test_plans_are_written_in_the_language_of_the_report() -> None:
    after = [
        samples.plan(12, "Library (card)", valid_to="2027-06-30"),
        samples.plan(13, cancelled=True),
        samples.plan(None, "Campus"),
        samples.plan(None),
    ]

    label, before, value = wording.difference(
        {"name": "plans", "before": [], "after": after}, Texts("es")
    )

    assert (label, before) == ("Planes", "ninguno")
    assert value == (
        "Library (card) (12) hasta 30 jun 2027, Plan 13, cancelado, Campus, "
        "La tienda no informa el plan"
    )


def test_the_warning_of_a_guard_is_highlighted_and_shown_once() -> None:
    guard = {"code": "not_approved", "message": "Another plan.", "warning": "Another plan. Why."}
    warnings = ["Another plan. Why.", "Another thing."]
    store = samples.result(samples.many(2), guard=guard, warnings=warnings)

    found = wording.notices(samples.report({"north": store}), Texts("en"))

    assert found == [
        ("warn", "Guard", "north", "Another plan. Why."),
        ("note", "Warning", "north", "Another thing."),
    ]


def test_a_guard_that_refused_the_plan_is_shown_as_the_failure_only() -> None:
    guard = {"code": "not_approved", "message": "Another plan.", "warning": None}
    store = {**FAILED, "guard": guard, "msg": "Nothing was changed. Another plan."}

    found = wording.notices(samples.report({"north": store}), Texts("en"))

    assert found == [("bad", "Failed", "north", "Nothing was changed. Another plan.")]
