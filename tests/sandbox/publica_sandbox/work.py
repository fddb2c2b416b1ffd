# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an endpoint works with: the database, the switches and the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .answers import Refusal, no_user
from .clock import store_time
from .requests import StoreRequest
from .rules import LARGEST_ID
from .schema import User
from .switches import Switches


@dataclass(slots=True)
class Work:
    """One request inside one transaction. ``changed`` tells whether it changed data."""

    session: Session
    switches: Switches
    request: StoreRequest
    identifier: str = ""
    changed: bool = False

    @property
    def now(self) -> int:
        """The store's time in whole seconds."""
        return int(store_time(self.switches.clock_offset))

    def change(self, user: User, values: dict[str, Any]) -> bool:
        """Set attributes; only what really differs counts as a change."""
        differing = {name: value for name, value in values.items() if getattr(user, name) != value}
        for name, value in differing.items():
            setattr(user, name, value)
        if differing:
            user.updated_at = self.now
            self.changed = True
        return bool(differing)

    def named_user(self, *, by_external_id: bool = False) -> User:
        """The user that the path names, deactivated or not.

        Raises:
            Refusal: with the 404 of a missing record.
        """
        user = None
        if self.identifier.isascii() and self.identifier.isdigit():
            number = int(self.identifier[:20])
            user = self.session.get(User, number) if number <= LARGEST_ID else None
        if user is None and by_external_id:
            wanted = select(User).where(User.external_id == self.identifier).order_by(User.id)
            user = self.session.scalars(wanted.limit(1)).first()
        if user is None:
            raise self.missing()
        return user

    def missing(self) -> Refusal:
        """The 404 for the user that the path names."""
        return Refusal(no_user(self.identifier))
