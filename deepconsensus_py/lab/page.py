"""The table of claims as a Markdown page, and a plot for each row where a curve is the claim."""

from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from deepconsensus_py.lab.claim import CostLine, Figure, Row
from deepconsensus_py.lab.results import Result, write_text

Shownrow = tuple[Row, Result]


def page(rows: Sequence[Shownrow], *, plots: str) -> str:
    """The page.

    Args:
        rows: with their results, in order.
        plots: folder of the plots, as the page links to it.
    """
    lines = [
        "# What attention systems claim, and what is found here",
        "",
        "Each row is one system on the same attention core, at small scale, beside its baseline. Made by"
        " `deepconsensus-py claims -o FOLDER`; targets were set before and are not moved.",
        "",
        *_summary(rows),
        "",
    ]
    for row, result in rows:
        lines += ["", *_section(row, result, plots)]
    return "\n".join(lines) + "\n"


def _summary(rows: Sequence[Shownrow]) -> Iterator[str]:
    yield "| # | claim | system | reached | seeds | seconds | date |"
    yield "|---|---|---|---|---|---|---|"
    for row, result in rows:
        reached = f"{result.judged - len(result.missed)} of {result.judged}{' (fast)' * result.fast}"
        yield (
            f"| {row.number} | [`{row.id}`](#{row.number}-{row.id}) | {row.system} | {verdict(result)}: {reached} |"
            f" {', '.join(map(str, result.seeds))} | {result.seconds:.0f} | {result.date} |"
        )
    yield ""
    for machine in sorted({result.machine for _, result in rows}):
        yield f"Machine: {machine}."


def verdict(result: Result) -> str:
    """One word."""
    return "miss" if result.missed else "pass" if result.judged else "not judged"


def _section(row: Row, result: Result, plots: str) -> Iterator[str]:
    yield f"## {row.number} {row.id}"
    yield ""
    yield f"**{row.system}.** {row.claim}"
    yield f"Baseline: {row.baseline} On reads: {row.on_reads}"
    yield ""
    yield "| figure | baseline | ours | target | |"
    yield "|---|---|---|---|---|"
    yield from map(_figure, result.shown.figures)
    if result.shown.costs:
        yield ""
        yield from _costs(result.shown.costs)
    if result.shown.curves:
        yield ""
        yield f"![{row.id}: {result.shown.axes[1]} over {result.shown.axes[0]}]({plots}/{row.id}.svg)"
    if result.shown.notes:
        yield ""
        yield from (f"- {note}" for note in result.shown.notes)


def _figure(figure: Figure) -> str:
    baseline = "" if figure.baseline is None else number(figure.baseline)
    verdicts = {None: "", True: "pass", False: "**miss**"}
    return f"| {figure.name} | {baseline} | {number(figure.ours)} | {figure.target} | {verdicts[figure.holds]} |"


def _costs(costs: Sequence[CostLine]) -> Iterator[str]:
    names = list(dict.fromkeys(name for line in costs for name in line.columns))
    yield f"| cost | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for line in costs:
        values = (number(line.columns[name]) if name in line.columns else "" for name in names)
        yield f"| {line.system} | {' | '.join(values)} |"


def number(value: float) -> str:
    """A number to four digits, whole ones in full."""
    if value == round(value) and abs(value) < 1e15:
        return f"{round(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def plot(path: Path, row: Row, result: Result) -> None:
    """Draw a row's curves as SVG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = row.id
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5.2, 3.0), layout="constrained")
    for curve in result.shown.curves:
        axes.plot(curve.x, curve.y, marker=".", label=curve.name)
    axes.set_xlabel(result.shown.axes[0])
    axes.set_ylabel(result.shown.axes[1])
    axes.legend(frameon=False)
    drawn = StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    plt.close(figure)
    write_text(path, drawn.getvalue())
