# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random lists, changes by another client, faults and runs in any order, for many steps.

Runs reach the declared state and then change nothing; a dry run writes nothing, and the run after
it does what it predicted; users in no list are never changed; faults lose nothing and do nothing
twice; no secret is reported. The oracle of the declared state was written from the documentation
(support/oracle.py).

`make soak` runs for SOAK_MINUTES, with different examples every time. A failure prints the steps
that led to it, and a line that repeats it.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from publica_sandbox.testing import SandboxStore

from support.failure_modes import FaultyClient
from support.machine import StoreMachine
from support.selection import FULL, SOAK_MINUTES
from support.variants import FAULT_VARIANTS

BOUNDED = settings(
    max_examples=20 if FULL else 3,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # Shrinking takes minutes, and twelve steps can be read as they are.
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
@pytest.mark.parametrize("variant", FAULT_VARIANTS)
def test_random_events(store: SandboxStore, client: FaultyClient, variant: str) -> None:
    # The variants share the minutes.
    until = time.monotonic() + SOAK_MINUTES * 60 / len(FAULT_VARIANTS)
    profile = SOAKING if SOAK_MINUTES else BOUNDED
    while True:
        run_state_machine_as_test(lambda: StoreMachine(store, client, variant), settings=profile)
        if time.monotonic() >= until:
            break
