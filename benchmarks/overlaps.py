"""HiFi reads corrected by each other: errors left, alleles kept, errors expected, processor time.

    python benchmarks/overlaps.py [--shared DIR] [--rows haploid diploid ...] [--seeds 1 2] [--coverage 6] [--part 1]

Rows (``haplotypes.py`` makes the reads):

haploid: the reads of CHM13 whose truth is whole, 12-fold.
diploid: the same, with variants planted in every second of them: one in 1,000 bases, of which 72 % are SNVs, 10 %
    homopolymers of four bases or more that are longer or shorter by one, 16 % indels of 2 to 10 bases, 2 % insertions
    of 300.
diploid, no SNVs: the same number of variants, all of them of the other kinds.
simulated: reads of a part of CHM13, whose errors are drawn as they were counted; of one, two or four haplotypes, each
    covered ``--coverage`` times. Any two haplotypes differ as those of ``diploid`` do.
copies: a haploid genome with two copies of a repeat that differ at one in 500, 200 or 100 bases.
strains: two genomes that differ at one in 500 bases, one 20-fold and one 2-fold, as in a metagenome.

Errors are edit distances from the truth of the read's haplotype. An allele is one that the read had, and is kept if it
still has it. Switches are places where two alleles next to each other became those of another haplotype or copy. Worse
are reads with more than two errors more than before. "Covered" are errors where at least four other reads of the
haplotype are, in reads with overlaps; "expected" are those that the qualities of these reads promise, there.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from haplotypes import (
    CHM13,
    SHARES,
    Haplotype,
    KnownRead,
    haplotypes,
    judge,
    other_reads,
    plant,
    polyploid,
    real_genome,
    real_reads,
    simulated_reads,
    with_copies,
)
from numpy.typing import NDArray
from reads import SHARED

from deepconsensus_py.overlaps.correction import MIN_COVERAGE, ROUNDS, correct_reads
from deepconsensus_py.polishing.qualities import error_probability
from deepconsensus_py.polishing.read import PolishedRead

ENOUGH = 4
"""Other reads of the haplotype."""

MUCH_WORSE = 2

PART = 60_000
"""Bases of the genome that reads are simulated of."""

STRAINS_DIFFER, FREQUENT, RARE = 0.002, 20, 2
"""Differences a base of two strains, and the coverage of each."""

KINDS = tuple(SHARES)

Sets = Callable[[argparse.Namespace, int], list[KnownRead]]


def real(args: argparse.Namespace, seed: int, shares: Mapping[str, float] = SHARES) -> list[KnownRead]:
    start = args.shared / CHM13
    variants = plant(real_genome(start), np.random.default_rng(seed), shares=shares) if seed else ()
    return [one for one in real_reads(start, variants) if one.start < args.part * one.size]


def of_haplotypes(ploidy: int) -> Sets:
    return lambda args, seed: _simulated(args, seed, lambda genome, rng: polyploid(genome, ploidy, rng))


def of_copies(divergence: float) -> Sets:
    return lambda args, seed: _simulated(args, seed, lambda genome, rng: with_copies(genome, divergence, rng))


def _simulated(
    args: argparse.Namespace, seed: int, make: Callable[[str, np.random.Generator], list[Haplotype]]
) -> list[KnownRead]:
    rng = np.random.default_rng(seed)
    genome = real_genome(args.shared / CHM13)[PART : 2 * PART][: round(PART * args.part)]
    return simulated_reads(make(genome, rng), args.coverage, rng)


def strains(args: argparse.Namespace, seed: int) -> list[KnownRead]:
    rng = np.random.default_rng(seed)
    genome = real_genome(args.shared / CHM13)[PART : 2 * PART][: round(PART * args.part)]
    variants = plant(genome, rng, 1 / STRAINS_DIFFER)
    of = haplotypes(genome, variants, [1] * len(variants), 2)
    return simulated_reads(of, (FREQUENT, RARE), rng)


ROWS: dict[str, Sets] = {
    "haploid": lambda args, _: real(args, 0),
    "diploid": real,
    "diploid, no SNVs": lambda args, seed: real(args, seed, {kind: SHARES[kind] for kind in KINDS[1:]}),
    "simulated, haploid": of_haplotypes(1),
    "simulated, diploid": of_haplotypes(2),
    "simulated, tetraploid": of_haplotypes(4),
    "copies, 0.2 %": of_copies(0.002),
    "copies, 0.5 %": of_copies(0.005),
    "copies, 1 %": of_copies(0.01),
    "strains": strains,
}


def measure(reads: Sequence[KnownRead], corrected: Sequence[PolishedRead]) -> Counter[str]:
    """What the reads had, and what is left."""
    sums = Counter[str]()
    for one, read, others in zip(reads, corrected, other_reads(reads), strict=True):
        if one.counts:
            sums += measure_read(one, read, others)
    return sums


def measure_read(one: KnownRead, read: PolishedRead, others: NDArray[np.int64]) -> Counter[str]:
    before, after = judge(one.draft.bases, one), judge(read.bases, one)
    covered = np.append(others >= ENOUGH, False) & (read.passes > 1)
    wrong = error_probability(read.qualities[:: -1 if one.reverse else 1])
    of_truth = np.add.reduceat(np.append(wrong, 0), after.before[:-1]) * (np.diff(after.before) > 0)
    had = before.alleles > 0
    lost = had & (after.alleles <= 0)
    both = (after.alleles[:-1] < 0) & (after.alleles[1:] < 0) & (had[:-1] | had[1:])
    sums = Counter(
        {
            "reads": 1,
            "bases": len(one.truth),
            "errors": len(before.errors),
            "left": len(after.errors),
            "covered errors": int(covered[before.errors].sum()),
            "covered left": int(covered[after.errors].sum()),
            "switches": int(both.sum()),
            "worse": int(len(after.errors) > len(before.errors) + MUCH_WORSE),
        }
    )
    sums["expected"] = float(wrong.sum())  # type: ignore[assignment]
    sums["covered expected"] = float(of_truth[covered[:-1]].sum())  # type: ignore[assignment]
    sums["covered bases"] = int(covered.sum())
    for site, own, gone in zip(one.sites, had, lost, strict=True):
        sums[site.kind] += int(own)
        sums[f"{site.kind} lost"] += int(gone)
    return sums


TITLES = ("errors", "left", "removed, %", *(f"{kind}s lost" for kind in KINDS), "switches", "worse")
TITLES = (*TITLES, "covered", "left", "expected", "Phred too high", "s")


def row(sums: Counter[str], seconds: float) -> str:
    cells = [f"{sums['errors']}", f"{sums['left']}", f"{100 * (1 - sums['left'] / max(sums['errors'], 1)):.1f}"]
    cells += [f"{sums[f'{kind} lost']} of {sums[kind]}" if sums[kind] else "" for kind in KINDS]
    cells += [str(sums[name]) for name in ("switches", "worse", "covered errors", "covered left")]
    ratio = max(sums["covered left"], 0.5) / max(sums["covered expected"], 1e-9)
    return " | ".join([*cells, f"{sums['covered expected']:.0f}", f"{10 * np.log10(ratio):+.1f}", f"{seconds:.0f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="ROW")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--coverage", type=float, default=6)
    parser.add_argument("--part", type=float, default=1, help="of the real reads, or of the simulated genome")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--min-coverage", type=int, default=MIN_COVERAGE)
    args = parser.parse_args()
    print("| reads |", " | ".join(TITLES), "|")
    print("|---" * (len(TITLES) + 1) + "|")
    for name in args.rows:
        for seed in args.seeds[: 1 if name == "haploid" else None]:
            reads = ROWS[name](args, seed)
            start = time.process_time()
            options = {"rounds": args.rounds, "min_coverage": args.min_coverage}
            corrected = list(correct_reads([one.draft for one in reads], **options))
            seconds = time.process_time() - start
            seeded = "" if name == "haploid" else f", seed {seed}"
            print(f"| {name}{seeded} | {row(measure(reads, corrected), seconds)} |", flush=True)


if __name__ == "__main__":
    main()
