# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random lists, changes by somebody else, faults and runs in any order, for many steps.

What must hold whatever happens: runs come to the declared state and then change nothing; a dry run
writes nothing, and the run after it does what it said; nobody undeclared is ever touched; a fault
loses nothing and doubles nothing; no secret is told. What the declared state is, an oracle says
that was written from the documentation (support/oracle.py).

`make soak` plays for as many minutes as SOAK_MINUTES says, with examples that differ every time. A
failure prints the steps that led to it, and a line that repeats it.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test
from publica_sandbox.testing import SandboxStore
from support.readings import READINGS

from support.exclusive_machine import ExclusiveMachine
from support.figures import Note
from support.wire import Wire

SOAK_MINUTES = float(os.environ.get("SOAK_MINUTES", "0"))

BOUNDED = settings(
    max_examples=20,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    verbosity=Verbosity.normal,
    suppress_health_check=list(HealthCheck),
    # To make a failure small takes minutes, and one of twelve steps can be read as it is.
    phases=(Phase.explicit, Phase.generate),
)
SOAKING = settings(
    BOUNDED,
    max_examples=40,
    stateful_step_count=30,
    derandomize=False,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


@pytest.mark.timeout(0 if SOAK_MINUTES else 300)
@pytest.mark.parametrize("reading", READINGS)
def test_whatever_happens(store: SandboxStore, wire: Wire, note: Note, reading: str) -> None:
    steps: Counter[str] = Counter()
    # The readings share the minutes.
    until = time.monotonic() + SOAK_MINUTES * 60 / len(READINGS)
    profile = SOAKING if SOAK_MINUTES else BOUNDED
    while True:
        run_state_machine_as_test(
            lambda: ExclusiveMachine(store, wire, reading, steps), settings=profile
        )
        if time.monotonic() >= until:
            break
    note(steps=dict(steps))
