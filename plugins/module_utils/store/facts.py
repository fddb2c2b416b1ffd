# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a store is like, as far as reading shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..client.answers import EMPTY_PAGE, Page, http_date, rate_headers, whole_number
from ..client.api import DEACTIVATED, PAGE_SIZE, UsersApi
from ..client.http import HttpTransport
from ..concurrency import INTERRUPTED
from ..errors import PublicaError, counted
from ..input.values import EXTERNAL_ID_LENGTH
from .listing import Listing
from .user import CurrentUser, boolean_of, is_set, time_of

# What only a write shows, by the number of the API variant.
UNKNOWN = {
    9: "whether an update replaces the record or merges",
    10: "whether a deactivated user can be updated",
    12: "the answer to a repeated deactivation or reactivation",
    13: "the path of force logout",
    14: "the body of a refusal (422)",
    16: "whether addresses are changed to lower case",
    17: "the slash at the end of a creation's path",
    18: "whether assigning a held plan again adds a row",
    19: "what user_plan_name does in an update",
    20: "whether the end given for a plan is kept",
    22: "the writes that the token has no right to",
    28: f"whether an external_id of more than {EXTERNAL_ID_LENGTH} characters is refused",
}
REPORT = (
    "No documentation of the API describes this. Please report it with the output of this task, "
    "which holds no secrets."
)
# The fields with a boolean or a time, the most important first: forms can be mixed (6, 7).
BOOLEANS = ("admin", "plan_admin", "only_sees_readable", "anonymized", "can_be_edited")
TIMES = ("created_at", "updated_at", "deleted_at")
PLANS = "user_plans"
PLAN_ROWS = (PLAN_ID, PLAN, HIDDEN) = ("plan_id", "plan", "hidden")
OTHER = "other"
MOST_REQUESTS_A_MINUTE = 10**9

Users = Sequence[CurrentUser]


def boolean_form(record: Mapping[str, Any], name: str) -> str | None:
    """``boolean``, ``number``, ``text`` or ``other``; None if the record has no value."""
    value = record.get(name)
    if value in (None, ""):
        return None
    if boolean_of(record, name) is None or isinstance(value, float):
        return OTHER
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int) else "text"


def time_form(record: Mapping[str, Any], name: str) -> str | None:
    """``iso``, ``object`` or ``other``; None if the record has no time."""
    value = record.get(name)
    if not is_set(value):
        return None
    if time_of(value) is None or not isinstance(value, (str, dict)):
        return OTHER
    return "object" if isinstance(value, dict) else "iso"


def plans_form(record: Mapping[str, Any], name: str) -> str | None:
    """``plan_id``, ``plan``, ``hidden`` or ``other``; None if the user has no plans."""
    entries, count = record.get(name), whole_number(record.get("user_plans_count"))
    if isinstance(entries, dict):
        entries = list(entries.values())
    if not entries:
        # Without a count, a missing list hides what the user holds.
        return HIDDEN if count or (entries is None and count is None) else None
    forms = set(map(_entry_form, entries)) if isinstance(entries, list) else {OTHER}
    return OTHER if OTHER in forms else min(forms, key=PLAN_ROWS.index)


def _entry_form(entry: Any) -> str:
    if isinstance(entry, dict):
        nested = entry.get("plan")
        if whole_number(entry.get("plan_id")) is not None:
            return PLAN_ID
        if isinstance(nested, dict) and whole_number(nested.get("id")) is not None:
            return PLAN
    return OTHER


class Observer(UsersApi):
    """The API of a store, which remembers the forms of what it reads.

    :ivar keys: the fields that a record had.
    :ivar first: the first page of each query; a 404 is none.
    :ivar ids: the ids of the first two pages, by query and number.
    :ivar limits: what the answers reported as requests a minute.
    :ivar offsets: by how many seconds the clock of each answer was ahead.
    """

    def __init__(self, transport: HttpTransport) -> None:
        super().__init__(transport)
        self.keys: set[str] = set()
        self.forms: dict[str, set[str]] = {}
        self.first: dict[str | None, Page] = {}
        self.ids: dict[tuple[str | None, int], frozenset[int | None]] = {}
        self.limits: list[int] = []
        self.offsets: list[float] = []

    def list_page(self, page: int, query: str | None = None) -> Page:
        answer = super().list_page(page, query)
        self.observe_headers(time.time())
        if page <= 2:
            self.ids[query, page] = frozenset(_id(record) for record in answer.records)
        if page == 1 and answer is not EMPTY_PAGE:
            self.first[query] = answer
        for record in answer.records:
            self.keys.update(record)
            self._note(record, BOOLEANS, boolean_form)
            self._note(record, TIMES, time_form)
            self._note(record, (PLANS,), plans_form)
        return answer

    def observe_headers(self, now: float) -> None:
        """Read the headers of the last answer, which arrived now."""
        headers = self.transport.headers
        limit, date = rate_headers(headers, now).limit, http_date(headers.get("Date"))
        if limit is not None and 0 < limit <= MOST_REQUESTS_A_MINUTE:
            self.limits.append(limit)
        if date is not None:
            # A Date has whole seconds, so it is half a second old on average.
            self.offsets.append(date + 0.5 - now)

    def form_of(self, names: Iterable[str], order: Sequence[str] = ()) -> str | None:
        """The form of the first of these fields that has a known one.

        :param order: the forms, the one that counts first; by default a field has one form.
        """
        known = (self.forms.get(name, set()) - {OTHER} for name in names)
        return next((min(forms, key=[*order, *forms].index) for forms in known if forms), None)

    def repeats_page(self, query: str | None) -> bool:
        """Whether most users of a list's second page were on the first one as well."""
        second = self.ids.get((query, 2), frozenset())
        return 2 * len(second & self.ids[query, 1]) > len(second)

    def _note(
        self,
        record: Mapping[str, Any],
        names: Iterable[str],
        form_in: Callable[[Mapping[str, Any], str], str | None],
    ) -> None:
        for name in names:
            form = form_in(record, name)
            if form is not None:
                self.forms.setdefault(name, set()).add(form)


def _id(record: Mapping[str, Any]) -> int | None:
    return whole_number(record.get("id"))


def read_facts(api: UsersApi, *, share: int, census: bool, today: str) -> dict[str, Any]:
    """What a store is like, in at most 7 requests without a census, retries not counted."""
    seen = Observer(api.transport)
    # A page can be shorter than requested, so only the second one shows whether it was the last.
    pages = None if census else 2
    active = _read(seen, None, pages)
    deactivated = _read(seen, DEACTIVATED, pages, active.page_size)
    users = list({**active.users, **deactivated.users}.values())
    finds_active, finds_deactivated = _look_ups(seen, users, active.page_size)
    warnings = _contradictions(seen, active, deactivated)
    if finds_active is False:
        warnings.append(f"A search for the address of an active user did not find it. {REPORT}")
    plans_list = _lists_plans(seen, warnings)
    limit = seen.limits[-1] if seen.limits else None
    facts: dict[str, Any] = {
        "changed": False,
        "store": {
            "rate_limit": limit,
            "clock_offset_seconds": round(seen.offsets[0]) if seen.offsets else None,
            "variants": {
                "external_id_returned": "external_id" in seen.keys if users else None,
                "paginator": _paginator(seen.first.values()),
                "per_page_max": _page_size(seen, active, deactivated),
                "search_finds_deactivated": finds_deactivated,
                "list_holds_deactivated": _holds_deactivated(active, users),
                "plan_rows": seen.form_of((PLANS,), PLAN_ROWS),
                "plans_list": plans_list,
                "times": seen.form_of(TIMES),
                "booleans": seen.form_of(BOOLEANS),
            },
        },
        "requests_a_minute": None if limit is None else max(1, limit * share // 100),
        "requests_to_list": _requests_to_list(active, deactivated),
        "unknown": [{"variant": number, "text": text} for number, text in UNKNOWN.items()],
        "warnings": warnings,
    }
    if census:
        facts["census"] = _census(users, seen, today, facts["requests_to_list"])
    return facts


def _read(seen: Observer, query: str | None, pages: int | None, size: int = 0) -> Listing:
    listing = Listing(seen, query, size)
    while not listing.finished and (pages is None or listing.pages_read < pages):
        listing.read_page()
    return listing


def _look_ups(seen: Observer, users: Users, page_size: int) -> tuple[bool | None, bool | None]:
    """Whether a search finds an active user, and a deactivated one."""
    with_address = (user for user in users if user.email and not user.anonymized)
    # The last ones that were read: users who change now come first in a list.
    chosen = {user.active: user for user in with_address}
    active, deactivated = (
        _finds(seen, chosen[is_active], page_size) if is_active in chosen else None
        for is_active in (True, False)
    )
    return active, deactivated


def _finds(seen: Observer, user: CurrentUser, page_size: int) -> bool | None:
    """Whether a search finds the user; None if there are further pages."""
    page = seen.list_page(1, user.email)
    if any(_id(record) == user.id for record in page.records):
        return True
    is_last = page.is_last(1)
    if is_last is None:
        is_last = len(page.records) < max(1, page_size)
    return False if is_last else None


def _lists_plans(seen: Observer, warnings: list[str]) -> bool | None:
    """Whether the store lists its plans (variant 27)."""
    try:
        page = seen.plans_page(1)
    except PublicaError as error:
        if error.code in ("unauthenticated", "rate_limited", INTERRUPTED):
            raise
        if error.status in (403, 404):
            return False
        text = f"The list of plans can't be read: {error.message}"
        is_transient = error.status is None or error.status >= 500
        warnings.append(text if is_transient else f"{text} {REPORT}")
        return None
    seen.observe_headers(time.time())
    if page is None:
        warnings.append(f"The list of plans has an unknown form. {REPORT}")
        return None
    return True


def _paginator(pages: Iterable[Page]) -> str | None:
    for page in pages:
        return "minimal" if page.last_page is None and page.total is None else "full"
    return None


def _page_size(seen: Observer, active: Listing, deactivated: Listing) -> int | None:
    lengths = []
    for query, listing in ((None, active), (DEACTIVATED, deactivated)):
        length = len(seen.ids[query, 1])
        has_next = query in seen.first and seen.first[query].is_last(1) is False
        # A page was as long as the store allows if further users follow.
        has_more = len(listing.users) > length and not seen.repeats_page(query)
        if length and (length >= PAGE_SIZE or has_next or has_more):
            lengths.append(length)
    lengths += [page.per_page for page in seen.first.values() if page.per_page]
    return lengths[0] if lengths else None


def _holds_deactivated(active: Listing, users: Users) -> bool | None:
    """Whether the list of active users holds deactivated ones (variant 3)."""
    if any(not user.active for user in active.users.values()):
        return True
    read_completely = active.finished and active.complete
    return False if read_completely and any(not user.active for user in users) else None


def _requests_to_list(*listings: Listing) -> int | None:
    if any(not one.finished and one.pages_left is None for one in listings):
        return None
    return sum(one.pages_read + (one.pages_left or 0) for one in listings)


def _contradictions(seen: Observer, active: Listing, deactivated: Listing) -> list[str]:
    other = sorted(name for name, forms in seen.forms.items() if OTHER in forms)
    found = [f"{name} has a value of an unknown form. {REPORT}" for name in other]
    for kind, query, listing in (
        ("active", None, active),
        ("deactivated", DEACTIVATED, deactivated),
    ):
        total, read = listing.first_total, len(listing.users)
        if seen.repeats_page(query):
            found.append(
                f"The list of {kind} users returns its first page again, so only "
                f"{counted(read, 'user')} can be listed. Others are found by their addresses."
            )
        elif total is not None and total < read:
            found.append(f"The list of {kind} users counts {total} and holds {read}. {REPORT}")
        elif not listing.complete:
            of_total = "" if total is None else f" of {total}"
            found.append(
                f"The list of {kind} users is incomplete: {read}{of_total} were read. If a second "
                f"run shows the same: {REPORT}"
            )
    if deactivated.users and all(user.active for user in deactivated.users.values()):
        found.append(f"The query for deactivated users returns only active ones. {REPORT}")
    return found


def _census(
    everyone: Users, seen: Observer, today: str, requests_to_list: int | None
) -> dict[str, int | None]:
    users = [user for user in everyone if user.active]

    def count(field: str, is_counted: Callable[[CurrentUser], object]) -> int | None:
        is_shown = field in seen.keys or not users
        return sum(bool(is_counted(user)) for user in users) if is_shown else None

    shows_plans = all(user.plans is not None for user in users)
    return {
        "active": len(users),
        "deactivated": len(everyone) - len(users),
        "admins": count("admin", lambda user: user.admin),
        "plan_admins": count("plan_admin", lambda user: user.plan_admin),
        # A store can leave these fields out of the records of other users.
        "institutions": count("id", lambda user: user.institution),
        "anonymized": count("anonymized", lambda user: user.anonymized),
        "not_editable": count("can_be_edited", lambda user: not user.editable),
        "without_external_id": count("external_id", lambda user: not user.external_id),
        "external_id_too_long": count(
            "external_id", lambda user: len(user.external_id or "") > EXTERNAL_ID_LENGTH
        ),
        "without_plan": count("id", lambda user: not _holds_plan(user, today))
        if shows_plans
        else None,
        "requests_to_list": requests_to_list,
    }


def _holds_plan(user: CurrentUser, today: str) -> bool:
    return any(plan.is_held_on(today) for plan in user.plans or ())
