# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lay out the source of the documentation site: the repository's pages, with links of the site.

The pages stay as the repository's host shows them. In the copy that Sphinx reads, a link to another
page leads to that page's place in the site, and one to any other file to the repository. No line is
added or taken away in between, so what Sphinx says of a line is true of the page as well; but the
index of a folder, its README, ends with a table of contents of the pages that it links to there.
"""

from __future__ import annotations

import argparse
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
# Pages that lie elsewhere in the repository, and what they are called in the site.
PAGES_ELSEWHERE = {
    "README.md": "overview.md",
    "README.es.md": "overview.es.md",
    "README.pt.md": "overview.pt.md",
    "roles/publica_users/README.md": "role.md",
}
# Files whose documentation antsibull-docs writes, and the page of the reference that it makes.
_REFERENCE = (
    (re.compile(r"plugins/modules/(\w+)\.py"), r"reference/\1_module.rst"),
    (re.compile(r"roles/(\w+)/meta/argument_specs\.yml"), r"reference/\1_role.rst"),
)
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


def rewritten(text: str, link: Callable[[str], str]) -> str:
    """A page with its links changed by ``link``, and a title over each listing of a named file."""
    lines = []
    closing = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if closing:
            closing = "" if line.strip() == closing else closing
        elif fence:
            closing = fence["marks"]
            named = _NAMED.match(fence["info"])
            if named:
                what = f"{{listing}} {named['language']} {named['name']}"
                line = f"{fence['indent']}{fence['marks']}{what}"
        else:
            line = _TARGET.sub(lambda found: link(found["target"]), line)
        lines.append(line)
    return "\n".join(lines)


def site_link(target: str, page: str, pages: Mapping[str, str], repository: Path, url: str) -> str:
    """What a link of a page becomes in the site.

    Args:
        target: The link as the page has it.
        page: The page's path in the repository.
        pages: The pages of the site, as :func:`pages_of` finds them.
        repository: Where the pages lie.
        url: The address of the repository at its host.
    """
    path, anchor = (*target.split("#", 1), "")[:2]
    own = markdown_links.own_file(target)
    if not path or (_SCHEME.match(target) and not own):
        return target
    named = own or os.path.normpath(PurePosixPath(page).parent / unquote(path))
    ending = f"#{anchor}" if anchor else ""
    place = pages.get(named) or _page_of_reference(named)
    if place:
        start = str(PurePosixPath(pages[page]).parent)
        return quote(os.path.relpath(place, start)) + ending
    file = repository / named
    if named.startswith(f"{DOCS}/") and file.suffix in (".svg", ".png"):
        start = str(PurePosixPath(pages[page]).parent)
        return quote(os.path.relpath(named.removeprefix(f"{DOCS}/"), start))
    if own:
        return target
    kind = "tree" if file.is_dir() else "blob"
    return f"{url}/{kind}/main/{quote(named)}{ending}"


def _page_of_reference(named: str) -> str | None:
    for files, page in _REFERENCE:
        found = files.fullmatch(named)
        if found:
            return found.expand(page)
    return None


def children(text: str) -> list[str]:
    """The pages of its own folder that the index of a folder, its README, links to, in order."""
    named = dict.fromkeys(found["target"].partition("#")[0] for found in _TARGET.finditer(text))
    return [page for page in named if page.endswith(".md") and "/" not in page]


def contents(pages: Sequence[str]) -> str:
    """A table of contents that only the navigation shows; nothing for no page."""
    names = "".join(f"{page.removesuffix('.md')}\n" for page in pages)
    return f"\n```{{toctree}}\n:hidden:\n\n{names}```\n" if pages else ""


def lay_out(repository: Path, source: Path) -> Path:
    """Make ``source`` anew out of the pages of ``repository``, and return it."""
    galaxy = yaml.safe_load((repository / "galaxy.yml").read_text("utf-8"))
    pages = pages_of(repository)
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(repository / DOCS, source)
    for page, name in pages.items():

        def link(target: str, page: str = page) -> str:
            return site_link(target, page, pages, repository, galaxy["repository"])

        text = (repository / page).read_text("utf-8")
        is_index = PurePosixPath(name).name == "README.md"
        below = contents(children(text)) if is_index else ""
        (source / name).write_text(rewritten(text, link) + below, "utf-8")
    (source / "VERSION").write_text(f"{galaxy['version']}\n", "utf-8")
    return source


def main() -> int:
    """The command line. Returns its exit code."""
    parser = argparse.ArgumentParser(description="Lay out the source of the documentation site.")
    parser.add_argument("source", type=Path, help="the folder to make anew")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="where the pages are")
    options = parser.parse_args()
    print(lay_out(options.repository.resolve(), options.source.resolve()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
