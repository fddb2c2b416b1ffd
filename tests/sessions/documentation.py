# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation: its checks, and its site."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nox

import collection_tree

from .environment import (
    CACHE,
    DEFAULT,
    HOME,
    PYTHON,
    REPOSITORY,
    ansible_environment,
    core_requirements,
    install,
    pytest,
    tree,
)


@nox.session(python=PYTHON)
def docs(session: nox.Session) -> None:
    """What ansible-doc and Galaxy will show: complete, and free of broken references."""
    install(session, "docs", "runtime", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    session.run(
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs"),
        *("--validate-collection-refs=all", "."),
        env=ansible_environment(collection),
    )


@nox.session(python=PYTHON)
def site(session: nox.Session) -> None:
    """The documentation site into .cache/docs/html, and the checks of its pages and their links."""
    html = _build_site(session, "html")
    session.run("python", "tests/tools/find_chromium.py")
    env = {"PUBLICA_TEST_SITE": str(html), "HOME": str(HOME)}
    pytest(session, "tests/docs", env=env)
    session.log(f"The site: {html.relative_to(REPOSITORY)}/index.html")


@nox.session(name="links-online", python=PYTHON)
def links_online(session: nox.Session) -> None:
    """Whether the documentation's links to other hosts still lead somewhere; needs a network."""
    _build_site(session, "linkcheck")


def _build_site(session: nox.Session, builder: str) -> Path:
    """Lay out the site's source, write the reference into it, and run one of Sphinx's builders."""
    install(session, "docs", "site", "pytest", "runtime", core_requirements(DEFAULT))
    collection = tree()
    env = ansible_environment(collection)
    source, target = CACHE / "docs" / "source", CACHE / "docs" / builder
    shutil.rmtree(target, ignore_errors=True)
    session.chdir(collection)
    session.run("python", "tests/tools/docs_source.py", str(source), env=env, silent=True)
    _write_reference(session, source / "reference")
    # A warning fails the build, a page that no table of contents names among them.
    words = ("-q", "-W", "--keep-going", "--fresh-env", "-d", str(CACHE / "docs" / "doctrees"))
    session.run("sphinx-build", *words, "-b", builder, str(source), str(target), env=env)
    return target


def _write_reference(session: nox.Session, target: Path) -> None:
    """Let antsibull-docs write the pages of the modules and the role."""
    # It wants a folder that nobody else may write to.
    target.mkdir(mode=0o755)
    words = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--no-indexes")
    # A clone may itself lie in a folder ansible_collections. Below a second one, as in .cache,
    # Ansible finds no role; from within the collection it takes the role for one without a name.
    with tempfile.TemporaryDirectory() as root:
        env = ansible_environment(collection_tree.export(Path(root)))
        with session.chdir(root):
            command = ("antsibull-docs", "collection", *words, "--dest-dir", str(target))
            session.run(*command, "publica.la", env=env, silent=True)
