# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks, tests and tasks of this repository; `make help` lists the common ones.

tests/README.md explains them; tests/sessions has the sessions. They write only to .cache and dist,
and do not use the user's own Ansible, its settings or tokens.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

TESTS = Path(__file__).resolve().parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "tools")]

# After the path is set. Importing a module registers its sessions: those of suites come first.
from sessions import suites  # noqa: E402, I001
from sessions import checks, tasks  # noqa: E402
from sessions.environment import environment, for_each_core  # noqa: E402

__all__ = ["tasks"]

nox.needs_version = ">=2026.10.20"
# Sessions share environments, which the sessions `environment-*` build with uv.
nox.options.default_venv_backend = "none"
# The tag `test` is for `make test`, `test-all` for the rest of the tests.
nox.options.tags = ["test"]

for_each_core(environment, requires="", allow_parallel=True)
for_each_core(checks.sanity, in_default=["test"], in_oldest=["test-all"], allow_parallel=True)
# Each other ansible-core; integration-target is for the oldest one.
for_each_core(suites.cores, in_others=["test-all"], allow_parallel=True)
for_each_core(suites.unit, in_default=["test"], in_oldest=["test-all"], allow_parallel=True)
for_each_core(suites.demo, in_default=["test-all"], in_oldest=["test-all"])
