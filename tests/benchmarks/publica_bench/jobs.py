# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs of the benchmarks, and the contenders that do them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PEERS = Path(__file__).resolve().parent / "peers"
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
NEW, SAME, FEW = "new", "same", "few"
CHANGES = {NEW: "all new", SAME: "nothing differs", FEW: "1 % differ"}
# What has changed in a list since the run that wrote the record.
UNCHANGED, SOME_ROWS, PERCENT, PEOPLE = "unchanged", "some-rows", "percent", "people"
LIST_CHANGES = {
    UNCHANGED: "nothing",
    SOME_ROWS: "30 rows",
    PERCENT: "1 % of the rows",
    PEOPLE: "30 rows, 5 joined, 5 left",
}
# The same with a list of all users in the store.
COMPLETE = "complete"
TITLES = {
    **CHANGES,
    **{name: f"since the last run: {title}" for name, title in LIST_CHANGES.items()},
    COMPLETE: "all of them in a list with a record, nothing changed",
}
CHANGED_ROWS, MOVED = 30, 5
# A list holds one in five users of its store. No list manages the others.
STORE_OF_A_LIST = 5


@dataclass(frozen=True)
class Contender:
    """One way to do a job.

    :ivar peer: file in ``peers``: a playbook or a script.
    :ivar processes: number of concurrent processes, each with its part of the users.
    :ivar src: the end of the name of the file that a playbook gives as ``src``.
    :ivar has_record: it compares the list with its record of an earlier run.
    """

    name: str
    title: str
    peer: str
    processes: int = 1
    src: str = "src.json"
    has_record: bool = False

    def command(self, users: Path, before: Path | None = None) -> list[str]:
        """The command for the users in a file. Address and token come from the environment.

        :param before: the previous list, for a script that has to find who left it.
        """
        peer = str(PEERS / self.peer)
        if self.peer.endswith(".py"):
            return [sys.executable, peer, str(users), *([str(before)] if before else [])]
        src = users.with_suffix(f".{self.src}")
        return [str(ANSIBLE_PLAYBOOK), "-e", f"users_file={users}", "-e", f"src={src}", peer]


SCRIPT = Contender("script", "hand-written script", "hand_script.py")
URI_LOOP = Contender("uri-loop", "ansible.builtin.uri in a loop", "uri_loop.yml")
USER_LOOP = Contender("user-loop", "publica_user in a loop", "publica_user_loop.yml")
BULK = Contender("bulk", "publica_user_bulk, users", "publica_user_bulk.yml")
BULK_SRC = Contender("bulk-src", "publica_user_bulk, src", "publica_user_bulk_src.yml")
FOUR_BULK = Contender("four-bulk", "4 concurrent publica_user_bulk", BULK.peer, processes=4)

WITH_RECORD = "publica_user_bulk_record.yml"
RECORD = Contender("record", "publica_user_bulk, last_applied", WITH_RECORD, has_record=True)
RECORD_CSV = Contender("record-csv", "CSV file", WITH_RECORD, src="src.csv", has_record=True)
RECORD_LINES = Contender(
    "record-lines", "JSON lines file", WITH_RECORD, src="src.jsonl", has_record=True
)
RECORD_USERS = Contender(
    "record-users", "users in the task", "publica_user_bulk_record_users.yml", has_record=True
)
EXCLUSIVE = Contender(
    "exclusive", "publica_user_bulk, exclusive", "publica_user_bulk_exclusive.yml"
)

LOOPS = (URI_LOOP, USER_LOOP)
ALL = (URI_LOOP, USER_LOOP, BULK, BULK_SRC, SCRIPT)
FOR_LISTS = (RECORD, EXCLUSIVE, SCRIPT)
FORMS = (RECORD_CSV, RECORD_LINES, RECORD_USERS)


@dataclass(frozen=True)
class Condition:
    """How the store answers: switches of the sandbox, and a title for them."""

    name: str
    title: str
    switches: Mapping[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> tuple[int, int] | None:
        """Requests for each window and its length in seconds; None without a limit."""
        requests = self.switches.get("rate_limit", 0)
        return (requests, self.switches.get("rate_limit_window", 60)) if requests else None


def latency(milliseconds: int) -> Condition:
    """A store that waits before each answer."""
    title = f"{milliseconds} ms before each answer"
    return Condition(f"latency-{milliseconds}", title, {"latency": milliseconds})


def limited(requests: int, seconds: int, *, retry_after: bool = True) -> Condition:
    """A store with a rate limit, whose refusals contain the time to wait or not."""
    switches = {
        "rate_limit": requests,
        "rate_limit_window": seconds,
        "retry_after": retry_after,
        "rate_limit_reset": "refusals" if retry_after else "never",
    }
    name, title = f"limit-{requests}-{seconds}", f"{requests} requests in {seconds} s"
    if retry_after:
        return Condition(name, title, switches)
    return Condition(f"{name}-no-retry-after", f"{title}, no Retry-After", switches)


UNLIMITED = Condition("unlimited", "no limit, no latency")
LATENCY = latency(50)
# 40 times the documented rate of 100 a minute, so that a run with 10,000 users ends soon enough.
LIMITED = limited(400, 6)


# The documented rate, for times that are calculated.
REAL_LIMIT = limited(100, 60)


@dataclass(frozen=True)
class Job:
    """Bring a store to the state of a list of users.

    :ivar users: number of users in the list; where the change is one of a list, in the store.
    """

    change: str
    users: int
    condition: Condition = UNLIMITED

    @property
    def key(self) -> tuple[str, int, str]:
        """The values that identify the job."""
        return self.change, self.users, self.condition.name

    @property
    def listed(self) -> int:
        """The number of users in the list."""
        return self.users // STORE_OF_A_LIST if self.change in LIST_CHANGES else self.users

    @property
    def stored(self) -> str:
        """A name of the users that the store has before the job."""
        if self.change == NEW:
            return NEW
        if self.change in LIST_CHANGES:
            return f"mixed-{self.users}"
        return f"{SAME if self.change == COMPLETE else self.change}-{self.users}"

    @property
    def differing(self) -> int:
        """The number of listed users that need a creation or an update, without joiners."""
        if self.change == NEW:
            return self.listed
        if self.change in (FEW, PERCENT):
            return max(1, self.listed // 100)
        if self.change in (SOME_ROWS, PEOPLE):
            return min(CHANGED_ROWS, self.listed // 2)
        return 0

    @property
    def moved(self) -> int:
        """The number of users that joined the list, and of those that left it."""
        return MOVED if self.change == PEOPLE else 0

    def __str__(self) -> str:
        place = " in the store" if self.change in LIST_CHANGES else ""
        return f"{self.users:,} users{place}, {TITLES[self.change]}, {self.condition.title}"


def matrix(
    sizes: Iterable[int],
    changes: Sequence[str] = tuple(CHANGES),
    conditions: Sequence[Condition] = (UNLIMITED, LATENCY, LIMITED),
) -> list[Job]:
    """All combinations. Small sizes come first, because the large ones depend on their times."""
    return [
        Job(change, users, condition)
        for condition in conditions
        for change in changes
        for users in sorted(sizes)
    ]
