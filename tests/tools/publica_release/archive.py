# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the archive reproducibly: the same files always give the same bytes.

ansible-galaxy writes the files in the order of the file system, with the time of the build. Here
they are in the order of their names, with the time of the release.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
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
# An archive holds what users need, and galaxy.yml leaves out the rest.
CONTENT = re.compile(
    r"(?:plugins|roles|playbooks|meta)/.+|changelogs/[^/]+\.yaml|docs/[^/]+\.(?:md|json)"
    r"|README[^/]*\.md|CHANGELOG\.rst|LICENSE|SECURITY\.md"
)
MAXIMUM_BYTES = 300_000
# The time of files that are not released yet: the first one that every archive format can hold.
UNRELEASED = datetime(1980, 1, 1, tzinfo=timezone.utc)


def identity(collection: Path) -> dict[str, Any]:
    """The content of galaxy.yml."""
    content: dict[str, Any] = yaml.safe_load((collection / "galaxy.yml").read_text("utf-8"))
    return content


def moment(collection: Path) -> datetime:
    """The time of all files in an archive: the day of the release, in UTC.

    The environment variable SOURCE_DATE_EPOCH, in seconds since 1970, overrides it.
    """
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), tz=timezone.utc)
    day = changelog.release_date(collection, identity(collection)["version"])
    return datetime.fromisoformat(day).replace(tzinfo=timezone.utc) if day else UNRELEASED


def build(collection: Path, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        words = ("ansible-galaxy", "collection", "build", "--output-path", work, str(collection))
        run(words, collection, Path(work))
        [raw] = Path(work).glob("*.tar.gz")
        archive = directory / raw.name
        seconds = int(moment(collection).timestamp())
        archive.write_bytes(normalized(raw.read_bytes(), seconds))
    return archive


def normalized(raw: bytes, seconds: int) -> bytes:
    """An archive with its files in the order of their names, and one time in seconds since 1970."""
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        members = {member.name: (member, _content(tar, member)) for member in tar.getmembers()}
    listed = json.loads(members[FILES][1])
    listed["files"].sort(key=lambda file: file["name"])
    changed = {FILES: _as_json(listed)}
    manifest = json.loads(members[MANIFEST][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(changed[FILES]).hexdigest()
    changed[MANIFEST] = _as_json(manifest)
    packed = io.BytesIO()
    # The gzip header has a time and a file name too.
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
    with tarfile.open(archive) as tar:
        listed = tar.extractfile(FILES)
        content = json.loads(listed.read() if listed else b"{}")
    return {
        file["name"]: file["chksum_sha256"] for file in content["files"] if file["ftype"] == "file"
    }


def check_content(archive: Path) -> None:
    """Check the names of the files in an archive, and its size.

    Raises:
        RefusedError: if it holds a file that users don't need, or is too large.
    """
    reasons = [
        f"{name} must not be in the archive: add it to build_ignore in galaxy.yml"
        for name in file_hashes(archive)
        if not CONTENT.fullmatch(name)
    ]
    size = archive.stat().st_size
    if size > MAXIMUM_BYTES:
        reasons.append(f"{archive.name} has {size:,} bytes, more than {MAXIMUM_BYTES:,}")
    if reasons:
        raise RefusedError(reasons)


def write_checksum(archive: Path) -> Path:
    """Write the archive's checksum to a file for ``sha256sum --check``."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    file = archive.with_name(f"{archive.name}.sha256")
    file.write_text(f"{digest}  {archive.name}\n", "utf-8")
    return file


def install(archive: Path, version: str, collections: Path) -> None:
    """Install an archive, and let Ansible compare every file with the manifest.

    Raises:
        RefusedError: if it cannot be installed, has another version, or a file differs.
    """
    words = ("collection", "install", str(archive), "-p", str(collections), "--offline")
    run(("ansible-galaxy", *words), collections, collections)
    verify(collections)
    manifest = collections / "ansible_collections" / "publica" / "la" / MANIFEST
    installed = json.loads(manifest.read_text("utf-8"))["collection_info"]["version"]
    if installed != version:
        raise RefusedError([f"{archive.name} installs version {installed}, not {version}"])


def verify(collections: Path) -> None:
    """Let Ansible compare the installed collection with its manifest.

    Raises:
        RefusedError: if a file differs or is missing.
    """
    words = ("collection", "verify", "publica.la", "--offline", "-p", str(collections))
    run(("ansible-galaxy", *words), collections, collections)
