# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which endpoint a method and a path mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .answers import Answer, allowed_methods, method_not_allowed, moved, no_route
from .requests import StoreRequest
from .switches import Switches

EndpointName = Literal["create", "list", "update", "deactivate", "reactivate", "force_logout"]

USERS = "/integration-api/v1/dashboard/users"
TABLE_USERS = "/integration-api/v1/users"


@dataclass(frozen=True, slots=True)
class Route:
    """A documented endpoint. ``slash`` says whether its path is documented with one at the end."""

    endpoint: EndpointName
    method: str
    pattern: re.Pattern[str]
    slash: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The endpoint of a request, and the user that its path names."""

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
    """The endpoint of a request, or the answer where there is none."""
    path = request.path.rstrip("/")
    routes = [*_COMMON, *(_force_logout_routes(switches))]
    found = [(route, match) for route in routes if (match := route.pattern.fullmatch(path))]
    if not found:
        return no_route()
    allowed = _methods([route for route, _ in found])
    if request.method == "OPTIONS":
        return allowed_methods(allowed)
    wanted = "GET" if request.method == "HEAD" else request.method
    for route, match in found:
        if route.method != wanted:
            continue
        form = f"{path}/" if route.slash else path
        if switches.trailing_slash == "strict" and request.path != form:
            query = f"?{request.query}" if request.query else ""
            return moved(f"{request.base_url}{form}{query}")
        return Match(route.endpoint, match.groupdict().get("id") or "")
    return method_not_allowed(request.method, allowed)


def _force_logout_routes(switches: Switches) -> list[Route]:
    if switches.force_logout_path == "both":
        return list(_FORCE_LOGOUT.values())
    return [_FORCE_LOGOUT[switches.force_logout_path]]


def _methods(routes: list[Route]) -> list[str]:
    methods: list[str] = []
    for route in routes:
        methods += ["GET", "HEAD"] if route.method == "GET" else [route.method]
    return sorted(methods)
