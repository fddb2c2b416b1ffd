# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive: the same bytes from the same files, and verified by Ansible itself."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import time
from pathlib import Path

import pytest

from publica_release import archive, sbom
from publica_release.errors import RefusedError

GALAXY = """\
namespace: publica
name: la
version: 0.3.0
readme: README.md
authors: [Somebody]
description: A small one.
license: [GPL-3.0-or-later]
repository: https://example.org/la
issues: https://example.org/la/issues
"""
FILES = {
    "galaxy.yml": GALAXY,
    "README.md": "Read me.\n",
    "meta/runtime.yml": 'requires_ansible: ">=2.16.0"\n',
    "meta/ee-requirements.txt": "# Beside Ansible\nrequests>=2.25\n",
    "plugins/modules/one.py": "print('one')\n",
    "playbooks/a.yml": "[]\n",
}


@pytest.fixture(autouse=True)
def _no_day_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def written(root: Path, names: list[str]) -> Path:
    """The small collection, its files written in an order and at a time of their own."""
    folder = root / "ansible_collections" / "publica" / "la"
    for hours, name in enumerate(names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILES[name], "utf-8")
        os.utime(file, (time.time() - hours * 3600,) * 2)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return written(tmp_path / "small", list(FILES))


def test_the_same_files_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", list(reversed(FILES)))

    builds = [archive.build(folder, folder.parent / "dist") for folder in (small, other)]

    assert builds[0].name == "publica-la-0.3.0.tar.gz"
    assert builds[0].read_bytes() == builds[1].read_bytes()


def test_order_and_times_of_a_raw_archive_do_not_matter() -> None:
    def raw(names: list[str], moment: int) -> bytes:
        listed = json.dumps({"files": [{"name": name} for name in names], "format": 1}).encode()
        manifest = {"file_manifest_file": {"chksum_sha256": hashlib.sha256(listed).hexdigest()}}
        content = {"MANIFEST.json": json.dumps(manifest).encode(), "FILES.json": listed}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, data in [*content.items(), *((name, b"same") for name in names)]:
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(data), moment
                tar.addfile(member, io.BytesIO(data))
        return packed.getvalue()

    settled = archive.settled(raw(["a", "b", "c"], 1_000), 86_400)

    assert settled == archive.settled(raw(["c", "a", "b"], 2_000), 86_400)
    with tarfile.open(fileobj=io.BytesIO(settled)) as tar:
        assert tar.getnames() == ["MANIFEST.json", "FILES.json", "a", "b", "c"]
        assert {member.mtime for member in tar.getmembers()} == {86_400}
        manifest, files = (tar.extractfile(name) for name in ("MANIFEST.json", "FILES.json"))
        assert manifest is not None
        assert files is not None
        told = json.load(manifest)["file_manifest_file"]["chksum_sha256"]
        assert told == hashlib.sha256(files.read()).hexdigest()


def test_the_time_is_that_of_the_release(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert archive.moment(small).isoformat() == "1980-01-01T00:00:00+00:00"

    (small / "changelogs").mkdir()
    releases = "releases:\n  0.3.0:\n    release_date: '2027-02-03'\n"
    (small / "changelogs" / "changelog.yaml").write_text(releases)
    assert archive.moment(small).isoformat() == "2027-02-03T00:00:00+00:00"

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert archive.moment(small).isoformat() == "1970-01-02T00:00:00+00:00"


def test_the_installed_archive_verifies_until_a_file_is_changed(
    small: Path, tmp_path: Path
) -> None:
    built = archive.build(small, tmp_path / "dist")
    place = tmp_path / "installed"
    place.mkdir()
    archive.install(built, "0.3.0", place)
    module = place / "ansible_collections/publica/la/plugins/modules/one.py"
    assert module.read_text("utf-8") == FILES["plugins/modules/one.py"]

    module.write_text("print('another')\n", "utf-8")

    with pytest.raises(RefusedError, match=r"plugins/modules/one\.py"):
        archive.verify(place)


def test_an_archive_of_another_version_is_refused(small: Path, tmp_path: Path) -> None:
    built = archive.build(small, tmp_path / "dist")
    place = tmp_path / "installed"
    place.mkdir()

    with pytest.raises(RefusedError, match=r"installs version 0\.3\.0, not 0\.4\.0"):
        archive.install(built, "0.4.0", place)


def test_the_checksum_is_one_that_sha256sum_reads(small: Path, tmp_path: Path) -> None:
    built = archive.build(small, tmp_path / "dist")

    line = archive.write_checksum(built).read_text("utf-8")

    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    assert line == f"{digest}  publica-la-0.3.0.tar.gz\n"


def test_the_bill_of_materials_tells_each_file_and_what_is_needed(
    small: Path, tmp_path: Path
) -> None:
    built = archive.build(small, tmp_path / "dist")

    file = sbom.write(built, small)

    bill = json.loads(file.read_text("utf-8"))
    assert file.name == "publica-la-0.3.0.cdx.json"
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    whole = bill["metadata"]["component"]
    assert (whole["group"], whole["name"], whole["version"]) == ("publica", "la", "0.3.0")
    assert whole["licenses"] == [{"license": {"id": "GPL-3.0-or-later"}}]
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    assert whole["hashes"] == [{"alg": "SHA-256", "content": digest}]
    needed = {
        each["purl"]: [(item["name"], item["value"]) for item in each["properties"]]
        for each in bill["components"]
        if each["type"] == "library"
    }
    assert needed == {
        "pkg:pypi/ansible-core": [(sbom.RANGE, ">=2.16.0")],
        "pkg:pypi/requests": [(sbom.RANGE, ">=2.25")],
    }
    files = {
        each["name"]: each["hashes"][0]["content"]
        for each in bill["components"]
        if each["type"] == "file"
    }
    expected = {
        name: hashlib.sha256(text.encode()).hexdigest()
        for name, text in FILES.items()
        if name != "galaxy.yml"  # MANIFEST.json takes its place in an archive
    }
    assert files == expected
    depends = {each["ref"]: sorted(each.get("dependsOn", [])) for each in bill["dependencies"]}
    assert depends["collection"] == ["needed:ansible-core", "needed:requests"]


def test_the_same_archive_gives_the_same_bill(small: Path, tmp_path: Path) -> None:
    built = archive.build(small, tmp_path / "dist")

    assert sbom.write(built, small).read_bytes() == sbom.write(built, small).read_bytes()
