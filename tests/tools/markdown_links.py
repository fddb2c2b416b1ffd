# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links and anchors of Markdown pages, as the repository's host understands them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
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


@dataclass(frozen=True)
class Link:
    """A link or a picture of a page, and the line that its paragraph begins on."""

    line: int
    target: str

    @property
    def leaves(self) -> bool:
        """Whether it leads to another host."""
        return bool(urlsplit(self.target).scheme)

    @property
    def path(self) -> str:
        """The file that it names; empty for an anchor of its own page."""
        return unquote(urlsplit(self.target).path)

    @property
    def anchor(self) -> str:
        return unquote(urlsplit(self.target).fragment)


@cache
def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def links_of(text: str) -> Iterator[Link]:
    """The links and pictures of a page, in order."""
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
    """The anchor of each heading, in order, and then those that HTML sets."""
    taken: Counter[str] = Counter()
    anchors = []
    for title in (heading[1] for heading in headings_of(text)):
        slug = _NOT_IN_ANCHORS.sub("", title.strip().lower()).replace(" ", "-")
        anchors.append(f"{slug}-{taken[slug]}" if taken[slug] else slug)
        taken[slug] += 1
    contents = (token.content for unused_line, token in _with_lines(_tokens(text)))
    return [*anchors, *(name for content in contents for name in _HTML_ANCHOR.findall(content))]


def faults_of(page: Path, root: Path) -> Iterator[str]:
    """What is wrong with a page's links, each with its place.

    A link into the repository must name a file or folder that is there, and an anchor that the page
    has, an absolute link into it a file or directory. Of a link to another host only the form is
    checked.
    """
    for link in links_of(page.read_text("utf-8")):
        place = f"{page.relative_to(root)}:{link.line}: {link.target}"
        if link.leaves:
            parts = urlsplit(link.target)
            if parts.scheme not in OTHER_HOSTS or not (parts.netloc or parts.scheme == "mailto"):
                yield f"{place} is no address; write it whole, with https:// and a host"
            own = own_file(link.target)
            if own and not (root / own).exists():
                yield f"{place} leads to no file; correct the path"
            continue
        file = page if not link.path else (page.parent / link.path).resolve()
        if link.path.startswith("/") or not file.is_relative_to(root):
            yield f"{place} leads out of the repository; write it relative to the page"
        elif not file.exists():
            yield f"{place} leads to no file; correct the path"
        elif link.anchor and file.suffix == ".md":
            if link.anchor not in anchors_of(file.read_text("utf-8")):
                yield f"{place} names an anchor that {file.name} does not have"
        elif link.anchor:
            yield f"{place} names an anchor of a file that has none; link to the file"
