# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every value of every switch has a test, and unknown ones are refused in words that help."""

from __future__ import annotations

import pytest
import test_switches_reading
import test_switches_writing
from switch_cases import TESTED

from publica_sandbox.control_client import ControlError
from publica_sandbox.switch_values import (
    SwitchError,
    change_switches,
    parse_assignments,
    switch_table,
)
from publica_sandbox.switches import Switches

assert test_switches_reading
assert test_switches_writing


@pytest.mark.parametrize("row", switch_table(), ids=lambda row: row.name)
def test_every_value_has_a_test(row):
    known = set(row.values.split(" | ")) - {"number"}
    assert row.name in TESTED
    assert known <= TESTED[row.name]


def test_every_open_choice_has_a_switch():
    assert {row.choice for row in switch_table()} == {None, *range(1, 20)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"puts": "merge"}, "There is no switch 'puts'. The nearest is 'put'."),
        ({"put": "merg"}, "put cannot be 'merg', only merge, replace. The nearest is 'merge'."),
        ({"latency": "fast"}, "latency cannot be 'fast': "),
        ({"latency": -1}, "latency cannot be -1: "),
        ({"forbidden": "maybe"}, "forbidden cannot be 'maybe', only true, false."),
        ({"quite_another": 1}, "There is no switch 'quite_another'."),
    ],
)
def test_unknown_switches_and_values(store, values, message):
    with pytest.raises(SwitchError) as caught:
        change_switches(Switches(), values)
    assert str(caught.value).startswith(message)
    with pytest.raises(ControlError, match=r"cannot be|no switch"):
        store.configure(**values)


def test_words_of_the_command_line():
    words = ["put=replace", " rate-limit = 5", "forbidden=true"]
    switches = change_switches(Switches(), parse_assignments(words))
    assert (switches.put, switches.rate_limit, switches.forbidden) == ("replace", 5, True)
    with pytest.raises(SwitchError, match="not of the form"):
        parse_assignments(["put"])
