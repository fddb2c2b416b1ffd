# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the text of a key or a password can be: its characters, and what is no value at all."""

from __future__ import annotations

import fnmatch
import re
import string
import unicodedata

# The code points with the property Default_Ignorable_Code_Point of Unicode 15.1: nothing is drawn
# for them. Some are letters or marks, such as the Hangul fillers.
_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# The braille pattern without dots does not have the property.
_HIDDEN = re.compile(rf"[{_IGNORABLE}\u2800]")
_OF_ADDRESSES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

# The form of an address: the atoms of RFC 5321, and a domain of at least two labels, of which the
# last has two characters or more and begins with a letter.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z][\w-]*[^\W_]", re.ASCII)
_ADDRESS = re.compile(rf"{_LOCAL_PART.pattern}@{_DOMAIN.pattern}", re.ASCII)

_BRACKETS = re.compile(r"\[!?\]?[^\]]*\]")
_CHARACTERS = string.ascii_lowercase + string.digits + "!#$%&'*+/=?^_`{|}~-.@"
_LOOSE = re.compile(rf"(?:{_ATOM}|\.)+", re.ASCII)
_LOOSE_DOMAIN = re.compile(r"(?![.-])(?:[\w*?-]|\.(?!\.))+(?<![.-])(?<!\.\w)", re.ASCII)

# What programs write in place of a value that they do not have. Only a complete value counts.
_MISSING = frozenset(
    ("NULL", "null", "(null)", "(NULL)", "[NULL]", "<null>", "<NULL>", r"\N", "None", "NaN", "nan",
     "NAN", "-nan", "-NaN", ".nan", ".NaN", "NaT", "<NA>", "N/A", "n/a", "-inf", ".inf", "-.inf",
     "undefined", "[object Object]")
)  # fmt: skip
# In English, Spanish, Portuguese, French, German, Italian and Dutch.
_ERROR_VALUES = frozenset(
    ("#N/A", "#N/D", "#N/DISP", "#NV", "#NB", "#DIV/0!", "#DEEL/0!",
     "#REF!", "#BEZUG!", "#RIF!", "#VERW!", "#VALUE!", "#VALOR!", "#VALEUR!", "#WERT!", "#VALORE!",
     "#WAARDE!", "#NAME?", "#NOMBRE?", "#NOME?", "#NOM?", "#NAAM?", "#NUM!", "#NÚM!", "#NOMBRE!",
     "#ZAHL!", "#GETAL!", "#NULL!", "#NULO!", "#NUL!", "#NULLO!", "#LEEG!", "#SPILL!",
     "#DESBORDAMIENTO!", "#DESPEJO!", "#DESPEJAR!", "#PROPAGATION!", "#EPARS!", "#ÜBERLAUF!",
     "#ESPANSIONE!", "#OVERLOOP!", "#CALC!", "#CÁLC!", "#KALK!", "#FIELD!", "#CAMPO!", "#CHAMP!",
     "#FELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#ERROR!", "#GETTING_DATA")
)  # fmt: skip
_OFFICE_ERROR = re.compile(r"Err:5[0-9][0-9]")
# Programs write two digits of an exponent, so 5E-3 is an id.
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+E[+-]?[0-9]+|E[+-][0-9]{2,})", re.IGNORECASE)
# A text with its zeros, for a spreadsheet.
_TEXT_FORMULA = re.compile(r'="[^"]*"')
_LONGEST_COMPOSED = 1000


def code_point(character: str) -> str:
    """A character for a message: ``U+200B (ZERO WIDTH SPACE)``."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} ({name})" if name else f"U+{ord(character):04X}"


def is_hidden(character: str) -> bool:
    """Whether nothing is drawn for a character, so that it can't be seen in a key."""
    return unicodedata.category(character) == "Cf" or _HIDDEN.match(character) is not None


def foreign_to_address(text: str) -> str | None:
    """The first character outside of ASCII that no address has; None without one.

    Allowed are letters, marks and decimal digits that can be seen. A mark needs one of them before
    it. The text is an address or a pattern, in the form NFC.
    """
    if text.isascii():
        return None
    carries_mark = False
    for one in text:
        if one.isascii():
            carries_mark = one.isalnum()
            continue
        category = unicodedata.category(one)
        is_mark = category[0] == "M"
        if category not in _OF_ADDRESSES or is_hidden(one) or (is_mark and not carries_mark):
            return one
        carries_mark = True
    return None


def foreign_to_id(text: str) -> str | None:
    """The first hidden character, or separator except the plain blank; None without one."""
    for one in "" if text.isascii() else text:
        if not one.isascii() and (is_hidden(one) or unicodedata.category(one)[0] == "Z"):
            return one
        if one == "\ufffd":  # Stands for a lost character.
            return one
    return None


def is_ascii_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def has_form_of_address(text: str) -> bool:
    """Whether a text without foreign characters is an address."""
    return is_ascii_address(_in_ascii(text))


def _in_ascii(text: str) -> str:
    """A text with a letter in the place of each character outside of ASCII."""
    return text if text.isascii() else _NOT_ASCII.sub("x", text)


def can_match_address(pattern: str) -> bool:
    """Whether a shell pattern in small letters can match an address."""
    plain = _in_ascii(_BRACKETS.sub(_one_of_brackets, pattern))
    local_part, at, domain = plain.partition("@")
    if not at:
        # A wildcard has to stand for the @, and the shortest address has six characters.
        has_wildcard = "*" in plain or ("?" in plain and len(plain) > 5)
        return has_wildcard and _LOOSE.fullmatch(plain) is not None
    # The wildcards * and ? are characters of a local part as well.
    form = _LOOSE_DOMAIN if "*" in domain or "?" in domain else _DOMAIN
    return bool(_LOCAL_PART.fullmatch(local_part) and form.fullmatch(domain))


def _one_of_brackets(found: re.Match[str]) -> str:
    """What stands for a part in brackets: a letter, a wildcard, or what no address has."""
    try:
        matches = re.compile(fnmatch.translate(found[0])).match
    except re.error:  # a range such as [z-a], in some versions of Python
        return "["
    possible = [one for one in _CHARACTERS if matches(one)]
    if not possible and found[0].isascii():
        return "["
    return "?" if "@" in possible else "x"


def composed(text: str) -> str:
    """A text in the Unicode form NFC, whose time can grow with the square of the length.

    A text that is too long for any option stays as it is.
    """
    return unicodedata.normalize("NFC", text) if len(text) <= _LONGEST_COMPOSED else text


def left_behind(text: str) -> str | None:
    """What a program has left in the place of a value, in words; None for a value."""
    if text in _MISSING:
        return "a mark for a missing value"
    first = text[:1]
    if first == "=" and _TEXT_FORMULA.fullmatch(text):
        return "a formula that a program wrote for a spreadsheet"
    if first in "+-0123456789" and _SCIENTIFIC.fullmatch(text):
        return "a number in scientific notation, whose last digits are lost"
    word = composed(text).upper().replace("¡", "").replace("¿", "") if first == "#" else ""
    if word in _ERROR_VALUES or (first == "E" and _OFFICE_ERROR.fullmatch(text)):
        return "an error value of a spreadsheet"
    if first == "#" and len(text) > 1 and not text.strip("#"):
        return "what a spreadsheet shows in a column that is too narrow"
    return None
