# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A desired user: what should be true at the store after the run."""

from __future__ import annotations

from dataclasses import dataclass, field

PRESENT, ACTIVE, ABSENT = "present", "active", "absent"
STATES = (PRESENT, ACTIVE, ABSENT)
ON_CREATE, ALWAYS = "on_create", "always"
UPDATE_PASSWORD = (ON_CREATE, ALWAYS)


def address_key(email: str) -> str:
    """An address for comparison: stores may lower-case them, so case never matters (choice 16)."""
    return email.strip().lower()


@dataclass(frozen=True)
class DesiredUser:
    """One desired user. None means that the task left the option out: it is unmanaged.

    ``sessions_limit`` is 0 for no limit; ``plan_valid_to`` is ``YYYY-MM-DD``.
    """

    email: str | None = None
    external_id: str | None = None
    id: int | None = None
    state: str = PRESENT
    # Kept out of the generated repr, so out of every traceback and assertion.
    password: str | None = field(default=None, repr=False)
    update_password: str = ON_CREATE
    generate_password: bool = False
    sessions_limit: int | None = None
    plan_id: int | None = None
    plan_valid_to: str | None = None
    user_plan_name: str | None = None
    admin: bool | None = None
    plan_admin: bool | None = None
    only_sees_readable: bool | None = None
    force_logout: bool = False
    # Where the row stands, such as users[3] or seats.csv:17; no part of what is desired.
    place: str = field(default="", compare=False, repr=False)

    @property
    def label(self) -> str:
        """How errors and headings name this user: the most telling key that was given."""
        if self.email is not None:
            return self.email
        if self.external_id is not None:
            return f"external_id {self.external_id}"
        return f"id {self.id}"
