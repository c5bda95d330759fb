"""Which windows a column network need not see: thresholds of evidence, windows run, errors left.

    python benchmarks/triage.py MODEL [--shared DIR] [--subsets 2] [--seed 7] [--write FILE]

MODEL is a file, or vote; ``{zmw}`` in it becomes the ZMW number, for models that have not seen the molecule. The reads
are those of every molecule of human_1m with truth, from its CCS read ("whole") and from drafts made of some of its
passes; errors are counted as ``deepconsensus-py evaluate`` does. "kept" is the draft as it is. The threshold taken is
the highest up to which the errors of no set of reads are more than 1 % above those of running everything. With
--write, a model file is given it, with the figures of the CCS reads.
"""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from reads import SHARED, KnownMolecule, known_molecules, parts, redrafted

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.corrector import Corrector, Features
from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import read_model, save_model
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pileup.method import Triage, evidence_against_draft

SIZES = (3, 5, 8)
WHOLE = "whole"
THRESHOLDS = np.round(np.concatenate([[0], np.arange(0.2, 1.21, 0.05)]), 2)
MORE = 1.01
"""Errors that triage may leave, as a share of those of running everything."""


class Task(NamedTuple):
    """A molecule, or a part of one, and the set that it belongs to."""

    of: str
    known: KnownMolecule


class Judged(NamedTuple):
    """Windows run and errors left of one molecule, of each threshold; and what the draft has."""

    of: str
    windows: int
    run: NDArray[np.int64]
    errors: NDArray[np.int64]
    kept: int


def tasks(shared: Path, subsets: int, seed: int) -> Iterator[Task]:
    """Every molecule whole, and those of many passes in parts."""
    rng = np.random.default_rng(seed)
    for known in known_molecules("human_1m", shared):
        yield Task(WHOLE, known)
        for size, part in parts(known, SIZES, subsets, rng):
            yield Task(f"{size} passes", replace(part, zmw=redrafted(part.zmw, part.zmw.passes)))


def judge(task: Task, model: str) -> Judged:
    """Run all windows once, and put the read together with those of each threshold."""
    known = task.known
    corrector = load_model(model.replace("{zmw}", known.hole), threads=1, triage=False)
    features = corrector.method.encode(align_zmw(known.zmw))
    starts = range(0, features.items, corrector.network.batch)
    slices = [{name: v[i : i + corrector.network.batch] for name, v in features.inputs.items()} for i in starts]
    probabilities = np.concatenate([corrector.network.forward(batch) for batch in slices])
    evidence = evidence_against_draft(features.inputs)
    chosen = [evidence >= threshold for threshold in [*THRESHOLDS, np.inf]]
    *errors, kept = (errors_left(known, corrector, features, run, probabilities) for run in chosen)
    counts = np.array([run.sum() for run in chosen[:-1]])
    return Judged(task.of, features.items, counts, np.array(errors), kept)


def errors_left(
    known: KnownMolecule,
    corrector: Corrector,
    features: Features,
    run: NDArray[np.bool_],
    probabilities: NDArray[np.float32],
) -> int:
    """Errors of the read when only some windows are run."""
    calls = corrector.method.call(features, run, probabilities[run])
    return find_errors(Read(known.zmw.name, decode_bases(calls.bases), None), decode_bases(known.truth)).total


def report(sets: dict[str, list[Judged]]) -> None:
    """A row for each threshold: share of windows run and errors left, set by set."""
    print(f"{'threshold':>10}" + "".join(f"{name:>18}" for name in sets))
    for number, threshold in enumerate(THRESHOLDS):
        cells = (f"{run / windows:9.1%}{errors:9}" for windows, run, errors in at(sets.values(), number))
        print(f"{threshold:10.2f}" + "".join(cells))
    print(f"{'kept':>10}" + "".join(f"{sum(judged.kept for judged in reads):18}" for reads in sets.values()))


def at(sets: Iterable[Sequence[Judged]], number: int) -> Iterator[tuple[int, int, int]]:
    """Windows, windows run and errors left of each set at the n-th threshold."""
    for reads in sets:
        yield (
            sum(judged.windows for judged in reads),
            sum(int(judged.run[number]) for judged in reads),
            sum(int(judged.errors[number]) for judged in reads),
        )


def highest(sets: dict[str, list[Judged]]) -> int:
    """Number of the highest threshold up to which all sets hold."""
    everything = [errors for _, _, errors in at(sets.values(), 0)]

    def holds(number: int) -> bool:
        left = (errors for _, _, errors in at(sets.values(), number))
        return all(errors <= MORE * most for errors, most in zip(left, everything, strict=True))

    return max(takewhile(holds, range(len(THRESHOLDS))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="NAME|FILE")
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--subsets", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    sets: dict[str, list[Judged]] = {name: [] for name in (WHOLE, *(f"{size} passes" for size in SIZES))}
    with ProcessPoolExecutor(args.processes) as pool:
        for judged in pool.map(partial(judge, model=args.model), tasks(args.shared, args.subsets, args.seed)):
            sets[judged.of].append(judged)
    report(sets)
    best = highest(sets)
    ((_, _, everything),), ((windows, run, errors),) = (at([sets[WHOLE]], number) for number in (0, best))
    found = Triage(float(THRESHOLDS[best]), windows=windows, run=run, errors=errors, errors_of_all=everything)
    print(f"\n{found}")
    if args.write:
        save_model(args.write, replace(read_model(args.write), triage=found))


if __name__ == "__main__":
    main()
