# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as JUnit XML: a suite for each store, a case for it and for each user. Pure.

What a CI shows as failed: a store or a user that failed, and in an audit whoever differs.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils.result.result import escape_control
from . import wording
from .changes import FORESEEN
from .model import AS_DECLARED, AUDIT, CHANGED
from .texts import Texts


def junit(report: Mapping[str, Any], texts: Texts) -> str:
    """The report; every value in it is text that XML allows."""
    by_store: dict[str, list[Mapping[str, Any]]] = {}
    for change in report["changes"]:
        by_store.setdefault(change["store"], []).append(change)
    suites = [_suite(s, by_store.get(s["name"], []), report, texts) for s in report["stores"]]
    root = ET.Element("testsuites", name=f"publica.la {wording.occasion(report)}")
    root.extend(suites)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in suites)))
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
    name = escape_control(store["name"])
    cases = [_store_case(store, report, texts)]
    cases += [_user_case(name, change, report, texts) for change in changes]
    suite = ET.Element("testsuite", name=name, tests=str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", "0")
    suite.set("timestamp", str(report["generated_at"])[:19])
    suite.extend(cases)
    return suite


def _case(store: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=store, name=name, time="0")


def _store_case(store: Mapping[str, Any], report: Mapping[str, Any], texts: Texts) -> ET.Element:
    status = store["status"]
    name = escape_control(store["name"])
    case = _case(name, texts("store"))
    said = wording.status_of_store(status, wording.occasion(report), texts)
    if status == CHANGED and report["kind"] == AUDIT:
        _outcome(case, "failure", said, "drift", said)
    elif status not in (AS_DECLARED, CHANGED):
        failure = store["failure"] or {}
        text = escape_control(failure.get("message") or texts("notice.not_run_text"))
        _outcome(case, "error", said, failure.get("code") or status, text)
    return case


def _user_case(
    store: str, change: Mapping[str, Any], report: Mapping[str, Any], texts: Texts
) -> ET.Element:
    case = _case(store, wording.who(change))
    lines = [", ".join(wording.action(name, texts) for name in change["actions"])]
    for entry in change["differences"]:
        label, before, after = wording.difference(entry, texts)
        lines.append(f"{label}: {before} → {after}" if before else f"{label}: {after}")
    said = wording.status_of_change(change["status"], wording.occasion(report), texts)
    text = "\n".join(line for line in lines if line)
    error = change["error"]
    if error:
        message = escape_control(error["message"])
        _outcome(case, "error", message, error["code"], f"{message}\n{text}".strip())
    elif change["status"] == FORESEEN and report["kind"] == AUDIT:
        _outcome(case, "failure", f"{said}: {lines[0]}", "drift", text)
    else:
        ET.SubElement(case, "system-out").text = f"{said}: {text}"
    return case


def _outcome(case: ET.Element, tag: str, message: str, kind: str, text: str) -> None:
    ET.SubElement(case, tag, message=message, type=escape_control(str(kind))).text = text
