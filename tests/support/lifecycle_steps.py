# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lifecycles: each is applied step by step, and replayed in check mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .lifecycles import Step

ANA = "ana@example.org"
ANA_LOPEZ = "ana.lopez@example.org"
KEYS = {"email": ANA, "external_id": "staff-1001"}
IVO: dict[str, Any] = {"email": "ivo@example.org", "external_id": "id-ivo", "open_sessions": 1}
STRANGER: dict[str, Any] = {
    "email": "zoe@example.org",
    "external_id": "guest-1",
    "plans": [{"plan_id": 11}],
}

CAMPUS, LIBRARY_CARD, STAFF = 11, 12, 13
UNTIL_2031, UNTIL_2032 = "2031-12-31", "2032-06-30"


@dataclass(frozen=True)
class Scenario:
    """Steps of one module, and the users that the store has before."""

    module: str
    steps: Sequence[Step]
    users: Sequence[Mapping[str, Any]] = (STRANGER,)


def _one(name: str, args: Mapping[str, Any], *actions: str, **expected: Any) -> Step:
    """A step of one user; ``expected`` are columns of the database."""
    email = expected.pop("email", ANA)
    again = expected.pop("again", ())
    plans = expected.pop("plans", None)
    password = expected.pop("password", None)
    warns = expected.pop("warns", None)
    return Step(
        name,
        args,
        actions={email: list(actions)} if actions else {},
        again={email: list(again)} if again else {},
        holds={email: expected} if expected else {},
        plans={} if plans is None else {email: plans},
        passwords={} if password is None else {email: password},
        warns=warns,
    )


_CARD = {"plan_id": LIBRARY_CARD, "valid_to": UNTIL_2031}
_STAFF = {"plan_id": STAFF, "name": "Staff of the press"}

USER_LIFECYCLE = Scenario(
    "publica_user",
    [
        Step("never existed", {"email": "unknown@example.org", "state": "absent"}),
        _one(
            "created",
            {
                **KEYS,
                "password": "first-password-of-ana",
                "sessions_limit": 2,
                "plan_id": LIBRARY_CARD,
                "plan_valid_to": UNTIL_2031,
                "plan_admin": True,
                "only_sees_readable": True,
            },
            "create",
            password="first-password-of-ana",
            plans=[_CARD],
            external_id="staff-1001",
            sessions_limit=2,
            admin=False,
            plan_admin=True,
            only_sees_readable=True,
            active=True,
            password_changes=1,
        ),
        _one(
            "limit changed, other options unmanaged",
            {**KEYS, "sessions_limit": 3, "lookup": "search"},
            "update",
            sessions_limit=3,
            plan_admin=True,
            only_sees_readable=True,
            plans=[_CARD],
        ),
        _one(
            "another password, but on creation only",
            {**KEYS, "password": "second-password-of-ana"},
            password="first-password-of-ana",
            password_changes=1,
        ),
        _one(
            "another password, always",
            {**KEYS, "password": "second-password-of-ana", "update_password": "always"},
            "set_password",
            again=["set_password"],
            password="second-password-of-ana",
            sessions_limit=3,
        ),
        _one(
            "right revoked",
            {**KEYS, "plan_admin": False, "force_logout": True},
            "update",
            "force_logout",
            plan_admin=False,
            only_sees_readable=True,
            forced_logouts=1,
        ),
        _one("right granted", {**KEYS, "admin": True}, "update", admin=True, plan_admin=False),
        _one(
            "plan held already",
            {**KEYS, "plan_id": LIBRARY_CARD, "plan_valid_to": UNTIL_2031},
            plans=[_CARD],
        ),
        _one(
            "plan changed",
            {**KEYS, "plan_id": STAFF, "user_plan_name": "Staff of the press"},
            "assign_plan",
            plans=[_CARD, _STAFF],
            admin=True,
        ),
        _one(
            "end of plan changed, by the aliases",
            {
                **KEYS,
                "assign_new_plan": LIBRARY_CARD,
                "new_plan_custom_valid_to": UNTIL_2032,
                "sessions_limit": 1,
            },
            "update",
            "assign_plan",
            plans=[_CARD, _STAFF, {"plan_id": LIBRARY_CARD, "valid_to": UNTIL_2032}],
            sessions_limit=1,
        ),
        _one(
            "limit removed",
            {**KEYS, "sessions_limit": 0},
            "update",
            sessions_limit=None,
        ),
        _one(
            "address changed, found by external id",
            {"email": ANA_LOPEZ, "external_id": "staff-1001", "lookup": "list"},
            "update",
            email=ANA_LOPEZ,
            external_id="staff-1001",
            admin=True,
        ),
        _one(
            "external id changed, found by address",
            {"email": ANA_LOPEZ, "external_id": "staff-2001"},
            "update",
            email=ANA_LOPEZ,
            external_id="staff-2001",
        ),
        _one(
            "found by id",
            {"id": 2, "only_sees_readable": False},
            "update",
            email=ANA_LOPEZ,
            only_sees_readable=False,
        ),
        _one(
            "deactivated",
            {"external_id": "staff-2001", "state": "absent"},
            "deactivate",
            email=ANA_LOPEZ,
            active=False,
        ),
        _one(
            "present leaves the user inactive",
            {"email": ANA_LOPEZ, "external_id": "staff-2001", "admin": True},
            email=ANA_LOPEZ,
            active=False,
            warns="state: active",
        ),
        _one(
            "active again, and changed",
            {
                "email": ANA_LOPEZ,
                "external_id": "staff-2001",
                "state": "active",
                "sessions_limit": 4,
            },
            "reactivate",
            "update",
            email=ANA_LOPEZ,
            active=True,
            sessions_limit=4,
            admin=True,
        ),
        _one(
            "created with a random password",
            {"email": "bea@example.org", "external_id": "staff-1002", "generate_password": True},
            "create",
            email="bea@example.org",
            password_changes=1,
        ),
        _one(
            "created with a password by its alias",
            {
                "email": "cai@example.org",
                "external_id": "staff-1003",
                "new_password": "password-of-cai",
                "state": "active",
            },
            "create",
            email="cai@example.org",
            password="password-of-cai",
        ),
    ],
)

LEAVING = Scenario(
    "publica_user",
    [
        _one(
            "deactivated and logged out",
            {"email": ANA, "state": "absent", "force_logout": True},
            # In the documented order; the sessions end first, while the store knows the user.
            "deactivate",
            "force_logout",
            active=False,
            open_sessions=0,
            forced_logouts=1,
        )
    ],
    users=[STRANGER, {**KEYS, "open_sessions": 2}],
)


def _row(name: str, **options: Any) -> dict[str, Any]:
    return {"email": f"{name}@example.org", "external_id": f"id-{name}", **options}


_MANY = [f"reader{number:02}" for number in range(24)]
_NEW = {f"{name}@example.org": ["create"] for name in _MANY}
_SEATS = {"plan_id": LIBRARY_CARD, "plan_valid_to": UNTIL_2031, "sessions_limit": 2}

BULK_LIFECYCLE = Scenario(
    "publica_user_bulk",
    [
        Step("empty list", {"users": [], "report": "all"}),
        Step(
            "all created, with defaults under each",
            {
                "users": [
                    *(_row(name) for name in _MANY[:-1]),
                    _row(_MANY[-1], sessions_limit=5, password="password-of-23"),
                ],
                "defaults": {**_SEATS, "generate_password": True},
                "report": "all",
            },
            actions=_NEW,
            holds={
                "reader00@example.org": {"sessions_limit": 2, "password_changes": 1},
                "reader23@example.org": {"sessions_limit": 5, "password_changes": 1},
            },
            plans={email: [_CARD] for email in _NEW},
            passwords={"reader23@example.org": "password-of-23"},
        ),
        Step(
            "a different change for each",
            {
                "lookup": "list",
                "concurrency": 3,
                "on_error": "stop",
                "report": "all",
                "users": [
                    _row("reader00", sessions_limit=7, plan_admin=True),
                    _row("reader01", plan_id=STAFF, user_plan_name="Staff of the press"),
                    _row("reader02", password="password-of-02"),
                    {"external_id": "id-reader03", "state": "absent"},
                    {"external_id": "id-reader04", "email": "moved04@example.org"},
                    {"id": 2, "admin": True, "only_sees_readable": True, "force_logout": True},
                    _row("reader06", **_SEATS),
                    {"email": "unknown@example.org", "state": "absent"},
                ],
            },
            actions={
                "reader00@example.org": ["update"],
                "reader01@example.org": ["assign_plan"],
                "reader03@example.org": ["deactivate"],
                "moved04@example.org": ["update"],
                "ivo@example.org": ["update", "force_logout"],
            },
            holds={
                "reader00@example.org": {"sessions_limit": 7, "plan_admin": True},
                "reader02@example.org": {"password_changes": 1},
                "reader03@example.org": {"active": False},
                "moved04@example.org": {"external_id": "id-reader04", "sessions_limit": 2},
                "ivo@example.org": {
                    "admin": True,
                    "only_sees_readable": True,
                    "open_sessions": 0,
                },
            },
            plans={"reader01@example.org": [_CARD, _STAFF], "reader06@example.org": [_CARD]},
        ),
        Step(
            "rights revoked, and one user reactivated",
            {
                "lookup": "search",
                "concurrency": 1,
                "report": "changes",
                "users": [
                    _row("reader00", plan_admin=False),
                    _row("reader03", state="active"),
                    {"email": "ivo@example.org", "external_id": "id-ivo", "admin": False},
                ],
            },
            actions={
                "reader00@example.org": ["update"],
                "reader03@example.org": ["reactivate"],
                "ivo@example.org": ["update"],
            },
            holds={
                "reader00@example.org": {"plan_admin": False, "sessions_limit": 7},
                "reader03@example.org": {"active": True, "sessions_limit": 2},
                "ivo@example.org": {"admin": False, "only_sees_readable": True},
            },
        ),
        Step(
            "a password always, by aliases in the defaults",
            {
                "defaults": {"update_password": "always", "assign_new_plan": LIBRARY_CARD},
                "users": [_row("reader02", new_password="another-of-02")],
            },
            actions={"reader02@example.org": ["set_password"]},
            again={"reader02@example.org": ["set_password"]},
            passwords={"reader02@example.org": "another-of-02"},
            plans={"reader02@example.org": [_CARD]},
        ),
    ],
    users=(STRANGER, IVO),
)

SCENARIOS = {
    "one user": USER_LIFECYCLE,
    "a user who leaves": LEAVING,
    "many users": BULK_LIFECYCLE,
}
