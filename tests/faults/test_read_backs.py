# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lost answer, and then a fault where the run reads what became of the request."""

from __future__ import annotations

import pytest
from publica_sandbox.testing import SandboxStore

from support import declared, staging
from support.figures import Note
from support.readings import READINGS
from support.runs import run
from support.troubles import UNLIKE_TROUBLES, Trouble
from support.wire import Wire

LOST = Trouble("close_after", acted=True)
NEVER_ARRIVED = Trouble("close_before")
ANSWERED_BY_A_PAGE = Trouble("html_200", acted=True)

# Which request is lost, by its number among those to its endpoint, and how: only where the run
# reads the store before it goes on. The second update assigns a plan.
LOSSES = [
    *(("create", 1, how) for how in (LOST, NEVER_ARRIVED, ANSWERED_BY_A_PAGE)),
    *(("update", 2, how) for how in (LOST, NEVER_ARRIVED, ANSWERED_BY_A_PAGE)),
    ("update", 1, ANSWERED_BY_A_PAGE),
    *((endpoint, 1, LOST) for endpoint in ("deactivate", "reactivate")),
    *((endpoint, 1, ANSWERED_BY_A_PAGE) for endpoint in ("deactivate", "reactivate")),
]
READING = "documented"

every_loss = pytest.mark.parametrize(
    ("endpoint", "number", "loss"), LOSSES, ids=lambda value: str(value)
)
every_fault = pytest.mark.parametrize("trouble", UNLIKE_TROUBLES, ids=str)


@every_fault
@every_loss
def test_a_fault_while_reading_what_became_of_a_request(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    endpoint: str,
    number: int,
    loss: Trouble,
    trouble: Trouble,
) -> None:
    before, read_back = _begin(store, wire)
    staging.arm(store, wire, loss, endpoint, number)
    staging.arm(store, wire, trouble, "list", read_back)

    first = run(store, declared.rows(store, {}), workers=1)

    _note(note, store, wire, endpoint, loss, trouble)
    assert first.failures == {}
    assert staging.secrets_in(first, store) == []
    assert declared.differences(store, before, {}) == []
    assert staging.quiet_again(store, {}) == []
    assert declared.differences(store, before, {}) == []


@every_fault
@every_loss
def test_a_store_that_can_be_read_no_more(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    endpoint: str,
    number: int,
    loss: Trouble,
    trouble: Trouble,
) -> None:
    """Nothing is sent again that could do harm twice; the next run does what was left."""
    before, read_back = _begin(store, wire)
    staging.arm(store, wire, loss, endpoint, number)
    staging.arm_from(store, wire, trouble, "list", read_back)

    first = run(store, declared.rows(store, {}), workers=1, max_retries=1, max_rate_limit_wait=0.5)

    _note(note, store, wire, endpoint, loss, trouble)
    assert first.failures != {}
    assert staging.secrets_in(first, store) == []
    second = run(store, declared.rows(store, {}), workers=1)
    assert second.failures == {}
    assert declared.differences(store, before, {}, logged_out=False) == []
    assert staging.quiet_again(store, {}) == []


def _begin(store: SandboxStore, wire: Wire) -> tuple[declared.Content, int]:
    """A store with its users, and the number of the first reading after the plan was made."""
    counts = staging.counts_without_a_fault(store, wire, READING, "bulk")
    declared.fill(store, READINGS[READING])
    wire.begin()
    return declared.content(store), counts["list"] + 1


def _note(
    note: Note, store: SandboxStore, wire: Wire, endpoint: str, loss: Trouble, trouble: Trouble
) -> None:
    """Note the case, after making sure that both faults were met."""
    reads = [row["endpoint"] for row in store.journal() if row["fault"]]
    met_by_client = wire.refused
    fired = staging.disarm(store, wire)
    assert endpoint in reads, f"{loss} met no request"
    assert "list" in reads or met_by_client, f"{trouble} met no request"
    note(
        fault=str(trouble),
        endpoint="list",
        position=f"read-back of {endpoint}",
        mode="bulk",
        reading=READING,
        fired=fired,
    )
