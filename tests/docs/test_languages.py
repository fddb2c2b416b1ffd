# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there in Spanish and Portuguese says the same as in English, as far as it can be told.

Section by section: the same commands, examples, names of options and links. Only what stands behind
a ``#`` in an example may be in the page's own language.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import markdown_links
from support.paths import REPOSITORY

LANGUAGES = {"": "English", ".es": "Español", ".pt": "Português"}
PAGES = ("README.md", "docs/getting-started.md")
# The other READMEs are short introductions, not translations.
TRANSLATIONS = [("docs/getting-started.md", code) for code in LANGUAGES if code]
COMMENT = re.compile(r"(^|\s+)# .*$", re.MULTILINE)


def path_of(page: str, code: str) -> Path:
    """Where a page is in a language."""
    return (REPOSITORY / page).with_suffix(f"{code}.md")


def sections(path: Path) -> list[list[Token]]:
    """The tokens of a page by its headings, without what stands inside each other."""
    found: list[list[Token]] = [[]]
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text("utf-8")):
        if token.type == "heading_open":
            found.append([])
        found[-1].append(token)
    return found


def inner(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


def english(path: Path, target: str) -> str:
    """A link as it is in English: to the English page, and to the heading by its number."""
    link = markdown_links.Link(0, target)
    if link.leaves:
        return target
    file = (path.parent / link.path).resolve() if link.path else path
    name = re.sub(r"\.(es|pt)\.md$", ".md", str(file.relative_to(REPOSITORY)))
    if not link.anchor:
        return name
    anchors = markdown_links.anchors_of(file.read_text("utf-8"))
    return f"{name}#{anchors.index(unquote(link.anchor))}"


def is_switcher(token: Token) -> bool:
    return token.type == "inline" and " · [" in token.content


def links(path: Path, tokens: list[Token]) -> Counter[str]:
    kept = [token for token in tokens if not is_switcher(token)]
    return Counter(
        english(path, str(child.attrs["href"]))
        for child in inner(kept)
        if child.type == "link_open"
    )


def names(tokens: list[Token]) -> Counter[str]:
    return Counter(child.content for child in inner(tokens) if child.type == "code_inline")


def blocks(tokens: list[Token]) -> list[tuple[str, str]]:
    return [
        (token.info, COMMENT.sub("", token.content)) for token in tokens if token.type == "fence"
    ]


@pytest.mark.parametrize(("page", "code"), TRANSLATIONS)
def test_a_translation_has_the_same_sections(page: str, code: str) -> None:
    outlines = [
        [level for level, _ in markdown_links.headings_of(path_of(page, each).read_text("utf-8"))]
        for each in ("", code)
    ]
    assert outlines[0] == outlines[1]


@pytest.mark.parametrize(("page", "code"), TRANSLATIONS)
def test_each_section_has_the_same_commands_names_and_links(page: str, code: str) -> None:
    original, translated = path_of(page, ""), path_of(page, code)
    pairs = list(zip(sections(original), sections(translated), strict=True))
    for there, here in pairs:
        heading = here[1].content if here else "the beginning"
        where = f"{translated.name}, {heading}"
        assert blocks(here) == blocks(there), f"{where}: other code blocks than in English"
        assert names(here) == names(there), f"{where}: other names than in English"
        assert links(translated, here) == links(original, there), f"{where}: other links"
        rows = [sum(token.type == "tr_open" for token in tokens) for tokens in (here, there)]
        assert rows[0] == rows[1], f"{where}: a table has {rows[0]} rows, in English {rows[1]}"
        items = [
            sum(token.type == "list_item_open" for token in tokens) for tokens in (here, there)
        ]
        assert items[0] == items[1], f"{where}: {items[0]} items of lists, in English {items[1]}"
    assert len(pairs) > 5


@pytest.mark.parametrize(("page", "code"), TRANSLATIONS)
def test_a_translation_links_to_pages_in_its_own_language(page: str, code: str) -> None:
    path = path_of(page, code)
    for line in path.read_text("utf-8").splitlines():
        if " · [" in line:
            continue
        for link in markdown_links.links_of(line):
            if link.leaves or not link.path.endswith(".md"):
                continue
            file = path.parent / link.path
            assert (
                link.path.endswith(f"{code}.md") or not file.with_suffix(f"{code}.md").exists()
            ), f"{path.name}: {link.target} is there in {LANGUAGES[code]}"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("code", LANGUAGES)
def test_each_page_leads_to_the_other_languages(page: str, code: str) -> None:
    name = Path(page).stem
    expected = " · ".join(
        f"**{language}**" if each == code else f"[{language}]({name}{each}.md)"
        for each, language in LANGUAGES.items()
    )
    assert path_of(page, code).read_text("utf-8").splitlines()[2] == expected
