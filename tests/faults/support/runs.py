# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running the modules' work on a list of rows, in one task or with a task for each row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.publica.la.plugins.module_utils.concurrency import StopRequest
from ansible_collections.publica.la.tests.integration.support import in_process
from publica_sandbox.testing import SandboxStore

Rows = Sequence[Mapping[str, Any]]

SINGLE, BULK = "single", "bulk"
MODES = (SINGLE, BULK)
WHOLE_RUN = "the run"


@dataclass
class Outcome:
    """What the modules said of a run.

    Attributes:
        actions: By the name of a row, what was done for it; rows without a change are left out.
        failures: By the name of a row (or ``the run``), the failure.
        said: Every result, whole.
        removals: What became of users that no row names, one by one.
    """

    actions: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    removals: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that was said, to look for what must not be."""
        return json.dumps(self.said, default=str)

    @property
    def codes(self) -> dict[str, str]:
        """The codes of the failures."""
        return {name: failure["code"] for name, failure in self.failures.items()}


def name_of(row: Mapping[str, Any]) -> str:
    """How a test names a row: by the key that never changes."""
    return str(row.get("external_id") or row.get("email") or row.get("id"))


def run(
    store: SandboxStore,
    rows: Rows,
    mode: str = BULK,
    *,
    workers: int = 1,
    check: bool = False,
    interruption: StopRequest | None = None,
    **options: Any,
) -> Outcome:
    """Run publica_user_bulk, or publica_user once for each row."""
    how: dict[str, Any] = {"check": check, "interruption": interruption}
    if mode == SINGLE:
        return _one_by_one(store, rows, how, options)
    result = in_process.bulk(store, rows, concurrency=workers, **how, **options)
    outcome = Outcome(said=[result])
    if "results" not in result:
        outcome.failures[WHOLE_RUN] = result["failure"]
        return outcome
    listed, outcome.removals = result["results"][: len(rows)], result["results"][len(rows) :]
    if outcome.removals and not options.get("exclusive"):
        raise AssertionError(f"removed without being asked to: {outcome.removals}")
    for row, item in zip(rows, listed, strict=True):
        _note(outcome, row, item["actions"], item["error"])
    return outcome


def _one_by_one(
    store: SandboxStore, rows: Rows, how: Mapping[str, Any], options: Mapping[str, Any]
) -> Outcome:
    outcome = Outcome()
    for row in rows:
        result = in_process.user(store, {**row, **options}, **how)
        outcome.said.append(result)
        _note(outcome, row, result.get("actions", []), result.get("failure"))
    return outcome


def _note(
    outcome: Outcome,
    row: Mapping[str, Any],
    actions: list[str],
    failure: dict[str, Any] | None,
) -> None:
    if actions:
        outcome.actions[name_of(row)] = actions
    if failure is not None:
        outcome.failures[name_of(row)] = failure
