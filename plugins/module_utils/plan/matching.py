# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who each desired user is at the store: by id, else by external id, else by address.

Pure functions. Keys that point at different users are an error that names them both: to guess
would be to overwrite somebody else's account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import PublicaError
from ..input.options import DesiredUser, address_key
from ..store.user import CurrentUser, UserIndex


@dataclass(frozen=True)
class Match:
    """Who a desired user is: the current user, None for nobody yet, or an error."""

    current: CurrentUser | None = None
    error: PublicaError | None = None


def match_users(desired: Sequence[DesiredUser], index: UserIndex) -> list[Match]:
    """Match every desired user, in the order of the input."""
    strong = [_by_strong_key(user, index) for user in desired]
    # Whom an id or an external id names: an address that he is about to give up names him no more.
    renamed = {
        match.current.id: user
        for user, match in zip(desired, strong)
        if match.current is not None and _changes_address(user, match.current)
    }
    matches = [
        match
        if match.current is not None or match.error is not None
        else _by_address(user, index, renamed)
        for user, match in zip(desired, strong)
    ]
    matches = [
        _with_conflicts(user, match, index, renamed) for user, match in zip(desired, matches)
    ]
    return _without_doubles(desired, matches)


def _by_strong_key(desired: DesiredUser, index: UserIndex) -> Match:
    if desired.id is not None:
        current = index.by_id.get(desired.id)
        if current is None and desired.state != "absent":
            return _conflict(
                f"There is no user with id {desired.id} at the store. Correct the id, or leave it "
                "out: the store chooses the id of a new user."
            )
        if current is not None:
            return Match(current)
    if desired.external_id is None:
        return Match()
    current = index.by_external_id.get(desired.external_id)
    if current is not None and desired.id is not None:
        return _other_id(desired, current)
    return Match(current)


def _by_address(desired: DesiredUser, index: UserIndex, renamed: dict[int, DesiredUser]) -> Match:
    if desired.email is None:
        return Match()
    current = index.by_address.get(address_key(desired.email))
    if current is None or current.id in renamed:
        return Match()
    if desired.id is not None:
        return _other_id(desired, current)
    has_another = desired.external_id is not None and current.external_id is not None
    if desired.state == "absent" and has_another and current.active:
        # The address may have passed on to somebody else, who must not be locked out for it.
        return _conflict(
            f"{desired.label} is to be deactivated with external_id {desired.external_id}, but the "
            f"address belongs to {describe(current)}. Correct the keys, or name the user by one."
        )
    return Match(current)


def _with_conflicts(
    desired: DesiredUser, match: Match, index: UserIndex, renamed: dict[int, DesiredUser]
) -> Match:
    """The match, or the error where another of the given keys points at somebody else."""
    found = match.current
    if found is None or match.error is not None:
        return match
    others = []
    if desired.external_id is not None:
        others.append(index.by_external_id.get(desired.external_id))
    if desired.email is not None:
        others.append(index.by_address.get(address_key(desired.email)))
    for other in others:
        if other is None or other.id == found.id:
            continue
        if desired.state == "absent" and not other.active:
            continue  # Perhaps not even read, and a plan must not depend on that.
        if other.id in renamed and desired.external_id != other.external_id:
            continue  # The other one gives the address up in this very run.
        return _conflict(
            f"The keys of {desired.label} point at two users: {describe(found)} and "
            f"{describe(other)}. Correct the keys, or change the other user first."
        )
    return match


def _without_doubles(desired: Sequence[DesiredUser], matches: Sequence[Match]) -> list[Match]:
    """Make an error of each match with a user that another desired user is as well."""
    claims: dict[int, list[int]] = {}
    claimed: dict[int, CurrentUser] = {}
    for number, match in enumerate(matches):
        if match.current is not None:
            claimed[match.current.id] = match.current
            claims.setdefault(match.current.id, []).append(number)
    result = list(matches)
    for user_id, numbers in claims.items():
        if len(numbers) == 1:
            continue
        names = " and ".join(f"#{number} ({desired[number].label})" for number in numbers)
        for number in numbers:
            result[number] = _conflict(
                f"{names} are the same user of the store, {describe(claimed[user_id])}. Keep one "
                "of them."
            )
    return result


def describe(user: CurrentUser) -> str:
    """How errors name a current user."""
    external_id = f", external_id {user.external_id}" if user.external_id is not None else ""
    state = "" if user.active else ", deactivated"
    return f"{user.email} (id {user.id}{external_id}{state})"


def _other_id(desired: DesiredUser, current: CurrentUser) -> Match:
    return _conflict(
        f"There is no user with id {desired.id}, but {describe(current)} has the other key that "
        "was given. Correct the id or leave it out."
    )


def _changes_address(desired: DesiredUser, current: CurrentUser) -> bool:
    return (
        desired.state != "absent"
        and desired.email is not None
        and address_key(desired.email) != address_key(current.email)
    )


def _conflict(message: str) -> Match:
    return Match(error=PublicaError("identity_conflict", message))
