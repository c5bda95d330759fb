"""Errors of polished reads on real molecules with truth: whole, in parts, by strand, and from other instruments.

    python benchmarks/accuracy.py [--shared DIR] [--models vote pairhmm runs] [--subsets 2] [--seed 7] [--processes 2]

Errors are counted as ``deepconsensus-py evaluate`` does. "draft" is the CCS read that is given; for parts of the
passes, and where there is no CCS read, it is the draft that ``deepconsensus-py draft`` makes of them. Sequel II
molecules are judged by their CCS read of all passes, which shares errors with the passes. Molecules of phage lambda are
cut out of its genome, a few bases too long or too short: errors in the ``LAMBDA_END`` bases at either end of the truth
do not count; those whose drafts are of another length altogether (a missed adapter) are left out. For each model:
errors, errors that its base qualities expect, and reads with more errors than their draft.
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

from deepconsensus_py.evaluate.read_errors import find_errors, probability
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import decode_bases

LAMBDA_END = 20
"""Bases."""


class Task(NamedTuple):
    """A molecule, or a part of one, and the row of the table that it belongs to."""

    table: str
    row: str
    known: KnownMolecule
    redraft: bool = False
    free_end: int = 0


class Count(NamedTuple):
    """Errors of a read; None where it has no qualities to expect any."""

    errors: int
    expected: float | None


def tasks(shared: Path, subsets: int, seed: int) -> Iterator[Task]:
    """Every molecule whole, and those of many passes in parts."""
    human = list(known_molecules("human_1m", shared))
    sequel2 = list(labelled_molecules(shared))
    yield from (Task("human_1m", known.hole, known) for known in human)
    yield from (Task("human_bases_only", known.hole, known) for known in known_molecules("human_bases_only", shared))
    for molecules, name, sizes in ((human, "", (3, 5, 8)), (sequel2, "Sequel II: ", (5, 6, 7, 8))):
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
        return Count(errors.total, expected)
    inside = range(free_end, len(truth) - free_end)
    return Count(sum(event.length for event in errors.events if event.position in inside), expected)


def columns(found: dict[str, Count]) -> Iterator[tuple[str, float]]:
    """What one read adds to its row."""
    yield "reads", 1
    for model, judged in found.items():
        yield model, judged.errors
        if model != "draft":
            yield "expected", judged.expected or 0.0
            yield "worse", judged.errors > found["draft"].errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--models", nargs="+", default=["vote", "pairhmm", "edits"], metavar="NAME|FILE")
    parser.add_argument("--subsets", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    tables: dict[str, dict[str, Counter[tuple[int, str]]]] = defaultdict(lambda: defaultdict(Counter))
    with ProcessPoolExecutor(args.processes) as pool:
        for task, found in pool.map(judge, tasks(args.shared, args.subsets, args.seed), repeat(args.models)):
            # A column is known by its place: names of columns come once for each model.
            for place, (column, amount) in enumerate(columns(found)):
                for row in (task.row, "total"):
                    tables[task.table][row][place, column] += amount
    for table, rows in tables.items():
        print(f"\n{table:24}" + "".join(f"{Path(column).stem:>12}" for _, column in rows["total"]))
        for name, cells in sorted(rows.items(), key=lambda item: item[0] == "total"):
            print(f"{name:24}" + "".join(f"{amount:12.0f}" for amount in cells.values()))


if __name__ == "__main__":
    main()
