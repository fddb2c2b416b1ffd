# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every combination of state, presence, option, difference and logout, up to the second run.

The expected requests come from a table that is written from the design and not from the planner.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.apply.executor import AppliedUser
from ansible_collections.publica.la.plugins.module_utils.provision import provision
from ansible_collections.publica.la.tests.unit.support.builders import (
    PASSWORD,
    api_on,
    desired_users,
)
from ansible_collections.publica.la.tests.unit.support.store import (
    RIGHTS,
    FakeStore,
    Held,
    StoredUser,
)

MISSING, ACTIVE, DEACTIVATED = "missing", "active", "deactivated"
USER = "/integration-api/v1/dashboard/users/7"
CREATE = "/integration-api/v1/dashboard/users/"
LOGOUT = "/integration-api/v1/users/7/force-logout"
KEYS: dict[str, Any] = {"email": "ana@example.org", "external_id": "staff-7"}
# The attributes of the complete record that every update sends.
RECORD = ("email", "external_id", "sessions_limit", *RIGHTS)
SECOND_PLAN = Held(4, "2027-01-31", "Second")


@dataclass(frozen=True)
class Option:
    """One managed option.

    :ivar desired: what the task declares.
    :ivar differs: what the store has if it differs; empty if the option alone never differs.
    :ivar same: what the store has if nothing differs.
    :ivar put: the fields of an update besides the current record.
    :ivar post: the fields of a creation besides the keys.
    :ivar actions: the actions of the update in the result.
    :ivar ends_sessions: ``force_logout`` logs the user out after the change.
    :ivar always: sent whether anything differs or not.
    """

    name: str
    desired: Mapping[str, Any]
    differs: Mapping[str, Any] = field(default_factory=dict)
    same: Mapping[str, Any] = field(default_factory=dict)
    put: Mapping[str, Any] = field(default_factory=dict)
    post: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] = ("update",)
    ends_sessions: bool = False
    always: bool = False


def key_option(name: str, old: str) -> Option:
    return Option(name, {name: KEYS[name]}, differs={name: old}, put={name: KEYS[name]})


def limit_option(name: str, desired: int, sent: int | None) -> Option:
    fields = {"sessions_limit": sent}
    return Option(
        name,
        {"sessions_limit": desired},
        differs={"sessions_limit": 2},
        same=fields,
        put=fields,
        post=fields,
        ends_sessions=True,
    )


def right_option(name: str, desired: bool) -> Option:
    return Option(
        name,
        {name: desired},
        differs={name: not desired},
        same={name: desired},
        # An update has 1 or 0, a creation true or false (variant 6).
        put={name: int(desired)},
        post={name: desired},
        ends_sessions=True,
    )


def plan_option(name: str, fields: Mapping[str, Any], **desired: Any) -> Option:
    fields = {"assign_new_plan": 4, **fields}
    return Option(
        name,
        {"plan_id": 4, **desired},
        differs={"plans": []},
        same={"plans": [SECOND_PLAN]},
        put=fields,
        post=fields,
        actions=("assign_plan",),
    )


OPTIONS = (
    Option("nothing", {}),
    key_option("email", "ana.old@example.org"),
    key_option("external_id", "staff-old"),
    limit_option("sessions_limit", 3, 3),
    limit_option("no_sessions_limit", 0, None),
    right_option("admin", True),
    right_option("plan_admin", True),
    right_option("only_sees_readable", False),
    plan_option("plan", {}),
    plan_option(
        "plan_until", {"new_plan_custom_valid_to": "2027-01-31"}, plan_valid_to="2027-01-31"
    ),
    plan_option("plan_name", {"user_plan_name": "Second"}, user_plan_name="Second"),
    Option("no_password_always", {"update_password": "always"}),
    Option("password_on_create", {"password": PASSWORD}, post={"new_password": PASSWORD}),
    Option(
        "password_always",
        {"password": PASSWORD, "update_password": "always"},
        put={"new_password": PASSWORD},
        post={"new_password": PASSWORD},
        actions=("set_password",),
        ends_sessions=True,
        always=True,
    ),
)

Request = tuple[str, str, Any]


@dataclass(frozen=True)
class Case:
    """One combination, with the result that the design demands."""

    state: str
    presence: str
    option: Option
    differs: bool
    force_logout: bool

    def __str__(self) -> str:
        words = [self.state, self.presence, self.option.name]
        words.append("differs" if self.differs else "same")
        return "-".join(words + ["logout"] * self.force_logout)

    @property
    def desired(self) -> dict[str, Any]:
        flags = {"state": self.state, "force_logout": self.force_logout}
        return {**KEYS, **flags, **self.option.desired}

    def store(self) -> FakeStore:
        user = self.stored()
        return FakeStore(*([user] if user else []))

    def stored(self) -> StoredUser | None:
        """The user at the store before the run."""
        if self.presence == MISSING:
            return None
        user = StoredUser(
            7, **KEYS, sessions_limit=2, only_sees_readable=True, deactivated=not self.was_active
        )
        for name, value in (self.option.differs if self.differs else self.option.same).items():
            setattr(user, name, list(value) if isinstance(value, list) else value)
        return user

    @property
    def was_active(self) -> bool:
        return self.presence == ACTIVE

    @property
    def is_conflict(self) -> bool:
        """Whether the address may belong to another person, who must not be locked out."""
        other_id = self.differs and self.option.name == "external_id"
        return self.state == "absent" and self.was_active and other_id

    @property
    def updates(self) -> bool:
        return self.option.always or (self.differs and bool(self.option.differs))

    @property
    def steps(self) -> list[tuple[tuple[str, ...], Request]]:
        """The actions of each step, and its only request."""
        logout: list[tuple[tuple[str, ...], Request]] = []
        if self.force_logout:
            logout.append((("force_logout",), ("POST", LOGOUT, None)))
        if self.state == "absent":
            if not self.was_active:
                return []
            # The logout comes first, since a store may not find a deactivated user.
            return [*logout, (("deactivate",), ("DELETE", USER, None))]
        if self.presence == MISSING:
            return [(("create",), ("POST", CREATE, {**KEYS, **self.option.post}))]
        steps: list[tuple[tuple[str, ...], Request]] = []
        if self.state == "active" and not self.was_active:
            steps.append((("reactivate",), ("PUT", f"{USER}/re-activate", None)))
        if self.updates:
            held = {name: getattr(self.stored(), name) for name in RECORD}
            record = {name: int(held[name]) if name in RIGHTS else held[name] for name in held}
            steps.append((self.option.actions, ("PUT", USER, {**record, **self.option.put})))
            # A user who stays deactivated has no session.
            if self.option.ends_sessions and self.active_after:
                steps.extend(logout)
        return steps

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of the result: in order, but a forced logout is the last one."""
        done = [action for actions, _request in self.steps for action in actions]
        return tuple(sorted(done, key=lambda action: action == "force_logout"))

    @property
    def active_after(self) -> bool:
        if self.state == "absent":
            return False
        return self.presence != DEACTIVATED or self.state == "active"

    @property
    def after(self) -> dict[str, Any] | None:
        """The attributes of the user after the run, as far as they are known before it."""
        stored = self.stored()
        if stored is None and self.state == "absent":
            return None
        if stored is None:
            known = {**KEYS, "sessions_limit": None}
        else:
            known = {name: getattr(stored, name) for name in RECORD}
        if self.state != "absent" and (self.updates or stored is None):
            known.update(
                (name, self.option.desired[name] or None if name == "sessions_limit" else value)
                for name, value in self.option.desired.items()
                if name in RECORD
            )
        return {**known, "active": self.active_after}


CASES = [
    Case(state, presence, option, differs, force_logout)
    for state in ("present", "active", "absent")
    for presence in (MISSING, ACTIVE, DEACTIVATED)
    for option in OPTIONS
    for differs in (False, True)
    if option.differs or not differs
    for force_logout in (False, True)
]
every_case = pytest.mark.parametrize(
    "case", [pytest.param(case, id=str(case)) for case in CASES if not case.is_conflict]
)


def run(store: FakeStore, case: Case, *, check: bool = False) -> AppliedUser:
    provisioned = provision(api_on(store, read_only=check), desired_users([case.desired]))
    [applied] = provisioned.applied
    assert applied.error is None
    return applied


def reported(applied: AppliedUser, case: Case) -> dict[str, Any] | None:
    """The attributes in the result, of those that the case knows."""
    if applied.user is None or case.after is None:
        return None
    return {name: getattr(applied.user, name) for name in case.after}


def at_store(store: FakeStore, case: Case) -> dict[str, Any] | None:
    """The same attributes in the database state."""
    if case.after is None:
        return None if store.users == {} else {}
    [user] = store.users.values()
    known = {name: getattr(user, name) for name in RECORD if name in case.after}
    return {**known, "active": not user.deactivated}


def as_json(requests: list[Request]) -> list[str]:
    """Requests as JSON, in which 1 and true differ."""
    return [json.dumps(request, sort_keys=True) for request in requests]


@every_case
def test_a_run_sends_the_expected_requests_and_a_second_one_none(case: Case) -> None:
    store = case.store()
    applied = run(store, case)
    assert applied.actions == case.actions
    assert applied.changed is bool(case.actions)
    sent = [(call.method, call.path, call.body) for call in store.writes]
    assert as_json(sent) == as_json([request for _actions, request in case.steps])
    assert reported(applied, case) == at_store(store, case) == case.after
    store.forget_calls()
    again = run(store, case)
    if case.option.always and case.state != "absent":
        # A password can't be compared, so ``always`` sends it in every run.
        logout = ("force_logout",) * (case.force_logout and case.active_after)
        assert again.actions == ("set_password", *logout)
        return
    assert again.actions == ()
    assert store.writes == []


@every_case
def test_check_mode_predicts_the_run_and_writes_nothing(case: Case) -> None:
    store = case.store()
    predicted = run(store, case, check=True)
    assert store.writes == []
    done = run(case.store(), case)
    assert predicted.actions == done.actions == case.actions
    assert predicted.warnings == done.warnings
    assert reported(predicted, case) == reported(done, case) == case.after
