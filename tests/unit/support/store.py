# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store in memory that speaks the users API over ``requests``, without a socket.

It sits where an adapter of ``requests`` sits, so everything above it is the real thing: session,
limiter, retries, errors. It keeps a journal, can lose answers, and follows one :class:`Reading` of
the open choices.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Callable, Union
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from .reading import AS_DOCUMENTED, Reading
from .records import StoredUser, listed
from .reply import Reply

USERS = "/integration-api/v1/dashboard/users"
BY_ID = re.compile(USERS + r"/(\d+)")
REACTIVATE = re.compile(USERS + r"/(\d+)/re-activate")
LOGOUT = {
    "table": re.compile(r"/integration-api/v1/users/([^/]+)/force-logout"),
    "example": re.compile(USERS + r"/([^/]+)/force-logout"),
}


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


Outcome = Union[Reply, Exception]


@dataclass
class ValidationError:
    """What becomes of the next request to ``method`` whose path ends with ``path``."""

    method: str
    outcome: Outcome
    carried_out: bool
    path: str = ""

    def hits(self, call: Call) -> bool:
        return call.method == self.method and call.path.endswith(self.path)


class FakeStore(BaseAdapter):
    """The store; ``users`` is its truth, to be read by another way than the code under test."""

    def __init__(self, *users: StoredUser, reading: Reading = AS_DOCUMENTED) -> None:
        super().__init__()
        self.users = {user.id: user for user in users}
        self.reading = reading
        self.calls: list[Call] = []
        self.headers_seen: list[CaseInsensitiveDict[str]] = []
        self.faults: list[ValidationError] = []
        self.before_answer: Callable[[Call], None] = lambda _call: None

    # What tests ask for and look at.

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
        """Let the next answers to a method be lost on their way back."""
        gone = requests.exceptions.ReadTimeout("Read timed out.")
        self.faults += [ValidationError(method, gone, carried_out, path) for _ in range(times)]

    def answer_instead(
        self, method: str, *outcomes: Outcome, path: str = "", carried_out: bool = False
    ) -> None:
        """Give these answers to the next requests instead of the store's own."""
        self.faults += [ValidationError(method, outcome, carried_out, path) for outcome in outcomes]

    def by_email(self, email: str) -> StoredUser:
        [user] = [user for user in self.users.values() if user.email.lower() == email.lower()]
        return user

    # What ``requests`` calls.

    # Whatever the options are, no socket is opened.
    def send(self, request: Any, **_options: Any) -> Any:  # type: ignore[override]
        parts = urlsplit(request.url)
        body = json.loads(request.body) if request.body else None
        call = Call(request.method, parts.path, dict(parse_qsl(parts.query)), body)
        self.calls.append(call)
        self.headers_seen.append(CaseInsensitiveDict(request.headers))
        self.before_answer(call)
        fault = next((fault for fault in self.faults if fault.hits(call)), None)
        if fault is None:
            return self._answer(call).as_response(request)
        self.faults.remove(fault)
        if fault.carried_out:
            self._answer(call)
        if isinstance(fault.outcome, Exception):
            raise fault.outcome
        return fault.outcome.as_response(request)

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, call: Call) -> Reply:
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
        yield "POST", LOGOUT[self.reading.logout_path], self._force_logout

    def _list(self, call: Call) -> Reply:
        return listed(self._found(call.query.get("query")), call.query, self.reading)

    def _found(self, query: str | None) -> list[StoredUser]:
        all_users = list(self.users.values())
        if query == "deactivated":
            return [user for user in all_users if user.deactivated]
        if query == "admins":
            return [user for user in all_users if user.admin and not user.deactivated]
        if query is None:
            escape_control = self.reading.list_holds_deactivated
            return [user for user in all_users if escape_control or not user.deactivated]
        escape_control = self.reading.search_finds_deactivated
        return [
            user
            for user in all_users
            if self._matches(query, user.email) and (escape_control or not user.deactivated)
        ]

    def _matches(self, query: str, email: str) -> bool:
        if self.reading.heeds_case:
            return query in email
        return query.lower() in email.lower()

    def _create(self, call: Call) -> Reply:
        body = call.body or {}
        refused = self._refusal(body, None)
        if refused is not None:
            return refused
        user = StoredUser(max(self.users, default=0) + 1, self._spelt(body["email"]))
        user.write(body, replaces=True)
        self.users[user.id] = user
        return Reply(200, {"CODE": "success", "data": user.record(self.reading)})

    def _update(self, call: Call, user_id: str) -> Reply:
        user = self.users.get(int(user_id))
        if user is None or (user.deactivated and not self.reading.updates_deactivated):
            return Reply(404, {"message": f"No query results for model [User] {user_id}"})
        body = call.body or {}
        refused = self._refusal(body, user)
        if refused is not None:
            return refused
        user.email = self._spelt(body["email"])
        user.write(body, replaces=self.reading.put_replaces)
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
            return Reply(self.reading.repeated_state_change, {"CODE": "success", "data": data})
        user.deactivated = deactivated
        return Reply(200, {"CODE": "success", "data": data})

    def _force_logout(self, _call: Call, identifier: str) -> Reply:
        key = unquote(identifier)
        for user in self.users.values():
            if key in (str(user.id), user.external_id):
                if user.deactivated and not self.reading.logs_out_deactivated:
                    break
                user.sessions_ended += 1
                return Reply(200, {"CODE": "success"})
        return Reply(404, {"message": f"No query results for model [User] {key}"})

    def _spelt(self, email: str) -> str:
        return email.lower() if self.reading.lower_cases else email

    def _refusal(self, body: dict[str, Any], user: StoredUser | None) -> Reply | None:
        faults = {
            name: [f"The {name} field is required."]
            for name in ("email", "external_id")
            if not body.get(name)
        }
        for other in self.users.values():
            if other is not user:
                for name in ("email", "external_id"):
                    mine, theirs = body.get(name), getattr(other, name)
                    if mine and theirs and mine.lower() == theirs.lower():
                        faults[name] = [f"The {name} has already been taken."]
        if not faults:
            return None
        said = next(iter(faults.values()))[0]
        bodies = {
            "errors": {"message": said, "errors": faults},
            "code": {"CODE": "validation_error", "message": said},
            "data": {"CODE": "validation_error", "data": faults},
        }
        return Reply(422, bodies[self.reading.rejection])
