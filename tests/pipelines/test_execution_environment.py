# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/execution-environment: the build context of ansible-builder, without an image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from pipeline_support.paths import COLLECTION, EXAMPLES, run_program

EXAMPLE = EXAMPLES / "execution-environment"


def builder(*words: str, folder: Path) -> str:
    """Run ansible-builder in a directory, and return its output."""
    finished = run_program("ansible-builder", *words, folder=folder)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture
def context(tmp_path: Path, archive: Path) -> Path:
    folder = tmp_path / "ee"
    shutil.copytree(EXAMPLE, folder)
    shutil.copy2(archive, folder)
    words = ("--context", "context", "--output-filename", "Containerfile")
    builder("create", "--file", "execution-environment.yml", *words, folder=folder)
    return folder / "context"


def test_the_context_has_all_requirements_of_the_build(context: Path, archive: Path) -> None:
    build = context / "_build"
    wanted = yaml.safe_load((build / "requirements.yml").read_text("utf-8"))

    [collection] = wanted["collections"]
    assert (build / collection["name"]).read_bytes() == archive.read_bytes()
    containerfile = (context / "Containerfile").read_text("utf-8")
    assert "ansible-core==2.21.5" in containerfile
    assert "ansible-runner==2.4.3" in containerfile
    assert "python3.12" in containerfile


def test_the_collection_is_installed_as_the_context_says(context: Path, tmp_path: Path) -> None:
    """Run the command with which the build of the image installs collections."""
    install_collections(context / "_build", tmp_path / "collections")

    assert (tmp_path / "collections/ansible_collections/publica/la/MANIFEST.json").is_file()


def install_collections(build: Path, target: Path) -> None:
    words = ("--requirements-file", "requirements.yml", "--collections-path", str(target))
    finished = run_program(
        "ansible-galaxy", "collection", "install", *words, folder=build, HOME=str(target)
    )
    assert finished.returncode == 0, finished.stderr


def test_the_builder_finds_the_collections_requirements(context: Path, tmp_path: Path) -> None:
    target = tmp_path / "collections"
    install_collections(context / "_build", target)

    found = yaml.safe_load(builder("introspect", str(target), folder=tmp_path))

    required = (COLLECTION / "meta" / "ee-requirements.txt").read_text("utf-8").split()
    assert [line.split("#")[0].strip() for line in found["python"]] == required
    assert [line.split("#")[1].strip() for line in found["python"]] == [
        "from collection publica.la" for _ in required
    ]
    assert any(line.startswith("requests") for line in required)
    assert not found.get("system")
