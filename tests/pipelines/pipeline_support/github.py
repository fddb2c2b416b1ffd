# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example for GitHub as runnable jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .conditions import holds_on_github
from .jobs import Checkout, Download, Job, JobRun, Machine, Script, Step, Upload
from .paths import GITHUB
from .records import BRANCH
from .site import Site

# The jobs of the tests already have the project and a Python.
_THERE_ALREADY = ("actions/checkout", "actions/setup-python")
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
PULL_REQUEST = {
    "github.event_name": "pull_request",
    "github.event.pull_request.head.repo.full_name": "press/stores",
    "github.event.pull_request.number": "12",
    "github.repository": "press/stores",
    "github.ref": "refs/pull/12/merge",
    "github.token": "token-of-the-workflow-0123456789",
    "inputs.verify": "",
}
FORK = {**PULL_REQUEST, "github.event.pull_request.head.repo.full_name": "fork/stores"}
PUSH = {**PULL_REQUEST, "github.event_name": "push", "github.ref": "refs/heads/main"}
BY_HAND = {**PUSH, "github.event_name": "workflow_dispatch", "inputs.verify": "all"}


def workflow(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((GITHUB / name).read_text("utf-8"))
    return content


class Github:
    """The two workflows, with the outputs of their jobs."""

    def __init__(self, site: Site, machine: Machine, files: Path) -> None:
        self._secrets = {f"secrets.{name}": token for name, token in site.tokens.items()}
        self._machine = machine
        self._files = files
        self._outputs: dict[str, str] = {}
        self.records = machine.records

    def review(self) -> JobRun:
        return self._always("stores.yml", "plan", PULL_REQUEST)

    def plan(self, values: Mapping[str, str] = PUSH) -> JobRun:
        return self._always("stores.yml", "plan", values)

    def comment(self) -> JobRun:
        """The comment under the pull request."""
        return self._always("stores.yml", "comment", PULL_REQUEST)

    def shown(self) -> str:
        return (self._files / "plan-summary.md").read_text("utf-8")

    def apply(self, values: Mapping[str, str] = PUSH) -> JobRun | None:
        return self.job("stores.yml", "apply", values)

    def audit(self) -> JobRun:
        return self._always("audit.yml", "audit", {})

    def _always(self, name: str, job: str, values: Mapping[str, str]) -> JobRun:
        run = self.job(name, job, values)
        assert run is not None, f"the condition of {job} does not hold"
        return run

    def job(self, name: str, job: str, values: Mapping[str, str]) -> JobRun | None:
        """Run a job if its condition holds."""
        content = workflow(name)["jobs"][job]
        known = {**values, **self._outputs, **self._secrets}
        if not holds_on_github(content.get("if", "'always'"), known):
            return None
        output, summary = self._files / f"{job}-output", self._files / f"{job}-summary.md"
        output.write_text("", "utf-8")
        summary.unlink(missing_ok=True)
        run = self._machine.run(
            Job(
                job,
                list(_steps(content["steps"], known)),
                {
                    "GITHUB_OUTPUT": str(output),
                    "GITHUB_STEP_SUMMARY": str(summary),
                    "GITHUB_RUN_ID": "77",
                },
            )
        )
        outputs = dict(
            line.split("=", 1) for line in output.read_text("utf-8").splitlines() if line
        )
        for key, text in content.get("outputs", {}).items():
            [step] = [step["id"] for step in content["steps"] if "id" in step]
            steps = {f"steps.{step}.outputs.{key}": outputs.get(key, "")}
            self._outputs[f"needs.{job}.outputs.{key}"] = _filled(text, steps)
        return run


def _steps(steps: list[dict[str, Any]], values: Mapping[str, str]) -> Iterator[Step]:
    for step in steps:
        condition = step.get("if", "")
        always = {"": False, "${{ !cancelled() }}": True, "${{ always() }}": True}[condition]
        action = step.get("uses", "").partition("@")[0]
        given = step.get("with", {})
        if action == "actions/upload-artifact":
            yield Upload(given["name"], [given["path"]], always, content_only=True)
        elif action == "actions/download-artifact":
            yield Download(given["name"], given["path"], always)
        elif given.get("ref") == BRANCH:
            yield Checkout(given["path"], always)
        elif action in _THERE_ALREADY:
            continue
        elif action:
            raise ValueError(f"unsupported action: {action}")
        else:
            environment = {key: _filled(text, values) for key, text in step.get("env", {}).items()}
            yield Script(step["run"], environment, step["name"], always)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values[found[1]], text)
