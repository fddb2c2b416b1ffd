# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a report in a real browser, watched for whatever it should not do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.report.forms import forms_of
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

import find_chromium  # noqa: E402  (after the path is set, since the tools are no package)

WIDE = {"width": 1280, "height": 900}
# A container's first start of the browser can be slow.
PATIENCE = 60_000


@dataclass
class Watched:
    """A page, and what it did that nobody asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """No request, no message, no dialog, no error."""
        assert self.asked == []
        assert self.said == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = find_chromium.find()
    assert found is not None, find_chromium.MISSING
    # A superuser's browser has no sandbox of its own; nothing from elsewhere is opened here.
    words = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(found), args=words, timeout=PATIENCE
        )
        yield browser
        browser.close()


Opener = Callable[..., Watched]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """A function that writes a report's page and opens it."""
    contexts = []

    def open_(report: Mapping[str, Any], language: str = "en", **options: Any) -> Watched:
        path = tmp_path / "index.html"
        path.write_text(forms_of(report, language)["index.html"], encoding="utf-8")
        context = browser.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        watched = Watched(context.new_page())
        watch(watched)
        watched.page.goto(path.as_uri())
        return watched

    yield open_
    for context in contexts:
        context.close()


def watch(watched: Watched) -> None:
    """Write down what a page does."""
    page = watched.page
    page.set_default_timeout(PATIENCE)

    def asked(request: Any) -> None:
        own = request.url.startswith("file:") and request.is_navigation_request()
        if not own and not request.url.startswith("data:"):
            watched.asked.append(request.url)

    def dialog(shown: Any) -> None:
        watched.said.append(f"dialog: {shown.message}")
        shown.dismiss()

    page.on("request", asked)
    page.on("dialog", dialog)
    page.on("console", lambda message: watched.said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: watched.said.append(f"error: {error}"))
