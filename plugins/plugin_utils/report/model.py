# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run as one plain value, from the results that the hosts of a play registered.

It is the content of report.json, and every other file of a report is made from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from ...module_utils.apply.executor import NOT_TRIED
from ...module_utils.progress import OUTCOMES

PROVISION, AUDIT = "provision", "audit"
KINDS = (PROVISION, AUDIT)
FORMAT = 1

AS_DECLARED, CHANGED, FAILED, UNREACHABLE, NOT_RUN = STORE_STATUSES = (
    *("as_declared", "changed", "failed", "unreachable", "not_run"),
)
# The status of a user, in addition to FAILED and NOT_TRIED.
DONE, PREDICTED = "done", "foreseen"

# Of the unchanged users, those that were not read.
UNVERIFIED = "unverified"

COUNTS = ("desired", *OUTCOMES, "unchanged", UNVERIFIED, "protected", "failed")
RECORD_KEYS = ("entries", "verified_at")
FAILURE_KEYS = ("code", "message", "method", "path", "status")
# The keys of a result that a report may use. Others, such as its arguments, are never read.
RESULT_KEYS = (
    *("changed", "failed", "unreachable", "skipped", "msg", "failure", "warnings"),
    *("summary", "results", "diff", "plan", "guard", "seats", "api", "kept", "last_applied"),
)

Result = Mapping[str, Any]

# A loop's item that is shown in a report. Any other could hold a secret.
_ITEM_NAME = re.compile(r"\w[\w .-]{0,31}")


class NotAResultError(ValueError):
    def __init__(self, host: str, name: str) -> None:
        super().__init__(
            f"The variable {name} of {host} holds no result of publica_user_bulk, so no report was "
            "written. Give in results the name that the task publica_user_bulk registers, or after "
            "an asynchronous task that of async_status."
        )


def registered_results(hosts: Sequence[str], variables: Any, name: str) -> dict[str, Result]:
    """The result of each host, in their order; an empty one where the task did not run.

    The items of a loop are separate results, by names such as ``press (fiction)``.

    :param variables: the ``hostvars`` of Ansible, whose ``raw_get`` evaluates no template.
    """
    found: dict[str, Result] = {}
    for host in hosts:
        known = variables.raw_get(host) if host in variables else None
        registered = known.get(name) if isinstance(known, Mapping) else None
        items = _loop_items(registered)
        if items is None:
            found[host] = _result(registered, host, name)
        else:
            results = {f"{host} ({label})": item for label, item in items.items()}
            found.update({label: _result(item, host, name) for label, item in results.items()})
    return found


def _loop_items(registered: Any) -> dict[str, Any] | None:
    """The results of a loop by the names of its items, or by their numbers; None if it is none."""
    results = registered.get("results") if isinstance(registered, Mapping) else None
    if not isinstance(results, (list, tuple)) or not results:
        return None
    if not all(isinstance(one, Mapping) and "ansible_loop_var" in one for one in results):
        return None
    labels = [_item_name(one.get(one["ansible_loop_var"])) for one in results]
    if None in labels or len(set(labels)) < len(labels):
        labels = [str(number) for number in range(1, len(results) + 1)]
    return dict(zip(map(str, labels), _with_warnings(registered, results)))


def _with_warnings(registered: Mapping[str, Any], results: Sequence[Any]) -> Iterator[Any]:
    """The results of a loop with their warnings, which some releases move to the loop's result.

    There, only the warning of a guard shows which item it is of. The first one gets the others.
    """
    kept = [list(map(warning_text, one.get("warnings") or ())) for one in results]
    moved = [
        text
        for text in map(warning_text, registered.get("warnings") or ())
        if text not in chain(*kept)
    ]
    guards = [(one.get("guard") or {}).get("warning") for one in results]
    others = [f"An item of the loop: {text}" for text in moved if text not in guards]
    for one, own, of_guard in zip(results, kept, guards):
        yield {**one, "warnings": [*([of_guard] if of_guard in moved else []), *own, *others]}
        others = []


def _item_name(item: Any) -> str | None:
    """The name of a loop's item: a text, or the ``name`` or ``key`` of a mapping."""
    if isinstance(item, Mapping):
        item = item.get("name", item.get("key"))
    return plain(item) if isinstance(item, str) and _ITEM_NAME.fullmatch(item) else None


def _result(registered: Any, host: str, name: str) -> Result:
    if registered is None:
        return {}
    if not isinstance(registered, Mapping) or not any(
        registered.get(key) for key in ("summary", "failed", "unreachable", "skipped")
    ):
        raise NotAResultError(host, name)
    result = {key: plain(registered[key]) for key in RESULT_KEYS if key in registered}
    if "warnings" in result:
        result["warnings"] = [warning_text(one) for one in registered["warnings"] or ()]
    return result


def warning_text(warning: Any) -> str:
    """The text of a warning; from ansible-core 2.19 on, it is in an object."""
    return str(plain(getattr(getattr(warning, "event", None), "msg", warning)))


def plain(value: Any) -> Any:
    """A value in Python's built-in types, without the types and tags that Ansible adds."""
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        # str(value) can return the same tagged type again.
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)


def report_of(
    results: Mapping[str, Result],
    *,
    kind: str,
    check_mode: bool,
    generated_at: str,
    version: str,
    run: str = "",
) -> dict[str, Any]:
    """The report on the results of all stores.

    :param run: an identifier that all reports of one run share.
    """
    # The task of an audit may run in check mode without the task of its report.
    check_mode = check_mode or kind == AUDIT
    stores = [_store(name, result) for name, result in results.items()]
    changes = [
        change for name, result in results.items() for change in _changes(name, result, check_mode)
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


def _store(name: str, result: Result) -> dict[str, Any]:
    summary = result.get("summary")
    # With report=summary a result counts its users and lists none of them.
    itemized = (
        summary is None
        or bool(result.get("results"))
        or not any(summary.get(count) for count in (*OUTCOMES, "failed"))
    )
    return {
        "name": name,
        "status": _store_status(result),
        "summary": None if summary is None else {count: summary.get(count, 0) for count in COUNTS},
        "told_one_by_one": itemized,
        "failure": failure_of(result),
        "guard": result.get("guard"),
        "warnings": list(result.get("warnings") or []),
        "kept": {
            reason: {"count": kept["count"], "users": list(kept["users"])}
            for reason, kept in (result.get("kept") or {}).items()
        },
        "last_applied": _record(result),
        "plan": result.get("plan"),
        "api": result.get("api"),
        "seats": result.get("seats"),
    }


def _store_status(result: Result) -> str:
    if result.get("unreachable"):
        return UNREACHABLE
    if result.get("failed"):
        return FAILED
    if "summary" not in result:
        return NOT_RUN
    # ``changed_when`` can hide changes.
    changed = result.get("changed") or any(map(result["summary"].get, OUTCOMES))
    return CHANGED if changed else AS_DECLARED


def failure_of(result: Result) -> dict[str, Any] | None:
    if not (result.get("failed") or result.get("unreachable")):
        return None
    failure = result.get("failure")
    if not isinstance(failure, Mapping):
        failure = {"message": result.get("msg")}
    return {
        **{name: failure.get(name) for name in FAILURE_KEYS},
        "message": str(failure.get("message") or ""),
    }


def _record(result: Result) -> dict[str, Any] | None:
    record = result.get("last_applied")
    return {name: record.get(name) for name in RECORD_KEYS} if record else None


def _changes(store: str, result: Result, check_mode: bool) -> Iterator[dict[str, Any]]:
    """The users of a store that changed or failed."""
    diff = result.get("diff") or []
    diffs = {entry.get("result"): entry for entry in diff}
    items = [
        (item, diffs.get(position, {})) for position, item in enumerate(result.get("results") or [])
    ]
    # Of a plan that a guard refused, ``results`` holds only the first users.
    items += [(entry["item"], entry) for entry in diff if "item" in entry]
    for item, entry in items:
        if item.get("changed") or item.get("failed"):
            error = item.get("error") or {}
            yield {
                "store": store,
                **{name: item.get(name) for name in ("email", "external_id", "id", "state")},
                "listed": bool(item.get("listed", True)),
                "leaver": not item.get("listed", True) and bool(result.get("last_applied")),
                "actions": list(item.get("actions") or []),
                "changed": bool(item.get("changed")),
                "status": _user_status(item, error, check_mode),
                "error": {name: str(error.get(name) or "") for name in ("code", "message")}
                if error
                else None,
                "differences": list(_differences(entry)),
            }


def _user_status(item: Mapping[str, Any], error: Mapping[str, Any], check_mode: bool) -> str:
    if item.get("failed"):
        return NOT_TRIED if error.get("code") == NOT_TRIED else FAILED
    return PREDICTED if check_mode else DONE


def _differences(diff: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The attributes that differ; ``before`` is left out of a user who did not exist."""
    # Where many users are new, their values are under a key of their own.
    after = diff.get("created") or diff.get("after") or {}
    sides = {"before": diff.get("before") or {}, "after": after}
    for name in dict.fromkeys((*sides["before"], *sides["after"])):
        # An entry of diff shows plans as text, and has them as data under a key of their own.
        values = diff["plans"] if name == "plans" else {s: sides[s].get(name) for s in sides}
        yield {"name": name, **{side: values[side] for side in sides if name in sides[side]}}


def _totals(
    stores: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    summaries = [store["summary"] for store in stores if store["summary"] is not None]
    counted = [store["seats"] for store in stores if store["seats"] is not None]
    statuses = [store["status"] for store in stores]
    itemized = all(store["told_one_by_one"] for store in stores)
    return {
        "stores": len(stores),
        "stores_by_status": {status: statuses.count(status) for status in STORE_STATUSES},
        # Users of a plan that a guard refused did not change. They count as failed.
        "drifted": sum(change["changed"] for change in changes) if itemized else None,
        "failed": sum(summary["failed"] for summary in summaries),
        "not_tried": sum(change["status"] == NOT_TRIED for change in changes) if itemized else None,
        "users": {name: sum(summary[name] for summary in summaries) for name in COUNTS},
        "requests": sum((store["api"] or {}).get("requests", 0) for store in stores),
        "seats": {
            "stores_counted": len(counted),
            "active": _sum(seats["active"] for seats in counted),
            "stores_with_deactivated": sum(seats["deactivated"] is not None for seats in counted),
            "deactivated": _sum(seats["deactivated"] for seats in counted),
        },
    }


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
