# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say how far ``exclusive`` may go: read, checked, and all faults told at once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import BadValueError
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    read_limit,
    read_policy,
    removal_argument_spec,
)
from hypothesis import given
from hypothesis import strategies as st

HASH = "3f9d1c0a7be24c55"


def params(**changes: Any) -> dict[str, Any]:
    """A task's parameters, with the defaults of the argument spec."""
    spec = removal_argument_spec()
    defaults = {name: option.get("default") for name, option in spec.items()}
    return {**defaults, "lookup": "auto", "defaults": {}, **changes}


@pytest.mark.parametrize(
    ("text", "active", "allowed"),
    [
        pytest.param("0", 1000, 0, id="none"),
        pytest.param("25", 10, 25, id="a number counts whatever the store holds"),
        pytest.param(" 7 ", 10, 7, id="white space"),
        pytest.param("10%", 250, 25, id="a percentage"),
        pytest.param("10%", 259, 25, id="rounded down"),
        pytest.param("10%", 9, 0, id="of a small store nobody"),
        pytest.param("0.5 %", 399, 1, id="a part of a percent"),
        pytest.param("0%", 1000, 0, id="no percent"),
        pytest.param("100%", 3, 3, id="everybody"),
        # In floating point, 0.29 * 100 is less than 29.
        pytest.param("29%", 100, 29, id="no rounding error"),
        pytest.param("33.3%", 1000, 333, id="nor with decimals"),
    ],
)
def test_what_a_limit_allows(text: str, active: int, allowed: int) -> None:
    assert read_limit(text).of(active) == allowed


@given(st.integers(0, 100), st.integers(0, 10**6))
def test_a_percentage_is_never_exceeded(percentage: int, active: int) -> None:
    allowed = read_limit(f"{percentage}%").of(active)
    assert 100 * allowed <= percentage * active < 100 * (allowed + 1)


@pytest.mark.parametrize(
    "text",
    [
        "lots",
        "",
        "-1",
        "-5%",
        "150%",
        "100.1%",
        "1.5",
        "10 percent",
        "%",
        "1e3",
        "٣",
        "10%%",
        "nan",
    ],
)
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(BadValueError, match=r"write a whole number|0% to 100% is allowed"):
        read_limit(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("25", "25"),
        ("10%", "25 (10% of 250 active users)"),
        ("0.5%", "1 (0.5% of 250 active users)"),
    ],
)
def test_a_limit_in_words(text: str, words: str) -> None:
    assert read_limit(text).in_words(250) == words


def test_what_a_task_leaves_out_removes_nobody() -> None:
    policy, faults = read_policy(params())
    assert (policy.exclusive, policy.protected, policy.approve) == (False, (), None)
    assert policy.limit.of(100) == 10
    assert faults == []


def test_values_are_read_as_people_write_them() -> None:
    policy, faults = read_policy(
        params(
            exclusive=True,
            protected=[" Ana@Example.org ", "*@PARTNER.example.org"],
            approve=f" {HASH.upper()}",
            defaults={"force_logout": "yes"},
        )
    )
    assert faults == []
    assert policy.protected == ("ana@example.org", "*@partner.example.org")
    assert policy.approve == HASH
    assert policy.force_logout is True


@pytest.mark.parametrize("value", [None, "no", "perhaps", ["yes"]])
def test_without_a_clear_word_nobody_is_logged_out(value: Any) -> None:
    # A value that is none is reported with the defaults, of which it is one.
    policy, faults = read_policy(params(defaults={"force_logout": value}))
    assert policy.force_logout is False
    assert faults == []


def test_every_fault_is_told_at_once() -> None:
    _, faults = read_policy(
        params(
            exclusive=True,
            lookup="search",
            protected=["ana@example.org", " "],
            max_deactivations="lots",
            approve="the one from yesterday",
        )
    )
    assert [fault.option for fault in faults] == [
        "lookup",
        "protected[1]",
        "max_deactivations",
        "approve",
    ]


@pytest.mark.parametrize("place", ["{}ana@example.org", "*@exam{}ple.org", "*@example.org{}"])
def test_a_pattern_that_could_protect_nobody_unseen_is_a_fault(place: str) -> None:
    pattern = place.format("\u200b")
    _, [fault] = read_policy(params(exclusive=True, protected=["ben@example.org", pattern]))
    assert fault.option == "protected[1]"
    assert fault.text.startswith("holds U+200B (ZERO WIDTH SPACE)")


@pytest.mark.parametrize("approve", ["", " ", HASH[:-1], HASH + "0", "g" * 16, "0x3f9d1c0a7be24c"])
def test_what_is_no_hash_is_a_fault_and_not_no_approval(approve: str) -> None:
    _, [fault] = read_policy(params(approve=approve))
    assert fault.option == "approve"


def test_without_exclusive_users_may_be_searched_for() -> None:
    assert read_policy(params(lookup="search"))[1] == []


@pytest.mark.parametrize("approved", [True, False])
def test_a_guard_costs_only_the_removals_where_there_can_be_some(approved: bool) -> None:
    policy, _ = read_policy(params(exclusive=approved, on_guard="skip"))
    assert policy.skips_removals is approved
