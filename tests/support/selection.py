# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameter sets of a test: a small set by default, and every combination on request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import pytest

FULL = os.environ.get("PUBLICA_TEST_FULL") == "1"


def combinations(*axes: Sequence[Any], turns: Sequence[Sequence[Any]] = ()) -> list[Any]:
    """Every combination of the axes and turns; those beyond the small set are marked ``full``.

    The small set has each combination of ``axes`` once. The values of ``turns`` alternate in it, so
    that each occurs. The longest axis comes last.
    """
    kept = {}
    for number, places in enumerate(product(*(range(len(axis)) for axis in axes))):
        shift = number // len(axes[-1])
        kept[places] = tuple(
            (number // prod(map(len, turns[:index])) + shift) % len(turn)
            for index, turn in enumerate(turns)
        )
    for index, turn in enumerate(turns):
        missing = set(range(len(turn))) - {places[index] for places in kept.values()}
        assert not missing, f"the small set lacks {[turn[place] for place in missing]}"
    every = [*axes, *turns]
    cases = []
    for places in product(*(range(len(axis)) for axis in every)):
        values = [axis[place] for axis, place in zip(every, places, strict=True)]
        is_kept = kept[places[: len(axes)]] == places[len(axes) :]
        marks = [] if is_kept else [pytest.mark.full]
        cases.append(pytest.param(*values, marks=marks, id="-".join(map(str, values))))
    return cases
