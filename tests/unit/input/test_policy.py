# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that limit ``exclusive``: how they are read, and all their errors at once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.policy import (
    read_limit,
    read_policy,
    removal_argument_spec,
)
from ansible_collections.publica.la.plugins.module_utils.input.values import BadValueError
from hypothesis import given
from hypothesis import strategies as st

HASH = "3f9d1c0a7be24c55"


def params(**changes: Any) -> dict[str, Any]:
    """A task's parameters, with the defaults of the argument spec."""
    spec = removal_argument_spec()
    defaults = {name: option.get("default") for name, option in spec.items()}
    return {**defaults, "lookup": "auto", "defaults": {}, "user_lists": None, **changes}


@pytest.mark.parametrize(
    ("text", "active", "allowed"),
    [
        pytest.param("0", 1000, 0, id="none"),
        pytest.param("25", 10, 25, id="a number does not depend on the store"),
        pytest.param(" 7 ", 10, 7, id="white space"),
        pytest.param("10%", 250, 25, id="a percentage"),
        pytest.param("10%", 259, 25, id="rounded down"),
        pytest.param("10%", 9, 0, id="no user of a small store"),
        pytest.param("0.5 %", 399, 1, id="a part of a percent"),
        pytest.param("0%", 1000, 0, id="no percent"),
        pytest.param("100%", 3, 3, id="all users"),
        # In floating point, 0.29 * 100 is less than 29.
        pytest.param("29%", 100, 29, id="no rounding error"),
        pytest.param("33.3%", 1000, 333, id="no rounding error with decimals"),
    ],
)
def test_number_of_removals_that_a_limit_allows(text: str, active: int, allowed: int) -> None:
    assert read_limit(text).of(active) == allowed


@given(st.integers(0, 100), st.integers(0, 10**6))
def test_percentage_is_never_exceeded(percentage: int, active: int) -> None:
    allowed = read_limit(f"{percentage}%").of(active)
    assert 100 * allowed <= percentage * active < 100 * (allowed + 1)


@pytest.mark.parametrize(
    "text",
    ["lots", "", "-1", "-5%", "150%", "100.1%", "1.5", "10 percent", "%", "1e3", "٣", "10%%",
     "nan"],
)  # fmt: skip
def test_invalid_limit_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(BadValueError, match=r"; use (a whole number|0% to 100%)") as refused:
        read_limit(text)
    assert str(refused.value).startswith(f"'{text}' is ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("25", "25"),
        ("10%", "25 (10% of 250 active users)"),
        ("0.5%", "1 (0.5% of 250 active users)"),
    ],
)
def test_limit_in_words(text: str, words: str) -> None:
    assert read_limit(text).in_words(250, "active users") == words


def test_defaults_remove_no_user() -> None:
    policy, errors = read_policy(params())
    assert (policy.exclusive, policy.protected, policy.approve) == (False, (), None)
    assert policy.limit.of(100) == 10
    assert errors == []


def test_case_and_white_space_do_not_matter() -> None:
    policy, errors = read_policy(
        params(
            exclusive=True,
            protected=[" Ana@Example.org ", "*@PARTNER.example.org"],
            approve=f" {HASH.upper()}",
            defaults={"force_logout": "yes"},
        )
    )
    assert errors == []
    assert policy.protected == ("ana@example.org", "*@partner.example.org")
    assert policy.approve == HASH
    assert policy.force_logout is True


@pytest.mark.parametrize("value", [None, "no", "maybe", ["yes"]])
def test_only_a_valid_true_logs_users_out(value: Any) -> None:
    # An invalid value is reported with the defaults, of which it is one.
    policy, errors = read_policy(params(defaults={"force_logout": value}))
    assert policy.force_logout is False
    assert errors == []


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        pytest.param({"approve": ""}, ["approve"], id="empty hash"),
        pytest.param({"approve": " "}, ["approve"], id="blank hash"),
        pytest.param({"approve": HASH[:-1]}, ["approve"], id="short hash"),
        pytest.param({"approve": HASH + "0"}, ["approve"], id="long hash"),
        pytest.param({"approve": "g" * 16}, ["approve"], id="letters of no hash"),
        pytest.param({"approve": "0x3f9d1c0a7be24c"}, ["approve"], id="prefix of a number"),
        pytest.param({"lookup": "search"}, [], id="search without exclusive"),
        pytest.param(
            {"exclusive": True, "lookup": "search", "protected": ["ana@example.org", " "],
             "max_deactivations": "lots", "approve": "the one from yesterday"},
            ["lookup", "protected[1]", "max_deactivations", "approve"],
            id="all errors at once",
        ),
    ],
)  # fmt: skip
def test_errors_name_the_options(changes: dict[str, Any], options: list[str]) -> None:
    _, errors = read_policy(params(**changes))
    assert [error.place for error in errors] == options


@pytest.mark.parametrize(
    "pattern",
    ["*", "*@*", "*@example.org", "*@*.example.org", "ana@*", "ana*", "*.example.org",
     "[a-c]*@x.org", "[!a]@x.org", "?na@example.org", "a?@x.*", "*na@exam?le.org", "a?b.org",
     "josé@exämple.org", "[à-ü]na@x.org", "o'neil+x@example.org"],
)  # fmt: skip
def test_pattern_that_can_match_an_address_is_accepted(pattern: str) -> None:
    policy, errors = read_policy(params(exclusive=True, protected=[pattern]))
    assert errors == []
    assert policy.protected == (pattern,)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param(["ana@example.org"], "must be text, not a list; give each", id="nested list"),
        pytest.param({"password": "x"}, "must be text, not a mapping; give each", id="mapping"),
        pytest.param(7, "must be text, not a number; give each", id="number"),
        pytest.param(None, "must be text, not null; give each", id="null"),
        pytest.param(" ", "is empty; give an address", id="blank"),
        pytest.param("ana@example.org ben@example.org", "more than one address", id="blanks"),
        pytest.param("ana@example.org,ben@example.org", "more than one address", id="commas"),
        pytest.param("*@example.org; *@example.net", "more than one address", id="semicolons"),
        pytest.param("ana@example.org\nben@example.org", "more than one address", id="lines"),
        pytest.param("['ana@example.org']", "can match no address; give", id="list as text"),
        pytest.param("<ana@example.org>", "can match no address; give", id="angle brackets"),
        pytest.param("ana", "can match no address; give", id="no address"),
        pytest.param("@example.org", "can match no address; give", id="no local part"),
        pytest.param("@*", "can match no address; give", id="no local part of a pattern"),
        pytest.param("*@", "can match no address; give", id="no domain"),
        pytest.param("*@example", "can match no address; give", id="no complete domain"),
        pytest.param("*@*@example.org", "can match no address; give", id="two signs"),
        pytest.param("[z-a]*@example.org", "can match no address; give", id="empty range"),
        pytest.param("[z-a]", "can match no address; give", id="only an empty range"),
        pytest.param("[ana@example.org", "can match no address; give", id="open bracket"),
        pytest.param("???", "can match no address; give", id="too short"),
        pytest.param("ana\u3164*@example.org", "contains U+3164 (HANGUL FILLER)", id="filler"),
        pytest.param("*@exam\u200bple.org", "contains U+200B (ZERO WIDTH SPACE)", id="no width"),
        pytest.param("o\u2019neil@example.org", "contains U+2019 (RIGHT SINGLE", id="look-alike"),
        pytest.param("ana@example.org\u00a0", "contains U+00A0 (NO-BREAK SPACE)", id="space"),
    ],
)  # fmt: skip
def test_pattern_that_can_match_no_address_is_refused(pattern: Any, text: str) -> None:
    protected = ["ben@example.org", pattern]
    _, [error] = read_policy(params(exclusive=True, protected=protected))
    assert error.place == "protected[1]"
    assert text in error.text


def test_pattern_is_compared_in_nfc() -> None:
    policy, _ = read_policy(params(exclusive=True, protected=["JOSE\u0301@*"]))
    assert policy.protected == ("jos\u00e9@*",)


@pytest.mark.parametrize("exclusive", [True, False])
def test_guard_skips_removals_only_with_exclusive(exclusive: bool) -> None:
    policy, _ = read_policy(params(exclusive=exclusive, on_guard="skip"))
    assert policy.skips_removals is exclusive
