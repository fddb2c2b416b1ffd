# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The curves as SVG, readable on light and on dark pages."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from .jobs import (
    BULK,
    BULK_SRC,
    CHANGES,
    EXCLUSIVE,
    RECORD,
    SCRIPT,
    URI_LOOP,
    USER_LOOP,
    Condition,
    Contender,
    Job,
)  # fmt: skip
from .runner import Results, Summary

# Placeholders that nothing else in a picture uses: each is replaced by a colour for light pages and
# one for dark pages.
INK, FAINT = "#010203", "#040506"
INKS = {INK: ("#1f2933", "#e6edf3"), FAINT: ("#c5ccd4", "#3b4550")}
# The library measures texts with the font that it contains; a page uses the reader's own font.
DRAWN_WITH, READ_WITH = "DejaVu Sans", "system-ui"
# Shapes as well as colours (of the palette by Okabe and Ito), for colour-blind readers.
STYLES: Mapping[str, tuple[str, str]] = {
    URI_LOOP.name: ("#d55e00", "v"),
    USER_LOOP.name: ("#cc79a7", "^"),
    BULK.name: ("#2b8cd6", "o"),
    BULK_SRC.name: ("#009e73", "D"),
    SCRIPT.name: ("#8a8a8a", "s"),
    RECORD.name: ("#2b8cd6", "o"),
    EXCLUSIVE.name: ("#d55e00", "v"),
}
FIGURES = {
    "seconds": "seconds, all processes",
    "requests": "requests",
    "peak_mb": "peak memory, MB",
}


class Curve(NamedTuple):
    """A figure of a contender by number of users."""

    contender: Contender
    points: Mapping[int, float]


def panels_by_change(
    results: Results,
    jobs: Iterable[Job],
    contenders: Sequence[Contender],
    condition: Condition,
    figure: str,
    changes: Mapping[str, str] = CHANGES,
) -> dict[str, list[Curve]]:
    """The curves of the jobs under one condition by their change, without empty panels.

    :param changes: the titles of the changes that get a panel.
    """
    panels: dict[str, list[Curve]] = {}
    jobs = [job for job in jobs if job.condition == condition]
    for (change, title), contender in product(changes.items(), contenders):
        points = {
            job.users: float(getattr(outcome, figure))
            for job in jobs
            if job.change == change
            and isinstance(outcome := results.outcome(job, contender), Summary)
            and not outcome.error
        }
        if points:
            panels.setdefault(title, []).append(Curve(contender, points))
    return panels


def draw(panels: Mapping[str, Sequence[Curve]], title: str, figure: str) -> str:
    """One picture with all panels, one scale and one legend."""
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "publica.la",  # the same picture for the same figures
        "font.family": [DRAWN_WITH],
        "font.size": 12,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": FAINT,
    }
    with mpl.rc_context(settings):
        picture = Figure(figsize=(11, 5), layout="constrained")
        picture.patch.set_alpha(0)
        axes = picture.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (change, panel) in zip(axes, panels.items()):
            _draw_panel(axis, change, panel)
        if any(0 in curve.points.values() for panel in panels.values() for curve in panel):
            # Linear up to 1: a run with a record may need no request. All axes share the scale.
            axes[0].set_yscale("symlog", linthresh=1)
        else:
            axes[0].set_yscale("log")
        axes[0].set_ylabel(FIGURES[figure])
        handles = {
            label: handle
            for axis in reversed(axes)
            for handle, label in zip(*axis.get_legend_handles_labels())
        }
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": 3, "frameon": False}
        picture.legend(handles.values(), handles.keys(), **place)
        picture.suptitle(title)
        buffer = io.StringIO()
        picture.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _for_any_page(buffer.getvalue(), _description(panels, title, figure))


def _draw_panel(axis: Axes, title: str, panel: Sequence[Curve]) -> None:
    axis.patch.set_alpha(0)
    axis.set(title=title, xlabel="users", xscale="log")
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


def _description(panels: Mapping[str, Sequence[Curve]], title: str, figure: str) -> str:
    """The picture as text, for readers who cannot see it."""
    curves = [
        f"{change}: {curve.contender.title}, "
        + "; ".join(f"{size:,} users {value:,.3g}" for size, value in sorted(curve.points.items()))
        for change, panel in panels.items()
        for curve in panel
    ]
    return f"{FIGURES[figure]}. {title}. " + ". ".join(curves) + "."


def _for_any_page(svg: str, description: str) -> str:
    """Add the description and the colours for both colour schemes."""
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
    added = f"\n <desc>{html.escape(description, quote=False)}</desc>\n {style}"
    picture = f'{head}{tag}role="img" {opening}{close}{added}{body}'
    # The library leaves spaces at the ends of lines.
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"
