# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive, and everything around it."""

from __future__ import annotations

import os

import nox

import collection_tree

from .environment import (
    CACHE,
    DEFAULT,
    PYTHON,
    REPOSITORY,
    core_requirements,
    install,
    pytest,
    tree,
)

DIST = REPOSITORY / "dist"
TOOLS_ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY / "tests" / "tools")}


@nox.session(python=PYTHON)
def build(session: nox.Session) -> None:
    """Build archive, checksum and bill of materials into dist, and check them as Galaxy will."""
    install(session, "release", "build", core_requirements(DEFAULT))
    # A copy of its own: what tests leave in theirs must not get into the archive.
    collection = collection_tree.export(CACHE / "build")
    words = ("build", str(collection), "--output", str(DIST))
    session.run("python", "-m", "publica_release", *words, env=TOOLS_ENVIRONMENT)


@nox.session(python=PYTHON)
def release(session: nox.Session) -> None:
    """Prepare the release VERSION; DRY_RUN=1 leaves the clone as it is."""
    install(session, "release", "build", core_requirements(DEFAULT))
    dry_run = os.environ.get("DRY_RUN", "") not in ("", "0")
    # What a dry run builds is not to be mistaken for a release.
    output = CACHE / "release" if dry_run else DIST
    words = ["prepare", os.environ.get("VERSION", ""), "--output", str(output)]
    words += ["--repository", str(REPOSITORY), *(["--dry-run"] if dry_run else [])]
    session.run(
        *("python", "-m", "publica_release", *words, *session.posargs),
        env=TOOLS_ENVIRONMENT,
    )


@nox.session(name="release-test", python=PYTHON)
def release_test(session: nox.Session) -> None:
    """The release tool's own tests, which make a whole release in a clone of their own."""
    # The lint's tools as well, for the test of the one that audits secrets.
    install(session, "pytest", "release", "lint", core_requirements(DEFAULT))
    session.chdir(tree())
    pytest(session, "tests/release")
