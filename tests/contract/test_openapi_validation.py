# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from openapi_spec_validator import validate

from contract import contract, operations
from openapi_validation import validate_exchange

USERS = "http://127.0.0.1:8080/integration-api/v1/dashboard/users"
HEADERS = {"x-user-token": "some-token", "Content-Type": "application/json; charset=utf-8"}
JSON = [("content-type", "application/json")]
DONE = '{"CODE": "success", "data": []}'
MISSING = '{"message": ""}'
SHORT = '{"CODE": "success"}'


def examples(kind):
    for operation in operations().values():
        content = operation.description.get("requestBody", {}).get("content", {})
        named = {
            "good": content.get("application/json", {}).get("examples", {}),
            "bad": operation.description.get("x-bad-examples", {}),
        }[kind]
        for name, example in named.items():
            body = example["value"] if kind == "good" else example
            yield pytest.param(operation, body, id=f"{operation.id}-{name}")


def exchange(operation, body):
    url = "https://store.example" + operation.path.replace("{user_id}", "5")
    invalid = json.dumps({"CODE": "validation_error", "message": "No."})
    return validate_exchange(operation.method, url, HEADERS, json.dumps(body), 422, JSON, invalid)


def test_the_contract_is_valid_openapi():
    validate(contract())


@pytest.mark.parametrize(("operation", "body"), list(examples("good")))
def test_good_examples_pass(operation, body):
    assert exchange(operation, body) == []


@pytest.mark.parametrize(("operation", "body"), list(examples("bad")))
def test_bad_examples_are_refused(operation, body):
    problems = exchange(operation, body)
    assert problems
    assert all(": request: " in problem for problem in problems)


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "answer"),
    [
        ("DELETE", f"{USERS}/5", HEADERS, None, (200, JSON, DONE)),
        ("DELETE", f"{USERS}/5", HEADERS, b"", (503, {"Content-Type": "text/html"}, "<html>")),
        ("POST", f"{USERS}/x-5/force-logout", HEADERS, None, (404, JSON, MISSING)),
        ("POST", f"{USERS}/5/force-logout", HEADERS, None, (204, {}, None)),
        ("GET", f"{USERS}?query=a%40b.org&page=2", HEADERS, None, (404, JSON, MISSING)),
    ],
)
def test_documented_exchanges_pass(method, url, headers, body, answer):
    assert validate_exchange(method, url, headers, body, *answer) == []


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "answer", "problem"),
    [
        ("DELETE", f"{USERS}/5", {}, None, (200, JSON, DONE), "request: Security not found"),
        ("DELETE", f"{USERS}/five", HEADERS, None, (200, JSON, DONE), "request: Failed to cast"),
        ("GET", f"{USERS}?page=0", HEADERS, None, (404, JSON, MISSING), "request: 0 is less"),
        ("GET", f"{USERS}?pages=2", HEADERS, None, (404, JSON, MISSING), "pages: not a doc"),
        ("GET", f"{USERS}/", HEADERS, None, (200, JSON, DONE), "not a documented endpoint"),
        ("PATCH", USERS, HEADERS, None, (405, JSON, MISSING), "not a documented endpoint"),
        ("DELETE", f"{USERS}/5", HEADERS, None, (302, JSON, DONE), "answer 302: Unknown"),
        (
            "DELETE",
            f"{USERS}/5",
            HEADERS,
            None,
            (200, JSON, SHORT),
            "answer 200: 'data'",
        ),
        ("DELETE", f"{USERS}/5", HEADERS, '{"a": 1}', (200, JSON, DONE), "a: not a documented f"),
        ("DELETE", f"{USERS}/5", HEADERS, None, (200, {"Content-Type": "text/html"}, "x"), "html"),
        ("GET", USERS, HEADERS, None, (200, JSON, '{"CODE": "success", "data": {}}'), "paginator"),
    ],
)
def test_other_exchanges_do_not(method, url, headers, body, answer, problem):
    (found,) = validate_exchange(method, url, headers, body, *answer)
    assert problem in found
