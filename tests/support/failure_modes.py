# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Staging a trouble: at which request, and what the run must then come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from publica_sandbox.switches import Switches
from publica_sandbox.testing import SandboxStore

from . import declared
from .readings import READINGS, Reading, tells_plans
from .runs import BULK, Outcome, run
from .troubles import HANG, Trouble
from .wire import Wire

WORKERS = 4
# Far longer than the client has patience.
HANG_SECONDS = 10

_COUNTS: dict[tuple[str, str], Mapping[str, int]] = {}


def counts_without_a_fault(
    store: SandboxStore, wire: Wire, reading: str, mode: str
) -> Mapping[str, int]:
    """How many requests each endpoint gets in a run that nothing disturbs: measured, and once."""
    known = _COUNTS.get((reading, mode))
    if known is None:
        switches = READINGS[reading]
        declared.fill(store, switches)
        wire.switches = Switches(**switches)
        wire.begin()
        before = declared.content(store)
        outcome = run(store, declared.rows(store, switches), mode, workers=WORKERS)
        assert outcome.failures == {}
        assert declared.differences(store, before, switches) == []
        known = wire.counts
        journal = store.journal()
        for endpoint, count in known.items():
            met = [row for row in journal if endpoint in ("any", row["endpoint"] or "none")]
            assert len(met) == count, f"the client and the store count {endpoint} alike"
        _COUNTS[reading, mode] = known
    return known


def number_at(position: str, count: int) -> int:
    """The number of the first, the middle or the last of so many requests."""
    return {"first": 1, "middle": (count + 1) // 2, "last": count}[position]


def arm(
    store: SandboxStore, wire: Wire, trouble: Trouble, endpoint: str, number: int, times: int = 1
) -> None:
    """Let the request of this number to an endpoint go wrong, and ``times - 1`` after it."""
    numbers = range(number, number + times)
    if trouble.by_client:
        wire.refuses = lambda asked, count: asked == endpoint and count in numbers
        return
    if trouble.kind == HANG:
        wire.hangs = lambda asked, count: asked == endpoint and count in numbers
        wire.hung = lambda: _fired(store)
    for each in numbers:
        store.fault(endpoint=endpoint, nth=each, **_rule(trouble))


def arm_from(store: SandboxStore, wire: Wire, trouble: Trouble, endpoint: str, number: int) -> None:
    """Let every request to an endpoint (or ``any``) from this number on go wrong, without end."""
    if trouble.by_client:
        wire.refuses = _from(endpoint, number)
        return
    if trouble.kind == HANG:
        wire.hangs = _from(endpoint, number)
        wire.hung = lambda: _fired(store)

    def begin(asked: str, count: int) -> None:
        if (asked, count) == (endpoint, number):
            store.fault(endpoint=endpoint, times=None, **_rule(trouble))

    wire.before = begin


def _from(endpoint: str, number: int) -> Callable[[str, int], bool]:
    return lambda asked, count: asked == endpoint and count >= number


def disarm(store: SandboxStore, wire: Wire) -> int:
    """Forget all faults; returns how many fired."""
    fired = wire.refused + _fired(store)
    store.clear_faults()
    wire.begin()
    return fired


def _fired(store: SandboxStore) -> int:
    return sum(rule["fired"] for rule in store.faults())


def _rule(trouble: Trouble) -> dict[str, Any]:
    rule = trouble.rule()
    return {**rule, "seconds": HANG_SECONDS} if trouble.kind == HANG else rule


def workers_for(trouble: Trouble, times: int = 1) -> int:
    """How many workers a run may have for the trouble to meet one request and its repetition."""
    # A request that hangs is known to both sides by its number alone.
    return 1 if trouble.kind == HANG or times > 1 else WORKERS


def unknowable(trouble: Trouble, endpoint: str, reading: Reading) -> dict[str, str]:
    """Failures that a lost answer may leave to a person, by row; everything else must come right.

    Where the store hides the plans, nobody can tell whether an update that was lost has assigned
    one. To assign it again could give it twice, so the user fails with ``lost_answer``.
    """
    if tells_plans(reading) or endpoint != "update" or not trouble.acted:
        return {}
    return {"U1": "lost_answer", "A1": "lost_answer"}


def secrets_in(outcome: Outcome, store: SandboxStore) -> list[str]:
    """Secrets that a run has told; empty if it kept them."""
    links = [user["impersonation_secret"] for user in store.users()]
    secrets = [store.token, *declared.PASSWORDS.values(), *links, "impersonate/take"]
    return [secret for secret in secrets if secret in outcome.text]


def quiet_again(store: SandboxStore, reading: Reading, mode: str = BULK) -> list[str]:
    """What is wrong with another run that meets no fault: it must have nothing left to do."""
    store.clear_journal()
    again = run(store, declared.rows(store, reading), mode, workers=WORKERS)
    faults = [f"again: {name}: {code}" for name, code in again.codes.items()]
    expected = {declared.ALWAYS_CHANGED: ["set_password"]}
    if again.actions != expected:
        faults.append(f"again: {again.actions} instead of {expected}")
    writes = [row["path"] for row in store.journal(writes=True)]
    if len(writes) != len(expected):
        faults.append(f"again: wrote {writes}")
    return faults
