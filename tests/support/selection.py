# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameter sets of a test: a small set by default, and every combination on request."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from itertools import combinations as subsets
from itertools import product
from typing import Any

import pytest

FULL = os.environ.get("PUBLICA_TEST_FULL") == "1"

# One place of each axis.
Places = tuple[int, ...]


def combinations(
    *axes: Sequence[Any], turns: Sequence[Sequence[Any]] = (), together: int = 3
) -> list[Any]:
    """Cases of the axes and turns; those beyond the small set are marked ``full``.

    The small set has each combination of ``axes`` once. For each of them, it has the values of
    ``turns`` that have met its other values least often. With PUBLICA_TEST_FULL=1 there are further
    cases, so that any values of ``together`` different axes are in one case; otherwise they are
    left out, since collecting thousands takes time.
    """
    every = [*axes, *turns]
    small = _small_set(axes, turns)
    marked = [(places, []) for places in small]
    if FULL:
        marked += [(places, [pytest.mark.full]) for places in _further(every, small, together)]
    cases = []
    for places, marks in sorted(marked, key=lambda case: case[0]):
        values = [axis[place] for axis, place in zip(every, places, strict=True)]
        cases.append(pytest.param(*values, marks=marks, id="-".join(map(str, values))))
    return cases


def _small_set(axes: Sequence[Sequence[Any]], turns: Sequence[Sequence[Any]]) -> list[Places]:
    met: Counter[Any] = Counter()
    small = []
    for places in product(*(range(len(axis)) for axis in axes)):
        chosen = list(enumerate(places))
        for turn, values in enumerate(turns, start=len(axes)):
            place = min(
                range(len(values)),
                key=lambda place: (
                    sum(met[other, (turn, place)] for other in chosen),
                    met[turn, place],
                ),
            )
            met.update((other, (turn, place)) for other in chosen)
            met[turn, place] += 1
            chosen.append((turn, place))
        small.append(tuple(place for _axis, place in chosen))
    return small


def _further(
    every: Sequence[Sequence[Any]], small: Sequence[Places], together: int
) -> list[Places]:
    """Further cases, so that any values of ``together`` different axes are in one case."""

    def groups(places: Places) -> set[Any]:
        return set(subsets(enumerate(places), min(together, len(places))))

    met = set().union(*map(groups, small))
    further = []
    # In this order, few cases repeat what others have.
    everything = product(*(range(len(axis)) for axis in every))
    for places in sorted(everything, key=lambda places: sum(places) % len(every[-1])):
        new = groups(places) - met
        if new:
            met |= new
            further.append(places)
    return further
