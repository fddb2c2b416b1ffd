# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a release: refuse, or write changelog and version, then build what is published."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import semver

from . import archive, changelog, importer, sbom, versions, worktree
from .errors import RefusedError

COLLECTION = Path("ansible_collections", "publica", "la")
# Judges an archive and the folder where it is installed, and raises RefusedError.
Judge = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Prepared:
    """What a release is made of."""

    version: str
    summary: str  # the changed files, as git tells them
    news: str  # what CHANGELOG.rst says of the version
    artefacts: list[Path]


def reasons_against(repository: Path, wanted: str) -> list[str]:
    """Why a version cannot be released from this clone, as sentences; none if it can."""
    reasons = []
    if files := worktree.unclean(repository):
        shown = ", ".join(line.strip() for line in files[:10])
        more = f" and {len(files) - 10} more" if len(files) > 10 else ""
        reasons.append(f"The clone is not clean: commit or remove {shown}{more}")
    version = versions.parsed(wanted)
    if version is None:
        reasons.append(
            f"VERSION={wanted} is no semantic version that Galaxy takes: write it like 1.4.0 or "
            "2.0.0-beta.1"
        )
    else:
        reasons += _reasons_of_order(repository, version)
    reasons += changelog.faults(changelog.fragments(repository))
    present = archive.identity(repository)["version"]
    reasons += versions.forgotten(dict(worktree.texts(repository)), present)
    return reasons


def _reasons_of_order(repository: Path, version: semver.Version) -> list[str]:
    last = changelog.last_release(repository)
    if last is not None and version <= semver.Version.parse(last):
        return [f"VERSION={version} is not newer than {last}, the last release"]
    present = archive.identity(repository)["version"]
    if version < semver.Version.parse(present):
        return [f"VERSION={version} is older than {present}, which galaxy.yml tells already"]
    return []


def prepare(
    repository: Path,
    version: str,
    date: str,
    output: Path,
    *,
    dry_run: bool = False,
    judge: Judge = importer.check,
) -> Prepared:
    """Prepare a release from the last commit of a clone.

    Args:
        repository: The clone.
        version: The version.
        date: The day of the release, as ``yyyy-mm-dd``.
        output: Where archive, checksum and bill of materials are to be; emptied before.
        dry_run: Whether the clone is to stay as it is.
        judge: Has the last word on the archive.

    Raises:
        RefusedError: with every reason against it, before anything is written, or with what a
            program found on the way; the clone is then as it was.
    """
    if reasons := reasons_against(repository, version):
        raise RefusedError(reasons)
    with tempfile.TemporaryDirectory() as work:
        copied = Path(work) / COLLECTION
        worktree.copy(repository, copied)
        _rewrite(copied, version)
        changelog.write(copied, Path(work), version, date)
        summary, patch = worktree.changes(copied)
        news = changelog.section((copied / "CHANGELOG.rst").read_text("utf-8"), version)
        laid_out = worktree.lay_out(copied, Path(work, "committed") / COLLECTION)
        artefacts = publishable(laid_out, output, judge)
        changed = Path(work) / "release.patch"
        changed.write_text(patch, "utf-8")
        if not dry_run:
            worktree.apply(repository, changed)
    return Prepared(version, summary, news, artefacts)


def _rewrite(copied: Path, version: str) -> None:
    released = changelog.last_release(copied)
    for name, text in worktree.texts(copied):
        new = versions.with_version(name, text, version, released)
        if new != text:
            (copied / name).write_bytes(new.encode())


def publishable(collection: Path, output: Path, judge: Judge = importer.check) -> list[Path]:
    """Build the archive, its checksum and its bill of materials, and check them.

    Args:
        collection: The folder with the files.
        output: Where they are to be; emptied before.
        judge: Has the last word on the archive.

    Raises:
        RefusedError: if a second build has other bytes, if what was installed does not verify, or
            with what the judge found.
    """
    shutil.rmtree(output, ignore_errors=True)
    built = archive.build(collection, output)
    with tempfile.TemporaryDirectory() as work:
        if archive.build(collection, Path(work, "again")).read_bytes() != built.read_bytes():
            raise RefusedError([f"{built.name} has other bytes when it is built again"])
        archive.install(built, archive.identity(collection)["version"], Path(work))
        judge(built, Path(work))
    return [built, archive.write_checksum(built), sbom.write(built, collection)]
