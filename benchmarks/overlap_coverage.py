"""Errors removed from HiFi reads that are corrected by each other, by coverage: a table, and a chart of it.

    python benchmarks/overlap_coverage.py [--shared DIR] [--coverage 3 4 ...] [--reads diploid] [--min-coverage 2 3]
    python benchmarks/overlap_coverage.py --chart

The reads are simulated (``haplotypes.py``), 20 kb long, of 60 kb of CHM13, or 30 kb where the coverage of a haplotype
is 20-fold or more: of one haplotype, or of two that differ at one in 1,000 bases. Reads with errors at more than one in
100 bases do not count: they find no overlaps. All other errors do, also those where coverage happens to be low.
``--chart`` draws ``docs/developers/overlaps.svg`` from the table of the page beside it.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from haplotypes import KnownRead, judge
from matplotlib import rc_context
from matplotlib.figure import Figure
from overlaps import KINDS, ROWS, measure
from reads import SHARED

from deepconsensus_py.evaluate.charts import STYLE, save_chart
from deepconsensus_py.overlaps.correction import MIN_COVERAGE, correct_reads
from deepconsensus_py.polishing.read import PolishedRead

DOCS = Path(__file__).resolve().parents[1] / "docs" / "developers"
PAGE, CHART, SECTION = DOCS / "overlaps.md", DOCS / "overlaps.svg", "## Coverage\n"

COVERAGE = (3, 4, 6, 10, 15, 20, 30, 40)
HIGH, MOST_ERRORS, SEED = 20, 0.01, 1
"""Coverage from which half of the genome is enough; errors a base of reads that count; seed of the random numbers."""

SETS = {"haploid": "simulated, haploid", "diploid": "simulated, diploid"}
COLOURS = {"haploid": "#5b6b7f", "diploid": "#00897b"}
TITLES = "| reads | coverage | least | errors | left | removed, % | alleles lost | reads worse |"


def reads_of(kind: str, coverage: float, shared: Path) -> list[KnownRead]:
    args = argparse.Namespace(shared=shared, coverage=coverage, part=0.5 if coverage >= HIGH else 1)
    return ROWS[SETS[kind]](args, SEED)


def cells(reads: Sequence[KnownRead], corrected: Sequence[PolishedRead]) -> str:
    """The last cells of a row."""
    few = [len(judge(one.draft.bases, one).errors) < MOST_ERRORS * len(one.truth) for one in reads]
    sums = measure([replace(one, counts=counts) for one, counts in zip(reads, few, strict=True)], corrected)
    alleles, lost = sum(sums[kind] for kind in KINDS), sum(sums[f"{kind} lost"] for kind in KINDS)
    share = 100 * (1 - sums["left"] / sums["errors"])
    return f"{sums['errors']} | {sums['left']} | {share:.1f} | {lost} of {alleles} | {sums['worse']}"


def rows(args: argparse.Namespace) -> Iterator[str]:
    for coverage in args.coverage:
        for kind in args.reads:
            reads = reads_of(kind, coverage, args.shared)
            for least in args.min_coverage:
                corrected = list(correct_reads([one.draft for one in reads], min_coverage=least))
                yield f"| {kind} | {coverage:g} | {least} | {cells(reads, corrected)} |"


def points(page: str) -> dict[str, list[tuple[float, float]]]:
    """Coverage and errors removed of each kind of reads, from the table of the page, with the default option."""
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in SETS}
    for line in re.findall(r"^\|(.*)\|$", page.partition(SECTION)[2].partition("\n#")[0], re.MULTILINE):
        kind, coverage, least, _, _, share, *_ = (cell.strip() for cell in line.split("|"))
        if kind in found and int(least) == MIN_COVERAGE:
            found[kind].append((float(coverage), float(share)))
    return found


def chart(found: dict[str, list[tuple[float, float]]]) -> Figure:
    with rc_context(STYLE):
        figure = Figure(figsize=(6, 3.2))
        axis = figure.subplots()
        for kind, pairs in found.items():
            axis.plot(*zip(*pairs, strict=True), marker="o", markersize=4, color=COLOURS[kind], label=kind)
        axis.set_xscale("log", base=2)
        axis.set_xticks(COVERAGE, [str(one) for one in COVERAGE])
        axis.minorticks_off()
        axis.set_ylim(0, 100)
        axis.set_xlabel("coverage of each haplotype")
        axis.set_ylabel("errors removed, %")
        axis.legend(frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--coverage", type=float, nargs="+", default=COVERAGE)
    parser.add_argument("--reads", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--min-coverage", type=int, nargs="+", default=[MIN_COVERAGE])
    parser.add_argument("--chart", action="store_true", help="draw the table of the page instead")
    args = parser.parse_args()
    if args.chart:
        save_chart(chart(points(PAGE.read_text())), CHART)
        return
    print(TITLES)
    print("|---" * TITLES.count(" | ") + "|---|")
    for row in rows(args):
        print(row, flush=True)


if __name__ == "__main__":
    main()
