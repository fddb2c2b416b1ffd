# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing the same with each of many things, in several threads."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.publica.la.plugins.module_utils.concurrency import for_each


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_each_thing_once(workers: int) -> None:
    done: list[int] = []
    for_each(range(200), done.append, workers)
    assert sorted(done) == list(range(200))


def test_one_worker_keeps_the_order_and_needs_no_thread() -> None:
    threads: list[threading.Thread] = []
    done: list[int] = []

    def act(thing: int) -> None:
        threads.append(threading.current_thread())
        done.append(thing)

    for_each(range(20), act, 1)
    assert done == list(range(20))
    assert set(threads) == {threading.current_thread()}


def test_as_many_at_once_as_asked_for() -> None:
    meeting = threading.Barrier(4, timeout=10)
    for_each(range(4), lambda _thing: meeting.wait(), 4)


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_ends_it_and_comes_out(workers: int) -> None:
    begun: list[int] = []

    def act(thing: int) -> None:
        begun.append(thing)
        if thing == 5:
            raise ValueError("the fifth")

    with pytest.raises(ValueError, match="the fifth"):
        for_each(range(10_000), act, workers)
    assert len(begun) < 10_000


def test_nothing_to_do() -> None:
    for_each([], pytest.fail, 4)
