# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The index of decisions has every record, under its own title, and every record has its parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
ROW = re.compile(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", re.MULTILINE)
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
TRIED = ("What was tried", "What else was weighed")


def title(record: Path) -> tuple[str, str]:
    """A record's number and title, from its first line."""
    first = record.read_text(encoding="utf-8").splitlines()[0]
    found = re.fullmatch(r"# (\d{4}): (.+)", first)
    assert found is not None, f"{record.name} begins with {first!r}"
    return found[1], found[2]


def test_the_index_is_complete() -> None:
    rows = ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))

    assert len(RECORDS) >= 10
    expected = [
        (number, record.name, name) for record in RECORDS for number, name in [title(record)]
    ]
    assert rows == expected


def test_the_numbers_have_no_gap() -> None:
    assert [record.name[:4] for record in RECORDS] == [
        f"{number:04}" for number in range(1, len(RECORDS) + 1)
    ]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_its_parts(record: Path) -> None:
    parts = re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.MULTILINE)

    assert title(record)[0] == record.name[:4]
    assert parts[:3] == ["Context", "Decision", "Consequences"]
    assert len(parts) == 4
    assert parts[3] in TRIED
