# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Some combinations of readings by way of the real ansible-playbook; all are in test_readings.py.

Chosen so that each module meets a store that is as unlike the documented one as possible.
"""

from __future__ import annotations

import pytest
from publica_sandbox.testing import SandboxStore
from support.playbook_runner import PlaybookRunner
from support.readings import Reading, describe
from support.short_life import LOOK_ALIKES, stages

UNLIKE: list[Reading] = [
    {
        "put": "replace",
        "external_id_shown": False,
        "emails_lowercased": True,
        "search_case_sensitive": True,
        "list_holds_deactivated": True,
        "booleans": "string",
        "numbers_as_strings": True,
    },
    {
        "user_plans": "nested",
        "plan_dates": "end_of_day",
        "times": "object",
        "paginator": "full",
        "per_page_max": 7,
        "trailing_slash": "strict",
        "booleans_accepted": "documented",
    },
    {
        "user_plans": "hidden",
        "empty_result": "not_found",
        "validation_body": "data",
        "put_on_deactivated": "ok",
        "force_logout_path": "example",
        "force_logout_answer": "no_content",
        "password_required": True,
    },
]


@pytest.mark.parametrize("reading", UNLIKE, ids=describe)
def test_a_short_life(reading: Reading, store: SandboxStore, runner: PlaybookRunner) -> None:
    store.add_users(LOOK_ALIKES)
    store.generate_users(20, deactivated=3)
    store.configure(**reading)
    tasks = [
        {
            "name": f"{stage.name}{again}",
            "publica.la.publica_user_bulk": {"users": list(stage.rows), "report": "all"},
        }
        for stage in stages(reading)
        for again in ("", ", again")
    ]

    run = runner.tasks(tasks, store).succeeded()

    for stage in stages(reading):
        done, again = run.named(stage.name), run.named(f"{stage.name}, again")
        for external_id, expected in stage.holds.items():
            (row,) = (u for u in again.truth.users() if u["external_id"] == external_id)
            assert {name: row[name] for name in expected} == dict(expected), stage.name
        assert again.result["changed"] is False, stage.name
        assert again.truth.writes_since(done.truth) == [], stage.name
        assert again.truth.content() == done.truth.content(), stage.name
