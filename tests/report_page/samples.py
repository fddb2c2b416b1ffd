# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results as the modules return them, and reports on them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.publica.la.plugins.plugin_utils.report.model import report_of

NOW = "2026-11-24T14:05:00Z"
TODAY = datetime.date.fromisoformat(NOW[:10])
LONGEST = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org"
assert len(LONGEST) == 254, "the longest address that the API accepts"

# Values that could be entered at a store to attack a reader of the report.
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "<!--<script>",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(4)}`'\\",
    "javascript:alert(5)",
    "](javascript:alert(6)) **bold** `code` ``two`` | pipe \\| @octocat #1",
    "<b>bold</b> &lt;b&gt; &#64;",
    "ana@example.org https://example.org www.example.org",
    "אנה כהן‎ أحمد",
    "line one\nline two\r\t\x00\x1b[2J\u2028",
    "\u202egro.elpmaxe@turned",
    "\ud800 half",
    "__proto__",
    LONGEST,
)

Sides = Mapping[str, Any]


def user(
    email: str, *actions: str, before: Sides | None = None, after: Sides | None = None, **item: Any
) -> dict[str, Any]:
    """One user of ``results``, and under ``diff`` the user's entry there."""
    sides = {"before": dict(before or {}), "after": dict(after or {})}
    diff: dict[str, Any] = {**sides, "before_header": email, "after_header": email}
    plans = {side: values["plans"] for side, values in sides.items() if "plans" in values}
    if plans:
        diff["plans"] = plans
    for side, held in plans.items():
        diff[side] = {**sides[side], "plans": [f"a plan as text ({one})" for one in held]}
    return {
        "email": email,
        "external_id": f"id-{email}"[:64],
        "id": 7,
        "state": "present",
        "listed": True,
        "actions": list(actions),
        "changed": bool(actions),
        "failed": "error" in item,
        "error": None,
        **item,
        "diff": diff if actions or before or after else None,
    }


def plan(plan_id: int | None, name: str | None = None, **more: Any) -> dict[str, Any]:
    ended = {"valid_to": None, "cancelled": False, "status": None}
    return {"plan_id": plan_id, "name": name, **ended, **more}


def error(message: str, code: str = "invalid") -> dict[str, Any]:
    return {"code": code, "message": message, "fields": {}}


def seats(active: int = 200, deactivated: int | None = 18, **more: Any) -> dict[str, Any]:
    """The seats of a store, some of whose plans end."""
    ends = [(TODAY + datetime.timedelta(days=days)).isoformat() for days in (0, 12, 30, 31, 90)]
    return {
        "active": active,
        "deactivated": deactivated,
        "plans": [
            {"plan_id": 11, "name": "Campus", "users": active // 4},
            {"plan_id": 12, "name": None, "users": active // 2},
        ],
        "without_plan": active // 4,
        "plans_unknown": 0,
        "ending": [
            {"email": f"ends.{end}@example.org", "plan_id": 12, "name": None, "valid_to": end}
            for end in ends
        ],
        **more,
    }


def cost(requests: int, minutes: int = 1) -> dict[str, Any]:
    """The plan of a run that reads with four requests and takes so many minutes."""
    return {
        "hash": "3f9d1c0a7be24c55",
        "requests": requests,
        "minutes": minutes - 1,
        "total_requests": requests + 4,
        "total_minutes": minutes,
    }


def result(users: Iterable[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    users = list(users)
    results = [{key: value for key, value in one.items() if key != "diff"} for one in users]

    def count(*actions: str) -> int:
        return sum(not set(actions).isdisjoint(one["actions"]) for one in results)

    failed = sum(one["failed"] for one in results)
    return {
        "changed": any(one["changed"] for one in results),
        "summary": {
            "desired": len(results) + 100,
            "created": count("create"),
            "updated": count("update", "assign_plan", "set_password"),
            "reactivated": count("reactivate"),
            "deactivated": count("deactivate"),
            "unchanged": 100,
            "protected": 0,
            "failed": failed,
        },
        "results": results,
        "diff": [
            {**one["diff"], "result": position} for position, one in enumerate(users) if one["diff"]
        ],
        "plan": cost(len(results)),
        "guard": None,
        "seats": seats(),
        "api": {"requests": 4, "retries": 0, "waited_seconds": 0.0},
        **({"failed": True, "msg": f"{failed} users failed"} if failed else {}),
        **more,
    }


def of_record(
    users: Iterable[dict[str, Any]] = (), unverified: int = 90, **more: Any
) -> dict[str, Any]:
    """The result of a store with a record of what was applied last."""
    record = {"path": "/srv/north.json", "entries": 19990, "verified_at": "2026-11-23T02:00:00Z"}
    more = {"kept": {"admin": {"count": 1, "users": ["admin@example.org"]}}, **more}
    of_store = result(users, last_applied=record, seats=None, **more)
    return {**of_store, "summary": {**of_store["summary"], "unverified": unverified}}


def leaver(email: str) -> dict[str, Any]:
    """A user who is no longer in the list."""
    before, after = {"active": True}, {"active": False}
    return user(email, "deactivate", before=before, after=after, listed=False, state="absent")


def many(number: int) -> list[dict[str, Any]]:
    """Users that change in different ways."""
    library = plan(12, "Library card", valid_to="2027-06-30")
    ways: list[tuple[tuple[str, ...], Sides, Sides]] = [
        (("create",), {}, {"active": True, "password": "(set, not shown)"}),
        (("update",), {"sessions_limit": 1}, {"sessions_limit": None}),
        (("assign_plan",), {"plans": []}, {"plans": [library]}),
        (("deactivate", "force_logout"), {"active": True}, {"active": False, "sessions": "ended"}),
        (("reactivate",), {"active": False}, {"active": True}),
    ]
    users = []
    for place in range(number):
        actions, before, after = ways[place % len(ways)]
        email, listed = f"reader.{place:05}@example.org", place % 10 != 3
        users.append(user(email, *actions, before=before, after=after, listed=listed))
    return users


LINES = ["2 validation errors. No request was sent.", "users[0].email: <b> @x", "users[1]: `c`"]


def of_several_lines() -> dict[str, Any]:
    """A report with a failure, a warning and a user's error that have several lines each."""
    text = "\n".join(LINES)
    refused = {"failed": True, "msg": text, "failure": {"code": "invalid_input", "message": text}}
    partly = result([user("x@example.org", error=error(text))], msg="1 user", warnings=[text])
    return report({"refused": refused, "partly": partly})


def hostile() -> dict[str, Any]:
    """A result in which every text is hostile."""
    users = []
    for text in HOSTILE:
        after = {"plans": [plan(None, text)], "email": text, text: text}
        before = {"plans": [plan(12, text)]}
        users.append(user(text, "update", before=before, after=after, external_id=text))
        users.append(user(f"x{text}", error=error(text, code=text)))
    ending = [
        {"email": text, "plan_id": 12, "name": text, "valid_to": TODAY.isoformat()}
        for text in HOSTILE
    ]
    held = [{"plan_id": number, "name": text, "users": 3} for number, text in enumerate(HOSTILE)]
    return result(
        users,
        msg=" ".join(HOSTILE),
        warnings=list(HOSTILE),
        seats=seats(plans=held, ending=ending),
    )


def of_long_values() -> dict[str, Any]:
    """A dry run of stores with the longest names and addresses, and with large numbers."""
    users = [*many(5), user(LONGEST, "create"), user(LONGEST[1:], error=error(f"x {LONGEST} " * 3))]
    warning = f"A run would refuse this plan: {LONGEST}. -e publica_users_approve=3f9d1c0a7be24c55"
    held = [{"plan_id": n, "name": "Biblioteca " * 9, "users": 9 * 10**6} for n in range(9)]
    ending = [{"email": LONGEST, "plan_id": 1, "name": "x" * 90, "valid_to": TODAY.isoformat()}]
    counted = seats(9_000_000, 12_345_678, plans=held, ending=ending)
    long = result(users, seats=counted, warnings=[warning])
    long["summary"] |= {"created": 1_000_000, "unverified": 20_000, "protected": 20_000}
    stores = {"n" * 63: long, "the-library-of-the-north (humanities)": of_record(), "down": {}}
    return report(stores, "provision")


def report(
    stores: Mapping[str, Mapping[str, Any]], kind: str = "audit", *, check_mode: bool = True
) -> dict[str, Any]:
    return report_of(
        stores, kind=kind, check_mode=check_mode, generated_at=NOW, version="0.1.0", run="a-run"
    )


def of_every_kind() -> dict[str, Any]:
    """A report with everything that a page can show."""
    warning = "A run would refuse this plan. 12 users are not in the list."
    guard = {
        "code": "too_many_deactivations",
        "message": "12 users are not in the list.",
        "deactivations": 12,
        "limit": 2,
        "active": 20,
        "warning": warning,
    }
    partly = [
        *many(60),
        user("broken@example.org", error=error("The store refused the values.")),
        user("left@example.org", error=error("Not tried.", "not_tried")),
    ]
    return report(
        {
            "unchanged": result(),
            "partly failed": result(partly, seats=seats(deactivated=None)),
            "guarded": result(many(3), guard=guard, warnings=[warning], seats=None),
            "with a record": of_record([leaver("leaver@example.org")]),
            "failed": {"failed": True, "msg": "The store cannot be reached.", "api": None},
            "unreachable": {"unreachable": True, "msg": "No route."},
            "not run": {},
        }
    )
