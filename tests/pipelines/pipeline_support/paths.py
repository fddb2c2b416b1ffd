# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of the examples, and how their programs run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[3]
EXAMPLES = COLLECTION / "docs" / "examples"
PIPELINES = EXAMPLES / "pipelines"
PROJECT = PIPELINES / "project"
GITHUB = PIPELINES / "github" / ".github" / "workflows"
GITLAB = PIPELINES / "gitlab" / ".gitlab-ci.yml"
JENKINS = PIPELINES / "jenkins" / "Jenkinsfile"
PROGRAMS = Path(sys.executable).parent
# Variables that the runs of the tests inherit.
KEPT = ("PYTHONPYCACHEPREFIX",)


def kept_variables() -> dict[str, str]:
    """The inherited environment variables."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def run_program(
    *words: str, folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of the tests' environment in a directory, which is also its HOME."""
    return subprocess.run(
        [str(PROGRAMS / words[0]), *words[1:]],
        cwd=folder,
        env={
            **kept_variables(),
            "PATH": os.pathsep.join([str(PROGRAMS), "/usr/bin", "/bin"]),
            "HOME": str(folder or "/nonexistent"),
            "LC_ALL": "C.UTF-8",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
