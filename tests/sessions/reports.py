# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run: its tests in a browser, a demonstration, pictures."""

from __future__ import annotations

import os
from pathlib import Path

import nox

from .environment import (
    CACHE,
    DEFAULT,
    PYTHON,
    REPOSITORY,
    ansible_environment,
    core_requirements,
    install,
    pytest,
    tree,
)


@nox.session(name="report-page", python=PYTHON)
def report_page(session: nox.Session) -> None:
    """The report's page in a real browser, and its other forms by others' parsers."""
    collection = install_for_reports(session)
    pytest(session, "tests/report_page", env=ansible_environment(collection))


@nox.session(name="report-demo", python=PYTHON)
def report_demo(session: nox.Session) -> None:
    """Reports to look at, on three sandbox stores; REPORT_LANGUAGE is en, es or pt."""
    install(session, "runtime", "sandbox", core_requirements(DEFAULT))
    write_demonstration_reports(session, tree(), os.environ.get("REPORT_LANGUAGE") or "en")


@nox.session(name="report-pictures", python=PYTHON)
def report_pictures(session: nox.Session) -> None:
    """Renew the documentation's pictures of a report's page."""
    collection = install_for_reports(session)
    write_demonstration_reports(session, collection, "en")
    page = CACHE / "report-demo" / "audit" / "index.html"
    images = str(REPOSITORY / "docs" / "images")
    session.run("python", "tests/report_page/take_pictures.py", str(page), images)


def install_for_reports(session: nox.Session) -> Path:
    """What the tests of reports need, and the collection's folder, entered."""
    install(session, "pytest", "runtime", "sandbox", "report-page", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    session.run("python", "tests/tools/find_chromium.py")
    return collection


def write_demonstration_reports(session: nox.Session, collection: Path, language: str) -> None:
    """Run the demonstration of reports; its paths are told as seen from the work tree."""
    script = str(collection / "tests" / "report_page" / "report_demo.py")
    words = ("--folder", str(CACHE / "report-demo"), "--language", language)
    paths = {"PATH": os.pathsep.join([session.bin, os.environ["PATH"]])}
    with session.chdir(REPOSITORY):
        session.run("python", script, *words, env={**ansible_environment(collection), **paths})
