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
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore
from support.readings import READINGS
from support.runs import BULK, MODES, run

from support import declared, staging
from support.figures import Note
from support.troubles import ENDPOINTS, POSITIONS, TROUBLES, UNLIKE_TROUBLES, Trouble
from support.wire import Wire

OTHER_READINGS = [name for name in READINGS if name != "documented"]
# `make soak` has the time for what `make test` takes a part of.
THOROUGH = "SOAK_MINUTES" in os.environ

every_fault = pytest.mark.parametrize("trouble", TROUBLES, ids=str)
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)
every_position = pytest.mark.parametrize("position", POSITIONS)


def with_positions(*axes: Sequence[Any]) -> list[Any]:
    """Every combination, each with one position: the three take turns along every axis."""
    cases = []
    for places in product(*(range(len(axis)) for axis in axes)):
        values = [axis[place] for axis, place in zip(axes, places, strict=True)]
        turns = POSITIONS if THOROUGH else (POSITIONS[sum(places) % len(POSITIONS)],)
        for position in turns:
            name = "-".join(map(str, [*values, position]))
            cases.append(pytest.param(*values, position, id=name))
    return cases


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


@pytest.mark.parametrize(("trouble", "endpoint", "position"), with_positions(TROUBLES, ENDPOINTS))
def test_two_faults_in_a_row(
    store: SandboxStore, wire: Wire, note: Note, trouble: Trouble, endpoint: str, position: str
) -> None:
    _prove(store, wire, note, trouble, endpoint, position, times=2)


@pytest.mark.parametrize(
    ("reading", "trouble", "endpoint", "position"),
    with_positions(OTHER_READINGS, TROUBLES if THOROUGH else UNLIKE_TROUBLES, ENDPOINTS),
)
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
    logged_out = not first.failures
    assert declared.differences(store, before, switches, logged_out=logged_out) == []
    assert staging.secrets_in(first, store) == []

    assert staging.quiet_again(store, switches, mode) == []
    assert declared.differences(store, before, switches, logged_out=logged_out) == []
