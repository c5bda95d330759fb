"""HiFi reads of haplotypes and repeats with known truth and alleles: real ones with planted variants, simulated ones.

Genomes are circular, so that coverage is even, where reads are simulated (``hifi_errors``); real reads are those of
CHM13 (haploid), aligned to their truth, and variants are planted in their bases.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import edlib
import mappy
import numpy as np
import pysam
from hifi_errors import HifiErrors, counted_errors
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Draft, decode_bases, encode_bases

CHM13 = Path("data", "polished_reads", "CHM13_chr20_0_200000")
"""Start of the names of the reads and of their truth, in the folder of real reads."""

EVERY = 1000
"""Bases for each variant."""

SHARES = {"SNV": 0.72, "homopolymer": 0.10, "indel": 0.16, "insertion": 0.02}
"""Of the variants: homopolymers of four bases or more get one more or one less; indels have 2 to 10 bases."""

MARGIN = 20
"""Bases of the truth beyond the ends of a read: where it ends, a corrected one may have a base more."""

INSERTED, APART, CLIPPED, AROUND = 300, 40, 50, 4000
"""Bases of an insertion; least between variants; most clipped bases of a real read that counts; how far variants may
move it."""

BESIDE = 15
"""Bases on both sides of a variant, and of the homopolymer that it lies in, by which its allele is told."""

LENGTH, DEVIATION, SHORTEST = 20_000, 2_500, 5_000
"""Bases of simulated reads, as many as those of CHM13 have."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Bases ``start:stop`` of the genome are others in a haplotype."""

    kind: str
    start: int
    stop: int
    instead: str


@dataclass(frozen=True, slots=True)
class Site:
    """Bases ``start:stop`` of a sequence, which are ``other`` in another haplotype or copy."""

    kind: str
    start: int
    stop: int
    other: str

    def moved(self, by: int) -> "Site":
        """The same site so many bases further."""
        return replace(self, start=self.start + by, stop=self.stop + by)


@dataclass(frozen=True, slots=True)
class Haplotype:
    """A sequence and its sites in ascending order."""

    sequence: str
    sites: tuple[Site, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class KnownRead:
    """A read whose truth is known.

    Attributes:
        draft: the read, as it was sequenced.
        reverse: whether it is of the other strand than the truth.
        truth: of its haplotype, with ``MARGIN`` more bases at both ends.
        sites: in the truth.
        haplotype: number.
        start: first base of the truth in the haplotype.
        size: bases of the haplotype.
        counts: whether its truth is whole.
    """

    draft: Draft
    reverse: bool
    truth: str
    sites: tuple[Site, ...]
    haplotype: int
    start: int
    size: int
    counts: bool = True


def plant(
    genome: str, rng: np.random.Generator, every: float = EVERY, shares: Mapping[str, float] = SHARES
) -> list[Variant]:
    """Variants of a second haplotype.

    Args:
        genome: bases of the first one.
        rng: random numbers.
        every: bases for each variant.
        shares: of the kinds of variants.
    """
    found, place = list[Variant](), APART
    while (place := place + int(rng.exponential(max(every - APART, 1))) + APART) < len(genome) - 3 * APART:
        kind = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
        size = INSERTED if kind == "insertion" else int(rng.integers(2, 11))
        start, stop, instead = place, place, "".join(rng.choice(list("ACGT"), size))
        if kind == "SNV":
            stop, instead = place + 1, str(rng.choice([base for base in "ACGT" if base != genome[place]]))
        elif kind == "homopolymer":
            found_one = re.compile(r"(.)(?!\1)(.)\2{3}").search(genome, place)
            if found_one is None or found_one.end() > len(genome) - 2 * APART:
                break
            start = found_one.start(2)
            stop, instead = (start + 1, "") if rng.random() < 0.5 else (start, genome[start])
        elif kind == "indel" and rng.random() < 0.5:
            stop, instead = place + size, ""
        found.append(Variant(kind, start, stop, instead))
        place = stop
    return found


def haplotypes(genome: str, variants: Sequence[Variant], owners: Sequence[int], number: int) -> list[Haplotype]:
    """Haplotypes of a genome; each variant is in the one that owns it alone."""
    return [_haplotype(genome, variants, [owner == one for owner in owners]) for one in range(number)]


def _haplotype(genome: str, variants: Sequence[Variant], has: Sequence[bool]) -> Haplotype:
    parts, sites, done, moved = list[str](), list[Site](), 0, 0
    for variant, own in zip(variants, has, strict=True):
        old = genome[variant.start : variant.stop]
        here, there = (variant.instead, old) if own else (old, variant.instead)
        parts += [genome[done : variant.start], here]
        start = variant.start + moved
        sites.append(Site(variant.kind, start, start + len(here), there))
        done, moved = variant.stop, moved + len(here) - len(old)
    return Haplotype("".join([*parts, genome[done:]]), tuple(sites))


def polyploid(genome: str, ploidy: int, rng: np.random.Generator) -> list[Haplotype]:
    """Haplotypes of which any two differ at one in ``EVERY`` bases."""
    if ploidy == 1:
        return [Haplotype(genome)]
    variants = plant(genome, rng, EVERY if ploidy == 2 else EVERY / 2)
    owners = rng.integers(ploidy, size=len(variants)) if ploidy > 2 else np.ones(len(variants), np.int64)
    return haplotypes(genome, variants, owners.tolist(), ploidy)


def with_copies(genome: str, divergence: float, rng: np.random.Generator) -> list[Haplotype]:
    """A haploid genome: two copies of a third of the given one that differ, between them its other two thirds."""
    third = len(genome) // 3
    repeat, first, second = genome[:third], genome[third : 2 * third], genome[2 * third :]
    variants = plant(repeat, rng, 1 / divergence)
    one, other = haplotypes(repeat, variants, [1] * len(variants), 2)
    moved = len(repeat) + len(first)
    sites = (*one.sites, *(site.moved(moved) for site in other.sites))
    return [Haplotype(one.sequence + first + other.sequence + second, sites)]


def simulated_reads(
    of: Sequence[Haplotype],
    coverage: float | Sequence[float],
    rng: np.random.Generator,
    *,
    length: int = LENGTH,
    deviation: int = DEVIATION,
    errors: HifiErrors | None = None,
) -> list[KnownRead]:
    """Reads of circular haplotypes, in random order and from both strands.

    Args:
        of: the haplotypes.
        coverage: of all, or of each.
        rng: random numbers.
        length: mean number of bases.
        deviation: its standard deviation.
        errors: None are those of ``hifi_errors.json``.
    """
    errors, found = errors or counted_errors(), list[KnownRead]()
    for haplotype, (one, fold) in enumerate(zip(of, np.broadcast_to(coverage, len(of)), strict=True)):
        size = len(one.sequence)
        for _ in range(round(fold * size / length)):
            start, own = int(rng.integers(size)), int(np.clip(rng.normal(length, deviation), SHORTEST, size))
            truth = (one.sequence * 3)[start + size - MARGIN : start + size + own + MARGIN]
            sites = _sites_within(one.sites, size, start - MARGIN, len(truth))
            bases, qualities = errors.read(truth[MARGIN:-MARGIN], rng)
            reverse = bool(rng.integers(2))
            draft = _draft(f"simulated/{haplotype}_{len(found)}/ccs", bases, qualities, reverse=reverse)
            found.append(KnownRead(draft, reverse, truth, sites, haplotype, start - MARGIN, size))
    return [found[number] for number in rng.permutation(len(found))]


def _sites_within(sites: Sequence[Site], size: int, start: int, length: int) -> tuple[Site, ...]:
    """Those of a stretch of a circular sequence, where it shows both sides of them."""
    turns = (site.moved(turn - start) for turn in (0, size, -size) for site in sites)
    found = (site for site in turns if site.start >= 3 * BESIDE and site.stop <= length - 3 * BESIDE)
    return tuple(sorted(found, key=lambda site: site.start))


def _draft(name: str, bases: str, qualities: NDArray[np.uint8], *, reverse: bool) -> Draft:
    if reverse:
        bases, qualities = mappy.revcomp(bases), qualities[::-1]
    return Draft(name, encode_bases(bases), np.ascontiguousarray(qualities))


def real_genome(start: Path) -> str:
    """The truth of the real reads."""
    with pysam.FastaFile(f"{start}.fa") as file:
        return str(file.fetch(file.references[0])).upper()


def real_reads(start: Path, variants: Sequence[Variant] = ()) -> Iterator[KnownRead]:
    """The reads of CHM13, every second one with the variants.

    Args:
        start: of the paths of the reads and their truth.
        variants: of the second haplotype.
    """
    genome = real_genome(start)
    of = haplotypes(genome, variants, [1] * len(variants), 2)
    with pysam.AlignmentFile(f"{start}_dc.to_truth.bam") as file:
        records = [r for r in file if not (r.is_secondary or r.is_supplementary or r.is_unmapped)]
    for number, record in enumerate(records):
        haplotype = number % 2 if variants else 0
        bases, qualities = str(record.query_sequence).upper(), np.array(record.query_qualities, np.uint8)
        if haplotype:
            places = np.full(max(len(genome), record.reference_end) + 1, -1)
            pairs = np.array(record.get_aligned_pairs(matches_only=True))
            places[pairs[:, 1]] = pairs[:, 0]
            bases, qualities = _planted(bases, qualities, places, variants)
        begin, end = record.reference_start, int(record.reference_end or 0)
        clipped = max(record.query_alignment_start, len(record.query_sequence or "") - record.query_alignment_end)
        inside = clipped < CLIPPED and begin > 0 and end < len(genome) - 1
        truth_start, truth = _truth(bases, of[haplotype].sequence, begin, end)
        sites = _sites_within(of[haplotype].sites, 10**9, truth_start, len(truth))
        draft = _draft(str(record.query_name), bases, qualities, reverse=record.is_reverse)
        size = len(of[haplotype].sequence)
        yield KnownRead(draft, record.is_reverse, truth, sites, haplotype, truth_start, size, inside)


def _truth(bases: str, sequence: str, start: int, stop: int) -> tuple[int, str]:
    """Where a read fits a haplotype best, near its place in the genome."""
    first = max(start - AROUND, 0)
    begin, last = edlib.align(bases, sequence[first : stop + AROUND], mode="HW", task="locations")["locations"][0]
    start = max(first + begin - MARGIN, 0)
    return start, sequence[start : first + last + 1 + MARGIN]


def _planted(
    bases: str, qualities: NDArray[np.uint8], places: NDArray[np.int64], variants: Sequence[Variant]
) -> tuple[str, NDArray[np.uint8]]:
    """A read with the variants that it covers; ``places`` has its base at each of the genome, -1 for none.

    New bases have the quality of the one that stood there.
    """
    parts, kept, done = list[str](), list[NDArray[np.uint8]](), 0
    for one in variants:
        begin, end = int(places[one.start]), int(places[one.stop])
        if begin >= done and end >= begin and places[one.start - 1] >= 0:
            parts += [bases[done:begin], one.instead]
            kept += [qualities[done:begin], np.full(len(one.instead), qualities[begin])]
            done = end
    return "".join([*parts, bases[done:]]), np.concatenate([*kept, qualities[done:]])


def other_reads(reads: Sequence[KnownRead]) -> list[NDArray[np.int64]]:
    """How many other reads of the haplotype cover each base of the truth of each read."""
    depth = {one.haplotype: np.zeros(one.size, np.int64) for one in reads}
    places = [(one.start + np.arange(len(one.truth))) % one.size for one in reads]
    for one, at in zip(reads, places, strict=True):
        depth[one.haplotype][at] += 1
    return [depth[one.haplotype][at] - 1 for one, at in zip(reads, places, strict=True)]


def forward(read: KnownRead) -> tuple[str, NDArray[np.uint8], str]:
    """Bases and qualities of a read in the direction of its truth, and the truth."""
    assert read.draft.qualities is not None
    return oriented(read.draft.bases, read), read.draft.qualities[:: -1 if read.reverse else 1], read.truth


def oriented(bases: NDArray[np.uint8], read: KnownRead) -> str:
    """Bases of a read, corrected or not, in the direction of its truth."""
    sequence = decode_bases(bases)
    return str(mappy.revcomp(sequence)) if read.reverse else sequence


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A read beside its truth.

    Attributes:
        errors: ``int64[errors]`` position in the truth of each.
        places: ``int64[errors]`` position in the read, in the direction of the truth; of a missing base, the next one.
        alleles: ``int8[sites]`` 1 where it has its haplotype's allele, -1 where the other one, 0 where neither is
            nearer.
        before: ``int64[truth + 1]`` bases of the read before each of the truth.
    """

    errors: NDArray[np.int64]
    places: NDArray[np.int64]
    alleles: NDArray[np.int8]
    before: NDArray[np.int64]


def judge(bases: NDArray[np.uint8], read: KnownRead) -> Judged:
    """Compare bases of a read with its truth."""
    sequence = oriented(bases, read)
    found = edlib.align(sequence, read.truth, mode="HW", task="path")
    path = re.findall(r"(\d+)([=XID])", found["cigar"])
    letters = np.repeat([letter for _, letter in path], [int(length) for length, _ in path])
    on_truth, on_read = letters != "I", letters != "D"
    at = found["locations"][0][0] + np.cumsum(on_truth) - on_truth
    read_at = np.cumsum(on_read) - on_read
    errors, places = (where[letters != "="].astype(np.int64) for where in (at, read_at))
    before = np.zeros(len(read.truth) + 1, np.int64)
    before[at[on_truth]] = read_at[on_truth]
    before[at[-1] + on_truth[-1] :] = len(sequence)
    alleles = np.array([_allele(sequence, before, read.truth, site) for site in read.sites], np.int8)
    return Judged(errors, places, alleles, before)


def _allele(sequence: str, before: NDArray[np.int64], truth: str, site: Site) -> int:
    start, stop = site.start, site.stop
    # The whole homopolymer, whichever of its bases the alignment lacks.
    while stop < len(truth) - 1 and truth[stop] == truth[stop - 1]:
        stop += 1
    while start > 0 and truth[start - 1] == truth[start]:
        start -= 1
    # Alignments at the least edit distance scatter the bases of an insertion over as many of the sequence.
    beside = BESIDE + max(len(site.other), site.stop - site.start)
    start, stop = max(start - beside, 0), min(stop + beside, len(truth))
    has = sequence[before[start] : before[stop]]
    own, other = truth[start:stop], truth[start : site.start] + site.other + truth[site.stop : stop]
    distances = [int(edlib.align(has, one)["editDistance"]) if has else len(one) for one in (own, other)]
    return int(np.sign(distances[1] - distances[0]))
