# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example for GitLab as runnable jobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .conditions import holds_on_gitlab
from .jobs import Download, Job, JobRun, Machine, Script, Upload
from .paths import GITLAB
from .site import Site

MERGE_REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_DEFAULT_BRANCH": "main"}
PUSH = {
    "CI_PIPELINE_SOURCE": "push",
    "CI_DEFAULT_BRANCH": "main",
    "CI_COMMIT_BRANCH": "main",
}
SCHEDULE = {**PUSH, "CI_PIPELINE_SOURCE": "schedule"}


def content() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(GITLAB.read_text("utf-8"))
    return read


def job_names(values: Mapping[str, str]) -> list[str]:
    """The jobs whose rules match these variables."""
    return [
        name
        for name, job in content().items()
        if isinstance(job, dict)
        and "script" in job
        and any(holds_on_gitlab(rule["if"], values) for rule in job["rules"])
    ]


class Gitlab:
    def __init__(self, site: Site, machine: Machine, variables: Mapping[str, str]) -> None:
        self._tokens = site.tokens
        self._machine = machine
        self._variables = variables
        self._shown = ""
        self.records = machine.records

    def review(self) -> JobRun:
        return self._plan(MERGE_REQUEST)

    def plan(self) -> JobRun:
        return self._plan(PUSH)

    def _plan(self, values: Mapping[str, str]) -> JobRun:
        run = self.job("plan", values)
        self._shown = run.output
        return run

    def note(self) -> JobRun:
        """The note under the merge request."""
        return self.job("note", {**MERGE_REQUEST, **self._variables})

    def shown(self) -> str:
        return self._shown

    def apply(self) -> JobRun | None:
        return self.job("apply", PUSH)

    def audit(self) -> JobRun:
        return self.job("audit", SCHEDULE)

    def job(self, name: str, values: Mapping[str, str]) -> JobRun:
        """Run a job whose rules match these variables."""
        assert name in job_names(values), f"{name} is not a job of this pipeline"
        file = content()
        own = file[name]
        # Only jobs with an environment have the tokens of the stores.
        tokens = self._tokens if own.get("environment") else {}
        job = {**file.get(own.get("extends", ""), {}), **own}
        kept = job.get("artifacts", {})
        checkout = str(self._machine.checkout())
        directory = "$CI_PROJECT_DIR"
        common = {
            key: value["value"] if isinstance(value, dict) else value.replace(directory, checkout)
            for key, value in file["variables"].items()
        }
        return self._machine.run(
            Job(
                name,
                [
                    *(Download(needed) for needed in job.get("needs", [])),
                    # As the runner leaves its directories in a container.
                    Script('chmod -R o+w "$CI_BUILDS_DIR"'),
                    Script("\n".join([*job.get("before_script", []), *job["script"]]), name=name),
                    Upload(name, kept.get("paths", []), always=kept.get("when") == "always"),
                ],
                {
                    **common,
                    **values,
                    **tokens,
                    "CI_PROJECT_DIR": checkout,
                    "CI_BUILDS_DIR": str(Path(checkout).parent),
                    "CI_REPOSITORY_URL": self.records.url,
                    "CI_JOB_ID": "77",
                    "GITLAB_USER_NAME": "Press",
                    "GITLAB_USER_EMAIL": "press@example.org",
                },
            )
        )
