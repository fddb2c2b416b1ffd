# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of a report in each language, with its numbers, plurals and dates."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path

ENGLISH, SPANISH, PORTUGUESE = "en", "es", "pt"
LANGUAGES = (ENGLISH, SPANISH, PORTUGUESE)
# What a browser, a hyphenation and a screen reader are told.
TAGS = {ENGLISH: "en", SPANISH: "es-419", PORTUGUESE: "pt-BR"}
_PLACE = re.compile(r"\{(\w+)\}")
_FOLDER = Path(__file__).parent / "languages"


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every text of a language by its name.

    :raises ValueError: where there is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language is {language}; {', '.join(LANGUAGES)} are there")
    texts: Mapping[str, str] = json.loads((_FOLDER / f"{language}.json").read_text("utf-8"))
    return texts


class Texts:
    """The texts of one language, by name, with what is to be put into them."""

    def __init__(self, language: str) -> None:
        self._texts = catalogue(language)
        self.language = language
        self.tag = TAGS[language]
        self.months = self._texts["months"].split()

    def __call__(self, name: str, **values: object) -> str:
        """The text with this name."""
        # In one pass, so that a value with braces in it stays what it is.
        return _PLACE.sub(lambda match: str(values[match.group(1)]), self._texts[name])

    def raw(self, name: str) -> str:
        """The text with this name, its places still to be filled."""
        return self._texts[name]

    def knows(self, name: str) -> bool:
        """Whether there is a text with this name."""
        return name in self._texts

    def count(self, name: str, number: int, **values: object) -> str:
        """The text in the form that this number needs."""
        form = "one" if number == 1 else "other"
        return self(f"{name}.{form}", n=self.number(number), **values)

    def number(self, number: int) -> str:
        """A whole number with its thousands apart."""
        return f"{number:,}".replace(",", self._texts["thousands"])

    def date(self, day: str) -> str:
        """A day that is told as ``YYYY-MM-DD``; what is none stays as it is."""
        try:
            date = datetime.date.fromisoformat(day[:10])
        except ValueError:
            return day
        return self("date", day=date.day, month=self.months[date.month - 1], year=date.year)

    def moment(self, moment: str) -> str:
        """A moment that is told in ISO 8601 and UTC."""
        return self("moment", date=self.date(moment), clock=moment[11:16])
