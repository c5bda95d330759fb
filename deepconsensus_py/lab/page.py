"""The page of all claims in Markdown, and a plot for each claim about a curve."""

from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from deepconsensus_py.lab.claim import Claim, CostLine, Figure
from deepconsensus_py.lab.results import Result, write_text

PageEntry = tuple[Claim, Result]


def page(entries: Sequence[PageEntry], *, plots: str) -> str:
    """The page.

    Args:
        entries: claims with their results, in order.
        plots: folder of the plots, as the page links to it.
    """
    lines = [
        "# The claims of attention systems, reproduced",
        "",
        "For readers who wonder what a published attention mechanism is good for: what each system claims, reproduced"
        " at small scale on the attention core of this package, each beside a baseline. `deepconsensus-py claims -o"
        " FOLDER` makes this page. Targets were set before the runs and are not moved to fit; a missed target is"
        " reported as a miss.",
        "",
        *_summary(entries),
        "",
    ]
    for claim, result in entries:
        lines += ["", *_section(claim, result, plots)]
    return "\n".join(lines) + "\n"


def _summary(entries: Sequence[PageEntry]) -> Iterator[str]:
    yield "| # | claim | system | targets met | seeds | seconds | date |"
    yield "|---|---|---|---|---|---|---|"
    for claim, result in entries:
        met = f"{result.judged - len(result.missed)} of {result.judged}{' (fast)' * result.fast}"
        yield (
            f"| {claim.number} | [`{claim.id}`](#{claim.number}-{claim.id}) | {claim.system} | {verdict(result)}: {met}"
            f" | {', '.join(map(str, result.seeds))} | {result.seconds:.0f} | {result.date} |"
        )
    yield ""
    for machine in sorted({result.machine for _, result in entries}):
        yield f"Machine: {machine}."


def verdict(result: Result) -> str:
    """``pass``, ``miss``, or ``not judged``."""
    return "miss" if result.missed else "pass" if result.judged else "not judged"


def _section(claim: Claim, result: Result, plots: str) -> Iterator[str]:
    yield f"## {claim.number} {claim.id}"
    yield ""
    yield f"**{claim.system}.** {claim.text}"
    yield f"Baseline: {claim.baseline} On reads: {claim.on_reads}"
    yield ""
    yield "| figure | baseline | ours | target | |"
    yield "|---|---|---|---|---|"
    yield from map(_figure, result.shown.figures)
    if result.shown.costs:
        yield ""
        yield from _costs(result.shown.costs)
    if result.shown.curves:
        yield ""
        yield f"![{claim.id}: {result.shown.axes[1]} over {result.shown.axes[0]}]({plots}/{claim.id}.svg)"
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
    """A number with four significant digits; whole numbers in full."""
    if value == round(value) and abs(value) < 1e15:
        return f"{round(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def plot(path: Path, claim: Claim, result: Result) -> None:
    """Draw the curves of a claim as SVG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = claim.id
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
