# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a job: as a file for the contenders, as the state of a store, and as the proof."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from publica_sandbox.testing import SandboxStore

from .jobs import FEW, NEW, Job

SESSIONS, OTHER_SESSIONS = 2, 3
BATCH = 20_000
Row = dict[str, Any]


def desired(count: int) -> list[Row]:
    """The users that every contender is given."""
    return [
        {
            "email": f"reader{number}@example.org",
            "external_id": f"seat-{number}",
            "sessions_limit": SESSIONS,
        }
        for number in range(count)
    ]


def at_the_store(job: Job) -> list[Row]:
    """The users that the store holds before: those that differ are spread evenly."""
    if job.change == NEW:
        return []
    users = desired(job.users)
    if job.change == FEW:
        step = job.users // job.differing
        for user in users[: step * job.differing : step]:
            user["sessions_limit"] = OTHER_SESSIONS
    return users


def write_files(users: Sequence[Row], folder: Path, parts: int = 1) -> list[Path]:
    """The users as files of variables, shared out evenly among ``parts``."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for part in range(parts):
        path = folder / f"users-{len(users)}-{part + 1}-of-{parts}.json"
        path.write_text(json.dumps({"users": users[part::parts]}), "utf-8")
        # The list alone, as `src` reads it.
        path.with_suffix(".src.json").write_text(json.dumps(users[part::parts]), "utf-8")
        files.append(path)
    return files


def seeded_database(job: Job, folder: Path) -> Path:
    """A store's file in the state before the job; made once, and to be copied."""
    path = folder / f"seed-{job.change}-{job.users if job.change != NEW else 0}.sqlite3"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        users = at_the_store(job)
        with SandboxStore(unfinished) as store:
            for start in range(0, len(users), BATCH):
                store.add_users(users[start : start + BATCH])
        unfinished.rename(path)
    return path


def fresh_copy(database: Path, target: Path) -> Path:
    """A copy for one run, without what another run left beside it."""
    for left in target.parent.glob(f"{target.name}*"):
        left.unlink()
    return Path(shutil.copyfile(database, target))


def fault_of(job: Job, store: SandboxStore) -> str:
    """What is wrong with the store after the job, by its database; empty where nothing is."""
    passwords = "COUNT(password_hash)" if job.change == NEW else "COUNT(*)"
    [found] = store.sql(
        f"""SELECT COUNT(*) AS users, {passwords} AS passwords,
            COALESCE(SUM(deleted_at IS NULL AND sessions_limit = ?
                AND email = 'reader' || SUBSTR(external_id, 6) || '@example.org'), 0) AS good
            FROM users""",
        SESSIONS,
    )
    wanted: Mapping[str, int] = dict.fromkeys(("users", "passwords", "good"), job.users)
    if dict(found) == wanted:
        return ""
    return f"{found['good']:,} of {job.users:,} users as desired, {found['users']:,} at the store"
