"""Errors of polished reads on real molecules with truth: whole, in parts, by strand, and from other instruments.

    python benchmarks/accuracy.py [--shared DIR] [--models vote pairhmm runs] [--subsets 2] [--seed 7] [--processes 2]

Errors are counted as ``deepconsensus-py evaluate`` does. "draft" is the CCS read that is given; for parts of the
passes, and where there is no CCS read, it is the draft that ``deepconsensus-py draft`` makes of them. Sequel II
molecules are judged by their CCS read of all passes, which shares errors with the passes. Molecules of phage lambda are
cut out of its genome, a few bases too long or too short: errors in the ``LAMBDA_END`` bases at either end of the truth
do not count; those whose drafts are of another length altogether (a missed adapter) are left out. For each model:
errors, errors that its base qualities expect, and reads with more errors than their draft. Then, with 95 % intervals
(bootstrap over molecules), its errors in per cent of the draft's; and the share of bases, in per cent, that is in reads
of Q30 and of Q40 and more: empirically, and by the base qualities.
"""

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
from reads import (
    SHARED,
    KnownMolecule,
    given_draft,
    known_molecules,
    labelled_molecules,
    lambda_molecules,
    parts,
    polished,
    redrafted,
    strands,
)

from deepconsensus_py.evaluate.comparison import empirical_quality
from deepconsensus_py.evaluate.read_errors import capped_phred, find_errors, probability
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import decode_bases

LAMBDA_END = 20
"""Bases."""

RESAMPLED = 2000
"""Times that the molecules of a row are drawn anew."""

YIELDS = (30, 40)
"""Phred."""


class Task(NamedTuple):
    """A molecule, or a part of one, and the row of the table that it belongs to."""

    table: str
    row: str
    known: KnownMolecule
    redraft: bool = False
    free_end: int = 0


class Count(NamedTuple):
    """Errors of a read, those that its qualities expect (None without qualities), and its bases."""

    errors: int
    expected: float | None
    bases: int

    @property
    def qualities(self) -> tuple[float, float | None]:
        """Empirical and predicted quality of the read, Phred."""
        predicted = None if self.expected is None else capped_phred(self.expected / max(self.bases, 1))
        return empirical_quality(self.errors, self.bases), predicted


def tasks(shared: Path, subsets: int, seed: int) -> Iterator[Task]:
    """Every molecule whole, and those of many passes in parts."""
    human = list(known_molecules("human_1m", shared))
    sequel2 = list(labelled_molecules(shared))
    yield from (Task("human_1m", known.hole, known) for known in human)
    yield from (Task("human_bases_only", known.hole, known) for known in known_molecules("human_bases_only", shared))
    for molecules, name, sizes in ((human, "", (3, 5, 8, 12)), (sequel2, "Sequel II: ", (5, 6, 7, 8))):
        rng = np.random.default_rng(seed)
        for known in molecules:
            for size, part in parts(known, sizes, subsets, rng):
                yield Task(f"{name}some passes", f"{size} passes", part, redraft=True)
        for known in molecules:
            for sign, part in strands(known):
                yield Task(f"{name}one strand", f"strand {sign}", part, redraft=True)
    for name in ("lambda_sequel", "lambda_rs2"):
        for known in lambda_molecules(name, shared):
            yield Task("lambda", name.removeprefix("lambda_"), known, free_end=LAMBDA_END)


def judge(task: Task, models: Iterable[str]) -> tuple[Task, dict[str, Count]]:
    """Errors of the draft and of each model's read."""
    known = task.known
    if task.redraft:
        known = replace(known, zmw=redrafted(known.zmw, known.zmw.passes))
    truth = decode_bases(known.truth)
    found = {"draft": count(given_draft(known), truth, task.free_end)}
    for model in models:
        found[model] = count(polished(known, model), truth, task.free_end)
    return task, found


def count(read: Read, truth: str, free_end: int) -> Count:
    """Errors of a read, but for those in the ends of the truth."""
    errors = find_errors(read, truth)
    expected = None if errors.booked is None else float(probability(errors.booked.qualities).sum())
    if not free_end:
        return Count(errors.total, expected, len(read.bases))
    inside = range(free_end, len(truth) - free_end)
    return Count(sum(e.length for e in errors.events if e.position in inside), expected, len(read.bases))


def columns(found: dict[str, Count]) -> Iterator[tuple[str, float]]:
    """What one read adds to its row."""
    yield "reads", 1
    for model, judged in found.items():
        yield model, judged.errors
        if model != "draft":
            yield "expected", judged.expected or 0.0
            yield "worse", judged.errors > found["draft"].errors


def report(table: str, rows: dict[str, list[tuple[str, dict[str, Count]]]]) -> None:
    """Print a table: reads and what was counted of them, by row and molecule."""
    summed = {row: Counter[tuple[int, str]]() for row in rows}
    for row, reads in rows.items():
        for _, found in reads:
            # A column is known by its place: names of columns come once for each model.
            summed[row].update({(place, name): value for place, (name, value) in enumerate(columns(found))})
    print(f"\n{table:24}" + "".join(f"{Path(column).stem:>12}" for _, column in summed["total"]))
    for name, cells in summed.items():
        print(f"{name:24}" + "".join(f"{amount:12.0f}" for amount in cells.values()))
    models = list(rows["total"][0][1])
    print("\nerrors, % of the draft's" + "".join(f"{Path(model).stem:>24}" for model in models[1:]))
    for row, reads in rows.items():
        cells = (f"{share:.1f} ({low:.1f} to {high:.1f})" for share, low, high in shares(reads, models))
        print(f"{row:24}" + "".join(f"{cell:>24}" for cell in cells))
    print(
        "\nbases in reads of Q30, Q40, %"
        + "".join(f"{f'{Path(m).stem}, predicted':>24}{'empirical':>12}" for m in models)
    )
    for row, reads in rows.items():
        print(f"{row:29}" + "".join(yields([found[model] for _, found in reads]) for model in models))


def shares(reads: list[tuple[str, dict[str, Count]]], models: list[str]) -> Iterator[tuple[float, float, float]]:
    """Errors of each model but the first in per cent of the first's, with the limits of a 95 % interval."""
    holes = sorted({hole for hole, _ in reads})
    errors = np.zeros((len(holes), len(models)))
    for hole, found in reads:
        errors[holes.index(hole)] += [found[model].errors for model in models]
    drawn = np.random.default_rng(0).integers(len(holes), size=(RESAMPLED, len(holes)))
    for summed in 100 * errors[:, 1:].T:
        resampled = summed[drawn].sum(axis=1) / np.maximum(errors[drawn, 0].sum(axis=1), 1)
        low, high = np.percentile(resampled, (2.5, 97.5))
        yield float(summed.sum() / max(errors[:, 0].sum(), 1)), float(low), float(high)


def yields(counts: list[Count]) -> str:
    """Cells of the shares of bases, predicted and empirical; a dash where no read has qualities."""
    bases = sum(count.bases for count in counts)
    cells = []
    for which, width in ((1, 24), (0, 12)):
        known = [(count.qualities[which], count.bases) for count in counts if count.qualities[which] is not None]
        parts = (100 * sum(own for quality, own in known if quality >= least) / max(bases, 1) for least in YIELDS)
        cells.append(f"{', '.join(f'{part:.0f}' for part in parts) if known else '–':>{width}}")
    return "".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--models", nargs="+", default=["vote", "pairhmm", "edits"], metavar="NAME|FILE")
    parser.add_argument("--subsets", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    tables: dict[str, dict[str, list[tuple[str, dict[str, Count]]]]] = defaultdict(lambda: defaultdict(list))
    with ProcessPoolExecutor(args.processes) as pool:
        for task, found in pool.map(judge, tasks(args.shared, args.subsets, args.seed), repeat(args.models)):
            for row in (task.row, "total"):
                tables[task.table][row].append((task.known.hole, found))
    for table, rows in tables.items():
        report(table, dict(sorted(rows.items(), key=lambda item: item[0] == "total")))


if __name__ == "__main__":
    main()
