# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the machine's Chromium, for the tests in a browser.

The browsers that playwright downloads are not used: build machines often reach only package
registries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
VARIABLE = "PUBLICA_TEST_CHROMIUM"
MISSING = (
    "Chromium was not found. Install it (on Debian and Ubuntu: apt-get install chromium), or set "
    f"the environment variable {VARIABLE} to its path."
)
# The first start of the browser in a container can be slow.
TIMEOUT = 60_000
APT_GET = ("apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300")


def find() -> Path | None:
    """The browser that the environment names, or the first of the known names on PATH."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


def install() -> None:
    """Install Debian's package."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update",), ("install", "--yes", "--no-install-recommends", "chromium")):
        subprocess.run([*APT_GET, *words], check=True, env=environment, stdout=sys.stderr)


def find_or_install() -> Path:
    """The browser, installed if it is missing and the user is root.

    Raises:
        SystemExit: if there is none, with what to do.
    """
    found = find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            install()
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{MISSING} ({' '.join(error.cmd)} failed.)") from error
        found = find()
    if found is None:
        raise SystemExit(MISSING)
    return found


@contextmanager
def started(*words: str) -> Iterator[Any]:
    """The browser of playwright, with further words of its command line."""
    from playwright.sync_api import sync_playwright

    # As root, Chromium does not start with its sandbox. Only pages of this project are opened.
    arguments = [*words, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find_or_install()), args=arguments, timeout=TIMEOUT
        )
        yield browser
        browser.close()


if __name__ == "__main__":
    print(find_or_install())
