# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders: a connection, an API on an in-memory store, stored, current and desired users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.client.api import UsersApi
from ansible_collections.publica.la.plugins.module_utils.client.connection import (
    Connection,
    connection_argument_spec,
)
from ansible_collections.publica.la.plugins.module_utils.client.http import HttpTransport
from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.plugins.module_utils.input.options import DesiredUser
from ansible_collections.publica.la.plugins.module_utils.input.rows import (
    rows_of_list,
    users_of_entries,
)
from ansible_collections.publica.la.plugins.module_utils.plan.model import Plan
from ansible_collections.publica.la.plugins.module_utils.plan.planner import plan_users
from ansible_collections.publica.la.plugins.module_utils.provision import Provisioned
from ansible_collections.publica.la.plugins.module_utils.result.result import bulk_result
from ansible_collections.publica.la.plugins.module_utils.store.user import (
    CurrentUser,
    HeldPlan,
    UserIndex,
    end_days,
)

from .store import FakeStore, Held, StoredUser

BASE_URL = "https://store.example"
TOKEN = "tok-3f9a1c77d2e84b60"
PASSWORD = "Correct-Horse-9"
TODAY = "2026-06-01"


def connection(**changes: Any) -> Connection:
    options = {name: spec.get("default") for name, spec in connection_argument_spec().items()}
    return Connection(**{**options, "base_url": BASE_URL, "api_token": TOKEN, **changes})


def desired_users(
    rows: Sequence[Any], defaults: Mapping[str, Any] | None = None
) -> list[DesiredUser]:
    return users_of_entries(rows_of_list(rows), defaults)


def api_on(
    store: FakeStore,
    *,
    read_only: bool = False,
    workers: int = 1,
    stop_request: StopRequest | None = None,
    **changes: Any,
) -> UsersApi:
    """The real client on a store in memory instead of the network."""
    transport = HttpTransport(
        connection(**changes), read_only=read_only, workers=workers, stop_request=stop_request
    )
    transport._session.mount("https://", store)
    return UsersApi(transport)


def store_of(
    active: int, deactivated: int = 0, *, plans: Sequence[Held] = (), **variants: Any
) -> FakeStore:
    """A store with the users of :func:`current_user`: first the active ones, from 1 on."""
    users = (
        StoredUser(
            number,
            f"user{number}@example.org",
            f"ext-{number}",
            deactivated=number > active,
            plans=list(plans),
        )
        for number in range(1, active + deactivated + 1)
    )
    return FakeStore(*users, **variants)


def current_user(user_id: int = 1, **changes: Any) -> CurrentUser:
    """A user of the store with all attributes."""
    values: dict[str, Any] = {
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
    return CurrentUser(**values)


def desired_user(user_id: int = 1, **changes: Any) -> DesiredUser:
    """The desired user with the keys of :func:`current_user` and no other option."""
    keys: dict[str, Any] = {
        "email": f"user{user_id}@example.org",
        "external_id": f"ext-{user_id}",
        **changes,
    }
    return DesiredUser(**keys)


def held_plan(plan_id: int, valid_to: str | None = None, **more: Any) -> HeldPlan:
    """A plan that a user has, with its end as in a record."""
    return HeldPlan(plan_id, valid_to=valid_to, end_days=end_days(valid_to), **more)


def planned(
    *desired: DesiredUser, store: Sequence[CurrentUser] | None = None, **current: Any
) -> Plan:
    """The plan over a store, or over three users who all have the given attributes."""
    if store is None:
        store = [current_user(number, **current) for number in (1, 2, 3)]
    return plan_users(desired, UserIndex(store), TODAY)


def bulk(provisioned: Provisioned, report: str = "all", **changes: Any) -> dict[str, Any]:
    """The result of a task for many users."""
    options: dict[str, Any] = {"failed_users": [], "requests_a_window": 100, "share": 100}
    return bulk_result(provisioned, report=report, **{**options, **changes})


def only_steps(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """Endpoint and body of every step."""
    return [(step.endpoint, dict(step.body)) for change in plan.changes for step in change.steps]
