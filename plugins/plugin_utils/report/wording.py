# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report in words, for every form that people read. Pure.

What comes from a store is made visible here: a character that would steer a terminal, or hide on a
page, shows as its code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils.result.result import NOT_SHOWN, escape_control
from .changes import FORESEEN
from .model import AUDIT, CHANGED, NOT_RUN, UNREACHABLE
from .model import FAILED as STORE_FAILED
from .texts import Texts

DRY_RUN = "dry_run"
# How the modules write a plan in a difference.
_PLAN = re.compile(
    r"plan (\d+)(?: \((.*)\))?(?: until (\d{4}-\d{2}-\d{2}))?(, cancelled)?", re.DOTALL
)


def occasion(report: Mapping[str, Any]) -> str:
    """What the report is of: ``audit``, ``dry_run`` or ``provision``."""
    kind = str(report["kind"])
    return DRY_RUN if kind != AUDIT and report["check_mode"] else kind


def title(report: Mapping[str, Any], texts: Texts) -> str:
    """The title of the page."""
    kind = texts(f"kind.{occasion(report)}")
    return texts("title", kind=kind, date=texts.date(report["generated_at"]))


def headline(report: Mapping[str, Any], texts: Texts) -> str:
    """What the run did, or would do, in a sentence; and one more for each thing that failed."""
    totals, of = report["totals"], f"head.{occasion(report)}"
    by_status = totals["stores_by_status"]
    read = [store for store in report["stores"] if store["summary"] is not None]
    drifted, failed = totals["drifted"], totals["failed"]
    changed = _stores_with_changes(report)
    if not read:
        sentences = [texts("head.nothing_read")]
    elif drifted is None:
        uncounted = sum(store["status"] == CHANGED for store in read) or len(read)
        sentences = [texts(f"{of}.uncounted", stores=texts.count("stores", uncounted))]
    elif drifted:
        sentences = [texts.count(of, drifted, stores=texts.count("stores", len(changed)))]
    elif failed or len(read) < totals["stores"]:
        sentences = [texts(f"{of}.nobody")]
    else:
        sentences = [texts(f"{of}.none", stores=texts.count("stores", len(read)))]
    if failed:
        sentences.append(texts.count("head.users_failed", failed))
    # A store whose users are told as failed is not told once more.
    broken = sum(s["status"] == STORE_FAILED and s["summary"] is None for s in report["stores"])
    if broken:
        sentences.append(texts.count("head.stores_failed", broken))
    missing = by_status[UNREACHABLE] + by_status[NOT_RUN]
    if missing:
        sentences.append(texts.count("head.stores_missing", missing))
    return " ".join(sentences)


def _stores_with_changes(report: Mapping[str, Any]) -> set[str]:
    return {change["store"] for change in report["changes"] if change["changed"]}


def status_of_store(status: str, of: str, texts: Texts) -> str:
    """The state of a store in words.

    :param of: the occasion.
    """
    name = f"status.{status}"
    return texts(f"{name}.{of}" if status == CHANGED else name)


def status_of_change(status: str, of: str, texts: Texts) -> str:
    """What became of a user in words."""
    name = f"change.{status}"
    return texts(f"{name}.{of}" if status == FORESEEN else name)


def action(name: str, texts: Texts) -> str:
    """An action in words."""
    key = f"action.{name}"
    return texts(key) if texts.knows(key) else escape_control(name)


def who(change: Mapping[str, Any]) -> str:
    """The key by which people know a user."""
    for name in ("email", "external_id", "id"):
        if change[name] not in (None, ""):
            return escape_control(str(change[name]))
    return ""


def difference(entry: Mapping[str, Any], texts: Texts) -> tuple[str, str, str]:
    """An attribute, and its value before and after; an empty text where there is none."""
    name = str(entry["name"])
    key = f"field.{name}"
    label = texts(key) if texts.knows(key) else escape_control(name)
    before, after = (
        _value(name, entry[side], texts) if side in entry else "" for side in ("before", "after")
    )
    return label, before, after


def _value(name: str, value: Any, texts: Texts) -> str:
    if isinstance(value, bool):
        return texts("value.true" if value else "value.false")
    if value is None or value == []:
        return texts("value.unlimited" if name == "sessions_limit" else "value.null")
    if isinstance(value, list):
        return ", ".join(_entry(name, str(entry), texts) for entry in value)
    if isinstance(value, int):
        return texts.number(value)
    if value == NOT_SHOWN:
        return texts("value.password")
    if (name, value) == ("sessions", "ended"):
        return texts("value.ended")
    return escape_control(str(value))


def _entry(name: str, entry: str, texts: Texts) -> str:
    """One of several values; a plan as the modules write it, in the words of this language."""
    match = _PLAN.fullmatch(entry) if name == "plans" else None
    if match is None:
        return escape_control(entry)
    plan_id, called, end, cancelled = match.groups()
    told = texts("seats.plan", id=plan_id)
    told = f"{escape_control(called)} ({plan_id})" if called else told
    told = texts("value.until", plan=told, date=texts.date(end)) if end else told
    return texts("value.cancelled", plan=told) if cancelled else told


def plan_name(plan: Mapping[str, Any], texts: Texts) -> str:
    """A plan by its name, or by its id where the store tells none."""
    return (
        escape_control(str(plan["name"]))
        if plan["name"]
        else texts("seats.plan", id=plan["plan_id"])
    )


def notices(report: Mapping[str, Any], texts: Texts) -> list[tuple[str, str, str, str]]:
    """What needs attention: a tone (``bad``, ``warn``, ``note``), a label, a store and a text."""
    told: list[tuple[str, str, str, str]] = []
    for store in report["stores"]:
        name, status, failure = escape_control(store["name"]), store["status"], store["failure"]
        if status in (STORE_FAILED, UNREACHABLE):
            text = escape_control(failure["message"]) if failure else ""
            told.append(("bad", texts(f"notice.{status}"), name, text))
        elif status == NOT_RUN:
            told.append(("bad", texts("notice.not_run"), name, texts("notice.not_run_text")))
        guard = store["guard"]
        # Where it made the store fail, or a warning foretells that it would, it is told by that.
        if guard and not failure and not _is_told(guard, store["warnings"]):
            told.append(
                ("warn", texts("notice.guard"), name, escape_control(str(guard["message"])))
            )
        told.extend(
            (
                "warn" if guard and _is_told(guard, [warning]) else "note",
                texts("notice.warning"),
                name,
                escape_control(str(warning)),
            )
            for warning in store["warnings"]
        )
    return told


def _is_told(guard: Mapping[str, Any], warnings: Sequence[str]) -> bool:
    return any(str(guard["message"]) in str(warning) for warning in warnings)


def untold_stores(report: Mapping[str, Any]) -> list[str]:
    """The stores whose users were not told one by one."""
    return [
        escape_control(store["name"]) for store in report["stores"] if not store["told_one_by_one"]
    ]
