# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site in a real browser, opened from its folder: for everybody, at every width, offline."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

import find_chromium
from support.site import site

# A page of each kind: words, tables, code in another language, the reference. Short ones, since axe
# takes seconds for each hundred elements.
PAGES = ("index", "playbooks", "overview.pt", "reference/publica_user_logout_module")
WIDE, NARROW = 1280, 390
LOOKS = [("light", WIDE), ("dark", NARROW)]
# A container's first start of the browser can be slow.
PATIENCE = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = find_chromium.find()
    assert found is not None, find_chromium.MISSING
    words = ["--allow-file-access-from-files"]
    # A superuser's browser has no sandbox of its own; nothing from elsewhere is opened here.
    words += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(found), args=words, timeout=PATIENCE
        )
        yield browser
        browser.close()


def opened(browser: Browser, name: str, scheme: str = "light", width: int = WIDE) -> Page:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    path, _, query = name.partition("?")
    page.goto((site() / f"{path}.html").as_uri() + (f"?{query}" if query else ""))
    return page


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_there_for_everybody(
    browser: Browser, name: str, scheme: str, width: int
) -> None:
    page = opened(browser, name, scheme, width)
    found = Axe().run(page).response
    faults = [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found["violations"]]
    assert faults == []
    # Rules that fit nothing would be no proof.
    assert len(found["passes"]) > 20
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, "the page itself scrolls sideways"


def test_a_search_finds_a_page_without_a_server_or_another_host(browser: Browser) -> None:
    page = browser.new_context().new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((site() / "search.html").as_uri() + "?q=max_rate_limit_wait", timeout=PATIENCE)
    page.wait_for_selector("#search-results li a", timeout=PATIENCE)
    titles = page.locator("#search-results li a").all_inner_texts()
    assert "Troubleshooting" in titles
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
