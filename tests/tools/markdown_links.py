# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links and anchors of Markdown pages, by the rules of GitHub."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
_HTML_LINK = re.compile(r"""<(?:a|img)\b[^>]*?\b(?:href|src)=["']([^"']*)""")
_HTML_ANCHOR = re.compile(r"""<a\b[^>]*?\b(?:id|name)=["']([^"']*)""")
OTHER_HOSTS = ("http", "https", "mailto")
# Pages link to files that a Galaxy artifact does not contain by their address in the repository.
_OWN_FILE = re.compile(
    r"https://(?:github\.com/publica-la/ansible-collection-publica\.la/(?:blob|tree)"
    r"|raw\.githubusercontent\.com/publica-la/ansible-collection-publica\.la)/main/(?P<path>[^#?]+)"
)


def own_file(target: str) -> str | None:
    """The path in this repository that an absolute link leads to, if it does."""
    found = _OWN_FILE.match(target)
    return unquote(found["path"]) if found else None


class Link(NamedTuple):
    """A link or an image, and the line where its paragraph begins."""

    line: int
    target: str


@cache
def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def links_of(text: str) -> Iterator[Link]:
    """The links and images of a page, in order."""
    for line, token in _with_lines(_tokens(text)):
        if token.type in ("link_open", "image"):
            yield Link(line, str(token.attrs["href" if token.type == "link_open" else "src"]))
        elif token.type in ("html_inline", "html_block"):
            for target in _HTML_LINK.findall(token.content):
                yield Link(line, target)


def _with_lines(tokens: Iterable[Token], line: int = 1) -> Iterator[tuple[int, Token]]:
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        yield line, token
        yield from _with_lines(token.children or (), line)


def headings_of(text: str) -> list[tuple[int, str]]:
    """The level and the plain text of each heading, in order."""
    tokens = _tokens(text)
    return [
        (int(token.tag[1]), _plain(tokens[number + 1].children or ()))
        for number, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def _plain(tokens: Iterable[Token]) -> str:
    return "".join(token.content for token in tokens if token.type in ("text", "code_inline"))


def anchors_of(text: str) -> list[str]:
    """The anchor of each heading, in order, and then those of HTML elements."""
    taken: Counter[str] = Counter()
    anchors = []
    for title in (heading[1] for heading in headings_of(text)):
        slug = _NOT_IN_ANCHORS.sub("", title.strip().lower()).replace(" ", "-")
        anchors.append(f"{slug}-{taken[slug]}" if taken[slug] else slug)
        taken[slug] += 1
    contents = (token.content for unused_line, token in _with_lines(_tokens(text)))
    return [*anchors, *(name for content in contents for name in _HTML_ANCHOR.findall(content))]


def errors_of(page: Path, root: Path) -> Iterator[str]:
    """What is wrong with the links of a page, each with its line.

    A link into the repository, also an absolute one, must lead to an existing file or directory.
    A relative link must lead to an existing anchor. A link to another host is checked for its form
    only.
    """
    for link in links_of(page.read_text("utf-8")):
        place = f"{page.relative_to(root)}:{link.line}: {link.target}"
        parts = urlsplit(link.target)
        if parts.scheme:
            if parts.scheme not in OTHER_HOSTS or not (parts.netloc or parts.scheme == "mailto"):
                yield f"{place} is not an address. Use https:// and a host."
            own = own_file(link.target)
            if own and not (root / own).exists():
                yield f"{place} no such file. Correct the path."
            continue
        path, anchor = unquote(parts.path), unquote(parts.fragment)
        file = (page.parent / path).resolve() if path else page
        if path.startswith("/") or not file.is_relative_to(root):
            yield f"{place} is outside the repository. Use a path relative to the page."
        elif not file.exists():
            yield f"{place} no such file. Correct the path."
        elif anchor and (file.suffix != ".md" or anchor not in anchors_of(file.read_text("utf-8"))):
            yield f"{place} {file.name} has no such anchor. Correct it, or link to the file."
