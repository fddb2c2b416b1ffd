# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each option's type and bounds, in every spelling that YAML and CSV bring."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.input.options import (
    PUBLIC_NAMES,
    USER_OPTIONS,
    BadValueError,
    DesiredUser,
    UserOption,
    is_given,
    safe_key_name,
    user_argument_spec,
)

OPTIONS = {option.name: option for option in USER_OPTIONS}
BOOLEANS = [name for name, option in OPTIONS.items() if option.type == "bool"]


def short(value: Any) -> str:
    """A value as a part of a test's name."""
    return repr(value)[:30]


def read(name: str, value: Any) -> Any:
    return OPTIONS[name].read(value)


NO_BOOLEANS: list[Any] = ["maybe", 2, [], 1.0]

GOOD: list[tuple[str, Any, Any]] = [
    ("email", "ana@example.org", "ana@example.org"),
    ("email", "  Ana.O'Neil+x@sub.example.org ", "Ana.O'Neil+x@sub.example.org"),
    ("email", "josé@exämple.org", "josé@exämple.org"),
    ("email", "a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ("external_id", "x" * 64, "x" * 64),
    ("external_id", 1001, "1001"),
    ("external_id", "007", "007"),
    ("external_id", 1.5, "1.5"),
    ("id", 1, 1),
    ("id", " 42 ", 42),
    ("id", 7.0, 7),
    ("state", "absent", "absent"),
    ("update_password", "always", "always"),
    ("password", "x" * 8, "x" * 8),
    ("password", "x" * 255, "x" * 255),
    ("password", " spaces count ", " spaces count "),
    ("password", 12345678, "12345678"),
    ("sessions_limit", 0, 0),
    ("sessions_limit", 999_999, 999_999),
    ("sessions_limit", "3", 3),
    ("sessions_limit", "unlimited", 0),
    ("sessions_limit", " Unlimited ", 0),
    ("plan_id", 1, 1),
    ("plan_id", "+12", 12),
    ("plan_valid_to", "2028-02-29", "2028-02-29"),
    ("plan_valid_to", datetime.date(2026, 12, 31), "2026-12-31"),
    ("user_plan_name", " Gold ", "Gold"),
    *((name, word, True) for name in BOOLEANS for word in (True, 1, "yes", "On", "TRUE", "1")),
    *((name, word, False) for name in BOOLEANS for word in (False, 0, "no", "Off", "f", "0")),
]
BAD: list[tuple[str, Any]] = [
    ("email", "ana"),
    ("email", "ana@localhost"),
    ("email", "ana@@example.org"),
    ("email", "ana@example..org"),
    ("email", ".ana@example.org"),
    ("email", "ana example@example.org"),
    ("email", "ana@example.org, ben@example.org"),
    ("email", "Ana <ana@example.org>"),
    ("email", ""),
    ("email", "ana@example.org\nX-Other: 1"),
    ("email", "a" * 65 + "@example.org"),
    ("email", f"ana@{'x' * 63}.{'x' * 63}.{'x' * 63}.{'x' * 63}.org"),
    ("email", True),
    ("email", ["ana@example.org"]),
    ("external_id", "x" * 65),
    ("external_id", "   "),
    ("external_id", True),
    ("external_id", {"a": 1}),
    ("external_id", "a\tb"),
    ("id", 0),
    ("id", -1),
    ("id", "x"),
    ("id", True),
    ("id", 1.5),
    ("id", "9" * 19),
    ("state", "gone"),
    ("state", ["present"]),
    ("update_password", "never"),
    ("password", "x" * 7),
    ("password", "x" * 256),
    ("password", ["x" * 8]),
    ("password", True),
    ("sessions_limit", -1),
    ("sessions_limit", 1_000_000),
    ("sessions_limit", "many"),
    ("sessions_limit", "unlimited 3"),
    ("plan_id", "unlimited"),
    ("external_id", float("nan")),
    ("external_id", float("inf")),
    ("external_id", "half of a character \ud800"),
    ("external_id", "a\u2028b"),
    ("password", float("-inf")),
    ("password", "half of a character \ud800"),
    ("sessions_limit", float("inf")),
    ("plan_id", 0),
    ("plan_valid_to", "31.12.2026"),
    ("plan_valid_to", "2026-02-30"),
    ("plan_valid_to", "2026-1-1"),
    ("plan_valid_to", "2026-12-31T00:00:00"),
    ("plan_valid_to", 20261231),
    ("user_plan_name", ""),
    *((name, word) for name in BOOLEANS for word in NO_BOOLEANS),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD, ids=short)
def test_a_good_value_is_read_in_one_form(name: str, value: Any, expected: Any) -> None:
    found = read(name, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("name", "value"), BAD, ids=short)
def test_a_bad_value_says_what_is_wrong(name: str, value: Any) -> None:
    with pytest.raises(BadValueError, match=r"^(is|has|must|holds) ") as told:
        read(name, value)
    assert "\n" not in str(told.value)
    if name == "password":
        assert "xxxxxxx" not in str(told.value)


HIDDEN = {
    "a zero-width space": ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
    "a byte order mark": ("\ufeff", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
    "a soft hyphen": ("\u00ad", "U+00AD (SOFT HYPHEN)"),
    "a mark of direction": ("\u200f", "U+200F (RIGHT-TO-LEFT MARK)"),
    "an override of direction": ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
    "an isolate": ("\u2066", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
    "a tag": ("\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
}
# Where it can stand: before, within and behind an address, and in its domain.
PLACES_TO_HIDE = [
    "{}ana@example.org",
    "an{}a@example.org",
    "ana@exa{}mple.org",
    "ana@example.org{}",
]


@pytest.mark.parametrize("place", PLACES_TO_HIDE)
@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("name", ["email", "external_id"])
def test_what_cannot_be_seen_is_refused_by_name(name: str, kind: str, place: str) -> None:
    character, named = HIDDEN[kind]
    with pytest.raises(BadValueError) as told:
        read(name, place.format(character))
    assert str(told.value).startswith(f"holds {named}, a character that is not seen")
    assert str(told.value).isprintable()


@pytest.mark.parametrize("character", ["\u200d", "\u202e"])
def test_what_is_no_key_may_hold_it(character: str) -> None:
    # Pictures of families are put together by one, and nobody is identified by a plan's name.
    assert read("user_plan_name", f"a{character}b") == f"a{character}b"
    assert read("password", f"{character}-long-enough") == f"{character}-long-enough"


@pytest.mark.parametrize(
    ("value", "given"),
    [
        pytest.param(None, False, id="null"),
        pytest.param("__omit_place_holder__0a1b2c3d", False, id="omit"),
        pytest.param("__omit_place_holder__ and more", True, id="a text that only begins so"),
        pytest.param("", True, id="an empty text"),
        pytest.param(False, True, id="false"),
        pytest.param(0, True, id="zero"),
    ],
)
def test_null_and_omit_leave_an_option_unmanaged(value: Any, given: bool) -> None:
    assert is_given(value) is given


@pytest.mark.parametrize("option", USER_OPTIONS, ids=lambda option: option.name)
def test_the_argument_spec_agrees_with_the_desired_user(option: UserOption) -> None:
    spec = user_argument_spec()[option.name]
    default = DesiredUser.__dataclass_fields__[option.name].default
    assert spec.get("default") == default
    assert all(choice == option.read(choice) for choice in option.choices)
    # Ansible warns of a name with "password" that says nothing of no_log.
    assert spec["no_log"] is (option.name == "password")


def test_the_aliases_are_the_apis_own_names() -> None:
    aliases = {name: spec["aliases"] for name, spec in user_argument_spec().items()
               if "aliases" in spec}  # fmt: skip
    assert aliases == {
        "password": ["new_password"],
        "plan_id": ["assign_new_plan"],
        "plan_valid_to": ["new_plan_custom_valid_to"],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, value in BAD if isinstance(value, str) and name != "password"],
    ids=short,
)
def test_a_fault_can_be_told_without_the_value(name: str, value: str) -> None:
    with pytest.raises(BadValueError) as told:
        read(name, value)
    # What names the bounds or the form to write is no value, and short values are parts of it.
    quoted = value.strip()
    assert len(quoted) < 3 or quoted not in told.value.without_value


@pytest.mark.parametrize("address", ["a@b.org,A,secret-7", "a@b.org;secret-7", 'a@b.org"secret-7'])
def test_an_address_that_may_be_several_cells_is_not_quoted(address: str) -> None:
    with pytest.raises(BadValueError, match=r"^is no address; write it as ") as told:
        read("email", address)
    assert "secret-7" not in str(told.value)


@pytest.mark.parametrize(
    "key",
    ["password:secret-7", "password secret-7", "Pasword=secret-7", "new_password: secret-7",
     "a\nb", "x" * 61, '"secret-7"', "{secret-7}"],
)  # fmt: skip
def test_a_key_that_may_hold_a_value_is_not_told(key: str) -> None:
    assert key not in safe_key_name(key)
    assert "not quoted" in safe_key_name(key)


@pytest.mark.parametrize("key", ["emial", "Cost Center", "password-hash", "E-Mail (work)", 7])
def test_a_key_that_is_a_name_is_told(key: Any) -> None:
    assert safe_key_name(key) == str(key)


def test_no_name_of_a_secret_is_public() -> None:
    assert {"email", "plan_id", "assign_new_plan"} <= PUBLIC_NAMES
    assert PUBLIC_NAMES.isdisjoint({"password", "new_password"})
