# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the store's answers, and describe unexpected ones without quoting a secret.

Pure functions. The variants are those of docs/open-choices.md.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from ..errors import QUOTED_CHARACTERS
from .withholding import StoreText

# A server reports whole seconds, so a reported time may be wrong by this much.
REPORTED_TO_SECONDS = 1.0
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_RECORD = re.compile(
    r"no query results|(?<![a-z])(user|record|model|usuario|usu\u00e1rio)(?![a-z])", re.IGNORECASE
)
_ROUTE = re.compile(r"(?<![a-z])(route|url|endpoint|page)(?![a-z])|/", re.IGNORECASE)
_ABSENT = object()

# The fields of the users API, which an error names even if its text is withheld.
_FIELDS = (
    *("email", "external_id", "new_password", "sessions_limit"),
    *("admin", "plan_admin", "only_sees_readable"),
    *("assign_new_plan", "new_plan_custom_valid_to", "user_plan_name"),
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; ``headers`` is a case-insensitive mapping."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_empty(self) -> bool:
        return not self.body.strip()

    @property
    def is_html(self) -> bool:
        is_declared = "html" in self.headers.get("Content-Type", "").lower()
        return is_declared or self.body.lstrip().startswith(b"<")

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", errors="replace")

    @cached_property
    def json(self) -> Any:
        """The body as JSON; ``_ABSENT``, which equals no JSON value, if it is not JSON."""
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError):
            return _ABSENT

    @property
    def is_json(self) -> bool:
        return self.json is not _ABSENT

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one if it is anything else."""
        return self.json if isinstance(self.json, dict) else {}


@dataclass(frozen=True)
class Page:
    """One page of a list, with what the store returned of its paginator."""

    records: list[dict[str, Any]]
    per_page: int | None = None
    last_page: int | None = None
    total: int | None = None
    has_next: bool | None = None

    def is_last(self, number: int) -> bool | None:
        """Whether the paginator marks this page as the last; None if it does not say."""
        if self.last_page is not None:
            return number >= self.last_page
        if self.has_next is not None:
            return not self.has_next
        if self.total is not None and self.per_page:
            return number * self.per_page >= self.total
        if self.per_page:
            return len(self.records) < self.per_page
        return None


# No store has more users.
MOST_COUNTED = 10**9
EMPTY_PAGE = Page(records=[], has_next=False)


def list_page(payload: Mapping[str, Any]) -> Page | None:
    """The page in ``{"CODE", "data": {"paginator": {...}}}``; None if there is none.

    A paginator always has ``data``. The other keys of Laravel's paginator are optional (variant 5).
    """
    data = payload.get("data")
    paginator = data.get("paginator") if isinstance(data, dict) else None
    if not isinstance(paginator, dict):
        return None
    records = _records(paginator.get("data"))
    if records is None:
        return None
    return Page(
        records=records,
        per_page=_count(paginator.get("per_page")),
        last_page=_count(paginator.get("last_page")),
        total=_count(paginator.get("total")),
        has_next=paginator["next_page_url"] is not None if "next_page_url" in paginator else None,
    )


def _count(value: Any) -> int | None:
    number = whole_number(value)
    return number if number is not None and 0 <= number <= MOST_COUNTED else None


def plans_page(payload: Mapping[str, Any]) -> Page | None:
    """A page of plans: as a page of users, or a plain list under ``data`` (variant 27)."""
    records = _records(payload.get("data"))
    return list_page(payload) or (None if records is None else Page(records))


def _records(value: Any) -> list[dict[str, Any]] | None:
    if isinstance(value, dict):
        # PHP encodes an array whose keys have gaps as an object: {"0": {...}, "2": {...}}.
        value = list(value.values())
    is_list = isinstance(value, list) and all(isinstance(record, dict) for record in value)
    return value if is_list else None


def created_record(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record in the answer to a creation; None if there is none with an id."""
    data = payload.get("data")
    if isinstance(data, dict) and isinstance(data.get("user"), dict):
        data = data["user"]
    has_id = isinstance(data, dict) and whole_number(data.get("id")) is not None
    return data if has_id else None


def whole_number(value: Any) -> int | None:
    """An integer that was sent as a number or as digits; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True)
class RateHeaders:
    """The rate limit headers of one answer.

    :ivar reset_in: when the window ends, in seconds from the answer.
    :ivar by_own_clock: that was computed with this machine's clock, which may differ.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None
    by_own_clock: bool = False


def rate_headers(headers: Mapping[str, str], now: float) -> RateHeaders:
    """Parse the rate limit headers.

    :param now: this machine's UNIX time, for an answer without ``Date``: ``X-RateLimit-Reset`` is a
        time of the server's clock (variant 15).
    """
    date = http_date(headers.get("Date"))
    reset_in = retry_after(headers, now)
    reset_at = whole_number(headers.get("X-RateLimit-Reset"))
    if reset_in is None and reset_at is not None:
        reset_in = max(0.0, reset_at - (date or now))
        if date is None and reset_at < now - REPORTED_TO_SECONDS:
            reset_in = None  # A reset in the past: the clocks differ.
    is_number = whole_number(headers.get("Retry-After")) is not None
    return RateHeaders(
        limit=whole_number(headers.get("X-RateLimit-Limit")),
        remaining=whole_number(headers.get("X-RateLimit-Remaining")),
        reset_in=reset_in,
        by_own_clock=reset_in is not None and date is None and not is_number,
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """``Retry-After``, a number or an HTTP date (RFC 9110), in seconds from the answer."""
    value = (headers.get("Retry-After") or "").strip()
    seconds = whole_number(value)
    if seconds is not None:
        return float(max(0, seconds))
    at = http_date(value)
    if at is None:
        return None
    return max(0.0, at - (http_date(headers.get("Date")) or now))


def http_date(value: str | None) -> float | None:
    """The UNIX time of an HTTP date (RFC 9110); None for anything else."""
    try:
        return parsedate_to_datetime(value or "").timestamp()
    except (TypeError, ValueError, IndexError, OverflowError, OSError):
        return None


def form_of(answer: Answer) -> str | None:
    """The form of an undocumented answer; None for HTML, a truncated body and a failure."""
    if answer.is_html:
        return None
    if not answer.is_json:
        text = answer.body.strip()[:QUOTED_CHARACTERS].decode("utf-8", "replace")
        return None if text[:1] in ("", "{", "[") else f"text {text}"
    value = answer.json
    if isinstance(value, dict):
        has_error = not {"error", "errors", "exception"}.isdisjoint(value)
        return None if has_error else f"object {sorted(value)}"
    return f"{type(value).__name__} in JSON" if value else None


def reports_failure(payload: Mapping[str, Any]) -> bool:
    """Whether an answer has a ``CODE`` other than ``success``, whatever its status is."""
    code = payload.get("CODE")
    return isinstance(code, str) and code.lower() not in ("success", "ok")


def rejected_fields(payload: Mapping[str, Any], store_text: StoreText) -> dict[str, list[str]]:
    """The errors by field of a 422, in any of the forms of variant 14."""
    maps = (payload[key] for key in ("errors", "data") if isinstance(payload.get(key), dict))
    fields: dict[str, list[str]] = {}
    for name, value in next(filter(None, maps), {}).items():
        texts = fields.setdefault(name if name in _FIELDS else store_text.quote(name), [])
        for item in value if isinstance(value, list) else [value]:
            text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
            texts.append(store_text.quote(text))
    return fields


def names_record(message: str) -> bool:
    """Whether the message of a 404 is about a missing record, so that the route itself exists.

    The framework's message for a record is ``No query results for model [...] 5``.
    """
    return bool(_RECORD.search(message)) and not _ROUTE.search(message)


def message_of(payload: Mapping[str, Any]) -> str:
    for key in ("message", "error", "CODE"):
        value = payload.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def describe(answer: Answer, store_text: StoreText) -> str:
    """A short description of an answer for an error message, without anything secret.

    Records hold impersonation links, so JSON, even truncated, is not quoted.
    """
    if answer.is_empty:
        return "an empty body"
    size = f"{len(answer.body):,} bytes"
    value = answer.json
    if isinstance(value, dict):
        keys = store_text.quote(", ".join(sorted(value)[:8]))
        return f"a JSON object with {keys or 'no keys'}"
    if answer.is_json:
        return f"JSON that is not an object ({type(value).__name__}, {size})"
    text = html.unescape(answer.text).strip()
    if text[:1] in ("{", "["):
        return f"truncated or malformed JSON ({size})"
    if answer.is_html:
        title = _TITLE.search(text)
        quoted = store_text.quote(title.group(1) if title else _TAG.sub(" ", text))
        return f'an HTML page ("{quoted}")' if quoted else f"an HTML page ({size})"
    return f'text that is not JSON ("{store_text.quote(text)}")'
