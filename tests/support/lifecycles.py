# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps of a user lifecycle, each taken three times: in check mode, applied, and repeated.

For every step:

- check mode writes nothing, and predicts exactly what is then applied;
- the step does what is expected, and afterwards the database holds what is declared;
- repeated, it changes nothing and sends no write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from publica_sandbox.testing import SandboxStore

from .database import differences
from .in_process import ModuleRunner
from .playbooks import TaskRun

PREDICTED = "predicted"
TIMES = (PREDICTED, "applied", "repeated")

Actions = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Step:
    """One task, and its expected effect.

    Attributes:
        args: The module's arguments.
        actions: The actions by address; users without an action are left out.
        again: The actions of the repetition, if there are any.
        holds: Columns of the database afterwards, by address.
        plans: The assignments afterwards, by address, oldest first.
        passwords: The password that each address has afterwards.
        warns: A part of the warning that the step gives each time.
    """

    name: str
    args: Mapping[str, Any]
    actions: Actions = field(default_factory=dict)
    again: Actions = field(default_factory=dict)
    holds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plans: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)
    warns: str | None = None

    def tasks(self, module: str) -> list[dict[str, Any]]:
        return [
            {
                "name": f"{self.name}: {time}",
                f"publica.la.{module}": dict(self.args),
                "check_mode": time == PREDICTED,
                "diff": True,
            }
            for time in TIMES
        ]


def run_steps(
    runner: ModuleRunner, store: SandboxStore, module: str, steps: Sequence[Step]
) -> None:
    before = runner.copy(store)
    run = runner.tasks([task for step in steps for task in step.tasks(module)], store).succeeded()
    for step in steps:
        predicted, applied, repeated = (run.named(f"{step.name}: {time}") for time in TIMES)
        assert predicted.database.writes_since(before) == [], f"{step.name}: wrote in check mode"
        assert predicted.database.content() == before.content(), f"{step.name}: in check mode"
        assert _predictable(predicted) == _predictable(applied), step.name
        _check_applied(step, applied)
        _check_repeated(step, applied, repeated)
        before = repeated.database


def actions_of(task: TaskRun) -> dict[str, list[str]]:
    result = task.result
    if "results" in result:
        return {item["email"]: item["actions"] for item in result["results"] if item["actions"]}
    return {result["user"]["email"]: result["actions"]} if result["actions"] else {}


def _predictable(task: TaskRun) -> dict[str, Any]:
    """The part of a result that check mode can predict: not the id of a new user."""
    result = task.result
    parts = {name: result.get(name) for name in ("changed", "actions", "summary", "plan", "diff")}
    parts["results"] = [
        {name: value for name, value in item.items() if name != "id"}
        for item in result.get("results", [])
    ]
    return parts


def _check_applied(step: Step, applied: TaskRun) -> None:
    assert actions_of(applied) == dict(step.actions), f"{step.name}: {applied.result}"
    assert applied.result["changed"] is bool(step.actions), step.name
    warnings = applied.result.get("warnings", [])
    if step.warns is None:
        assert warnings == [], step.name
    else:
        assert any(step.warns in warning for warning in warnings), f"{step.name}: {warnings}"
    state = applied.database
    for email, expected in step.holds.items():
        assert differences(expected, state.user(email)) == {}, f"{step.name}: {email}"
    for email, plans in step.plans.items():
        held = state.plans_of(email)
        wrong = [differences(plan, row) for plan, row in zip(plans, held)]
        assert len(held) == len(plans), f"{step.name}: {email} holds {held}"
        assert not any(wrong), f"{step.name}: {email}: {wrong}"
    for email, password in step.passwords.items():
        assert state.has_password(email, password), f"{step.name}: {email}"


def _check_repeated(step: Step, applied: TaskRun, repeated: TaskRun) -> None:
    assert actions_of(repeated) == dict(step.again), f"{step.name}, repeated: {repeated.result}"
    assert repeated.result["changed"] is bool(step.again), f"{step.name}, repeated"
    if not step.again:
        assert repeated.database.writes_since(applied.database) == [], f"{step.name}, repeated"
        assert repeated.database.content() == applied.database.content(), step.name
