"""The page of all claims in Markdown, and a plot for each claim about a curve."""

from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

from deepconsensus_py.lab.claim import MISSES, TIE, Arm, Claim, CostLine, Figure, Shown
from deepconsensus_py.lab.code import Code
from deepconsensus_py.lab.history import REDONE
from deepconsensus_py.lab.on_reads import ON_READS
from deepconsensus_py.lab.results import Result, write_text

PageEntry = tuple[Claim, Result]

CodeOf = Callable[[Claim], Code]
"""The code of a claim as it is now."""

_INTRODUCTION = (
    "For readers who wonder what a published attention mechanism is good for: what each system claims, reproduced at"
    " small scale on the attention core of this package, each beside a baseline. `deepconsensus-py claims -o FOLDER`"
    " makes this page. Targets were set before the runs and are not moved to fit; a missed target is reported as a"
    " miss.",
    "",
    "**Verdicts.** A figure that was trained for is a mean over seeds with a 95 % interval, paired by seed, and"
    " by item where items are shared: it `holds` if the interval lies on the target's side, `misses` if it lies"
    " beyond, and is a `tie` if it includes the target, or if fewer than five seeds are closer to it than three"
    " standard errors. Exact checks need no training and are judged apart. `met` and `missed` are verdicts by the"
    " earlier rules, one mean against a target without an interval; these rows have not been run again since, and"
    " their minutes are those of a clock. Counts of the processor's operations, not times, stand in the tables of"
    " costs.",
    "",
    "**Code.** The hash is that of the row's own code and of all of `lab/` that it imports. *Earlier code* means that"
    " this has changed since the row was run. Changes of the attention core, whose results are tested on their own, are"
    " not counted here; `deepconsensus-py claims --list -o FOLDER` lists them too.",
)


def page(entries: Sequence[PageEntry], *, plots: str, code_of: CodeOf) -> str:
    """The page.

    Args:
        entries: claims with their results, in order.
        plots: folder of the plots, as the page links to it.
        code_of: tells whether a result was made by earlier code.
    """
    lines = ["# The claims of attention systems, reproduced", "", *_INTRODUCTION, "", *_summary(entries, code_of), ""]
    lines += _redone(entries)
    for claim, result in entries:
        lines += ["", *_section(claim, result, plots)]
    return "\n".join(lines) + "\n"


def _summary(entries: Sequence[PageEntry], code_of: CodeOf) -> Iterator[str]:
    yield "| # | claim | system | trained for | exact checks | seeds | CPU min | date | code |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for claim, result in entries:
        yield (
            f"| {claim.number} | [`{claim.id}`](#{claim.number}-{claim.id}) | {claim.system} | {trained(result)} |"
            f" {exact_checks(result)} | {', '.join(map(str, result.seeds))} | {result.seconds / 60:.1f} |"
            f" {result.date} | {_code(result, code_of(claim))} |"
        )
    yield ""
    yield f"All rows together: {sum(result.seconds for _, result in entries) / 3600:.1f} hours of one core."
    for machine in sorted({result.machine for _, result in entries}):
        yield f"Machine: {machine}."


def trained(result: Result) -> str:
    """The verdict on what was trained for, and how many figures have which."""
    if result.fast:
        return "not trained"
    counts: dict[str, int] = {}
    for figure in result.trained:
        counts[figure.verdict] = counts.get(figure.verdict, 0) + 1
    if not counts:
        return "nothing is trained"
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return f"{result.verdict}: {listed}" if result.verdict else listed


def exact_checks(result: Result) -> str:
    """How the exact checks came out."""
    if not result.exact:
        return "none"
    missed = len(result.missed_exact)
    return f"**{missed} of {len(result.exact)} fail**" if missed else f"pass ({len(result.exact)})"


def outcome(result: Result) -> str:
    """One line about a run: exact checks, and in a full run the verdict on what was trained for."""
    checks = f"exact checks: {exact_checks(result)}"
    return checks if result.fast else f"{trained(result)}; {checks}"


def _code(result: Result, now: Code) -> str:
    if result.code is None:
        return "earlier code"
    return f"`{result.code.row}`" + ("" if result.code.row == now.row else ", earlier code")


def _redone(entries: Sequence[PageEntry]) -> Iterator[str]:
    rows = [(claim, result) for claim, result in entries if claim.id in REDONE and result.code is not None]
    if not rows:
        return
    yield from ("", "## Old and new verdicts", "")
    yield "| claim | by the earlier rules | now | what changed, and why |"
    yield "|---|---|---|---|"
    for claim, result in rows:
        before, why = REDONE[claim.id]
        yield f"| [`{claim.id}`](#{claim.number}-{claim.id}) | {before} | {trained(result)} | {why} |"
    yield ""


def _section(claim: Claim, result: Result, plots: str) -> Iterator[str]:
    shown = result.shown
    yield f"## {claim.number} {claim.id}"
    yield ""
    yield f"**{claim.system}.** {claim.text}"
    yield f"Baseline: {claim.baseline}" + (f" On reads: {ON_READS[claim.id]}" if claim.id in ON_READS else "")
    yield ""
    yield "| figure | baseline | ours | 95 % interval | target | |"
    yield "|---|---|---|---|---|---|"
    yield from map(_figure, shown.figures)
    if shown.arms:
        yield from ("", *_arms(shown))
    if shown.costs:
        yield from ("", *_costs(shown.costs))
    if shown.curves:
        yield ""
        yield f"![{claim.id}: {shown.axes[1]} over {shown.axes[0]}]({plots}/{claim.id}.svg)"
    if shown.notes:
        yield ""
        yield from (f"- {note}" for note in shown.notes)


def _figure(figure: Figure) -> str:
    baseline = "" if figure.baseline is None else number(figure.baseline)
    ends = "" if figure.interval is None else " to ".join(map(number, figure.interval))
    words = figure.verdict if figure.trained or not figure.verdict else _exactly(figure)
    bold = f"**{words}**" if figure.verdict in {MISSES, TIE, "missed"} else words
    return f"| {figure.name} | {baseline} | {number(figure.ours)} | {ends} | {figure.target} | {bold} |"


def _exactly(figure: Figure) -> str:
    return "exact check fails" if figure.verdict == MISSES else "exact"


def _arms(shown: Shown) -> Iterator[str]:
    yield "| trained for | system | steps | examples seen | settings tried |"
    yield "|---|---|---|---|---|"
    yield from map(_arm, shown.arms)
    if shown.unequal:
        yield from ("", shown.unequal)


def _arm(arm: Arm) -> str:
    return f"| {arm.task} | {arm.name} | {arm.steps:,} | {arm.examples:,} | {arm.tried} |"


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
