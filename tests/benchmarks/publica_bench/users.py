# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a job: stored before it, listed in the run before it, and listed now."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .jobs import FEW, LIST_CHANGES, NEW, Job

SESSIONS, OTHER_SESSIONS = 2, 3
Row = dict[str, Any]


def listed(job: Job) -> list[Row]:
    """The users that every contender gets."""
    users = _readers(0, job.listed)
    if job.change in LIST_CHANGES:
        # Who left was in the middle of the list, and who joined is at its end.
        left = job.listed // 2
        users = [*users[:left], *users[left + job.moved :]]
        _make_differ(users, job.differing)
        users += _readers(job.listed, job.listed + job.moved)
    return users


def listed_before(job: Job) -> list[Row]:
    """The users of the list in the last run, for contenders that use what it did."""
    return _readers(0, job.listed)


def stored_before(job: Job) -> list[Row]:
    if job.change == NEW:
        return []
    users = _readers(0, job.listed)
    if job.change == FEW:
        _make_differ(users, job.differing)
    others = [
        {
            "email": f"buyer{number}@shop.example",
            "external_id": f"order-{number}",
            "sessions_limit": SESSIONS,
        }
        for number in range(job.users - job.listed)
    ]
    # The newest users are at the beginning of a list. Readers are distributed over its pages.
    return [*others[: len(others) // 2], *users, *others[len(others) // 2 :]]


def _readers(first: int, end: int) -> list[Row]:
    return [
        {
            "email": f"reader{number}@example.org",
            "external_id": f"seat-{number}",
            "sessions_limit": SESSIONS,
        }
        for number in range(first, end)
    ]


def _make_differ(users: Sequence[Row], count: int) -> None:
    """Change users that are distributed evenly."""
    step = len(users) // max(1, count)
    for user in users[: step * count : step]:
        user["sessions_limit"] = OTHER_SESSIONS


def write_files(
    users: Sequence[Row], directory: Path, parts: int = 1, name: str = "users"
) -> list[Path]:
    """The users as files of variables, distributed evenly over ``parts``.

    Next to each are the same users as files that ``src`` reads.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for part in range(parts):
        own = users[part::parts]
        path = directory / f"{name}-{len(users)}-{part + 1}-of-{parts}.json"
        path.write_text(json.dumps({"users": own}), "utf-8")
        path.with_suffix(".src.json").write_text(json.dumps(own), "utf-8")
        lines = "".join(f"{json.dumps(user)}\n" for user in own)
        path.with_suffix(".src.jsonl").write_text(lines, "utf-8")
        with path.with_suffix(".src.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, ("email", "external_id", "sessions_limit"))
            table.writeheader()
            table.writerows(own)
        files.append(path)
    return files
