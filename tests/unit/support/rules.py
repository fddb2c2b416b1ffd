# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's rules as a table, written from the design and not from the planner.

Each row is one managed option: what the task declares, what the store holds where nothing differs
and where something does, and what has to be sent then. The planner is never asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .builders import PASSWORD
from .records import Held, StoredUser

MISSING, ACTIVE, DEACTIVATED = "missing", "active", "deactivated"
USER = "/integration-api/v1/dashboard/users/7"
CREATE = "/integration-api/v1/dashboard/users/"
LOGOUT = "/integration-api/v1/users/7/force-logout"
KEYS: dict[str, Any] = {"email": "ana@example.org", "external_id": "staff-7"}

# The record of the user before the run, under which every update is sent whole.
RECORD: dict[str, Any] = {
    **KEYS,
    "sessions_limit": 2,
    "admin": 0,
    "plan_admin": 0,
    "only_sees_readable": 1,
}
SECOND_PLAN = Held(4, "2027-01-31", "Second")


@dataclass(frozen=True)
class Row:
    """One managed option.

    :ivar desired: what the task declares.
    :ivar differs: what the store holds instead, where it differs; empty for an option that is
        never a difference by itself.
    :ivar put: the fields of the update's body beside the whole record.
    :ivar post: the fields of a creation's body beside the keys.
    :ivar actions: what the update is called in the result.
    :ivar sensitive: open sessions must not outlive the change.
    :ivar always: sent whether anything differs or not.
    """

    name: str
    desired: Mapping[str, Any]
    differs: Mapping[str, Any] = field(default_factory=dict)
    same: Mapping[str, Any] = field(default_factory=dict)
    put: Mapping[str, Any] = field(default_factory=dict)
    post: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] = ("update",)
    sensitive: bool = False
    always: bool = False


def _right(name: str, wanted: bool) -> Row:
    return Row(
        name,
        {name: wanted},
        differs={name: not wanted},
        same={name: wanted},
        put={name: int(wanted)},
        post={name: wanted},
        sensitive=True,
    )


def _plan(name: str, fields: Mapping[str, Any], **desired: Any) -> Row:
    return Row(
        name,
        {"plan_id": 4, **desired},
        differs={"plans": []},
        same={"plans": [SECOND_PLAN]},
        put=fields,
        post=fields,
        actions=("assign_plan",),
    )


ROWS = (
    Row("nothing", {}),
    Row(
        "email",
        {"email": "ana@example.org"},
        differs={"email": "ana.old@example.org"},
        put={"email": "ana@example.org"},
    ),
    Row(
        "external_id",
        {"external_id": "staff-7"},
        differs={"external_id": "staff-old"},
        put={"external_id": "staff-7"},
    ),
    Row(
        "sessions_limit",
        {"sessions_limit": 3},
        differs={"sessions_limit": 2},
        same={"sessions_limit": 3},
        put={"sessions_limit": 3},
        post={"sessions_limit": 3},
        sensitive=True,
    ),
    Row(
        "no_sessions_limit",
        {"sessions_limit": 0},
        differs={"sessions_limit": 2},
        same={"sessions_limit": None},
        put={"sessions_limit": None},
        post={"sessions_limit": None},
        sensitive=True,
    ),
    _right("admin", True),
    _right("plan_admin", True),
    _right("only_sees_readable", False),
    _plan("plan", {"assign_new_plan": 4}),
    _plan(
        "plan_until",
        {"assign_new_plan": 4, "new_plan_custom_valid_to": "2027-01-31"},
        plan_valid_to="2027-01-31",
    ),
    _plan("plan_name", {"assign_new_plan": 4, "user_plan_name": "Second"}, user_plan_name="Second"),
    Row("password_on_create", {"password": PASSWORD}, post={"new_password": PASSWORD}),
    Row(
        "password_always",
        {"password": PASSWORD, "update_password": "always"},
        put={"new_password": PASSWORD},
        post={"new_password": PASSWORD},
        actions=("set_password",),
        sensitive=True,
        always=True,
    ),
)


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    state: str
    presence: str
    row: Row
    differs: bool
    force_logout: bool

    def __str__(self) -> str:
        words = [self.state, self.presence, self.row.name]
        words.append("differs" if self.differs else "same")
        return "-".join(words + ["logout"] * self.force_logout)

    @property
    def desired(self) -> dict[str, Any]:
        return {
            **KEYS,
            "state": self.state,
            "force_logout": self.force_logout,
            **self.row.desired,
        }

    def stored(self) -> StoredUser | None:
        """The user at the store before the run."""
        if self.presence == MISSING:
            return None
        user = StoredUser(
            7, **KEYS, sessions_limit=2, only_sees_readable=True, deactivated=not self.was_active
        )
        for name, value in (self.row.differs if self.differs else self.row.same).items():
            setattr(user, name, list(value) if isinstance(value, list) else value)
        return user

    @property
    def was_active(self) -> bool:
        return self.presence == ACTIVE

    @property
    def refused(self) -> bool:
        """Whether the address may have passed on to somebody else, who must not be locked out."""
        names_another = self.differs and self.row.name == "external_id"
        return self.state == "absent" and self.was_active and names_another

    @property
    def updates(self) -> bool:
        return self.row.always or (self.differs and bool(self.row.differs))

    @property
    def steps(self) -> list[tuple[tuple[str, ...], tuple[str, str, Any]]]:
        """What has to happen: the actions, and the one request that does them."""
        if self.state == "absent":
            if not self.was_active:
                return []
            # Sessions end before: afterwards a store may not find the user any more.
            return [*self._logout(), (("deactivate",), ("DELETE", USER, None))]
        if self.presence == MISSING:
            return [(("create",), ("POST", CREATE, {**KEYS, **self.row.post}))]
        steps: list[tuple[tuple[str, ...], tuple[str, str, Any]]] = []
        if self.state == "active" and not self.was_active:
            steps.append((("reactivate",), ("PUT", f"{USER}/re-activate", None)))
        if self.updates:
            held = {name: getattr(self.stored(), name) for name in RECORD}
            rights = ("admin", "plan_admin", "only_sees_readable")
            complete = {
                name: int(value) if name in rights else value for name, value in held.items()
            }
            steps.append((self.row.actions, ("PUT", USER, {**complete, **self.row.put})))
            # Whoever stays deactivated has no session.
            if self.row.sensitive and self.active_after:
                steps.extend(self._logout())
        return steps

    def _logout(self) -> list[tuple[tuple[str, ...], tuple[str, str, Any]]]:
        return [(("force_logout",), ("POST", LOGOUT, None))] if self.force_logout else []

    @property
    def actions(self) -> tuple[str, ...]:
        """What the result tells: in order, with a forced logout as the last."""
        done = [action for actions, _request in self.steps for action in actions]
        return tuple(sorted(done, key=lambda action: action == "force_logout"))

    @property
    def requests(self) -> list[tuple[str, str, Any]]:
        return [request for _actions, request in self.steps]

    @property
    def active_after(self) -> bool:
        if self.state == "absent":
            return False
        return self.presence != DEACTIVATED or self.state == "active"

    @property
    def after(self) -> dict[str, Any] | None:
        """The attributes that the user has afterwards, as far as anybody knows before."""
        if self.presence == MISSING:
            if self.state == "absent":
                return None
            known = {**KEYS, "sessions_limit": None}
        else:
            stored = self.stored()
            known = {name: getattr(stored, name) for name in RECORD}
        if self.state != "absent" and (self.updates or self.presence == MISSING):
            known.update(
                (name, self.row.desired[name] or None if name == "sessions_limit" else value)
                for name, value in self.row.desired.items()
                if name in RECORD
            )
        return {**known, "active": self.active_after}


def all_cases() -> list[Case]:
    """Every state, presence, option, difference and wish for a logout, the refused ones apart."""
    cases = [
        Case(state, presence, row, differs, force_logout)
        for state in ("present", "active", "absent")
        for presence in (MISSING, ACTIVE, DEACTIVATED)
        for row in ROWS
        for differs in (False, True)
        if row.differs or not differs
        for force_logout in (False, True)
    ]
    return [case for case in cases if not case.refused]
