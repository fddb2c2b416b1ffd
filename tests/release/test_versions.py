# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the version stands, and that no place is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from publica_release import versions, worktree
from publica_release.archive import identity


def set_to(new: str, name: str, text: str, released: str | None = None) -> str:
    return versions.with_version(name, text, new, released)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("galaxy.yml", "name: la\nversion: 0.1.0\n", "name: la\nversion: 1.0.0\n"),
        ("plugins/module_utils/version.py", 'VERSION = "0.1.0"\n', 'VERSION = "1.0.0"\n'),
        (
            "docs/a.md",
            "install publica-la-0.1.0.tar.gz -p x",
            "install publica-la-1.0.0.tar.gz -p x",
        ),
        ("docs/b.md", "build --tag publica-ee:0.1.0", "build --tag publica-ee:1.0.0"),
        ("README.md", "publica-la-0.9.0-rc.1.tar.gz", "publica-la-1.0.0.tar.gz"),
    ],
)
def test_the_version_is_set(name: str, before: str, after: str) -> None:
    assert set_to("1.0.0", name, before) == after


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/a.yml", "version: 0.1.0\n"),
        ("tests/requirements/a.txt", "publica-la-0.1.0.tar.gz"),
        ("CHANGELOG.rst", "publica-la-0.1.0.tar.gz"),
        ("README.md", "requests 2.25 or newer, 2.25.0"),
    ],
)
def test_another_version_is_left_alone(name: str, text: str) -> None:
    assert set_to("1.0.0", name, text) == text


def test_what_was_added_since_the_last_release_is_added_in_this_one() -> None:
    text = "version_added: 1.0.0\n  version_added: '1.1.0'\n  version_added: 1.2.0\n"

    assert set_to("1.2.0", "plugins/modules/a.py", text, released="1.0.0") == (
        "version_added: 1.0.0\n  version_added: '1.2.0'\n  version_added: 1.2.0\n"
    )


def test_before_the_first_release_everything_is_new() -> None:
    assert set_to("1.0.0", "plugins/modules/a.py", "version_added: 0.1.0\n") == (
        "version_added: 1.0.0\n"
    )


@pytest.mark.parametrize("line", ["la==1.0.0", "the version 1.0.0.", "(1.0.0)", "v: '1.0.0'"])
def test_a_mention_that_no_release_would_change_is_found(line: str) -> None:
    [sentence] = versions.forgotten({"docs/a.md": f"First\n{line}\n"}, "1.0.0")

    assert sentence.startswith("docs/a.md:2 names 1.0.0 ")


@pytest.mark.parametrize(
    "line",
    ["since 1.0.0", "Since version `1.0.0`", "version_added: 1.0.0", "publica-la-1.0.0.tar.gz",
     "11.0.0", "1.0.01", "1.0.0.4", "x-1.0.0"],
)  # fmt: skip
def test_history_and_what_a_release_changes_is_no_such_mention(line: str) -> None:
    assert list(versions.forgotten({"docs/a.md": line}, "1.0.0")) == []


def test_this_repository_mentions_its_version_nowhere_else(clone: Path) -> None:
    texts = dict(worktree.texts(clone))

    assert len(texts) > 300
    assert list(versions.forgotten(texts, identity(clone)["version"])) == []


@pytest.mark.parametrize("text", ["1", "1.2", "v1.2.3", "1.2.3+build", "01.2.3", "next", ""])
def test_what_is_no_version(text: str) -> None:
    assert versions.parsed(text) is None


@pytest.mark.parametrize("text", ["1.2.3", "2.0.0-beta.1"])
def test_what_is_one(text: str) -> None:
    assert str(versions.parsed(text)) == text
