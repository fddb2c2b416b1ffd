# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searching the store for single users, by address or by the options of a module."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..client.api import ADMINS, DEACTIVATED, UsersApi
from ..errors import InvalidInputError, ValidationError
from ..input.options import address_key
from ..input.values import (
    BadValueError,
    as_written,
    whole_number_between,
)
from .listing import Listing
from .user import HIDDEN_KEY, CurrentUser

ACTIVE, ALL = "active", "all"
STATUSES = (ACTIVE, DEACTIVATED, ALL)
HIDDEN_ADMINS = "The store does not return who is an admin, so users may be missing."


@dataclass(frozen=True)
class UserFilter:
    """Conditions that a user must all meet; None is no condition."""

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    query: str | None = None
    admins: bool = False
    status: str = ACTIVE

    @property
    def names_one(self) -> bool:
        """Whether at most one user can match, so that reading may stop at the first."""
        return self.email is not None or self.external_id is not None or self.id is not None

    def matches(self, user: CurrentUser) -> bool:
        """Whether a user meets the conditions, except ``query``, which the store has applied."""
        # This query of the API returns deactivated users, regardless of ``status``.
        status = DEACTIVATED if self.query == DEACTIVATED else self.status
        conditions: tuple[tuple[Any, Any], ...] = (
            (self.email and address_key(self.email), user.address),
            (self.external_id, user.external_id),
            (self.id, user.id),
            (self.admins or None, user.admin),
            ({ACTIVE: True, DEACTIVATED: False, ALL: None}[status], user.active),
        )
        return all(value is None or value == actual for value, actual in conditions)


# The readers of the keys. The store may have any key, so every text can be searched.
_KEYS = {"email": as_written, "external_id": as_written, "id": whole_number_between(0, None)}


def user_filter(params: Mapping[str, Any]) -> UserFilter:
    """The filter that the options of a module give.

    :raises InvalidInputError: a key is of a wrong type, or an option is empty, for example because
        a variable is not set; that must not match all users.
    """
    given = {name: params[name] for name in UserFilter.__dataclass_fields__}
    for name, read in _KEYS.items():
        try:
            given[name] = None if given[name] is None else read(given[name])
        except BadValueError as error:
            raise InvalidInputError([ValidationError("", name, str(error))]) from None
    empty = [name for name, value in given.items() if isinstance(value, str) and not value.strip()]
    if empty:
        text = "the value is empty; leave the option out to search for all users"
        raise InvalidInputError([ValidationError("", name, text) for name in empty])
    return UserFilter(**given)


def find_users(
    api: UsersApi, conditions: UserFilter, warnings: list[str] | None = None
) -> list[CurrentUser]:
    """The users that meet the conditions, in the store's order, each once.

    :param warnings: gets one if the store does not return what they are to be found by.
    """
    found: dict[int, CurrentUser] = {}
    is_hidden = hides_admins = False
    for source in _sources(api, conditions):
        for user in source():
            is_hidden = conditions.external_id is not None and not user.returns_external_id
            hides_admins |= conditions.admins and user.admin is None
            if conditions.matches(user):
                found[user.id] = user
                if conditions.names_one:
                    return [user]
    if is_hidden and warnings is not None:
        warnings.append(HIDDEN_KEY.format(f"external_id {conditions.external_id}"))
    if hides_admins and warnings is not None:
        warnings.append(HIDDEN_ADMINS)
    return list(found.values())


def _sources(
    api: UsersApi, conditions: UserFilter
) -> Iterator[Callable[[], Iterable[CurrentUser]]]:
    """The lists that can hold the users, the cheapest first.

    A list does not decide whether a user is active (variant 3): a search may also find deactivated
    users (variant 2), so both lists are read.
    """
    email = conditions.email
    if email is not None:
        yield lambda: find_by_email(api, email)
    elif conditions.query is not None:
        yield lambda: Listing(api, conditions.query)
    elif conditions.admins:
        # Where a record does not show it (variant 26).
        yield lambda: (
            replace(user, admin=True) if user.admin is None else user
            for user in Listing(api, ADMINS)
        )
    elif conditions.status != DEACTIVATED:
        yield lambda: Listing(api)
    if conditions.status != ACTIVE and conditions.query is None:
        yield lambda: Listing(api, DEACTIVATED)


def find_by_email(
    api: UsersApi, email: str, page_size: int = 0, *, lower_case_first: bool = False
) -> list[CurrentUser]:
    """The users that a search for an address returns, the one with that address first.

    The search may match a substring and ignore case (variant 1), so complete addresses are compared
    here. A search that respects case does not find an address that the store has lower-cased
    (variant 16), so an address with capitals is searched again in lower case if it is not found.
    The same goes for a letter with an accent, which can be one character or two (NFC and NFD).

    :param page_size: number of users on a page of this store; 0 if no page was read yet.
    :param lower_case_first: search in lower case first, since the store has changed another address
        to it.
    """
    seen: list[CurrentUser] = []
    for query in _spellings(email, lower_case_first):
        for user in Listing(api, query, page_size):
            if user.address == address_key(email) and not user.anonymized:
                return [user, *seen]
            seen.append(user)
    return seen


def _spellings(email: str, lower_case_first: bool) -> Iterable[str]:
    """The ways to write an address, the most probable first."""
    first = email.lower() if lower_case_first else email
    spellings = dict.fromkeys((first, email, email.lower()))
    if not email.isascii():
        spellings = dict.fromkeys(
            unicodedata.normalize(form, text) for form in ("NFC", "NFD") for text in spellings
        )
    return spellings
