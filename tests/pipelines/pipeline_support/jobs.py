# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of a pipeline, whatever system they are written for, and what carries them out.

A job starts with a checkout of its own and an empty home. What it hands to another one goes through
artifacts, as its file says, or not at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .paths import kept_variables

# A run that takes longer hangs.
RUN_SECONDS = 280
# The libraries are there already, in the versions that the test's own environment has.
NOT_RUN = "-m pip install --requirement requirements.txt"


@dataclass(frozen=True)
class Script:
    """Lines for a shell."""

    text: str
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    always: bool = False  # whether it also runs after a failure


@dataclass(frozen=True)
class Upload:
    """Keep files under a name, by their paths or as the content of one folder."""

    name: str
    paths: Sequence[str]
    always: bool = False
    content_only: bool = False


@dataclass(frozen=True)
class Download:
    """Fetch the files that were kept under a name, to where they were or to a folder."""

    name: str
    into: str = "."
    always: bool = False


Step = Script | Upload | Download


@dataclass(frozen=True)
class Job:
    """Steps that share one checkout."""

    name: str
    steps: Sequence[Step]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobRun:
    """What came of a job."""

    failed: str  # the step that failed, or nothing
    output: str
    checkout: Path

    def succeeded(self) -> JobRun:
        """Itself, if no step failed."""
        assert not self.failed, f"{self.failed}:\n{self.output}"
        return self


class Pipeline(Protocol):
    """What the examples of all systems do."""

    def review(self) -> JobRun:
        """The plan of a pull request."""

    def plan(self) -> JobRun:
        """The plan of what was merged."""

    def shown(self) -> str:
        """What whoever approves is shown of the last plan."""

    def apply(self) -> JobRun | None:
        """What follows the approval; None where the pipeline asks for none."""

    def audit(self) -> JobRun:
        """The nightly comparison."""


class Machine:
    """Carries jobs out below one folder, and keeps their artifacts there.

    Args:
        folder: A folder of its own.
        project: What is checked out.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder = folder
        self._project = project
        self._runs = 0
        self.artifacts = folder / "artifacts"
        self.programs = folder / "programs"
        self.programs.mkdir(parents=True)

    def checkout(self) -> Path:
        """The folder that the next job will have."""
        return self._folder / f"job-{self._runs + 1}" / "project"

    def run(self, job: Job) -> JobRun:
        """Carry a job out."""
        checkout = self.checkout()
        self._runs += 1
        shutil.copytree(self._project, checkout)
        home = checkout.parent / "home"
        home.mkdir()
        failed, output = "", ""
        for step in job.steps:
            if failed and not step.always:
                continue
            if isinstance(step, Upload):
                self._keep(step, checkout)
            elif isinstance(step, Download):
                shutil.copytree(
                    self.artifacts / step.name, checkout / step.into, dirs_exist_ok=True
                )
            else:
                finished = self._shell(step, job, checkout, home)
                output += finished.stdout
                if finished.returncode and not failed:
                    failed = step.name or step.text
        return JobRun(failed, output, checkout)

    def artifacts_of(self, part: str) -> Path:
        """A folder of that name among the artifacts, whatever they were kept as."""
        return next(path for path in self.artifacts.rglob(part) if any(path.glob("*.*")))

    def _shell(
        self, step: Script, job: Job, checkout: Path, home: Path
    ) -> subprocess.CompletedProcess[str]:
        paths = (str(self.programs), str(Path(sys.executable).parent), os.environ["PATH"])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", runnable(step.text)],
            cwd=checkout,
            env={
                **kept_variables(),
                "PATH": os.pathsep.join(paths),
                "HOME": str(home),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_NOCOLOR": "true",
                # So that no other test's runs share a rate limit with this one's.
                "PUBLICA_RATE_LIMIT_DIR": str(self._folder / "rate-limits"),
                **job.environment,
                **step.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def _keep(self, step: Upload, checkout: Path) -> None:
        for name in step.paths:
            path = checkout / name
            target = self.artifacts / step.name / ("" if step.content_only else name)
            if path.is_dir():
                shutil.copytree(path, target, dirs_exist_ok=True)
            elif path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def runnable(text: str) -> str:
    """A script without the lines that install libraries, and that make an environment for them."""
    left_out = (NOT_RUN, "python3 -m venv .venv")
    return "\n".join(
        line for line in text.splitlines() if not any(words in line for words in left_out)
    )
