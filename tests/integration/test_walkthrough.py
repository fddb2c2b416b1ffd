# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The walk through the code is the way that a user takes: the same functions in the same order."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from publica_sandbox.testing import SandboxStore

from support.paths import TESTS, collection
from support.playbook_runner import PlaybookRunner

PAGE = collection() / "docs" / "walkthrough.md"
STEP = re.compile(r"^\| `([\w.]+)` \| `([\w/]+\.py)` \|", re.MULTILINE)
FILE = re.compile(r"`((?:action|modules|module_utils|plugin_utils)/[\w/]+\.py)`")
AT_THE_STORE = {"ana": "staff-1001", "bruno": "staff-1002", "carla": "staff-1003"}


def steps() -> list[str]:
    """The way that the page describes: a file and a function each, in order."""
    return [f"{file} {function}" for function, file in STEP.findall(PAGE.read_text("utf-8"))]


@pytest.fixture
def calls(store: SandboxStore, runner: PlaybookRunner, tmp_path: Path) -> list[str]:
    """Every call of one run with the users of the page, of all processes, in order."""
    for name, external_id in AT_THE_STORE.items():
        store.add_user(f"{name}@example.org", external_id=external_id, sessions_limit=1)
    [users] = re.findall(r"```yaml\n(publica_users_desired_.*?)```", PAGE.read_text("utf-8"), re.S)
    press = {
        "publica_users_base_url": store.base_url,
        "publica_users_api_token": store.token,
        # Lines of progress depend on how long a run takes, which is no part of the way.
        "publica_users_progress_interval": 3600,
        **yaml.safe_load(users),
    }
    inventory = runner.write("inventory.yml", {"publica_stores": {"hosts": {"press": press}}})
    folder = tmp_path / "calls"
    folder.mkdir()
    noting = {
        "PYTHONPATH": str(TESTS / "tracing"),
        "PUBLICA_TEST_CALLS": str(folder),
        # Both sides on a Python that knows the full names of functions.
        "TARGET_PYTHON": sys.executable,
    }

    runner.playbook("publica.la.provision", inventory, environment=noting).succeeded()

    assert {user["email"]: user["sessions_limit"] for user in store.users()} == {
        "ana@example.org": 2,
        "bruno@example.org": 1,
        "carla@example.org": 1,
    }
    # The page says that it takes two requests.
    assert [row["endpoint"] for row in store.journal()] == ["list", "update"]
    lines = [line.split(" ", 1) for file in folder.iterdir() for line in _lines(file)]
    return [call for _, call in sorted((int(moment), call) for moment, call in lines)]


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def test_the_page_is_the_way_that_a_user_takes(calls: list[str]) -> None:
    assert len(steps()) > 40
    rest = iter(calls)
    for step in steps():
        assert step in calls, f"{step} is not called at all"
        # Goes on behind the step before.
        assert step in rest, f"{step} is not called behind what stands before it"
    taken = {call.split(" ")[0] for call in calls}
    named = set(FILE.findall(PAGE.read_text("utf-8")))
    missing = sorted(taken - named)
    assert not missing, f"docs/walkthrough.md does not name {missing}, which take part"
    # Files of data alone have no function that could be called.
    never = sorted(named - taken)
    assert not never, f"docs/walkthrough.md names {never}, which take no part"
