# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check and every test, each in an environment of its own.

`make` starts it; `make help` lists what there is, tests/README.md explains it, and the sessions
are in tests/sessions. Nothing is written outside .cache: a user's own Ansible, with its settings
and tokens, plays no part.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

TESTS = Path(__file__).resolve().parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "tools")]

# After the path is set. Importing a module registers its sessions.
from sessions import benchmarks, checks, documentation, releases, reports, suites  # noqa: E402
from sessions.environment import CACHE, DEFAULT, for_each_core  # noqa: E402

__all__ = ["benchmarks", "documentation", "releases", "reports"]

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "uv"
nox.options.envdir = str(CACHE / "nox")
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [
    *("lint", "types", "docs", "site", f"sanity-{DEFAULT}", "build", "release-test"),
    *("sandbox", "contract", "faults", "bench-test", "report-page", "pipelines"),
    *(f"unit-{DEFAULT}", f"integration-{DEFAULT}"),
]

for_each_core(checks.sanity, "sanity-matrix")
for_each_core(suites.unit, "matrix")
for_each_core(suites.integration, "matrix")
for_each_core(suites.demo)
