# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API variants as values of the sandbox store's switches, and their combinations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import pytest
from allpairspy import AllPairs
from publica_sandbox.switches import Switches

Variant = Mapping[str, Any]

# Switches that are not part of the combinations, and why.
ELSEWHERE = {
    "per_page_default": "the client always asks for a page length",
    "rate_limit": "test_rate_limits.py",
    "rate_limit_window": "test_rate_limits.py",
    "retry_after": "test_rate_limits.py",
    "rate_limit_reset": "test_rate_limits.py",
    "clock_offset": "test_rate_limits.py",
    "date_header": "test_rate_limits.py",
    "forbidden": "nothing can be provisioned: test_bad_connections.py",
    "writes_forbidden": "nothing can be provisioned",
    "external_id_max": "no external id of these tests is longer",
    "refuse_writes": "nothing can be provisioned: test_reports.py",
    "latency": "only the time differs",
}
# Values that are not part of the combinations, and why.
VALUES_ELSEWHERE = {
    ("trailing_slash_answer", "redirect_elsewhere"): "no user can be created",
}
# The values of switches that are numbers, the documented one first.
NUMBERS = {"per_page_max": [100, 7]}


def _values(name: str) -> list[Any]:
    """Every value of a switch, the documented one first."""
    field = Switches.model_fields[name]
    if name in NUMBERS:
        return list(NUMBERS[name])
    values = [False, True] if field.annotation is bool else list(get_args(field.annotation))
    assert values, f"{name}: add its values to NUMBERS, or its test to ELSEWHERE"
    combined = [value for value in values if (name, value) not in VALUES_ELSEWHERE]
    return sorted(combined, key=lambda value: value != field.default)


# Read from the sandbox store, so that a new switch is tested without a change here.
VALUES = {name: _values(name) for name in Switches.model_fields if name not in ELSEWHERE}


# The switches of lists depend on each other. Where the first user of the list is deactivated after
# each page, the first users must not be those of the test, and few pages must be read: such a list
# begins with the oldest user and has long pages. Every two values that can meet do so in these.
LISTS: list[Variant] = [
    {"list_order": "newest", "shift_between_pages": "none", "per_page_max": 100},
    {"list_order": "oldest", "shift_between_pages": "none", "per_page_max": 7},
    {"list_order": "newest", "shift_between_pages": "insert", "per_page_max": 7},
    {"list_order": "oldest", "shift_between_pages": "insert", "per_page_max": 100},
    {"list_order": "oldest", "shift_between_pages": "delete", "per_page_max": 100},
]


# Switches that have an effect only with a value of another one.
NEEDED: Mapping[str, Variant] = {
    "page_ignored": {"per_page_max": 7},
    "trailing_slash_answer": {"trailing_slash": "without_slash"},
}


@cache
def single_variants() -> list[Variant]:
    """The documented API, and each other value of one switch."""
    singles: list[Variant] = [{}]
    for name, values in VALUES.items():
        for value in values[1:]:
            lists = (variant for variant in LISTS if variant.get(name) == value)
            singles.append({**next(lists, {}), **NEEDED.get(name, {}), name: value})
    return singles


@cache
def paired_variants() -> list[Variant]:
    """Combinations in which every two values of two switches meet at least once."""
    others = [name for name in VALUES if name not in LISTS[0]]

    def is_possible(row: list[Any]) -> bool:
        # Together, they hide that an end is not kept: a second assignment leaves no trace.
        values = dict(zip(others, row[1:]))
        return (values.get("plan_end"), values.get("assign_again")) != ("own", "once")

    rows = AllPairs([LISTS, *(VALUES[name] for name in others)], filter_func=is_possible)
    return [{**row[0], **dict(zip(others, row[1:]))} for row in rows]


def _small_set() -> list[Variant]:
    """The fewest paired variants, chosen greedily, in which every value occurs."""
    missing = {(name, value) for name, values in VALUES.items() for value in values}
    chosen: list[Variant] = []
    while missing:
        best = max(paired_variants(), key=lambda variant: len(missing & set(variant.items())))
        missing -= set(best.items())
        chosen.append(best)
    return chosen


def all_variants() -> list[Any]:
    """Parameters: single and paired variants, of which the small set is not marked ``full``."""
    small = _small_set()
    cases = [
        pytest.param(variant, id=describe(variant), marks=[pytest.mark.full] if variant else [])
        for variant in single_variants()
    ]
    cases += [
        pytest.param(variant, id=f"pairs-{n}", marks=[] if variant in small else [pytest.mark.full])
        for n, variant in enumerate(paired_variants())
    ]
    return cases


def describe(variant: Variant) -> str:
    """A short name for a test: the values that differ from the documented ones."""
    unusual = [f"{n}={v}" for n, v in variant.items() if v != VALUES[n][0]]
    return ",".join(unusual) or "documented"


# The variants that take something away from what a run can find out after a lost answer.
FAULT_VARIANTS: dict[str, Variant] = {
    "documented": {},
    "replacing": {"paginator": "full", "put": "replace", "per_page_max": 7},
    "external-ids-hidden": {"external_id_shown": False},
    "plans-hidden": {"user_plans": "hidden"},
    "states-lenient": {
        "deactivate_again": "ok",
        "reactivate_again": "ok",
        "force_logout_deactivated": "ok",
        "search_finds_deactivated": True,
        "list_holds_deactivated": True,
        "per_page_max": 7,
    },
    "other-encodings": {
        "search_match": "exact",
        "search_case_sensitive": True,
        "emails_lowercased": True,
        "empty_result": "not_found",
        "list_order": "oldest",
        "user_plans": "nested",
        "booleans": "string",
        "times": "iso",
        "numbers_as_strings": True,
        "force_logout_path": "example",
        "force_logout_answer": "no_content",
        "validation_body": "message",
        "assign_again": "once",
    },
    "other-stores": {
        "force_logout_path": "auth_sessions",
        "trailing_slash": "without_slash",
        "trailing_slash_answer": "not_found",
        "plan_end": "dropped_for_recurring",
        "plan_status": "order",
        "institution_fields": "missing",
        "anonymized_email": "replaced",
        "plans_list": "not_found",
    },
}


def returns_external_ids(variant: Variant) -> bool:
    """Whether a read returns external ids (variant 8)."""
    return bool(variant.get("external_id_shown", True))


def hidden_attributes(variant: Variant) -> tuple[str, ...]:
    """The attributes that a list leaves out (variant 26)."""
    left_out = variant.get("list_leaves_out", "none")
    names = ("admin", "plan_admin", "only_sees_readable", "sessions_limit")
    return tuple(name for name in names if left_out in (name, "all"))


def hides_admins(variant: Variant) -> bool:
    """Whether a list does not show who is an admin or a plan admin, so that no user is removed."""
    return not {"admin", "plan_admin"}.isdisjoint(hidden_attributes(variant))


def returns_plans(variant: Variant) -> bool:
    """Whether a read returns the plans that a user holds (variant 11)."""
    return variant.get("user_plans", "plan_id") not in ("hidden", "missing")
