# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of a run as one line of text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..module_utils.errors import counted
from ..module_utils.progress import APPLYING, OUTCOMES, PHASES, READING, STARTING

WIDTH = 80
NUMBERS = (
    *("pages_read", "users_read", "look_ups", "looked_up"),
    *("total", "done", *OUTCOMES, "failed", "waiting_seconds", "pid"),
)
# A file of an earlier version has no ``unverified``.
OPTIONAL_NUMBERS = ("pages_left", "seconds_left", "users_per_second", "unverified")

State = Mapping[str, Any]


def parse_state(text: str) -> State | None:
    """The content of a progress file; None if it is invalid.

    Only known phases and numbers are accepted, so no other text of the file reaches the terminal.
    """
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or state.get("phase") not in PHASES:
        return None
    if not all(_is_number(state.get(name)) for name in NUMBERS):
        return None
    if not 1 < int(state["pid"]) < 1 << 31:
        # A signal to 0 would go to a group of processes, and 1 is never a module.
        return None
    if not all(state.get(name) is None or _is_number(state[name]) for name in OPTIONAL_NUMBERS):
        return None
    return {
        **{name: state[name] for name in ("phase", *NUMBERS)},
        **{name: state.get(name) for name in OPTIONAL_NUMBERS},
        **{name: state.get(name) is True for name in ("stopping", "ended")},
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12


def progress_line(host: str, state: State | None) -> str:
    """The progress of a run; it has no state before it has reported anything."""
    if state is None or state["phase"] == STARTING:
        step = "reading the input"
    elif state["phase"] == READING:
        step = _reading(state)
    elif state["phase"] == APPLYING:
        step = _applying(state)
    else:
        done = f"{_done_of_total(state)}{_unverified(state)}, " if state["total"] else ""
        step = f"{done}preparing the result"
    if state is not None and state["stopping"]:
        step = f"stopping, {step}"
    return _with_wait(f"{host}: {step}", state)


def last_line(host: str, state: State | None, seconds: float) -> str:
    if state is None:
        return f"{host}: ended in {duration(seconds)}"
    if state["phase"] in (STARTING, READING):
        return f"{host}: ended in {duration(seconds)}, before any change"
    if not state["total"]:
        read = counted(state["pages_read"] + state["looked_up"], "request")
        line = f"{host}: done in {duration(seconds)}, {read} to read the store, no changes sent"
    elif state["done"] < state["total"]:
        line = f"{host}: ended after {_done_of_total(state)} in {duration(seconds)}"
    else:
        line = f"{host}: done, {_done_of_total(state)} in {duration(seconds)}"
    return f"{line}{_unverified(state)}"


def interrupted_line(host: str, state: State | None) -> str:
    """The summary of a run that was interrupted.

    If it had not ended by the last state, more users may have been changed.
    """
    if state is None:
        return f"{host}: interrupted. The progress of the run is unknown."
    if state["phase"] in (STARTING, READING):
        return f"{host}: interrupted before any change. The next run makes all changes."
    unverified = _unverified(state)
    if not state["total"]:
        return f"{host}: interrupted after the store was read{unverified}. No changes were sent."
    if state["done"] >= state["total"]:
        done = f"{_done_of_total(state)}{unverified}"
        return f"{host}: interrupted after {done}. Only the result is lost."
    least = "" if state["ended"] else "at least "
    counts = f"{least}{state['done']} of {state['total']} users{_outcomes(state)}{unverified}"
    return f"{host}: interrupted after {counts}. The next run completes the rest."


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _reading(state: State) -> str:
    if state["looked_up"] < state["look_ups"]:
        return f"looking up users, {state['looked_up']} of {state['look_ups']}"
    if state["pages_left"]:
        pages = state["pages_read"] + state["pages_left"]
        return f"reading the store, {state['pages_read']} of {pages} pages"
    if not state["pages_read"]:
        return "reading the store"
    read = counted(state["pages_read"], "page")
    return f"reading the store, {read} with {counted(state['users_read'], 'user')}"


def _applying(state: State) -> str:
    step = f"{_done_of_total(state)}{_unverified(state)}"
    if state["users_per_second"]:
        step += f", {_rate(state['users_per_second'])}"
    if state["seconds_left"] is not None:
        step += f", {duration(state['seconds_left'])} left"
    return step


def _with_wait(line: str, state: State | None) -> str:
    if state is None or not state["waiting_seconds"]:
        return line
    waiting = f"{line}, waiting {duration(state['waiting_seconds'])}"
    in_full = f"{waiting} for the store's rate limit"
    return in_full if len(in_full) <= WIDTH else f"{waiting} (rate limit)"


def _done_of_total(state: State) -> str:
    return f"{state['done']}/{state['total']} users{_outcomes(state)}"


def _outcomes(state: State) -> str:
    counts = [f"{state[name]} {name}" for name in (*OUTCOMES, "failed") if state[name]]
    return f" ({', '.join(counts)})" if counts else ""


def _unverified(state: State) -> str:
    return f", {state['unverified']} not read" if state["unverified"] else ""


def _rate(users_per_second: float) -> str:
    if users_per_second < 0.1:
        return f"{users_per_second * 60:.1f}/min"
    return f"{users_per_second:.1f}/s"
