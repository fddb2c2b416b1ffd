# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of the API, and which one a request is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .answers import NO_ROUTE, Answer, html_answer, message_answer
from .requests import StoreRequest
from .switches import Switches

EndpointName = Literal[
    "create", "list", "update", "deactivate", "reactivate", "force_logout", "plans", "sessions"
]

V1 = "/integration-api/v1"
USERS = f"{V1}/dashboard/users"
TABLE_USERS = f"{V1}/users"
SESSIONS = f"{V1}/auth-sessions"


@dataclass(frozen=True, slots=True)
class Route:
    """A documented endpoint; ``slash``: whether its documented path ends with a slash."""

    endpoint: EndpointName
    method: str
    pattern: re.Pattern[str]
    slash: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


@dataclass(frozen=True, slots=True)
class Match:
    """The endpoint of a request, and the identifier of a user in its path."""

    endpoint: EndpointName
    identifier: str = ""


def _route(endpoint: EndpointName, method: str, template: str, *, slash: bool = False) -> Route:
    pattern = re.escape(template).replace(r"\{id\}", "(?P<id>[^/]+)")
    return Route(endpoint, method, re.compile(pattern), slash)


_COMMON = (
    _route("create", "POST", USERS, slash=True),
    _route("list", "GET", USERS),
    _route("update", "PUT", f"{USERS}/{{id}}"),
    _route("deactivate", "DELETE", f"{USERS}/{{id}}"),
    _route("reactivate", "PUT", f"{USERS}/{{id}}/re-activate"),
    _route("plans", "GET", f"{V1}/dashboard/plans"),
    _route("sessions", "GET", SESSIONS),
    # Force logout by another way, which takes only the id.
    _route("force_logout", "DELETE", f"{SESSIONS}/users/{{id}}"),
)
_FORCE_LOGOUT = {
    "table": _route("force_logout", "POST", f"{TABLE_USERS}/{{id}}/force-logout"),
    "example": _route("force_logout", "POST", f"{USERS}/{{id}}/force-logout"),
}


def resolve(request: StoreRequest, switches: Switches) -> Match | Answer:
    """The endpoint of a request, or the answer if there is none."""
    path = request.path.rstrip("/")
    variant = switches.force_logout_path
    force_logout = [_FORCE_LOGOUT[key] for key in _FORCE_LOGOUT if variant in (key, "both")]
    routes = [*_COMMON, *force_logout]
    found = [(route, match) for route in routes if (match := route.pattern.fullmatch(path))]
    if not found:
        return NO_ROUTE
    allowed = sorted(method for route, _ in found for method in route.methods)
    if request.method == "OPTIONS":
        return Answer(200, b"", {"Allow": ",".join(allowed)})
    wanted = "GET" if request.method == "HEAD" else request.method
    for route, match in found:
        if route.method != wanted:
            continue
        slash = route.slash and switches.trailing_slash == "with_slash"
        form = f"{path}/" if slash else path
        if switches.trailing_slash != "both" and request.path != form:
            others = [method for method in allowed if method not in route.methods]
            return _wrong_form(request, form, others, switches)
        return Match(route.endpoint, match.groupdict().get("id") or "")
    return _not_allowed(request.method, allowed)


def _wrong_form(request: StoreRequest, form: str, others: list[str], switches: Switches) -> Answer:
    """The answer to a path with a slash too many or too few (17)."""
    kind = switches.trailing_slash_answer
    if kind == "not_found":
        return NO_ROUTE
    if kind == "method_not_allowed":
        return _not_allowed(request.method, others)
    # Another origin is this store by its other name: the journal shows a client that follows.
    names = ("127.0.0.1", "localhost")
    here, there = names if names[0] in request.base_url else names[::-1]
    origin = {
        "redirect": request.base_url,
        "relative_redirect": "",
        "redirect_elsewhere": request.base_url.replace(here, there),
    }[kind]
    query = f"?{request.query}" if request.query else ""
    location = f"{origin}{form}{query}"
    return html_answer(301, "301 Moved Permanently", {"Location": location})


def _not_allowed(method: str, allowed: list[str]) -> Answer:
    supported = ", ".join(allowed)
    return message_answer(
        405,
        f"The {method} method is not supported for this route. Supported methods: {supported}.",
        {"Allow": supported},
    )
