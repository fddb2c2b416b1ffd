# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What most tests begin with: a connection, an API on an in-memory store, users on both sides."""

from __future__ import annotations

from typing import Any

from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.connection import Connection
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.store.user import (
    CurrentUser,
    HeldPlan,
    end_days,
)

from .store import FakeStore

BASE_URL = "https://store.example"
TOKEN = "tok-3f9a1c77d2e84b60"
PASSWORD = "Correct-Horse-9"
TODAY = "2026-06-01"


def connection(**changes: Any) -> Connection:
    return Connection(**{"base_url": BASE_URL, "api_token": TOKEN, **changes})


def api_on(
    store: FakeStore,
    *,
    read_only: bool = False,
    workers: int = 1,
    stop_request: StopRequest | None = None,
    **changes: Any,
) -> UsersApi:
    """The real client, with the store in the place of the network."""
    transport = HttpTransport(
        connection(**changes), read_only=read_only, workers=workers, stop_request=stop_request
    )
    transport._session.mount("https://", store)
    return UsersApi(transport)


def current_user(user_id: int = 1, **changes: Any) -> CurrentUser:
    """A user of the store who has every attribute."""
    attributes: dict[str, Any] = {
        "id": user_id,
        "email": f"user{user_id}@example.org",
        "active": True,
        "external_id": f"ext-{user_id}",
        "admin": False,
        "plan_admin": False,
        "only_sees_readable": False,
        "plans": (),
        **changes,
    }
    return CurrentUser(**attributes)


def desired_user(user_id: int = 1, **changes: Any) -> DesiredUser:
    """The desired user with the keys of :func:`current_user`, and nothing else managed."""
    keys: dict[str, Any] = {
        "email": f"user{user_id}@example.org",
        "external_id": f"ext-{user_id}",
        **changes,
    }
    return DesiredUser(**keys)


def held_plan(plan_id: int, valid_to: str | None = None, **more: Any) -> HeldPlan:
    """A plan that a user holds, with its end in the form of a record."""
    return HeldPlan(plan_id, valid_to=valid_to, end_days=end_days(valid_to), **more)


def only_steps(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """Endpoint and body of every step, in the order of the users."""
    return [(step.endpoint, dict(step.body)) for user in plan.changes for step in user.steps]
