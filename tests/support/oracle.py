# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The expected effect of a list: written from the documentation, not from the planner.

The pages are docs/states-and-identity.md and, for `exclusive` and its guards, docs/removals.md.

One row after the other: which user is meant, what prevents the change, what is sent, and the
accounts afterwards. Where the collection has layers, indexes and plans, this has lists and loops.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from .accounts import ATTRIBUTES, OWN_END, OWN_MONTHS, Account, Held
from .variants import Variant, hidden_attributes, returns_external_ids, returns_plans

Row = Mapping[str, Any]

RIGHTS = ("admin", "plan_admin", "only_sees_readable")
UNKNOWN_PLAN = 999
RECURRING = (11, 13)
# The states of an order that give no seat.
ENDED = ("cancelled", "refunded", "expired", "error", "dispute_lost")
FAIL, SKIP = "fail", "skip"
CONFLICT, SWAP, TAKEN = "identity_conflict", "address_swap", "address_taken"
NOT_TRIED, NOT_FOUND, INVALID = "not_tried", "not_found", "validation"
INCOMPLETE = "incomplete"
# The actions of a password that is always set.
SET_EVERY_TIME = {"set_password", "force_logout"}
# Found only while the plan is applied; the others are in the plan already.
WHILE_WRITING = (NOT_TRIED, NOT_FOUND, INVALID)


@dataclass
class RowOutcome:
    """The expected outcome of one row.

    Attributes:
        account: The account that is meant, before the run.
        failure: The code of the failure; None for a success.
        actions: The actions in the order of the result.
        may_fail: A failure that may be reported instead, and changes nothing at the store.
    """

    account: Account | None = None
    failure: str | None = None
    actions: list[str] = field(default_factory=list)
    may_fail: str | None = None


@dataclass
class Prediction:
    """The outcomes of all rows, and the accounts afterwards."""

    outcomes: list[RowOutcome]
    accounts: list[Account]


@dataclass(frozen=True)
class Policy:
    """The options of a task with `exclusive`."""

    protected: tuple[str, ...]
    limit: str
    on_guard: str

    def options(self) -> dict[str, Any]:
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
        if account.admin or account.plan_admin or account.institution or account.anonymized:
            return True
        return not account.can_be_edited or any(
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


@dataclass(frozen=True)
class Oracle:
    """Predicts the effect of runs.

    Attributes:
        returns_external_ids: Whether a read returns external ids.
        returns_plans: Whether a read returns the plans that a user holds.
        returns_states: Whether it returns the states of their orders as well.
        plan_end: What the store does with the end of a plan.
        hidden: The attributes that a list leaves out.
        today: The date in UTC.
    """

    returns_external_ids: bool
    returns_plans: bool
    returns_states: bool
    plan_end: str
    hidden: tuple[str, ...]
    today: str

    def predict(self, accounts: Sequence[Account], rows: Sequence[Row]) -> Prediction:
        """The effect of one run without faults."""
        outcomes = self._match(accounts, rows)
        new_addresses = _new_addresses(rows, outcomes)
        _refuse_cycles(accounts, outcomes, new_addresses)
        after = {account.id: account for account in accounts}
        created: list[Account] = []
        # A row that takes an address comes after the row that frees it.
        done: set[int] = set()
        while len(done) < len(rows):
            for number in range(len(rows)):
                # A row that is refused already, as in a cycle, need not wait.
                is_refused = outcomes[number].failure is not None
                holder_row = (
                    None if is_refused else _current_holder(number, outcomes, new_addresses)
                )
                if number in done or (holder_row is not None and holder_row not in done):
                    continue
                done.add(number)
                held_back = holder_row is not None and outcomes[holder_row].failure is not None
                made = self._apply(rows[number], outcomes[number], after, created, held_back)
                if made is not None:
                    created.append(made)
        return Prediction(outcomes, [*after.values(), *created])

    def settle(
        self, accounts: Sequence[Account], rows: Sequence[Row], policy: Policy | None = None
    ) -> Prediction:
        """The state after as many runs as change something, with every removal of a policy."""
        for _more in range(len(rows) + 3):
            predicted = self.predict(accounts, rows)
            removed: list[Account] = []
            if policy is not None and not self.holds_back(accounts, rows, predicted.outcomes):
                removed = self.removable(accounts, rows, policy)
            if not removed and not any(
                set(outcome.actions) - SET_EVERY_TIME for outcome in predicted.outcomes
            ):
                return predicted
            accounts = [
                replace(user, id=user.id or 1_000_000 + place)
                for place, user in enumerate(without(predicted.accounts, removed))
            ]
        raise RuntimeError("the oracle predicts changes without end")

    # Removals

    def removable(
        self, accounts: Sequence[Account], rows: Sequence[Row], policy: Policy
    ) -> list[Account]:
        """The accounts that no key of any row names, and that are not protected, by id."""
        if not {"admin", "plan_admin"}.isdisjoint(self.hidden):
            return []
        named = touchable(accounts, rows, self.returns_external_ids)
        found = [
            user
            for user in accounts
            if user.active and user.id not in named and not policy.protects(user)
        ]
        return sorted(found, key=lambda user: user.id)

    def holds_back(
        self, accounts: Sequence[Account], rows: Sequence[Row], outcomes: Sequence[RowOutcome]
    ) -> bool:
        """Whether no user may be removed, because a row is not identified (variant 8)."""
        if self.returns_external_ids:
            return False
        taken = {user.external_id for user in accounts}
        return any(
            outcome.failure is not None
            and outcome.account is None
            and row.get("state") != "absent"
            and not _keys_are_free(row, outcome, taken)
            for row, outcome in zip(rows, outcomes, strict=True)
        )

    # Which account is meant

    def _match(self, accounts: Sequence[Account], rows: Sequence[Row]) -> list[RowOutcome]:
        strong = [self._by_strong_key(accounts, row) for row in rows]
        leaving = {
            outcome.account.id
            for row, outcome in zip(rows, strong, strict=True)
            if outcome.account is not None and _wants_another_address(row, outcome.account)
        }
        outcomes = []
        for row, found in zip(rows, strong, strict=True):
            outcome = found
            if outcome.account is None and outcome.failure is None:
                outcome = self._by_address(accounts, row, leaving)
            if outcome.account is not None and outcome.failure is None:
                self._check_other_keys(accounts, row, outcome, leaving)
            outcomes.append(outcome)
        _refuse_duplicates(outcomes)
        for row, outcome in zip(rows, outcomes, strict=True):
            self._allow_missed_conflict(accounts, row, outcome)
        return outcomes

    def _by_strong_key(self, accounts: Sequence[Account], row: Row) -> RowOutcome:
        if row.get("id") is not None:
            found = _one(accounts, id=row["id"])
            if found is not None:
                return RowOutcome(found)
            if row.get("state") != "absent":
                return RowOutcome(failure=CONFLICT)
        found = self._with_external_id(accounts, row)
        if found is not None and row.get("id") is not None:
            return RowOutcome(failure=CONFLICT)
        return RowOutcome(found)

    def _with_external_id(self, accounts: Sequence[Account], row: Row) -> Account | None:
        if not self.returns_external_ids or row.get("external_id") is None:
            return None
        return _one(accounts, external_id=row["external_id"])

    def _by_address(self, accounts: Sequence[Account], row: Row, leaving: set[int]) -> RowOutcome:
        found = _with_address(accounts, row)
        has_key = self.returns_external_ids or row.get("email") or row.get("id") is not None
        if not has_key and any(account.active for account in accounts):
            return RowOutcome(failure=INCOMPLETE)
        if found is None or found.id in leaving:
            return RowOutcome()
        if row.get("id") is not None:
            return RowOutcome(failure=CONFLICT)
        if (
            row.get("state") == "absent"
            and self.returns_external_ids
            and row.get("external_id") not in (None, found.external_id)
            and found.active
        ):
            return RowOutcome(failure=CONFLICT)
        return RowOutcome(found)

    def _check_other_keys(
        self, accounts: Sequence[Account], row: Row, outcome: RowOutcome, leaving: set[int]
    ) -> None:
        others = [self._with_external_id(accounts, row)]
        at_address = _with_address(accounts, row)
        if at_address is not None and at_address.id not in leaving:
            others.append(at_address)
        if row.get("state") == "absent":
            # Deactivated users need not be read for it.
            others = [other for other in others if other is not None and other.active]
        if any(other is not None and other.id != _id(outcome.account) for other in others):
            outcome.failure, outcome.account = CONFLICT, None

    def _allow_missed_conflict(
        self, accounts: Sequence[Account], row: Row, outcome: RowOutcome
    ) -> None:
        """A conflict may be found or not in an ``absent`` row whose keys name no active user.

        No run reads the deactivated users only to leave them as they are.
        """
        if row.get("state") != "absent":
            return
        meant = [
            _one(accounts, id=row.get("id")),
            self._with_external_id(accounts, row),
            _with_address(accounts, row),
        ]
        if outcome.failure == CONFLICT and not any(user and user.active for user in meant):
            outcome.failure, outcome.may_fail, outcome.account = None, CONFLICT, None

    # What is done

    def _apply(
        self,
        row: Row,
        outcome: RowOutcome,
        after: dict[int, Account],
        created: list[Account],
        held_back: bool,
    ) -> Account | None:
        """Fill in the outcome, and change ``after``; returns the account that is created."""
        if outcome.failure is not None:
            return None
        if row.get("state") == "absent":
            _deactivate(row, outcome, after)
            return None
        all_accounts = [*after.values(), *created]
        if outcome.account is None:
            return self._create(row, outcome, all_accounts, held_back)
        self._change(row, outcome, after, all_accounts, held_back)
        return None

    def _create(
        self, row: Row, outcome: RowOutcome, all_accounts: Sequence[Account], held_back: bool
    ) -> Account | None:
        assigns = row.get("plan_id") is not None and not self._has_past_end(row)
        if row.get("email") is None or row.get("external_id") is None:
            outcome.failure = INCOMPLETE
        elif held_back:
            outcome.failure = NOT_TRIED
        elif _one(all_accounts, external_id=row["external_id"]) is not None or (
            assigns and row["plan_id"] == UNKNOWN_PLAN
        ):
            outcome.failure = INVALID
        if outcome.failure is not None:
            return None
        outcome.actions = ["create"]
        return Account(
            id=0,
            email=row["email"],
            external_id=row["external_id"],
            sessions_limit=row.get("sessions_limit") or None,
            plans=(self._assigned(row),) if assigns else (),
            password=row.get("password"),
            **{name: bool(row.get(name)) for name in RIGHTS},
        )

    def _change(
        self,
        row: Row,
        outcome: RowOutcome,
        after: dict[int, Account],
        all_accounts: Sequence[Account],
        held_back: bool,
    ) -> None:
        account = outcome.account
        if account is None:
            raise ValueError("there is no account to change")
        wanted = self._wanted(row, account)
        different = {
            name
            for name, value in wanted.items()
            if name not in self.hidden and getattr(account, name) != value
        }
        sets_password = row.get("password") is not None and row.get("update_password") == "always"
        assigns = self._lacks_plan(row, account)
        sends = bool(different or sets_password or assigns)
        # An update must send these, and can't know their values.
        unknown = self.hidden if self.returns_external_ids else (*self.hidden, "external_id")
        if sends and any(row.get(name) is None for name in unknown):
            outcome.failure = INCOMPLETE
            return
        if held_back:
            outcome.failure = NOT_TRIED
            return
        if row.get("state") == "active" and not account.active:
            outcome.actions.append("reactivate")
            account = replace(account, active=True)
            after[account.id] = account
        if not sends:
            return
        sent = self._sent(row, account, wanted)
        holder = _one(all_accounts, external_id=sent.external_id)
        if not account.active:
            outcome.failure = NOT_FOUND
        elif (holder is not None and holder.id != account.id) or (
            assigns and row["plan_id"] == UNKNOWN_PLAN
        ):
            outcome.failure = INVALID
        if outcome.failure is not None:
            return
        parts = (("update", different), ("set_password", sets_password), ("assign_plan", assigns))
        outcome.actions += [name for name, is_due in parts if is_due]
        if assigns:
            sent = replace(sent, plans=(*account.plans, self._assigned(row)))
        if sets_password:
            sent = replace(sent, password=row["password"])
        after[account.id] = sent
        if row.get("force_logout") and (sets_password or different & {*RIGHTS, "sessions_limit"}):
            outcome.actions.append("force_logout")

    def _wanted(self, row: Row, account: Account) -> dict[str, Any]:
        """The attributes that the row manages, equal ones too."""
        wanted = {
            name: row[name]
            for name in ATTRIBUTES
            if row.get(name) is not None and (name != "external_id" or self.returns_external_ids)
        }
        if "sessions_limit" in wanted:
            wanted["sessions_limit"] = wanted["sessions_limit"] or None
        if _wants_another_address(row, account):
            wanted["email"] = row["email"]
        return wanted

    def _sent(self, row: Row, account: Account, wanted: Mapping[str, Any]) -> Account:
        """The account after the update, which sends the whole record."""
        sent = replace(account, **wanted)
        if not self.returns_external_ids:
            sent = replace(sent, external_id=row["external_id"])
        return sent

    def _lacks_plan(self, row: Row, account: Account) -> bool:
        plan_id, valid_to = row.get("plan_id"), row.get("plan_valid_to")
        if plan_id is None or (account.plans and not self.returns_plans):
            return False
        held = [
            plan
            for plan in account.plans
            if plan.plan_id == plan_id
            and not plan.cancelled
            and not (self.returns_states and plan.status in ENDED)
        ]
        ends = [plan.valid_to for plan in held if plan.lasts(self.today)]
        if valid_to is None:
            return not ends
        if any(plan.valid_to in (valid_to, None) for plan in held):
            return False
        # The store does not keep ends if it shows another one twice.
        return len(set(ends)) == len(ends) and not self._has_past_end(row)

    def _has_past_end(self, row: Row) -> bool:
        return row.get("plan_valid_to") is not None and row["plan_valid_to"] < self.today

    def _assigned(self, row: Row) -> Held:
        plan_id, valid_to = row["plan_id"], row.get("plan_valid_to")
        if self.plan_end == "dropped_for_recurring" and plan_id in RECURRING:
            return Held(plan_id, None)
        if valid_to is None or self.plan_end == "own":
            valid_to = None if OWN_MONTHS.get(plan_id) is None else OWN_END
        return Held(plan_id, valid_to)


def oracle_for(variant: Variant) -> Oracle:
    """The oracle of a store with a variant, today."""
    today = datetime.now(tz=timezone.utc).date().isoformat()
    return Oracle(
        returns_external_ids=returns_external_ids(variant),
        returns_plans=returns_plans(variant),
        returns_states=variant.get("plan_status", "hidden") != "hidden",
        plan_end=variant.get("plan_end", "kept"),
        hidden=hidden_attributes(variant),
        today=today,
    )


def touchable(
    accounts: Sequence[Account], rows: Sequence[Row], returns_external_ids: bool
) -> set[int]:
    """The ids of the accounts that any key of any row names; no other one may change."""
    return {
        account.id
        for account in accounts
        for row in rows
        if account.id == row.get("id")
        or (returns_external_ids and account.external_id == row.get("external_id", ""))
        or account.address == str(row.get("email", "")).lower()
    }


def _keys_are_free(row: Row, outcome: RowOutcome, taken: Collection[str]) -> bool:
    """Whether a creation was refused only for its plan."""
    only_plan = row.get("plan_id") == UNKNOWN_PLAN and row.get("external_id") not in taken
    return outcome.failure == INVALID and only_plan


def without(accounts: Sequence[Account], removed: Sequence[Account]) -> list[Account]:
    ids = {user.id for user in removed}
    return [replace(user, active=user.active and user.id not in ids) for user in accounts]


def _new_addresses(rows: Sequence[Row], outcomes: Sequence[RowOutcome]) -> dict[int, str]:
    """The address that each row takes, where its user does not have it yet.

    A user who cannot be created without an external id takes none.
    """
    return {
        number: row["email"].lower()
        for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True))
        if row.get("state") != "absent"
        and outcome.failure is None
        and row.get("email") is not None
        and (
            row.get("external_id") is not None
            if outcome.account is None
            else _wants_another_address(row, outcome.account)
        )
    }


def _current_holder(
    number: int, outcomes: Sequence[RowOutcome], new_addresses: Mapping[int, str]
) -> int | None:
    """The row whose user frees the address that this one takes."""
    wanted = new_addresses.get(number)
    for other in new_addresses:
        account = outcomes[other].account
        if other != number and account is not None and account.address == wanted:
            return other
    return None


def _refuse_cycles(
    accounts: Sequence[Account],
    outcomes: Sequence[RowOutcome],
    new_addresses: Mapping[int, str],
) -> None:
    """Refuse addresses that are exchanged in a cycle, and those that no row frees."""
    for number in new_addresses:
        seen = [number]
        while (holder_row := _current_holder(seen[-1], outcomes, new_addresses)) is not None:
            if holder_row == number:
                outcomes[number].failure = SWAP
            if holder_row in seen:
                break
            seen.append(holder_row)
    refused = True
    while refused:
        refused = False
        for number, address in new_addresses.items():
            outcome = outcomes[number]
            holder = next((user for user in accounts if user.address == address), None)
            if outcome.failure is not None or holder is None or holder.id == _id(outcome.account):
                continue
            holder_row = _current_holder(number, outcomes, new_addresses)
            if holder_row is None or outcomes[holder_row].failure in (SWAP, TAKEN):
                outcome.failure = TAKEN
                refused = True


def _refuse_duplicates(outcomes: Sequence[RowOutcome]) -> None:
    """Refuse two rows that are the same user."""
    ids = [_id(outcome.account) for outcome in outcomes]
    for outcome in outcomes:
        if outcome.account is not None and ids.count(outcome.account.id) > 1:
            outcome.failure = CONFLICT
    for outcome in outcomes:
        if outcome.failure is not None:
            outcome.account = None


def _deactivate(row: Row, outcome: RowOutcome, after: dict[int, Account]) -> None:
    account = outcome.account
    if account is None or not account.active:
        return
    after[account.id] = replace(account, active=False)
    outcome.actions = ["deactivate", *(["force_logout"] if row.get("force_logout") else [])]


def _wants_another_address(row: Row, account: Account) -> bool:
    email = row.get("email")
    return row.get("state") != "absent" and email is not None and email.lower() != account.address


def _with_address(accounts: Sequence[Account], row: Row) -> Account | None:
    email = row.get("email")
    if email is None:
        return None
    return next((user for user in accounts if user.address == email.lower()), None)


def _one(accounts: Sequence[Account], **key: Any) -> Account | None:
    ((name, value),) = key.items()
    return next((user for user in accounts if getattr(user, name) == value), None)


def _id(account: Account | None) -> int | None:
    return account.id if account is not None else None
