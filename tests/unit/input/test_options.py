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
    DesiredUser,
    UserOption,
    address_key,
    user_argument_spec,
)
from ansible_collections.publica.la.plugins.module_utils.input.values import (
    BadValueError,
    NumberText,
    is_given,
    safe_key_name,
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
# As spreadsheets and people write them in Spanish, Portuguese, French, German and Italian.
TRUE_WORDS = ["VERDADERO", "Verdadeiro", "VRAI", "WAHR", "vero", "Sí", "si\u0301", "SIM", "oui"]
FALSE_WORDS = ["FALSO", "Faux", "FALSCH", "NO", "Não", "non", "nein"]

GOOD: list[tuple[str, Any, Any]] = [
    ("email", "ana@example.org", "ana@example.org"),
    ("email", "  Ana.O'Neil+x@sub.example.org ", "Ana.O'Neil+x@sub.example.org"),
    ("email", "josé@exämple.org", "josé@exämple.org"),
    ("email", "a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    # All atoms of RFC 5321, and other scripts with their marks and digits.
    ("email", "!#$%&'*+-/=?^_`{|}~@a-b.example.org", "!#$%&'*+-/=?^_`{|}~@a-b.example.org"),
    ("email", "अनु१@उदाहरण.भारत", "अनु१@उदाहरण.भारत"),
    # An address in NFD is read as its NFC form.
    ("email", "jose\u0301@example.org", "jos\u00e9@example.org"),
    ("external_id", "x" * 64, "x" * 64),
    ("external_id", 1001, "1001"),
    ("external_id", "007", "007"),
    ("external_id", "1.10", "1.10"),
    ("external_id", " Núñez \u2013 1·a \u2019 ", "Núñez \u2013 1·a \u2019"),
    ("external_id", NumberText("-0"), "-0"),
    ("external_id", NumberText("1.10"), "1.10"),
    ("id", 1, 1),
    ("id", " 42 ", 42),
    ("id", 7.0, 7),
    ("state", "absent", "absent"),
    ("update_password", "always", "always"),
    ("password", "x" * 8, "x" * 8),
    ("password", "x" * 255, "x" * 255),
    ("password", "spaces count", "spaces count"),
    ("password", "+12345678", "+12345678"),
    ("password", NumberText("12345678.10"), "12345678.10"),
    ("sessions_limit", " 5 ", 5),
    ("sessions_limit", "5.0", 5),
    ("sessions_limit", NumberText("5.00"), 5),
    ("sessions_limit", 0, 0),
    ("sessions_limit", 999_999, 999_999),
    ("sessions_limit", "3", 3),
    ("sessions_limit", "unlimited", 0),
    ("sessions_limit", " Unlimited ", 0),
    ("plan_id", 1, 1),
    ("plan_id", "+12", 12),
    ("plan_valid_to", "2028-02-29", "2028-02-29"),
    ("plan_valid_to", datetime.date(2026, 12, 31), "2026-12-31"),
    ("plan_valid_to", "2000-01-01", "2000-01-01"),
    ("user_plan_name", " Gold ", "Gold"),
    ("plan_name", " Gold,  yearly ", "Gold,  yearly"),
    ("plan_name", 2031, "2031"),
    ("plan_name", NumberText("1.10"), "1.10"),
    ("admin", NumberText("1"), True),
    *(("admin", word, True) for word in TRUE_WORDS),
    *(("admin", word, False) for word in FALSE_WORDS),
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
    ("email", "ana@example.o"),
    ("email", "ana@example.123"),
    ("email", 7),
    ("external_id", 1.5),
    ("external_id", NumberText("1e999")),
    ("external_id", NumberText("-Infinity")),
    ("password", NumberText("1e9999999")),
    ("password", 12345678),
    ("password", 12345678.5),
    ("password", "two\nlines"),
    ("password", "a tab\tin it"),
    ("password", " xxxxxxxx"),
    ("password", "xxxxxxxx\u00a0"),
    ("password", "xxxxxxxx\u200b"),
    ("user_plan_name", 1.5),
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
    ("id", 10**18),
    ("id", 1e20),
    ("id", "٣"),
    ("id", "1.000"),
    ("id", "1,0"),
    ("sessions_limit", "٣"),
    ("plan_valid_to", "٢٠٣١-12-31"),
    *(("plan_valid_to", day) for day in ("1999-12-31", "1970-01-01", "1900-01-01", "0001-01-01")),
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
    ("user_plan_name", "#REF!"),
    ("plan_name", ""),
    ("plan_name", 1.1),
    ("plan_name", "two\nlines"),
    ("plan_name", "NULL"),
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
        # The notation of Python, where a template has joined a mapping with text.
        ("state", "{'value': 'secret-7'}", "(value not shown)"),
        ("email", "['secret-7']", "(value not shown)"),
    ],
    ids=short,
)
def test_error_quotes_the_value_where_it_is_safe(name: str, value: Any, shown: str) -> None:
    assert str(refused(name, value)).startswith(f"{shown} is ")


HIDDEN = {
    "U+00A0 (NO-BREAK SPACE)": "\u00a0",
    "U+00AD (SOFT HYPHEN)": "\u00ad",
    "U+034F (COMBINING GRAPHEME JOINER)": "\u034f",
    "U+115F (HANGUL CHOSEONG FILLER)": "\u115f",
    "U+1160 (HANGUL JUNGSEONG FILLER)": "\u1160",
    "U+17B4 (KHMER VOWEL INHERENT AQ)": "\u17b4",
    "U+180B (MONGOLIAN FREE VARIATION SELECTOR ONE)": "\u180b",
    "U+180E (MONGOLIAN VOWEL SEPARATOR)": "\u180e",
    "U+180F": "\u180f",  # its name depends on the version of Python
    "U+2007 (FIGURE SPACE)": "\u2007",
    "U+200B (ZERO WIDTH SPACE)": "\u200b",
    "U+200F (RIGHT-TO-LEFT MARK)": "\u200f",
    "U+202E (RIGHT-TO-LEFT OVERRIDE)": "\u202e",
    "U+202F (NARROW NO-BREAK SPACE)": "\u202f",
    "U+2065": "\u2065",
    "U+2066 (LEFT-TO-RIGHT ISOLATE)": "\u2066",
    "U+2800 (BRAILLE PATTERN BLANK)": "\u2800",
    "U+3000 (IDEOGRAPHIC SPACE)": "\u3000",
    "U+3164 (HANGUL FILLER)": "\u3164",
    "U+FE0F (VARIATION SELECTOR-16)": "\ufe0f",
    "U+FEFF (ZERO WIDTH NO-BREAK SPACE)": "\ufeff",
    "U+FFA0 (HALFWIDTH HANGUL FILLER)": "\uffa0",
    "U+FFF0": "\ufff0",
    "U+FFFD (REPLACEMENT CHARACTER)": "\ufffd",
    "U+E0041 (TAG LATIN CAPITAL LETTER A)": "\U000e0041",
    "U+E0100 (VARIATION SELECTOR-17)": "\U000e0100",
}
# Characters that look like those of an address.
LOOK_ALIKES = {
    "U+2010 (HYPHEN)": "\u2010",
    "U+2011 (NON-BREAKING HYPHEN)": "\u2011",
    "U+2013 (EN DASH)": "\u2013",
    "U+2019 (RIGHT SINGLE QUOTATION MARK)": "\u2019",
    "U+2024 (ONE DOT LEADER)": "\u2024",
    "U+FF0E (FULLWIDTH FULL STOP)": "\uff0e",
    "U+FF20 (FULLWIDTH COMMERCIAL AT)": "\uff20",
}


@pytest.mark.parametrize("shown", HIDDEN)
@pytest.mark.parametrize("name", ["email", "external_id"])
def test_hidden_character_in_a_key_is_refused(name: str, shown: str) -> None:
    for place in ("{}ana@example.org", "an{}a@example.org", "ana@exa{}mple.org", "ana@x.org{}"):
        text = str(refused(name, place.format(HIDDEN[shown])))
        assert f"contains {shown}" in text
        assert text.isprintable()


@pytest.mark.parametrize("shown", LOOK_ALIKES)
def test_look_alike_in_an_address_is_refused(shown: str) -> None:
    for place in ("o{}neil@example.org", "ana@exa{}mple.org"):
        assert f"contains {shown}, " in str(refused("email", place.format(LOOK_ALIKES[shown])))
    # An external id can have it.
    assert read("external_id", f"a{LOOK_ALIKES[shown]}b") == f"a{LOOK_ALIKES[shown]}b"


def test_mark_without_a_letter_is_refused() -> None:
    assert "contains U+0301 " in str(refused("email", "ana.\u0301b@example.org"))


LEFT_BEHIND = [
    "1.23E+10", "4,57E+11", "1E-05", "1.5e+10", "#N/A", "#n/a", "#N/D", "#NV", "#¡REF!", "#¡VALOR!",
    "#¿NOMBRE?", "#VALEUR!", "#NOME?", "#WERT!", "#DIV/0!", "#NÚM!", "########", "Err:502", "NULL",
    "null", "(null)", r"\N", "nan", "NaN", "NaT", "None", "<NA>", "undefined", ".nan", ".inf",
    '="00123"',
]  # fmt: skip
# Values that only look like those.
VALUES = [
    "12E5", "5E-3", "E+10", "1.10", "A#N/A", "#7", "#N/A-7", "Null", "none", "Nan", "NA", "N",
    "NULL-7", "undefined-1", "Err:7", "=cmd()", '="7"8"',
]  # fmt: skip


@pytest.mark.parametrize("text", LEFT_BEHIND)
def test_what_a_program_left_behind_is_refused(text: str) -> None:
    for name in ("email", "external_id", "user_plan_name"):
        assert re.search("is (a|an|what) .*; give ", str(refused(name, f" {text} ")))
    if len(text) >= 8:
        error = refused("password", text)
        assert re.match("the value is (a|an|what) .*; give ", str(error))
        assert text not in str(error)


@pytest.mark.parametrize("text", VALUES)
def test_other_values_are_accepted(text: str) -> None:
    assert read("external_id", text) == text
    assert read("password", f"{text}-{text}-pass") == f"{text}-{text}-pass"


def test_address_is_compared_in_nfc_and_lower_case() -> None:
    assert address_key(" JOSE\u0301@Example.org ") == address_key("jos\u00e9@example.org")
    assert address_key("ana@example.org") != address_key("an\u00e1@example.org")


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
