# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault once more with the real modules, started by ansible-playbook.

Here nothing is replaced: pauses are slept, timeouts are the module's own, and what the operator is
told is what the playbook prints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.publica.la.tests.integration.support.playbook_runner import (
    PlaybookRunner,
    Run,
)
from publica_sandbox.testing import SandboxStore

from support import declared, staging
from support.figures import Note
from support.pausing_relay import PausingRelay
from support.troubles import HANG, REFUSED, TROUBLES, Trouble

# One trouble meets an endpoint of its own, so that together they meet all of them.
MET_AT = ("list", "create", "update", "deactivate", "reactivate", "force_logout")
PLACES = list(enumerate(trouble for trouble in TROUBLES if trouble.kind != REFUSED))
TIMEOUT = 1.0


@pytest.fixture
def runner(tmp_path: Path) -> PlaybookRunner:
    """Playbooks below a folder of the test's own."""
    return PlaybookRunner(tmp_path)


@pytest.mark.parametrize(("place", "trouble"), PLACES, ids=lambda value: str(value))
def test_a_playbook_meets_a_fault(
    store: SandboxStore, runner: PlaybookRunner, note: Note, place: int, trouble: Trouble
) -> None:
    endpoint = _endpoint(place, trouble)
    declared.fill(store, {})
    before = declared.content(store)
    rule = trouble.rule()
    if trouble.kind == HANG:
        rule["seconds"] = 10 * TIMEOUT
    if trouble.kind in ("429", "503"):
        rule["retry_after"] = 1
    store.fault(endpoint=endpoint, nth=2, **rule)

    run = runner.tasks([_task(store, timeout=TIMEOUT)], store).succeeded()

    (armed,) = store.faults()
    note(
        fault=str(trouble),
        endpoint=endpoint,
        position="second",
        mode="ansible-playbook",
        reading="documented",
        fired=armed["fired"],
    )
    assert armed["fired"] == 1
    _prove(run, store, before)


def test_a_playbook_meets_a_closed_port(
    store: SandboxStore, runner: PlaybookRunner, note: Note
) -> None:
    declared.fill(store, {})
    before = declared.content(store)
    with PausingRelay(store.base_url, answers=4, seconds=1.0) as relay:
        run = runner.tasks([_task(store, base_url=relay.base_url)], store).succeeded()
        went_away = relay.went_away
    note(
        fault=REFUSED,
        endpoint="any",
        position="fifth",
        mode="ansible-playbook",
        reading="documented",
        fired=1,
    )
    assert went_away
    assert run.named("provision").result["api"]["retries"] >= 1
    _prove(run, store, before)


def _endpoint(place: int, trouble: Trouble) -> str:
    endpoint = MET_AT[place % len(MET_AT)]
    if trouble.kind == "other_json" and endpoint == "force_logout":
        return "update"  # Any JSON counts as the answer to a forced logout.
    return endpoint


def _task(store: SandboxStore, **connection: Any) -> dict[str, Any]:
    arguments = {"users": list(declared.rows(store, {})), "concurrency": 1, **connection}
    return {"name": "provision", "publica.la.publica_user_bulk": arguments}


def _prove(run: Run, store: SandboxStore, before: declared.Content) -> None:
    assert declared.differences(store, before, {}) == []
    links = [user["impersonation_secret"] for user in store.users()]
    for secret in [store.token, *declared.PASSWORDS.values(), *links]:
        assert secret not in run.output
    assert staging.quiet_again(store, {}) == []
