# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the length of a window is found out where nothing tells it."""

from __future__ import annotations

import pytest
from ansible_collections.publica.la.plugins.module_utils.transport.window_length import (
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


def test_without_knowledge_the_documented_minute_is_safe() -> None:
    assert WindowLength().safe == DOCUMENTED_SECONDS
    assert not WindowLength().is_certain


def test_what_the_store_tells_needs_no_try() -> None:
    assert WindowLength(is_told=True).is_certain


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
