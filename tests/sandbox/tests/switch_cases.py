# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test cases for each value of a switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

# The values of each switch that have a case.
TESTED: dict[str, set[str]] = {}


def cases(name: str, expected: Mapping[Any, Any], *arguments: Any) -> list[Any]:
    """One case for each value of a switch, with the expectation and further arguments."""
    TESTED[name] = {str(value).lower() for value in expected}
    return [
        pytest.param({name: value}, result, *arguments, id=f"{name}-{value}")
        for value, result in expected.items()
    ]


def switch(name: str, expected: Mapping[Any, Any]) -> pytest.MarkDecorator:
    """Run a test once for each value of a switch."""
    return pytest.mark.parametrize(("setting", "expected"), cases(name, expected))
