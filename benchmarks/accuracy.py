"""Errors of polished reads on real molecules with truth: whole, by number of passes, and by strand.

    python benchmarks/accuracy.py [--shared DIR] [--models vote pairhmm] [--subsets 2] [--seed 7]

Errors are counted as ``deepconsensus-py evaluate`` does. "draft" is the CCS read that is given; for parts of the passes
it is the draft that ``deepconsensus-py draft`` makes of them.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from reads import SHARED, KnownMolecule, full_passes, known_molecules, redrafted

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases
from deepconsensus_py.polishing.engine import polish

Row = tuple[str, str]
"""Name of the table and of its row."""


def tasks(shared: Path, subsets: int, seed: int) -> Iterator[tuple[Row, KnownMolecule]]:
    """Every molecule whole, and high-pass ones in parts."""
    rng = np.random.default_rng(seed)
    for name in ("human_1m", "human_bases_only"):
        for known in known_molecules(name, shared):
            yield (name, known.hole), known
            if name != "human_1m":
                continue
            full = full_passes(known.zmw)
            for passes in (3, 5, 8):
                if len(full) >= passes + 2:
                    for _ in range(subsets):
                        chosen = sorted(rng.choice(len(full), passes, replace=False))
                        part = replace(known.zmw, passes=tuple(full[i] for i in chosen))
                        yield ("some passes", f"{passes} passes"), replace(known, zmw=part)
            for reverse, passes in enumerate(_by_strand(known.zmw)):
                if len(passes) >= 3:
                    part = replace(known.zmw, passes=passes)
                    yield ("one strand", f"strand {'+-'[reverse]}"), replace(known, zmw=part)


def _by_strand(zmw: Zmw) -> tuple[tuple, tuple]:
    full = {p.name for p in full_passes(zmw)}
    aligned = align_zmw(zmw).passes
    strand = {p.name: p.reverse for p in aligned if p.name in full}
    return tuple(tuple(p for p in zmw.passes if strand.get(p.name) is reverse) for reverse in (False, True))


def errors(task: tuple[Row, KnownMolecule], models: Iterable[str]) -> tuple[Row, dict[str, int]]:
    """Errors of the draft and of each model's read."""
    row, known = task
    zmw = known.zmw if row[0] in {"human_1m", "human_bases_only"} else redrafted(known.zmw, known.zmw.passes)
    truth = decode_bases(known.truth)
    found = {"draft": _count(zmw.draft.bases, truth)}
    for model in models:
        (read,) = polish([zmw], model=model)
        found[model] = _count(read.bases, truth) if len(read.bases) else found["draft"]
    return row, found


def _count(bases: NDArray[np.uint8], truth: str) -> int:
    return find_errors(Read("read", decode_bases(bases)), truth).total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--models", nargs="+", default=["vote", "pairhmm"])
    parser.add_argument("--subsets", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    tables: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        work = tasks(args.shared, args.subsets, args.seed)
        for (table, row), found in pool.map(errors, work, repeat(args.models)):
            for name in (row, "total"):
                tables[table][name]["reads"] += 1
                for model, count in found.items():
                    tables[table][name][model] += count
    for table, rows in tables.items():
        print(f"\n{table:18}" + "".join(f"{column:>10}" for column in rows["total"]))
        for name, counts in sorted(rows.items(), key=lambda item: item[0] == "total"):
            print(f"{name:18}" + "".join(f"{count:10}" for count in counts.values()))


if __name__ == "__main__":
    main()
