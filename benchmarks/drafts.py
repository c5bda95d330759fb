"""Drafts from subreads: processor time, errors, and the errors that are left after polishing.

    python benchmarks/drafts.py [--shared DIR] [--models pairhmm edits] [--sets human_1m simulated]

Real molecules with truth, whole and in parts, and simulated ones (``planting``): long ones, and tandem repeats between
flanks of 400 bases. ``ms`` is the processor time of a draft, the least of three times, in the mean.
Errors are counted as in ``accuracy.py``. Where molecules have a CCS read, the columns "ccs" have the errors of that and
of what is polished from it. ``{zmw}`` in the name of a model becomes the ZMW number, for models that have not seen it.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accuracy import LAMBDA_END, count
from planting import FLANK, molecule, sequence, unit_of
from reads import (
    SHARED,
    KnownMolecule,
    given_draft,
    known_molecules,
    labelled_molecules,
    lambda_molecules,
    parts,
    polished,
)

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, decode_bases, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId

SIZES, SUBSETS, SEED = (3, 5, 8), 2, 11
"""Passes in parts of molecules, parts of each size, and random seed."""

LONG, PASSES, COPIES = (12_000, 25_000), (5, 10), 3
REPEATS = ((2, 60), (3, 30), (33, 20), (171, 12))
"""Simulated: bases of long molecules, passes, molecules of each kind, and units and copies of repeats."""

TIMES = 3


class Task(NamedTuple):
    """A molecule, and the row of the table that it belongs to."""

    row: str
    known: KnownMolecule
    has_ccs: bool = False
    free_end: int = 0


def tasks(sets: Sequence[str], shared: Path) -> Iterator[Task]:
    """The molecules of some sets."""
    rng = np.random.default_rng(SEED)
    for name in sets:
        if name == "simulated":
            yield from simulated()
        elif name == "sequel2":
            for known in labelled_molecules(shared):
                yield from (Task(f"{name}, {n} passes", part) for n, part in parts(known, SIZES[1:], SUBSETS, rng))
        elif name.startswith("lambda"):
            yield from (Task(name, known, free_end=LAMBDA_END) for known in lambda_molecules(name, shared))
        else:
            molecules = list(known_molecules(name, shared))
            yield from (Task(name, known, has_ccs=True) for known in molecules)
            for known in molecules if name == "human_1m" else ():
                yield from (Task(f"{name}, {n} passes", part) for n, part in parts(known, SIZES, SUBSETS, rng))


def simulated() -> Iterator[Task]:
    """Random molecules, and those with a tandem repeat."""
    for passes in PASSES:
        for number in range(COPIES):
            for length in LONG:
                rng = np.random.default_rng([length, passes, number])
                truth = sequence(length, rng)
                yield Task(f"{length} bases, {passes} passes", molecule("1", truth, truth, passes, rng))
            for unit, copies in REPEATS:
                rng = np.random.default_rng([unit, copies, passes, number])
                repeat = np.tile(unit_of(unit, rng), copies)
                truth = np.concatenate([sequence(FLANK, rng), repeat, sequence(FLANK, rng)])
                yield Task(f"{copies} × {unit} bases, {passes} passes", molecule("1", truth, truth, passes, rng))


def measure(task: Task, models: Sequence[str]) -> Counter[str]:
    """What one molecule adds to its row."""
    known, least = task.known, float("inf")
    for _ in range(TIMES):
        start = time.process_time()
        zmw = draft_zmw(MoleculeId("draft", 1), known.zmw.passes)
        least = min(least, time.process_time() - start)
    found: Counter[str] = Counter({"molecules": 1, "kb": len(known.truth) / 1e3, "ms": 1e3 * least})
    own = replace(known, zmw=replace(zmw, draft=replace(zmw.draft, name=known.zmw.name)), truth=along(zmw.draft, known))
    found.update(errors(own, models, task.free_end, ""))
    if task.has_ccs:
        found.update(errors(known, models, task.free_end, "ccs "))
    return found


def along(draft: Draft, known: KnownMolecule) -> np.ndarray:
    """The truth in the direction of a draft."""
    (aligned,) = align_passes(Draft("draft", draft.bases, None), [Pass("truth", known.truth, None, None, None)])
    return reverse_complement(known.truth) if aligned is not None and aligned.reverse else known.truth


def errors(known: KnownMolecule, models: Sequence[str], free_end: int, prefix: str) -> Counter[str]:
    """Errors of the draft and of the reads."""
    truth = decode_bases(known.truth)
    counts = Counter({f"{prefix}draft": count(given_draft(known), truth, free_end).errors})
    for model in models:
        counts[f"{prefix}{Path(model).stem}"] += count(polished(known, model), truth, free_end).errors
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--models", nargs="+", default=["pairhmm", "edits"], metavar="NAME|FILE")
    sets = ["human_1m", "human_bases_only", "sequel2", "lambda_sequel", "lambda_rs2", "simulated"]
    parser.add_argument("--sets", nargs="+", default=sets, choices=sets)
    args = parser.parse_args()
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for task in tasks(args.sets, args.shared):
        try:
            rows[task.row].update(measure(task, args.models))
        except MoleculeError as fault:
            print(fault)
    names = ["draft", *(Path(model).stem for model in args.models)]
    columns = [*names, *(f"ccs {name}" for name in names)]
    print(f"| molecules | number | kb | ms | {' | '.join(columns)} |")
    print("|---" * (4 + len(columns)) + "|")
    for row, sums in rows.items():
        cells = [f"{sums[name]:.0f}" if name in sums else "" for name in columns]
        number = sums["molecules"]
        print(f"| {row} | {number:.0f} | {sums['kb']:.0f} | {sums['ms'] / number:.0f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
