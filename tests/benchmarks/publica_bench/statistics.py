# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measurements to figures: medians, ratios of runs that stood side by side, and expectations."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .jobs import Condition
from .measurement import Measurement


@dataclass(frozen=True)
class Summary:
    """Some runs of one contender at one job.

    :ivar fault: how one of them failed, if one did.
    :ivar unfinished: one was ended, and took ``slowest`` seconds until then.
    """

    runs: int
    seconds: float
    fastest: float
    slowest: float
    cpu_seconds: float
    peak_mb: float
    requests: int
    refusals: int
    fault: str = ""
    unfinished: bool = False


@dataclass(frozen=True)
class NotRun:
    """A job that was left out, since it was expected to take so many seconds."""

    expected_seconds: float


def summarize(runs: Sequence[Measurement]) -> Summary:
    """The medians of some runs, and the worst of what must not happen at all."""
    seconds = [run.seconds for run in runs]
    return Summary(
        runs=len(runs),
        seconds=statistics.median(seconds),
        fastest=min(seconds),
        slowest=max(seconds),
        cpu_seconds=statistics.median(run.cpu_seconds for run in runs),
        peak_mb=max(run.peak_mb for run in runs),
        requests=round(statistics.median(run.requests for run in runs)),
        refusals=max(run.refusals for run in runs),
        fault=next((run.fault for run in runs if run.fault), ""),
        unfinished=any(run.unfinished for run in runs),
    )


def paired_ratio(runs: Sequence[Measurement], others: Sequence[Measurement]) -> float | None:
    """How many times as long the runs took as the others, each beside the one that ran with it.

    The median of the pairs: whatever else the machine did at that time slowed both. None where
    there is no pair that did the whole job.
    """
    ratios = [
        run.seconds / other.seconds
        for run, other in zip(runs, others)
        if not run.fault and not other.fault
    ]
    return statistics.median(ratios) if ratios else None


def least_ratio(runs: Sequence[Measurement], others: Sequence[Measurement]) -> float | None:
    """How many times as long the runs took as the others, at the least.

    A run that was ended would have taken longer. None where nothing was measured, or where one
    failed.
    """
    if not runs or not others or any(run.failed for run in (*runs, *others)):
        return None
    return min(run.seconds for run in runs) / max(other.seconds for other in others)


def expected_seconds(size: int, measured: Mapping[int, float]) -> float | None:
    """How long a job of this size takes, on a straight line through what was measured.

    The line goes through the two largest of the smaller sizes, since a start that many users share
    would be counted for each of them in proportion to one; through one alone, in proportion to it.
    None where nothing smaller was measured.

    :param measured: seconds by size.
    """
    smaller = sorted(known for known in measured if known <= size)
    if not smaller:
        return None
    largest = smaller[-1]
    if len(smaller) == 1 or largest == size:
        return measured[largest] * size / largest
    slope = (measured[largest] - measured[smaller[-2]]) / (largest - smaller[-2])
    return measured[largest] + max(0.0, slope) * (size - largest)


def floor_seconds(requests: int, condition: Condition) -> float:
    """The least time that so many requests take under a limit, be the sender ever so fast.

    A window begins with its first request. So the first window's requests cost nothing, and each
    further window begins one length after the one before.
    """
    if condition.limit is None or requests <= 0:
        return 0.0
    allowed, seconds = condition.limit
    return (math.ceil(requests / allowed) - 1) * float(seconds)


def break_even(loop: Mapping[int, float], bulk: Mapping[int, float]) -> int | None:
    """From how many users on the second way is the faster one; None where it never is.

    Both take a start and something for each user, so a line through the smallest and the largest
    size stands for each.

    :param loop: seconds by size, of two sizes at least; ``bulk`` likewise.
    """
    loop_start, loop_each = _line(loop)
    bulk_start, bulk_each = _line(bulk)
    if loop_each <= bulk_each:
        return None
    return max(1, math.floor((bulk_start - loop_start) / (loop_each - bulk_each)) + 1)


def _line(seconds: Mapping[int, float]) -> tuple[float, float]:
    small, large = min(seconds), max(seconds)
    if small == large:
        raise ValueError("A line needs two sizes.")
    each = (seconds[large] - seconds[small]) / (large - small)
    return seconds[small] - each * small, each
