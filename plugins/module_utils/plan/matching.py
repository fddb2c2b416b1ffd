# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which user of the store each desired user is: by id, else by external id, else by address.

Pure functions. Keys that belong to different users are an error that names both, since a guess
could overwrite another user's account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Union

from ..errors import PublicaError
from ..input.options import ABSENT, DesiredUser
from ..store.user import HIDDEN_KEY, CurrentUser, UserIndex

# The current user, None if there is none yet, or why that can't be decided.
Match = Union[CurrentUser, PublicaError, None]
# The desired users who get another address, by the id of the current user.
Renamed = Mapping[int, DesiredUser]


class DesiredKeys:
    """The keys of desired users, each with the position of its user."""

    def __init__(self, desired: Sequence[DesiredUser]) -> None:
        self.ids = {user.id: n for n, user in enumerate(desired) if user.id is not None}
        self.external_ids = {
            user.external_id: n for n, user in enumerate(desired) if user.external_id is not None
        }
        self.addresses = {
            user.address: n for n, user in enumerate(desired) if user.address is not None
        }

    def include(self, current: CurrentUser) -> bool:
        """Whether a desired user has a key of a user of the store."""
        return (
            current.id in self.ids
            or current.external_id in self.external_ids
            or current.address in self.addresses
        )


NO_IDS: Mapping[int, int] = MappingProxyType({})


def match_users(
    desired: Sequence[DesiredUser],
    index: UserIndex,
    positions: Sequence[int],
    known_ids: Mapping[int, int] = NO_IDS,
) -> list[Match]:
    """Match every desired user, in the order of the input.

    :param positions: of the desired users in the input.
    :param known_ids: by position, the id at the store that a record names. It counts where the
        store does not return external ids.
    """
    by_strong_key = [
        _by_strong_key(user, index, known_ids.get(position))
        for position, user in zip(positions, desired)
    ]
    renamed = {
        match.id: user
        for user, match in zip(desired, by_strong_key)
        if isinstance(match, CurrentUser)
        and user.state != ABSENT
        and user.address not in (None, match.address)
    }
    matches = [
        _by_address(user, index, renamed, known_ids.get(position)) if match is None else match
        for position, user, match in zip(positions, desired, by_strong_key)
    ]
    return _refuse_shared_users(
        desired,
        positions,
        [_check_other_keys(user, match, index, renamed) for user, match in zip(desired, matches)],
    )


def _by_strong_key(desired: DesiredUser, index: UserIndex, known_id: int | None) -> Match:
    if desired.id is not None:
        current = index.by_id.get(desired.id)
        if current is not None:
            return current
        if desired.state != ABSENT:
            return _conflict(
                f"The store has no user with id {desired.id}. Correct the id, or leave it out: the "
                "store chooses the id of a new user."
            )
    if desired.external_id is None:
        return None
    current = index.by_external_id.get(desired.external_id)
    if current is not None and desired.id is not None:
        return _other_id(desired, current)
    if current is None and desired.id is None and known_id is not None:
        known = index.by_id.get(known_id)
        return known if known is not None and not known.returns_external_id else None
    return current


def _by_address(
    desired: DesiredUser, index: UserIndex, renamed: Renamed, known_id: int | None
) -> Match:
    if desired.address is None:
        is_hidden = index.returns_external_id is False and desired.id is None and known_id is None
        return _hidden_key(desired) if is_hidden else None
    current = index.by_address.get(desired.address)
    if current is None or current.id in renamed:
        return None
    if desired.id is not None:
        return _other_id(desired, current)
    if known_id not in (None, current.id) and not current.returns_external_id:
        return _conflict(
            f"The record (last_applied) has {desired.label} with the id {known_id}, and the store "
            f"has no user with it. The address belongs to {describe(current)}. Give the user's id, "
            "or correct the keys."
        )
    has_another = desired.external_id is not None and current.external_id is not None
    if desired.state == ABSENT and has_another and current.active:
        # The address may belong to another person by now, who must not be locked out.
        return _conflict(
            f"{desired.label} with external_id {desired.external_id} is to be deactivated, but the "
            f"address belongs to {describe(current)}. Correct the keys, or give only one of them."
        )
    return current


def _check_other_keys(
    desired: DesiredUser, match: Match, index: UserIndex, renamed: Renamed
) -> Match:
    """The match, or an error if another of the given keys belongs to another user."""
    if not isinstance(match, CurrentUser):
        return match
    others = []
    if desired.external_id is not None:
        others.append(index.by_external_id.get(desired.external_id))
    if desired.address is not None:
        others.append(index.by_address.get(desired.address))
    for other in others:
        if other is None or other.id == match.id:
            continue
        if desired.state == ABSENT and not other.active:
            continue  # Possibly not read, and the plan must not depend on that.
        if other.id in renamed and desired.external_id != other.external_id:
            continue  # The other user gives the address up in this run.
        return _conflict(
            f"The keys of {desired.label} belong to two users: {describe(match)} and "
            f"{describe(other)}. Correct the keys, or change the other user first."
        )
    return match


def _refuse_shared_users(
    desired: Sequence[DesiredUser], positions: Sequence[int], matches: Sequence[Match]
) -> list[Match]:
    """The matches, with an error for each desired user who is the same user as another one."""
    groups: dict[int, tuple[CurrentUser, list[int]]] = {}
    for number, match in enumerate(matches):
        if isinstance(match, CurrentUser):
            groups.setdefault(match.id, (match, []))[1].append(number)
    result = list(matches)
    for current, numbers in groups.values():
        if len(numbers) == 1:
            continue
        names = " and ".join(
            f"#{positions[number]} ({desired[number].label})" for number in numbers
        )
        error = _conflict(
            f"{names} are the same user of the store, {describe(current)}. Keep one of them."
        )
        for number in numbers:
            result[number] = error
    return result


def describe(user: CurrentUser) -> str:
    """A current user as errors name them: address, id, external id and state."""
    external_id = f", external_id {user.external_id}" if user.external_id is not None else ""
    state = "" if user.active else ", deactivated"
    return f"{user.email or '(no address)'} (id {user.id}{external_id}{state})"


def _other_id(desired: DesiredUser, current: CurrentUser) -> PublicaError:
    return _conflict(
        f"The store has no user with id {desired.id}; the other key belongs to "
        f"{describe(current)}. Correct the id or leave it out."
    )


def _hidden_key(desired: DesiredUser) -> PublicaError:
    return PublicaError(
        "incomplete",
        HIDDEN_KEY.format(desired.label),
        fields={"email": ["is required where the store does not return external ids"]},
    )


def _conflict(message: str) -> PublicaError:
    return PublicaError("identity_conflict", message)
