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

EndpointName = Literal["create", "list", "update", "deactivate", "reactivate", "force_logout"]

USERS = "/integration-api/v1/dashboard/users"
TABLE_USERS = "/integration-api/v1/users"


@dataclass(frozen=True, slots=True)
class Route:
    """A documented endpoint; ``slash``: whether its documented path ends with a slash."""

    endpoint: EndpointName
    method: str
    pattern: re.Pattern[str]
    slash: bool = False


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
    allowed = sorted(
        method
        for route, _ in found
        for method in (("GET", "HEAD") if route.method == "GET" else (route.method,))
    )
    if request.method == "OPTIONS":
        return Answer(200, b"", {"Allow": ",".join(allowed)})
    wanted = "GET" if request.method == "HEAD" else request.method
    for route, match in found:
        if route.method != wanted:
            continue
        form = f"{path}/" if route.slash else path
        if switches.trailing_slash == "strict" and request.path != form:
            query = f"?{request.query}" if request.query else ""
            location = f"{request.base_url}{form}{query}"
            return html_answer(301, "301 Moved Permanently", {"Location": location})
        return Match(route.endpoint, match.groupdict().get("id") or "")
    supported = ", ".join(allowed)
    return message_answer(
        405,
        f"The {request.method} method is not supported for this route. "
        f"Supported methods: {supported}.",
        {"Allow": supported},
    )
