# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The readings of the API's open choices, as values of the sandbox store's switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from allpairspy import AllPairs
from publica_sandbox.switches import Switches

Reading = Mapping[str, Any]

# Switches that are no part of these combinations, and why.
ELSEWHERE = {
    "per_page_default": "the client always asks for a length of its own",
    "rate_limit": "test_rate_limits.py",
    "rate_limit_window": "test_rate_limits.py",
    "retry_after": "test_rate_limits.py",
    "rate_limit_reset": "test_rate_limits.py",
    "clock_offset": "test_rate_limits.py",
    "forbidden": "nothing can be provisioned: test_bad_connections.py",
    "refuse_writes": "nothing can be provisioned: test_lives.py",
    "latency": "only time passes",
}


# The values of switches that are numbers, the documented one first.
NUMBERS = {"per_page_max": [100, 7]}


def _values(name: str) -> list[Any]:
    """Every value of a switch, the documented one first."""
    field = Switches.model_fields[name]
    if name in NUMBERS:
        return list(NUMBERS[name])
    values = [False, True] if field.annotation is bool else list(get_args(field.annotation))
    assert values, f"{name}: give its values in NUMBERS, or say in ELSEWHERE where it is tested"
    return sorted(values, key=lambda value: value != field.default)


# Taken from the sandbox itself, so a reading that it learns is a reading that is tested.
VALUES = {name: _values(name) for name in Switches.model_fields if name not in ELSEWHERE}


# How a list is read hangs together. Where somebody deactivates the head of the list for each page
# that is read, the head must not be the very users whose declared state is compared, and there must
# be few pages for it to last: so such a list begins with the oldest, and has long pages. Every two
# values that can meet do so in these.
LISTS: list[Reading] = [
    {"list_order": "newest", "shift_between_pages": "none", "per_page_max": 100},
    {"list_order": "oldest", "shift_between_pages": "none", "per_page_max": 7},
    {"list_order": "newest", "shift_between_pages": "insert", "per_page_max": 7},
    {"list_order": "oldest", "shift_between_pages": "insert", "per_page_max": 100},
    {"list_order": "oldest", "shift_between_pages": "delete", "per_page_max": 100},
]


def single_readings() -> list[Reading]:
    """Each value that is not the documented one, alone; and the documented ones."""
    singles: list[Reading] = [{}]
    for name, values in VALUES.items():
        for value in values[1:]:
            lists = (reading for reading in LISTS if reading.get(name) == value)
            # Pages are ignored only where there is a second one.
            short_pages = {"per_page_max": 7} if name == "page_ignored" else {}
            singles.append({**next(lists, {}), **short_pages, name: value})
    return singles


def paired_readings() -> list[Reading]:
    """Combinations in which every two values of two switches meet at least once."""
    alone = [name for name in VALUES if name not in LISTS[0]]
    rows = AllPairs([LISTS, *(VALUES[name] for name in alone)])
    return [{**row[0], **dict(zip(alone, row[1:]))} for row in rows]


def describe(reading: Reading) -> str:
    """A short name for a test: what is not as documented."""
    unusual = [f"{n}={v}" for n, v in reading.items() if v != VALUES[n][0]]
    return ",".join(unusual) or "as documented"
