"""Charts as inline SVG; colours come from the page's style sheet, so that they follow its light or dark theme."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from markupsafe import Markup

WIDTH = 520
ROW = 24
LETTER = 7.8  # width of a digit in the wider fonts at the style sheet's 12 px
VALUE = 80
BAR = 14
PLOT_WIDTH, PLOT_HEIGHT = 380, 230
"""Of plots that stand three in a row."""

LINE_CHART_HEIGHT = 240
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 56, 16, 12, 40
TICKS = 6

STYLE = """svg { background: #fff; font: 12px sans-serif; fill: #333 } .grid { stroke: #ddd }
.line { fill: none; stroke-width: 1.5 } .line.before { stroke: #999 } .line.after { stroke: #0a6 }"""
"""Of charts that stand alone."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a bar chart.

    Attributes:
        label: at its left.
        value: its length.
        text: at its right.
    """

    label: str
    value: float
    text: str


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


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values from ``low`` to ``high`` laid out from ``start`` to ``end``; ``whole`` keeps ticks to whole numbers."""

    low: float
    high: float
    start: float
    end: float
    unit: str
    whole: bool = False

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        """Round numbers, about ``TICKS`` of them."""
        rough = max((self.high - self.low) / TICKS, 1 if self.whole else 0)
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough * 0.999)
        return [k * step for k in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def bar_chart(title: str, bars: Sequence[Bar]) -> Markup:
    """Horizontal bars, one to a row."""
    left = _label_width(bar.label for bar in bars)
    x = _Axis(0, max((bar.value for bar in bars), default=0) or 1, left, WIDTH - VALUE, "")

    def rows() -> Iterator[str]:
        for number, bar in enumerate(bars):
            middle = number * ROW + ROW / 2
            yield _text(left - 8, middle + 4, bar.label, "end")
            length = max(x(bar.value) - left, 1 if bar.value else 0)
            yield f'<rect class="after" x="{left:.1f}" y="{middle - BAR / 2:.1f}" width="{length:.1f}" height="{BAR}"/>'
            yield _text(left + length + 6, middle + 4, bar.text)

    return _svg(title, len(bars) * ROW, rows())


def pair_chart(title: str, pairs: Sequence[Pair], unit: str) -> Markup:
    """Before and after of each row, joined by a line."""
    high = max((max(pair.before, pair.after) for pair in pairs), default=0) or 1
    left = _label_width(pair.label for pair in pairs)
    x = _Axis(0, high, left, WIDTH - MARGIN_RIGHT, unit, whole=True)
    height = len(pairs) * ROW

    def rows() -> Iterator[str]:
        yield from _x_axis(x, 0, height)
        for number, pair in enumerate(pairs):
            y = number * ROW + ROW / 2
            yield _text(left - 8, y + 4, pair.label, "end")
            yield _line("join", x(pair.before), x(pair.after), y, y)
            yield f'<circle class="before hollow" cx="{x(pair.before):.1f}" cy="{y}" r="5"/>'
            yield f'<circle class="after" cx="{x(pair.after):.1f}" cy="{y}" r="4"/>'

    return _svg(title, height + MARGIN_BOTTOM, rows())


def histogram_chart(
    title: str, before: Mapping[float, int], after: Mapping[float, int], width: float, unit: str
) -> Markup:
    """Two distributions over each other: before as an outline, after filled; empty ones are omitted.

    Args:
        title: of the chart.
        before: number of reads by value.
        after: the same.
        width: of a bin.
        unit: of the values.
    """
    edges = _edges((before, after), width)
    counts = {kind: _counts(values, edges) for kind, values in (("after", after), ("before", before)) if values}
    high = max((max(heights) for heights in counts.values()), default=0) or 1
    x, y = _plot_axes((edges[0], edges[-1], unit), (0, high, "reads"))
    y = replace(y, whole=True)

    def marks() -> Iterator[str]:
        yield from _axes(x, y)
        for kind, heights in counts.items():
            yield f'<path class="{kind} area" d="{_steps(x, y, edges, heights)}"/>'

    return _svg(title, PLOT_HEIGHT, marks(), PLOT_WIDTH)


MOST_BINS = 10_000
"""Bins become wider where there would be more of them: a wrong ``np`` can be any number."""

LINES = 8
"""Lines that can be told apart, by the style sheet's classes ``run-0`` to ``run-7``."""


def distribution_chart(title: str, lines: Sequence[Mapping[float, int]], width: float, unit: str) -> Markup:
    """Distributions of several runs over each other, each as percentages of its own reads.

    Args:
        title: of the chart.
        lines: number of reads by value; one without values has no line.
        width: of a bin.
        unit: of the values.
    """
    edges = _edges(lines, width)
    shares = [[100 * count / max(sum(values.values()), 1) for count in _counts(values, edges)] for values in lines]
    x, y = _plot_axes((edges[0], edges[-1], unit), (0, max(map(max, shares), default=0) or 1, "% of reads"))

    def marks() -> Iterator[str]:
        yield from _axes(x, y)
        for number, heights in enumerate(shares):
            if any(heights):
                yield f'<path class="run-{number % LINES} line" d="{_steps(x, y, edges, heights)}"/>'

    return _svg(title, PLOT_HEIGHT, marks(), PLOT_WIDTH)


def calibration_chart(title: str, points: Sequence[tuple[float, float, int]]) -> Markup:
    """Predicted against empirical quality, area of a point by its bases, with the line of perfect calibration.

    Args:
        title: of the chart.
        points: (predicted, empirical, bases).
    """
    high = max((max(predicted, empirical) for predicted, empirical, _ in points), default=10)
    most = max((bases for _, _, bases in points), default=1)
    x, y = _plot_axes((0, high, "predicted quality (Phred)"), (0, high, "empirical"))

    def marks() -> Iterator[str]:
        yield from _axes(x, y)
        yield _line("join", x(0), x(high), y(0), y(high))
        for predicted, empirical, bases in points:
            radius = 3 + 9 * math.sqrt(bases / most)
            note = f"predicted Q{predicted:.1f}, empirical Q{empirical:.1f}, {bases} bases"
            yield (
                f'<circle class="after soft" cx="{x(predicted):.1f}" cy="{y(empirical):.1f}" r="{radius:.1f}">'
                f"<title>{escape(note)}</title></circle>"
            )

    return _svg(title, PLOT_HEIGHT, marks(), PLOT_WIDTH)


def line_chart(
    title: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    units: tuple[str, str],
    *,
    below: float = math.inf,
) -> Markup:
    """Up to two lines, each with its name at its end.

    Args:
        title: of the chart.
        lines: (x, y) of their points by name, x rising.
        units: of x and y.
        below: higher values are clipped to this.
    """
    cut = {name: [(x, min(y, below)) for x, y in points] for name, points in lines.items()}
    values = [point for points in cut.values() for point in points] or [(1.0, 1.0)]
    right, low, high = max(x for x, _ in values), min(y for _, y in values), max(y for _, y in values)
    x, y = _plot_axes(
        (0, right or 1, units[0]), (min(low, 0), high if high > min(low, 0) else 1, units[1]), WIDTH, LINE_CHART_HEIGHT
    )

    def marks() -> Iterator[str]:
        yield from _axes(x, y)
        for kind, (name, points) in zip(("before", "after"), cut.items(), strict=False):
            places = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
            yield f'<polyline class="{kind} line" points="{places}"/>'
            if points:
                yield _text(x(points[-1][0]), y(points[-1][1]) - 8, name, "end")

    return _svg(title, LINE_CHART_HEIGHT, marks())


def standalone(chart: Markup) -> str:
    """A chart as a file of its own, with the colours that a page would give it."""
    head, _, body = str(chart).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>{body}'


def _plot_axes(
    horizontal: tuple[float, float, str],
    vertical: tuple[float, float, str],
    width: float = PLOT_WIDTH,
    height: float = PLOT_HEIGHT,
) -> tuple[_Axis, _Axis]:
    """Axes of a plot from (low, high, unit) of each."""
    x_low, x_high, x_unit = horizontal
    y_low, y_high, y_unit = vertical
    return (
        _Axis(x_low, x_high, MARGIN_LEFT, width - MARGIN_RIGHT, x_unit),
        _Axis(y_low, y_high, height - MARGIN_BOTTOM, MARGIN_TOP, y_unit),
    )


def _label_width(labels: Iterable[str]) -> float:
    return 12 + LETTER * max(map(len, labels), default=0)


def _edges(distributions: Sequence[Mapping[float, int]], width: float) -> list[float]:
    """Edges of the bins that hold all values."""
    values = [value for distribution in distributions for value in distribution] or [0.0]
    width = max(width, (max(values) - min(values)) / MOST_BINS)
    first, last = math.floor(min(values) / width), math.floor(max(values) / width)
    return [k * width for k in range(first, last + 2)]


def _counts(values: Mapping[float, int], edges: Sequence[float]) -> list[int]:
    counts = [0] * (len(edges) - 1)
    for value, count in values.items():
        counts[min(int((value - edges[0]) // (edges[1] - edges[0])), len(counts) - 1)] += count
    return counts


def _steps(x: _Axis, y: _Axis, edges: Sequence[float], heights: Sequence[float]) -> str:
    """The outline of a histogram, as the data of a path."""
    steps = "".join(f"V{y(h):.1f}H{x(right):.1f}" for h, right in zip(heights, edges[1:], strict=True))
    return f"M{x(edges[0]):.1f},{y(0):.1f}{steps}V{y(0):.1f}"


def _axes(x: _Axis, y: _Axis) -> Iterator[str]:
    yield from _x_axis(x, y.end, y.start)
    for tick in y.ticks:
        yield _line("grid", x.start, x.end, y(tick), y(tick))
        yield _text(x.start - 6, y(tick) + 4, f"{tick:g}", "end")
    middle = (y.start + y.end) / 2
    yield f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(y.unit)}</text>'


def _x_axis(x: _Axis, top: float, bottom: float) -> Iterator[str]:
    for tick in x.ticks:
        yield _line("grid", x(tick), x(tick), top, bottom)
        yield _text(x(tick), bottom + 16, f"{tick:g}", "middle")
    yield _text((x.start + x.end) / 2, bottom + 34, x.unit, "middle")


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, height: float, marks: Iterator[str], width: float = WIDTH) -> Markup:
    body = "".join(marks)
    return Markup(  # noqa: S704 - every text in it has been escaped
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{body}</svg>'
    )
