# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who runs when, who is left out, and what is made of it; with runs that are only told of."""

from __future__ import annotations

import pytest
from publica_bench import runner as runner_module
from publica_bench.contenders import BULK, FOUR_BULK, SCRIPT, URI_LOOP, USER_LOOP
from publica_bench.goals import (
    at_the_floor,
    beside_the_loops,
    beside_the_script,
    doubling,
    side_by_side,
)
from publica_bench.jobs import NEW, SAME, UNLIMITED, Job, latency, limited, matrix
from publica_bench.runner import Pace, Results, Runner, key
from publica_bench.statistics import NotRun

LIMIT = Job(NEW, 300, limited(60, 6))


@pytest.fixture
def raced(run, monkeypatch, tmp_path):
    """A runner whose contenders take so many seconds a user, and the order in which they ran."""
    seconds_each = {BULK.name: 0.01, SCRIPT.name: 0.005, USER_LOOP.name: 1.0, URI_LOOP.name: 1.0}
    order: list[tuple[str, int]] = []

    def told(contender, job, _folder, _timeout):
        order.append((contender.name, job.users))
        fault = "broken" if contender == SCRIPT and job.change == SAME else ""
        return run(
            seconds_each[contender.name] * job.users,
            contender=contender.name,
            users=job.users,
            fault=fault,
        )

    monkeypatch.setattr(runner_module, "measure", told)
    pace = Pace(budget=300.0, repeats=2, repeat_below=45.0)
    return Runner(tmp_path, pace, say=lambda _line: None), order


def test_contenders_take_turns_and_slow_ones_run_once(raced):
    runner, order = raced

    runner.run(Job(NEW, 100), (USER_LOOP, BULK, SCRIPT))

    first = [(USER_LOOP.name, 100), (BULK.name, 100), (SCRIPT.name, 100)]
    assert order == [*first, (BULK.name, 100), (SCRIPT.name, 100)]


def test_what_would_take_too_long_is_left_out_and_said_to_be(raced):
    runner, order = raced

    for users in (100, 1_000):
        runner.run(Job(NEW, users), (USER_LOOP, BULK))

    assert (USER_LOOP.name, 1_000) not in order
    assert runner.results.outcome(Job(NEW, 1_000), USER_LOOP) == NotRun(1_000.0)
    assert (BULK.name, 1_000) in order


def test_a_goal_may_give_the_time_that_the_race_did_not(raced):
    runner, order = raced
    for users in (100, 1_000):
        runner.run(Job(NEW, users), (USER_LOOP,))

    runner.run(Job(NEW, 1_000), (USER_LOOP,), Pace(until=2_000.0))

    assert order.count((USER_LOOP.name, 1_000)) == 1
    assert not isinstance(runner.results.outcome(Job(NEW, 1_000), USER_LOOP), NotRun)


def test_a_contender_that_failed_is_not_run_again(raced):
    runner, order = raced

    runner.run(Job(SAME, 10), (SCRIPT,))

    assert order == [(SCRIPT.name, 10)]


def test_what_was_measured_is_not_measured_again(raced):
    runner, order = raced
    runner.run(Job(NEW, 10), (BULK,))
    before = list(order)

    runner.run(Job(NEW, 10), (BULK,))

    assert order == before


def test_the_matrix_has_every_combination_with_the_small_sizes_first():
    jobs = matrix((1_000, 100), (NEW, SAME), (UNLIMITED, latency(50)))

    assert len({key(job) for job in jobs}) == len(jobs) == 8
    assert [job.users for job in jobs] == [100, 1_000] * 4


def judged(goal, *runs):
    """The verdicts of a goal on results that hold (job, contender, run)."""
    results = Results()
    for job, contender, made in runs:
        results.runs[key(job), contender.name].append(made)
    return list(goal.judge(results))


def test_the_floor_is_counted_from_what_the_store_took_in(run):
    # 302 requests and four refusals: five windows of 6 s beyond the first.
    made = run(33.0, requests=306, refusals=4)

    time, refusals = judged(at_the_floor(LIMIT), (LIMIT, BULK, made))

    assert time.figure == pytest.approx(1.1)
    assert (refusals.figure, refusals.met) == (4.0, True)


def test_memory_is_judged_beside_the_ratio(run):
    job = Job(SAME, 100_000)
    goal = beside_the_script(job, (BULK,), 3.0, megabytes=500)

    ratio, memory = judged(goal, (job, BULK, run(40.0, peak_mb=612.0)), (job, SCRIPT, run(16.0)))

    assert (ratio.figure, ratio.met) == (2.5, True)
    assert (memory.figure, memory.met) == (612.0, False)


def test_a_run_that_failed_keeps_no_bound(run):
    broken = run(0.1, fault="0 of 300 users as desired")

    assert not any(v.met for v in judged(at_the_floor(LIMIT), (LIMIT, BULK, broken)))
    assert not any(v.met for v in judged(side_by_side(LIMIT), (LIMIT, FOUR_BULK, broken)))
    assert not any(v.met for v in judged(beside_the_script(LIMIT, (BULK,), 2.0)))


def test_a_loop_is_given_so_much_time_as_shows_that_it_is_too_slow(raced, run):
    runner, order = raced
    job = Job(NEW, 1_000)
    runner.results.runs[key(job), BULK.name].append(run(5.0))

    goal = beside_the_loops(job)
    goal.pursue(runner)

    assert [name for name, _users in order] == [URI_LOOP.name, USER_LOOP.name]
    assert goal.pace(runner.results).until == pytest.approx(300.0)


def test_a_loop_that_was_ended_took_longer_than_it_was_given(run):
    job = Job(NEW, 1_000)
    ended = run(300.0, fault="ended", unfinished=True, contender=URI_LOOP.name)
    broken = run(300.0, fault="exit code 2", contender=USER_LOOP.name)

    by_uri, by_user = judged(
        beside_the_loops(job),
        (job, BULK, run(5.0)),
        (job, URI_LOOP, ended),
        (job, USER_LOOP, broken),
    )

    assert (by_uri.figure, by_uri.is_least, by_uri.met) == (60.0, True, True)
    assert (by_user.figure, by_user.met) == (None, False)


def test_only_a_loop_may_be_ended(run):
    assert run(300.0, fault="ended", unfinished=True, contender=BULK.name).failed


def test_twice_the_users_are_held_against_the_half(run):
    half, whole = Job(NEW, 5), Job(NEW, 10)

    [verdict] = judged(doubling(half, whole, BULK), (half, BULK, run(2.0)), (whole, BULK, run(5.0)))

    assert (verdict.figure, verdict.met) == (2.5, False)


def test_refusals_of_runs_side_by_side_are_a_share_of_their_requests(run):
    made = run(40.0, requests=400, refusals=10)

    [verdict] = judged(side_by_side(LIMIT), (LIMIT, FOUR_BULK, made))

    assert (verdict.figure, verdict.unit, verdict.met) == (2.5, " %", True)
