# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conditions of pipelines, in the small part of their languages that the examples use."""

from __future__ import annotations

import re
from collections.abc import Mapping

_GITHUB_NAME = re.compile(r"\b[a-z]+(?:\.[A-Za-z_-]+)+\b")
_GITLAB_NAME = re.compile(r"\$([A-Z_]+)")


def holds_on_github(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a condition of a job holds.

    Raises:
        KeyError: for a name that ``values`` does not have. What a job that did not run has told is
            empty there, and is here.
    """
    known = {name: "" for name in _GITHUB_NAME.findall(condition) if name.startswith("needs.")}
    known.update(values)
    return _holds(_GITHUB_NAME.sub(lambda found: repr(known[found[0]]), condition))


def holds_on_gitlab(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a rule's ``if`` holds. A variable that is not set is null there, and false."""
    return _holds(_GITLAB_NAME.sub(lambda found: repr(values.get(found[1], "")), condition))


def _holds(condition: str) -> bool:
    """What is left are texts, comparisons, and, or."""
    python = condition.replace("&&", " and ").replace("||", " or ")
    if not re.fullmatch(r"(?:'[^']*'|\"[^\"]*\"|==|!=|\band\b|\bor\b|[()\s])+", python):
        raise ValueError(f"not understood by the tests: {condition}")
    return bool(eval(python, {"__builtins__": {}}))  # noqa: S307  (checked on the line before)
