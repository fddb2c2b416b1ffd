# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbers of a run: counts, rates, and an estimate that knows the rate limit."""

from __future__ import annotations

import pytest
from ansible_collections.publica.la.plugins.module_utils.plan.model import (
    ASSIGN_PLAN,
    CREATE,
    DEACTIVATE,
    FORCE_LOGOUT,
    REACTIVATE,
    UPDATE,
    outcomes_of,
)
from ansible_collections.publica.la.plugins.module_utils.progress import APPLYING, Counts


def applying(total: int, done: int = 0) -> Counts:
    """Counts of a run with one request a user."""
    counts = Counts(phase=APPLYING, total=total, requests_left=total)
    for _user in range(done):
        counts.count(outcomes_of([CREATE]), 1, failed=False)
    return counts


def test_a_user_counts_once_for_each_fate() -> None:
    counts = applying(5)
    counts.count(outcomes_of([CREATE, ASSIGN_PLAN]), 1, failed=True)
    counts.count(outcomes_of([UPDATE, ASSIGN_PLAN]), 1, failed=False)
    counts.count(outcomes_of([REACTIVATE, UPDATE]), 2, failed=False)
    counts.count(outcomes_of([DEACTIVATE, FORCE_LOGOUT]), 2, failed=False)
    counts.count(outcomes_of([]), 1, failed=True)
    told = counts.told(10.0, 0.0, None)
    assert {name: told[name] for name in (*counts.outcomes, "done", "failed")} == {
        "created": 1,
        "updated": 3,
        "reactivated": 1,
        "deactivated": 1,
        "done": 5,
        "failed": 2,
    }


def test_nothing_is_promised_before_anything_is_known() -> None:
    told = Counts().told(0.0, 0.0, 100)
    assert (told["users_per_second"], told["seconds_left"]) == (None, None)
    told = applying(50).told(0.0, 0.0, None)
    assert (told["users_per_second"], told["seconds_left"]) == (None, None)


def test_without_a_limit_the_rate_so_far_goes_on() -> None:
    told = applying(400, done=100).told(50.0, 0.0, None)
    assert (told["users_per_second"], told["seconds_left"]) == (2.0, 150)


@pytest.mark.parametrize(
    ("done", "applying_seconds", "waiting_seconds"),
    [
        (0, 0.0, 0.0),  # only the limit is known
        (60, 3.0, 0.0),  # the first window's requests go out at once
        (100, 5.0, 55.0),  # and then the run stands still
        (200, 65.0, 55.0),
        (2500, 25 * 60.0, 0.0),
    ],
)
def test_windows_do_not_deceive(done: int, applying_seconds: float, waiting_seconds: float) -> None:
    # 5000 requests at 100 a minute take 49 full windows and a moment, so this is when it ends.
    end = 49 * 60.0
    told = applying(5000, done).told(applying_seconds, waiting_seconds, 100)
    assert told["seconds_left"] == pytest.approx(end - applying_seconds, abs=90.0)


def test_a_known_wait_is_part_of_the_rate() -> None:
    told = applying(5000, done=100).told(5.0, 55.0, 100)
    assert told["users_per_second"] == pytest.approx(100 / 60, abs=0.01)
    assert told["waiting_seconds"] == 55


def test_a_share_of_the_limit_takes_longer() -> None:
    complete, half = (applying(1000).told(0.0, 0.0, limit)["seconds_left"] for limit in (100, 50))
    assert (complete, half) == (9 * 60, 19 * 60)


def test_whoever_has_ended_has_nothing_left() -> None:
    counts = applying(10, done=4)
    counts.ended = True
    assert counts.told(2.0, 0.0, 100)["seconds_left"] is None
