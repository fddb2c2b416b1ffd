# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done: how many users, how many of them differ, and how the store answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NEW, SAME, FEW = "new", "same", "few"
CHANGES = {NEW: "all new", SAME: "nothing differs", FEW: "1 % differ"}


@dataclass(frozen=True)
class Condition:
    """How the store answers: the switches of the sandbox, and what they mean in words."""

    name: str
    title: str
    switches: Mapping[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> tuple[int, int] | None:
        """Requests a window and the window's seconds; None where there is no limit."""
        requests = self.switches.get("rate_limit", 0)
        return (requests, self.switches.get("rate_limit_window", 60)) if requests else None


def latency(milliseconds: int) -> Condition:
    """A store whose answers take their time."""
    title = f"{milliseconds} ms before each answer"
    return Condition(f"latency-{milliseconds}", title, {"latency": milliseconds})


def limited(requests: int, seconds: int, *, told: bool = True) -> Condition:
    """A store that refuses what is beyond its limit, and tells for how long, or does not."""
    switches = {
        "rate_limit": requests,
        "rate_limit_window": seconds,
        "retry_after": told,
        "rate_limit_reset": told,
    }
    title = f"{requests} requests in {seconds} s" + ("" if told else ", no Retry-After")
    return Condition(f"limit-{requests}-{seconds}{'' if told else '-untold'}", title, switches)


UNLIMITED = Condition("unlimited", "no limit, no latency")
LATENCY = latency(50)
# Forty times as fast as the documented 100 a minute, so that a run of 10,000 has an end.
LIMITED = limited(400, 6)


@dataclass(frozen=True)
class Job:
    """The users of a file are to be at the store as the file has them."""

    change: str
    users: int
    condition: Condition = UNLIMITED

    @property
    def differing(self) -> int:
        """How many users take a write."""
        return {NEW: self.users, SAME: 0, FEW: max(1, self.users // 100)}[self.change]

    def __str__(self) -> str:
        return f"{self.users:,} users, {CHANGES[self.change]}, {self.condition.title}"


def matrix(
    sizes: Iterable[int],
    changes: Sequence[str] = tuple(CHANGES),
    conditions: Sequence[Condition] = (UNLIMITED, LATENCY, LIMITED),
) -> list[Job]:
    """Every combination, the small ones first: what they took decides which large ones are run."""
    return [
        Job(change, users, condition)
        for condition in conditions
        for change in changes
        for users in sorted(sizes)
    ]
