# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changelog: the releases, and the fragments of the next one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import semver
import yaml

from .programs import run

RELEASES = Path("changelogs", "changelog.yaml")
FRAGMENTS = Path("changelogs", "fragments")
SUMMARY = "release_summary"
TRIVIAL = "trivial"


def releases(repository: Path) -> dict[str, Any]:
    """The entry of each release in changelogs/changelog.yaml, by version."""
    file = repository / RELEASES
    content = yaml.safe_load(file.read_text("utf-8")) if file.exists() else None
    return dict((content or {}).get("releases") or {})


def last_release(repository: Path) -> str | None:
    """The newest release, or None before the first one."""
    return max(releases(repository), key=semver.Version.parse, default=None)


def release_date(repository: Path, version: str) -> str | None:
    """The day on which a version was released, as ``yyyy-mm-dd``, or None if it was not."""
    release = releases(repository).get(version)
    return None if release is None else str(release["release_date"])


def fragments(repository: Path) -> dict[str, Mapping[str, Any]]:
    """The sections of each fragment, by its file's name."""
    files = sorted((repository / FRAGMENTS).glob("*.y*ml"))
    return {file.name: yaml.safe_load(file.read_text("utf-8")) or {} for file in files}


def errors(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One sentence for everything that the fragments lack for a release."""
    changes = [name for name, sections in found.items() if set(sections) - {SUMMARY, TRIVIAL}]
    summaries = [name for name, sections in found.items() if SUMMARY in sections]
    sentences = []
    if not changes:
        sentences.append(f"{FRAGMENTS} has no change that a user can notice: add a fragment")
    if len(summaries) != 1:
        found_now = ", ".join(summaries) or "none"
        sentences.append(
            f"{FRAGMENTS} needs one {SUMMARY}, in a file with the name of the version. "
            f"Found: {found_now}"
        )
    return sentences


def write(collection: Path, collections: Path, version: str, date: str) -> None:
    """Turn the fragments into the changelog of a version, released on ``yyyy-mm-dd``, in place."""
    words = ("--version", version, "--date", date, "--refresh")
    run(("antsibull-changelog", "release", *words), collection, collections)


def section(text: str, version: str) -> str:
    """The part of CHANGELOG.rst for one version."""
    heading = f"\nv{version}\n"
    if heading not in text:
        return ""
    body = text.split(heading, 1)[1]
    lines: list[str] = []
    for line in body.splitlines()[1:]:
        # The underline of the next heading, which is the line before.
        if line.startswith("====") and lines:
            return "\n".join(lines[:-1]).strip()
        lines.append(line)
    return "\n".join(lines).strip()
