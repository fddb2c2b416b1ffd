# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores that do not come back, and those that refuse: the run ends soon, and says why."""

from __future__ import annotations

import pytest
from publica_sandbox.testing import SandboxStore
from support.runs import BULK, Outcome, run

from support import declared, staging
from support.figures import Note
from support.troubles import ENDPOINTS, POSITIONS, TROUBLES, UNLIKE_TROUBLES, Trouble
from support.wire import ANY, Wire

RETRIES = 5
# What all workers of a run share, in retries: architecture.md, "Retries".
BUDGET = 4 * RETRIES
# Nobody waits a minute for a limit that never ends.
PATIENT = {"max_retries": RETRIES, "max_rate_limit_wait": 0.5}

# What ends a run for everybody, in the words of getting-started.md.
ENDINGS = {
    "store_unavailable",
    "unreachable",
    "rate_limited",
    "unexpected_answer",
    "store_error",
    "connection_broken",
    "timeout",
}

every_position = pytest.mark.parametrize("position", POSITIONS)
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)


@every_position
@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_store_that_dies(
    store: SandboxStore, wire: Wire, note: Note, trouble: Trouble, position: str
) -> None:
    counts = staging.counts_without_a_fault(store, wire, "documented", BULK)
    number = staging.number_at(position, counts[ANY])
    before = _begin(store, wire)
    workers = staging.workers_for(trouble)
    staging.arm_from(store, wire, trouble, ANY, number)

    first = run(store, declared.rows(store, {}), workers=workers, **PATIENT)

    sent = wire.counts[ANY]
    _note(note, store, wire, trouble, ANY, position)
    # Each worker may be with one request when the budget ends; none begins another user.
    assert sent < number + BUDGET + 2 * workers, first.text
    assert set(first.codes.values()) <= {*ENDINGS, "not_tried"}, first.codes
    assert set(first.codes.values()) & ENDINGS
    assert staging.secrets_in(first, store) == []
    _prove_next_run(store, before)


@every_endpoint
@pytest.mark.parametrize("trouble", UNLIKE_TROUBLES, ids=str)
def test_an_endpoint_that_never_works(
    store: SandboxStore, wire: Wire, note: Note, trouble: Trouble, endpoint: str
) -> None:
    before = _begin(store, wire)
    staging.arm_from(store, wire, trouble, endpoint, 1)

    first = run(
        store,
        declared.rows(store, {}),
        workers=staging.workers_for(trouble),
        max_retries=1,
        max_rate_limit_wait=0.5,
    )

    _note(note, store, wire, trouble, endpoint, "every")
    assert staging.secrets_in(first, store) == []
    _prove_next_run(store, before)


@every_position
@every_endpoint
@pytest.mark.parametrize(("kind", "code"), [("401", "unauthenticated"), ("403", "forbidden")])
def test_a_refusal_ends_the_run_at_once(
    store: SandboxStore,
    wire: Wire,
    note: Note,
    kind: str,
    code: str,
    endpoint: str,
    position: str,
) -> None:
    counts = staging.counts_without_a_fault(store, wire, "documented", BULK)
    before = _begin(store, wire)
    store.fault(kind, endpoint=endpoint, nth=staging.number_at(position, counts[endpoint]))

    first = run(store, declared.rows(store, {}), workers=1)

    last = store.journal()[-1]
    _note(note, store, wire, Trouble(kind), endpoint, position)
    assert (last["status"], last["endpoint"]) == (int(kind), endpoint), "nothing was sent after it"
    _prove_one_ending(first, code)
    assert staging.secrets_in(first, store) == []
    _prove_next_run(store, before)


def test_refused_values_are_the_users_own(store: SandboxStore, wire: Wire) -> None:
    before = _begin(store, wire)
    rows = [dict(row) for row in declared.rows(store, {})]
    refused = [row for row in rows if row["external_id"] in ("N2", "U1", "A1")]
    for row in refused:
        row["plan_id"] = 999

    first = run(store, rows, workers=4)

    assert first.codes == {row["external_id"]: "validation" for row in refused}
    for failure in first.failures.values():
        assert set(failure["fields"]) == {"assign_new_plan"}
    # Of those who were refused nothing is held yet; everybody else is as declared.
    wrong = {fault.partition(":")[0] for fault in declared.differences(store, before, {})}
    assert {name for name in wrong if name in declared.HELD} == {"N2", "U1", "A1"}
    _prove_next_run(store, before)


def _begin(store: SandboxStore, wire: Wire) -> declared.Content:
    declared.fill(store, {})
    wire.begin()
    return declared.content(store)


def _prove_one_ending(outcome: Outcome, code: str) -> None:
    """One failure that ended the run; whoever was not reached is told that it was not tried."""
    codes = list(outcome.codes.values())
    assert codes.count(code) == 1, outcome.codes
    assert set(codes) <= {code, "not_tried"}


def _prove_next_run(store: SandboxStore, before: declared.Content) -> None:
    """The next run does all that was left; only sessions are ended beside a change alone."""
    second = run(store, declared.rows(store, {}), workers=staging.WORKERS)
    assert second.failures == {}
    assert declared.differences(store, before, {}, logged_out=False) == []
    assert staging.quiet_again(store, {}) == []


def _note(
    note: Note, store: SandboxStore, wire: Wire, trouble: Trouble, endpoint: str, position: str
) -> None:
    fired = staging.disarm(store, wire)
    assert fired >= 1, "the fault met no request, so nothing was tried"
    note(
        fault=str(trouble),
        endpoint=endpoint,
        position=position,
        mode=BULK,
        reading="documented",
        fired=fired,
    )
