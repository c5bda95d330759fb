"""Overlaps of reads: found once for each pair, the same from both sides."""

import numpy as np
from overlap_reads import genome, tiled

from deepconsensus_py.overlaps.overlap import MOST_OVERLAPS, find_overlaps
from deepconsensus_py.pacbio.molecule import reverse_complement


def test_reads_overlap_where_the_genome_is_the_same() -> None:
    bases = genome(12_000, 1)
    first, second = bases[:8000], reverse_complement(bases[4000:])
    ((own,), (other,)) = find_overlaps([first, second])
    assert (own.other, own.reverse, own.start, own.stop) == (1, True, 4000, 8000)
    assert (own.other_start, own.other_stop, own.equal) == (4000, 8000, 4000)
    assert own.of_other(0) == other
    assert other.of_other(1) == own


def test_short_and_different_overlaps_do_not_count() -> None:
    bases = genome(12_000, 2)
    distant = bases.copy()
    distant[::30] = distant[::30] % 4 + 1
    assert find_overlaps([bases[:7000], bases[5500:]]) == [[], []]
    assert find_overlaps([bases, distant]) == [[], []]


def test_a_read_has_its_best_overlaps() -> None:
    bases = genome(6000, 3)
    reads = [bases, *(bases[:length] for length in range(5900, 5900 - 10 * (MOST_OVERLAPS + 5), -10))]
    own = find_overlaps(reads)[0]
    assert [overlap.equal for overlap in own] == list(range(5900, 5900 - 10 * MOST_OVERLAPS, -10))


def test_reads_alone_have_none() -> None:
    assert find_overlaps([genome(5000, 4), genome(5000, 5)]) == [[], []]
    assert [len(found) for found in find_overlaps(tiled(genome(9000, 6), 6000, 3000))] == [1, 1]
    assert np.array_equal(tiled(genome(9000, 6), 6000, 3000)[1], genome(9000, 6)[3000:])
