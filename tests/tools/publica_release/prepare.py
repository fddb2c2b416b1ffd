# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepare a release: check it, write changelog and version, and build the files to publish."""

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
# Checks an archive, and raises RefusedError.
Check = Callable[[Path], None]


@dataclass(frozen=True)
class Prepared:
    version: str
    summary: str  # the changed files, from git
    news: str  # the part of CHANGELOG.rst for the version
    artefacts: list[Path]


def reasons_against(repository: Path, wanted: str) -> list[str]:
    """Why a version cannot be released from this clone, one sentence for each reason."""
    reasons = []
    if files := worktree.unclean(repository):
        shown = ", ".join(line.strip() for line in files[:10])
        more = f" and {len(files) - 10} more" if len(files) > 10 else ""
        reasons.append(f"The clone is not clean: commit or remove {shown}{more}")
    version = versions.parsed(wanted)
    if version is None:
        reasons.append(
            f"VERSION={wanted} is not a semantic version for Galaxy: use a form such as 1.4.0 or "
            "2.0.0-beta.1"
        )
    else:
        reasons += _reasons_of_order(repository, version)
    reasons += changelog.errors(changelog.fragments(repository))
    present = archive.identity(repository)["version"]
    reasons += versions.forgotten(dict(worktree.texts(repository)), present)
    return reasons


def _reasons_of_order(repository: Path, version: semver.Version) -> list[str]:
    last = changelog.last_release(repository)
    if last is not None and version <= semver.Version.parse(last):
        return [f"VERSION={version} is not newer than {last}, the last release"]
    present = archive.identity(repository)["version"]
    if version < semver.Version.parse(present):
        return [f"VERSION={version} is older than {present}, the version in galaxy.yml"]
    return []


def prepare(
    repository: Path,
    version: str,
    date: str,
    output: Path,
    *,
    dry_run: bool = False,
    check: Check = importer.check,
) -> Prepared:
    """Prepare a release from the last commit of a clone.

    Args:
        repository: The clone.
        version: The version.
        date: The day of the release, as ``yyyy-mm-dd``.
        output: The directory for archive, checksum and bill of materials; emptied first.
        dry_run: Whether to leave the clone unchanged.
        check: The final check of the archive.

    Raises:
        RefusedError: with every reason against the release, or with the error of a program. The
            clone is unchanged then.
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
        artefacts = publishable(laid_out, output, check)
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


def publishable(collection: Path, output: Path, check: Check = importer.check) -> list[Path]:
    """Build the archive, its checksum and its bill of materials in an emptied directory.

    Raises:
        RefusedError: if the content is wrong, a second build differs, the installed archive does
            not verify, or the check fails.
    """
    shutil.rmtree(output, ignore_errors=True)
    built = archive.build(collection, output)
    archive.check_content(built)
    with tempfile.TemporaryDirectory() as work:
        if archive.build(collection, Path(work, "again")).read_bytes() != built.read_bytes():
            raise RefusedError([f"A second build of {built.name} differs"])
        archive.install(built, archive.identity(collection)["version"], Path(work))
    check(built)
    return [built, archive.write_checksum(built), sbom.write(built, collection)]
