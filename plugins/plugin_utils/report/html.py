# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as one page, without any other file or request.

Values of a store reach it as text: through a template that escapes them, or as JSON in a script
element that no value can end.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ...module_utils.errors import escape_control
from . import wording
from .model import COUNTS, UNVERIFIED
from .wording import Texts

_DIRECTORY = Path(__file__).parent / "templates"
# The texts that the script shows, apart from those of its rows.
SCRIPT_TEXTS = (
    *("store", "user", "action", "difference", "status", "plan", "valid_to", "days_left"),
    *("rows_shown", "rows_none", "previous", "next", "page_size", "page_all", "sort_by"),
    *("before", "after", "not_listed", "no_longer_listed", "thousands"),
)
_ENDS_SCRIPT = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
# A chart shows this many bars, and the others when they are unfolded.
SHOWN_BARS = 6
# Widths are percentages. A bar for one user among thousands must still be visible.
LEAST_WIDTH = 0.6
WEEKS = 13
SOON_DAYS, LATER_DAYS = 30, 90


def page(report: Mapping[str, Any], texts: Texts) -> str:
    style, script = _read("page.css"), _read("page.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = texts.number
    template = environment.from_string(_read("page.html.j2"))
    run = wording.run_type(report)
    ends = plan_ends(report, texts)
    unverified = report["totals"]["users"][UNVERIFIED]
    rendered: str = template.render(
        t=texts,
        report=report,
        totals=report["totals"],
        run=run,
        title=f"{texts(f'kind.{run}')}, {texts.date(report['generated_at'])}",
        headline=wording.headline(report, texts),
        tiles=tiles(report, texts),
        notices=wording.notices(report, texts),
        columns={
            name: wording.count_label(name, run, texts)
            for name in (*COUNTS, "requests")
            if name != UNVERIFIED or unverified
        },
        stores=[_store_row(store, run, texts) for store in report["stores"]],
        seats=seat_charts(report, texts),
        ending=ending_chart(ends, texts),
        not_itemized=wording.stores_not_itemized(report),
        style=style,
        script=script,
        hashes={"style": _hash(style), "script": _hash(script)},
        data=as_script_data(_table_data(report, run, ends, texts)),
    )
    return rendered


def as_script_data(value: Any) -> str:
    """JSON for a script element; no value in it can end the element or begin a comment."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).translate(_ENDS_SCRIPT)


def tiles(report: Mapping[str, Any], texts: Texts) -> list[dict[str, str]]:
    totals, seats = report["totals"], report["totals"]["seats"]
    active = _seat_note(seats["active"], seats["stores_counted"], totals["stores"], texts)
    deactivated = _seat_note(
        seats["deactivated"], seats["stores_with_deactivated"], totals["stores"], texts
    )
    drifted = texts("tile.not_itemized")
    if totals["drifted"] is not None:
        listed = sum(change["changed"] and change["listed"] for change in report["changes"])
        others, desired = totals["drifted"] - listed, texts.number(totals["users"]["desired"])
        drifted = texts("tile.desired", n=desired)
        if others:
            drifted = texts(
                "tile.unlisted", listed=texts.number(listed), n=desired, others=texts.number(others)
            )
        if unverified := totals["users"][UNVERIFIED]:
            drifted += texts("tile.unverified", n=texts.number(unverified))
    failed = texts("tile.failed_users")
    if totals["not_tried"]:
        failed = texts("tile.not_tried", n=texts.number(totals["not_tried"]))
    label = texts(f"tile.drifted.{wording.run_type(report)}")
    figures = {
        "active": (texts("tile.active"), seats["active"], active),
        "deactivated": (texts("tile.deactivated"), seats["deactivated"], deactivated),
        "drifted": (label, totals["drifted"], drifted),
        "failed": (texts("count.failed"), totals["failed"], failed),
    }
    return [
        {
            "name": name,
            "label": label,
            "number": texts("tile.unknown") if number is None else texts.number(number),
            "note": note,
        }
        for name, (label, number, note) in figures.items()
    ]


def _seat_note(number: int | None, known: int, stores: int, texts: Texts) -> str:
    if number is None:
        return texts("tile.count_seats")
    if known < stores:
        of_stores = texts.count("stores", stores)
        return texts("tile.some_stores", n=texts.number(known), stores=of_stores)
    return texts.count("tile.all_stores", stores)


def _store_row(store: Mapping[str, Any], run: str, texts: Texts) -> dict[str, Any]:
    return {
        "name": escape_control(store["name"]),
        "status": store["status"],
        "status_text": wording.store_status(store, run, texts),
        "notes": wording.store_notes(store, texts),
        "counts": {**(store["summary"] or {}), "requests": wording.requests(store, run)},
        "hash": escape_control(str((store["plan"] or {}).get("hash") or "")),
    }


def _table_data(
    report: Mapping[str, Any], run: str, ends: Sequence[Mapping[str, Any]], texts: Texts
) -> dict[str, Any]:
    changes = report["changes"]
    return {
        "texts": {name: texts.get(name) for name in SCRIPT_TEXTS},
        "actions": {
            name: wording.action(name, texts)
            for name in sorted({name for change in changes for name in change["actions"]})
        },
        "statuses": {
            status: wording.user_status(status, run, texts)
            for status in sorted({change["status"] for change in changes})
        },
        "changes": [
            [
                escape_control(change["store"]),
                wording.user_label(change),
                escape_control(str(change["external_id"] or "")),
                change["actions"],
                change["status"],
                wording.unlisted(change),
                [wording.difference(entry, texts) for entry in change["differences"]],
                wording.message(change["error"]["message"]) if change["error"] else "",
            ]
            for change in changes
        ],
        "ending": [
            [end[key] for key in ("store", "email", "plan", "valid_to", "date", "days")]
            for end in ends
        ],
    }


def seat_charts(report: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """Seats by state and by plan, of the stores whose list was read to its end."""
    stores = [(escape_control(store["name"]), store["seats"]) for store in report["stores"]]
    counted = [(name, seats) for name, seats in stores if seats is not None]
    return {
        "counted": bool(counted),
        "missing": ", ".join(name for name, seats in stores if seats is None),
        "states": _split(_state_bars(counted)),
        "plans": _split(_plan_bars(counted, texts)),
        "several": len(stores) > 1,
    }


def _split(bars: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"shown": bars[:SHOWN_BARS], "more": bars[SHOWN_BARS:]}


def _state_bars(counted: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """A bar for each store, in two parts: its active and its deactivated users."""
    numbers = [(name, seats["active"], seats["deactivated"]) for name, seats in counted]
    most = max((active + (gone or 0) for _name, active, gone in numbers), default=0)
    bars = [
        {
            "store": name,
            "active": active,
            "deactivated": gone,
            "active_width": _percent(active, most),
            "deactivated_width": _percent(gone or 0, most),
        }
        for name, active, gone in numbers
    ]
    return sorted(bars, key=lambda bar: (-bar["active"], bar["store"]))


def _plan_bars(
    counted: Sequence[tuple[str, Mapping[str, Any]]], texts: Texts
) -> list[dict[str, Any]]:
    """A bar for each plan of each store, since the same id is another plan in another store."""
    bars = []
    for name, seats in counted:
        bars += [(wording.plan_name(p, texts), name, p["users"], "plan") for p in seats["plans"]]
        for key, text in (("without_plan", "no_plan"), ("plans_unknown", "plan_unknown")):
            if seats[key]:
                bars.append((texts(f"seats.{text}"), name, seats[key], "none"))
    most = max((users for _plan, _store, users, _tone in bars), default=0)
    bars.sort(key=lambda bar: (-bar[2], bar[1], bar[0]))
    return [
        {"plan": plan, "store": store, "users": users, "tone": tone, "width": _percent(users, most)}
        for plan, store, users, tone in bars
    ]


def _percent(number: int, most: int) -> float:
    return round(max(100 * number / most, LEAST_WIDTH), 2) if number else 0.0


def plan_ends(report: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    today = datetime.date.fromisoformat(report["generated_at"][:10])
    ends = [
        {
            "store": escape_control(store["name"]),
            "email": escape_control(str(end["email"])),
            "plan": wording.plan_name(end, texts),
            "valid_to": str(end["valid_to"]),
            "date": texts.date(str(end["valid_to"])),
            "days": (datetime.date.fromisoformat(end["valid_to"]) - today).days,
        }
        for store in report["stores"]
        for end in (store["seats"] or {}).get("ending", [])
    ]
    return sorted(ends, key=lambda end: (end["valid_to"], end["store"], end["email"]))


def ending_chart(ends: Sequence[Mapping[str, Any]], texts: Texts) -> dict[str, Any]:
    weeks = [0] * WEEKS
    for end in ends:
        weeks[min(max(end["days"], 0) // 7, WEEKS - 1)] += 1
    most = max(weeks)
    width = 100 / WEEKS
    return {
        "soon": sum(end["days"] <= SOON_DAYS for end in ends),
        "later": sum(end["days"] <= LATER_DAYS for end in ends),
        "bars": [
            {
                "x": round(week * width + width * 0.14, 2),
                "width": round(width * 0.72, 2),
                "height": round(40 * number / most, 2) if most else 0,
                "soon": week * 7 <= SOON_DAYS - 7,
            }
            for week, number in enumerate(weeks)
        ],
        "numbers": ", ".join(map(texts.number, weeks)),
    }


def _read(name: str) -> str:
    return (_DIRECTORY / name).read_text("utf-8")


def _hash(content: str) -> str:
    """The source expression of a Content-Security-Policy that allows this inline content."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
