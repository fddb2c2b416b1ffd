# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every endpoint, at the first, the middle and the last request, in either module.

Each case is a run with one fault (or two in a row), and another run without. After each of them
the store's database is held against what the list declares: every user once, every plan once, and
nobody else touched.
"""

from __future__ import annotations

import os

import pytest
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from support import declared, staging
from support.figures import Note
from support.readings import READINGS
from support.runs import BULK, MODES, run
from support.troubles import ENDPOINTS, POSITIONS, TROUBLES, UNLIKE_TROUBLES, Trouble
from support.wire import Wire

OTHER_READINGS = [name for name in READINGS if name != "documented"]
# `make soak` has the time for what `make test` takes a part of.
THOROUGH = "SOAK_MINUTES" in os.environ

every_fault = pytest.mark.parametrize("trouble", TROUBLES, ids=str)
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)
every_position = pytest.mark.parametrize("position", POSITIONS)
some_faults = pytest.mark.parametrize(
    "trouble", TROUBLES if THOROUGH else UNLIKE_TROUBLES, ids=str
)
some_positions = pytest.mark.parametrize(
    "position", POSITIONS if THOROUGH else ("first", "last")
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reading", READINGS)
def test_the_three_positions_are_three_requests(
    store: SandboxStore, wire: Wire, reading: str, mode: str
) -> None:
    counts = staging.counts_without_a_fault(store, wire, reading, mode)
    for endpoint in ENDPOINTS:
        numbers = {staging.number_at(position, counts[endpoint]) for position in POSITIONS}
        assert len(numbers) == len(POSITIONS), f"{endpoint}: {counts[endpoint]} requests"


@every_position
@every_endpoint
@every_fault
@pytest.mark.parametrize("mode", MODES)
def test_one_fault(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    mode: str,
    trouble: Trouble,
    endpoint: str,
    position: str,
) -> None:
    _prove(store, wire, note, trouble, endpoint, position, mode=mode)


@some_positions
@every_endpoint
@every_fault
def test_two_faults_in_a_row(
    store: SandboxStore, wire: Wire, note: Note, trouble: Trouble, endpoint: str, position: str
) -> None:
    _prove(store, wire, note, trouble, endpoint, position, times=2)


@some_positions
@every_endpoint
@some_faults
@pytest.mark.parametrize("reading", OTHER_READINGS)
def test_one_fault_in_another_store(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    reading: str,
    trouble: Trouble,
    endpoint: str,
    position: str,
) -> None:
    _prove(store, wire, note, trouble, endpoint, position, reading=reading)


def _prove(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    trouble: Trouble,
    endpoint: str,
    position: str,
    *,
    mode: str = BULK,
    reading: str = "documented",
    times: int = 1,
) -> None:
    switches = READINGS[reading]
    counts = staging.counts_without_a_fault(store, wire, reading, mode)
    number = staging.number_at(position, counts[endpoint])
    declared.fill(store, switches)
    wire.switches = Switches(**switches)
    wire.begin()
    before = declared.content(store)
    staging.arm(store, wire, trouble, endpoint, number, times)

    workers = staging.workers_for(trouble, times)
    first = run(store, declared.rows(store, switches), mode, workers=workers)

    fired = staging.disarm(store, wire)
    note(
        fault=str(trouble),
        endpoint=endpoint,
        position=position,
        mode=mode,
        reading=reading,
        fired=fired,
    )
    assert fired >= 1, "the fault met no request, so nothing was tried"
    unknowable = staging.unknowable(trouble, endpoint, switches)
    assert first.codes.items() <= unknowable.items(), first.failures
    # Once a run has failed after a change, the next one sees no change that would end sessions.
    logged_out = not first.failures and not staging.undetectable(trouble, endpoint)
    assert declared.differences(store, before, switches, logged_out=logged_out) == []
    assert staging.secrets_in(first, store) == []

    assert staging.quiet_again(store, switches, mode) == []
    assert declared.differences(store, before, switches, logged_out=logged_out) == []
