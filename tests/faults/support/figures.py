# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of this suite has tried, counted and printed at its end.

A test notes what it did as properties of its report, which is how they reach the process that
prints from the workers that ran them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

PROPERTY = "publica-figures"
# Counted beside the steps, and no step itself.
MET = "runs that met their faults"
Note = Callable[..., None]


def summary(noted: Iterable[dict[str, Any]]) -> list[str]:
    """The figures in lines."""
    cases = list(noted)
    faults = [case for case in cases if "fault" in case]
    lines = []
    if faults:
        fired = sum(case["fired"] for case in faults)
        lines += [
            f"{len(faults)} cases, in which {fired} faults fired",
            *(
                f"{title}: {_counted(faults, name)}"
                for title, name in (
                    ("faults", "fault"),
                    ("endpoints", "endpoint"),
                    ("positions", "position"),
                    ("modules", "mode"),
                    ("readings", "reading"),
                )
            ),
        ]
    steps: Counter[str] = Counter()
    for case in cases:
        steps.update(case.get("steps", {}))
    if steps:
        met = steps.pop(MET, 0)
        told = ", ".join(f"{name} {count}" for name, count in sorted(steps.items()))
        lines.append(f"property test: {sum(steps.values())} steps ({told}; {met} {MET})")
    return lines


def _counted(cases: Iterable[dict[str, Any]], name: str) -> str:
    counts = Counter(case[name] for case in cases)
    return f"{len(counts)} (" + ", ".join(f"{key} {count}" for key, count in counts.items()) + ")"
