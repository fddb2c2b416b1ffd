# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameter sets of a test: a small set by default, and every combination on request."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

FULL = os.environ.get("PUBLICA_TEST_FULL") == "1"
SOAK_MINUTES = float(os.environ.get("SOAK_MINUTES", "0"))


def combinations(
    *axes: Sequence[Any],
    turns: Sequence[Sequence[Any]] = (),
    soak_turns: Sequence[Sequence[Any]] = (),
) -> list[Any]:
    """Every combination of the axes and turns; those beyond the small set are marked ``full``.

    The others are left out without PUBLICA_TEST_FULL=1, since collecting thousands takes time.
    The small set has each combination of ``axes`` once. For each of them, it has the values of
    ``turns`` that have met its other values least often. Only `make soak` has every combination
    with ``soak_turns``; elsewhere, the combinations of the others have their values in turn.
    """
    own = len(axes) + len(turns)
    turns = [*turns, *soak_turns]
    kept: dict[tuple[int, ...], tuple[int, ...]] = {}
    met: Counter[Any] = Counter()
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
        kept[places] = tuple(place for _axis, place in chosen[len(axes) :])
    every = [*axes, *turns]
    cases = []
    for places in product(*(range(len(axis)) for axis in every)):
        values = [axis[place] for axis, place in zip(every, places, strict=True)]
        is_kept = kept[places[: len(axes)]] == places[len(axes) :]
        in_turn = SOAK_MINUTES or all(
            place == sum(places[:own]) % len(axis)
            for place, axis in zip(places[own:], every[own:], strict=True)
        )
        if is_kept or (FULL and in_turn):
            marks = [] if is_kept else [pytest.mark.full]
            cases.append(pytest.param(*values, marks=marks, id="-".join(map(str, values))))
    return cases
