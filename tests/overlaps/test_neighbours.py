"""Reads that overlap, as passes: what they have, where they are copies of one sequence, and where they are enough."""

import numpy as np
import pytest
from overlap_reads import DELETED, genome, letters, with_errors

from deepconsensus_py.overlaps.coverage import coverage, within
from deepconsensus_py.overlaps.haplotypes import of_same_haplotype
from deepconsensus_py.overlaps.neighbours import Copy, as_passes
from deepconsensus_py.overlaps.overlap import Overlap, find_overlaps
from deepconsensus_py.pacbio.molecule import Draft, Pass, reverse_complement

Array = np.ndarray


def passes_of(reads: list[Array], number: int = 0) -> list[Pass]:
    draft = Draft("movie/1/ccs", reads[number], None)
    return as_passes(draft, find_overlaps(reads)[number], [Copy.of(read) for read in reads])


def test_neighbours_are_aligned_in_the_direction_of_the_read() -> None:
    bases = genome(6000, 1)
    other = np.delete(bases, 3000)
    other[1000] = other[1000] % 4 + 1
    own, neighbour = passes_of([bases, reverse_complement(other)])
    assert np.array_equal(letters(own, 6000), bases)
    assert neighbour.reverse
    found = letters(neighbour, 6000)
    (differing,) = np.nonzero(found != bases)
    assert differing[0] == 1000
    assert found[1000] == other[1000]
    # A base deleted from a homopolymer may be any of it.
    assert found[differing[1]] == DELETED
    assert abs(differing[1] - 3000) < 5
    assert len(differing) == 2


def test_of_corrected_copies_the_same_stretch_is_taken() -> None:
    bases = genome(500, 2)
    index = np.concatenate([np.arange(100), [-1], np.arange(100, 300), np.arange(310, 500)]).astype(np.int32)
    corrected = np.insert(np.delete(bases, range(300, 310)), 100, 2)
    copy = Copy(corrected, index)
    assert np.array_equal(copy.between(50, 100), bases[50:100])
    assert np.array_equal(copy.between(100, 305), bases[100:300])
    assert np.array_equal(copy.between(90, 110), np.insert(bases[90:110], 10, 2))
    assert not len(copy.between(300, 310))


def test_only_reads_of_the_same_haplotype_stay() -> None:
    rng = np.random.default_rng(3)
    bases = genome(8000, 3)
    second = bases.copy()
    second[500::1000] = second[500::1000] % 4 + 1
    reads = [with_errors(one, 15, rng) for one in [bases, second] * 4]
    for number in (0, 1):
        kept = of_same_haplotype(Draft("movie/1/ccs", reads[number], None), passes_of(reads, number))
        assert len(kept) == 4
        nearer = [bases, second][number]
        at = np.arange(500, 8000, 1000)
        for p in kept:
            # Positions in the read may be off by a few of its errors.
            around = [nearer[place - 8 : place + 9].tobytes() in p.bases.tobytes() for place in at]
            assert sum(around) >= 6


@pytest.mark.parametrize(("edges", "parts"), [((0, 100), 1), ((20, 60), 1), ((0, 30, 50, 100), 2), ((), 0)])
def test_passes_are_clipped_to_where_there_are_enough(edges: tuple[int, ...], parts: int) -> None:
    bases = genome(100, 4)
    own, neighbour = as_passes(
        Draft("movie/1/ccs", bases, None), [Overlap(0, 100, 0, 0, 99, False, 99)], [Copy.of(np.delete(bases, 40))]
    )
    covered = np.zeros(100, np.bool_)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        covered[begin:end] = True
    found = list(within(neighbour, covered))
    assert len(found) == parts
    whole = letters(neighbour, 100)
    joined = np.max([np.zeros(100, np.uint8), *(letters(part, 100) for part in found)], axis=0)
    assert np.array_equal(joined, np.where(covered, whole, 0))
    assert coverage([own, *found], 100).tolist() == (1 + covered).tolist()
    for part in found:
        assert part.alignment is not None
        assert part.alignment.lengths[part.alignment.operations != 2].sum() == 99
