# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a report: whoever changed or failed, with what differs before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...module_utils.apply.executor import NOT_TRIED
from ...module_utils.result.result import NOT_LISTED, escape_control
from .outcomes import Outcome

# What became of a user.
DONE, FORESEEN, FAILED = "done", "foreseen", "failed"


def changes_of(outcome: Outcome, *, foreseen: bool) -> Iterator[dict[str, Any]]:
    """The users of one store that changed or failed, in the order of its result.

    :param foreseen: it was a dry run.
    """
    differences = list(outcome.result.get("diff") or [])
    differences.reverse()
    for item in outcome.result.get("results") or []:
        if not (item.get("changed") or item.get("failed")):
            continue
        difference: Mapping[str, Any] = {}
        if differences and _belongs(differences[-1], item):
            difference = differences.pop()
        yield {
            "store": outcome.store,
            "email": item.get("email"),
            "external_id": item.get("external_id"),
            "id": item.get("id"),
            "state": item.get("state"),
            "listed": not str(difference.get("after_header", "")).endswith(f"{NOT_LISTED})"),
            "actions": list(item.get("actions") or []),
            "changed": bool(item.get("changed")),
            "status": _status(item, foreseen),
            "error": _error(item),
            "differences": list(_differences(difference)),
        }


def _belongs(difference: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether the next difference is this user's.

    Differences come in the order of the users, one for each who changed. Where a guard has refused
    the plan nobody changed, and there is one for whoever was to; of the others, who failed before,
    there is none.
    """
    if item.get("changed"):
        return True
    if (item.get("error") or {}).get("code") != NOT_TRIED:
        return False
    keys = (item.get("email"), item.get("external_id"), item.get("id"))
    label = next((str(key) for key in keys if key is not None), "")
    return escape_control(label) in str(difference.get("before_header", ""))


def _status(item: Mapping[str, Any], foreseen: bool) -> str:
    if item.get("failed"):
        not_tried = (item.get("error") or {}).get("code") == NOT_TRIED
        return NOT_TRIED if not_tried else FAILED
    return FORESEEN if foreseen else DONE


def _error(item: Mapping[str, Any]) -> dict[str, Any] | None:
    error = item.get("error")
    if not isinstance(error, Mapping):
        return None
    return {"code": str(error.get("code") or ""), "message": str(error.get("message") or "")}


def _differences(difference: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each attribute that differs; ``before`` is left out where there was no user yet."""
    before, after = difference.get("before") or {}, difference.get("after") or {}
    for name in dict.fromkeys((*before, *after)):
        sides = {"before": before, "after": after}
        yield {"name": name, **{side: had[name] for side, had in sides.items() if name in had}}
