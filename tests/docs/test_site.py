# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built site: complete, without broken links, accessible, and usable offline."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

import docs_source
import find_chromium
from docs_source import REPOSITORY

# Elements whose targets a browser loads by itself.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "link": "href",
}
NOT_LOADED = {"next", "prev", "search", "index", "author", "canonical", "help", "copyright"}


# Short pages of each kind, since axe takes seconds for each hundred elements.
PAGES = ("index", "playbooks", "overview.pt", "reference/publica_user_logout_module")


@cache
def site() -> Path:
    """The directory that `make docs` has built.

    Raises:
        RuntimeError: if there is none.
    """
    directory = Path(os.environ.get("PUBLICA_TEST_SITE", "")).resolve()
    if not (directory / "index.html").exists():
        raise RuntimeError("PUBLICA_TEST_SITE does not name a built site. Run `make docs`.")
    return directory


class Elements(HTMLParser):
    """The elements of a page with their attributes, in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


@cache
def elements(path: Path) -> list[tuple[str, dict[str, str]]]:
    return Elements(path).found


@cache
def anchors(path: Path) -> set[str]:
    return {attributes["id"] for _tag, attributes in elements(path) if "id" in attributes}


def html_pages() -> list[Path]:
    return sorted(site().rglob("*.html"))


def broken(path: Path) -> Iterator[str]:
    """The links of a page to a missing file or anchor of the site."""
    targets = (each.get("href") or each.get("src") for _tag, each in elements(path))
    for target in filter(None, targets):
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


def test_no_page_loads_anything_from_another_host() -> None:
    loaded = [
        f"{path.relative_to(site())}: {attributes[LOADED[tag]]}"
        for path in html_pages()
        for tag, attributes in elements(path)
        if tag in LOADED
        and urlsplit(attributes.get(LOADED[tag], "")).netloc
        and not NOT_LOADED & set(attributes.get("rel", "").split())
    ]
    assert loaded == []


def test_no_style_or_script_loads_anything_from_another_host() -> None:
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
        text = (site() / "reference" / f"{name}.html").read_text("utf-8")
        assert ("Parameters" if name.endswith("_role") else "Synopsis") in text, name


def test_each_page_has_one_title_and_its_language() -> None:
    for path in html_pages():
        ending = path.with_suffix("").suffix
        language = {".es": "es", ".pt": "pt-BR"}.get(ending, "en")
        tags = [tag for tag, _attributes in elements(path)]
        assert dict(elements(path))["html"]["lang"] == language, path
        assert tags.count("h1") == 1, path


def test_an_example_shows_the_name_of_its_file() -> None:
    text = (site() / "getting-started.html").read_text("utf-8")
    captions = re.findall(r'class="code-block-caption".*?</div>', text, re.DOTALL)
    assert any("group_vars/publica_stores/readers.yml" in caption for caption in captions)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with find_chromium.started("--allow-file-access-from-files") as browser:
        yield browser


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_at_every_width(
    browser: Browser, name: str, scheme: str, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    opened = browser.new_context(color_scheme=scheme, viewport=viewport).new_page()
    opened.set_default_timeout(find_chromium.TIMEOUT)
    opened.goto((site() / f"{name}.html").as_uri())

    found = Axe().run(opened).response

    assert [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]] == []
    assert len(found["passes"]) > 20
    wider = opened.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, "the page scrolls sideways"


def test_the_search_works_offline(browser: Browser) -> None:
    opened = browser.new_context().new_page()
    requests: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(
        (site() / "search.html").as_uri() + "?q=max_rate_limit_wait", timeout=find_chromium.TIMEOUT
    )
    opened.wait_for_selector("#search-results li a", timeout=find_chromium.TIMEOUT)

    assert "Troubleshooting" in opened.locator("#search-results li a").all_inner_texts()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert errors == []
