# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release tool: a release of a clone of this repository, its archive and its refusals."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from conftest import commit, git
from publica_release import archive, importer, sbom, versions
from publica_release.errors import RefusedError
from publica_release.prepare import Prepared, prepare, reasons_against

DAY = "2031-05-06"
# Higher than any version in this repository.
NEXT = "900.0.0"
FILES = {
    "galaxy.yml": (
        "namespace: publica\nname: la\nversion: 0.3.0\nreadme: README.md\nauthors: [Someone]\n"
        "description: A small one.\nlicense: [GPL-3.0-or-later]\n"
        "repository: https://example.org/la\nissues: https://example.org/la/issues\n"
    ),
    "README.md": "[Documentation](docs/a.md)\n",
    "docs/a.md": "[Tests](../tests)\n",
    "meta/runtime.yml": 'requires_ansible: ">=2.16.0"\n',
    "meta/ee-requirements.txt": "requests>=2.25\n",
    "plugins/modules/one.py": "print('one')\n",
}


def accept(_archive: Path) -> None:
    """Replaces galaxy-importer, which `make build` runs."""


def prepared(clone: Path, output: Path, *, dry_run: bool) -> Prepared:
    return prepare(clone, NEXT, DAY, output, dry_run=dry_run, check=accept)


@pytest.fixture
def ready(clone: Path) -> Path:
    """A clone with one change to release."""
    fragments = clone / "changelogs" / "fragments"
    for old in fragments.glob("*.yml"):
        old.unlink()
    change = {"minor_changes": ["publica_user - something is new."]}
    (fragments / "1-change.yml").write_text(yaml.safe_dump(change))
    (fragments / f"{NEXT}.yml").write_text(yaml.safe_dump({"release_summary": "A test."}))
    commit(clone)
    return clone


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small collection that is not released yet."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return written(tmp_path / "small", list(FILES))


def written(root: Path, names: list[str]) -> Path:
    directory = root / "ansible_collections" / "publica" / "la"
    for name in names:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILES[name], "utf-8")
    return directory


def test_a_dry_run_builds_everything_and_does_not_change_the_clone(
    ready: Path, tmp_path: Path
) -> None:
    before = git(ready, "rev-parse", "HEAD")

    done = prepared(ready, tmp_path / "dist", dry_run=True)

    assert git(ready, "status", "--porcelain", "--ignored") == ""
    assert git(ready, "rev-parse", "HEAD") == before
    assert {file.name for file in (tmp_path / "dist").iterdir()} == {
        f"publica-la-{NEXT}.tar.gz",
        f"publica-la-{NEXT}.tar.gz.sha256",
        f"publica-la-{NEXT}.cdx.json",
    }
    for name in ("galaxy.yml", "CHANGELOG.rst", "changelogs/changelog.yaml"):
        assert name in done.summary
    assert "publica_user - something is new." in done.news


def test_a_committed_release_builds_to_the_same_bytes(ready: Path, tmp_path: Path) -> None:
    commits = git(ready, "rev-list", "--count", "HEAD")
    done = prepared(ready, tmp_path / "dist", dry_run=False)

    assert git(ready, "rev-list", "--count", "HEAD") == commits
    assert archive.identity(ready)["version"] == NEXT
    assert f'VERSION = "{NEXT}"' in (ready / "plugins/module_utils/version.py").read_text("utf-8")
    assert list((ready / "changelogs" / "fragments").glob("*.yml")) == []
    assert f"\nv{NEXT}\n" in (ready / "CHANGELOG.rst").read_text("utf-8")
    changes = yaml.safe_load((ready / "changelogs" / "changelog.yaml").read_text("utf-8"))
    assert changes["releases"][NEXT]["release_date"] == DAY
    commit(ready, f"Release {NEXT}")
    fresh = tmp_path / "fresh" / "ansible_collections" / "publica" / "la"
    git(tmp_path, "clone", "--quiet", str(ready), str(fresh))
    again = archive.build(fresh, tmp_path / "again")
    assert again.read_bytes() == done.artefacts[0].read_bytes()
    checksum = hashlib.sha256(again.read_bytes()).hexdigest()
    assert done.artefacts[1].read_text("utf-8") == f"{checksum}  {again.name}\n"

    [reason, *_] = reasons_against(ready, NEXT)
    assert reason == f"VERSION={NEXT} is not newer than {NEXT}, the last release"


def test_all_reasons_against_a_release_are_reported_and_nothing_is_written(
    ready: Path, tmp_path: Path
) -> None:
    for fragment in (ready / "changelogs" / "fragments").glob("*.yml"):
        fragment.unlink()
    version = archive.identity(ready)["version"]
    (ready / "docs" / "new.md").write_text(f"Take version {version}.\n")
    git(ready, "add", "--all")

    with pytest.raises(RefusedError) as refused:
        prepare(ready, "next", DAY, tmp_path / "dist", check=accept)

    reasons = "\n".join(refused.value.reasons)
    for words in ("not clean", "VERSION=next", "no change", "release_summary", "docs/new.md:1"):
        assert words in reasons
    assert not (tmp_path / "dist").exists()


def test_a_failed_check_leaves_the_clone_unchanged(ready: Path, tmp_path: Path) -> None:
    def refuse(_archive: Path) -> None:
        raise RefusedError(["an error"])

    with pytest.raises(RefusedError, match="an error"):
        prepare(ready, NEXT, DAY, tmp_path / "dist", check=refuse)

    assert git(ready, "status", "--porcelain") == ""


def test_the_same_files_give_the_same_archive(small: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", list(reversed(FILES)))

    first, second = (archive.build(each, each.parent / "dist") for each in (small, other))

    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        assert {member.mtime for member in tar.getmembers()} == {315_532_800}


def test_the_time_of_the_files_is_that_of_the_release(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "changelogs").mkdir()
    releases = "releases:\n  0.3.0:\n    release_date: '2027-02-03'\n"
    (small / "changelogs" / "changelog.yaml").write_text(releases)
    assert archive.moment(small).isoformat() == "2027-02-03T00:00:00+00:00"

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert archive.moment(small).isoformat() == "1970-01-02T00:00:00+00:00"


def test_an_installed_archive_verifies_until_a_file_changes(small: Path, tmp_path: Path) -> None:
    built = archive.build(small, tmp_path / "dist")
    target = tmp_path / "installed"
    target.mkdir()
    with pytest.raises(RefusedError, match=r"installs version 0\.3\.0, not 0\.4\.0"):
        archive.install(built, "0.4.0", target)
    module = target / "ansible_collections/publica/la/plugins/modules/one.py"
    module.write_text("print('another')\n", "utf-8")

    with pytest.raises(RefusedError, match=r"plugins/modules/one\.py"):
        archive.verify(target)


def test_an_archive_with_a_file_that_users_do_not_need_is_refused(
    small: Path, tmp_path: Path
) -> None:
    archive.check_content(archive.build(small, tmp_path / "dist"))
    (small / "tests").mkdir()
    (small / "tests" / "test_one.py").write_text("")

    with pytest.raises(RefusedError, match=r"tests/test_one\.py must not be in the archive"):
        archive.check_content(archive.build(small, tmp_path / "dist"))


def test_the_bill_of_materials_lists_files_and_requirements(small: Path, tmp_path: Path) -> None:
    built = archive.build(small, tmp_path / "dist")

    bill = json.loads(sbom.write(built, small).read_text("utf-8"))

    whole = bill["metadata"]["component"]
    assert (whole["group"], whole["name"], whole["version"]) == ("publica", "la", "0.3.0")
    checksum = hashlib.sha256(built.read_bytes()).hexdigest()
    assert whole["hashes"] == [{"alg": "SHA-256", "content": checksum}]
    parts = bill["components"]
    assert {each["purl"]: each["properties"][0]["value"] for each in parts if "purl" in each} == {
        "pkg:pypi/ansible-core": ">=2.16.0",
        "pkg:pypi/requests": ">=2.25",
    }
    # MANIFEST.json replaces galaxy.yml.
    files = {each["name"] for each in parts if each["type"] == "file"}
    assert files == set(FILES) - {"galaxy.yml"}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("galaxy.yml", "name: la\nversion: 0.1.0\n", "name: la\nversion: 1.2.0\n"),
        ("docs/a.md", "publica-la-0.1.0.tar.gz", "publica-la-1.2.0.tar.gz"),
        ("docs/a.md", "requests 2.25.0", "requests 2.25.0"),
        ("CHANGELOG.rst", "publica-la-0.1.0.tar.gz", "publica-la-0.1.0.tar.gz"),
        # Options that were added after the last release are new in this one.
        ("plugins/a.py", "version_added: 1.0.0\n", "version_added: 1.0.0\n"),
        ("plugins/a.py", "  version_added: '1.1.0'\n", "  version_added: '1.2.0'\n"),
    ],
)
def test_a_release_sets_the_version(name: str, before: str, after: str) -> None:
    assert versions.with_version(name, before, "1.2.0", "1.0.0") == after


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3+build", ""])
def test_galaxy_accepts_only_semantic_versions_without_build_part(version: str) -> None:
    assert versions.parsed(version) is None
    assert str(versions.parsed("2.0.0-beta.1")) == "2.0.0-beta.1"


def test_warnings_of_galaxy_importer_are_errors() -> None:
    output = "INFO: fine\nWARNING: a\nno level\nERROR: b\n"

    assert importer.findings_in(output) == ["WARNING: a", "ERROR: b"]
