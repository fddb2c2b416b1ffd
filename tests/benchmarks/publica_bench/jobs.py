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


@dataclass(frozen=True)
class Contender:
    """One way to do a job.

    :ivar peer: file in ``peers``: a playbook or a script.
    :ivar processes: number of concurrent processes, each with its part of the users.
    """

    name: str
    title: str
    peer: str
    processes: int = 1

    def command(self, users: Path) -> list[str]:
        """The command for the users in a file. Address and token come from the environment."""
        peer = str(PEERS / self.peer)
        if self.peer.endswith(".py"):
            return [sys.executable, peer, str(users)]
        return [str(ANSIBLE_PLAYBOOK), "-e", f"users_file={users}", peer]


SCRIPT = Contender("script", "hand-written script", "hand_script.py")
URI_LOOP = Contender("uri-loop", "ansible.builtin.uri in a loop", "uri_loop.yml")
USER_LOOP = Contender("user-loop", "publica_user in a loop", "publica_user_loop.yml")
BULK = Contender("bulk", "publica_user_bulk, users", "publica_user_bulk.yml")
BULK_SRC = Contender("bulk-src", "publica_user_bulk, src", "publica_user_bulk_src.yml")
FOUR_BULK = Contender("four-bulk", "4 concurrent publica_user_bulk", BULK.peer, processes=4)

LOOPS = (URI_LOOP, USER_LOOP)
ALL = (URI_LOOP, USER_LOOP, BULK, BULK_SRC, SCRIPT)


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


@dataclass(frozen=True)
class Job:
    """Bring a store to the state of a file of users."""

    change: str
    users: int
    condition: Condition = UNLIMITED

    @property
    def key(self) -> tuple[str, int, str]:
        """The values that identify the job."""
        return self.change, self.users, self.condition.name

    @property
    def differing(self) -> int:
        """The number of users that need a write."""
        return {NEW: self.users, SAME: 0, FEW: max(1, self.users // 100)}[self.change]

    def __str__(self) -> str:
        return f"{self.users:,} users, {CHANGES[self.change]}, {self.condition.title}"


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
