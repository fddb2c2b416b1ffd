# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limit window: what may be sent and when, and how the window's length is found."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.answers import RateHeaders
from ansible_collections.publica.la.plugins.module_utils.client.http import REFUSALS_IN_A_ROW
from ansible_collections.publica.la.plugins.module_utils.client.rate_limit import (
    DOCUMENTED_SECONDS,
    NEAR_ENOUGH,
    ROUNDING_SECONDS,
    RateWindow,
    WindowLength,
)
from ansible_collections.publica.la.tests.unit.support.clock import Throttle
from hypothesis import given
from hypothesis import strategies as st


def send(window: RateWindow, now: float) -> None:
    assert window.delay(now) == 0.0
    window.sent(now)


def answer(window: RateWindow, now: float, remaining: int, limit: int = 100) -> None:
    window.answered(RateHeaders(limit, remaining, None), now, now)


@pytest.fixture
def window() -> RateWindow:
    return RateWindow()


class TestRateWindow:
    def test_unknown_limit_delays_nothing(self, window: RateWindow) -> None:
        for _request in range(50):
            send(window, 0.0)

    def test_store_without_a_limit_is_never_waited_for(self, window: RateWindow) -> None:
        for number in range(500):
            send(window, float(number) / 100)
            window.answered(RateHeaders(), 0.0, 0.0)
        assert window.limit is None

    def test_remaining_requests_are_sent_without_a_pause(self, window: RateWindow) -> None:
        send(window, 0.0)
        answer(window, 0.0, remaining=99)
        for _request in range(99):
            send(window, 0.1)

    def test_used_up_window_with_unknown_end_is_probed_once(self, window: RateWindow) -> None:
        send(window, 0.0)
        answer(window, 0.0, remaining=0)
        send(window, 1.0)  # beyond the limit it costs nothing and brings the answer
        assert window.delay(1.0) > 0.0

    def test_used_up_share_is_not_probed(self) -> None:
        # The probe would succeed and use the share of other clients.
        window = RateWindow(share=50)
        send(window, 0.0)
        answer(window, 0.0, remaining=50)
        assert window.delay(1.0) == pytest.approx(DOCUMENTED_SECONDS - 1.0 + ROUNDING_SECONDS)
        assert window.delay(DOCUMENTED_SECONDS + 1.0) == 0.0

    def test_wait_after_a_refusal_is_as_reported(self, window: RateWindow) -> None:
        send(window, 0.0)
        window.refused(RateHeaders(100, 0, 20.0), 1.0, 1.0)
        assert window.delay(1.0) == pytest.approx(20.0 + ROUNDING_SECONDS)
        assert window.delay(21.3) == 0.0

    def test_after_a_refusal_one_probe_is_sent(self, window: RateWindow) -> None:
        send(window, 0.0)
        window.refused(RateHeaders(100, 0, 20.0), 1.0, 1.0)
        send(window, 30.0)
        assert window.delay(30.0) > 0.0
        window.answered(RateHeaders(100, 99), 30.0, 30.1)
        send(window, 30.2)

    def test_refusals_without_headers_are_probed_at_growing_intervals(self) -> None:
        window, now = RateWindow(), 0.0
        waits = []
        for _refusal in range(5):
            send(window, now)
            window.refused(RateHeaders(), now, now)
            waits.append(window.delay(now))
            now += waits[-1]
        assert waits == sorted(waits)
        assert 0.0 < waits[0] < 10.0
        assert waits[-1] <= DOCUMENTED_SECONDS + ROUNDING_SECONDS

    @pytest.mark.parametrize("reported", [RateHeaders(), RateHeaders(100, 0, None)], ids=str)
    def test_concurrent_refusals_are_one_wait(self, reported: RateHeaders) -> None:
        single, concurrent = RateWindow(), RateWindow()
        send(single, 0.0)
        single.refused(reported, 0.0, 0.5)
        for _worker in range(8):
            send(concurrent, 0.0)
        for _worker in range(8):
            concurrent.refused(reported, 0.0, 0.5)
        assert concurrent.delay(0.5) == single.delay(0.5)

    def test_higher_remaining_means_a_new_window(self, window: RateWindow) -> None:
        send(window, 0.0)
        answer(window, 0.0, remaining=1)
        send(window, 30.0)
        answer(window, 30.0, remaining=99)
        for _request in range(99):
            send(window, 30.1)

    def test_reordered_answers_are_not_a_new_window(self, window: RateWindow) -> None:
        for number in range(5):
            send(window, number / 100)
        # The answer that was counted last arrives first.
        answer(window, 0.5, remaining=95)
        for remaining in (99, 98, 97, 96):
            window.answered(RateHeaders(100, remaining), sent_at=0.01, now=0.6)
        assert window.left == 95

    def test_failed_waits_double(self, window: RateWindow) -> None:
        now, waits = 0.0, []
        for _attempt in range(6):
            send(window, now)
            window.refused(RateHeaders(reset_in=0.0), now, now)
            waits.append(window.delay(now))
            now += waits[-1]
        assert waits == sorted(waits)
        assert waits[-1] > 10

    def test_last_accepted_answer_may_report_the_end(self, window: RateWindow) -> None:
        send(window, 0.0)
        window.answered(RateHeaders(100, 0, 12.0), 0.0, 1.0)
        assert window.delay(1.0) == pytest.approx(12.0 + ROUNDING_SECONDS)

    @pytest.mark.parametrize(
        ("reset_in", "by_own_clock", "is_believed"),
        [
            (3600.0, True, False),
            (3600.0, False, True),
            (61.0, True, True),
            (20.0, True, True),
        ],
    )
    def test_wait_beyond_a_window_by_another_clock_is_not_believed(
        self, reset_in: float, by_own_clock: bool, is_believed: bool
    ) -> None:
        window, other = RateWindow(), RateWindow()
        send(window, 0.0)
        send(other, 0.0)
        window.refused(RateHeaders(100, 0, reset_in, by_own_clock), 1.0, 1.0)
        other.refused(RateHeaders(100, 0, None), 1.0, 1.0)
        expected = reset_in + ROUNDING_SECONDS if is_believed else other.delay(1.0)
        assert window.delay(1.0) == pytest.approx(expected)

    def test_wait_beyond_a_longer_measured_window_is_not_believed_either(
        self, window: RateWindow
    ) -> None:
        window.state.length = WindowLength(at_most=10.0, at_least=9.5)
        send(window, 0.0)
        window.refused(RateHeaders(100, 0, 30.0, by_own_clock=True), 1.0, 1.0)
        assert window.delay(1.0) == pytest.approx(9.0 + ROUNDING_SECONDS)

    @pytest.mark.parametrize("share", [100, 50])
    def test_every_answer_may_report_the_end(self, share: int) -> None:
        window = RateWindow(share)
        for number, remaining in enumerate(range(9, 9 - 10 * share // 100, -1)):
            send(window, float(number))
            window.answered(RateHeaders(10, remaining, 20.0 - number), number, number)
        # Reported seconds are rounded, and an early request would use another client's share.
        margin = ROUNDING_SECONDS + (1.0 if share < 100 else 0.0)
        assert window.delay(9.0) == pytest.approx(11.0 + margin)
        assert window.delay(20.0 + margin) == 0.0

    def test_first_of_several_reported_ends_counts(self) -> None:
        # A server may count it from each answer.
        window = RateWindow(share=50)
        for number, remaining in enumerate(range(9, 4, -1)):
            send(window, float(number))
            window.answered(RateHeaders(10, remaining, 20.0), number, number)
        assert window.delay(4.0) == pytest.approx(16.0 + 1.0 + ROUNDING_SECONDS)

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({"reset_in": 0.0}, id="in the past"),
            pytest.param({"reset_in": 20.0, "by_own_clock": True}, id="by another clock"),
        ],
    )
    def test_doubtful_end_in_an_accepted_answer_is_ignored(self, headers: dict[str, Any]) -> None:
        window = RateWindow(share=50)
        send(window, 0.0)
        window.answered(RateHeaders(10, 5, **headers), 0.0, 0.0)
        assert window.delay(1.0) == pytest.approx(DOCUMENTED_SECONDS - 1.0 + ROUNDING_SECONDS)

    def test_lost_answer_of_the_probe_allows_another(self, window: RateWindow) -> None:
        send(window, 0.0)
        answer(window, 0.0, remaining=0)
        send(window, 1.0)
        assert window.delay(1.0) > 0.0
        window.lost(1.0)
        assert window.delay(1.0) == 0.0

    @pytest.mark.parametrize(("share", "usable"), [(100, 10), (50, 5), (25, 2), (1, 1)])
    def test_share_of_each_window(self, share: int, usable: int) -> None:
        throttle, window = Throttle(limit=10), RateWindow(share)
        run(window, throttle, requests=3 * usable)
        assert throttle.refused == [] or share == 100
        assert len([time for time in throttle.accepted if time < DOCUMENTED_SECONDS]) == usable


def run(
    window: RateWindow, throttle: Throttle, requests: int, pace: float = 0.05, workers: int = 1
) -> float:
    """Send requests as the window allows; returns the time of the last answer.

    The store counts each request when it is sent, and its answer arrives ``pace`` later.
    """
    now, done = 0.0, 0
    under_way: list[tuple[float, float, bool, RateHeaders]] = []
    for _step in range(100 * requests + 100):
        due = [entry for entry in under_way if entry[0] <= now]
        for entry in due:
            under_way.remove(entry)
            arrives, sent_at, accepted, reported = entry
            done += accepted
            learn = window.answered if accepted else window.refused
            learn(reported, sent_at, arrives)
        if done >= requests:
            return now
        delay = window.delay(now)
        if delay <= 0 and len(under_way) < workers and done + len(under_way) < requests:
            window.sent(now)
            under_way.append((now + pace, now, *throttle.request(now)))
            continue
        answers = [entry[0] for entry in under_way]
        now = min([*answers, now + delay] if delay > 0 else answers or [now + pace])
    raise AssertionError(f"only {done} of {requests} requests succeeded")


class TestRuns:
    """A complete run against a throttle that behaves like the framework's."""

    @pytest.mark.parametrize("share", [100, 50])
    def test_end_in_every_answer_slows_no_run(self, share: int) -> None:
        always, on_refusal = Throttle(reports_always=True), Throttle()
        took = run(RateWindow(share), always, requests=350)
        windows = 350 / share
        assert took <= run(RateWindow(share), on_refusal, requests=350) + windows
        assert len(always.refused) <= len(on_refusal.refused)

    @pytest.mark.parametrize("offset", [-3600.0, -61.0, 61.0, 3600.0])
    @pytest.mark.parametrize("reports_always", [False, True])
    def test_wrong_clock_costs_no_hour(self, offset: float, reports_always: bool) -> None:
        throttle = Throttle(clock_offset=offset, reports_always=reports_always)
        took = run(RateWindow(), throttle, requests=250)
        assert 2 * DOCUMENTED_SECONDS < took < 3 * DOCUMENTED_SECONDS
        assert len(throttle.refused) <= 2 * REFUSALS_IN_A_ROW

    def test_run_that_fits_is_not_slowed(self) -> None:
        throttle = Throttle()
        assert run(RateWindow(), throttle, requests=100) == pytest.approx(5.0)
        assert throttle.refused == []

    @pytest.mark.parametrize("explains", [True, False], ids=["end reported", "end unknown"])
    def test_run_that_does_not_fit_takes_one_more_window(self, explains: bool) -> None:
        throttle = Throttle(explains=explains)
        took = run(RateWindow(), throttle, requests=150)
        assert DOCUMENTED_SECONDS < took < 1.5 * DOCUMENTED_SECONDS
        assert len(throttle.refused) <= (2 if explains else REFUSALS_IN_A_ROW)

    def test_long_run_takes_the_necessary_windows(self) -> None:
        throttle = Throttle()
        took = run(RateWindow(), throttle, requests=1000)
        assert 9 * DOCUMENTED_SECONDS < took < 10 * DOCUMENTED_SECONDS
        # A few are due to rounded seconds. They cost the store nothing.
        assert len(throttle.refused) <= 9 * REFUSALS_IN_A_ROW

    @pytest.mark.parametrize("explains", [True, False], ids=["end reported", "end unknown"])
    def test_window_used_up_by_other_clients_is_waited_for(self, explains: bool) -> None:
        throttle = Throttle(explains=explains)
        for _request in range(100):
            throttle.request(-0.5)
        took = run(RateWindow(), throttle, requests=1)
        assert 59.0 < took < 1.5 * DOCUMENTED_SECONDS
        assert len(throttle.refused) <= (2 if explains else REFUSALS_IN_A_ROW)

    def test_window_begun_by_other_clients_is_detected(self) -> None:
        throttle = Throttle()
        for _request in range(90):
            throttle.request(-20.0)
        took = run(RateWindow(), throttle, requests=50)
        assert 40.0 < took < 46.0

    def test_shorter_window_is_used(self) -> None:
        throttle = Throttle(limit=20, seconds=10.0)
        assert run(RateWindow(), throttle, requests=100) < 60.0

    @pytest.mark.parametrize("share", [1, 50, 99])
    def test_longer_window_is_waited_for_with_a_share(self, share: int) -> None:
        throttle = Throttle(limit=1, seconds=90.0, explains=False)
        run(RateWindow(share), throttle, requests=3)
        assert len(throttle.refused) <= 2 * REFUSALS_IN_A_ROW

    @pytest.mark.parametrize("explains", [True, False], ids=["end reported", "end unknown"])
    @pytest.mark.parametrize("workers", [2, 8, 64])
    def test_concurrent_workers_take_no_longer(self, workers: int, explains: bool) -> None:
        throttle = Throttle(explains=explains)
        took = run(RateWindow(), throttle, 350, pace=0.3, workers=workers)
        assert 3 * DOCUMENTED_SECONDS < took < 4 * DOCUMENTED_SECONDS + 30.0
        assert len(throttle.refused) <= 4 * REFUSALS_IN_A_ROW + workers

    @given(
        limit=st.integers(1, 200),
        share=st.integers(1, 100),
        seconds=st.sampled_from([60.0, 30.0, 90.0]),
        workers=st.just(1) | st.integers(2, 64),
        explains=st.booleans(),
        latency=st.floats(0.01, 5.0),
    )
    def test_every_run_ends(
        self, limit: int, share: int, seconds: float, workers: int, explains: bool, latency: float
    ) -> None:
        throttle = Throttle(limit=limit, seconds=seconds, explains=explains)
        run(RateWindow(share), throttle, 3 * min(limit, 20), latency, workers)

    @given(
        limit=st.integers(2, 200),
        share=st.integers(1, 99),
        pace=st.floats(0.01, 2.0),
        reports_always=st.booleans(),
    )
    def test_share_leaves_the_rest_of_each_window(
        self, limit: int, share: int, pace: float, reports_always: bool
    ) -> None:
        throttle = Throttle(limit=limit, reports_always=reports_always)
        usable = max(1, limit * share // 100)
        run(RateWindow(share), throttle, requests=3 * min(usable, 30), pace=pace)
        assert throttle.refused == []
        begins = throttle.accepted[0]
        for start in throttle.accepted:
            if start >= begins + DOCUMENTED_SECONDS:
                begins = start
        in_last_window = [time for time in throttle.accepted if time >= begins]
        # The first requests are sent before the limit is known.
        assert len(in_last_window) <= usable


@pytest.mark.parametrize(
    "change",
    [
        {"limit": "many"}, {"began": "now"}, {"began": float("inf")}, {"pending": [1, 2]},
        {"pending": {"run": 3}}, {"length": None}, {"lowest_at": None}, {"closed": "yes"},
        {"unknown": 1}, {"began": -5.0}, {"length": {"at_most": "x"}}, {"began": 1e9},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_shared_state_is_ignored(change: dict[str, Any]) -> None:
    one, other = RateWindow(), RateWindow()
    one.sent(1.0)
    one.answered(RateHeaders(100, 50), 1.0, 1.1)
    complete = one.as_shared()
    other.take_over({**complete, **change}, 2.0)
    assert other.limit is None
    other.take_over(complete, 2.0)
    assert other.left == 50


@given(
    limit=st.integers(10, 100),
    runs=st.integers(2, 5),
    share=st.sampled_from([100, 100, 50, 25]),
    seconds=st.sampled_from([60.0, 6.0, 90.0]),
    explains=st.booleans(),
    latency=st.floats(0.01, 1.0),
    workers=st.integers(1, 8),
)
def test_concurrent_runs_complete_with_few_refusals(
    limit: int, runs: int, share: int, seconds: float, explains: bool, latency: float, workers: int
) -> None:
    throttle = Throttle(limit=limit, seconds=seconds, explains=explains)
    windows = [RateWindow(share, run=f"run {number}") for number in range(runs)]
    wanted = 4 * limit
    for window in windows:
        window.expect(wanted // runs)
    together(windows, throttle, wanted, workers, latency)
    # If refusals report no end, a longer first window takes more probes: they come at growing
    # intervals up to the documented minute, and then every 5 s. Otherwise seconds are rounded.
    probes = 4 if explains else {6.0: 4, 60.0: 10, 90.0: 14}[seconds]
    assert len(throttle.refused) <= probes + wanted * (0.05 if explains else 0.1)
    if share < 100 and seconds <= 60.0:
        assert throttle.refused == []


def together(
    windows: list[RateWindow], throttle: Throttle, wanted: int, workers: int, latency: float
) -> None:
    """Let all runs take turns, each with its workers, until ``wanted`` requests succeeded."""
    shared: dict[str, Any] | None = None
    now, done = 0.0, 0
    under_way: list[tuple[float, RateWindow, float, bool, RateHeaders]] = []
    for _step in range(2000 * wanted):
        if done >= wanted:
            return
        pauses = []
        for window in windows:
            if shared is not None:
                window.take_over(shared, now)
            for entry in [e for e in under_way if e[1] is window and e[0] <= now]:
                under_way.remove(entry)
                _arrives, _window, sent_at, accepted, reported = entry
                done += accepted
                learn = window.answered if accepted else window.refused
                learn(reported, sent_at, now)
            delay = window.delay(now)
            # A run's first request is a read, which is sent before any other.
            at_once = workers if window.is_limited else 1
            if delay <= 0 and sum(e[1] is window for e in under_way) < at_once:
                window.sent(now)
                under_way.append((now + latency, window, now, *throttle.request(now)))
                delay = 0.001
            pauses.append(delay if delay > 0 else latency)
            shared = window.as_shared() if window.is_limited else shared
        now = min([now + max(0.001, min(pauses)), *(e[0] for e in under_way if e[0] > now)])
    raise AssertionError(f"only {done} of {wanted} requests succeeded")


def tries(length: WindowLength, seconds: float) -> list[float]:
    """The times at which one window is probed; the last probe succeeds."""
    tried: list[float] = []
    while not tried or tried[-1] < seconds:
        tried.append(length.next_try)
        if tried[-1] < seconds:
            length.not_over_after(tried[-1])
        else:
            length.over_after(tried[-1])
        assert len(tried) < 60
    return tried


def reported_end(seconds: float, refused_at: float) -> float:
    """The end of a window as a refusal reports it: in whole seconds from the refusal."""
    return refused_at + math.ceil(seconds - refused_at)


def after_reported_wait(reported: float) -> WindowLength:
    """What is known after a window's reported end was waited for."""
    length = WindowLength()
    length.reported_over_after(reported)
    length.over_after(reported)
    return length


class TestWindowLength:
    def test_documented_length_is_the_default(self) -> None:
        assert WindowLength().safe == DOCUMENTED_SECONDS
        assert not WindowLength().is_certain

    @given(seconds=st.floats(15.0, 200.0), refused_at=st.floats(0.0, 5.0))
    def test_reported_end_of_a_long_window_is_exact_enough(
        self, seconds: float, refused_at: float
    ) -> None:
        reported = reported_end(seconds, refused_at)
        length = after_reported_wait(reported)
        assert length.is_certain
        assert length.next_try == reported

    @given(seconds=st.floats(2.0, 10.0), refused_at=st.floats(0.0, 1.0))
    def test_exact_length_of_a_short_window_is_found(
        self, seconds: float, refused_at: float
    ) -> None:
        length = after_reported_wait(reported_end(seconds, refused_at))
        tried = [each for _window in range(6) for each in tries(length, seconds)]
        assert sum(each < seconds for each in tried) <= 3
        assert seconds <= length.next_try <= seconds * (1 + 2 * NEAR_ENOUGH)

    def test_reported_end_beyond_the_upper_bound_is_ignored(self) -> None:
        length = WindowLength(at_most=6.2)
        length.reported_over_after(61.0)
        assert length.at_most == 6.2
        assert length.at_least == 0.0

    @given(seconds=st.floats(1.0, 200.0))
    def test_probes_are_few_and_at_growing_times(self, seconds: float) -> None:
        tried = tries(WindowLength(), seconds)
        assert tried == sorted(tried)
        assert len(tried) <= (12 if seconds <= DOCUMENTED_SECONDS else 40)

    @given(seconds=st.floats(1.5, 60.0))
    def test_bounds_narrow_with_each_window(self, seconds: float) -> None:
        length = WindowLength()
        for _window in range(6):
            tries(length, seconds)
        assert length.is_certain
        assert seconds <= length.safe <= max(seconds * (1 + 2 * NEAR_ENOUGH), seconds + 0.5)

    def test_longer_length_is_detected(self) -> None:
        length = WindowLength()
        tries(length, 5.0)
        tries(length, 30.0)
        assert length.safe >= 30.0

    def test_shorter_length_is_detected(self) -> None:
        length = WindowLength(at_most=60.0, at_least=58.0)
        length.over_after(10.0)
        assert length.safe == pytest.approx(10.0)
        assert length.at_least == 0.0
