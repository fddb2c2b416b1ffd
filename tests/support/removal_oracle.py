# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom `exclusive` may remove, and when it must be refused: written from docs/removals.md."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from .accounts import Account
from .oracle import INVALID, SET_EVERY_TIME, UNKNOWN_PLAN, Fate, Foreseen, Oracle, Row, touchable

FAIL, SKIP = "fail", "skip"
PATTERNS = [
    "reader1@example.org",
    "A.Reader1@example.org",
    "*@example.org.ar",
    "READER[24]@*",
    "*.new@example.org",
    "chief@example.com",
    "nobody@example.net",
]
LIMITS = ["0", "1", "2", "3", "0%", "10%", "25%", "34%", "50%", "100%", "100%"]


@dataclass(frozen=True)
class Policy:
    """The options of a task that say how far `exclusive` may go."""

    protected: tuple[str, ...]
    limit: str
    on_guard: str

    def options(self) -> dict[str, Any]:
        """As a task gives them."""
        return {
            "exclusive": True,
            "protected": list(self.protected),
            "max_deactivations": self.limit,
            "on_guard": self.on_guard,
        }

    def without_limit(self) -> Policy:
        """The same, and every removal is allowed."""
        return replace(self, limit="100%", on_guard=FAIL)

    def protects(self, account: Account) -> bool:
        """Whether an account is never removed."""
        return account.admin or any(
            fnmatch.fnmatchcase(account.address, pattern.lower()) for pattern in self.protected
        )

    def verdict(
        self, removals: int, active: int, approve: str | None, plan: dict[str, Any]
    ) -> str | None:
        """The code of the guard that must speak; None where the plan must pass.

        Args:
            removals: How many users the plan removes.
            active: How many active users the store has.
            approve: The hash that the task gives, if it does.
            plan: The result's ``plan`` of a dry run.
        """
        if approve is not None:
            return None if approve == plan["hash"] or not plan["requests"] else "not_approved"
        percentage = self.limit.endswith("%")
        number = int(self.limit.rstrip("%"))
        too_many = 100 * removals > number * active if percentage else removals > number
        return "too_many_deactivations" if too_many else None


def policies() -> st.SearchStrategy[Policy]:
    """Any of them."""
    patterns = st.lists(st.sampled_from(PATTERNS), unique=True, max_size=2).map(tuple)
    return st.builds(Policy, patterns, st.sampled_from(LIMITS), st.sampled_from([FAIL, FAIL, SKIP]))


def removable(
    oracle: Oracle, accounts: Sequence[Account], rows: Sequence[Row], policy: Policy
) -> list[Account]:
    """The accounts that no key of any row names, and that nothing protects, by id."""
    named = touchable(accounts, rows, oracle.tells_external_ids)
    found = [
        user
        for user in accounts
        if user.active and user.id not in named and not policy.protects(user)
    ]
    return sorted(found, key=lambda user: user.id)


def held_back(
    oracle: Oracle, accounts: Sequence[Account], rows: Sequence[Row], fates: Sequence[Fate]
) -> bool:
    """Whether nobody may be removed, since it is open who a row is at the store (choice 8)."""
    if oracle.tells_external_ids:
        return False
    taken = {user.external_id for user in accounts}
    return any(
        fate.failure is not None
        and fate.account is None
        and row.get("state") != "absent"
        and not _keys_are_free(row, fate, taken)
        for row, fate in zip(rows, fates, strict=True)
    )


def _keys_are_free(row: Row, fate: Fate, taken: Collection[str]) -> bool:
    """Whether a creation was refused for its plan alone."""
    only_plan = row.get("plan_id") == UNKNOWN_PLAN and row.get("external_id") not in taken
    return fate.failure == INVALID and only_plan


def without(accounts: Sequence[Account], removed: Sequence[Account]) -> list[Account]:
    """The accounts after some of them were removed."""
    ids = {user.id for user in removed}
    return [replace(user, active=user.active and user.id not in ids) for user in accounts]


def settle(
    oracle: Oracle, accounts: Sequence[Account], rows: Sequence[Row], policy: Policy
) -> Foreseen:
    """What run after run must come to that may remove whom it wants."""
    for _more in range(len(rows) + 3):
        foreseen = oracle.foresee(accounts, rows)
        removed = removable(oracle, accounts, rows, policy)
        if held_back(oracle, accounts, rows, foreseen.fates):
            removed = []
        if not removed and not any(set(fate.actions) - SET_EVERY_TIME for fate in foreseen.fates):
            return foreseen
        accounts = [
            replace(user, id=user.id or 1_000_000 + place)
            for place, user in enumerate(without(foreseen.accounts, removed))
        ]
    raise RuntimeError("the oracle never comes to rest")
