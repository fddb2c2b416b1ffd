# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of the examples."""

from __future__ import annotations

import os
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[3]
EXAMPLES = COLLECTION / "docs" / "examples"
PIPELINES = EXAMPLES / "pipelines"
PROJECT = PIPELINES / "project"
GITHUB = PIPELINES / "github" / ".github" / "workflows"
GITLAB = PIPELINES / "gitlab" / ".gitlab-ci.yml"
JENKINS = PIPELINES / "jenkins" / "Jenkinsfile"
# Variables that the runs of the tests inherit.
KEPT = ("PYTHONPYCACHEPREFIX",)


def kept_variables() -> dict[str, str]:
    """The inherited environment variables."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}
