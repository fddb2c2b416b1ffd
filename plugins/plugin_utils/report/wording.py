# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of a report in each language, shared by the files that people read.

Values of a store are escaped here: a character that could control a terminal, or that a page
would not show, is written as its code.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils.errors import escape_control
from .model import (
    AS_DECLARED,
    AUDIT,
    CHANGED,
    FAILED,
    NOT_RUN,
    PREDICTED,
    UNREACHABLE,
    UNVERIFIED,
)

ENGLISH, SPANISH, PORTUGUESE = "en", "es", "pt"
LANGUAGES = (ENGLISH, SPANISH, PORTUGUESE)
# The ``lang`` attribute of the page. Hyphenation and screen readers depend on it.
TAGS = {ENGLISH: "en", SPANISH: "es-419", PORTUGUESE: "pt-BR"}
DRY_RUN = "dry_run"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DIRECTORY = Path(__file__).parent / "languages"


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every text of a language by its name.

    :raises ValueError: for an unknown language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"Unknown language: {language}")
    texts: Mapping[str, str] = json.loads((_DIRECTORY / f"{language}.json").read_text("utf-8"))
    return texts


class Texts:
    """The texts of one language by their names, and its numbers, plurals and dates."""

    def __init__(self, language: str) -> None:
        self._texts = catalogue(language)
        self.tag = TAGS[language]
        self._months = self._texts["months"].split()

    def __call__(self, name: str, **values: object) -> str:
        """The text with this name, its placeholders replaced by ``values``."""
        # All at once, so that braces in a value are not taken for a placeholder.
        return _PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), self._texts[name])

    def raw(self, name: str) -> str:
        """The text with this name, with its placeholders."""
        return self._texts[name]

    def get(self, name: str) -> str | None:
        """The text with this name; None where there is none."""
        return self._texts.get(name)

    def count(self, name: str, number: int, **values: object) -> str:
        """The singular or plural form of a text, as the number needs it."""
        form = "one" if number == 1 else "other"
        return self(f"{name}.{form}", n=self.number(number), **values)

    def number(self, number: int) -> str:
        """A whole number with separated thousands."""
        return f"{number:,}".replace(",", self._texts["thousands"])

    def date(self, day: str) -> str:
        """A day that is given as ``YYYY-MM-DD``; any other text is returned unchanged."""
        try:
            date = datetime.date.fromisoformat(day[:10])
        except ValueError:
            return day
        return self("date", day=date.day, month=self._months[date.month - 1], year=date.year)

    def moment(self, moment: str) -> str:
        """A time that is given in ISO 8601 and UTC."""
        return self("moment", date=self.date(moment), clock=moment[11:16])


def run_type(report: Mapping[str, Any]) -> str:
    """What the report is about: ``audit``, ``dry_run`` or ``provision``."""
    kind = str(report["kind"])
    return DRY_RUN if kind != AUDIT and report["check_mode"] else kind


def title(report: Mapping[str, Any], texts: Texts) -> str:
    """The title of the page."""
    kind = texts(f"kind.{run_type(report)}")
    return texts("title", kind=kind, date=texts.date(report["generated_at"]))


def headline(report: Mapping[str, Any], texts: Texts) -> str:
    """One sentence on what the run changed or would change, and one for each kind of failure."""
    totals, name = report["totals"], f"head.{run_type(report)}"
    compared = [store for store in report["stores"] if store["summary"] is not None]
    drifted, failed, unverified = totals["drifted"], totals["failed"], totals["users"][UNVERIFIED]
    if not compared:
        sentences = [texts("head.nothing_read")]
    elif drifted is None:
        changed = sum(store["status"] == CHANGED for store in compared) or len(compared)
        sentences = [texts(f"{name}.uncounted", stores=texts.count("stores", changed))]
    elif drifted:
        changed = len({change["store"] for change in report["changes"] if change["changed"]})
        sentences = [texts.count(name, drifted, stores=texts.count("stores", changed))]
    elif failed or unverified or len(compared) < totals["stores"]:
        sentences = [texts(f"{name}.no_user")]
    else:
        sentences = [texts(f"{name}.none", stores=texts.count("stores", len(compared)))]
    by_status = totals["stores_by_status"]
    more = {
        "head.unverified": unverified,
        "head.users_failed": failed,
        # A store with failed users is not counted again as a failed store.
        "head.stores_failed": sum(
            store["status"] == FAILED and store["summary"] is None for store in report["stores"]
        ),
        "head.stores_missing": by_status[UNREACHABLE] + by_status[NOT_RUN],
    }
    sentences += [texts.count(name, number) for name, number in more.items() if number]
    return " ".join(sentences)


def store_status(store: Mapping[str, Any], run: str, texts: Texts) -> str:
    """The status of a store as text.

    :param run: the type of the run.
    """
    name = f"status.{store['status']}"
    if store["status"] == AS_DECLARED and store["summary"][UNVERIFIED]:
        return texts(f"{name}.{UNVERIFIED}")
    return texts(f"{name}.{run}" if store["status"] == CHANGED else name)


def store_notes(store: Mapping[str, Any], texts: Texts) -> str:
    """What the counts of a store do not show: what was not read, and which users were kept."""
    notes = []
    if unverified := (store["summary"] or {}).get(UNVERIFIED):
        notes.append(texts.count("store.unverified", unverified))
        # A run that reads all users and writes no record, such as an audit, is a later comparison.
        verified = (store["last_applied"] or {}).get("verified_at")
        moment = texts.moment(str(verified)) if verified else texts("store.never_verified")
        notes.append(texts("store.verified_at", moment=escape_control(moment)))
    kept = [
        f"{texts.get(f'kept.{reason}') or escape_control(reason)} ({texts.number(one['count'])})"
        for reason, one in store["kept"].items()
    ]
    if kept:
        notes.append(texts("store.kept", reasons=", ".join(kept)))
    return " ".join(notes)


def user_status(status: str, run: str, texts: Texts) -> str:
    """The status of a user as text.

    :param run: the type of the run.
    """
    name = f"change.{status}"
    return texts(f"{name}.{run}" if status == PREDICTED else name)


def unlisted(change: Mapping[str, Any]) -> str:
    """The name of the text on a user who is not in the list; empty for any other."""
    if change["listed"]:
        return ""
    return "no_longer_listed" if change["leaver"] else "not_listed"


def action(name: str, texts: Texts) -> str:
    """An action as text."""
    return texts.get(f"action.{name}") or escape_control(name)


def message(text: object) -> str:
    """A message with its line breaks, and with every other control character escaped."""
    return "\n".join(escape_control(line) for line in str(text).split("\n") if line)


def user_label(change: Mapping[str, Any]) -> str:
    """The key that identifies a user to people: the address, or else an id."""
    for name in ("email", "external_id", "id"):
        if change[name] not in (None, ""):
            return escape_control(str(change[name]))
    return ""


def difference(entry: Mapping[str, Any], texts: Texts) -> tuple[str, str, str]:
    """The label of an attribute, its value before and after; an empty text where there is none."""
    name = str(entry["name"])
    before, after = (
        _value(name, entry[side], texts) if side in entry else "" for side in ("before", "after")
    )
    return texts.get(f"field.{name}") or escape_control(name), before, after


def _value(name: str, value: Any, texts: Texts) -> str:
    if name == "password":
        return texts("value.password")
    if name == "sessions":
        return texts("value.ended")
    if isinstance(value, bool):
        return texts("value.true" if value else "value.false")
    if value is None or value == []:
        return texts("value.unlimited" if name == "sessions_limit" else "value.null")
    if name == "plans":
        return ", ".join(_plan(plan, texts) for plan in value)
    return texts.number(value) if isinstance(value, int) else escape_control(str(value))


def _plan(plan: Mapping[str, Any], texts: Texts) -> str:
    text = plan_name(plan, texts)
    if plan["name"] and plan["plan_id"] is not None:
        text = f"{text} ({plan['plan_id']})"
    if plan["valid_to"]:
        text = texts("value.until", plan=text, date=texts.date(str(plan["valid_to"])))
    if plan["cancelled"]:
        return texts("value.cancelled", plan=text)
    return f"{text}, {escape_control(plan['status'])}" if plan["status"] else text


def plan_name(plan: Mapping[str, Any], texts: Texts) -> str:
    """The name of a plan, or its id where the store does not report the name."""
    if plan["name"]:
        return escape_control(str(plan["name"]))
    if plan["plan_id"] is None:
        return texts("seats.plan_unknown")
    return texts("seats.plan", id=plan["plan_id"])


def notices(report: Mapping[str, Any], texts: Texts) -> list[tuple[str, str, str, str]]:
    """What needs attention: a tone (``bad``, ``warn``, ``note``), a label, a store and a text."""
    found: list[tuple[str, str, str, str]] = []
    for store in report["stores"]:
        name, status = escape_control(store["name"]), store["status"]
        if status in (FAILED, UNREACHABLE):
            text = message(store["failure"]["message"])
            found.append(("bad", texts(f"notice.{status}"), name, text))
        elif status == NOT_RUN:
            found.append(("bad", texts("notice.not_run"), name, texts("notice.not_run_text")))
        # Without a warning of its own, a guard is the reason of the store's failure.
        of_guard = (store["guard"] or {}).get("warning")
        for warning in store["warnings"]:
            tone, label = ("warn", "guard") if warning == of_guard else ("note", "warning")
            found.append((tone, texts(f"notice.{label}"), name, message(warning)))
    return found


def stores_not_itemized(report: Mapping[str, Any]) -> str:
    """The names of the stores whose result does not list the users that changed."""
    names = [store["name"] for store in report["stores"] if not store["told_one_by_one"]]
    return ", ".join(map(escape_control, names))
