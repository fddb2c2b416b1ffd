# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole release in a clone of this repository. galaxy-importer judges in `make build`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from conftest import commit, git
from publica_release import __main__ as command_line
from publica_release import archive, importer
from publica_release.errors import RefusedError
from publica_release.prepare import Prepared, prepare, reasons_against

DAY = "2031-05-06"
# Higher than any version that is going to stand in this repository.
NEXT = "900.0.0"


def nothing_against(_archive: Path, _collections: Path) -> None:
    """Stands in for galaxy-importer, which takes most of a minute."""


def prepared(clone: Path, output: Path, *, dry_run: bool) -> Prepared:
    return prepare(clone, NEXT, DAY, output, dry_run=dry_run, judge=nothing_against)


def release_something(clone: Path) -> None:
    """Give the clone something to release, whatever this repository holds just now."""
    for old in (clone / "changelogs" / "fragments").glob("*.yml"):
        old.unlink()
    fragments = {
        "1-change.yml": {"minor_changes": ["publica_user - something is new."]},
        f"{NEXT}.yml": {"release_summary": "A release for a test."},
    }
    for name, content in fragments.items():
        (clone / "changelogs" / "fragments" / name).write_text(yaml.safe_dump(content))
    commit(clone)


@pytest.fixture
def ready(clone: Path) -> Path:
    release_something(clone)
    return clone


def test_a_dry_run_builds_it_all_and_leaves_the_clone_as_it_is(ready: Path, tmp_path: Path) -> None:
    before = (git(ready, "rev-parse", "HEAD"), (ready / "galaxy.yml").read_text("utf-8"))

    done = prepared(ready, tmp_path / "dist", dry_run=True)

    assert git(ready, "status", "--porcelain", "--ignored") == ""
    assert (git(ready, "rev-parse", "HEAD"), (ready / "galaxy.yml").read_text("utf-8")) == before
    assert {file.name for file in (tmp_path / "dist").iterdir()} == {
        f"publica-la-{NEXT}.tar.gz",
        f"publica-la-{NEXT}.tar.gz.sha256",
        f"publica-la-{NEXT}.cdx.json",
    }
    for name in ("galaxy.yml", "CHANGELOG.rst", "changelogs/changelog.yaml"):
        assert name in done.summary
    assert "publica_user - something is new." in done.news


def test_a_release_can_be_committed_and_built_again_to_the_same_bytes(
    ready: Path, tmp_path: Path
) -> None:
    done = prepared(ready, tmp_path / "dist", dry_run=False)

    assert git(ready, "log", "--format=%s").splitlines()[0] == "Change something", "it committed"
    assert archive.identity(ready)["version"] == NEXT
    assert f'VERSION = "{NEXT}"' in (ready / "plugins/module_utils/version.py").read_text("utf-8")
    assert f"publica-la-{NEXT}.tar.gz" in (ready / "README.md").read_text("utf-8")
    assert list((ready / "changelogs" / "fragments").glob("*.yml")) == []
    assert f"\nv{NEXT}\n" in (ready / "CHANGELOG.rst").read_text("utf-8")
    changes = yaml.safe_load((ready / "changelogs" / "changelog.yaml").read_text("utf-8"))
    assert changes["releases"][NEXT]["release_date"] == DAY
    commit(ready, f"Release {NEXT}")
    # As somebody would who checks the published archive: from a fresh clone of the commit.
    fresh = tmp_path / "fresh" / "ansible_collections" / "publica" / "la"
    git(tmp_path, "clone", "--quiet", str(ready), str(fresh))
    again = archive.build(fresh, tmp_path / "again")
    assert again.read_bytes() == done.artefacts[0].read_bytes()
    told = done.artefacts[1].read_text("utf-8").split()[0]
    assert told == hashlib.sha256(again.read_bytes()).hexdigest()
    bill = json.loads(done.artefacts[2].read_text("utf-8"))
    assert bill["metadata"]["component"]["version"] == NEXT

    [twice, *_] = reasons_against(ready, NEXT)
    assert twice == f"VERSION={NEXT} is not newer than {NEXT}, the last release"


def test_every_reason_is_told_before_anything_is_written(ready: Path, tmp_path: Path) -> None:
    for fragment in (ready / "changelogs" / "fragments").glob("*.yml"):
        fragment.unlink()
    (ready / "new.txt").write_text("not committed\n")

    with pytest.raises(RefusedError) as refused:
        prepare(ready, "next", DAY, tmp_path / "dist", judge=nothing_against)

    told = "\n".join(refused.value.reasons)
    for word in ("not clean", "new.txt", "VERSION=next", "no change", "release_summary"):
        assert word in told
    assert not (tmp_path / "dist").exists()


def test_a_version_below_the_present_one_is_refused(ready: Path) -> None:
    [reason] = reasons_against(ready, "0.0.1")

    assert reason.startswith("VERSION=0.0.1 is older than ")


def test_a_forgotten_mention_is_refused(ready: Path) -> None:
    version = archive.identity(ready)["version"]
    (ready / "docs" / "new.md").write_text(f"Take version {version}.\n")
    commit(ready)

    [reason] = reasons_against(ready, NEXT)

    assert reason.startswith(f"docs/new.md:1 names {version} ")


def test_what_the_judge_finds_leaves_the_clone_as_it_is(ready: Path, tmp_path: Path) -> None:
    def against(_archive: Path, _collections: Path) -> None:
        raise RefusedError(["a fault"])

    with pytest.raises(RefusedError, match="a fault"):
        prepare(ready, NEXT, DAY, tmp_path / "dist", judge=against)

    assert git(ready, "status", "--porcelain") == ""


def test_the_command_says_how_to_name_a_version(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prepare", "", "--repository", str(ready), "--output", str(tmp_path / "dist")]

    assert command_line.main(words) == 1
    assert "make release VERSION=1.2.3" in capsys.readouterr().err


def test_what_galaxy_importer_warns_of_is_a_fault() -> None:
    said = "INFO: fine\nWARNING: a\nno level\nERROR: b\n"

    assert importer.faults_in(said) == ["WARNING: a", "ERROR: b"]
