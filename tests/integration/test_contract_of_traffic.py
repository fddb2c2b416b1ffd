# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client sends is what the API documents, and what it gets is what a store may answer."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import requests
from publica_sandbox.testing import SandboxStore
from support.readings import Reading, describe
from support.short_life import ANA, stages

from support import in_process
from support.paths import TESTS

sys.path.insert(0, str(TESTS.parent / "contract"))
from openapi_validation import validate_exchange

READINGS: list[Reading] = [
    {},
    {"validation_body": "message", "paginator": "full", "booleans_accepted": "documented"},
    {"validation_body": "data", "empty_result": "not_found", "user_plans": "nested"},
    {"force_logout_path": "example", "force_logout_answer": "no_content", "times": "iso"},
]


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Every request that is sent, with its answer."""
    recorded: list[tuple[Any, Any]] = []
    send = requests.Session.send

    def record(session: Any, request: Any, **options: Any) -> Any:
        answer = send(session, request, **options)
        recorded.append((request, answer))
        return answer

    monkeypatch.setattr(requests.Session, "send", record)
    return recorded


@pytest.mark.parametrize("reading", READINGS, ids=describe)
def test_a_life_keeps_to_the_contract(
    reading: Reading, store: SandboxStore, exchanges: list[tuple[Any, Any]]
) -> None:
    store.configure(**reading)
    for stage in stages(reading):
        in_process.bulk(store, stage.rows)
    in_process.user(store, {**ANA, "plan_id": 999})
    in_process.info(store, status="all")
    in_process.info(store, admins=True)
    in_process.logout(store, external_id=ANA["external_id"])

    problems = [
        problem
        for request, answer in exchanges
        for problem in validate_exchange(
            request.method,
            request.url,
            request.headers,
            request.body,
            answer.status_code,
            answer.headers,
            answer.content,
        )
    ]

    assert problems == []
    # Of the two documented paths of force logout, a store may have one.
    sent = {(row["method"], row["endpoint"]) for row in store.journal() if row["endpoint"]}
    assert sent == {
        ("GET", "list"),
        ("POST", "create"),
        ("PUT", "update"),
        ("DELETE", "deactivate"),
        ("PUT", "reactivate"),
        ("POST", "force_logout"),
    }
    assert {answer.status_code for _, answer in exchanges} >= {200, 204, 422}
