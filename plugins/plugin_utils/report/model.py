# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run as one plain value, of which every form of it is made. Pure.

It is what report.json holds; docs/report.schema.json describes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils.apply.executor import NOT_TRIED
from .changes import changes_of
from .outcomes import Outcome

PROVISION, AUDIT = "provision", "audit"
KINDS = (PROVISION, AUDIT)
FORMAT = 1

# What is said of a store, the worst first.
FAILED, UNREACHABLE, NOT_RUN, CHANGED, AS_DECLARED = (
    *("failed", "unreachable", "not_run", "changed", "as_declared"),
)
COUNTS = (
    *("desired", "created", "updated", "reactivated", "deactivated"),
    *("unchanged", "protected", "failed"),
)
FAILURE_KEYS = ("code", "message", "method", "path", "status")


def report_of(
    outcomes: Sequence[Outcome],
    *,
    kind: str,
    check_mode: bool,
    generated_at: str,
    version: str,
    run: str = "",
) -> dict[str, Any]:
    """The report on what became of each store.

    :param kind: ``provision`` or ``audit``.
    :param check_mode: nothing was written, and changes are those that a run would make.
    :param generated_at: when the report was made, ISO 8601 in UTC.
    :param version: the collection's.
    :param run: a name for the run that is the same in everything that it writes.
    """
    stores = [_store(outcome) for outcome in outcomes]
    changes = [
        change for outcome in outcomes for change in changes_of(outcome, foreseen=check_mode)
    ]
    return {
        "format": FORMAT,
        "kind": kind,
        "check_mode": check_mode,
        "generated_at": generated_at,
        "collection_version": version,
        "run": run,
        "totals": _totals(stores, changes),
        "stores": stores,
        "changes": changes,
    }


def _store(outcome: Outcome) -> dict[str, Any]:
    result = outcome.result
    summary = result.get("summary")
    told = summary is None or bool(result.get("results")) or not _has_fates(summary)
    return {
        "name": outcome.store,
        "status": _status(result),
        "summary": None if summary is None else {name: summary.get(name, 0) for name in COUNTS},
        "told_one_by_one": told,
        "failure": _failure(result),
        "guard": result.get("guard"),
        "warnings": list(result.get("warnings") or []),
        "plan": result.get("plan"),
        "api": result.get("api"),
        "seats": result.get("seats"),
    }


def _has_fates(summary: Mapping[str, int]) -> bool:
    """Whether anybody changed or failed, whom the results then tell of unless told not to."""
    fates = ("created", "updated", "reactivated", "deactivated", "failed")
    return any(summary.get(name) for name in fates)


def _status(result: Mapping[str, Any]) -> str:
    if result.get("unreachable"):
        return UNREACHABLE
    if result.get("failed"):
        return FAILED
    if "summary" not in result:
        return NOT_RUN
    return CHANGED if result.get("changed") else AS_DECLARED


def _failure(result: Mapping[str, Any]) -> dict[str, Any] | None:
    if not (result.get("failed") or result.get("unreachable")):
        return None
    failure = result.get("failure")
    if not isinstance(failure, Mapping):
        failure = {"message": result.get("msg")}
    told = {name: failure.get(name) for name in FAILURE_KEYS}
    return {**told, "message": str(told["message"] or "")}


def _totals(
    stores: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The figures over all stores; None where no store tells one."""
    read = [store["summary"] for store in stores if store["summary"] is not None]
    counted = [store["seats"] for store in stores if store["seats"] is not None]
    statuses = [store["status"] for store in stores]
    told = all(store["told_one_by_one"] for store in stores)
    return {
        "stores": len(stores),
        "stores_by_status": {
            status: statuses.count(status)
            for status in (AS_DECLARED, CHANGED, FAILED, UNREACHABLE, NOT_RUN)
        },
        # Not those of a plan that a guard refused: they failed, and are told as that.
        "drifted": sum(change["changed"] for change in changes) if told else None,
        "failed": sum(summary["failed"] for summary in read),
        "not_tried": sum(change["status"] == NOT_TRIED for change in changes) if told else None,
        "users": {name: sum(summary[name] for summary in read) for name in COUNTS},
        "requests": sum((store["api"] or {}).get("requests", 0) for store in stores),
        "seats": {
            "stores_counted": len(counted),
            "active": _sum(seats["active"] for seats in counted),
            "stores_with_deactivated": sum(s["deactivated"] is not None for s in counted),
            "deactivated": _sum(seats["deactivated"] for seats in counted),
        },
    }


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
