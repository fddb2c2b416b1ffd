# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the store's answers: what is of the documented form, and what came instead.

Pure functions over (status, headers, body); source of the forms: the users API page, and the
choices 4, 5 and 14 that it leaves open (see docs/open-choices.md).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

from ..errors import QUOTED_CHARACTERS

NOT_SHOWN = "(not shown)"
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|/impersonate\S*", re.IGNORECASE)
_ABSENT = object()


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as bytes; ``headers`` is a case-insensitive mapping."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_empty(self) -> bool:
        return not self.body.strip()

    @property
    def is_html(self) -> bool:
        told = self.headers.get("Content-Type", "").lower()
        return "html" in told or self.body.lstrip()[:1] == b"<"

    def json(self) -> Any:
        """The body as JSON, or ``_ABSENT`` (never equal to any JSON value) where it is none."""
        return self._parsed

    @cached_property
    def _parsed(self) -> Any:
        # Whoever judges an answer and whoever reads it ask for the same JSON.
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError):
            return _ABSENT

    @property
    def is_json(self) -> bool:
        return self.json() is not _ABSENT

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None where it is anything else."""
        value = self.json()
        return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class Page:
    """One page of a list, and what the paginator says of the rest, where it says anything."""

    records: list[dict[str, Any]]
    per_page: int | None = None
    last_page: int | None = None
    total: int | None = None
    has_next: bool | None = None


EMPTY_PAGE = Page(records=[], has_next=False)


def list_page(payload: Mapping[str, Any]) -> Page | None:
    """The page in ``{"CODE", "data": {"paginator": {...}}}``, or None where there is none.

    A paginator is ``current_page`` and ``data`` at the least; the rest of Laravel's is used where
    it is sent (choice 5).
    """
    data = payload.get("data")
    paginator = data.get("paginator") if isinstance(data, dict) else None
    if not isinstance(paginator, dict):
        return None
    records = paginator.get("data")
    if isinstance(records, dict):
        # PHP writes an array whose keys have gaps as an object: {"0": {...}, "2": {...}}.
        records = list(records.values())
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None
    has_next = None
    if "next_page_url" in paginator:
        has_next = paginator["next_page_url"] is not None
    return Page(
        records=records,
        per_page=whole_number(paginator.get("per_page")),
        last_page=whole_number(paginator.get("last_page")),
        total=whole_number(paginator.get("total")),
        has_next=has_next,
    )


def created_record(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record in the answer to a creation, or None where there is none with an id."""
    data = payload.get("data")
    if isinstance(data, dict) and isinstance(data.get("user"), dict):
        data = data["user"]
    if isinstance(data, dict) and whole_number(data.get("id")) is not None:
        return data
    return None


def whole_number(value: Any) -> int | None:
    """A whole number sent as a number or as digits; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        return int(value)
    return None


def form_of(answer: Answer) -> str | None:
    """The form of a good answer that no documentation has: an object's keys, or a text itself.

    None for what tells of a failure, for a page, and for what is torn.
    """
    if answer.is_html:
        return None
    if not answer.is_json:
        text = answer.body.strip()[:QUOTED_CHARACTERS].decode("utf-8", "replace")
        return None if text[:1] in ("", "{", "[") else f"text {text}"
    value = answer.json()
    if isinstance(value, dict):
        reports_failure = not {"error", "errors", "exception"}.isdisjoint(value)
        return None if reports_failure else f"object {sorted(value)}"
    return f"{type(value).__name__} in JSON" if value else None


def says_failure(payload: Mapping[str, Any]) -> bool:
    """Whether an answer with a good status carries a ``CODE`` other than ``success``."""
    code = payload.get("CODE")
    return isinstance(code, str) and code.lower() not in ("success", "ok")


def rejected_fields(payload: Mapping[str, Any]) -> dict[str, list[str]]:
    """The faults by field of a 422, in any of the three forms of choice 14."""
    for key in ("errors", "data"):
        faults = payload.get(key)
        if isinstance(faults, dict) and faults:
            return {shorten(str(name)): _texts(value) for name, value in faults.items()}
    return {}


def message_of(payload: Mapping[str, Any]) -> str:
    """What an error's body says in words; empty where it says nothing."""
    for key in ("message", "error", "CODE"):
        value = payload.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def describe(answer: Answer, secrets: Sequence[str] = ()) -> str:
    """Say in a few words what came, for an error; quote nothing that could hold a secret.

    Records hold impersonation links, so JSON is described by its keys and never quoted, and a
    text is quoted only where it is not JSON that was cut short.
    """
    if answer.is_empty:
        return "an empty body"
    size = f"{len(answer.body):,} bytes"
    value = answer.json()
    if isinstance(value, dict):
        names = sorted(str(without_secrets(key, secrets))[:30] for key in value)
        keys = ", ".join(names[:8]) or "no keys"
        return f"a JSON object with {keys}"
    if value is not _ABSENT:
        return f"JSON that is no object ({type(value).__name__}, {size})"
    text = html.unescape(answer.body.decode("utf-8", errors="replace")).strip()
    text = without_secrets(text, secrets)
    if text[:1] in ("{", "["):
        return f"JSON that breaks off or is malformed ({size})"
    if answer.is_html:
        title = _TITLE.search(text)
        quote = shorten(title.group(1) if title else _TAG.sub(" ", text))
        return f'an HTML page ("{quote}")' if quote else f"an HTML page ({size})"
    return f'text that is no JSON ("{shorten(text)}")'


def shorten(text: str) -> str:
    """One line of an unknown text, without addresses of pages (they may be links that let in)."""
    line = _URL.sub(NOT_SHOWN, " ".join(text.split()))
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= QUOTED_CHARACTERS else line[: QUOTED_CHARACTERS - 1] + "…"


def encoded_variants(secret: str) -> list[str]:
    """A secret in each spelling in which a body, a page or an address may echo it, longest first.

    JSON escapes quotes, slashes and letters beyond ASCII, and again where JSON is quoted in JSON;
    HTML and addresses have escapes of their own.
    """
    variants = {secret}
    for _depth in range(2):
        for text in list(variants):
            for is_ascii in (True, False):
                escaped = json.dumps(text, ensure_ascii=is_ascii)[1:-1]
                variants |= {escaped, escaped.replace("/", "\\/")}
    variants |= {form(text) for text in variants for form in (quote, _quote_all, quote_plus)}
    variants.add(html.escape(secret))
    return sorted(filter(None, variants), key=len, reverse=True)


def _quote_all(text: str) -> str:
    return quote(text, safe="")


def without_secrets(value: Any, secrets: Sequence[str]) -> Any:
    """A text, or any JSON, with each of the given secrets replaced: a store may echo what it got.

    To be applied before a text is cut or its white space changed, which would hide a secret's
    rest from it.
    """
    if isinstance(value, str):
        for secret in secrets:
            if secret:
                value = value.replace(secret, NOT_SHOWN)
        return value
    if isinstance(value, dict):
        return {
            without_secrets(key, secrets): without_secrets(inner, secrets)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(inner, secrets) for inner in value]
    return value


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [
        shorten(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
        for item in values
    ]
