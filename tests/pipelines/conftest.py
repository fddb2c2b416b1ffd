# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: sandbox stores, the project of the examples, and their pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from publica_sandbox.testing import SandboxStore

from pipeline_support.github import Github
from pipeline_support.gitlab import Gitlab
from pipeline_support.jenkins import Jenkins
from pipeline_support.jobs import Machine, Pipeline
from pipeline_support.site import STORES, Site, build_archive, lay_out
from support.servers import NoteServer, note_server


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def site(tmp_path: Path, archive: Path) -> Iterator[Site]:
    """The project, with an empty sandbox store for each store in it."""
    with ExitStack() as stack:
        stores = {
            name: stack.enter_context(SandboxStore(token=f"token-of-the-store-{name}-0123456789"))
            for name in STORES
        }
        yield lay_out(tmp_path / "project", stores, archive)


@pytest.fixture
def machine(tmp_path: Path, site: Site) -> Machine:
    """Runs the jobs of a pipeline."""
    return Machine(tmp_path / "jobs", site.folder)


@pytest.fixture
def github(site: Site, machine: Machine, tmp_path: Path) -> Github:
    files = tmp_path / "files"
    files.mkdir()
    return Github(site, machine, files)


@pytest.fixture(name="note_server")
def _note_server() -> Iterator[NoteServer]:
    with note_server() as server:
        yield server


@pytest.fixture(params=["github", "gitlab", "jenkins"])
def pipeline(request: pytest.FixtureRequest, site: Site, machine: Machine) -> Pipeline:
    """The example for each CI system."""
    if request.param == "github":
        github: Github = request.getfixturevalue("github")
        return github
    return Gitlab(site, machine, {}) if request.param == "gitlab" else Jenkins(site, machine)
