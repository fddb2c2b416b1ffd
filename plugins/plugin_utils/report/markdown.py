# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as Markdown, for the comment of a pull request or the summary of a CI's run. Pure.

Each value of a store stands in a code span: there it is no markup, mentions nobody and links
nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...module_utils.result.result import escape_control
from . import wording
from .texts import Texts

# What GitHub takes for one comment is 65,536 characters; a few are left for whoever adds to it.
MOST_CHARACTERS = 60_000
# The longest text that one row or line takes; the page and the JSON have all of it.
MOST_OF_A_TEXT = 600
STORE_COUNTS = ("desired", "created", "updated", "reactivated", "deactivated", "unchanged")


def markdown(report: Mapping[str, Any], texts: Texts) -> str:
    """The report, never longer than :data:`MOST_CHARACTERS`."""
    blocks = [_head(report, texts), _stores(report, texts), _notices(report, texts)]
    text = "\n\n".join(block for block in blocks if block)
    # A thousand stores that failed would be too much by themselves.
    text = _cut(text, MOST_CHARACTERS // 2, texts)
    return _with_changes(text, report, texts)


def code(value: str) -> str:
    """A value as a code span that also keeps together in the cell of a table."""
    value = value if len(value) <= MOST_OF_A_TEXT else f"{value[:MOST_OF_A_TEXT]}…"
    if not value:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", value)), default=0) + 1)
    # Blanks at the edges are taken off once, and a backtick there would belong to the fence.
    blank = " " if value[0] in "` " or value[-1] in "` " else ""
    return f"{fence}{blank}{value}{blank}{fence}".replace("|", r"\|")


def _head(report: Mapping[str, Any], texts: Texts) -> str:
    made = texts.moment(report["generated_at"])
    title = texts(f"kind.{wording.occasion(report)}")
    return f"### {title}\n\n**{wording.headline(report, texts)}**\n\n{made}"


def _stores(report: Mapping[str, Any], texts: Texts) -> str:
    of = wording.occasion(report)
    names = [texts("store"), texts("status")]
    names += [texts(f"count.{name}") for name in (*STORE_COUNTS, "failed")]
    lines = [_row(names), _row(["---", "---", *("--:" for _name in names[2:])])]
    for store in report["stores"]:
        counts = store["summary"] or {}
        numbers = [
            texts.number(counts[name]) if name in counts else ""
            for name in (*STORE_COUNTS, "failed")
        ]
        status = wording.status_of_store(store["status"], of, texts)
        lines.append(_row([code(escape_control(store["name"])), status, *numbers]))
    return "\n".join(lines)


def _notices(report: Mapping[str, Any], texts: Texts) -> str:
    return "\n".join(
        f"- **{label}** {code(store)}: {code(text)}"
        for _tone, label, store, text in wording.notices(report, texts)
    )


def _with_changes(text: str, report: Mapping[str, Any], texts: Texts) -> str:
    """The users behind the rest, as many as there is room for."""
    total = len(report["changes"])
    if not total:
        return f"{text}\n"
    of = wording.occasion(report)
    head = [texts(name) for name in ("store", "user", "action", "difference")]
    parts = [text, f"#### {texts(f'changes.title.{of}')}", f"{_row(head)}\n{_row(['---'] * 4)}"]
    built = "\n\n".join(parts)
    room = MOST_CHARACTERS - len(built) - 200
    rows: list[str] = []
    for row in _changes(report, texts):
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    built = "\n".join([built, *rows])
    if len(rows) < total:
        built += f"\n\n{texts.count('more_rows', total - len(rows))}"
    return f"{built}\n"


def _changes(report: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    for change in report["changes"]:
        words = [wording.action(name, texts) for name in change["actions"]]
        if change["error"]:
            words.append(f"**{wording.status_of_change(change['status'], '', texts)}**")
        if not change["listed"]:
            words.append(texts("not_listed"))
        told = [_difference(entry, texts) for entry in change["differences"]]
        if change["error"]:
            told.append(code(escape_control(change["error"]["message"])))
        yield _row(
            [
                code(escape_control(change["store"])),
                code(wording.who(change)),
                ", ".join(words),
                "<br>".join(told),
            ]
        )


def _difference(entry: Mapping[str, Any], texts: Texts) -> str:
    label, before, after = wording.difference(entry, texts)
    label = label if texts.knows(f"field.{entry['name']}") else code(label)
    return f"{label}: {code(before)} → {code(after)}" if before else f"{label}: {code(after)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cut(text: str, most: int, texts: Texts) -> str:
    """The first lines of a text, as many as there is room for."""
    if len(text) <= most:
        return text
    kept = text[:most].rpartition("\n")[0]
    left = text.count("\n") - kept.count("\n")
    return f"{kept}\n\n{texts.count('more_rows', left)}"
