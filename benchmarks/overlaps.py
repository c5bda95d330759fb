"""HiFi reads corrected by each other: errors left, errors expected, alleles kept, processor time.

    python benchmarks/overlaps.py [--shared DIR] [--seeds 1 2] [--rounds 3] [--min-coverage 3]

The reads are 114 of CHM13 (haploid; Google's test data, aligned to their truth), those that lie within the truth count.
For each seed, variants are planted in every second read as in a diploid genome: one in 1,000 bases, of which 73 % are
substitutions, 10 % homopolymers that are longer or shorter by one base, and 17 % indels of 2 to 10 bases. Errors are
edit distances from the truth of the read's haplotype. "Covered" are errors where at least four other reads of the
haplotype are; a variant is lost if the corrected read has an error there that it did not have before.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import edlib
import mappy
import numpy as np
import pysam
from reads import SHARED

from deepconsensus_py.overlaps.correction import MIN_COVERAGE, ROUNDS, correct_reads
from deepconsensus_py.pacbio.molecule import Draft, decode_bases, encode_bases

EVERY, KINDS, SHARES = 1000, ("substitution", "homopolymer", "indel"), (0.73, 0.10, 0.17)
"""Bases for each variant, and what they are."""

APART, CLIPPED, AROUND, BESIDE = 30, 50, 700, 2
"""Bases between variants; most clipped bases of a read that counts; bases around its place, and around a variant."""

ENOUGH = 4
"""Other reads of the haplotype."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Bases ``start:stop`` of the genome are others in the second haplotype."""

    kind: str
    start: int
    stop: int
    instead: str


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A read whose truth is known.

    Attributes:
        draft: the read, as it was sequenced.
        reverse: whether it is of the genome's other strand.
        place: interval of the genome.
        counts: whether it lies within the genome.
        haplotype: 0 or 1.
    """

    draft: Draft
    reverse: bool
    place: tuple[int, int]
    counts: bool
    haplotype: int


def plant(genome: str, rng: np.random.Generator) -> list[Variant]:
    """Variants of a second haplotype."""
    found, place = list[Variant](), APART
    while (place := place + int(rng.exponential(EVERY - APART)) + APART) < len(genome) - 2 * APART:
        kind = str(rng.choice(KINDS, p=SHARES))
        bases = "".join(rng.choice(list("ACGT"), int(rng.integers(2, 11))))
        start, stop, instead = place, place, bases
        if kind == "substitution":
            stop, instead = place + 1, str(rng.choice([base for base in "ACGT" if base != genome[place]]))
        elif kind == "homopolymer":
            while not genome[start - 1] != genome[start] == genome[start + 1] == genome[start + 2]:
                start += 1
            stop, instead = (start + 1, "") if rng.random() < 0.5 else (start, genome[start])
        elif rng.random() < 0.5:
            stop, instead = place + len(bases), ""
        found.append(Variant(kind, start, stop, instead))
        place = stop
    return found


def changed(sequence: str, places: np.ndarray, variants: Sequence[Variant]) -> str:
    """A sequence with the variants that it covers; ``places`` has its base at each of the genome, -1 for none."""
    parts, done = list[str](), 0
    for one in variants:
        begin, end = places[one.start], places[one.stop]
        if begin >= done and end >= begin and places[one.start - 1] >= 0:
            parts += [sequence[done:begin], one.instead]
            done = end
    return "".join([*parts, sequence[done:]])


def load(folder: Path, genome: str, variants: Sequence[Variant]) -> Iterator[Known]:
    """The reads, every second one with the variants."""
    with pysam.AlignmentFile(str(folder / "CHM13_chr20_0_200000_dc.to_truth.bam")) as file:
        records = [r for r in file if not (r.is_secondary or r.is_supplementary or r.is_unmapped)]
    for number, record in enumerate(records):
        haplotype = number % 2 if variants else 0
        bases, qualities = str(record.query_sequence).upper(), np.array(record.query_qualities, np.uint8)
        if haplotype:
            places = np.full(max(len(genome), record.reference_end) + 1, -1)
            pairs = np.array(record.get_aligned_pairs(matches_only=True))
            places[pairs[:, 1]] = pairs[:, 0]
            bases = changed(bases, places, variants)
            qualities = np.full(len(bases), int(np.median(qualities)), np.uint8)
        if record.is_reverse:
            bases, qualities = mappy.revcomp(bases), qualities[::-1]
        start, stop = record.reference_start, int(record.reference_end or 0)
        clipped = max(record.query_alignment_start, len(record.query_sequence or "") - record.query_alignment_end)
        inside = clipped < CLIPPED and start > 0 and stop < len(genome) - 1
        draft = Draft(str(record.query_name), encode_bases(bases), qualities)
        yield Known(draft, record.is_reverse, (start, stop), inside, haplotype)


def errors(bases: np.ndarray, known: Known, truth: str) -> np.ndarray:
    """Position in the truth of each error."""
    first = max(known.place[0] - AROUND, 0)
    around = truth[first : known.place[1] + AROUND]
    sequence = decode_bases(bases)
    found = edlib.align(mappy.revcomp(sequence) if known.reverse else sequence, around, mode="HW", task="path")
    places, at = list[int](), first + int(found["locations"][0][0])
    for length, code in re.findall(r"(\d+)([=XID])", str(found["cigar"])):
        on_truth = 0 if code == "I" else int(length)
        if code != "=":
            places += [at] * int(length) if code == "I" else range(at, at + on_truth)
        at += on_truth
    return np.array(places, np.int64)


def measure(
    reads: Sequence[Known], truths: Sequence[str], variants: Sequence[Variant], args: argparse.Namespace
) -> str:
    """A row of the table."""
    depth = np.zeros((2, max(map(len, truths)) + AROUND), np.int64)
    for one in reads:
        depth[one.haplotype, slice(*one.place)] += 1
    start, sums, worse = time.process_time(), Counter[str](), 0
    corrected = list(correct_reads([one.draft for one in reads], rounds=args.rounds, min_coverage=args.min_coverage))
    seconds = time.process_time() - start
    sites = shifted(variants)
    for one, read in zip(reads, corrected, strict=True):
        if not one.counts:
            continue
        truth, covered = truths[one.haplotype], depth[one.haplotype] > ENOUGH
        before = errors(one.draft.bases, one, truth)
        after = errors(read.bases if len(read.bases) else one.draft.bases, one, truth)
        worse += len(after) > len(before)
        sums += Counter({"before": len(before), "after": len(after)})
        sums += Counter({"covered before": int(covered[before].sum()), "covered": int(covered[after].sum())})
        sums["expected"] += round(float((10 ** (read.qualities / -10.0)).sum()))
        if one.haplotype:
            own = [site for site in sites if one.place[0] <= site[1] and site[2] <= one.place[1]]
            sums["alleles"] += len(own)
            sums["lost"] += sum(within(after, site) and not within(before, site) for site in own)
    names = ("before", "after", "expected", "covered before", "covered", "alleles", "lost")
    return " | ".join([*(str(sums[name]) for name in names), str(worse), f"{seconds:.0f}"])


def shifted(variants: Sequence[Variant]) -> list[tuple[str, int, int]]:
    """Kind and interval of each variant, in the second haplotype."""
    found, moved = list[tuple[str, int, int]](), 0
    for one in variants:
        found.append((one.kind, one.start + moved, one.start + moved + len(one.instead)))
        moved += len(one.instead) - (one.stop - one.start)
    return found


def within(places: np.ndarray, site: tuple[str, int, int]) -> bool:
    return bool(((places >= site[1] - BESIDE) & (places <= site[2] + BESIDE)).any())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--min-coverage", type=int, default=MIN_COVERAGE)
    args = parser.parse_args()
    folder = args.shared / "data" / "polished_reads"
    with pysam.FastaFile(str(folder / "CHM13_chr20_0_200000.fa")) as file:
        genome = file.fetch(file.references[0]).upper()
    print("| reads | errors | left | expected | covered | left | alleles | lost | reads worse | s |")
    print("|---" * 10 + "|")
    print("| haploid |", measure(list(load(folder, genome, [])), [genome], [], args), "|", flush=True)
    for seed in args.seeds:
        variants = plant(genome, np.random.default_rng(seed))
        second = changed(genome, np.arange(len(genome) + 1), variants)
        row = measure(list(load(folder, genome, variants)), [genome, second], variants, args)
        print(f"| diploid, seed {seed} | {row} |", flush=True)


if __name__ == "__main__":
    main()
