# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ending one user's sessions: who is meant, then the one request."""

from __future__ import annotations

import re

from .applied.executor import AppliedUser, apply_plan
from .current.finding import ACTIVE, Wanted, find_users
from .current.user import CurrentUser
from .desired.user import DesiredUser
from .plan.logout import plan_logout
from .transport.errors import NotFoundError, PublicaError
from .transport.users_api import UsersApi


def end_sessions(api: UsersApi, desired: DesiredUser) -> AppliedUser:
    """End the sessions of the user with the given key, or in check mode tell that it would.

    An id is sent as it is. So is an external id, which the endpoint takes as well, unless it
    consists of digits (it could be another user's id) or holds what means something else in a
    path (``..`` or a slash): then the user is looked for, and the id sent.

    :raises NotFoundError: nobody has the key.
    """
    current: CurrentUser | None = None
    external_id = desired.external_id
    identifier: int | str
    if desired.id is not None:
        identifier = desired.id
    elif external_id is not None and _fits_into_path(external_id):
        identifier = external_id
    else:
        found = find_users(api, Wanted(desired.email, external_id, status=ACTIVE))
        if not found:
            raise NotFoundError(
                "not_found", f"No active user of the store has {desired.label}. Correct the key."
            )
        current = found[0]
        identifier = current.id
    plan = plan_logout(desired, current, identifier)
    applied = apply_plan(plan, api, today="")[0]
    if isinstance(applied.error, NotFoundError):
        raise PublicaError(
            "not_found",
            f"The store ends no sessions of {desired.label}: it knows no active user by this key.",
            method=applied.error.method,
            path=applied.error.path,
            status=applied.error.status,
        )
    return applied


def _fits_into_path(external_id: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*", external_id)) and (
        not external_id.isdecimal()
    )
