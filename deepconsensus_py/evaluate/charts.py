"""Charts, drawn by matplotlib as SVG: inside a page, where they follow its light or dark theme, or as files."""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import IO, Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

INK, MUTED, LINE, PANEL = "#1c2330", "#566070", "#dfe3e8", "#f5f6f8"
BEFORE, AFTER = "#7b8494", "#1a66c9"

VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    PANEL: "--panel",
    BEFORE: "--before",
    AFTER: "--after",
}
"""Colours and the variables of a page's style sheet that take their place there."""

LINES = (AFTER, "#c2570c", "#2f8f4e", "#8a4fbf", "#b8336a", "#0f8b8d", "#8a6d1a", "#5b6472")
"""Colours of lines that can be told apart."""

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": "medium",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": LINE,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "deepconsensus_py",
    "text.color": INK,
    "xtick.bottom": False,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "ytick.left": False,
}
"""Grids instead of ticks; texts stay texts, and equal charts are equal files."""

PLOT = (4.2, 2.6)
"""Inches, of plots that stand three in a row."""

WIDE = (6.0, 2.9)

TICKS = 6
"""At most, on an axis."""

LEAST_AREA, LARGEST_AREA = 4, 1300
"""Square points, of a mark that can be seen, and of one alone; many marks are smaller."""

MOST_BINS = 10_000
"""Bins become wider where there would be more of them: a wrong ``np`` can be any number."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A value before and after.

    Attributes:
        label: at its left.
        before: hollow mark.
        after: filled mark.
    """

    label: str
    before: float
    after: float


def pair_chart(pairs: Sequence[Pair], unit: str) -> Figure:
    """Before and after of each row, joined by a line."""

    def draw(axis: Axes) -> None:
        rows = np.arange(len(pairs))
        before, after = ([getattr(pair, name) for pair in pairs] for name in ("before", "after"))
        axis.hlines(rows, before, after, color=MUTED)
        axis.plot(before, rows, "o", color=BEFORE, markerfacecolor=PANEL, markeredgewidth=1.5, label="before")
        axis.plot(after, rows, "o", color=AFTER, label="after")
        axis.set_yticks(rows, [pair.label for pair in pairs])
        axis.grid(visible=False, axis="y")
        axis.invert_yaxis()
        axis.set_xlim(left=-0.02 * max([*before, *after, 1]))
        _whole(axis, "x")
        axis.set_xlabel(unit)

    return _figure(draw, (WIDE[0], 0.6 + 0.22 * max(len(pairs), 1)))


def histogram_chart(before: Mapping[float, int], after: Mapping[float, int], width: float, unit: str) -> Figure:
    """Two distributions over each other: before as an outline, after filled; empty ones are omitted.

    Args:
        before: number of reads by value.
        after: the same.
        width: of a bin.
        unit: of the values.
    """

    def draw(axis: Axes) -> None:
        edges = _edges((before, after), width)
        if after:
            axis.stairs(_counts(after, edges), edges, fill=True, color=AFTER, alpha=0.55, label="after")
        if before:
            axis.stairs(_counts(before, edges), edges, color=INK, linewidth=1.5, label="before")
        _whole(axis, "y")
        axis.set(xlabel=unit, ylabel="reads", xlim=(edges[0], edges[-1]))

    return _figure(draw)


def distribution_chart(lines: Sequence[Mapping[float, int]], width: float, unit: str) -> Figure:
    """Distributions of several runs over each other, each as percentages of its own reads.

    Args:
        lines: number of reads by value; one without values has no line.
        width: of a bin.
        unit: of the values.
    """

    def draw(axis: Axes) -> None:
        edges = _edges(lines, width)
        for number, values in enumerate(lines):
            if values:
                shares = 100 * _counts(values, edges) / sum(values.values())
                axis.stairs(shares, edges, color=LINES[number % len(LINES)], linewidth=1.5)
        axis.set(xlabel=unit, ylabel="% of reads", xlim=(edges[0], edges[-1]))

    return _figure(draw)


def calibration_chart(panels: Mapping[str, Sequence[tuple[float, float, int]]]) -> Figure:
    """Predicted against empirical quality, area of a point by its bases, with the line of perfect calibration.

    Args:
        panels: (predicted, empirical, bases) of the points, by the title of each panel; a single one may have none.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(PLOT[0], PLOT[1] * len(panels)))
        axes = figure.subplots(len(panels), squeeze=False)[:, 0]
        for axis, (title, points) in zip(axes, panels.items(), strict=True):
            predicted, empirical, bases = np.array(points, float).reshape(-1, 3).T
            high = max([*predicted, *empirical], default=10)
            axis.plot([0, high], [0, high], color=MUTED)
            largest = LARGEST_AREA / math.sqrt(max(len(points), 10))
            axis.scatter(
                predicted,
                empirical,
                np.maximum(largest * bases / max(bases, default=1), LEAST_AREA),
                color=AFTER,
                alpha=0.55,
            )
            axis.margins(0.08)
            axis.set(title=title, xlabel="predicted quality (Phred)", ylabel="empirical")
    return figure


def line_chart(
    lines: Mapping[str, Sequence[tuple[float, float]]], units: tuple[str, str], *, below: float = math.inf
) -> Figure:
    """Lines, named in a legend; those without points are omitted.

    Args:
        lines: (x, y) of their points by name, x rising.
        units: of x and y.
        below: higher values are clipped to this.
    """

    def draw(axis: Axes) -> None:
        drawn = {name: points for name, points in lines.items() if points}
        for colour, (name, points) in zip((BEFORE, *LINES), drawn.items(), strict=False):
            x, y = np.array(points, float).T
            axis.plot(x, np.minimum(y, below), color=colour, label=name)
        axis.set(xlabel=units[0], ylabel=units[1])
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
        if drawn:
            axis.legend()

    return _figure(draw, WIDE)


def inline(figure: Figure, title: str) -> Markup:
    """A chart as part of a page, with the page's colours.

    Args:
        figure: the chart.
        title: what it shows, for those who do not see it.
    """
    text = io.StringIO()
    _save(figure, text)
    svg = text.getvalue()
    kept = " ".join(re.findall(r'(?:viewBox|xmlns:xlink)="[^"]*"', svg))
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    for colour in VARIABLES:
        body = body.replace(colour, on_page(colour))
    # Several charts share a page, and nothing refers to these.
    body = re.sub(r' id="[a-z0-9]+_\d+"', "", body)
    return Markup(  # noqa: S704 - matplotlib escapes texts
        f'<svg {kept} role="img" aria-label="{escape(title)}">{body.strip()}'
    )


def on_page(colour: str) -> str:
    """A colour as a page has it."""
    return f"var({VARIABLES[colour]})" if colour in VARIABLES else colour


def save_chart(figure: Figure, path: Path) -> None:
    """Write a chart as an SVG file, on white."""
    with path.open("w", encoding="utf-8") as file:
        _save(figure, file, facecolor="white")


def _save(figure: Figure, file: IO[str], facecolor: str = "none") -> None:
    with rc_context(STYLE):
        for axis in figure.axes:
            axis.set_facecolor("none")
        # Without dates, so that equal charts are equal files.
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", facecolor=facecolor, metadata=metadata)


def _figure(draw: Callable[[Axes], None], size: tuple[float, float] = PLOT) -> Figure:
    with rc_context(STYLE):
        figure = Figure(figsize=size)
        axis = figure.subplots()
        axis.locator_params(nbins=TICKS)
        draw(axis)
    return figure


def _whole(axis: Axes, which: str) -> None:
    """Keep the ticks of counts to whole numbers."""
    getattr(axis, f"{which}axis").set_major_locator(MaxNLocator(TICKS, integer=True))


def _edges(distributions: Sequence[Mapping[float, int]], width: float) -> NDArray[np.float64]:
    """Edges of the bins that hold all values."""
    values = [value for distribution in distributions for value in distribution] or [0.0]
    width = max(width, (max(values) - min(values)) / MOST_BINS)
    first, last = math.floor(min(values) / width), math.floor(max(values) / width)
    return np.arange(first, last + 2, dtype=np.float64) * np.float64(width)


def _counts(values: Mapping[float, int], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    bins = np.minimum((np.fromiter(values, float) - edges[0]) // (edges[1] - edges[0]), len(edges) - 2)
    return np.bincount(bins.astype(int), np.fromiter(values.values(), float), len(edges) - 1).astype(np.int64)
