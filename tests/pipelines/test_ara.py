# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ARA records the results of a run, but no secrets, as documented."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline_support.jobs import INSTALL, Checkout, Job, JobRun, Machine, Script, texts_below
from pipeline_support.site import Site

# The commands of the documentation. -vvv adds the arguments of each task to its result.
RECORD = """
ANSIBLE_CALLBACK_PLUGINS="$(python3 -m ara.setup.callback_plugins)"
export ANSIBLE_CALLBACK_PLUGINS
ansible-playbook publica.la.provision --extra-vars publica_users_max_retries=0 -vvv
"""
PAGES = "ara-manage generate pages"
RESULTS_OF_STORES = """
SELECT results.content FROM results JOIN tasks ON tasks.id = results.task_id
WHERE tasks.action = 'publica.la.publica_user_bulk'
"""
CANARY = "canary-of-a-password-0123456789abcdef"
ELENA = {"email": "elena@example.org", "external_id": "staff-1003", "password": CANARY}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory of ARA's records."""
    return tmp_path / "ara"


@pytest.fixture
def recorded(site: Site, machine: Machine, folder: Path) -> JobRun:
    """A recorded run: one store succeeds, the other fails half way."""
    site.add("press", ELENA)
    site.stores["press"].fault(500, endpoint="create", nth=2)
    environment = {**site.tokens, "ARA_BASE_DIR": str(folder)}
    record = Script(RECORD, name="run")
    steps = [Checkout("records"), Script(INSTALL), record, Script(PAGES, always=True)]
    return machine.run(Job("recorded", steps, environment))


def rows(folder: Path, question: str) -> list[tuple[Any, ...]]:
    """The result of a query of ARA's database."""
    with closing(sqlite3.connect(folder / "ansible.sqlite")) as database:
        return list(database.execute(question))


def texts(folder: Path) -> Iterator[str]:
    """Every value of ARA's database as text. ARA compresses long ones."""
    for (table,) in rows(folder, "SELECT name FROM sqlite_master WHERE type = 'table'"):
        for row in rows(folder, f"SELECT * FROM {table}"):
            yield from (unpacked(value) for value in row)


def unpacked(value: Any) -> str:
    return zlib.decompress(value).decode() if isinstance(value, bytes) else str(value)


def test_results_are_recorded_without_secrets(recorded: JobRun, site: Site, folder: Path) -> None:
    assert recorded.failed == "run"
    hosts = dict(rows(folder, "SELECT name, failed FROM hosts"))
    assert hosts == {"press": 1, "university": 0}
    # The complete result of each store: counts, plan, and the addresses of changed users.
    results = [json.loads(unpacked(content)) for (content,) in rows(folder, RESULTS_OF_STORES)]
    assert len(results) == len(site.stores)
    assert all(result["plan"]["hash"] for result in results)
    assert any("carla@example.org" in json.dumps(result["results"]) for result in results)
    [(arguments,)] = rows(folder, "SELECT arguments FROM playbooks")
    assert "Not saved by ARA" in json.loads(unpacked(arguments))["extra_vars"]

    everything = [*texts(folder), *texts_below(recorded.checkout / "pages").values()]
    links = [
        user["impersonation_secret"] for store in site.stores.values() for user in store.users()
    ]
    assert len(links) >= 3
    assert (recorded.checkout / "pages" / "index.html").is_file()
    assert any("elena@example.org" in text for text in everything)
    for secret in (CANARY, *site.tokens.values(), *links):
        assert [text for text in everything if secret in text] == []
