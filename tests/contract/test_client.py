# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's requests, and the sandbox store's answers to them, match the description."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from publica_sandbox.testing import SandboxStore

from openapi_validation import validate_exchange
from support import in_process
from support.short_lifecycle import ANA, stages
from support.variants import Variant, describe

CONTRACT: list[Variant] = [
    {},
    {"validation_body": "message", "paginator": "full", "booleans_accepted": "documented"},
    {"validation_body": "data", "empty_result": "not_found", "user_plans": "nested"},
    {"force_logout_path": "example", "force_logout_answer": "no_content", "times": "iso"},
    {
        "force_logout_path": "auth_sessions",
        "trailing_slash": "without_slash",
        "trailing_slash_answer": "not_found",
        "plan_status": "order",
        "institution_fields": "null",
        "anonymized_shown": False,
        "can_be_edited": "missing",
    },
]


@pytest.mark.parametrize("variant", CONTRACT, ids=describe)
def test_requests_and_answers_follow_the_contract(
    variant: Variant, store: SandboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges: list[tuple[Any, Any, bytes]] = []
    send = requests.Session.send

    def record(session: Any, request: Any, **options: Any) -> Any:
        answer = send(session, request, **options)
        # Read now, since the client reads it only once, in parts.
        exchanges.append((request, answer, answer.content))
        return answer

    monkeypatch.setattr(requests.Session, "send", record)
    store.configure(**variant)
    for stage in stages(variant):
        in_process.bulk(store, stage.rows)
    in_process.user(store, {**ANA, "plan_id": 999})
    in_process.info(store, status="all")
    in_process.info(store, admins=True)
    key = "external_id"
    if variant.get("force_logout_path") == "auth_sessions":
        # It takes an id only; before, a client may try forms that no documentation has.
        key = "id"
    in_process.logout(store, **{key: store.user(external_id=ANA["external_id"])[key]})

    problems = [
        problem
        for sent, got, content in exchanges
        for problem in validate_exchange(
            *(sent.method, sent.url, sent.headers, sent.body),
            *(got.status_code, got.headers, content),
        )
    ]

    assert problems == []
    # A store may have only one of the documented paths of force logout.
    logout = "DELETE" if key == "id" else "POST"
    assert {(row["method"], row["endpoint"]) for row in store.journal() if row["endpoint"]} == {
        ("GET", "list"),
        ("POST", "create"),
        ("PUT", "update"),
        ("DELETE", "deactivate"),
        ("PUT", "reactivate"),
        (logout, "force_logout"),
    }
    assert {answer.status_code for _, answer, _ in exchanges} >= {200, 204, 422}
