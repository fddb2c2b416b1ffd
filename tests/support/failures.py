# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that must fail: the code, the places of the errors, and the structure of the failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .playbooks import Run, TaskRun

FAILURE_KEYS = {"code", "message", "method", "path", "status", "fields"}


@dataclass(frozen=True)
class BadCase:
    """A task that must fail.

    Attributes:
        module: The module without the name of the collection.
        args: Its arguments.
        code: The failure's code; None where Ansible itself refuses the arguments.
        fields: Places that the failure's ``fields`` must hold.
        mentions: Names and values that the message must hold.
    """

    name: str
    module: str
    args: Mapping[str, Any]
    code: str | None = "invalid_input"
    fields: Sequence[str] = ()
    mentions: Sequence[str] = ()

    def task(self, **keywords: Any) -> dict[str, Any]:
        task = {"name": self.name, f"publica.la.{self.module}": self.args, "ignore_errors": True}
        return {**task, **keywords}


def check_failures(run: Run, cases: Sequence[BadCase]) -> None:
    """Every case failed as it should, and no output holds a traceback."""
    wrong = [fault for case in cases for fault in _faults(case, run.named(case.name))]
    assert wrong == [], "\n".join(wrong)
    assert "Traceback" not in run.output
    assert "The full traceback is" not in run.output


def _faults(case: BadCase, task: TaskRun) -> list[str]:
    if not task.failed:
        return [f"{case.name}: did not fail: {task.result}"]
    message = task.result["msg"]
    faults = [f"the message lacks {part!r}" for part in case.mentions if part not in message]
    if "Traceback" in message:
        faults.append("the message holds a traceback")
    if task.result.get("changed", False):
        faults.append("reports a change")
    if case.code is not None:
        failure = task.result.get("failure") or {}
        if set(failure) != FAILURE_KEYS:
            faults.append(f"incomplete failure: {failure}")
        elif (failure["code"], failure["message"]) != (case.code, message):
            faults.append(f"code {failure['code']} and message {failure['message']}")
        elif missing := set(case.fields) - set(failure["fields"]):
            faults.append(f"fields lack {missing}: {list(failure['fields'])}")
        if "api" not in task.result:
            faults.append("does not report the requests")
    return [f"{case.name}: {fault}: {message}" for fault in faults]
