# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as one page that needs nothing but itself. Pure, but for reading its own templates.

The page may ask for nothing: its Content-Security-Policy allows the one style and the one script in
it, by their hashes, and no request to anywhere. Values of a store reach it as text, by a template
that escapes them or as JSON in a script element that no value can end.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ...module_utils.result.result import escape_control
from . import charts, wording
from .texts import Texts

_FOLDER = Path(__file__).parent / "templates"
# What the script says, beside the rows.
SCRIPT_TEXTS = (
    *("store", "user", "action", "difference", "status", "plan", "valid_to", "days_left"),
    *("rows_shown", "rows_none", "previous", "next", "page_size", "page_all", "sort_by"),
    *("before", "after", "not_listed", "thousands"),
)
_ENDS_SCRIPT = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def page(report: Mapping[str, Any], texts: Texts) -> str:
    """The report as HTML."""
    style, script = (_read(name) for name in ("page.css", "page.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = texts.number
    template = environment.from_string(_read("page.html.j2"))
    of = wording.occasion(report)
    rendered: str = template.render(
        t=texts,
        report=report,
        totals=report["totals"],
        of=of,
        title=wording.title(report, texts),
        headline=wording.headline(report, texts),
        tiles=tiles(report, texts),
        notices=wording.notices(report, texts),
        stores=[_store(store, of, texts) for store in report["stores"]],
        seats=charts.seats(report, texts),
        ending=charts.ending(report, texts),
        untold=", ".join(wording.untold_stores(report)),
        style=style,
        script=script,
        hashes={"style": _hash(style), "script": _hash(script)},
        data=as_script_data(_data(report, texts)),
    )
    return rendered


def as_script_data(value: Any) -> str:
    """JSON for a script element; no value in it can end the element or begin a comment."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).translate(_ENDS_SCRIPT)


def tiles(report: Mapping[str, Any], texts: Texts) -> list[dict[str, str]]:
    """The four figures of a report, each with what it counts and a word on it."""
    totals, seats = report["totals"], report["totals"]["seats"]
    of = wording.occasion(report)
    return [
        _seat_tile("active", seats["active"], seats["stores_counted"], report, texts),
        _seat_tile(
            "deactivated", seats["deactivated"], seats["stores_with_deactivated"], report, texts
        ),
        {
            "name": "drifted",
            "label": texts(f"tile.drifted.{of}"),
            "number": _number(totals["drifted"], texts),
            "note": texts("tile.desired", n=texts.number(totals["users"]["desired"]))
            if totals["drifted"] is not None
            else texts("tile.uncounted"),
        },
        {
            "name": "failed",
            "label": texts("tile.failed"),
            "number": texts.number(totals["failed"]),
            "note": texts("tile.not_tried", n=texts.number(totals["not_tried"]))
            if totals["not_tried"]
            else texts("tile.failed_users"),
        },
    ]


def _seat_tile(
    name: str, number: int | None, known: int, report: Mapping[str, Any], texts: Texts
) -> dict[str, str]:
    stores = len(report["stores"])
    if number is None:
        note = texts("tile.how")
    elif known < stores:
        some = texts.count("stores", stores)
        note = texts("tile.some_stores", n=texts.number(known), stores=some)
    else:
        note = texts.count("tile.all_stores", stores)
    label = texts(f"tile.{name}")
    return {"name": name, "label": label, "number": _number(number, texts), "note": note}


def _number(number: int | None, texts: Texts) -> str:
    return texts("tile.unknown") if number is None else texts.number(number)


def _store(store: Mapping[str, Any], of: str, texts: Texts) -> dict[str, Any]:
    return {
        "name": escape_control(store["name"]),
        "status": store["status"],
        "status_text": wording.status_of_store(store["status"], of, texts),
        "counts": store["summary"],
        "requests": (store["api"] or {}).get("requests"),
        "hash": escape_control(str((store["plan"] or {}).get("hash") or "")),
    }


def _data(report: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """What the script shows in its tables, in words already."""
    of = wording.occasion(report)
    return {
        "texts": {name: texts.raw(name) for name in SCRIPT_TEXTS},
        "actions": {
            name: wording.action(name, texts)
            for name in sorted({a for c in report["changes"] for a in c["actions"]})
        },
        "statuses": {
            name: wording.status_of_change(name, of, texts)
            for name in sorted({change["status"] for change in report["changes"]})
        },
        "changes": [
            [
                escape_control(change["store"]),
                wording.who(change),
                escape_control(str(change["external_id"] or "")),
                change["actions"],
                change["status"],
                change["listed"],
                [wording.difference(entry, texts) for entry in change["differences"]],
                escape_control(change["error"]["message"]) if change["error"] else "",
            ]
            for change in report["changes"]
        ],
        "ending": [
            [end["store"], end["email"], end["plan"], end["valid_to"], end["date"], end["days"]]
            for end in charts.ending_plans(report, texts)
        ],
    }


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _hash(content: str) -> str:
    """How a Content-Security-Policy names what stands in the page itself."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
