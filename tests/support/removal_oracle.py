# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users that `exclusive` may remove, and the guards: written from docs/removals.md."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .accounts import Account
from .oracle import (
    INVALID,
    SET_EVERY_TIME,
    UNKNOWN_PLAN,
    Oracle,
    Prediction,
    Row,
    RowOutcome,
    touchable,
)

FAIL, SKIP = "fail", "skip"


@dataclass(frozen=True)
class Policy:
    """The options of a task with `exclusive`."""

    protected: tuple[str, ...]
    limit: str
    on_guard: str

    def options(self) -> dict[str, Any]:
        """The options as a task gives them."""
        return {
            "exclusive": True,
            "protected": list(self.protected),
            "max_deactivations": self.limit,
            "on_guard": self.on_guard,
        }

    def without_limit(self) -> Policy:
        """The same options, with every removal allowed."""
        return replace(self, limit="100%", on_guard=FAIL)

    def protects(self, account: Account) -> bool:
        """Whether an account is never removed."""
        return account.admin or any(
            fnmatch.fnmatchcase(account.address, pattern.lower()) for pattern in self.protected
        )

    def violation(
        self, removals: int, active: int, approve: str | None, plan: dict[str, Any]
    ) -> str | None:
        """The code of the guard that must refuse the plan; None where it must pass.

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


def removable(
    oracle: Oracle, accounts: Sequence[Account], rows: Sequence[Row], policy: Policy
) -> list[Account]:
    """The accounts that no key of any row names, and that are not protected, by id."""
    named = touchable(accounts, rows, oracle.returns_external_ids)
    found = [
        user
        for user in accounts
        if user.active and user.id not in named and not policy.protects(user)
    ]
    return sorted(found, key=lambda user: user.id)


def held_back(
    oracle: Oracle, accounts: Sequence[Account], rows: Sequence[Row], outcomes: Sequence[RowOutcome]
) -> bool:
    """Whether no user may be removed, because a row is not identified (variant 8)."""
    if oracle.returns_external_ids:
        return False
    taken = {user.external_id for user in accounts}
    return any(
        outcome.failure is not None
        and outcome.account is None
        and row.get("state") != "absent"
        and not _keys_are_free(row, outcome, taken)
        for row, outcome in zip(rows, outcomes, strict=True)
    )


def _keys_are_free(row: Row, outcome: RowOutcome, taken: Collection[str]) -> bool:
    """Whether a creation was refused only for its plan."""
    only_plan = row.get("plan_id") == UNKNOWN_PLAN and row.get("external_id") not in taken
    return outcome.failure == INVALID and only_plan


def without(accounts: Sequence[Account], removed: Sequence[Account]) -> list[Account]:
    """The accounts after some of them were removed."""
    ids = {user.id for user in removed}
    return [replace(user, active=user.active and user.id not in ids) for user in accounts]


def settle(
    oracle: Oracle, accounts: Sequence[Account], rows: Sequence[Row], policy: Policy
) -> Prediction:
    """The state after as many runs as change something, with every removal allowed."""
    for _more in range(len(rows) + 3):
        predicted = oracle.predict(accounts, rows)
        removed = removable(oracle, accounts, rows, policy)
        if held_back(oracle, accounts, rows, predicted.outcomes):
            removed = []
        if not removed and not any(
            set(outcome.actions) - SET_EVERY_TIME for outcome in predicted.outcomes
        ):
            return predicted
        accounts = [
            replace(user, id=user.id or 1_000_000 + place)
            for place, user in enumerate(without(predicted.accounts, removed))
        ]
    raise RuntimeError("the oracle predicts changes without end")
