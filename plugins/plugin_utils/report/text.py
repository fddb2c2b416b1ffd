# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: the page, and the same data as JSON, Markdown and JUnit XML.

In Markdown, each value of a store is in a code span: there it is no markup, mentions no account and
links nowhere. In JUnit XML, each store is a suite, with a case for itself and for each user.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...module_utils.errors import escape_control
from . import wording
from .html import page
from .model import AS_DECLARED, AUDIT, CHANGED, COUNTS, PREDICTED, UNVERIFIED
from .wording import Texts

PAGE, DATA, MARKDOWN, JUNIT = "index.html", "report.json", "report.md", "junit.xml"
# A comment on GitHub holds 65,536 characters. The rest is for text that a pipeline adds.
MOST_CHARACTERS = 60_000
# The longest value in a row or line. The page and the JSON have the complete value.
LONGEST_VALUE = 600


def files_of(report: Mapping[str, Any], language: str) -> dict[str, str]:
    texts = Texts(language)
    return {
        PAGE: page(report, texts),
        # Escaped to ASCII, since half of a surrogate pair cannot be written as UTF-8.
        DATA: f"{json.dumps({**report, 'language': language}, indent=1)}\n",
        MARKDOWN: markdown(report, texts),
        JUNIT: junit(report, texts),
    }


def markdown(report: Mapping[str, Any], texts: Texts) -> str:
    run = wording.run_type(report)
    head = f"### {texts(f'kind.{run}')}\n\n**{' '.join(wording.headline(report, texts)).strip()}**"
    notices = "\n".join(
        f"- **{label}** {code(store)}: {_item(text)}"
        for _tone, label, store, text in wording.notices(report, texts)
    )
    moment = texts.moment(report["generated_at"])
    notes = "\n".join(
        f"- {code(escape_control(store['name']))}: {note}"
        for store in report["stores"]
        if (note := wording.store_notes(store, texts))
    )
    blocks = [head, moment, _store_table(report, run, texts), notes, notices]
    text = "\n\n".join(block for block in blocks if block)
    # A thousand failed stores alone would be too long for a comment.
    text = _cut(text, MOST_CHARACTERS // 2, texts)
    return _with_changes(text, report, run, texts)


def code(value: str) -> str:
    """A value as a code span that is also safe in the cell of a table."""
    value = value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
    if not value:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", value)), default=0) + 1)
    # Markdown removes one blank at each end, and a backtick there would extend the fence.
    blank = " " if value[0] in "` " or value[-1] in "` " else ""
    return f"{fence}{blank}{value}{blank}{fence}".replace("|", r"\|")


def _item(text: str) -> str:
    """A message in a list: a code span for its first line, a nested item for each other line."""
    return "\n  - ".join(map(code, text.split("\n")))


def _store_table(report: Mapping[str, Any], run: str, texts: Texts) -> str:
    unverified = report["totals"]["users"][UNVERIFIED]
    hidden = ("protected",) if unverified else ("protected", UNVERIFIED)
    shown = [name for name in COUNTS if name not in hidden]
    labels = [wording.count_label(name, run, texts) for name in shown]
    head = [texts("store"), texts("status"), *labels]
    lines = [_row(head), _row(["---", "---", *["--:"] * len(shown)])]
    for store in report["stores"]:
        counts = store["summary"]
        numbers = [texts.number(counts[name]) if counts else "" for name in shown]
        status = wording.store_status(store, run, texts)
        lines.append(_row([code(escape_control(store["name"])), status, *numbers]))
    return "\n".join(lines)


def _with_changes(text: str, report: Mapping[str, Any], run: str, texts: Texts) -> str:
    """The text and the table of users that changed or failed, with as many rows as fit."""
    total = len(report["changes"])
    if not total:
        return f"{text}\n"
    head = [texts(name) for name in ("store", "user", "action", "difference")]
    title = texts(f"changes.title.{run}")
    text = f"{text}\n\n#### {title}\n\n{_row(head)}\n{_row(['---'] * 4)}"
    room = MOST_CHARACTERS - len(text) - 200
    rows: list[str] = []
    for row in _change_rows(report, texts):
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    text = "\n".join([text, *rows])
    if len(rows) < total:
        text += f"\n\n{texts.count('more_rows', total - len(rows))}"
    return f"{text}\n"


def _change_rows(report: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    for change in report["changes"]:
        actions = wording.actions(change, texts)
        if change["error"]:
            status = wording.user_status(change["status"], "", texts)
            actions = ", ".join(filter(None, [actions, f"**{status}**"]))
        details = [_difference(entry, texts) for entry in change["differences"]]
        if change["error"]:
            details.extend(map(code, wording.message(change["error"]["message"]).split("\n")))
        store, user = code(escape_control(change["store"])), code(wording.user_label(change))
        yield _row([store, user, actions, "<br>".join(details)])


def _difference(entry: Mapping[str, Any], texts: Texts) -> str:
    label, before, after = wording.difference(entry, texts)
    label = label if texts.get(f"field.{entry['name']}") else code(label)
    return _from_to(label, code(before), code(after))


def _from_to(label: str, before: str, after: str) -> str:
    return f"{label}: {before} → {after}" if before else f"{label}: {after}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cut(text: str, most: int, texts: Texts) -> str:
    if len(text) <= most:
        return text
    kept = text[:most].rpartition("\n")[0]
    left = text.count("\n") - kept.count("\n")
    return f"{kept}\n\n{texts.count('more_rows', left)}"


def junit(report: Mapping[str, Any], texts: Texts) -> str:
    run = wording.run_type(report)
    by_store: dict[str, list[Mapping[str, Any]]] = {}
    for change in report["changes"]:
        by_store.setdefault(change["store"], []).append(change)
    root = ET.Element("testsuites", name=f"publica.la {run}")
    for store in report["stores"]:
        root.append(_suite(store, by_store.get(store["name"], []), report, texts))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    root.set("time", "0")
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suite(
    store: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    report: Mapping[str, Any],
    texts: Texts,
) -> ET.Element:
    run, audit = wording.run_type(report), report["kind"] == AUDIT
    suite = ET.Element("testsuite", name=escape_control(store["name"]), tests=str(len(changes) + 1))
    cases = [_store_case(store, run, audit, texts)]
    cases += [_user_case(change, run, audit, texts) for change in changes]
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", "0")
    suite.set("timestamp", str(report["generated_at"])[:19])
    suite.extend(cases)
    return suite


def _store_case(store: Mapping[str, Any], run: str, audit: bool, texts: Texts) -> ET.Element:
    case = _case(store["name"], texts("store"))
    status = wording.store_status(store, run, texts)
    if store["status"] == CHANGED and audit:
        _add_outcome(case, "failure", status, "drift", status)
    elif store["status"] not in (AS_DECLARED, CHANGED):
        kind = (store["failure"] or {}).get("code") or store["status"]
        _add_outcome(case, "error", status, kind, wording.failure_text(store, texts))
    notes = [wording.store_notes(store, texts)]
    if store["summary"] is not None:
        notes = [wording.nothing_written(run, texts), wording.needs([store], run, texts), *notes]
    if any(notes):
        ET.SubElement(case, "system-out").text = " ".join(filter(None, notes))
    return case


def _user_case(change: Mapping[str, Any], run: str, audit: bool, texts: Texts) -> ET.Element:
    case = _case(change["store"], wording.user_label(change))
    actions = wording.actions(change, texts)
    lines = [actions] if actions else []
    lines += [_from_to(*wording.difference(entry, texts)) for entry in change["differences"]]
    status = wording.user_status(change["status"], run, texts)
    text = "\n".join(lines)
    error = change["error"]
    if error:
        message = wording.message(error["message"])
        title = message.replace("\n", " ")
        _add_outcome(case, "error", title, error["code"], f"{message}\n{text}".strip())
    elif change["status"] == PREDICTED and audit:
        _add_outcome(case, "failure", f"{status}: {actions}", "drift", text)
    else:
        ET.SubElement(case, "system-out").text = f"{status}: {text}"
    return case


def _case(store: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=escape_control(store), name=name, time="0")


def _add_outcome(case: ET.Element, tag: str, message: str, kind: str, text: str) -> None:
    ET.SubElement(case, tag, message=message, type=escape_control(str(kind))).text = text
