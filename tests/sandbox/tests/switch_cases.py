# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test for each value of each switch, and the list of the values that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

TESTED: dict[str, set[str]] = {}


def switch(name: str, cases: Mapping[Any, Any]) -> Callable[[Any], Any]:
    """Run a test once for each value of a switch, with what is expected under it."""
    TESTED[name] = {str(value).lower() for value in cases}
    values = [pytest.param({name: value}, expected) for value, expected in cases.items()]
    return pytest.mark.parametrize(("setting", "expected"), values, ids=map(str, cases))
