# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the changelog must hold before a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from publica_release import changelog

CHANGE = {"minor_changes": ["publica_user - something."]}
SUMMARY = {"release_summary": "A release."}


def test_a_change_and_a_summary_are_enough() -> None:
    assert changelog.faults({"one.yml": CHANGE, "1.0.0.yml": SUMMARY}) == []


@pytest.mark.parametrize(
    ("fragments", "words"),
    [
        ({}, ["no change", "there is none"]),
        ({"one.yml": CHANGE}, ["there is none"]),
        ({"1.0.0.yml": SUMMARY}, ["no change"]),
        ({"one.yml": {"trivial": ["A word."]}, "1.0.0.yml": SUMMARY}, ["no change"]),
        ({"a.yml": {**CHANGE, **SUMMARY}, "b.yml": SUMMARY}, ["there are 2 (a.yml, b.yml)"]),
    ],
)
def test_what_is_missing_is_told(fragments: dict[str, dict[str, object]], words: list[str]) -> None:
    sentences = changelog.faults(fragments)

    assert len(sentences) == len(words)
    for sentence, word in zip(sentences, words, strict=True):
        assert word in sentence


def test_the_last_release_is_the_highest_version(tmp_path: Path) -> None:
    (tmp_path / "changelogs").mkdir()
    file = tmp_path / changelog.RELEASES
    file.write_text("releases:\n" + "".join(
        f"  {version}:\n    release_date: '2027-01-0{day}'\n"
        for day, version in enumerate(["1.9.0", "1.10.0", "1.10.0-rc.1"], start=1)
    ))  # fmt: skip

    assert changelog.last_release(tmp_path) == "1.10.0"
    assert changelog.release_date(tmp_path, "1.10.0") == "2027-01-02"
    assert changelog.release_date(tmp_path, "2.0.0") is None


def test_nothing_was_released_before_the_first_release(tmp_path: Path) -> None:
    assert changelog.last_release(tmp_path) is None


def test_the_part_of_one_version() -> None:
    text = "Notes\n=====\n\nv1.1.0\n======\n\nNew\n---\n- one\n\nv1.0.0\n======\n\n- two\n"

    assert changelog.section(text, "1.1.0") == "New\n---\n- one"
    assert changelog.section(text, "1.0.0") == "- two"
    assert changelog.section(text, "3.0.0") == ""
