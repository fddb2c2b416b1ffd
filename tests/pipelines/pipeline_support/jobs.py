# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of a pipeline, for every CI system, and the machine that runs them.

A job starts with its own checkout and an empty HOME. It passes files to other jobs as artifacts.
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
from .records import BRANCH, Records, RecordsBranch

# A run that takes longer hangs.
RUN_SECONDS = 280
INSTALL = "ansible-galaxy collection install --requirements-file collections/requirements.yml"
# The environment of the tests already has these libraries.
NOT_RUN = "-m pip install --requirement requirements.txt"


@dataclass(frozen=True)
class Script:
    """Shell commands."""

    text: str
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    always: bool = False  # whether it also runs after a failure


@dataclass(frozen=True)
class Upload:
    """Store files as an artifact, by their paths or as the content of one directory."""

    name: str
    paths: Sequence[str]
    always: bool = False
    content_only: bool = False


@dataclass(frozen=True)
class Download:
    """Restore the files of an artifact, to their paths or into a directory."""

    name: str
    into: str = "."
    always: bool = False


@dataclass(frozen=True)
class Checkout:
    """Check the branch of the records out into a directory."""

    into: str
    always: bool = False


Step = Script | Upload | Download | Checkout


@dataclass(frozen=True)
class Job:
    """Steps that share one checkout."""

    name: str
    steps: Sequence[Step]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobRun:
    failed: str  # the failed step, or empty
    output: str
    checkout: Path

    def succeeded(self) -> JobRun:
        """Fail the test if a step failed; returns self."""
        assert not self.failed, f"{self.failed}:\n{self.output}"
        return self


class Pipeline(Protocol):
    """The interface of the examples of all systems."""

    records: Records

    def review(self) -> JobRun:
        """The plan of a pull request."""

    def plan(self) -> JobRun:
        """The plan after a merge."""

    def shown(self) -> str:
        """The text of the last plan for the approval."""

    def apply(self) -> JobRun | None:
        """Apply after the approval. None if the pipeline needs no approval."""

    def audit(self) -> JobRun:
        """The nightly comparison."""


class Machine:
    """Runs jobs in one directory, and stores their artifacts there.

    Args:
        folder: Its directory.
        project: The project to check out.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder = folder
        self._project = project
        self._runs = 0
        self.records = RecordsBranch(folder / "repository.git")
        self.artifacts = folder / "artifacts"
        self.programs = folder / "programs"
        self.programs.mkdir(parents=True)

    def checkout(self) -> Path:
        """The directory of the next job."""
        return self._folder / f"job-{self._runs + 1}" / "project"

    def run(self, job: Job) -> JobRun:
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
                if isinstance(step, Checkout):
                    clone = f"git clone --quiet --branch {BRANCH} {self.records.url} {step.into}"
                    step = Script(clone)
                finished = self._shell(step, job, checkout, home)
                output += finished.stdout
                if finished.returncode and not failed:
                    failed = step.name or step.text
        return JobRun(failed, output, checkout)

    def artifacts_of(self, part: str) -> Path:
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
                # Tests must not share a rate limit.
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
    """A script without the lines that create a virtual environment and install libraries."""
    left_out = (NOT_RUN, "python3 -m venv .venv")
    return "\n".join(
        line for line in text.splitlines() if not any(words in line for words in left_out)
    )


def texts_below(directory: Path) -> dict[str, str]:
    """The content of every file in a directory, by its path."""
    return {
        str(path.relative_to(directory)): path.read_text("utf-8", errors="replace")
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
