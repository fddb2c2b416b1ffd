# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates the conditions of pipelines, for the syntax that the examples use."""

from __future__ import annotations

import re
from collections.abc import Mapping

_GITHUB_NAME = re.compile(r"\b[a-z]+(?:\.[A-Za-z_-]+)+\b")
_GITLAB_NAME = re.compile(r"\$([A-Z_]+)")


def holds_on_github(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a condition of a job holds.

    Raises:
        KeyError: for a name that ``values`` does not have. The outputs of jobs that did not run
            are empty, as on GitHub.
    """
    known = {name: "" for name in _GITHUB_NAME.findall(condition) if name.startswith("needs.")}
    known.update(values)
    return _holds(_GITHUB_NAME.sub(lambda found: repr(known[found[0]]), condition))


def holds_on_gitlab(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a rule's ``if`` holds. An unset variable is false, as on GitLab."""
    return _holds(_GITLAB_NAME.sub(lambda found: repr(values.get(found[1], "")), condition))


def _holds(condition: str) -> bool:
    """Whether an expression of strings, comparisons, and, or is true."""
    python = condition.replace("&&", " and ").replace("||", " or ")
    if not re.fullmatch(r"(?:'[^']*'|\"[^\"]*\"|==|!=|\band\b|\bor\b|[()\s])+", python):
        raise ValueError(f"unsupported condition: {condition}")
    return bool(eval(python, {"__builtins__": {}}))  # noqa: S307  (checked on the line before)
