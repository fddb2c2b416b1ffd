# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps in the life of users, each taken three times: foretold, done, and done again.

What is proven of every step, whatever it is about:

- check mode writes nothing, and foretells exactly what is then done;
- the step does what it says, and afterwards the database holds what is declared;
- done again, it changes nothing and sends no write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .playbook_runner import PlaybookRunner, Run, TaskRun
from .truth_at import TruthAt, differences

FORETOLD = "foretold"
TIMES = (FORETOLD, "done", "done again")
# What a store makes up for a new user, so a dry run cannot know it.
MADE_UP = ("id",)

Actions = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Step:
    """One task of a user's life, and what it must bring about.

    Attributes:
        args: The module's arguments.
        actions: What is done for whom; a user who is left out here is left as he is.
        again: What is done when the step is taken again, where that is not nothing.
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
        """The three tasks."""
        return [
            {
                "name": f"{self.name}: {time}",
                f"publica.la.{module}": dict(self.args),
                "check_mode": time == FORETOLD,
                "diff": True,
            }
            for time in TIMES
        ]


def live(runner: PlaybookRunner, store: Any, module: str, steps: Sequence[Step]) -> Run:
    """Take the steps in one run of ansible-playbook, and prove each of them."""
    # A task that only leaves a photograph of the store as it is found.
    start = {"name": "start", "ansible.builtin.debug": {"msg": "start"}}
    tasks = [start, *(task for step in steps for task in step.tasks(module))]
    run = runner.tasks(tasks, store)
    assert run.returncode == 0, run.output
    before = run.named("start").truth
    for step in steps:
        foretold, done, again = (run.named(f"{step.name}: {time}") for time in TIMES)
        _prove_foretold(step, before, foretold, done)
        _prove_done(step, done)
        _prove_again(step, done, again)
        before = again.truth
    return run


def actions_of(task: TaskRun) -> dict[str, list[str]]:
    """What a task reports to have done, by address."""
    result = task.result
    if "results" in result:
        return {item["email"]: item["actions"] for item in result["results"] if item["actions"]}
    return {result["user"]["email"]: result["actions"]} if result["actions"] else {}


def told(task: TaskRun) -> dict[str, Any]:
    """The part of a result that a dry run can foretell."""
    result = task.result
    parts = {name: result.get(name) for name in ("changed", "actions", "summary", "plan", "diff")}
    parts["results"] = [
        {name: value for name, value in item.items() if name not in MADE_UP}
        for item in result.get("results", [])
    ]
    return parts


def _prove_foretold(step: Step, before: TruthAt, foretold: TaskRun, done: TaskRun) -> None:
    assert foretold.truth.writes_since(before) == [], f"{foretold.name}: wrote in check mode"
    assert foretold.truth.content() == before.content(), f"{foretold.name}: the store changed"
    assert told(foretold) == told(done), f"{step.name}: foretold and done differ"


def _prove_done(step: Step, done: TaskRun) -> None:
    assert actions_of(done) == dict(step.actions), f"{step.name}: {done.result}"
    assert done.result["changed"] is bool(step.actions), step.name
    _prove_truth(step, done.truth)
    warnings = done.result.get("warnings", [])
    if step.warns is None:
        assert warnings == [], step.name
    else:
        assert any(step.warns in warning for warning in warnings), f"{step.name}: {warnings}"


def _prove_again(step: Step, done: TaskRun, again: TaskRun) -> None:
    assert actions_of(again) == dict(step.again), f"{step.name}, again: {again.result}"
    assert again.result["changed"] is bool(step.again), f"{step.name}, again"
    if not step.again:
        writes = again.truth.writes_since(done.truth)
        assert writes == [], f"{step.name}, again: {writes}"
        assert again.truth.content() == done.truth.content(), f"{step.name}: the store changed"


def _prove_truth(step: Step, truth: TruthAt) -> None:
    for email, expected in step.holds.items():
        assert differences(expected, truth.user(email)) == {}, f"{step.name}: {email}"
    for email, plans in step.plans.items():
        held = truth.plans_of(email)
        wrong = [differences(plan, row) for plan, row in zip(plans, held)]
        assert len(held) == len(plans), f"{step.name}: {email} holds {held}"
        assert not any(wrong), f"{step.name}: {email}: {wrong}"
    for email, password in step.passwords.items():
        assert truth.has_password(email, password), f"{step.name}: {email}"
