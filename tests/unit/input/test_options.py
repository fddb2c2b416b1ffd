# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The type and bounds of each option, for values as YAML and CSV have them."""

from __future__ import annotations

import datetime
import re
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


def refused(name: str, value: Any) -> BadValueError:
    with pytest.raises(BadValueError) as error:
        read(name, value)
    return error.value


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
def test_valid_value_is_read_in_one_form(name: str, value: Any, expected: Any) -> None:
    found = read(name, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("name", "value"), BAD, ids=short)
def test_invalid_value_is_refused(name: str, value: Any) -> None:
    error = refused(name, value)
    text = str(error)
    assert re.match(r".+ (is|has|must|contains) ", text)
    assert re.search("; (use|give|leave|put|remove|type) |must be text, not ", text)
    if name == "password":
        assert text == error.without_value
        assert "xxxxxxx" not in text
    if isinstance(value, (list, dict)):
        assert str(value) not in text
        assert re.search("a list|a mapping", text)
    # Short values can be parts of the bounds that an error names.
    if isinstance(value, str) and len(value.strip()) > 2:
        assert value.strip() not in error.without_value


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("email", " ana ", "'ana'"),
        ("plan_valid_to", "31.12.2026", "'31.12.2026'"),
        ("state", "gone", "'gone'"),
        ("admin", 2, "2"),
        ("sessions_limit", "-1", "-1"),
        ("sessions_limit", "many", "'many'"),
        ("state", "x" * 1000, f"'{'x' * 119}…'"),
        # A value that may be several cells of a table could hold a password.
        ("email", "a@b.org,A,secret-7", "(value not shown)"),
        ("email", "a@b.org;secret-7", "(value not shown)"),
        ("email", 'a@b.org"secret-7', "(value not shown)"),
        ("state", "present|secret-7", "(value not shown)"),
    ],
    ids=short,
)
def test_error_quotes_the_value_where_it_is_safe(name: str, value: Any, shown: str) -> None:
    assert str(refused(name, value)).startswith(f"{shown} is ")


HIDDEN = {
    "zero-width space": ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
    "byte order mark": ("\ufeff", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
    "soft hyphen": ("\u00ad", "U+00AD (SOFT HYPHEN)"),
    "direction mark": ("\u200f", "U+200F (RIGHT-TO-LEFT MARK)"),
    "direction override": ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
    "isolate": ("\u2066", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
    "tag": ("\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
}


@pytest.mark.parametrize(
    "place", ["{}ana@example.org", "an{}a@example.org", "ana@exa{}mple.org", "ana@example.org{}"]
)
@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("name", ["email", "external_id"])
def test_invisible_character_in_a_key_is_refused(name: str, kind: str, place: str) -> None:
    character, shown = HIDDEN[kind]
    text = str(refused(name, place.format(character)))
    assert shown in text
    assert text.isprintable()


@pytest.mark.parametrize("character", ["\u200d", "\u202e"])
def test_invisible_character_is_accepted_outside_of_keys(character: str) -> None:
    # Some emoji contain one, and a plan's name identifies no user.
    assert read("user_plan_name", f"a{character}b") == f"a{character}b"
    assert read("password", f"{character}-long-enough") == f"{character}-long-enough"


@pytest.mark.parametrize(
    ("value", "given"),
    [
        pytest.param(None, False, id="null"),
        pytest.param("__omit_place_holder__0a1b2c3d", False, id="omit"),
        pytest.param("__omit_place_holder__ and more", True, id="text that only begins like omit"),
        pytest.param("", True, id="empty text"),
        pytest.param(False, True, id="false"),
        pytest.param(0, True, id="zero"),
    ],
)
def test_null_and_omit_leave_an_option_unmanaged(value: Any, given: bool) -> None:
    assert is_given(value) is given


@pytest.mark.parametrize("option", USER_OPTIONS, ids=lambda option: option.name)
def test_argument_spec_agrees_with_the_desired_user(option: UserOption) -> None:
    spec = user_argument_spec()[option.name]
    default = DesiredUser.__dataclass_fields__[option.name].default
    assert spec.get("default") == default
    assert all(choice == option.read(choice) for choice in option.choices)
    # Ansible warns about a name with "password" without no_log in its spec.
    assert spec["no_log"] is (option.name == "password")


def test_aliases_are_the_names_of_the_api() -> None:
    aliases = {name: spec["aliases"] for name, spec in user_argument_spec().items()
               if "aliases" in spec}  # fmt: skip
    assert aliases == {
        "password": ["new_password"],
        "plan_id": ["assign_new_plan"],
        "plan_valid_to": ["new_plan_custom_valid_to"],
    }


@pytest.mark.parametrize(
    "key",
    ["password:secret-7", "password secret-7", "Pasword=secret-7", "new_password: secret-7",
     "a\nb", "x" * 61, '"secret-7"', "{secret-7}"],
)  # fmt: skip
def test_key_that_may_hold_a_value_is_not_shown(key: str) -> None:
    assert safe_key_name(key) == "(key not shown)"


@pytest.mark.parametrize("key", ["emial", "Cost Center", "password-hash", "E-Mail (work)", 7])
def test_key_that_is_a_name_is_shown(key: Any) -> None:
    assert safe_key_name(key) == str(key)


def test_names_of_secrets_are_not_public() -> None:
    assert {"email", "plan_id", "assign_new_plan"} <= PUBLIC_NAMES
    assert PUBLIC_NAMES.isdisjoint({"password", "new_password"})
