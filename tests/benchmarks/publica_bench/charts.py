# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The curves, as SVG with text as text, readable on light and on dark pages."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from .contenders import BULK, BULK_SRC, SCRIPT, URI_LOOP, USER_LOOP, Contender
from .jobs import CHANGES, Condition, Job
from .runner import Results
from .statistics import Summary

# Drawn in these, and replaced by what the page's colour scheme asks for: no other thing in the
# picture has them.
INK, QUIET = "#010203", "#040506"
INKS = {INK: ("#1f2933", "#e6edf3"), QUIET: ("#c5ccd4", "#3b4550")}
# What comes with the library, to measure texts by; the page takes its reader's own instead.
DRAWN_WITH, READ_WITH = "DejaVu Sans", "system-ui"
# Told apart by shape as well as by colour (after Okabe and Ito's palette, for every kind of sight).
STYLES: Mapping[str, tuple[str, str]] = {
    URI_LOOP.name: ("#d55e00", "v"),
    USER_LOOP.name: ("#cc79a7", "^"),
    BULK.name: ("#2b8cd6", "o"),
    BULK_SRC.name: ("#009e73", "D"),
    SCRIPT.name: ("#8a8a8a", "s"),
}
FIGURES = {
    "seconds": "seconds, whole process",
    "requests": "requests",
    "peak_mb": "memory at the peak, MB",
}


@dataclass(frozen=True)
class Curve:
    """What a contender took, by number of users."""

    contender: Contender
    points: Mapping[int, float]


def curves(
    results: Results,
    jobs: Iterable[Job],
    contenders: Sequence[Contender],
    figure: str = "seconds",
) -> list[Curve]:
    """The curves of some jobs that differ in nothing but their size; only what was measured."""
    jobs = list(jobs)
    found = []
    for contender in contenders:
        points = {}
        for job in jobs:
            outcome = results.outcome(job, contender)
            if isinstance(outcome, Summary) and not outcome.fault:
                points[job.users] = float(getattr(outcome, figure))
        if points:
            found.append(Curve(contender, points))
    return found


def draw(panels: Mapping[str, Sequence[Curve]], condition: Condition, figure: str) -> str:
    """Panels side by side, such as one for each change, with one scale and one legend."""
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "publica.la",  # the same picture for the same figures
        "font.family": [DRAWN_WITH],
        "font.size": 12,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": QUIET,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": QUIET,
    }
    with mpl.rc_context(settings):
        picture = Figure(figsize=(11, 5), layout="constrained")
        picture.patch.set_alpha(0)
        axes = picture.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, panel) in zip(axes, panels.items()):
            _draw_panel(axis, title, panel)
        axes[0].set_ylabel(FIGURES[figure])
        _add_legend(picture, axes)
        picture.suptitle(f"The same users by each contender: {condition.title}")
        buffer = io.StringIO()
        picture.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _for_any_page(buffer.getvalue(), _described(panels, condition, figure))


def _draw_panel(axis: Axes, title: str, panel: Sequence[Curve]) -> None:
    axis.patch.set_alpha(0)
    axis.set(title=title, xlabel="users", xscale="log", yscale="log")
    axis.grid(which="major", linewidth=0.8)
    axis.minorticks_off()
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for curve in panel:
        colour, marker = STYLES[curve.contender.name]
        axis.plot(
            *zip(*sorted(curve.points.items())),
            label=curve.contender.title,
            color=colour,
            marker=marker,
            markersize=7,
            linewidth=2,
        )
    sizes = sorted({size for curve in panel for size in curve.points})
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,.10g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _add_legend(picture: Figure, axes: Iterable[Axes]) -> None:
    handles: dict[str, Artist] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    if handles:
        picture.legend(
            handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False
        )


def _described(panels: Mapping[str, Sequence[Curve]], condition: Condition, figure: str) -> str:
    """The picture in words, for whoever cannot see it."""
    told = [
        f"{title}: {curve.contender.title}, "
        + "; ".join(f"{size:,} users {value:,.3g}" for size, value in sorted(curve.points.items()))
        for title, panel in panels.items()
        for curve in panel
    ]
    return f"{FIGURES[figure]}, {condition.title}. " + ". ".join(told) + "."


def _for_any_page(svg: str, description: str) -> str:
    """Add the description, and let the page's colour scheme choose the inks."""
    for number, ink in enumerate(INKS):
        svg = svg.replace(ink, f"var(--ink{number})")
    svg = svg.replace(f"'{DRAWN_WITH}'", READ_WITH)
    light, dark = (
        " ".join(f"--ink{number}: {pair[which]};" for number, pair in enumerate(INKS.values()))
        for which in (0, 1)
    )
    style = (
        f"<style>svg {{ {light} }} "
        f"@media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}</style>"
    )
    head, tag, rest = svg.partition("<svg ")
    opening, close, body = rest.partition(">")
    told = f"\n <desc>{html.escape(description, quote=False)}</desc>\n {style}"
    # Spaces at the ends of lines are the library's habit, and no editor's.
    picture = f'{head}{tag}role="img" {opening}{close}{told}{body}'
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


def panels_by_change(
    results: Results,
    jobs: Iterable[Job],
    contenders: Sequence[Contender],
    condition: Condition,
    figure: str,
) -> dict[str, list[Curve]]:
    """A panel for each change, of the jobs under one condition; none that would be empty."""
    jobs = [job for job in jobs if job.condition == condition]
    panels = {
        title: curves(results, [job for job in jobs if job.change == change], contenders, figure)
        for change, title in CHANGES.items()
    }
    return {title: panel for title, panel in panels.items() if panel}
