# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An in-memory store with the users API, as an adapter of ``requests`` and without a socket.

Session, limiter, retries and errors are the real ones. The store records its requests, can lose
responses, and has one combination of API variants.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Union
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

USERS = "/integration-api/v1/dashboard/users"
BY_ID = re.compile(USERS + r"/(\d+)")
REACTIVATE = re.compile(USERS + r"/(\d+)/re-activate")
LOGOUT = re.compile(r"/integration-api/v1/users/([^/]+)/force-logout")
SESSIONS = re.compile(r"/integration-api/v1/auth-sessions/users/(\d+)")
PLANS = "/integration-api/v1/dashboard/plans"

KEPT = "kept"
BARE, FULL, SIMPLE = "bare", "full", "simple"

IMPERSONATION = "https://store.example/impersonate/take/53114"
RIGHTS = ("admin", "plan_admin", "only_sees_readable")


@dataclass
class Reply:
    """A response; a body that is not a text is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def as_response(self, request: Any) -> Any:
        response = requests.Response()
        response.status_code = self.status
        response.headers = CaseInsensitiveDict({"Content-Type": "application/json", **self.headers})
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        response._content = b"" if self.body is None else text.encode()
        response._content_consumed = True
        response.url, response.request = request.url, request
        return response


@dataclass(frozen=True)
class Variants:
    """The API variants of a store, with their numbers; the defaults are as documented."""

    search_finds_deactivated: bool = False  # 2
    list_holds_deactivated: bool = False  # 3
    empty_is_404: bool = False  # 4
    paginator: str = BARE  # 5
    page_size: int = 100  # 5: the store may return fewer users than requested
    ignores_page: bool = False  # 5
    pages_as_objects: bool = False  # 5: PHP writes an array with gaps as an object
    returns_external_id: bool = True  # 8
    updates_deactivated: bool = True  # 10
    plans: str = "shown"  # 11: shown, hidden or missing
    repeated_state_change: int = 404  # 12
    logs_out_deactivated: bool = True  # 13
    auth_sessions_only: bool = False  # 13: no path of force logout
    rejection: str = "errors"  # 14: errors, code or data
    lower_cases: bool = False  # 16
    respects_case: bool = False  # 16
    plan_end: str | None = KEPT  # 20: the end that every assignment gets
    slash_of_posts: str = "documented"  # 17: documented, with or without
    plain_plans: bool = False  # 27: a plain list instead of a paginator
    returns_admin: bool = True  # 26
    ignores_plan_query: bool = False  # 27


@dataclass
class Held:
    """A plan that a user holds."""

    plan_id: int
    valid_to: str | None = None
    name: str | None = None


@dataclass
class StoredUser:
    """The database state of one user."""

    id: int
    email: str
    external_id: str | None = None
    admin: bool = False
    plan_admin: bool = False
    only_sees_readable: bool = False
    sessions_limit: int | None = None
    plans: list[Held] = field(default_factory=list)
    deactivated: bool = False
    password: str | None = None
    sessions_ended: int = 0

    def write(self, body: Mapping[str, Any], *, replaces: bool, plan_end: str | None) -> None:
        """Apply a body; if it ``replaces``, missing fields are set to their defaults."""
        for name in RIGHTS:
            if name in body or replaces:
                setattr(self, name, bool(body.get(name, False)))
        for name in ("external_id", "sessions_limit"):
            if name in body or replaces:
                setattr(self, name, body.get(name))
        if body.get("new_password"):
            self.password = body["new_password"]
        if body.get("assign_new_plan"):
            # Every call assigns again (variant 18), so that a repetition is visible.
            valid_to = body.get("new_plan_custom_valid_to") if plan_end == KEPT else plan_end
            held = Held(body["assign_new_plan"], valid_to, body.get("user_plan_name"))
            self.plans.append(held)

    def record(self, variants: Variants) -> dict[str, Any]:
        """The user in a response."""
        moment = "2021-05-18T13:28:53.000000Z"
        record: dict[str, Any] = {
            "id": self.id,
            "uuid": f"uuid-{self.id}",
            "email": self.email,
            "sessions_limit": self.sessions_limit,
            **{name: getattr(self, name) for name in RIGHTS},
            "created_at": moment,
            "updated_at": moment,
            "deleted_at": moment if self.deactivated else None,
            "user_plans_count": len(self.plans),
            "impersonate": IMPERSONATION,
            "impersonation_url": IMPERSONATION,
        }
        if variants.returns_external_id:
            record["external_id"] = self.external_id
        if not variants.returns_admin:
            del record["admin"]
        if variants.plans != "missing":
            shown = [] if variants.plans == "hidden" else self.plans
            record["user_plans"] = [_plan(plan) for plan in shown]
        return record


def listed(users: list[StoredUser], query: Mapping[str, str], variants: Variants) -> Reply:
    """The response to a list request."""
    number = 1 if variants.ignores_page else int(query.get("page", 1))
    size = min(int(query.get("per_page", 15)), variants.page_size)
    shown = users[(number - 1) * size : number * size]
    if not shown and variants.empty_is_404:
        return Reply(404, {"message": "No query results for model [User]."})
    data: Any = [user.record(variants) for user in shown]
    if variants.pages_as_objects:
        data = {str(2 * position): record for position, record in enumerate(data)}
    last = max(1, -(-len(users) // size))
    paginator: dict[str, Any] = {"current_page": number, "data": data}
    if variants.paginator != BARE:
        url = f"https://store.example/users?page={number + 1}"
        paginator["next_page_url"] = url if number < last else None
        paginator["per_page"] = size
    if variants.paginator == FULL:
        paginator.update(last_page=last, total=len(users))
    return Reply(200, {"CODE": "success", "data": {"paginator": paginator}})


def _plan(plan: Held) -> dict[str, Any]:
    values = {"plan_id": plan.plan_id, "name": plan.name, "valid_to": plan.valid_to}
    return {**values, "cancelled_at": None}


@dataclass(frozen=True)
class Call:
    """One received request."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


Outcome = Union[Reply, Exception]


@dataclass
class Replacement:
    """The outcome that replaces the next request to ``method`` whose path ends with ``path``."""

    method: str
    outcome: Outcome
    carried_out: bool
    path: str = ""

    def matches(self, call: Call) -> bool:
        return call.method == self.method and call.path.endswith(self.path)


class FakeStore(BaseAdapter):
    """The store; ``users`` is its database state, which tests read directly."""

    def __init__(self, *users: StoredUser, **variants: Any) -> None:
        super().__init__()
        self.users = {user.id: user for user in users}
        # The store's list of plans; None if it has none (variant 27).
        self.plans: list[dict[str, Any]] | None = None
        self.variants = Variants(**variants)
        self.calls: list[Call] = []
        self.headers_seen: list[CaseInsensitiveDict[str]] = []
        self.replacements: list[Replacement] = []
        self.before_answer: Callable[[Call], object] = lambda _call: None
        # Workers send requests concurrently.
        self._transaction = threading.Lock()

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.method != "GET"]

    @property
    def lines(self) -> list[str]:
        return [call.line for call in self.calls]

    def forget_calls(self) -> None:
        self.calls.clear()

    def lose_answer(
        self, method: str, *, carried_out: bool, times: int = 1, path: str = ""
    ) -> None:
        """Lose the responses to the next requests of a method."""
        lost = requests.exceptions.ReadTimeout("Read timed out.")
        self.replacements += [Replacement(method, lost, carried_out, path) for _ in range(times)]

    def answer_instead(
        self, method: str, *outcomes: Outcome, path: str = "", carried_out: bool = False
    ) -> None:
        """Return these responses to the next requests instead of the store's own."""
        self.replacements += [
            Replacement(method, outcome, carried_out, path) for outcome in outcomes
        ]

    def by_email(self, email: str) -> StoredUser:
        [user] = [user for user in self.users.values() if user.email.lower() == email.lower()]
        return user

    def send(self, request: Any, **_options: Any) -> Any:  # type: ignore[override]
        parts = urlsplit(request.url)
        body = json.loads(request.body) if request.body else None
        call = Call(request.method, parts.path, dict(parse_qsl(parts.query)), body)
        self.calls.append(call)
        self.headers_seen.append(CaseInsensitiveDict(request.headers))
        self.before_answer(call)
        replacement = next((one for one in self.replacements if one.matches(call)), None)
        if replacement is None:
            with self._transaction:
                return self._answer(call).as_response(request)
        self.replacements.remove(replacement)
        if replacement.carried_out:
            self._answer(call)
        if isinstance(replacement.outcome, Exception):
            raise replacement.outcome
        return replacement.outcome.as_response(request)

    def close(self) -> None:
        """Close nothing: no socket is open."""

    def _answer(self, call: Call) -> Reply:
        slash = {"with": True, "without": False}.get(self.variants.slash_of_posts)
        if call.method == "POST" and slash is not None:
            if call.path.endswith("/") is not slash:
                return Reply(404, {"message": ""})
            documented = re.fullmatch(USERS + "/?", call.path) is not None
            call = replace(call, path=call.path.rstrip("/") + "/" * documented)
        for method, pattern, handler in self._routes():
            match = pattern.fullmatch(call.path)
            if call.method == method and match:
                return handler(call, *match.groups())
        return Reply(404, {"message": ""})

    def _routes(self) -> Iterator[tuple[str, re.Pattern[str], Callable[..., Reply]]]:
        yield "GET", re.compile(USERS), self._list
        yield "POST", re.compile(USERS + "/"), self._create
        yield "PUT", BY_ID, self._update
        yield "DELETE", BY_ID, self._deactivate
        yield "PUT", REACTIVATE, self._reactivate
        if self.variants.auth_sessions_only:
            yield "DELETE", SESSIONS, self._force_logout
        else:
            yield "POST", LOGOUT, self._force_logout
        yield "GET", re.compile(PLANS), self._list_plans

    def _list(self, call: Call) -> Reply:
        return listed(self._found(call.query.get("query")), call.query, self.variants)

    def _found(self, query: str | None) -> list[StoredUser]:
        all_users = list(self.users.values())
        if query == "deactivated":
            return [user for user in all_users if user.deactivated]
        if query == "admins":
            return [user for user in all_users if user.admin and not user.deactivated]
        if query is None:
            both = self.variants.list_holds_deactivated
        else:
            both = self.variants.search_finds_deactivated
            all_users = [user for user in all_users if self._matches(query, user.email)]
        return [user for user in all_users if both or not user.deactivated]

    def _matches(self, query: str, email: str) -> bool:
        if self.variants.respects_case:
            return query in email
        return query.lower() in email.lower()

    def _create(self, call: Call) -> Reply:
        body = call.body or {}
        rejection = self._rejection(body, None)
        if rejection is not None:
            return rejection
        user = StoredUser(max(self.users, default=0) + 1, self._stored(body["email"]))
        user.write(body, replaces=True, plan_end=self.variants.plan_end)
        self.users[user.id] = user
        return Reply(200, {"CODE": "success", "data": user.record(self.variants)})

    def _update(self, call: Call, user_id: str) -> Reply:
        user = self.users.get(int(user_id))
        if user is None or (user.deactivated and not self.variants.updates_deactivated):
            return Reply(404, {"message": f"No query results for model [User] {user_id}"})
        body = call.body or {}
        rejection = self._rejection(body, user)
        if rejection is not None:
            return rejection
        user.email = self._stored(body["email"])
        user.write(body, replaces=False, plan_end=self.variants.plan_end)
        return Reply(204)

    def _deactivate(self, _call: Call, user_id: str) -> Reply:
        return self._set_deactivated(int(user_id), deactivated=True, data=[])

    def _reactivate(self, _call: Call, user_id: str) -> Reply:
        return self._set_deactivated(int(user_id), deactivated=False, data=1)

    def _set_deactivated(self, user_id: int, *, deactivated: bool, data: Any) -> Reply:
        user = self.users.get(user_id)
        if user is None:
            return Reply(404, {"message": f"No query results for model [User] {user_id}"})
        if user.deactivated is deactivated:
            return Reply(self.variants.repeated_state_change, {"CODE": "success", "data": data})
        user.deactivated = deactivated
        return Reply(200, {"CODE": "success", "data": data})

    def _force_logout(self, _call: Call, identifier: str) -> Reply:
        key = unquote(identifier)
        for user in self.users.values():
            if key in (str(user.id), user.external_id):
                if user.deactivated and not self.variants.logs_out_deactivated:
                    break
                user.sessions_ended += 1
                return Reply(200, {"CODE": "success"})
        return Reply(404, {"message": f"No query results for model [User] {key}"})

    def _list_plans(self, call: Call) -> Reply:
        if self.plans is None:
            return Reply(404, {"message": ""})
        number = 1 if self.variants.ignores_page else int(call.query.get("page", 1))
        size = self.variants.page_size
        query = "" if self.variants.ignores_plan_query else call.query.get("query", "")
        plans = [plan for plan in self.plans if query.lower() in str(plan.get("name")).lower()]
        shown = plans[(number - 1) * size : number * size]
        if not shown and self.variants.empty_is_404:
            return Reply(404, {"message": "No query results for model [Plan]."})
        if self.variants.plain_plans:
            return Reply(200, {"CODE": "success", "data": shown})
        paginator: dict[str, Any] = {"current_page": number, "data": shown}
        if self.variants.paginator == FULL:
            last = max(1, -(-len(plans) // size))
            paginator.update(last_page=last, total=len(plans))
        return Reply(200, {"CODE": "success", "data": {"paginator": paginator}})

    def _stored(self, email: str) -> str:
        return email.lower() if self.variants.lower_cases else email

    def _rejection(self, body: dict[str, Any], user: StoredUser | None) -> Reply | None:
        errors = {
            name: [f"The {name} field is required."]
            for name in ("email", "external_id")
            if not body.get(name)
        }
        given = {name: body[name].lower() for name in ("email", "external_id") if body.get(name)}
        for other in self.users.values():
            for name, mine in given.items():
                theirs = getattr(other, name)
                if theirs and theirs.lower() == mine and other is not user:
                    errors[name] = [f"The {name} has already been taken."]
        if not errors:
            return None
        message = next(iter(errors.values()))[0]
        bodies = {
            "errors": {"message": message, "errors": errors},
            "code": {"CODE": "validation_error", "message": message},
            "data": {"CODE": "validation_error", "data": errors},
        }
        return Reply(422, bodies[self.variants.rejection])
