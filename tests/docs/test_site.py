# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built site: whole, without a broken link, and without a request to another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

import docs_source
from support.paths import REPOSITORY
from support.site import site

# What a browser fetches by itself; a link is followed only by a reader.
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "link": "href",
}
NOT_FETCHED = {"next", "prev", "search", "index", "author", "canonical", "help", "copyright"}


@cache
def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@cache
def anchors(path: Path) -> set[str]:
    return {str(tag["id"]) for tag in page(path).find_all(id=True)}


def html_pages() -> list[Path]:
    return sorted(site().rglob("*.html"))


def broken(path: Path) -> Iterator[str]:
    """The links of a page that lead nowhere in the site."""
    for tag in page(path).find_all(href=True) + page(path).find_all(src=True):
        target = str(tag.get("href") or tag.get("src"))
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not file.is_relative_to(site()) or not file.is_file():
            yield f"{target}: no file"
            continue
        named = parts.fragment if file.suffix == ".html" else ""
        if named and unquote(named) not in anchors(file):
            yield f"{target}: no anchor"


def test_no_link_of_the_site_is_broken() -> None:
    found = {
        f"{path.relative_to(site())} -> {fault}" for path in html_pages() for fault in broken(path)
    }
    assert found == set()


def test_no_page_fetches_anything_from_another_host() -> None:
    fetched = [
        f"{path.relative_to(site())}: {tag[attribute]}"
        for path in html_pages()
        for name, attribute in FETCHED.items()
        for tag in page(path).find_all(name, **{attribute: True})
        if not NOT_FETCHED & set(tag.get("rel", []))
        if urlsplit(str(tag[attribute])).netloc
    ]
    assert fetched == []


def test_no_style_or_script_fetches_anything_from_another_host() -> None:
    asks = re.compile(r"(?:url\(|@import|fetch\(|importScripts\()\s*[\"']?(?:https?:)?//")
    for path in [*site().rglob("*.css"), *site().rglob("*.js")]:
        assert asks.search(path.read_text("utf-8", "replace")) is None, path


def test_every_page_of_the_repository_is_in_the_site_and_can_be_searched() -> None:
    index = (site() / "searchindex.js").read_text("utf-8")
    for name in docs_source.pages_of(REPOSITORY).values():
        assert (site() / name).with_suffix(".html").is_file(), name
        assert f'"{name.removesuffix(".md")}"' in index, name


def test_every_module_and_role_is_in_the_reference() -> None:
    modules = [path.stem for path in (REPOSITORY / "plugins" / "modules").glob("[!_]*.py")]
    roles = [path.name for path in (REPOSITORY / "roles").iterdir() if (path / "tasks").is_dir()]
    pages = [f"{name}_module" for name in modules] + [f"{name}_role" for name in roles]
    assert pages
    for name in pages:
        article = page(site() / "reference" / f"{name}.html").find("article")
        assert article is not None
        assert article.find(string="Parameters" if name.endswith("_role") else "Synopsis"), name


def test_each_page_has_one_title_and_says_its_language() -> None:
    for path in html_pages():
        ending = path.with_suffix("").suffix
        language = {".es": "es", ".pt": "pt-BR"}.get(ending, "en")
        assert page(path).html is not None
        assert page(path).html["lang"] == language, path
        assert len(page(path).find_all("h1")) == 1, path


def test_an_example_with_a_files_name_shows_it() -> None:
    captions = page(site() / "getting-started.html").select(".code-block-caption")
    names = [caption.get_text(strip=True) for caption in captions]
    assert any(name.startswith("group_vars/publica_stores/readers.yml") for name in names)
    # Not every block has a file, and those without one have no caption.
    assert 0 < len(names) < len(page(site() / "getting-started.html").select("div.highlight"))
