# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding users by any of their keys, for the modules that name users one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..desired.user import address_key
from ..transport.errors import InvalidInputError
from ..transport.users_api import ADMINS, DEACTIVATED, UsersApi
from .listing import Listing
from .snapshot import find_by_email
from .user import CurrentUser

ACTIVE, ALL = "active", "all"
STATUSES = (ACTIVE, DEACTIVATED, ALL)


@dataclass(frozen=True)
class Wanted:
    """Which users are asked for; None does not restrict. All that is given must hold."""

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    query: str | None = None
    admins: bool = False
    status: str = ACTIVE

    @property
    def names_one(self) -> bool:
        """Whether at most one user can be meant, so that reading may stop at the first."""
        return self.email is not None or self.external_id is not None or self.id is not None

    @property
    def _status(self) -> str:
        # The API's own word for the deactivated ones asks for them whatever else is said.
        return DEACTIVATED if self.query == DEACTIVATED else self.status

    def fits(self, user: CurrentUser) -> bool:
        """Whether a user is asked for, as far as the user himself tells (``query`` it is not)."""
        wanted: tuple[tuple[Any, Any], ...] = (
            (self.email and address_key(self.email), address_key(user.email)),
            (self.external_id, user.external_id),
            (self.id, user.id),
            (self.admins or None, user.admin),
            ({ACTIVE: True, DEACTIVATED: False, ALL: None}[self._status], user.active),
        )
        return all(value is None or value == actual for value, actual in wanted)


def wanted_users(params: Mapping[str, Any]) -> Wanted:
    """Which users the options of a module ask for.

    :raises InvalidInputError: an option is empty, as where a variable was never set: to leave it
        out is one thing, to look for nobody another.
    """
    given = {name: params[name] for name in Wanted.__dataclass_fields__}
    empty = [name for name, value in given.items() if isinstance(value, str) and not value.strip()]
    if empty:
        text = "is empty; leave it out to ask for everybody"
        raise InvalidInputError(f"{' and '.join(empty)} {text}.", {name: [text] for name in empty})
    return Wanted(**given)


def find_users(api: UsersApi, wanted: Wanted) -> list[CurrentUser]:
    """The users asked for, in the store's order, each once."""
    found: dict[int, CurrentUser] = {}
    for source in _sources(api, wanted):
        for user in source():
            if wanted.fits(user):
                found[user.id] = user
                if wanted.names_one:
                    return [user]
    return list(found.values())


def _sources(api: UsersApi, wanted: Wanted) -> Iterator[Callable[[], Iterable[CurrentUser]]]:
    """Where the users asked for can be, the cheapest place first.

    The place never decides whether a user is active (choice 3): a search may find deactivated
    users too or not (choice 2), so both places are looked in.
    """
    email = wanted.email
    if email is not None:
        yield lambda: find_by_email(api, email)
    elif wanted.query is not None:
        yield lambda: Listing(api, wanted.query)
    elif wanted.admins:
        yield lambda: Listing(api, ADMINS)
    elif wanted.status != DEACTIVATED:
        yield lambda: Listing(api)
    if wanted.status != ACTIVE and wanted.query is None:
        yield lambda: Listing(api, DEACTIVATED)
