# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the source of the documentation site: the repository's pages with the links of the site.

In the copy that Sphinx reads, a link to another page leads to that page in the site, and a link to
any other file to the repository. Line numbers stay the same, so Sphinx reports the right line. The
README of a directory gets a table of contents of the pages of that directory.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

import yaml

import markdown_links

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = "docs"
# Pages outside docs, and their names in the site.
PAGES_ELSEWHERE = {
    "README.md": "overview.md",
    "README.es.md": "overview.es.md",
    "README.pt.md": "overview.pt.md",
    "roles/publica_users/README.md": "role.md",
}
# Files that antsibull-docs documents, and the pages that it writes.
_REFERENCE = (
    (re.compile(r"plugins/modules/(\w+)\.py"), r"reference/\1_module.rst"),
    (re.compile(r"roles/(\w+)/meta/argument_specs\.yml"), r"reference/\1_role.rst"),
)
PICTURES = (".png", ".svg")
_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>```+)(?P<info>.*)$")
_NAMED = re.compile(r"^(?P<language>\w+) (?:vars|file) (?P<name>\S+)$")
_TARGET = re.compile(r"(?<=\]\()(?P<target>[^)\s]+)(?=\))")
_SCHEME = re.compile(r"^[a-z]+:")


def pages_of(repository: Path) -> dict[str, str]:
    """The pages of the site, from the path in the repository to the one in the source."""
    found = {
        str(path.relative_to(repository)): str(path.relative_to(repository / DOCS))
        for path in sorted((repository / DOCS).rglob("*.md"))
    }
    elsewhere = {
        page: name for page, name in PAGES_ELSEWHERE.items() if (repository / page).exists()
    }
    return {**found, **elsewhere}


def with_links(text: str, link: Callable[[str], str], listing: str | None = None) -> str:
    """A page with its links changed by ``link``.

    Args:
        text: The page.
        link: Returns the new target of a link.
        listing: The directive for code blocks that name a file. Without it they stay as they are.
    """
    lines = []
    closing = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if closing:
            closing = "" if line.strip() == closing else closing
        elif fence:
            closing = fence["marks"]
            named = _NAMED.match(fence["info"])
            if named and listing:
                what = f"{{{listing}}} {named['language']} {named['name']}"
                line = f"{fence['indent']}{fence['marks']}{what}"
        else:
            line = _TARGET.sub(lambda found: link(found["target"]), line)
        lines.append(line)
    return "\n".join(lines)


def repository_link(named: str, anchor: str, url: str) -> str:
    """The address of a file or directory of the repository."""
    suffix = PurePosixPath(named).suffix
    kind = "raw" if suffix in PICTURES else "blob" if suffix or named == "LICENSE" else "tree"
    return f"{url}/{kind}/main/{quote(named)}{anchor}"


def split(target: str) -> tuple[str, str]:
    """The path of a link, and its anchor with the ``#``."""
    path, mark, anchor = target.partition("#")
    return path, f"{mark}{anchor}" if anchor else ""


def site_link(target: str, page: str, pages: Mapping[str, str], url: str) -> str:
    """A link of a page as it is in the site.

    Args:
        target: The link as the page has it.
        page: The page's path in the repository.
        pages: The pages of the site, from :func:`pages_of`.
        url: The address of the repository.
    """
    path, anchor = split(target)
    own = markdown_links.own_file(target)
    if not path or (_SCHEME.match(target) and not own):
        return target
    named = own or os.path.normpath(PurePosixPath(page).parent / unquote(path))
    place = pages.get(named) or _page_of_reference(named)
    if place:
        start = str(PurePosixPath(pages[page]).parent)
        return quote(os.path.relpath(place, start)) + anchor
    if named.startswith(f"{DOCS}/") and PurePosixPath(named).suffix in PICTURES:
        start = str(PurePosixPath(pages[page]).parent)
        return quote(os.path.relpath(named.removeprefix(f"{DOCS}/"), start))
    if own:
        return target
    return repository_link(named, anchor, url)


def _page_of_reference(named: str) -> str | None:
    for files, page in _REFERENCE:
        found = files.fullmatch(named)
        if found:
            return found.expand(page)
    return None


def children(text: str) -> list[str]:
    """The pages of its own directory that a README links to, in order."""
    named = dict.fromkeys(found["target"].partition("#")[0] for found in _TARGET.finditer(text))
    return [page for page in named if page.endswith(".md") and "/" not in page]


def contents(pages: Sequence[str]) -> str:
    """A table of contents that only the navigation shows. Empty without pages."""
    names = "".join(f"{page.removesuffix('.md')}\n" for page in pages)
    return f"\n```{{toctree}}\n:hidden:\n\n{names}```\n" if pages else ""


def lay_out(repository: Path, source: Path) -> Path:
    """Replace ``source`` with the pages of ``repository``, and return it."""
    galaxy = yaml.safe_load((repository / "galaxy.yml").read_text("utf-8"))
    pages = pages_of(repository)
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(repository / DOCS, source)
    for page, name in pages.items():

        def link(target: str, page: str = page) -> str:
            return site_link(target, page, pages, galaxy["repository"])

        text = (repository / page).read_text("utf-8")
        is_index = PurePosixPath(name).name == "README.md"
        below = contents(children(text)) if is_index else ""
        (source / name).write_text(with_links(text, link, "listing") + below, "utf-8")
    (source / "VERSION").write_text(f"{galaxy['version']}\n", "utf-8")
    return source


if __name__ == "__main__":
    print(lay_out(REPOSITORY, Path(sys.argv[1]).resolve()))
