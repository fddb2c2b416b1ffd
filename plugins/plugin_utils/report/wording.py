# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of a report in each language. Values of a store are escaped here."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils.errors import escape_control
from ...module_utils.progress import OUTCOMES
from .model import (
    AS_DECLARED,
    AUDIT,
    CHANGED,
    FAILED,
    NOT_RUN,
    PREDICTED,
    PROVISION,
    UNREACHABLE,
    UNVERIFIED,
)

# The ``lang`` attribute of the page. Hyphenation and screen readers depend on it.
TAGS = {"en": "en", "es": "es-419", "pt": "pt-BR"}
LANGUAGES = tuple(TAGS)
ENGLISH = "en"
DRY_RUN = "dry_run"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_FILE = Path(__file__).parent / "texts.json"


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every text of a language by its name."""
    if language not in LANGUAGES:
        raise ValueError(f"Unknown language: {language}")
    texts: Mapping[str, Mapping[str, str]] = json.loads(_FILE.read_text("utf-8"))
    return {name: text[language] for name, text in texts.items()}


class Texts:
    """The texts of one language, and its numbers, plurals and dates."""

    def __init__(self, language: str) -> None:
        self._texts = catalogue(language)
        self.tag = TAGS[language]
        self._months = self._texts["months"].split()

    def __call__(self, name: str, **values: object) -> str:
        return _filled(self._texts[name], values)

    def get(self, name: str) -> str | None:
        return self._texts.get(name)

    def count(self, name: str, number: int, **values: object) -> str:
        """The singular or plural form of a text, as the number needs it."""
        singular, _bar, plural = self._texts[name].partition("|")
        form = singular if number == 1 or not plural else plural
        return _filled(form, {"n": self.number(number), **values})

    def number(self, number: int) -> str:
        return f"{number:,}".replace(",", self._texts["thousands"])

    def date(self, day: str) -> str:
        """A day from ``YYYY-MM-DD``; any other text is returned unchanged."""
        try:
            date = datetime.date.fromisoformat(day[:10])
        except ValueError:
            return day
        return f"{date.day} {self._months[date.month - 1]} {date.year}"

    def moment(self, moment: str) -> str:
        return f"{self.date(moment)}, {moment[11:16]} UTC"


def _filled(text: str, values: Mapping[str, object]) -> str:
    # All at once, so that braces in a value are not taken for a placeholder.
    return _PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), text)


def run_type(report: Mapping[str, Any]) -> str:
    """What the report is about: ``audit``, ``dry_run`` or ``provision``."""
    kind = str(report["kind"])
    return DRY_RUN if kind != AUDIT and report["check_mode"] else kind


def headline(report: Mapping[str, Any], texts: Texts) -> tuple[str, str]:
    """What the run changed or would change; and the details, its cost and what failed."""
    totals, run, stores = report["totals"], run_type(report), report["stores"]
    users, drifted = totals["users"], totals["drifted"]
    compared = [store for store in stores if store["summary"] is not None]
    outcomes = {name: users[name] for name in OUTCOMES if users[name] and run != PROVISION}
    details = ", ".join(texts.count(f"would.{name}", n) for name, n in outcomes.items())
    if not compared:
        main = texts("head.nothing_read")
    elif drifted is None:
        changed = sum(store["status"] == CHANGED for store in compared) or len(compared)
        main = texts(f"head.{run}.uncounted", stores=texts.count("stores", changed))
    elif drifted:
        changed = len({change["store"] for change in report["changes"] if change["changed"]})
        who = texts.count("users", drifted, stores=texts.count("stores", changed))
        main = texts.count(f"head.{run}", drifted, users=who)
        if list(outcomes.values()) == [drifted] and run == DRY_RUN:
            main, details = texts.count(f"would.{next(iter(outcomes))}", drifted, n=who), ""
    elif totals["failed"] or users[UNVERIFIED] or len(compared) < totals["stores"]:
        main = texts(f"head.no_user.{run}")
    else:
        main = texts("head.none", stores=texts.count("stores", len(compared)))
    more = {
        "head.unverified": users[UNVERIFIED],
        "head.users_failed": totals["failed"],
        # A store with failed users is not counted again as a failed store.
        "head.stores_failed": sum(
            store["status"] == FAILED and store["summary"] is None for store in stores
        ),
        "head.stores_missing": sum(store["status"] in (UNREACHABLE, NOT_RUN) for store in stores),
    }
    sentences = [_sentence(details), needs(stores, run, texts)]
    sentences += [texts.count(name, number) for name, number in more.items() if number]
    first = [nothing_written(run, texts), _sentence(main)]
    return " ".join(filter(None, first)), " ".join(filter(None, sentences))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def nothing_written(run: str, texts: Texts) -> str:
    return texts.get(f"dry.{run}") or ""


def requests(store: Mapping[str, Any], run: str) -> int | None:
    """The requests of a store: those that were sent, or that the predicted run needs."""
    if store["plan"] and run != PROVISION:
        return int(store["plan"].get("total_requests", store["plan"]["requests"]))
    return store["api"] and int(store["api"]["requests"])


def count_label(name: str, run: str, texts: Texts) -> str:
    if run != PROVISION:
        if name in OUTCOMES:
            return texts.count(f"would.{name}", 0, n="").strip().capitalize()
        return texts.get(f"count.{name}.dry") or texts(f"count.{name}")
    return texts(f"count.{name}")


def needs(stores: Sequence[Mapping[str, Any]], run: str, texts: Texts) -> str:
    """The cost of the run that a dry run or an audit predicts; empty if it would write nothing."""
    plans = [store["plan"] for store in stores if store["plan"]]
    if run == PROVISION or not any(plan["requests"] for plan in plans):
        return ""
    number = sum(requests(store, run) or 0 for store in stores if store["plan"])
    # Stores can run at the same time, so the slowest one decides.
    minutes = max(plan.get("total_minutes", plan["minutes"]) for plan in plans)
    time = texts("needs.time", n=texts.number(minutes)) if minutes > 1 else ""
    return texts("needs", n=texts.number(number), time=time)


def store_status(store: Mapping[str, Any], run: str, texts: Texts) -> str:
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
    name = f"change.{status}"
    return texts(f"{name}.{run}" if status == PREDICTED else name)


def unlisted(change: Mapping[str, Any]) -> str:
    if change["listed"]:
        return ""
    return "no_longer_listed" if change["leaver"] else "not_listed"


def actions(change: Mapping[str, Any], texts: Texts) -> str:
    words = [action(name, texts) for name in change["actions"]]
    if name := unlisted(change):
        words.append(texts(name))
    return ", ".join(words)


def action(name: str, texts: Texts) -> str:
    return texts.get(f"action.{name}") or escape_control(name)


def message(text: object) -> str:
    """A message with its line breaks, and with every other control character escaped."""
    return "\n".join(escape_control(line) for line in str(text).split("\n") if line)


def user_label(change: Mapping[str, Any]) -> str:
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
    if plan["name"]:
        return escape_control(str(plan["name"]))
    if plan["plan_id"] is None:
        return texts("seats.plan_unknown")
    return texts("seats.plan", id=plan["plan_id"])


def failure_text(store: Mapping[str, Any], texts: Texts) -> str:
    failure = store["failure"] or {}
    return message(failure.get("message") or texts("notice.not_run_text"))


def notices(report: Mapping[str, Any], texts: Texts) -> list[tuple[str, str, str, str]]:
    """What needs attention: a tone (``bad``, ``warn``, ``note``), a label, a store and a text."""
    found: list[tuple[str, str, str, str]] = []
    for store in report["stores"]:
        name, status = escape_control(store["name"]), store["status"]
        if status not in (AS_DECLARED, CHANGED):
            found.append(("bad", texts(f"status.{status}"), name, failure_text(store, texts)))
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
