# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from publica_bench.jobs import UNLIMITED, limited
from publica_bench.statistics import (
    break_even,
    expected_seconds,
    floor_seconds,
    paired_ratio,
    summarize,
)


def test_a_summary_has_the_median_time_and_the_worst_of_the_rest(run):
    summary = summarize([run(9.0, refusals=2), run(2.0, peak_mb=200.0), run(3.0)])

    assert (summary.seconds, summary.fastest, summary.slowest) == (3.0, 2.0, 9.0)
    assert (summary.refusals, summary.peak_mb, summary.runs) == (2, 200.0, 3)


def test_one_run_that_failed_makes_the_summary_a_failure(run):
    assert summarize([run(1.0), run(1.0, fault="3 of 100 users as desired")]).fault


def test_a_ratio_compares_the_runs_that_stood_side_by_side(run):
    # The machine was three times as slow during the second pair, for both alike.
    slow_and_fast = paired_ratio([run(2.0), run(6.0), run(2.2)], [run(1.0), run(3.0), run(1.0)])

    assert slow_and_fast == pytest.approx(2.0)


def test_a_run_that_failed_is_in_no_ratio(run):
    assert paired_ratio([run(1.0, fault="x"), run(4.0)], [run(1.0), run(2.0)]) == 2.0
    assert paired_ratio([run(1.0, fault="x")], [run(1.0)]) is None
    assert paired_ratio([], [run(1.0)]) is None


def test_what_a_job_will_take_is_known_from_the_largest_one_below_it():
    assert expected_seconds(1_000, {100: 50.0, 10_000: 1.0}) == 500.0
    assert expected_seconds(100, {10: 1.0, 100: 50.0}) == 50.0
    # A start of one second, which all users share.
    assert expected_seconds(1_000, {5: 1.5, 10: 2.0, 10_000: 1.0}) == pytest.approx(101.0)
    assert expected_seconds(10, {100: 50.0}) is None


@pytest.mark.parametrize(
    ("requests", "seconds"), [(0, 0.0), (1, 0.0), (60, 0.0), (61, 6.0), (302, 30.0), (360, 30.0)]
)
def test_the_floor_is_a_window_for_each_that_is_begun_after_the_first(requests, seconds):
    assert floor_seconds(requests, limited(60, 6)) == seconds


def test_without_a_limit_there_is_no_floor():
    assert floor_seconds(10_000, UNLIMITED) == 0.0


def test_the_loop_is_overtaken_where_the_lines_cross():
    # 1 s and 1 s each, against 2.5 s and hardly anything each.
    assert break_even({1: 2.0, 11: 12.0}, {1: 2.51, 11: 2.61}) == 2
    assert break_even({1: 2.0, 11: 12.0}, {1: 8.0, 11: 8.0}) == 8
    assert break_even({1: 1.0, 11: 2.0}, {1: 2.0, 11: 12.0}) is None
    with pytest.raises(ValueError, match="two sizes"):
        break_even({5: 1.0}, {5: 1.0})
