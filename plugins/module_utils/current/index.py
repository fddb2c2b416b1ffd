# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Current users by each key that identifies one."""

from __future__ import annotations

from collections.abc import Iterable

from ..desired.user import address_key
from .user import CurrentUser


class UserIndex:
    """Users by id, by external id and by address."""

    def __init__(self, users: Iterable[CurrentUser] = ()) -> None:
        self.by_id: dict[int, CurrentUser] = {}
        self.by_external_id: dict[str, CurrentUser] = {}
        self.by_address: dict[str, CurrentUser] = {}
        # None until a user was seen; then whether the store's reads tell external ids (choice 8).
        self.tells_external_id: bool | None = None
        for user in users:
            self.add(user)

    def add(self, user: CurrentUser) -> None:
        """Add a user; one with the same id is replaced, its former keys included."""
        former = self.by_id.get(user.id)
        if former is not None:
            self._drop_keys(former)
        self.by_id[user.id] = user
        if user.email:
            self._claim(self.by_address, address_key(user.email), user)
        if user.external_id is not None:
            self._claim(self.by_external_id, user.external_id, user)
        self.tells_external_id = bool(self.tells_external_id) or user.tells_external_id

    @staticmethod
    def _claim(users: dict[str, CurrentUser], key: str, user: CurrentUser) -> None:
        # Keys are unique at the store; should they not be, the active account is the one meant.
        holder = users.get(key)
        if holder is None or user.active or not holder.active:
            users[key] = user

    def _drop_keys(self, user: CurrentUser) -> None:
        if self.by_address.get(address_key(user.email)) is user:
            del self.by_address[address_key(user.email)]
        if user.external_id is not None and self.by_external_id.get(user.external_id) is user:
            del self.by_external_id[user.external_id]
