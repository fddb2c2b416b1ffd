# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures behind a report's charts, as widths and heights in percent. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...module_utils.result.result import escape_control
from .texts import Texts
from .wording import plan_name

# How many bars are seen at once; the others are there to unfold.
SHOWN_BARS = 6
WEEKS = 13
SOON, LATER = 30, 90
# A bar of one among thousands must still be seen.
LEAST_WIDTH = 0.6


def seats(report: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """Seats by state and by plan, over the stores whose list was read to its end."""
    counted = [store for store in report["stores"] if store["seats"] is not None]
    missing = [
        escape_control(store["name"]) for store in report["stores"] if store["seats"] is None
    ]
    return {
        "counted": bool(counted),
        "missing": ", ".join(missing),
        "states": _split(_states(counted)),
        "plans": _split(_plans(counted, texts)),
        "several": len(report["stores"]) > 1,
    }


def _split(bars: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"shown": bars[:SHOWN_BARS], "more": bars[SHOWN_BARS:]}


def _states(stores: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A bar for each store, in two parts: its active and its deactivated users."""
    bars = [
        {
            "store": escape_control(store["name"]),
            "active": store["seats"]["active"],
            "deactivated": store["seats"]["deactivated"],
        }
        for store in stores
    ]
    most = max((one["active"] + (one["deactivated"] or 0) for one in bars), default=0)
    for one in bars:
        one["active_width"] = _percent(one["active"], most)
        one["deactivated_width"] = _percent(one["deactivated"] or 0, most)
    return sorted(bars, key=lambda one: (-one["active"], one["store"]))


def _plans(stores: Sequence[Mapping[str, Any]], texts: Texts) -> list[dict[str, Any]]:
    """A bar for each plan of each store: the same id is another plan in another store."""
    bars = []
    for store in stores:
        name, held = escape_control(store["name"]), store["seats"]
        bars += [(plan_name(plan, texts), name, plan["users"], "plan") for plan in held["plans"]]
        for key, text in (("without_plan", "no_plan"), ("plans_unknown", "plan_unknown")):
            if held[key]:
                bars.append((texts(f"seats.{text}"), name, held[key], "none"))
    most = max((users for _plan, _store, users, _tone in bars), default=0)
    bars.sort(key=lambda one: (-one[2], one[1], one[0]))
    return [
        {"plan": plan, "store": store, "users": users, "tone": tone, "width": _percent(users, most)}
        for plan, store, users, tone in bars
    ]


def _percent(number: int, most: int) -> float:
    return round(max(100 * number / most, LEAST_WIDTH), 2) if number else 0.0


def ending_plans(report: Mapping[str, Any], texts: Texts) -> Iterator[dict[str, Any]]:
    """The plans that end soon, of all stores, the earliest first."""
    today = datetime.date.fromisoformat(report["generated_at"][:10])
    found = [
        {
            "store": escape_control(store["name"]),
            "email": escape_control(str(plan["email"])),
            "plan": plan_name(plan, texts),
            "valid_to": str(plan["valid_to"]),
            "date": texts.date(str(plan["valid_to"])),
            "days": (datetime.date.fromisoformat(plan["valid_to"]) - today).days,
        }
        for store in report["stores"]
        for plan in (store["seats"] or {}).get("ending", [])
    ]
    yield from sorted(found, key=lambda plan: (plan["valid_to"], plan["store"], plan["email"]))


def ending(report: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """How many plans end in each of the next weeks, and altogether in 30 and in 90 days."""
    days = [plan["days"] for plan in ending_plans(report, texts)]
    weeks = [0] * WEEKS
    for number in days:
        weeks[min(max(number, 0) // 7, WEEKS - 1)] += 1
    most = max(weeks)
    width = 100 / WEEKS
    return {
        "soon": sum(number <= SOON for number in days),
        "later": sum(number <= LATER for number in days),
        "bars": [
            {
                "x": round(place * width + width * 0.14, 2),
                "width": round(width * 0.72, 2),
                "height": round(40 * number / most, 2) if most else 0,
                "soon": place * 7 <= SOON - 7,
                "number": number,
            }
            for place, number in enumerate(weeks)
        ],
        "numbers": ", ".join(map(texts.number, weeks)),
    }
