# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Troubleshooting has every code and every message of the code, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from support import messages
from support.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "troubleshooting.md").read_text("utf-8")
SOURCES = messages.python_files(REPOSITORY)
CODES = messages.codes_of(SOURCES)
TEXTS = [*messages.texts_of(SOURCES), *messages.texts_of_yaml(REPOSITORY)]

# Words of the code that nobody meets as a message, or that another page explains, by the file that
# they are in or by a part of themselves.
NO_MESSAGES = {
    "plugins/plugin_utils/progress_lines.py": "the lines of docs/progress.md",
    "plugins/module_utils/result/diff.py": "the diff, in docs/getting-started.md",
    "plugins/module_utils/export/yaml_text.py": "the head of an exported file",
    "plugins/module_utils/export/plans.py": "a comment in an exported file",
    "plugins/plugin_utils/report/text.py": "the head of a report in XML",
    "No token, password or link is in it": "the head of an exported file",
    "The next export replaces this file": "the head of an exported file",
    "too long to compare here": "the diff of an export",
    "a logout needs a user of the store": "a fault of the code, told as `internal`",
    "No progress is shown": "for who looks for a fault, at -vvv alone",
}


def headings() -> list[str]:
    """The codes that the page has a heading for."""
    return re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)


def told() -> list[str]:
    """The messages of the page: code in the tables whose first column is headed `Message`."""
    return [
        span
        for table in re.findall(r"^\| Message .*\n\|[-| ]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
        for row in table.splitlines()
        for span in re.findall(r"`([^`]+)`", row)
    ]


def is_excused(text: messages.Text) -> bool:
    return any(text.file == words or words in text.whole for words in NO_MESSAGES)


def test_the_code_has_failures() -> None:
    assert {"invalid_input", "unauthenticated", "too_many_deactivations", "internal"} <= CODES
    assert len(TEXTS) > 100


def test_every_code_has_one_heading_and_no_heading_is_stale() -> None:
    assert sorted(headings()) == sorted(CODES)


@pytest.mark.parametrize(
    "text", [text for text in TEXTS if not is_excused(text)], ids=messages.Text.__str__
)
def test_a_message_of_the_code_is_on_the_page(text: messages.Text) -> None:
    parts = [part for message in told() for part in messages.fixed_parts(message)]
    # The page may shorten a message, or show it with what comes before or behind it.
    shortened = any(
        messages.is_spoken(part) and without_option(part) in text.whole for part in parts
    )
    spoken = [part for part in messages.fixed_parts(text.whole) if messages.is_spoken(part)]
    in_place = all(any(said.rstrip(".") in part for part in parts) for said in spoken)
    assert shortened or in_place, (
        f"{text}: docs/troubleshooting.md does not have {text.whole!r}. Add a row to the table of "
        "its code, with … for what differs."
    )


@pytest.mark.parametrize("message", [text for text in told() if messages.is_spoken(text)])
def test_a_message_of_the_page_is_in_the_code(message: str) -> None:
    known = "\n".join(text.whole for text in TEXTS)
    for part in messages.fixed_parts(message):
        assert is_put_together(without_option(part).split(), known), (
            f"No code says {part!r}. Take it out of docs/troubleshooting.md, or correct it."
        )


def without_option(part: str) -> str:
    """A part as the code has it: without the option of which it is said, and the last full stop."""
    return re.sub(r"^[a-z_]+ (?=is|must|uses|holds|there)", "", part).rstrip(".:")


def is_put_together(words: Sequence[str], known: str) -> bool:
    """Whether a text of the code has the words, or several have some of them in a row each."""
    if len(words) < messages.FEWEST_WORDS or " ".join(words) in known:
        return True
    return any(
        " ".join(words[:middle]) in known and is_put_together(words[middle:], known)
        for middle in range(messages.FEWEST_WORDS, len(words) - messages.FEWEST_WORDS + 1)
    )


@pytest.mark.parametrize("words", NO_MESSAGES)
def test_no_excuse_is_stale(words: str) -> None:
    assert any(text.file == words or words in text.whole for text in TEXTS)
