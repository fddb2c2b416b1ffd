# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from publica_bench.jobs import NEW
from publica_bench.measurement import Measurement


@pytest.fixture
def run():
    """Makes a measurement of a run that went well, unless told otherwise."""

    def made(seconds: float, **values: Any) -> Measurement:
        usual: dict[str, Any] = {
            "contender": "bulk",
            "change": NEW,
            "users": 100,
            "condition": "unlimited",
            "cpu_seconds": 1.0,
            "peak_mb": 150.0,
            "requests": 102,
            "refusals": 0,
            "fault": "",
            "load": 0.5,
        }
        return Measurement(seconds=seconds, **{**usual, **values})

    return made
