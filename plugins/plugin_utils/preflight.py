# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a preflight: what each store is like, as data, as lines of text and as a page."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..module_utils.errors import counted, escape_control
from ..module_utils.plan.model import rate_limit_windows
from .report.model import FAILED, NOT_RUN, failure_of

FORMAT = 1
WIDTH = 80
INDENT = "  "
READY = "ready"
CENSUS = "publica_preflight_census"

Data = Mapping[str, Any]

# What a store does, by API variant and value.
VARIANTS: tuple[tuple[int, str, Mapping[Any, str]], ...] = (
    (5, "paginator", {
        "full": "A page of a list shows how many pages there are.",
        "minimal": "A page of a list does not show how many pages there are.",
    }),
    (8, "external_id_returned", {
        True: "External ids are shown, so users are matched by them.",
        False: "External ids are hidden, so users are matched by address.",
    }),
    (2, "search_finds_deactivated", {
        True: "A search for an address finds deactivated users too.",
        False: "A search for an address finds active users only.",
    }),
    (3, "list_holds_deactivated", {
        True: "The list of active users holds deactivated ones too.",
        False: "The list of active users holds no deactivated ones.",
    }),
    (11, "plan_rows", {
        "plan_id": "Users' plans are shown, by plan_id.",
        "plan": "Users' plans are shown, by plan.id.",
        "hidden": "Users' plans are hidden. A plan is assigned on creation only.",
    }),
    (27, "plans_list", {
        True: "The store lists its plans, so rows can use plan_name.",
        False: "The store does not list its plans. Use plan_id, not plan_name.",
    }),
    (7, "times", {"iso": "Times are ISO 8601.", "object": "Times are objects."}),
    (6, "booleans", {
        "boolean": "Booleans are true and false.",
        "number": "Booleans are 1 and 0.",
        "text": "Booleans are text.",
    }),
)  # fmt: skip
# What an operator calls a variant that could not be seen.
NOT_SEEN = {
    "external_id_returned": "external ids",
    "paginator": "the number of pages",
    "per_page_max": "the length of a page",
    "search_finds_deactivated": "a search for deactivated users",
    "list_holds_deactivated": "whether the list holds deactivated users",
    "plan_rows": "users' plans",
    "plans_list": "the list of plans",
    "times": "times",
    "booleans": "booleans",
}
# The active users of a census, with what follows for them.
KINDS = (
    ("admins", "administer the store; exclusive and leavers keep them"),
    ("plan_admins", "administer a plan; exclusive and leavers keep them"),
    ("institutions", "are institutions; exclusive and leavers keep them"),
    ("anonymized", "are anonymized; no run changes them"),
    ("not_editable", "can't be changed by the API"),
    ("without_external_id", "have no external_id; a change needs one in the row"),
    ("external_id_too_long", "have an external_id that the API refuses; give another"),
    ("without_plan", "hold no plan today"),
)


def store_of(name: str, result: Data, rows: Data) -> dict[str, Any]:
    """The data of one store.

    :param result: of publica_store_info, or of an earlier task that failed; empty without one.
    :param rows: the result that counts the rows; empty without any.
    """
    failure = failure_of(result)
    is_ready = "store" in result and not failure
    return {
        "name": name,
        "status": FAILED if failure else READY if is_ready else NOT_RUN,
        "failure": failure and {key: failure[key] for key in ("code", "message")},
        **{
            key: result.get(key) if is_ready else None
            for key in ("store", "census", "requests_a_minute", "requests_to_list", "unknown")
        },
        "first_run": first_run(result, rows) if is_ready else None,
        "warnings": list(dict.fromkeys((*result.get("warnings", ()), *rows.get("warnings", ())))),
        "api": result.get("api"),
    }


def first_run(result: Data, rows: Data) -> dict[str, Any]:
    """An estimate of what the first run costs: a write for each row; None for what is unknown."""
    error = None
    if rows and "summary" not in rows and not rows.get("skipped"):
        error = (rows.get("failure") or {}).get("message") or rows.get("msg")
        error = str(error or "The rows were not counted.")
    count = rows.get("summary", {}).get("desired")
    to_list = result["requests_to_list"]
    requests = None if count is None or to_list is None else count + to_list
    limit = result["requests_a_minute"]
    known = requests if requests is not None else count
    minutes = None if limit is None or known is None else rate_limit_windows(known, limit, 100)
    return {"rows": count, "error": error, "requests": requests, "minutes": minutes}


def report_of(stores: Sequence[Data], *, generated_at: str, version: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": "preflight",
        "generated_at": generated_at,
        "collection_version": version,
        "stores": list(stores),
    }


def lines_of(store: Data) -> Iterator[str]:
    """The page of one store."""
    yield from _title(store["name"], "=")
    if store["status"] != READY:
        failure = store["failure"] or {"message": "It was not read. See the error above."}
        code = f" ({failure['code']})" if failure.get("code") else ""
        first, *others = failure["message"].split("\n")
        yield from _text(f"Failed{code}: {first}")
        for line in others:
            yield from _text(line)
        return
    for title, texts in _sections(store):
        yield ""
        yield title
        for text in texts:
            yield from _text(text)


def summary_lines(stores: Sequence[Data]) -> Iterator[str]:
    failed = [store["name"] for store in stores if store["status"] != READY]
    yield from _title("Summary", "=")
    ready = len(stores) - len(failed)
    yield from _text(f"{ready} of {counted(len(stores), 'store')} can be managed.")
    if failed:
        yield from _text(f"Failed: {', '.join(failed)}.")
    refused = [one["name"] for one in stores if (one["first_run"] or {}).get("error") is not None]
    if refused:
        yield from _text(f"With a list that a run refuses: {', '.join(refused)}.")


def _sections(store: Data) -> Iterator[tuple[str, list[str]]]:
    variants = store["store"]["variants"]
    requests = counted((store["api"] or {}).get("requests", 0), "request")
    accepts = f"The store answers and accepts the token. {requests}, nothing written."
    yield "Store and token", [accepts]
    yield "Limit and clock", [_limit(store), _clock(store["store"]["clock_offset_seconds"])]
    shown = [
        f"{texts[variants[name]]} [{number}]"
        for number, name, texts in VARIANTS
        if variants[name] in texts
    ]
    if variants["per_page_max"]:
        shown.insert(0, f"A page holds up to {counted(variants['per_page_max'], 'user')}. [5]")
    not_seen = [text for name, text in NOT_SEEN.items() if variants[name] is None]
    if not_seen:
        shown.append(f"Not seen: {', '.join(not_seen)}.")
    yield "What reading shows [number of the API variant]", shown
    yield "Who is there", _who(store)
    yield "What a first run costs", _cost(store)
    unknown = [f"{one['text']} [{one['variant']}]" for one in store["unknown"]]
    yield "Unknown until a write", [f"{'; '.join(unknown)}."]
    if store["warnings"]:
        yield "Warnings", [f"- {text}" for text in store["warnings"]]


def _limit(store: Data) -> str:
    limit, usable = store["store"]["rate_limit"], store["requests_a_minute"]
    if limit is None:
        return "The store reports no limit. A run slows down once the store refuses."
    share = "" if usable == limit else f", of which runs use {usable:,} (rate_limit_share)"
    return f"{counted(limit, 'request', ',')} a minute{share}."


def _clock(offset: int | None) -> str:
    if offset is None:
        return "The store's clock is unknown: its answers have no date."
    if abs(offset) <= 1:
        return "The store's clock and the one here agree."
    ahead = "ahead of" if offset > 0 else "behind"
    return f"The store's clock is {abs(offset):,} s {ahead} the one here. Runs allow for that."


def _who(store: Data) -> list[str]:
    census = store["census"]
    if census is None:
        pages = store["requests_to_list"]
        cost = "one request for each 100 users" if pages is None else counted(pages, "request", ",")
        return [f"Not counted. -e {CENSUS}=true reads all users: {cost}."]
    shown = [f"{census[name]:,} of them {text}." for name, text in KINDS if census[name]]
    hidden = [name for name, _text in KINDS if census[name] is None]
    if hidden:
        shown.append(f"Not shown by the store: {', '.join(hidden)}.")
    users = counted(census["active"], "active user", ",")
    return [f"{users}, {census['deactivated']:,} deactivated.", *shown]


def _cost(store: Data) -> list[str]:
    cost = store["first_run"]
    if cost["error"] is not None:
        return [
            "A run refuses the list and the file before its first request:",
            *cost["error"].split("\n"),
        ]
    if cost["rows"] is None:
        return ["No list and no file of users is set yet."]
    rows = counted(cost["rows"], "row", ",")
    minutes = cost["minutes"]
    time = ", less than a minute" if minutes == 1 else f", about {minutes} minutes"
    if minutes is None:
        time = ""
    requests = f"as many writes{time}, and one request for each 100 users"
    if cost["requests"] is not None:
        requests = (
            f"{counted(cost['requests'], 'request', ',')}{time}: a write for each row, and "
            f"{store['requests_to_list']:,}"
        )
    return [
        f"{rows} in the lists and the file. About {requests} to read the store.",
        "Requests that are repeated come on top.",
        "A dry run shows each change: publica.la.provision --check --diff",
    ]


def _title(text: str, line: str) -> Iterator[str]:
    lines = textwrap.wrap(escape_control(text), WIDTH) or [""]
    yield ""
    yield from lines
    yield line * max(map(len, lines))


def _text(text: str) -> list[str]:
    hanging = INDENT * 2 if text.startswith("- ") else INDENT
    return textwrap.wrap(
        escape_control(text), WIDTH, initial_indent=INDENT, subsequent_indent=hanging
    )


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48em; margin: 2em auto; padding: 0 1em; }
pre { font: 14px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
:root { color-scheme: light dark; }
"""


def page_of(report: Data) -> str:
    """The report as one HTML page, without any other file, script or request."""
    stores = report["stores"]
    text = "\n".join(line for one in stores for line in lines_of(one))
    summary = "\n".join(summary_lines(stores))
    made = f"{report['generated_at']}, publica.la {report['collection_version']}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Preflight</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>Preflight</h1>\n<p>{html.escape(made)}</p>\n"
        f"<pre>{html.escape(summary)}\n{html.escape(text)}</pre>\n</main>\n</body>\n</html>\n"
    )
