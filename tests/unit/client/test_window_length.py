# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the length of a window is found out where nothing tells it."""

from __future__ import annotations

import math

import pytest
from ansible_collections.publica.la.plugins.module_utils.client.rate_limit import (
    DOCUMENTED_SECONDS,
    NEAR_ENOUGH,
    WindowLength,
)
from hypothesis import given
from hypothesis import strategies as st


def tries(length: WindowLength, seconds: float) -> list[float]:
    """The times at which one window of so many seconds is tried, the last in success."""
    tried: list[float] = []
    while not tried or tried[-1] < seconds:
        tried.append(length.next_try)
        if tried[-1] < seconds:
            length.not_over_after(tried[-1])
        else:
            length.over_after(tried[-1])
        assert len(tried) < 60
    return tried


def told_end(seconds: float, refused_at: float) -> float:
    """When a window is over, as a refusal in it tells: in whole seconds from the refusal on."""
    return refused_at + math.ceil(seconds - refused_at)


def after_waiting_as_told(told: float) -> WindowLength:
    """What is known once a window's end was told and waited for."""
    length = WindowLength()
    length.reported_over_after(told)
    length.over_after(told)
    return length


def test_without_knowledge_the_documented_minute_is_safe() -> None:
    assert WindowLength().safe == DOCUMENTED_SECONDS
    assert not WindowLength().is_certain


@given(seconds=st.floats(15.0, 200.0), refused_at=st.floats(0.0, 5.0))
def test_of_a_long_window_what_the_store_tells_needs_no_try(
    seconds: float, refused_at: float
) -> None:
    told = told_end(seconds, refused_at)
    length = after_waiting_as_told(told)
    assert length.is_certain
    assert length.next_try == told


@given(seconds=st.floats(2.0, 10.0), refused_at=st.floats(0.0, 1.0))
def test_of_a_short_window_the_part_of_a_second_is_found_out(
    seconds: float, refused_at: float
) -> None:
    length = after_waiting_as_told(told_end(seconds, refused_at))
    tried = [each for _window in range(6) for each in tries(length, seconds)]
    assert sum(each < seconds for each in tried) <= 3
    assert seconds <= length.next_try <= seconds * (1 + 2 * NEAR_ENOUGH)


def test_a_longer_wait_than_was_enough_tells_nothing_of_the_length() -> None:
    length = WindowLength(at_most=6.2)
    length.reported_over_after(61.0)
    assert length.at_most == 6.2
    assert length.at_least == 0.0


@given(seconds=st.floats(1.0, 200.0))
def test_a_window_is_tried_at_growing_times_and_a_few_only(seconds: float) -> None:
    tried = tries(WindowLength(), seconds)
    assert tried == sorted(tried)
    assert len(tried) <= (12 if seconds <= DOCUMENTED_SECONDS else 40)


@given(seconds=st.floats(1.5, 60.0))
def test_from_window_to_window_less_is_left_to_guess(seconds: float) -> None:
    length = WindowLength()
    for _window in range(6):
        tries(length, seconds)
    assert length.is_certain
    assert seconds <= length.safe <= max(seconds * (1 + 2 * NEAR_ENOUGH), seconds + 0.5)


def test_a_window_that_has_become_longer_is_found_out() -> None:
    length = WindowLength()
    tries(length, 5.0)
    tries(length, 30.0)
    assert length.safe >= 30.0


def test_a_window_that_has_become_shorter_is_found_out() -> None:
    length = WindowLength(at_most=60.0, at_least=58.0)
    length.over_after(10.0)
    assert length.safe == pytest.approx(10.0)
    assert length.at_least == 0.0
