# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store's window as pure state over given times: what may be sent, and when."""

from __future__ import annotations

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.http import REFUSALS_IN_A_ROW
from ansible_collections.publica.la.plugins.module_utils.client.rate_limit import (
    DOCUMENTED_SECONDS as WINDOW_SECONDS,
)
from ansible_collections.publica.la.plugins.module_utils.client.rate_limit import (
    ROUNDING_SECONDS,
    RateHeaders,
    RateWindow,
    rate_headers,
    retry_after,
)
from ansible_collections.publica.la.tests.unit.support.throttle import Throttle
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

SERVER_DATE = "Tue, 18 May 2021 13:28:53 GMT"
SERVER_TIME = 1621344533
WRONG_CLOCK = SERVER_TIME + 5000.0


def headers(**told: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): value for name, value in told.items()})


class TestHeaders:
    @pytest.mark.parametrize(
        ("told", "reset_in"),
        [
            pytest.param({}, None, id="nothing"),
            pytest.param({"Retry_After": "12"}, 12.0, id="Retry-After"),
            pytest.param({"Retry_After": "-5"}, 0.0, id="a negative one"),
            pytest.param({"Retry_After": "soon"}, None, id="one that is no time"),
            pytest.param(
                {"Retry_After": "Tue, 18 May 2021 13:29:13 GMT", "Date": SERVER_DATE}, 20.0,
                id="Retry-After as a date",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(SERVER_TIME + 30), "Date": SERVER_DATE}, 30.0,
                id="Reset against the server's own clock",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(int(WRONG_CLOCK) + 30)}, 30.0,
                id="Reset against this machine's clock where no Date is sent",
            ),
            pytest.param(
                {"X_RateLimit_Reset": str(SERVER_TIME - 30), "Date": SERVER_DATE}, 0.0,
                id="Reset gone by",
            ),
            pytest.param(
                {"Retry_After": "5", "X_RateLimit_Reset": str(SERVER_TIME + 30),
                 "Date": SERVER_DATE}, 5.0,
                id="Retry-After before Reset",
            ),
            pytest.param({"X_RateLimit_Reset": "later"}, None, id="Reset that is no time"),
            pytest.param(
                {"X_RateLimit_Reset": str(int(WRONG_CLOCK) + 30), "Date": "yesterday"}, 30.0,
                id="a Date that is none",
            ),
        ],
    )  # fmt: skip
    def test_when_the_window_ends(self, told: dict[str, str], reset_in: float | None) -> None:
        assert rate_headers(headers(**told), WRONG_CLOCK).reset_in == reset_in

    def test_limit_and_remaining(self) -> None:
        told = headers(X_RateLimit_Limit="100", x_ratelimit_remaining=" 7 ")
        assert rate_headers(told, 0.0) == RateHeaders(100, 7, None)

    @pytest.mark.parametrize("value", ["", "many", "1.5"])
    def test_what_is_no_number_is_not_told(self, value: str) -> None:
        assert rate_headers(headers(X_RateLimit_Limit=value), 0.0).limit is None

    def test_a_wait_is_never_negative(self) -> None:
        assert retry_after(headers(Retry_After=SERVER_DATE), WRONG_CLOCK) == 0.0


def send(window: RateWindow, now: float) -> None:
    assert window.delay(now) == 0.0
    window.sent(now)


def answer(window: RateWindow, now: float, remaining: int, limit: int = 100) -> None:
    window.answered(RateHeaders(limit, remaining, None), now, now)


class TestStates:
    def test_while_nothing_is_known_nothing_is_held_back(self) -> None:
        window = RateWindow()
        for _request in range(50):
            send(window, 0.0)

    def test_a_store_without_a_limit_is_never_waited_for(self) -> None:
        window = RateWindow()
        for number in range(500):
            send(window, float(number) / 100)
            window.answered(RateHeaders(), 0.0, 0.0)
        assert window.limit is None

    def test_what_is_left_is_sent_without_a_pause(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        answer(window, 0.0, remaining=99)
        for _request in range(99):
            send(window, 0.1)

    def test_used_up_and_unexplained_one_request_alone_asks(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        answer(window, 0.0, remaining=0)
        send(window, 1.0)  # it costs nothing beyond the limit, and brings the answer
        assert window.delay(1.0) > 0.0

    def test_used_up_with_a_share_nobody_asks(self) -> None:
        # The request would succeed, and take from what is left to others.
        window = RateWindow(share=50)
        send(window, 0.0)
        answer(window, 0.0, remaining=50)
        assert window.delay(1.0) == pytest.approx(WINDOW_SECONDS - 1.0 + ROUNDING_SECONDS)
        assert window.delay(WINDOW_SECONDS + 1.0) == 0.0

    def test_a_refusal_is_waited_out_as_the_store_asks(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        window.refused(RateHeaders(100, 0, 20.0), 1.0, 1.0)
        assert window.delay(1.0) == pytest.approx(20.0 + ROUNDING_SECONDS)
        assert window.delay(21.3) == 0.0

    def test_after_a_refusal_one_goes_alone(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        window.refused(RateHeaders(100, 0, 20.0), 1.0, 1.0)
        send(window, 30.0)
        assert window.delay(30.0) > 0.0
        window.answered(RateHeaders(100, 99), 30.0, 30.1)
        send(window, 30.2)

    def test_a_refusal_that_tells_nothing_is_tried_again_in_growing_steps(self) -> None:
        window, now = RateWindow(), 0.0
        waits = []
        for _refusal in range(5):
            send(window, now)
            window.refused(RateHeaders(), now, now)
            waits.append(window.delay(now))
            now += waits[-1]
        assert waits == sorted(waits)
        assert 0.0 < waits[0] < 10.0
        assert waits[-1] <= WINDOW_SECONDS + ROUNDING_SECONDS

    @pytest.mark.parametrize("headers_told", [RateHeaders(), RateHeaders(100, 0, None)], ids=str)
    def test_refusals_of_many_at_once_are_one_wait(self, headers_told: RateHeaders) -> None:
        alone, together = RateWindow(), RateWindow()
        send(alone, 0.0)
        alone.refused(headers_told, 0.0, 0.5)
        for _worker in range(8):
            send(together, 0.0)
        for _worker in range(8):
            together.refused(headers_told, 0.0, 0.5)
        assert together.delay(0.5) == alone.delay(0.5)

    def test_more_left_than_before_means_a_new_window(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        answer(window, 0.0, remaining=1)
        send(window, 30.0)
        answer(window, 30.0, remaining=99)
        for _request in range(99):
            send(window, 30.1)

    def test_answers_in_another_order_are_no_new_window(self) -> None:
        window = RateWindow()
        for number in range(5):
            send(window, number / 100)
        # The last one counted comes in first; the others were sent before it was known.
        answer(window, 0.5, remaining=95)
        for remaining in (99, 98, 97, 96):
            window.answered(RateHeaders(100, remaining), sent_at=0.01, now=0.6)
        assert window.left == 95

    def test_a_wait_that_is_told_too_short_doubles(self) -> None:
        window = RateWindow()
        now, waits = 0.0, []
        for _attempt in range(6):
            send(window, now)
            window.refused(RateHeaders(reset_in=0.0), now, now)
            waits.append(window.delay(now))
            now += waits[-1]
        assert waits == sorted(waits)
        assert waits[-1] > 10

    def test_the_last_accepted_answer_may_tell_when_the_window_ends(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        window.answered(RateHeaders(100, 0, 12.0), 0.0, 1.0)
        assert window.delay(1.0) == pytest.approx(12.0 + ROUNDING_SECONDS)

    def test_a_lost_answer_holds_nobody_back_for_ever(self) -> None:
        window = RateWindow()
        send(window, 0.0)
        answer(window, 0.0, remaining=0)
        send(window, 1.0)
        assert window.delay(1.0) > 0.0
        window.lost(1.0)
        assert window.delay(1.0) == 0.0

    @pytest.mark.parametrize(("share", "usable"), [(100, 10), (50, 5), (25, 2), (1, 1)])
    def test_a_share_of_each_window(self, share: int, usable: int) -> None:
        throttle, window = Throttle(limit=10), RateWindow(share)
        run(window, throttle, requests=3 * usable)
        assert throttle.refused == [] or share == 100
        assert len([time for time in throttle.accepted if time < WINDOW_SECONDS]) == usable


def run(window: RateWindow, throttle: Throttle, requests: int, pace: float = 0.05) -> float:
    """Send one request after the other as the window allows; returns when the last was answered."""
    now = 0.0
    done = 0
    for _step in range(50 * requests + 50):
        if done == requests:
            return now
        delay = window.delay(now)
        if delay > 0:
            now += delay
            continue
        window.sent(now)
        accepted, told = throttle.request(now)
        sent_at, now = now, now + pace
        if accepted:
            done += 1
            window.answered(told, sent_at, now)
        else:
            window.refused(told, sent_at, now)
    raise AssertionError(f"only {done} of {requests} requests came through")


def run_with_workers(
    window: RateWindow, throttle: Throttle, requests: int, workers: int, latency: float
) -> float:
    """The same with several requests under way at once; the store counts one as it arrives."""
    now, done = 0.0, 0
    under_way: list[tuple[float, float, bool, RateHeaders]] = []
    for _step in range(100 * requests + 100):
        due = [entry for entry in under_way if entry[0] <= now]
        for entry in due:
            under_way.remove(entry)
            arrives, sent_at, accepted, told = entry
            done += accepted
            if accepted:
                window.answered(told, sent_at, arrives)
            else:
                window.refused(told, sent_at, arrives)
        if done >= requests:
            return now
        delay = window.delay(now)
        if delay <= 0 and len(under_way) < workers and done + len(under_way) < requests:
            window.sent(now)
            under_way.append((now + latency, now, *throttle.request(now)))
            continue
        answers = [entry[0] for entry in under_way]
        now = min([*answers, now + delay] if delay > 0 else answers or [now + latency])
    raise AssertionError(f"only {done} of {requests} requests came through")


class TestRuns:
    """A whole run against a throttle that behaves as the framework's."""

    def test_one_that_fits_is_not_slowed_at_all(self) -> None:
        throttle = Throttle()
        assert run(RateWindow(), throttle, requests=100) == pytest.approx(5.0)
        assert throttle.refused == []

    @pytest.mark.parametrize("explains", [True, False], ids=["explained", "unexplained"])
    def test_one_that_does_not_fit_takes_a_minute_more(self, explains: bool) -> None:
        throttle = Throttle(explains=explains)
        took = run(RateWindow(), throttle, requests=150)
        assert WINDOW_SECONDS < took < 1.5 * WINDOW_SECONDS
        # Refusals without an end between would end the run.
        assert len(throttle.refused) <= (2 if explains else REFUSALS_IN_A_ROW)

    def test_a_long_one_takes_the_windows_that_it_must(self) -> None:
        throttle = Throttle()
        took = run(RateWindow(), throttle, requests=1000)
        assert 9 * WINDOW_SECONDS < took < 10 * WINDOW_SECONDS
        # A few where whole seconds were rounded down; they cost the store nothing.
        assert len(throttle.refused) <= 9 * REFUSALS_IN_A_ROW

    @pytest.mark.parametrize("explains", [True, False], ids=["explained", "unexplained"])
    def test_a_window_that_others_have_used_up_is_waited_out(self, explains: bool) -> None:
        throttle = Throttle(explains=explains)
        for _request in range(100):
            throttle.request(-0.5)
        took = run(RateWindow(), throttle, requests=1)
        assert 59.0 < took < 1.5 * WINDOW_SECONDS
        assert len(throttle.refused) <= (2 if explains else REFUSALS_IN_A_ROW)

    def test_a_window_that_others_have_begun_is_found_out(self) -> None:
        throttle = Throttle()
        for _request in range(90):
            throttle.request(-20.0)
        took = run(RateWindow(), throttle, requests=50)
        assert 40.0 < took < 46.0

    def test_a_shorter_window_than_a_minute_is_used(self) -> None:
        throttle = Throttle(limit=20, seconds=10.0)
        assert run(RateWindow(), throttle, requests=100) < 60.0

    @pytest.mark.parametrize("share", [1, 50, 99])
    def test_a_window_that_is_longer_than_documented_is_waited_out_with_a_share_too(
        self, share: int
    ) -> None:
        throttle = Throttle(limit=1, seconds=90.0, explains=False)
        run(RateWindow(share), throttle, requests=3)
        assert len(throttle.refused) <= 2 * REFUSALS_IN_A_ROW

    @given(
        limit=st.integers(1, 200),
        share=st.integers(1, 100),
        seconds=st.sampled_from([60.0, 30.0, 90.0]),
        explains=st.booleans(),
        pace=st.floats(0.01, 2.0),
    )
    def test_every_run_comes_to_its_end(
        self, limit: int, share: int, seconds: float, explains: bool, pace: float
    ) -> None:
        throttle = Throttle(limit=limit, seconds=seconds, explains=explains)
        run(RateWindow(share), throttle, requests=3 * min(limit, 20), pace=pace)

    @pytest.mark.parametrize("explains", [True, False], ids=["explained", "unexplained"])
    @pytest.mark.parametrize("workers", [2, 8, 64])
    def test_workers_together_take_no_longer(self, workers: int, explains: bool) -> None:
        throttle = Throttle(explains=explains)
        took = run_with_workers(RateWindow(), throttle, 350, workers, latency=0.3)
        assert 3 * WINDOW_SECONDS < took < 4 * WINDOW_SECONDS + 30.0
        assert len(throttle.refused) <= 4 * REFUSALS_IN_A_ROW + workers

    @given(
        limit=st.integers(1, 200),
        share=st.integers(1, 100),
        workers=st.integers(1, 64),
        explains=st.booleans(),
        latency=st.floats(0.01, 5.0),
    )
    def test_every_run_of_workers_comes_to_its_end(
        self, limit: int, share: int, workers: int, explains: bool, latency: float
    ) -> None:
        throttle = Throttle(limit=limit, explains=explains)
        run_with_workers(RateWindow(share), throttle, 3 * min(limit, 20), workers, latency)

    @given(limit=st.integers(2, 200), share=st.integers(1, 99), pace=st.floats(0.01, 2.0))
    def test_a_share_leaves_the_rest_of_every_window_to_others(
        self, limit: int, share: int, pace: float
    ) -> None:
        throttle = Throttle(limit=limit)
        usable = max(1, limit * share // 100)
        run(RateWindow(share), throttle, requests=3 * min(usable, 30), pace=pace)
        assert throttle.refused == []
        begins = throttle.accepted[0]
        for start in throttle.accepted:
            if start >= begins + WINDOW_SECONDS:
                begins = start
        in_last_window = [time for time in throttle.accepted if time >= begins]
        # The first requests go out before the limit is known.
        assert len(in_last_window) <= usable
