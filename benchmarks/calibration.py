"""How well base and read qualities of polished reads are calibrated, and what a fitted quality map would change.

    python benchmarks/calibration.py [--shared DIR] [--models edits] [--subsets 2] [--seed 7] [--plot FILE.svg]

The reads are those of ``accuracy.py``. Expected calibration errors (ECE) are Phred; "to Q40" counts qualities above 40
as 40; "surprise" is how unlikely the errors are by the qualities (nats, the lower the better). Maps are fitted to the
reads of a row, with the molecule that they are tried on held out. Yields are shares of the bases, in per cent, in reads
of Q30 and of Q40: by the base qualities, empirically, and empirically of the drafts. The plot is that of the first
model.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accuracy import Task, count, tasks
from matplotlib.figure import Figure
from reads import SHARED, given_draft, polished, redrafted

from deepconsensus_py.evaluate.calibration_counts import (
    CAP,
    QUALITIES,
    QualityCounts,
    bin_counts,
    quality_counts,
    summed_counts,
)
from deepconsensus_py.evaluate.calibration_fit import Fit, cross_validated, fit_knots, fit_line, surprise
from deepconsensus_py.evaluate.charts import calibration_chart, save_chart
from deepconsensus_py.evaluate.comparison import empirical_quality
from deepconsensus_py.evaluate.read_errors import BookedErrors, capped_phred, find_errors, probability
from deepconsensus_py.pacbio.molecule import decode_bases

WHOLE = ("human_1m", "human_bases_only")
HIGHEST = 50
"""Phred: higher qualities count as this in the second ECE."""

YIELDS = (30, 40)
"""Phred."""

FITS: dict[str, Fit] = {"line": fit_line, "knots": fit_knots}


class Judged(NamedTuple):
    """A polished read: its set, its molecule, bases and errors at each quality; empirical quality of its draft."""

    kind: str
    hole: str
    counts: QualityCounts
    draft: float

    @property
    def predicted(self) -> float:
        """What the base qualities say of the whole read, Phred."""
        return capped_phred(float(self.counts.bases @ probability(np.arange(QUALITIES))) / self.counts.bases.sum())

    @property
    def empirical(self) -> float:
        """What it is, Phred."""
        return empirical_quality(int(self.counts.errors.sum().round()), int(self.counts.bases.sum()))


def judge(task: Task, model: str) -> Judged:
    """Polish a molecule and book its errors on qualities."""
    known = task.known
    if task.redraft:
        known = replace(known, zmw=redrafted(known.zmw, known.zmw.passes))
    truth = decode_bases(known.truth)
    booked = find_errors(polished(known, model), truth).booked
    assert booked is not None
    # Truths end inexactly there.
    inner = slice(task.free_end, len(booked.errors) - task.free_end)
    booked = BookedErrors(booked.qualities[inner], booked.errors[inner], booked.without_deletions[inner])
    draft, _ = count(given_draft(known), truth, task.free_end).qualities
    return Judged(_kind(task), known.hole, quality_counts(booked), draft)


def _kind(task: Task) -> str:
    """The set of a read: both strands are one."""
    if task.table in (*WHOLE, "lambda"):
        return task.table if task.table in WHOLE else f"lambda, {task.row}"
    instrument, _, _ = task.table.rpartition(": ")
    row = "one strand" if task.row.startswith("strand") else task.row
    return f"{instrument}, {row}" if instrument else row


def report(reads: Sequence[Judged]) -> None:
    """Print what qualities say and what they are worth: of bases, then of reads."""
    print(f"{'':32}reads    bases  errors expected   ECE to Q40 to Q50 surprise")
    sets = {kind: [read for read in reads if read.kind == kind] for kind in dict.fromkeys(r.kind for r in reads)}
    for kind, own in ({"CCS reads": [r for r in reads if r.kind in WHOLE]} | sets | {"all": reads}).items():
        molecules = [summed_counts(r.counts for r in own if r.hole == hole) for hole in sorted({r.hole for r in own})]
        rows = {"": summed_counts(molecules)} | {
            f", {name}": cross_validated(molecules, fit) for name, fit in FITS.items()
        }
        for how, counts in rows.items():
            print(f"{kind + how:32}{len(own):5}{_row(counts)}")
        for name, fit in FITS.items():
            print(f"  {name} of these: {fit(summed_counts(molecules))}")
    print(f"\n{'bases in reads of Q30, Q40, %':32}predicted   empirical   empirical, drafts")
    for kind, own in sets.items():
        sizes = [float(read.counts.bases.sum()) for read in own]
        columns = ([read.predicted for read in own], [read.empirical for read in own], [read.draft for read in own])
        print(f"{kind:32}{_yields(columns[0], sizes)}   {_yields(columns[1], sizes)}   {_yields(columns[2], sizes)}")
    print("\nreads               set               predicted  empirical")
    for kind, own in sets.items():
        for read in own if kind in WHOLE else ():
            print(f"{read.hole:20}{kind:18}{read.predicted:9.1f}{read.empirical:11.1f}")
        off = np.array([read.predicted - read.empirical for read in own])
        print(
            f"{kind}: {len(own)} reads, predicted - empirical {off.mean():+.2f} on average, {abs(off).mean():.2f} away"
        )


def _row(counts: QualityCounts) -> str:
    bins = bin_counts(counts)
    eces = (bins.expected_calibration_error(cap) or 0.0 for cap in (np.inf, CAP, HIGHEST))
    cells = f"{bins.bases:9}{bins.errors:8.0f}{bins.expected_errors:9.0f}" + "".join(f"{ece:7.2f}" for ece in eces)
    return f"{cells}{surprise(counts):9.1f}"


def _yields(qualities: Sequence[float], bases: Sequence[float]) -> str:
    shares = (
        100 * sum(b for q, b in zip(qualities, bases, strict=True) if q >= least) / sum(bases) for least in YIELDS
    )
    return ", ".join(f"{share:3.0f}" for share in shares)


def plot(reads: Sequence[Judged]) -> Figure:
    """Bases of CCS reads, bases of drafts of some passes, and reads."""
    return calibration_chart(
        {
            "Bases of CCS reads, in bins of 5 Phred": _bins(read for read in reads if read.kind in WHOLE),
            "Bases of reads from some of the passes": _bins(read for read in reads if read.kind not in WHOLE),
            "Reads": [(read.predicted, read.empirical, int(read.counts.bases.sum())) for read in reads],
        }
    )


def _bins(reads: Iterable[Judged]) -> list[tuple[float, float, int]]:
    bins = bin_counts(summed_counts(read.counts for read in reads)).bins
    return [(b.predicted_quality, b.empirical_quality, b.bases) for b in bins if b.used]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--models", nargs="+", default=["edits"], metavar="NAME|FILE")
    parser.add_argument("--subsets", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    args = parser.parse_args()
    for number, model in enumerate(args.models):
        with ProcessPoolExecutor(args.processes) as pool:
            reads = list(pool.map(judge, tasks(args.shared, args.subsets, args.seed), repeat(model)))
        print(f"\n{Path(model).stem}")
        report(reads)
        if args.plot and number == 0:
            save_chart(plot(reads), args.plot)


if __name__ == "__main__":
    main()
