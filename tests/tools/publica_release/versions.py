# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of the version in the repository, and how a release changes them.

A version in any other place would never change, so the release tool finds and refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

import semver

Version = semver.Version

SEMVER = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]*[0-9A-Za-z])?"
# Patterns by file: the text before and after the version.
PLACES = (
    ("galaxy.yml", re.compile(rf"(?m)^(version: ){SEMVER}()$")),
    ("plugins/module_utils/version.py", re.compile(rf'(?m)^(VERSION = "){SEMVER}(")$')),
    ("*", re.compile(rf"(publica-la-){SEMVER}(\.tar\.gz)")),
    ("*", re.compile(rf"(publica-ee:){SEMVER}()\b")),
)
ADDED = re.compile(rf"(?m)^(\s*version_added: )([\"']?)({SEMVER})\2[ \t]*$")
# Files that a release does not change: history, versions of other projects, made-up examples.
EXEMPT = (
    "CHANGELOG.rst",
    "changelogs/*",
    "tests/release/*",
    "tests/report_page/*",
    "tests/requirements/*",
    "tests/tools/publica_release/*",
)
SINCE = re.compile(r"version_added:|\b[Ss]ince (?:version )?[`*]*\d")


def parsed(text: str) -> Version | None:
    """The semantic version in a text, or None. Galaxy accepts no build part."""
    if not semver.Version.is_valid(text):
        return None
    version = semver.Version.parse(text)
    return None if version.build else version


def with_version(name: str, text: str, new: str, released: str | None) -> str:
    """A file's text with the new version.

    A `version_added` that is later than the last release becomes the new version too.
    """
    if _is_exempt(name):
        return text
    for pattern, place in PLACES:
        if fnmatch(name, pattern):
            text = place.sub(rf"\g<1>{new}\g<2>", text)

    def added(match: re.Match[str]) -> str:
        if released is not None and Version.parse(match[3]) <= Version.parse(released):
            return match[0]
        return f"{match[1]}{match[2]}{new}{match[2]}"

    return ADDED.sub(added, text)


def forgotten(texts: Mapping[str, str], version: str) -> Iterator[str]:
    """One sentence for each mention of the version, in texts by path, that no release changes."""
    mention = re.compile(rf"(?<![\w.-]){re.escape(version)}(?![\w.-]*\w)")
    other = "0.0.0"
    for name, text in texts.items():
        if _is_exempt(name):
            continue
        after = with_version(name, text, other, None)
        for number, line in enumerate(after.splitlines(), start=1):
            if mention.search(line) and not SINCE.search(line):
                yield (
                    f"{name}:{number} names {version} in a place that no release changes: remove "
                    "it, write 'since' before it, or add the place to PLACES in "
                    "tests/tools/publica_release/versions.py"
                )


def _is_exempt(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in EXEMPT)
