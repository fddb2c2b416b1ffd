# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures that are published: medians, ratios, expectations, goals and their tables."""

from __future__ import annotations

from typing import Any

import pytest
from publica_bench.goals import (
    against_floor,
    against_loops,
    against_script,
    concurrent,
)
from publica_bench.jobs import (
    BULK,
    EXCLUSIVE,
    FOUR_BULK,
    NEW,
    PEOPLE,
    PERCENT,
    RECORD,
    SCRIPT,
    SOME_ROWS,
    UNCHANGED,
    UNLIMITED,
    URI_LOOP,
    USER_LOOP,
    Job,
    limited,
)  # fmt: skip
from publica_bench.measurement import Measurement
from publica_bench.record_report import RecordReport
from publica_bench.runner import (
    Results,
    break_even,
    expected_seconds,
    floor_seconds,
    paired_ratio,
    summarize,
)  # fmt: skip
from publica_bench.users import listed, listed_before, stored_before

SMALL, LARGE = Job(NEW, 100), Job(NEW, 1_000)
LIMIT = Job(NEW, 300, limited(60, 6))
HERE = {"commit": "b2", "Python": "3.13.0"}


def run(seconds: float, **values: Any) -> Measurement:
    """A successful run, with other values if they are given."""
    usual: dict[str, Any] = {
        "contender": "bulk", "change": NEW, "users": 100, "condition": "unlimited",
        "cpu_seconds": 1.0, "peak_mb": 150.0, "requests": 102, "refusals": 0, "error": "",
        "load": 0.5,
    }  # fmt: skip
    return Measurement(seconds=seconds, **{**usual, **values})


def test_summary_has_the_median_time_and_the_maxima():
    summary = summarize([run(9.0, refusals=2), run(2.0, peak_mb=200.0), run(3.0)])

    assert (summary.seconds, summary.fastest, summary.slowest) == (3.0, 2.0, 9.0)
    assert (summary.refusals, summary.peak_mb, summary.runs) == (2, 200.0, 3)
    assert summarize([run(1.0), run(1.0, error="3 of 100 users as desired")]).error


def test_ratio_is_the_median_of_pairs_without_failed_runs():
    # The machine was three times as slow during the second pair.
    slow_and_fast = paired_ratio([run(2.0), run(6.0), run(2.2)], [run(1.0), run(3.0), run(1.0)])

    assert slow_and_fast == pytest.approx(2.0)
    assert paired_ratio([run(1.0, error="x"), run(4.0)], [run(1.0), run(2.0)]) == 2.0
    assert paired_ratio([run(1.0, error="x")], [run(1.0)]) is None
    assert paired_ratio([], [run(1.0)]) is None


def test_expected_time_follows_from_the_smaller_sizes():
    assert expected_seconds(1_000, {100: 50.0, 10_000: 1.0}) == 500.0
    assert expected_seconds(100, {10: 1.0, 100: 50.0}) == 50.0
    # A start-up cost of one second.
    assert expected_seconds(1_000, {5: 1.5, 10: 2.0, 10_000: 1.0}) == pytest.approx(101.0)
    assert expected_seconds(10, {100: 50.0}) is None


@pytest.mark.parametrize(
    ("requests", "seconds"), [(0, 0.0), (1, 0.0), (60, 0.0), (61, 6.0), (302, 30.0), (360, 30.0)]
)
def test_floor_is_one_length_for_each_window_after_the_first(requests, seconds):
    assert floor_seconds(requests, limited(60, 6)) == seconds
    assert floor_seconds(requests, UNLIMITED) == 0.0


def test_break_even_is_where_the_lines_cross():
    # 1 s and 1 s each, against 2.5 s and 0.01 s each.
    assert break_even({1: 2.0, 11: 12.0}, {1: 2.51, 11: 2.61}) == 2
    assert break_even({1: 2.0, 11: 12.0}, {1: 8.0, 11: 8.0}) == 8
    assert break_even({1: 1.0, 11: 2.0}, {1: 2.0, 11: 12.0}) is None
    with pytest.raises(ValueError, match="two sizes"):
        break_even({5: 1.0}, {5: 1.0})


def checked(goal, *runs):
    """The checks of a goal on results that hold (job, contender, run)."""
    results = Results()
    for job, contender, made in runs:
        results.runs[job.key, contender.name].append(made)
    return list(goal.check(results))


def test_floor_goal_counts_the_accepted_requests():
    # 302 accepted requests and four refusals: five windows of 6 s after the first.
    made = run(33.0, requests=306, refusals=4)

    seconds, refusals = checked(against_floor(LIMIT), (LIMIT, BULK, made))

    assert seconds.figure == pytest.approx(1.1)
    assert (refusals.figure, refusals.met) == (4.0, True)


def test_failed_runs_meet_no_goal():
    broken = run(0.1, error="0 of 300 users as desired")

    assert not any(check.met for check in checked(against_floor(LIMIT), (LIMIT, BULK, broken)))
    assert not any(check.met for check in checked(concurrent(LIMIT), (LIMIT, FOUR_BULK, broken)))
    assert not any(check.met for check in checked(against_script(LIMIT, (BULK,), 2.0)))


def test_only_a_loop_may_be_ended_at_its_timeout():
    job = Job(NEW, 1_000)
    ended = run(300.0, error="ended", unfinished=True, contender=URI_LOOP.name)
    broken = run(300.0, error="exit code 2", contender=USER_LOOP.name)

    by_uri, by_user = checked(
        against_loops(job),
        (job, BULK, run(5.0)),
        (job, URI_LOOP, ended),
        (job, USER_LOOP, broken),
    )

    assert (by_uri.figure, by_uri.is_lower_bound, by_uri.met) == (60.0, True, True)
    assert (by_user.figure, by_user.met) == (None, False)
    assert run(300.0, error="ended", unfinished=True, contender=BULK.name).failed


@pytest.mark.parametrize(
    ("change", "changed", "moved"),
    [(UNCHANGED, 0, 0), (SOME_ROWS, 30, 0), (PERCENT, 20, 0), (PEOPLE, 30, 5)],
)
def test_a_list_has_a_fifth_of_the_users_and_differs_by_its_change(change, changed, moved):
    job = Job(change, 10_000)
    before = {user["email"]: user for user in listed_before(job)}
    now = {user["email"]: user for user in listed(job)}
    stored = {user["email"]: user for user in stored_before(job)}

    assert (len(before), len(now), len(stored)) == (2_000, 2_000, 10_000)
    assert before.items() <= stored.items()
    assert (len(before.keys() - now), len(now.keys() - stored)) == (moved, moved)
    assert sum(before[email] != now[email] for email in before.keys() & now) == changed


def test_the_report_on_records_has_requests_and_the_least_minutes_under_the_limit(tmp_path):
    job = Job(UNCHANGED, 100_000)
    results = Results()
    results.runs[job.key, RECORD.name].append(run(4.0, requests=0, peak_mb=201.0))
    results.runs[job.key, EXCLUSIVE.name].append(run(40.0, requests=1_001))
    results.runs[job.key, SCRIPT.name].append(run(40.0, error="exit code 1"))
    (tmp_path / "images").mkdir()
    page = tmp_path / "performance.md"
    page.write_text("a<!-- record benchmarks: begin --><!-- record benchmarks: end -->b", "utf-8")

    RecordReport(results, [job, Job(PEOPLE, 100_000)], [], HERE).publish(tmp_path)

    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| 100,000")]
    assert rows == [
        "| 100,000 | 20,000 | nothing | 0 (0) | 1,001 (10) | failed |",
        "| 100,000 | 20,000 | nothing | 4.00 (201) | 40.0 (150) | failed |",
    ]
    picture = (tmp_path / "images" / "performance-record.svg").read_text("utf-8")
    assert "100,000 users 1e+03" in picture
