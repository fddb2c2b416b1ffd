# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short lifecycle in every API variant, with both modules, and as requests on the wire."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import requests
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from support import in_process
from support.database import differences
from support.in_process import MODULES, SINGLE
from support.short_lifecycle import ANA, LOOK_ALIKES, Rows, Stage, fill, stages
from support.variants import (
    CANNOT_MEET,
    ELSEWHERE,
    VALUES,
    Variant,
    all_variants,
    describe,
    paired_variants,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
from openapi_validation import validate_exchange

CONTRACT: list[Variant] = [
    {},
    {"validation_body": "message", "paginator": "full", "booleans_accepted": "documented"},
    {"validation_body": "data", "empty_result": "not_found", "user_plans": "nested"},
    {"force_logout_path": "example", "force_logout_answer": "no_content", "times": "iso"},
]


def _provision(store: SandboxStore, rows: Rows, module: str) -> list[dict[str, Any]]:
    if module == SINGLE:
        return [in_process.user(store, row) for row in rows]
    return [in_process.bulk(store, rows)]


# Without it, a listing without end would stop the suite.
@pytest.mark.timeout(120)
@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("variant", all_variants())
def test_a_lifecycle(variant: Variant, module: str, store: SandboxStore) -> None:
    fill(store, variant, LOOK_ALIKES)
    for stage in stages(variant):
        _check(store, stage, _provision(store, stage.rows, module))
        store.clear_journal()

        again = _provision(store, stage.rows, module)

        _check(store, stage, again)
        assert not any(result["changed"] for result in again), f"{stage.name}, again: {again}"
        writes = store.journal(writes=True)
        assert [row for row in writes if row["changed"]] == [], f"{stage.name}, again"
        if variant.get("shift_between_pages") != "delete":
            # Otherwise a listing may lack one of these users; the store then refuses to create the
            # account again, which is left as it is.
            assert writes == [], f"{stage.name}, again"
    for stranger in LOOK_ALIKES:
        assert differences(stranger, store.user(email=stranger["email"])) == {}


def _check(store: SandboxStore, stage: Stage, results: Sequence[Mapping[str, Any]]) -> None:
    assert [result["msg"] for result in results if result.get("failed")] == [], stage.name
    for external_id, expected in stage.holds.items():
        row = store.user(external_id=external_id)
        assert differences(expected, row) == {}, f"{stage.name}: {external_id}"
    for external_id, expected_plans in stage.plans.items():
        row = store.user(external_id=external_id)
        held = [plan["plan_id"] for plan in store.plans_of(row["id"])]
        assert held == list(expected_plans), f"{stage.name}: {external_id}"
    warnings = [warning for result in results for warning in result.get("warnings", [])]
    if stage.warns is not None:
        assert any(stage.warns in warning for warning in warnings), f"{stage.name}: {warnings}"


@pytest.mark.parametrize("variant", CONTRACT, ids=describe)
def test_requests_and_answers_follow_the_contract(
    variant: Variant, store: SandboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges: list[tuple[Any, Any]] = []
    send = requests.Session.send

    def record(session: Any, request: Any, **options: Any) -> Any:
        answer = send(session, request, **options)
        exchanges.append((request, answer))
        return answer

    monkeypatch.setattr(requests.Session, "send", record)
    store.configure(**variant)
    for stage in stages(variant):
        in_process.bulk(store, stage.rows)
    in_process.user(store, {**ANA, "plan_id": 999})
    in_process.info(store, status="all")
    in_process.info(store, admins=True)
    in_process.logout(store, external_id=ANA["external_id"])

    problems = [
        problem
        for sent, got in exchanges
        for problem in validate_exchange(
            *(sent.method, sent.url, sent.headers, sent.body),
            *(got.status_code, got.headers, got.content),
        )
    ]

    assert problems == []
    # A store may have only one of the two documented paths of force logout.
    assert {(row["method"], row["endpoint"]) for row in store.journal() if row["endpoint"]} == {
        ("GET", "list"),
        ("POST", "create"),
        ("PUT", "update"),
        ("DELETE", "deactivate"),
        ("PUT", "reactivate"),
        ("POST", "force_logout"),
    }
    assert {answer.status_code for _, answer in exchanges} >= {200, 204, 422}


def test_every_two_values_meet() -> None:
    assert set(ELSEWHERE) <= set(Switches.model_fields)
    met = {pair for variant in paired_variants() for pair in combinations(variant.items(), 2)}
    met |= {(second, first) for first, second in met}

    for (first, ones), (second, others) in combinations(VALUES.items(), 2):
        missing = {((first, one), (second, other)) for one, other in product(ones, others)} - met
        assert missing <= CANNOT_MEET, missing
