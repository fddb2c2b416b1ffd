# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests a run with a record sends in a large store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from publica_sandbox.testing import SandboxStore

STORED, LISTED = 100_000, 20_000
CHANGED, MOVED = 30, 5
# The bounds of each change of the list.
NOTHING, PEOPLE, ONE_ADDRESS = 1, 90, 6


def reader(number: int, **values: Any) -> dict[str, Any]:
    email, external_id = f"reader{number}@example.org", f"seat-{number}"
    return {"email": email, "external_id": external_id, "sessions_limit": 2, **values}


def with_people_changed(rows: list[dict[str, Any]], new: int) -> list[dict[str, Any]]:
    """The rows without the first ones, with some changed ones, and with joiners."""
    step = LISTED // CHANGED
    changed = [dict(row) for row in rows[MOVED:]]
    for row in changed[: step * CHANGED : step]:
        row["sessions_limit"] += 1
    return [*changed, *(reader(number) for number in range(new, new + MOVED))]


@pytest.mark.full
@pytest.mark.timeout(900)
def test_requests_depend_on_what_has_changed_in_the_list(modules):
    rows = [reader(number) for number in range(LISTED)]
    path = modules.directory / "readers.json"

    def run(store: SandboxStore, desired: list[dict[str, Any]], *, check: bool) -> dict[str, Any]:
        path.write_text(json.dumps(desired), "utf-8")
        options = {"src": str(path), "last_applied": "record.json", "leavers": "deactivate"}
        task = {"name": "Users", "publica.la.publica_user_bulk": options, "check_mode": check}
        return modules.tasks([task], store).succeeded().named("Users").result

    def requests(store: SandboxStore, desired: list[dict[str, Any]]) -> int:
        """The most that a dry run and the run after it send. The dry run predicts the run."""
        store.clear_journal()
        predicted = run(store, desired, check=True)
        in_check_mode = len(store.journal())
        assert not store.journal(writes=True)
        done = run(store, desired, check=False)
        assert predicted["summary"] == done["summary"]
        return max(in_check_mode, len(store.journal()) - in_check_mode)

    with SandboxStore(process=True) as store:
        store.generate_users(STORED - LISTED)
        store.add_users(rows)
        run(store, rows, check=False)

        for turn, paginator in enumerate(("bare", "full")):
            store.configure(paginator=paginator)
            joined = LISTED + turn * MOVED
            changed = with_people_changed(rows, joined)
            renamed = [dict(changed[0], email=f"renamed{turn}@example.org"), *changed[1:]]

            assert requests(store, rows) <= NOTHING
            assert requests(store, changed) <= PEOPLE
            assert requests(store, renamed) <= ONE_ADDRESS
            assert store.user(email=f"renamed{turn}@example.org")["active"]
            assert store.user(external_id=f"seat-{joined}")["active"]
            rows = renamed

        assert len(store.users(active=False)) == 2 * MOVED
        assert len(store.users(active=True)) == STORED
