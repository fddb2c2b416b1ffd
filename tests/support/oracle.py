# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must become of a store: written from docs/states-and-identity.md, and not from the planner.

One row after the other, in plain words: who is meant, what stands against it, what is then sent,
and what that leaves. Where the collection has layers, indexes and plans, this has lists and loops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .accounts import ATTRIBUTES, OWN_DAYS, OWN_END, Account, Held

Row = Mapping[str, Any]

RIGHTS = ("admin", "plan_admin", "only_sees_readable")
UNKNOWN_PLAN = 999
CONFLICT, SWAP, TAKEN = "identity_conflict", "address_swap", "address_taken"
NOT_TRIED, NOT_FOUND, INVALID = "not_tried", "not_found", "validation"
INCOMPLETE = "incomplete"
# What a password that is always set brings about in every run.
SET_EVERY_TIME = {"set_password", "force_logout"}
# Found only while the plan is carried out; the others stand in the plan already.
WHILE_WRITING = (NOT_TRIED, NOT_FOUND, INVALID)


@dataclass
class Fate:
    """What must become of one row.

    Attributes:
        failure: The code of the failure that must be told; None for a success.
        actions: What must be done, in the order of the result.
        may_fail: A failure that may be told as well, and changes nothing at the store.
        account: Who is meant, as he was before.
    """

    account: Account | None = None
    failure: str | None = None
    actions: list[str] = field(default_factory=list)
    may_fail: str | None = None


@dataclass
class Foreseen:
    """The fates of all rows, and the accounts afterwards."""

    fates: list[Fate]
    accounts: list[Account]


@dataclass(frozen=True)
class Oracle:
    """Foresees what runs bring about.

    Attributes:
        tells_external_ids: Whether a read returns external ids.
        tells_plans: Whether a read returns the plans that a user holds.
        today: The date in UTC.
    """

    tells_external_ids: bool
    tells_plans: bool
    today: str

    def foresee(self, accounts: Sequence[Account], rows: Sequence[Row]) -> Foreseen:
        """What one run that nothing disturbs must do."""
        fates = self._who_is_meant(accounts, rows)
        new_addresses = _new_addresses(rows, fates)
        _refuse_circles(accounts, fates, new_addresses)
        after = {account.id: account for account in accounts}
        created: list[Account] = []
        # Whoever takes an address waits for the one who gives it up.
        done: set[int] = set()
        while len(done) < len(rows):
            for number in range(len(rows)):
                # Whoever is refused already, as in a circle, waits for nobody.
                is_refused = fates[number].failure is not None
                giver = None if is_refused else _giver(number, fates, new_addresses)
                if number in done or (giver is not None and giver not in done):
                    continue
                done.add(number)
                held_back = giver is not None and fates[giver].failure is not None
                made = self._carry_out(rows[number], fates[number], after, created, held_back)
                if made is not None:
                    created.append(made)
        return Foreseen(fates, [*after.values(), *created])

    def settle(self, accounts: Sequence[Account], rows: Sequence[Row]) -> Foreseen:
        """What run after run must come to: nothing more changes."""
        foreseen = self.foresee(accounts, rows)
        for _more in range(len(rows) + 1):
            numbered = [
                replace(account, id=account.id or 1_000_000 + place)
                for place, account in enumerate(foreseen.accounts)
            ]
            again = self.foresee(numbered, rows)
            if not any(
                set(fate.actions) - {"set_password", "force_logout"} for fate in again.fates
            ):
                return again
            foreseen = again
        raise RuntimeError("the oracle never comes to rest")

    # Who is meant

    def _who_is_meant(self, accounts: Sequence[Account], rows: Sequence[Row]) -> list[Fate]:
        strong = [self._by_strong_key(accounts, row) for row in rows]
        leaving = {
            fate.account.id
            for row, fate in zip(rows, strong, strict=True)
            if fate.account is not None and _wants_another_address(row, fate.account)
        }
        fates = []
        for row, found in zip(rows, strong, strict=True):
            fate = found
            if fate.account is None and fate.failure is None:
                fate = self._by_address(accounts, row, leaving)
            if fate.account is not None and fate.failure is None:
                self._check_other_keys(accounts, row, fate, leaving)
            fates.append(fate)
        _refuse_doubles(fates)
        for row, fate in zip(rows, fates, strict=True):
            self._soften(accounts, row, fate)
        return fates

    def _by_strong_key(self, accounts: Sequence[Account], row: Row) -> Fate:
        if row.get("id") is not None:
            found = _one(accounts, id=row["id"])
            if found is not None:
                return Fate(found)
            if row.get("state") != "absent":
                return Fate(failure=CONFLICT)
        found = self._with_external_id(accounts, row)
        if found is not None and row.get("id") is not None:
            return Fate(failure=CONFLICT)
        return Fate(found)

    def _with_external_id(self, accounts: Sequence[Account], row: Row) -> Account | None:
        if not self.tells_external_ids or row.get("external_id") is None:
            return None
        return _one(accounts, external_id=row["external_id"])

    def _by_address(self, accounts: Sequence[Account], row: Row, leaving: set[int]) -> Fate:
        found = _with_address(accounts, row)
        if found is None or found.id in leaving:
            return Fate()
        if row.get("id") is not None:
            return Fate(failure=CONFLICT)
        if (
            row.get("state") == "absent"
            and self.tells_external_ids
            and row.get("external_id") not in (None, found.external_id)
            and found.active
        ):
            return Fate(failure=CONFLICT)
        return Fate(found)

    def _check_other_keys(
        self, accounts: Sequence[Account], row: Row, fate: Fate, leaving: set[int]
    ) -> None:
        others = [self._with_external_id(accounts, row)]
        at_address = _with_address(accounts, row)
        if at_address is not None and at_address.id not in leaving:
            others.append(at_address)
        if row.get("state") == "absent":
            # Whoever is deactivated need not be read for it.
            others = [other for other in others if other is not None and other.active]
        if any(other is not None and other.id != _id(fate.account) for other in others):
            fate.failure, fate.account = CONFLICT, None

    def _soften(self, accounts: Sequence[Account], row: Row, fate: Fate) -> None:
        """Nobody reads the deactivated users only to leave them as they are.

        So of an entry that is ``absent``, and whose keys lead to nobody active, a conflict may be
        found or not.
        """
        if row.get("state") != "absent":
            return
        meant = [
            _one(accounts, id=row.get("id")),
            self._with_external_id(accounts, row),
            _with_address(accounts, row),
        ]
        if fate.failure == CONFLICT and not any(user and user.active for user in meant):
            fate.failure, fate.may_fail, fate.account = None, CONFLICT, None

    # What is then done

    def _carry_out(
        self,
        row: Row,
        fate: Fate,
        after: dict[int, Account],
        created: list[Account],
        held_back: bool,
    ) -> Account | None:
        """Fill in a fate, and change ``after``; returns the account that is created."""
        if fate.failure is not None:
            return None
        if row.get("state") == "absent":
            _deactivate(row, fate, after)
            return None
        everybody = [*after.values(), *created]
        if fate.account is None:
            return self._create(row, fate, everybody, held_back)
        self._change(row, fate, after, everybody, held_back)
        return None

    def _create(
        self, row: Row, fate: Fate, everybody: Sequence[Account], held_back: bool
    ) -> Account | None:
        if row.get("email") is None or row.get("external_id") is None:
            fate.failure = INCOMPLETE
        elif held_back:
            fate.failure = NOT_TRIED
        elif (
            _one(everybody, external_id=row["external_id"]) is not None
            or row.get("plan_id") == UNKNOWN_PLAN
        ):
            fate.failure = INVALID
        if fate.failure is not None:
            return None
        fate.actions = ["create"]
        return Account(
            id=0,
            email=row["email"],
            external_id=row["external_id"],
            sessions_limit=row.get("sessions_limit") or None,
            plans=() if row.get("plan_id") is None else (_assigned(row),),
            password=row.get("password"),
            **{name: bool(row.get(name)) for name in RIGHTS},
        )

    def _change(
        self,
        row: Row,
        fate: Fate,
        after: dict[int, Account],
        everybody: Sequence[Account],
        held_back: bool,
    ) -> None:
        account = fate.account
        if account is None:
            raise ValueError("there is nobody to change")
        wanted = self._wanted(row, account)
        different = {name for name, value in wanted.items() if getattr(account, name) != value}
        sets_password = row.get("password") is not None and row.get("update_password") == "always"
        assigns = self._lacks_plan(row, account)
        sends = bool(different or sets_password or assigns)
        if sends and not self.tells_external_ids and row.get("external_id") is None:
            fate.failure = INCOMPLETE
            return
        if held_back:
            fate.failure = NOT_TRIED
            return
        if row.get("state") == "active" and not account.active:
            fate.actions.append("reactivate")
            account = replace(account, active=True)
            after[account.id] = account
        if not sends:
            return
        sent = self._sent(row, account, wanted)
        holder = _one(everybody, external_id=sent.external_id)
        if not account.active:
            fate.failure = NOT_FOUND
        elif (holder is not None and holder.id != account.id) or (
            assigns and row["plan_id"] == UNKNOWN_PLAN
        ):
            fate.failure = INVALID
        if fate.failure is not None:
            return
        parts = (("update", different), ("set_password", sets_password), ("assign_plan", assigns))
        fate.actions += [name for name, is_due in parts if is_due]
        if assigns:
            sent = replace(sent, plans=(*account.plans, _assigned(row)))
        if sets_password:
            sent = replace(sent, password=row["password"])
        after[account.id] = sent
        if row.get("force_logout") and (sets_password or different & {*RIGHTS, "sessions_limit"}):
            fate.actions.append("force_logout")

    def _wanted(self, row: Row, account: Account) -> dict[str, Any]:
        """The attributes that the row manages; those that are as wanted are among them."""
        wanted = {
            name: row[name]
            for name in ATTRIBUTES
            if row.get(name) is not None and (name != "external_id" or self.tells_external_ids)
        }
        if "sessions_limit" in wanted:
            wanted["sessions_limit"] = wanted["sessions_limit"] or None
        if _wants_another_address(row, account):
            wanted["email"] = row["email"]
        return wanted

    def _sent(self, row: Row, account: Account, wanted: Mapping[str, Any]) -> Account:
        """The account after the update, which sends the whole record."""
        sent = replace(account, **wanted)
        if not self.tells_external_ids:
            sent = replace(sent, external_id=row["external_id"])
        return sent

    def _lacks_plan(self, row: Row, account: Account) -> bool:
        plan_id, valid_to = row.get("plan_id"), row.get("plan_valid_to")
        if plan_id is None or (account.plans and not self.tells_plans):
            return False
        return not any(plan.is_held(plan_id, valid_to, self.today) for plan in account.plans)


def touchable(
    accounts: Sequence[Account], rows: Sequence[Row], tells_external_ids: bool
) -> set[int]:
    """The ids of the accounts that any key of any row names; no other may ever change."""
    return {
        account.id
        for account in accounts
        for row in rows
        if account.id == row.get("id")
        or (tells_external_ids and account.external_id == row.get("external_id"))
        or account.address == str(row.get("email", "")).lower()
    }


def _new_addresses(rows: Sequence[Row], fates: Sequence[Fate]) -> dict[int, str]:
    """The address that each row takes, where its user does not have it yet.

    Whoever cannot be created for want of an external id takes none.
    """
    return {
        number: row["email"].lower()
        for number, (row, fate) in enumerate(zip(rows, fates, strict=True))
        if row.get("state") != "absent"
        and fate.failure is None
        and row.get("email") is not None
        and (
            row.get("external_id") is not None
            if fate.account is None
            else _wants_another_address(row, fate.account)
        )
    }


def _giver(number: int, fates: Sequence[Fate], new_addresses: Mapping[int, str]) -> int | None:
    """The row whose user gives up the address that this one takes."""
    wanted = new_addresses.get(number)
    for other in new_addresses:
        account = fates[other].account
        if other != number and account is not None and account.address == wanted:
            return other
    return None


def _refuse_circles(
    accounts: Sequence[Account],
    fates: Sequence[Fate],
    new_addresses: Mapping[int, str],
) -> None:
    """Addresses that are exchanged in a circle, and those that nobody gives up."""
    for number in new_addresses:
        seen = [number]
        while (giver := _giver(seen[-1], fates, new_addresses)) is not None:
            if giver == number:
                fates[number].failure = SWAP
            if giver in seen:
                break
            seen.append(giver)
    refused = True
    while refused:
        refused = False
        for number, address in new_addresses.items():
            fate = fates[number]
            holder = next((user for user in accounts if user.address == address), None)
            if fate.failure is not None or holder is None or holder.id == _id(fate.account):
                continue
            giver = _giver(number, fates, new_addresses)
            if giver is None or fates[giver].failure in (SWAP, TAKEN):
                fate.failure = TAKEN
                refused = True


def _refuse_doubles(fates: Sequence[Fate]) -> None:
    """Two rows that are the same user."""
    ids = [_id(fate.account) for fate in fates]
    for fate in fates:
        if fate.account is not None and ids.count(fate.account.id) > 1:
            fate.failure = CONFLICT
    for fate in fates:
        if fate.failure is not None:
            fate.account = None


def _deactivate(row: Row, fate: Fate, after: dict[int, Account]) -> None:
    account = fate.account
    if account is None or not account.active:
        return
    after[account.id] = replace(account, active=False)
    fate.actions = ["deactivate", *(["force_logout"] if row.get("force_logout") else [])]


def _assigned(row: Row) -> Held:
    plan_id, valid_to = row["plan_id"], row.get("plan_valid_to")
    if valid_to is None and OWN_DAYS.get(plan_id) is not None:
        valid_to = OWN_END
    return Held(plan_id, valid_to)


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
