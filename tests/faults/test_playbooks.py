# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each failure mode with the real modules, started by ansible-playbook.

Nothing is replaced here: pauses are slept, and timeouts are the module's own. One host is one store
that meets one failure mode, and all hosts together meet all endpoints.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

from support.declared import PASSWORDS, DeclaredList
from support.failure_modes import ENDPOINTS, FAILURE_MODES, HANG, REFUSED, FailureMode
from support.playbooks import LOCALHOST, PlaybookRunner
from support.servers import PausingRelay

TIMEOUT = 3.0


@pytest.mark.full
def test_a_playbook_meets_every_failure_mode(tmp_path: Path) -> None:
    runner = PlaybookRunner(tmp_path)
    stores: dict[str, SandboxStore] = {}
    lists: dict[str, DeclaredList] = {}
    hosts: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        for place, mode in enumerate(FAILURE_MODES):
            name = str(mode)
            stores[name] = store = stack.enter_context(
                SandboxStore(token=f"token-of-{name}-{'0' * 20}")
            )
            lists[name] = DeclaredList(store, {})
            if mode.kind == REFUSED:
                relay = stack.enter_context(PausingRelay(store.base_url, answers=4, seconds=1.0))
            else:
                _arm(store, mode, ENDPOINTS[place % len(ENDPOINTS)])
            hosts[name] = {
                **LOCALHOST["all"]["hosts"]["localhost"],
                "base_url": relay.base_url if mode.kind == REFUSED else store.base_url,
                "api_token": store.token,
                "rows": list(lists[name].rows),
            }
        task = {
            "name": "provision",
            "publica.la.publica_user_bulk": {
                "base_url": "{{ base_url }}",
                "api_token": "{{ api_token }}",
                "users": "{{ rows }}",
                "concurrency": 1,
                "timeout": TIMEOUT,
            },
        }
        play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        inventory = runner.write("stores.yml", {"all": {"hosts": hosts}})

        run = runner.playbook(runner.write("play.yml", [play]), inventory).succeeded()

        assert relay.went_away
        for name, store in stores.items():
            api = run.named("provision", name).result["api"]
            assert name == REFUSED or [rule["fired"] for rule in store.faults()] == [1], name
            assert api["retries"] >= (name == REFUSED), name
            store.clear_faults()
            assert lists[name].differences() == [], name
            links = [user["impersonation_secret"] for user in store.users()]
            secrets = [store.token, *PASSWORDS.values(), *links]
            assert [secret for secret in secrets if secret in run.output] == []
            assert lists[name].faults_of_repetition() == [], name


def _arm(store: SandboxStore, mode: FailureMode, endpoint: str) -> None:
    if mode.kind == "other_json" and endpoint == "force_logout":
        endpoint = "update"  # any JSON is a valid answer to a forced logout
    rule = mode.rule()
    if mode.kind == HANG:
        rule["seconds"] = 4 * TIMEOUT
    if "retry_after" in rule:
        rule["retry_after"] = 1
    store.fault(endpoint=endpoint, nth=2, **rule)
