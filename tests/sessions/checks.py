# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of files: lint, types, documentation, archive. They may run at the same time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nox
from nox.command import CommandFailed

import collection_tree

from .environment import (
    CACHE,
    HOME,
    LATEST,
    REPOSITORY,
    UV,
    ansible_environment,
    programs,
    python_for,
    run,
    tree,
)

ENVIRONMENT = f"environment-{LATEST}"
# ansible-test applies the rules of code that runs under Ansible. The tests and the site's
# extensions are programs for a newer Python: ruff, mypy and their own tests check them.
NOT_FOR_ANSIBLE_TEST = ("docs/_ext/*", "docs/conf.py", "tests/conftest.py", "tests/*/*")
DIST = REPOSITORY / "dist"


@nox.session(requires=[ENVIRONMENT], tags=["test"], allow_parallel=True)
def lint(session: nox.Session) -> None:
    """The hooks of .pre-commit-config.yaml on every file, and ansible-lint."""
    collection = tree()
    session.chdir(collection)
    # The hooks read the files that git knows: none in a new copy.
    session.run("git", "add", "--all", log=False)
    env = ansible_environment(collection)
    failed = []
    for command in (
        ("pre-commit", "run", "--all-files", "--show-diff-on-failure"),
        ("ansible-lint", "--profile", "production", "--offline", "--strict"),
    ):
        try:
            run(session, LATEST, *command, env=env)
        except CommandFailed:
            failed.append(command[0])
    if failed:
        session.error(f"Failed: {', '.join(failed)}.")


@nox.session(requires=[ENVIRONMENT])
def secrets(session: nox.Session) -> None:
    """Record what looks like a secret in .secrets.baseline; REASON explains new findings."""
    audit = REPOSITORY / "tests" / "tools" / "audit_secrets.py"
    reason = os.environ.get("REASON", "")
    run(session, LATEST, "python", str(audit), "--accept", reason, *session.posargs)


@nox.session(name="format", requires=[ENVIRONMENT])
def format_code(session: nox.Session) -> None:
    """Format the Python files."""
    run(session, LATEST, "ruff", "check", "--fix-only")
    run(session, LATEST, "ruff", "format")


@nox.session(requires=[ENVIRONMENT], tags=["test"], allow_parallel=True)
def types(session: nox.Session) -> None:
    """mypy on the collection's code, the sandbox store, the benchmarks and the tools."""
    session.chdir(tree())

    def mypy(paths: str, *words: str) -> None:
        run(session, LATEST, "mypy", *words, env={"MYPYPATH": paths})

    mypy(str(CACHE / "tree"), "plugins")
    newer = ("--python-version", "3.11")
    mypy("tests/tools:tests/sandbox", *newer, "tests/tools", "tests/demo", "docs/examples")
    # numpy, a dependency of the charts, needs a newer Python.
    benchmarks = ("--python-version", "3.12", "--package", "publica_bench")
    mypy("tests/benchmarks:tests/sandbox", *benchmarks)
    # nox and galaxy-importer need different releases of attrs, so nox is not in this environment.
    nox_python = ("--python-executable", str(CACHE / "tools" / "bin" / "python"))
    mypy("tests:tests/tools", *newer, *nox_python, "noxfile.py", "tests/sessions")
    session.chdir("tests/sandbox")
    mypy("")


@nox.session(requires=[ENVIRONMENT], tags=["test"], allow_parallel=True)
def docs(session: nox.Session) -> None:
    """The documentation of the modules, the site in .cache/docs/html, and the tests of both."""
    collection = tree()
    html = _build_site(session, collection, "html")
    words = ("--plugin-docs", "--validate-collection-refs=all", ".")
    env = ansible_environment(collection)
    run(session, LATEST, "antsibull-docs", "lint-collection-docs", *words, env=env)
    run(session, LATEST, "python", "tests/tools/find_chromium.py")
    env = {"PUBLICA_TEST_SITE": str(html), "HOME": str(HOME)}
    run(session, LATEST, "python", "-m", "pytest", *(session.posargs or ["tests/docs"]), env=env)
    session.log(f"The site: {html.relative_to(REPOSITORY)}/index.html")


@nox.session(name="docs-links-online", requires=[ENVIRONMENT])
def links_online(session: nox.Session) -> None:
    """Check the documentation's links to other hosts; needs the internet."""
    _build_site(session, tree(), "linkcheck")


def _build_site(session: nox.Session, collection: Path, builder: str) -> Path:
    """Write the site's source and its reference, and run one of Sphinx's builders."""
    env = ansible_environment(collection)
    source, target = CACHE / "docs" / "source", CACHE / "docs" / builder
    shutil.rmtree(target, ignore_errors=True)
    session.chdir(collection)
    run(session, LATEST, "python", "tests/tools/docs_source.py", str(source), env=env)
    _write_reference(session, source / "reference")
    # A warning fails the build.
    words = ("-q", "-W", "--keep-going", "--fresh-env", "-d", str(CACHE / "docs" / "doctrees"))
    run(session, LATEST, "sphinx-build", *words, "-b", builder, str(source), str(target), env=env)
    return target


def _write_reference(session: nox.Session, target: Path) -> None:
    """Write the pages of the modules and the role."""
    # antsibull-docs requires a directory that only its owner can write to.
    target.mkdir(mode=0o755)
    words = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--no-indexes")
    # A clone can itself lie in a directory ansible_collections. Ansible finds no role in a second
    # one below it, and does not read the role's full name from within the collection.
    with tempfile.TemporaryDirectory() as root:
        env = ansible_environment(collection_tree.export(Path(root)))
        with session.chdir(root):
            command = ("antsibull-docs", "collection", *words, "--dest-dir", str(target))
            run(session, LATEST, *command, "publica.la", env=env)


@nox.session(requires=[ENVIRONMENT], tags=["test-all"], allow_parallel=True)
def build(session: nox.Session) -> None:
    """Build archive, checksum and bill of materials into dist, and run Galaxy's own check."""
    # In a copy of its own: files that tests write must not get into the archive.
    collection = collection_tree.export(CACHE / "build")
    release_tool(session, "build", str(collection), "--output", str(DIST))


@nox.session(requires=[ENVIRONMENT])
def release(session: nox.Session) -> None:
    """Prepare the release VERSION; DRY_RUN=1 does not change the clone."""
    dry_run = os.environ.get("DRY_RUN", "") not in ("", "0")
    output = CACHE / "release" if dry_run else DIST
    words = ["prepare", os.environ.get("VERSION", ""), "--output", str(output)]
    words += ["--repository", str(REPOSITORY), *(["--dry-run"] if dry_run else [])]
    release_tool(session, *words, *session.posargs)


def release_tool(session: nox.Session, *words: str) -> None:
    """Run tests/tools/publica_release."""
    env = {"PYTHONPATH": str(REPOSITORY / "tests" / "tools")}
    run(session, LATEST, "python", "-m", "publica_release", *words, env=env)


@nox.session(name="release-test", requires=[ENVIRONMENT], tags=["test-all"], allow_parallel=True)
def release_test(session: nox.Session) -> None:
    """The tests of the release tool and of the audit of secrets."""
    session.chdir(tree())
    words = session.posargs or ["tests/release"]
    run(session, LATEST, "python", "-m", "pytest", *words)


def sanity(session: nox.Session, core: str) -> None:
    """ansible-test sanity"""
    # It writes into the collection and, under the same names for every release, into HOME.
    collection = collection_tree.export(CACHE / "sanity" / core, NOT_FOR_ANSIBLE_TEST)
    home = CACHE / "sanity" / core / "home"
    python = str(python_for(core))
    _provide_get_pip(session, core, python, home)
    session.chdir(collection)
    words = ("--venv", "--python", python, "--requirements", "--color", "no", *session.posargs)
    run(session, core, "ansible-test", "sanity", *words, env={"HOME": str(home)})


def _provide_get_pip(session: nox.Session, core: str, python: str, home: Path) -> None:
    """Put tests/tools/get_pip.py where ansible-test keeps the script that it downloads."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    ask = (
        "from types import SimpleNamespace as Python\n"
        "from ansible_test._internal.python_requirements import get_venv_packages\n"
        f"print(get_venv_packages(Python(version='{python}'))['pip'])"
    )
    version = str(
        session.run(str(programs(core) / "python"), "-c", ask, silent=True, log=False)
    ).strip()
    words = ("--quiet", "--target", str(cache / "pip"), f"pip=={version}")
    session.run(*UV, "pip", "install", *words, log=False)
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    shutil.copyfile(REPOSITORY / "tests" / "tools" / "get_pip.py", script)
