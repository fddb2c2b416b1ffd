# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress lines: their content, their width, and that no other text of the file is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.publica.la.plugins.module_utils.progress import Counts
from ansible_collections.publica.la.plugins.plugin_utils.progress_lines import (
    WIDTH,
    State,
    duration,
    interrupted_line,
    last_line,
    parse_state,
    progress_line,
)
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = {**Counts().as_reported(0.0, 0.0, None), "pid": 4711}
APPLYING = {
    "phase": "applying",
    "total": 5000,
    "done": 1240,
    "created": 800,
    "updated": 440,
    "failed": 3,
    "users_per_second": 1.6,
    "seconds_left": 2350,
}


def state(**changes: Any) -> State:
    parsed = parse_state(json.dumps({**NUMBERS, **changes}))
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "press: reading the input"),
        ({"phase": "reading"}, "press: reading the store"),
        (
            {"phase": "reading", "pages_read": 12, "pages_left": 38, "users_read": 1200},
            "press: reading the store, 12 of 50 pages",
        ),
        (
            {"phase": "reading", "pages_read": 1, "users_read": 100},
            "press: reading the store, 1 page with 100 users",
        ),
        (
            {"phase": "reading", "pages_read": 1, "look_ups": 30, "looked_up": 7},
            "press: looking up users, 7 of 30",
        ),
        (
            APPLYING,
            "press: 1240/5000 users (800 created, 440 updated, 3 failed), 1.6/s, 39 min left",
        ),
        ({"phase": "applying", "total": 9}, "press: 0/9 users"),
        (
            {**APPLYING, "stopping": True, "updated": 0, "failed": 0, "seconds_left": None},
            "press: stopping, 1240/5000 users (800 created), 1.6/s",
        ),
        (
            {"phase": "applying", "total": 9, "done": 1, "users_per_second": 0.02},
            "press: 1/9 users, 1.2/min",
        ),
        (
            {"phase": "finishing", "total": 5, "done": 5, "deactivated": 5},
            "press: 5/5 users (5 deactivated), preparing the result",
        ),
        (
            {**APPLYING, "total": 30, "done": 9, "updated": 9, "created": 0, "unverified": 19960},
            "press: 9/30 users (9 updated, 3 failed), 19960 not read, 1.6/s, 39 min left",
        ),
        (
            {"phase": "finishing", "total": 5, "done": 5, "unverified": 95},
            "press: 5/5 users, 95 not read, preparing the result",
        ),
        ({"phase": "finishing", "total": 0}, "press: preparing the result"),
        (
            {"phase": "reading", "waiting_seconds": 34},
            "press: reading the store, waiting 34 s for the store's rate limit",
        ),
        (
            {**APPLYING, "updated": 0, "failed": 0, "waiting_seconds": 34},
            "press: 1240/5000 users (800 created), 1.6/s, 39 min left, waiting 34 s (rate limit)",
        ),
    ],
)
def test_progress_line(changes: dict[str, Any], line: str) -> None:
    assert progress_line("press", state(**changes)) == line


def test_progress_line_before_the_first_state() -> None:
    assert progress_line("press", None) == "press: reading the input"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {**APPLYING, "phase": "finishing", "done": 5000},
            "press: done, 5000/5000 users (800 created, 440 updated, 3 failed) in 52 min",
        ),
        (
            {**APPLYING, "phase": "finishing"},
            "press: ended after 1240/5000 users (800 created, 440 updated, 3 failed) in 52 min",
        ),
        (
            {"phase": "finishing", "pages_read": 3, "looked_up": 4},
            "press: done in 52 min, 7 requests to read the store, no changes sent",
        ),
        ({"phase": "reading"}, "press: ended in 52 min, before any change"),
        (
            {"phase": "finishing", "pages_read": 1, "unverified": 20000},
            "press: done in 52 min, 1 request to read the store, no changes sent, 20000 not read",
        ),
        (
            {"phase": "finishing", "total": 30, "done": 30, "updated": 30, "unverified": 19970},
            "press: done, 30/30 users (30 updated) in 52 min, 19970 not read",
        ),
        (
            {"phase": "finishing", "total": 30, "done": 3, "unverified": 19970},
            "press: ended after 3/30 users in 52 min, 19970 not read",
        ),
    ],
)
def test_last_line(changes: dict[str, Any], line: str) -> None:
    assert last_line("press", state(**changes, ended=True), 3120.0) == line


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {**APPLYING, "ended": True},
            "press: interrupted after 1240 of 5000 users (800 created, 440 updated, 3 failed). "
            "The next run completes the rest.",
        ),
        (
            {**APPLYING, "updated": 0, "failed": 0},
            "press: interrupted after at least 1240 of 5000 users (800 created). "
            "The next run completes the rest.",
        ),
        (
            {"phase": "reading", "ended": True},
            "press: interrupted before any change. The next run makes all changes.",
        ),
        (
            {"phase": "finishing", "total": 5, "done": 5, "created": 5},
            "press: interrupted after 5/5 users (5 created). Only the result is lost.",
        ),
        (
            {"phase": "finishing"},
            "press: interrupted after the store was read. No changes were sent.",
        ),
        (
            {"phase": "finishing", "unverified": 20},
            "press: interrupted after the store was read, 20 not read. No changes were sent.",
        ),
        (
            {**APPLYING, "updated": 0, "failed": 0, "ended": True, "unverified": 95000},
            "press: interrupted after 1240 of 5000 users (800 created), 95000 not read. "
            "The next run completes the rest.",
        ),
    ],
)
def test_interrupted_line(changes: dict[str, Any], line: str) -> None:
    assert interrupted_line("press", state(**changes)) == line


def test_a_file_of_an_earlier_version_has_no_unverified() -> None:
    numbers = {name: value for name, value in NUMBERS.items() if name != "unverified"}
    parsed = parse_state(json.dumps({**numbers, "phase": "applying", "total": 9}))
    assert progress_line("press", parsed) == "press: 0/9 users"


def test_lines_after_a_run_without_a_state() -> None:
    assert last_line("press", None, 3.0) == "press: ended in 3 s"
    line = interrupted_line("press", None)
    assert line == "press: interrupted. The progress of the run is unknown."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5960, "99 min"), (18_720, "5 h 12 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(
    st.fixed_dictionaries(
        {
            "total": st.integers(0, 100_000),
            "done": st.integers(0, 100_000),
            "created": st.integers(0, 100_000),
            "users_per_second": st.none() | st.floats(0, 1000),
            "seconds_left": st.none() | st.integers(0, 500_000),
            "waiting_seconds": st.integers(0, 60),
        }
    ),
    st.sampled_from(["starting", "reading", "applying", "finishing"]),
)
def test_a_line_of_usual_numbers_fits(numbers: dict[str, Any], phase: str) -> None:
    line = progress_line("press", state(**numbers, phase=phase))
    assert len(line) <= WIDTH + len(" (rate limit)")
    assert line.isascii()
    assert "\n" not in line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"phase": "applying"}',
        json.dumps({**NUMBERS, "phase": "\x1b[2J"}),
        json.dumps({**NUMBERS, "done": "\x1b[2J"}),
        json.dumps({**NUMBERS, "done": True}),
        json.dumps({**NUMBERS, "done": -1}),
        json.dumps({**NUMBERS, "pid": 0}),
        json.dumps({**NUMBERS, "pid": 1}),
        json.dumps({**NUMBERS, "done": float("nan")}),
        json.dumps({**NUMBERS, "seconds_left": "soon"}),
        json.dumps(NUMBERS)[:-20],
    ],
)
def test_invalid_states(text: str) -> None:
    assert parse_state(text) is None


@given(st.text())
def test_any_other_text_is_an_invalid_state(text: str) -> None:
    assert parse_state(text) is None
