# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lost answer, and then a fault where the run reads what became of the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.readings import READINGS
from support.runs import BULK, Outcome, run

from support import declared, staging
from support.figures import Note
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
    case = _Case(store, wire, endpoint, loss, trouble)
    read_back = case.lose(number)
    staging.arm(store, wire, trouble, "list", read_back)

    first = case.run(note)

    assert first.failures == {}
    assert declared.differences(store, case.before, {}) == []
    assert staging.quiet_again(store, {}) == []
    assert declared.differences(store, case.before, {}) == []


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
    case = _Case(store, wire, endpoint, loss, trouble)
    read_back = case.lose(number)
    staging.arm_from(store, wire, trouble, "list", read_back)

    first = case.run(note, max_retries=1, max_rate_limit_wait=0.5)

    assert first.failures != {}
    second = run(store, declared.rows(store, {}), workers=1)
    assert second.failures == {}
    assert declared.differences(store, case.before, {}, logged_out=False) == []
    assert staging.quiet_again(store, {}) == []


@dataclass
class _Case:
    """A request that is lost, and then a trouble with the reading after it."""

    store: SandboxStore
    wire: Wire
    endpoint: str
    loss: Trouble
    trouble: Trouble
    before: declared.Content = field(default_factory=dict)

    def lose(self, number: int) -> int:
        """Fill the store, and let the request of this number be lost.

        Returns:
            The number of the first reading after the plan was made.
        """
        counts = staging.counts_without_a_fault(self.store, self.wire, READING, BULK)
        declared.fill(self.store, READINGS[READING])
        self.wire.begin()
        self.before = declared.content(self.store)
        staging.arm(self.store, self.wire, self.loss, self.endpoint, number)
        return counts["list"] + 1

    def run(self, note: Note, **options: Any) -> Outcome:
        """Run on the declared list; both troubles must be met, and no secret be told."""
        outcome = run(self.store, declared.rows(self.store, {}), workers=1, **options)
        met = [row["endpoint"] for row in self.store.journal() if row["fault"]]
        met_by_client = self.wire.refused
        fired = staging.disarm(self.store, self.wire)
        assert self.endpoint in met, f"{self.loss} met no request"
        assert "list" in met or met_by_client, f"{self.trouble} met no request"
        note(
            fault=str(self.trouble),
            endpoint="list",
            position=f"read-back of {self.endpoint}",
            mode=BULK,
            reading=READING,
            fired=fired,
        )
        assert staging.secrets_in(outcome, self.store) == []
        return outcome
