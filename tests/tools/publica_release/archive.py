# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive: the same bytes from the same files, whoever builds it and when.

ansible-galaxy writes the files in the order in which the file system lists them, and the times of
the build. Both are replaced: the order is that of the names, the time that of the release.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from . import changelog
from .errors import RefusedError
from .programs import run

MANIFEST, FILES = "MANIFEST.json", "FILES.json"
# An unreleased state has no day of its own; this is the first that every archive format can tell.
UNRELEASED = datetime(1980, 1, 1, tzinfo=timezone.utc)


def identity(collection: Path) -> dict[str, Any]:
    """What galaxy.yml says."""
    content: dict[str, Any] = yaml.safe_load((collection / "galaxy.yml").read_text("utf-8"))
    return content


def moment(collection: Path) -> datetime:
    """The time that an archive tells of all its files: the day of the release, in UTC.

    SOURCE_DATE_EPOCH, in seconds since 1970, stands above it, as in other builds.
    """
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), tz=timezone.utc)
    day = changelog.release_date(collection, identity(collection)["version"])
    return datetime.fromisoformat(day).replace(tzinfo=timezone.utc) if day else UNRELEASED


def build(collection: Path, folder: Path) -> Path:
    """Build the archive of a collection's folder.

    Args:
        collection: The files, and nothing that must not be in it.
        folder: Where the archive is to be; what is there of the same name is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        words = ("ansible-galaxy", "collection", "build", "--output-path", work, str(collection))
        run(words, collection, Path(work))
        [raw] = Path(work).glob("*.tar.gz")
        archive = folder / raw.name
        archive.write_bytes(settled(raw.read_bytes(), int(moment(collection).timestamp())))
    return archive


def settled(raw: bytes, seconds: int) -> bytes:
    """An archive with its files in the order of their names, and one time for all of them.

    Args:
        raw: What ansible-galaxy has built.
        seconds: The time, since 1970.
    """
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        members = {member.name: (member, _content(tar, member)) for member in tar.getmembers()}
    listed = json.loads(members[FILES][1])
    listed["files"].sort(key=lambda file: file["name"])
    files = _as_json(listed)
    manifest = json.loads(members[MANIFEST][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files).hexdigest()
    changed = {FILES: files, MANIFEST: _as_json(manifest)}
    packed = io.BytesIO()
    # The compressed file has a time and a name of its own in its head.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=seconds) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in [MANIFEST, FILES, *sorted(set(members) - {MANIFEST, FILES})]:
            member, content = members[name]
            content = changed.get(name, content)
            member.mtime, member.size = seconds, len(content)
            member.pax_headers = {}
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() else None
    return b"" if file is None else file.read()


def _as_json(content: Any) -> bytes:
    # Indented by one space, as ansible-galaxy writes it.
    return json.dumps(content, indent=1).encode()


def file_hashes(archive: Path) -> dict[str, str]:
    """The SHA-256 of each file in an archive, by its name."""
    with tarfile.open(archive) as tar:
        listed = tar.extractfile(FILES)
        # An archive without it is none of a collection; Ansible refuses it as well.
        content = json.loads(listed.read() if listed else b"{}")
    return {
        file["name"]: file["chksum_sha256"] for file in content["files"] if file["ftype"] == "file"
    }


def write_checksum(archive: Path) -> Path:
    """Write the archive's checksum beside it, for ``sha256sum --check``."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    file = archive.with_name(f"{archive.name}.sha256")
    file.write_text(f"{digest}  {archive.name}\n", "utf-8")
    return file


def install(archive: Path, version: str, collections: Path) -> None:
    """Install an archive as a user would, and have Ansible compare every file with its manifest.

    Args:
        archive: The archive.
        version: The one that it must be of.
        collections: The folder that is to hold ``ansible_collections``.

    Raises:
        RefusedError: if it cannot be installed, is of another version, or a file differs.
    """
    words = ("collection", "install", str(archive), "-p", str(collections), "--offline")
    run(("ansible-galaxy", *words), collections, collections)
    verify(collections)
    manifest = collections / "ansible_collections" / "publica" / "la" / MANIFEST
    installed = json.loads(manifest.read_text("utf-8"))["collection_info"]["version"]
    if installed != version:
        raise RefusedError([f"{archive.name} installs version {installed}, not {version}"])


def verify(collections: Path) -> None:
    """Have Ansible compare the installed collection with its manifest.

    Raises:
        RefusedError: if a file differs or is missing.
    """
    words = ("collection", "verify", "publica.la", "--offline", "-p", str(collections))
    run(("ansible-galaxy", *words), collections, collections)
