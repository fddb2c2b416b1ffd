# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small runs of all contenders on real stores."""

from __future__ import annotations

import json
import sys

import pytest
from publica_bench.__main__ import main
from publica_bench.jobs import (
    ALL,
    COMPLETE,
    FEW,
    FOR_LISTS,
    FORMS,
    NEW,
    PEOPLE,
    SCRIPT,
    Contender,
    Job,
)  # fmt: skip
from publica_bench.measurement import measure

USERS = 2


def test_every_contender_does_the_complete_job(tmp_path, capsys):
    assert main(["--quick", "--sizes", str(USERS), "--folder", str(tmp_path)]) == 0

    runs = json.loads((tmp_path / "runs.json").read_text("utf-8"))["runs"]
    done = {(run["contender"], run["change"]) for run in runs if run["users"] == USERS}
    assert done == {(contender.name, change) for contender in ALL for change in (NEW, FEW)}
    # Each new user needs a write.
    assert all(run["requests"] > USERS for run in runs if run["change"] == NEW)
    assert all(run["peak_mb"] > 10 for run in runs)
    table = (tmp_path / "performance.md").read_text("utf-8")
    assert table in capsys.readouterr().out
    assert all(contender.title in table for contender in ALL)
    assert (tmp_path / "performance-unlimited.svg").exists()
    of_lists = [run for run in runs if run["change"] == PEOPLE]
    assert {run["contender"] for run in of_lists} == {contender.name for contender in FOR_LISTS}
    table = (tmp_path / "performance-record.md").read_text("utf-8")
    assert all(contender.title in table for contender in FOR_LISTS)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_run_with_a_record_reads_nothing_for_an_unchanged_list(tmp_path, form):
    run = measure(form, Job(COMPLETE, USERS), tmp_path, timeout=100.0)

    assert (run.error, run.requests) == ("", 0)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("pass", "0 of 2 users as desired, 0 in the store"),
        ("import sys; sys.exit('the store is closed')", "exit code 1: the store is closed"),
        ("import time; time.sleep(60)", "ended at the timeout"),
    ],
)
def test_a_contender_that_does_not_finish_the_job_fails(tmp_path, monkeypatch, script, error):
    monkeypatch.setattr(
        Contender, "command", lambda *_: [sys.executable, "-c", script], raising=True
    )

    run = measure(SCRIPT, Job(NEW, USERS), tmp_path, timeout=5.0)

    assert run.error == error
