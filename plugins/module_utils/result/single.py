# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of one user."""

from __future__ import annotations

from typing import Any

from ..applied.executor import AppliedUser
from .diff import diff_of
from .users import normal_form
from .warning_lines import warning_lines


def single_result(applied: AppliedUser) -> dict[str, Any]:
    """The whole result of a task on one user; with ``failed`` where it failed.

    What was done before a failure is told all the same.
    """
    result: dict[str, Any] = {
        "changed": applied.changed,
        "user": normal_form(applied.user) if applied.user else {},
        "actions": list(applied.actions),
        "warnings": warning_lines([applied]),
    }
    difference = diff_of(applied)
    if difference is not None:
        result["diff"] = difference
    return {**result, **_failed(applied)}


def logout_result(applied: AppliedUser) -> dict[str, Any]:
    """The whole result of a task that ends sessions."""
    return {
        "changed": applied.changed,
        "actions": list(applied.actions),
        "warnings": warning_lines([applied]),
        **_failed(applied),
    }


def _failed(applied: AppliedUser) -> dict[str, Any]:
    if applied.error is None:
        return {}
    error = applied.error
    return {"failed": True, "msg": error.message, "failure": error.as_failure()}
