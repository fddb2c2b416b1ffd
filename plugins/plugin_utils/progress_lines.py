# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a run is, as one line for people: pure functions over a progress file's content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..module_utils.progress import APPLYING, OUTCOMES, PHASES, READING, STARTING

WIDTH = 80
NUMBERS = (
    *("pages_read", "users_read", "look_ups", "looked_up"),
    *("total", "done", *OUTCOMES, "failed", "waiting_seconds", "pid"),
)
# What may be unknown.
PERHAPS = ("pages_left", "seconds_left", "users_per_second")

State = Mapping[str, Any]


def parse_state(text: str) -> State | None:
    """The content of a progress file; None for what is none.

    Only known phases and numbers get through: what a terminal shows is this collection's own.
    """
    try:
        told = json.loads(text)
    except ValueError:
        return None
    if not isinstance(told, dict) or told.get("phase") not in PHASES:
        return None
    if not all(_is_number(told.get(name)) for name in NUMBERS):
        return None
    if told["pid"] <= 1:
        # No process of a module, and to a signal not one process but many.
        return None
    if not all(told.get(name) is None or _is_number(told[name]) for name in PERHAPS):
        return None
    return {
        **{name: told[name] for name in ("phase", *NUMBERS)},
        **{name: told.get(name) for name in PERHAPS},
        **{name: told.get(name) is True for name in ("stopping", "ended")},
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12


def progress_line(host: str, state: State | None) -> str:
    """How far a run is now.

    :param host: the inventory's name of the store.
    :param state: None where the run has told nothing yet.
    """
    if state is None or state["phase"] == STARTING:
        told = "reading the input"
    elif state["phase"] == READING:
        told = _reading(state)
    elif state["phase"] == APPLYING:
        told = _applying(state)
    else:
        told = f"{_done_of_total(state)}, preparing the result"
    if state is not None and state["stopping"]:
        told = f"stopping, {told}"
    return _with_wait(f"{host}: {told}", state)


def last_line(host: str, state: State | None, seconds: float) -> str:
    """What a run came to that is over.

    :param seconds: how long it took.
    """
    if state is None:
        return f"{host}: ended in {duration(seconds)}"
    if state["phase"] in (STARTING, READING):
        return f"{host}: ended in {duration(seconds)}, before any change"
    if not state["total"]:
        read = _number(state["pages_read"] + state["looked_up"], "request")
        return f"{host}: done in {duration(seconds)}, {read} to read the store, nothing sent"
    if state["done"] < state["total"]:
        return f"{host}: ended after {_done_of_total(state)} in {duration(seconds)}"
    return f"{host}: done, {_done_of_total(state)} in {duration(seconds)}"


def interrupted_line(host: str, state: State | None) -> str:
    """What a run came to that was interrupted.

    :param state: the last that the run told; None where it told nothing. Where that is not its
        end, more may have been done.
    """
    if state is None:
        return f"{host}: interrupted. How far the run was is not known."
    if state["phase"] in (STARTING, READING):
        return f"{host}: interrupted before any change. The next run does it all."
    if not state["total"]:
        return f"{host}: interrupted when the store was read. Nothing was sent."
    if state["done"] >= state["total"]:
        return f"{host}: interrupted after {_done_of_total(state)}. Only the result is lost."
    least = "" if state["ended"] else "at least "
    counts = f"{least}{state['done']} of {state['total']} users{_fates(state)}"
    return f"{host}: interrupted after {counts}. The next run completes the rest."


def duration(seconds: float) -> str:
    """Seconds in the unit that people would take."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _reading(state: State) -> str:
    if state["looked_up"] < state["look_ups"]:
        return f"looking users up, {state['looked_up']} of {state['look_ups']}"
    if state["pages_left"]:
        pages = state["pages_read"] + state["pages_left"]
        return f"reading the store, {state['pages_read']} of {pages} pages"
    if not state["pages_read"]:
        return "reading the store"
    read = _number(state["pages_read"], "page")
    return f"reading the store, {read} with {_number(state['users_read'], 'user')}"


def _applying(state: State) -> str:
    told = _done_of_total(state)
    if state["users_per_second"]:
        told += f", {_rate(state['users_per_second'])}"
    if state["seconds_left"] is not None:
        told += f", {duration(state['seconds_left'])} left"
    return told


def _with_wait(line: str, state: State | None) -> str:
    """The line, with the wait for the rate limit if there is one; in full where it fits."""
    if state is None or not state["waiting_seconds"]:
        return line
    waiting = f"{line}, waiting {duration(state['waiting_seconds'])}"
    in_full = f"{waiting} for the store's rate limit"
    return in_full if len(in_full) <= WIDTH else f"{waiting} (rate limit)"


def _done_of_total(state: State) -> str:
    return f"{state['done']}/{state['total']} users{_fates(state)}"


def _fates(state: State) -> str:
    counted = [f"{state[fate]} {fate}" for fate in (*OUTCOMES, "failed") if state[fate]]
    return f" ({', '.join(counted)})" if counted else ""


def _rate(users_per_second: float) -> str:
    if users_per_second < 0.1:
        return f"{users_per_second * 60:.1f}/min"
    return f"{users_per_second:.1f}/s"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
