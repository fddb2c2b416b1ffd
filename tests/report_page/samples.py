# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of runs as the modules leave them, for reports of every kind."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.publica.la.plugins.plugin_utils.report.model import report_of
from ansible_collections.publica.la.plugins.plugin_utils.report.outcomes import Outcome

NOW = "2026-11-24T14:05:00Z"
TODAY = datetime.date.fromisoformat(NOW[:10])
LONGEST = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org"
assert len(LONGEST) == 254, "the longest address that the API takes"

# What somebody could have typed at a store to get at whoever looks at the report.
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


def item(email: str, *actions: str, **more: Any) -> dict[str, Any]:
    """One user of ``results``."""
    return {
        "email": email,
        "external_id": f"id-{email}"[:64],
        "id": 7,
        "state": "present",
        "actions": list(actions),
        "changed": bool(actions),
        "failed": "error" in more,
        "error": None,
        **more,
    }


def error(message: str, code: str = "invalid") -> dict[str, Any]:
    """What went wrong with one user."""
    return {"code": code, "message": message, "fields": {}}


def difference(
    email: str, before: Mapping[str, Any], after: Mapping[str, Any], told: str = "update"
) -> dict[str, Any]:
    """One user of ``diff``."""
    return {
        "before": dict(before),
        "after": dict(after),
        "before_header": email,
        "after_header": f"{email} ({told})",
    }


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


def result(
    results: Iterable[dict[str, Any]] = (), diff: Iterable[dict[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    """A store's whole result."""
    results = list(results)

    def done(*actions: str) -> int:
        return sum(not set(actions).isdisjoint(one["actions"]) for one in results)

    failed = sum(one["failed"] for one in results)
    return {
        "changed": any(one["changed"] for one in results),
        "summary": {
            "desired": len(results) + 100,
            "created": done("create"),
            "updated": done("update", "assign_plan", "set_password"),
            "reactivated": done("reactivate"),
            "deactivated": done("deactivate"),
            "unchanged": 100,
            "protected": 0,
            "failed": failed,
        },
        "results": results,
        "diff": list(diff),
        "plan": {"hash": "3f9d1c0a7be24c55", "requests": len(results), "minutes": 0},
        "guard": None,
        "seats": seats(),
        "api": {"requests": 4, "retries": 0, "waited_seconds": 0.0},
        **({"failed": True, "msg": f"{failed} users failed"} if failed else {}),
        **more,
    }


def many(number: int) -> dict[str, Any]:
    """A result with many users, each of whom changes in one of some ways."""
    ways: list[tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = [
        (("create",), {}, {"active": True, "password": "(set, not shown)"}),
        (("update",), {"sessions_limit": 1}, {"sessions_limit": None}),
        (("assign_plan",), {"plans": []}, {"plans": ["plan 12 (Library card) until 2027-06-30"]}),
        (("deactivate", "force_logout"), {"active": True}, {"active": False, "sessions": "ended"}),
        (("reactivate",), {"active": False}, {"active": True}),
    ]
    results, diff = [], []
    for place in range(number):
        actions, before, after = ways[place % len(ways)]
        email = f"reader.{place:05}@example.org"
        results.append(item(email, *actions))
        told = ", ".join(actions) + (": not in the list" if place % 10 == 3 else "")
        diff.append(difference(email, before, after, told))
    return result(results, diff)


def hostile() -> dict[str, Any]:
    """A result in which every text is hostile."""
    results, diff = [], []
    for text in HOSTILE:
        results.append(item(text, "update", external_id=text))
        plans = {"plans": [f"plan 12 ({text})"]}
        diff.append(difference(text, plans, {"plans": [text], "email": text, text: text}))
        results.append(item(f"x{text}", error=error(text, code=text)))
    ending = [
        {"email": text, "plan_id": 12, "name": text, "valid_to": TODAY.isoformat()}
        for text in HOSTILE
    ]
    plans_held = [
        {"plan_id": number, "name": text, "users": 3} for number, text in enumerate(HOSTILE)
    ]
    return result(
        results,
        diff,
        msg=" ".join(HOSTILE),
        warnings=list(HOSTILE),
        seats=seats(plans=plans_held, ending=ending),
    )


def report(
    stores: Mapping[str, Mapping[str, Any]], kind: str = "audit", *, check_mode: bool = True
) -> dict[str, Any]:
    """The report on some stores by their names."""
    outcomes = [Outcome(name, told) for name, told in stores.items()]
    return report_of(
        outcomes,
        kind=kind,
        check_mode=check_mode,
        generated_at=NOW,
        version="0.1.0",
        run="a-run",
    )


def of_every_kind() -> dict[str, Any]:
    """A report with everything that a page can show."""
    guard = {
        "code": "too_many_deactivations",
        "message": "12 users are not in the list.",
        "deactivations": 12,
        "limit": 2,
        "active": 20,
    }
    broken = item("broken@example.org", error=error("The store refused the values."))
    left = item("left@example.org", error=error("Not tried.", "not_tried"))
    several = many(60)
    partly = result(
        [*several["results"], broken, left], several["diff"], seats=seats(deactivated=None)
    )
    return report(
        {
            "as it should be": result(),
            "partly": partly,
            "guarded": {**many(3), "guard": guard, "seats": None},
            "down": {"failed": True, "msg": "The store cannot be reached.", "api": None},
            "away": {"unreachable": True, "msg": "No route."},
            "left out": {},
        }
    )
