# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deactivating, reactivating and logging out: the endpoints without a body."""

from __future__ import annotations

from .answers import Answer, no_content, success
from .work import Work


def deactivate(work: Work) -> Answer:
    """DELETE /users/{id}"""
    user = work.named_user()
    if user.deleted_at is not None and work.switches.deactivate_again == "not_found":
        raise work.missing()
    if user.deleted_at is None:
        work.change(user, {"deleted_at": work.now})
    return success([])


def reactivate(work: Work) -> Answer:
    """PUT /users/{id}/re-activate"""
    user = work.named_user()
    if user.deleted_at is None and work.switches.reactivate_again == "not_found":
        raise work.missing()
    work.change(user, {"deleted_at": None})
    return success(1)


def force_logout(work: Work) -> Answer:
    """POST /users/{id}/force-logout, where the id may also be the external id."""
    user = work.named_user(by_external_id=True)
    if user.deleted_at is not None and work.switches.force_logout_deactivated == "not_found":
        raise work.missing()
    user.open_sessions = 0
    user.forced_logouts += 1
    work.changed = True
    return success([]) if work.switches.force_logout_answer == "json" else no_content()
