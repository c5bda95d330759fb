"""Count the errors and base qualities of the reads of CHM13, which simulated HiFi reads are made with.

    python benchmarks/fit_hifi_errors.py [--shared DIR] [--write]

prints the counts as JSON; with ``--write`` they go into ``hifi_errors.json``.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import edlib
import numpy as np
from haplotypes import CHM13, forward, real_reads
from hifi_errors import FILE, LONGEST, QUALITY_LENGTHS, HifiErrors, homopolymers
from numpy.typing import NDArray
from reads import SHARED

EVENTS = {"D": "deletion", "X": "mismatch", "I": "insertion"}


def operations(read: str, truth: str) -> list[tuple[str, int, int]]:
    """Letter of the CIGAR, place in the read and place in the truth of each difference of a base."""
    aligned = edlib.align(read, truth, mode="HW", task="path")
    found, at_read, at_truth = list[tuple[str, int, int]](), 0, int(aligned["locations"][0][0])
    for text, letter in re.findall(r"(\d+)([=XID])", aligned["cigar"]):
        length = int(text)
        step = (letter != "D", letter != "I")
        if letter != "=":
            found += [(letter, at_read + n * step[0], at_truth + n * step[1]) for n in range(length)]
        at_read, at_truth = at_read + length * step[0], at_truth + length * step[1]
    return found


def count_errors(reads: Sequence[tuple[str, NDArray[np.uint8], str]]) -> HifiErrors:
    """Count the errors of reads: bases, qualities and truth of each."""
    kinds, qualities = Counter[str](), {name: Counter[int]() for name in EVENTS.values()}
    there, shorter, longer = (np.zeros(LONGEST, np.int64) for _ in range(3))
    sums = list[float]()
    for bases, own, truth in reads:
        _, length = homopolymers(truth)
        there += np.bincount(np.minimum(length, LONGEST) - 1, minlength=LONGEST)
        of = np.repeat(np.minimum(length, LONGEST) - 1, length)
        found = operations(bases, truth)
        sums.append(len(found) / len(truth))
        wrong = np.zeros(len(bases), np.bool_)
        for letter, at_read, at_truth in found:
            place, read_place = min(at_truth, len(truth) - 1), min(at_read, len(bases) - 1)
            wrong[read_place] = True
            if letter == "D":
                shorter[of[place]] += 1
            elif letter == "X":
                kinds["mismatch"] += 1
            elif bases[read_place] in {truth[place], truth[place - 1]}:
                longer[of[place if bases[read_place] == truth[place] else place - 1]] += 1
            else:
                kinds["foreign"] += 1
            qualities[EVENTS[letter]][int(own[read_place])] += 1
        _, length = homopolymers(bases)
        group = np.repeat(np.searchsorted(QUALITY_LENGTHS, length, side="right") - 1, length)
        for number, least in enumerate(QUALITY_LENGTHS):
            qualities.setdefault(f"right {least}", Counter()).update(own[~wrong & (group == number)].tolist())
    total = sum(len(truth) for *_, truth in reads)
    return HifiErrors(
        factors=tuple(np.round(np.sort(sums) / np.mean(sums), 3).tolist()),
        shorter=_rates(shorter, there),
        longer=_rates(longer, there),
        mismatch=float(f"{kinds['mismatch'] / total:.3g}"),
        foreign=float(f"{kinds['foreign'] / total:.3g}"),
        qualities={name: dict(sorted(counts.items())) for name, counts in sorted(qualities.items())},
    )


def _rates(errors: NDArray[np.int64], there: NDArray[np.int64]) -> tuple[float, ...]:
    return tuple(float(f"{rate:.3g}") for rate in errors / np.maximum(there, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    reads = [forward(one) for one in real_reads(args.shared / CHM13) if one.counts]
    text = json.dumps(asdict(count_errors(reads)))
    print(text)
    if args.write:
        FILE.write_text(text + "\n")


if __name__ == "__main__":
    main()
