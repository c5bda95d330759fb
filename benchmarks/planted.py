"""Errors planted in drafts, and what is left of them: repaired or not, the qualities have to tell.

    python benchmarks/planted.py --models runs vote --passes 6 12 30

Molecules of 1.3 kb whose drafts have an error every 110 bases: bases that are missing, wrong or too many. Passes are
simulated with uniform noise: 2 % mismatches, 5 % insertions, 3 % deletions; every other one reads the opposite strand.
The table has the errors of the polished reads (edit distance from the truth) and those that their qualities expect.
"""

import argparse
from collections.abc import Sequence

import edlib
import numpy as np

from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.qualities import error_probability

LETTERS = "ACGT"
KINDS = ("none", "1 missing", "2 missing", "3 missing", "8 missing", "1 wrong", "3 too many", "8 too many")
LENGTH, EVERY = 1300, 110
MISMATCHES, DELETIONS, INSERTIONS = 0.02, 0.03, 0.05
EVERYTHING = PolishSettings(filter=ReadFilter(0, 0))


def sequence(rng: np.random.Generator, length: int) -> list[str]:
    return rng.choice(list(LETTERS), length).tolist()


def noisy(truth: str, rng: np.random.Generator) -> str:
    read = []
    for letter in truth:
        kind = rng.random()
        if kind < MISMATCHES:
            read += sequence(rng, 1)
        elif kind >= MISMATCHES + DELETIONS:
            read.append(letter)
        if rng.random() < INSERTIONS:
            read += sequence(rng, 1)
    return "".join(read)


def planted(truth: str, kind: str, rng: np.random.Generator) -> tuple[str, int]:
    """A draft with errors, and how many bases they are."""
    draft, bases = list(truth), 0
    if kind == "none":
        return truth, 0
    size, what = int(kind[0]), kind[2:]
    for at in range(LENGTH - EVERY, EVERY, -EVERY):
        if what == "missing":
            del draft[at : at + size]
        elif what == "wrong":
            draft[at] = LETTERS[LETTERS.index(draft[at]) - 1]
        else:
            draft[at:at] = sequence(rng, size)
        bases += size
    return "".join(draft), bases


def molecule(kind: str, passes: int, number: int) -> tuple[Zmw, str, int]:
    """A molecule with its truth, and the bases that are wrong in its draft."""
    rng = np.random.default_rng([KINDS.index(kind), passes, number])
    truth = "".join(sequence(rng, LENGTH))
    draft, bases = planted(truth, kind, rng)
    reads = []
    for place in range(passes):
        read = encode_bases(noisy(truth, rng))
        read = reverse_complement(read) if place % 2 else read
        reads.append(Pass(f"planted/{number}/{place}_{place + len(read)}", read, None, None, None))
    codes = encode_bases(draft)
    return Zmw(Draft(f"planted/{number}/ccs", codes, np.full(len(codes), 30, np.uint8)), tuple(reads)), truth, bases


def row(model: str, kind: str, passes: int, molecules: int) -> str:
    wrong = left = 0
    expected = 0.0
    for number in range(1, molecules + 1):
        zmw, truth, bases = molecule(kind, passes, number)
        (read,) = polish([zmw], model=model, settings=EVERYTHING)
        wrong += bases
        left += edlib.align(decode_bases(read.bases), truth)["editDistance"]
        expected += float(error_probability(read.qualities).sum())
    return f"| {model} | {passes} | {kind} | {wrong} | {left} | {expected:.1f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["edits"])
    parser.add_argument("--passes", nargs="+", type=int, default=[6, 12, 30])
    parser.add_argument("--molecules", type=int, default=4)
    args = parser.parse_args(arguments)
    print("| model | passes | planted | bases | left | expected |\n|---|---|---|---|---|---|")
    for model in args.models:
        for passes in args.passes:
            for kind in KINDS:
                print(row(model, kind, passes, args.molecules), flush=True)


if __name__ == "__main__":
    main()
