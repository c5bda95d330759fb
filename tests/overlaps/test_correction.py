"""Reads corrected by each other, from end to end."""

from dataclasses import replace

import edlib
import numpy as np
from overlap_reads import genome, tiled, with_errors

from deepconsensus_py.overlaps.correction import correct_overlapping, correct_reads
from deepconsensus_py.overlaps.overlap import find_overlaps
from deepconsensus_py.pacbio.molecule import Draft, reverse_complement
from deepconsensus_py.polishing.read import PolishedRead

Array = np.ndarray
QUALITY = 28


def distance(one: Array, other: Array) -> int:
    return int(edlib.align(one.tobytes(), other.tobytes())["editDistance"])


def as_drafts(reads: list[Array]) -> list[Draft]:
    return [
        Draft(f"movie/{number}/ccs", read, np.full(len(read), QUALITY, np.uint8)) for number, read in enumerate(reads)
    ]


def corrected(reads: list[Array], **options: int) -> list[PolishedRead]:
    return list(correct_reads(as_drafts(reads), rounds=2, **options))


def test_errors_go_and_alleles_stay() -> None:
    rng = np.random.default_rng(1)
    bases = genome(20_000, 1)
    second = bases.copy()
    second[700::1500] = second[700::1500] % 4 + 1
    truths = [read for haplotype in (bases, second) for read in tiled(haplotype, 8000, 1500)]
    given = [with_errors(truth, 12, rng) for truth in truths]
    turned = [reverse_complement(read) if number % 3 == 0 else read for number, read in enumerate(given)]
    reads = corrected(turned)
    found = [reverse_complement(read.bases) if number % 3 == 0 else read.bases for number, read in enumerate(reads)]
    before = sum(distance(*pair) for pair in zip(given, truths, strict=True))
    after = [distance(*pair) for pair in zip(found, truths, strict=True)]
    # The ends of the genome have too few reads.
    inner = [number % 9 in (3, 4, 5) for number in range(len(truths))]
    assert sum(after) < before / 2
    assert sum(error for error, is_inner in zip(after, inner, strict=True) if is_inner) <= 2


def test_where_reads_are_few_bases_and_qualities_stay() -> None:
    rng = np.random.default_rng(2)
    truths = tiled(genome(12_000, 2), 6000, 3000)
    given = [with_errors(truth, 10, rng) for truth in truths]
    for read, bases in zip(corrected(given, min_coverage=3), given, strict=True):
        assert np.array_equal(read.bases, bases)
        assert set(read.qualities) == {QUALITY}


def test_a_read_without_overlaps_stays() -> None:
    reads = [genome(4000, seed) for seed in (3, 4)]
    for read, bases in zip(corrected(reads), reads, strict=True):
        assert np.array_equal(read.bases, bases)
        assert set(read.qualities) == {QUALITY}


def predicted(_bases: Array, qualities: Array, _coverage: Array) -> Array:
    return qualities


def test_the_part_around_a_read_is_enough() -> None:
    """A read is the same, whether all reads are corrected or those within three steps."""
    rng = np.random.default_rng(5)
    reads = [with_errors(truth, 12, rng) for truth in tiled(genome(40_000, 5), 6000, 1000)]
    drafts = as_drafts(reads)
    overlaps = find_overlaps(reads)
    # Qualities of the model: fitted ones hardly tell what has been corrected.
    whole = list(correct_overlapping(drafts, overlaps, qualities=predicted))
    wanted = 17
    steps = np.full(len(reads), 127, np.int8)
    steps[wanted] = 0
    for step in range(3):
        for number in np.flatnonzero(steps == step):
            others = [overlap.other for overlap in overlaps[number]]
            steps[others] = np.minimum(steps[others], step + 1)
    # The reads that are too far away are not even there.
    near = [
        draft if step <= 3 else replace(draft, bases=draft.bases[:0]) for draft, step in zip(drafts, steps, strict=True)
    ]
    assert 0 < sum(len(draft.bases) == 0 for draft in near) < len(reads)
    (alone,) = correct_overlapping(near, overlaps, steps, qualities=predicted)
    assert alone.bases.tobytes() == whole[wanted].bases.tobytes()
    assert alone.qualities.tobytes() == whole[wanted].qualities.tobytes()
    # One step less, and the last round takes copies that nothing has corrected.
    steps[steps == 1] = 3
    (worse,) = correct_overlapping(near, overlaps, steps, qualities=predicted)
    assert alone.qualities.tobytes() != worse.qualities.tobytes()
