# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the pictures of a report's page for the documentation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import find_chromium

PICTURES: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 1420}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 1420}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 1500}, "color_scheme": "light"},
    "users": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
}
# The section that a picture starts with, if it is not the top of the page.
START = {"users": "#changes"}


def main() -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="the page")
    parser.add_argument("directory", type=Path, help="the directory for the pictures")
    options = parser.parse_args()
    with find_chromium.started() as browser:
        for name, shown in PICTURES.items():
            page = browser.new_context(**shown).new_page()
            page.goto(options.page.resolve().as_uri())
            if name in START:
                page.locator(START[name]).evaluate(
                    "one => window.scrollTo({top: one.offsetTop - 16, behavior: 'instant'})"
                )
            path = options.directory / f"report-{name}.png"
            page.screenshot(path=path)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
