# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report's page in a real browser, with every request, message and error recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.plugin_utils.report.text import files_of
from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

import find_chromium  # noqa: E402  (needs the path, since the tools are not a package)

WIDE = {"width": 1280, "height": 900}


@dataclass
class Watched:
    """A page, and what it did on its own."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """Check that there was no request, message, dialog or error."""
        assert self.requests == []
        assert self.messages == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with find_chromium.started() as browser:
        yield browser


Opener = Callable[..., Watched]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """A function that writes and opens the page of a report."""
    contexts = []

    def open_(report: Mapping[str, Any], language: str = "en", **options: Any) -> Watched:
        path = tmp_path / "index.html"
        path.write_text(files_of(report, language)["index.html"], encoding="utf-8")
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
    page = watched.page
    page.set_default_timeout(find_chromium.TIMEOUT)

    def requested(request: Any) -> None:
        own = request.url.startswith("file:") and request.is_navigation_request()
        if not own and not request.url.startswith("data:"):
            watched.requests.append(request.url)

    def dialog(shown: Any) -> None:
        watched.messages.append(f"dialog: {shown.message}")
        shown.dismiss()

    page.on("request", requested)
    page.on("dialog", dialog)
    page.on("console", lambda message: watched.messages.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: watched.messages.append(f"error: {error}"))
