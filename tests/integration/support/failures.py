# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every failure owes its reader: one clear text with the remedy, and a structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .playbook_runner import Run, TaskRun

FAILURE_KEYS = {"code", "message", "method", "path", "status", "fields"}


@dataclass(frozen=True)
class BadCase:
    """A task that must fail.

    Attributes:
        args: The module's arguments.
        says: Parts of the message: what is wrong, where, and what to do.
        code: The failure's code; None where Ansible itself refuses the arguments.
        fields: Names that the failure's ``fields`` must hold.
    """

    name: str
    module: str
    args: Mapping[str, Any]
    says: Sequence[str]
    code: str | None = "invalid_input"
    fields: Sequence[str] = field(default_factory=tuple)

    def task(self) -> dict[str, Any]:
        return {"name": self.name, f"publica.la.{self.module}": self.args, "ignore_errors": True}


def faults_of(case: BadCase, task: TaskRun) -> list[str]:
    """What is wrong with a failure, in words; empty if it is as it should be."""
    if not task.failed:
        return [f"{case.name}: did not fail: {task.result}"]
    message = task.result["msg"]
    faults = [f"does not say {part!r}" for part in case.says if part not in message]
    # Refused input has a line for each error.
    if ("\n" in message and case.code != "invalid_input") or "Traceback" in message:
        faults.append("is not one line of text")
    failure = task.result.get("failure")
    if case.code is not None:
        if failure is None or set(failure) != FAILURE_KEYS:
            faults.append(f"has no structure: {failure}")
        else:
            if failure["code"] != case.code:
                faults.append(f"has the code {failure['code']}, not {case.code}")
            if failure["message"] != message:
                faults.append(f"has another message in its structure: {failure['message']}")
            missing = set(case.fields) - set(failure["fields"])
            if missing:
                faults.append(f"does not name the fields {missing}")
        if "api" not in task.result:
            faults.append("does not tell what it cost")
    if task.result.get("changed", False):
        faults.append("reports a change")
    return [f"{case.name}: {fault}: {message}" for fault in faults]


def assert_clear(run: Run, cases: Sequence[BadCase]) -> None:
    """Every case failed as it should, and nowhere is a traceback."""
    faults = [fault for case in cases for fault in faults_of(case, run.named(case.name))]
    assert faults == [], "\n".join(faults)
    assert "Traceback" not in run.output
    assert "The full traceback is" not in run.output
