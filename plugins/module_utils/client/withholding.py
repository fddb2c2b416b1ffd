# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quoting texts of the store without a secret that was sent to it. Pure functions.

A store can return a secret cut off, in another case, escaped or encoded. A list of spellings to
replace would never be complete, so a text with a part of a secret is not quoted at all.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from ..errors import QUOTED_CHARACTERS

WITHHELD = "(withheld, since it may contain a secret)"
NOT_SHOWN = "(not shown)"
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|/impersonate\S*", re.IGNORECASE)

# A text is withheld for a part of half of a secret, but a shorter one may be a word.
SHORTEST_PART = 6

# How often a text may be escaped.
ESCAPES = 3
_JSON_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")


class StoreText:
    """Quotes texts of one answer.

    :param secrets: those of the request.
    :param body: the complete body. If it contains a part of a secret, no text of it is quoted.
    """

    def __init__(self, secrets: Iterable[str], body: str = "") -> None:
        self._parts = tuple(part for secret in secrets if secret for part in _parts(secret))
        self._withheld = self._may_be_secret(body)

    def quote(self, text: str) -> str:
        """A text as one short line without URLs, which may be impersonation links."""
        if self._withheld or self._may_be_secret(text):
            return WITHHELD
        return shorten(text)

    def _may_be_secret(self, text: str) -> bool:
        forms = _normal_forms(text)
        return any(part in form for part in self._parts for form in forms)


def shorten(text: str) -> str:
    """A text as one short line without URLs. Do not shorten a text before it is checked."""
    line = _URL.sub(NOT_SHOWN, " ".join(text.split()))
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= QUOTED_CHARACTERS else line[: QUOTED_CHARACTERS - 1] + "…"


def _parts(secret: str) -> Iterator[str]:
    """Every part of a secret, in every encoding, that must not be shown."""
    data = secret.encode("utf-8", "surrogatepass")
    # Base64 has another form for each of three positions in a longer text. At its ends, a character
    # also depends on what comes before and after.
    encoded = [
        base64.b64encode(b"\0" * shift + data).decode()[shift + 1 : -4] for shift in range(3)
    ]
    for variant in (secret, data.hex(), *encoded):
        for form in _normal_forms(variant):
            length = min(len(form), max(SHORTEST_PART, -(-len(form) // 2)))
            if length < SHORTEST_PART and form != _printable(secret):
                continue  # Too little is left of the secret to recognize it.
            for start in range(len(form) - length + 1):
                if part := form[start : start + length]:
                    yield part


def _normal_forms(text: str) -> tuple[str, str]:
    """A text without escapes, case and gaps: only its letters and digits, and all but white space.

    The first finds a secret with other characters in between, the second one without letters.
    """
    for _escape in range(ESCAPES):
        decoded = _JSON_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
        decoded = unquote(html.unescape(decoded))
        if decoded == text:
            break
        text = decoded
    printable = _printable(text)
    return "".join(filter(str.isalnum, printable)), printable


def _printable(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(
        one for one in folded if unicodedata.category(one)[0] in "LNPS" and one not in _GAPS
    )


# Escapes, and characters that can't be seen although they are letters or symbols.
_GAPS = frozenset("\\\u115f\u1160\u3164\uffa0\u2800")
