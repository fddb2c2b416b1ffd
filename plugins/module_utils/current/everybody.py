# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading everybody of a store, and telling whether that was everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..transport.users_api import DEACTIVATED, UsersApi
from .listing import Listing
from .user import CurrentUser

# How often a list is read at most. Whoever moved to an earlier page while others left the list is
# on a later reading's page.
READINGS = 3


@dataclass(frozen=True)
class Everybody:
    """The users of a store, each once.

    :ivar whole: as far as the store's answers tell, nobody is missing who was there when the
        reading began.
    """

    users: tuple[CurrentUser, ...]
    whole: bool


def read_everybody(api: UsersApi, *, deactivated: bool) -> Everybody:
    """Read the active users of a store, and the deactivated ones too where they are asked for.

    The deactivated come last: who left while the first list was read is in the second one, and its
    record is the newer one.
    """
    users: dict[int, CurrentUser] = {}
    whole = True
    for query in (None, DEACTIVATED) if deactivated else (None,):
        found, is_whole = _read_list(api, query)
        users.update(found)
        whole = whole and is_whole
    wanted = (user for user in users.values() if deactivated or user.active)
    return Everybody(tuple(wanted), whole)


def _read_list(api: UsersApi, query: str | None) -> tuple[dict[int, CurrentUser], bool]:
    """All users that some readings of a list have brought, and whether nobody is missing."""
    users: dict[int, CurrentUser] = {}
    for listing in _readings(api, query):
        users.update(listing.users)
        # Sign-ups raise the total meanwhile; who was there at the beginning is what counts.
        total = listing.first_total
        if listing.whole or (total is not None and len(users) >= total):
            return users, True
    return users, False


def _readings(api: UsersApi, query: str | None) -> Iterator[Listing]:
    for _reading in range(READINGS):
        listing = Listing(api, query)
        while not listing.finished:
            listing.read_page()
        yield listing
