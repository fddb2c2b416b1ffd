# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated requests against the sandbox: all answers must match the OpenAPI description.

The requests are derived from the description and are the same in each run.
"""

from __future__ import annotations

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from openapi_validation import contract, operations

load_all_checks()

USERS = 12
PLANS = (11, 12, 13)
# The identifier of force logout is any text, so that no user matches a generated one.
GOOD = {
    "create": {200},
    "createWithoutSlash": {200, 301},
    "list": {200},
    "update": {204},
    "deactivate": {200},
    "reactivate": {200},
    "forceLogout": {404},
    "forceLogoutOfExample": {404},
    "endSessions": {200, 204},
    "listSessions": {200},
    "listPlans": {200},
}
OTHERS = [
    {"email": "campus@example.org", "ip_ranges": ["192.0.2.0/24"], "referrers": ["example.org"]},
    {"email": None, "external_id": "x" * 65, "anonymized": True, "open_sessions": 2},
    {"email": None, "external_id": None, "can_be_edited": False, "plans": [{"plan_id": 11}]},
]
CONFORMANCE = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# A store accepts more than is documented. This variant makes it refuse the rest.
STRICT = {"booleans_accepted": "documented"}
VARIANTS = {
    "defaults": {},
    "other-answers": {
        "empty_result": "not_found",
        "paginator": "full",
        "booleans": "string",
        "times": "object",
        "user_plans": "nested",
        "plan_dates": "iso",
        "numbers_as_strings": True,
        "validation_body": "data",
        "list_holds_deactivated": True,
        "list_order": "oldest",
        "force_logout_path": "example",
        "impersonation": "none",
        "external_id_shown": False,
        "plan_status": "row",
        "institution_fields": "null",
        "list_leaves_out": "all",
        "plans_list": "list",
    },
    "other-behaviour": {
        "put": "replace",
        "put_on_deactivated": "ok",
        "deactivate_again": "ok",
        "reactivate_again": "ok",
        "force_logout_path": "both",
        "force_logout_answer": "no_content",
        "validation_body": "message",
        "user_plans": "hidden",
        "booleans": "integer",
        "times": "iso",
        "password_required": True,
        "trailing_slash": "with_slash",
        "plan_status": "order",
        "plan_end": "dropped_for_recurring",
        "can_be_edited": "missing",
        "institution_fields": "missing",
        "anonymized_shown": False,
        "anonymized_email": "replaced",
        "rate_limit_reset": "always",
        "rate_limit": 1_000_000,
    },
}
SETTINGS = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def operation(operation_id):
    found = operations()[operation_id]
    return schemathesis.openapi.from_dict(contract())[found.path][found.method]


def send(case, store, *checks):
    """Send a generated request. Its answer must match the description."""
    answer = case.call(base_url=store.base_url, headers={"X-User-Token": store.token})
    case.validate_response(answer, checks=CHECKS.get_by_names([*CONFORMANCE, *checks]))
    return answer


def use_existing_ids(case):
    """Make most requests use an existing user and plan, which a generated id hardly ever does."""
    user_id = (case.path_parameters or {}).get("user_id", 0)
    if user_id % 3:
        case.path_parameters["user_id"] = user_id % USERS + 1
    if isinstance(case.body, dict) and case.body.get("assign_new_plan"):
        case.body["assign_new_plan"] = PLANS[int(case.body["assign_new_plan"]) % len(PLANS)]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("operation_id", operations())
def test_good_requests(store, operation_id, variant):
    store.generate_users(USERS, deactivated=3)
    store.add_users(OTHERS)
    store.configure(**VARIANTS[variant])
    seen = Counter()

    @SETTINGS
    @given(case=operation(operation_id).as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: Case) -> None:
        use_existing_ids(case)
        answer = send(case, store)
        seen[answer.status_code] += 1
        if answer.status_code == 422 and not lacks_password(case, store):
            # The description cannot express which addresses are in use.
            assert "has already been taken" in answer.content.decode()

    check()
    assert set(seen) & GOOD[operation_id], seen


def lacks_password(case, store):
    return store.switches()["password_required"] and not case.body.get("new_password")


@pytest.mark.parametrize("operation_id", ["create", "update", "deactivate", "reactivate"])
def test_bad_requests(store, operation_id):
    store.generate_users(USERS)
    store.configure(**STRICT)
    fixed = {"headers": {"X-User-Token": store.token}}
    if operation_id == "update":
        fixed["path_parameters"] = {"user_id": 5}
    bad = operation(operation_id).as_strategy(generation_mode=GenerationMode.NEGATIVE, **fixed)
    before = store.users()

    @SETTINGS
    @given(case=bad)
    def check(case: Case) -> None:
        send(case, store, "negative_data_rejection")

    check()
    assert store.users() == before
    assert store.journal()


@pytest.mark.parametrize("operation_id", operations())
def test_requests_without_the_token(store, operation_id):
    store.configure(force_logout_path="both")

    @settings(SETTINGS, max_examples=3)
    @given(case=operation(operation_id).as_strategy())
    def check(case: Case) -> None:
        headers = {"X-User-Token": "not-the-token"}
        answer = case.call(base_url=store.base_url, headers=headers)
        assert answer.status_code == 401
        case.validate_response(answer, checks=CHECKS.get_by_names(CONFORMANCE))

    check()


@pytest.mark.parametrize("operation_id", operations())
def test_requests_beyond_the_limit(store, operation_id):
    store.configure(rate_limit=1, force_logout_path="both")
    statuses = []

    @settings(SETTINGS, max_examples=4)
    @given(case=operation(operation_id).as_strategy())
    def check(case: Case) -> None:
        statuses.append(send(case, store).status_code)

    check()
    assert 429 in statuses
