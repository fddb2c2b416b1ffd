# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is asked to end: it finishes what is under way, and tells what it did."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore
from support.playbook_runner import PlaybookRunner, Run

ROWS = [{"email": f"reader{n}@example.org", "external_id": f"reader-{n}"} for n in range(60)]


def _module_process(folder: Path) -> int | None:
    """The process of the module whose files are below a folder."""
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (OSError, ValueError):
            continue
        is_python = "python" in Path(words[0]).name
        if is_python and any(word.startswith(f"{folder}/") for word in words[1:2]):
            return int(process.name)
    return None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_module_that_is_ended_tells_what_it_did(
    number: signal.Signals, store: SandboxStore, runner: PlaybookRunner, tmp_path: Path
) -> None:
    # Long enough to be met in the middle.
    store.configure(latency=100)
    remote = tmp_path / "remote"
    task: dict[str, Any] = {
        "name": "all",
        "publica.la.publica_user_bulk": {"users": ROWS, "concurrency": 2},
        "ignore_errors": True,
    }
    runs: list[Run] = []
    environment = {"ANSIBLE_PIPELINING": "false", "ANSIBLE_REMOTE_TEMP": str(remote)}
    running = threading.Thread(
        target=lambda: runs.append(runner.tasks([task], store, environment=environment))
    )
    running.start()
    until = time.monotonic() + 60
    while len(store.journal(writes=True)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    process = _module_process(remote)
    assert process is not None
    os.kill(process, number)
    running.join()

    result = runs[0].succeeded().named("all").result
    assert result["failure"]["code"] == "interrupted"
    assert number.name in result["msg"]
    created = {item["email"] for item in result["results"] if item["changed"]}
    assert {user["email"] for user in store.users()} == created
    assert 4 <= len(created) < len(ROWS)
    assert result["summary"]["created"] == len(created)
    assert result["summary"]["failed"] == len(ROWS) - len(created)
    assert result["changed"] is True

    store.configure(latency=0)
    again = runner.tasks([task], store).succeeded().named("all").result
    assert again["summary"]["created"] == len(ROWS) - len(created)
    assert {user["email"] for user in store.users()} == {row["email"] for row in ROWS}
