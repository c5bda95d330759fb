"""Overlaps of aligned reads: the stretches of two reads that lie on one stretch of the reference."""

import numpy as np
from overlap_reads import genome

from deepconsensus_py.align.mapping import end_to_end
from deepconsensus_py.overlaps.located import ROW, UNPLACED, PlacedRead
from deepconsensus_py.overlaps.overlap import Overlap
from deepconsensus_py.overlaps.placements import Columns, Placements, placed_overlaps
from deepconsensus_py.pacbio.molecule import Alignment, Draft, reverse_complement

Array = np.ndarray


def placed(read: Array, truth: Array, start: int, *, reverse: bool = False, clip: int = 0) -> PlacedRead:
    """A read aligned to the reference, with clipped bases before it."""
    codes, lengths = np.array([(4, clip)] * bool(clip) + end_to_end(read, truth), np.int32).T
    whole = np.concatenate([np.ones(clip, np.uint8), read])
    bases = reverse_complement(whole) if reverse else whole
    return PlacedRead(Draft("r", bases, None), Alignment(start, codes.astype(np.uint8), lengths), reverse)


def rows(*places: tuple[int, int, int]) -> Array:
    return np.array([(0, 0, stop - start, reference, start, stop) for reference, start, stop in places], ROW)


def test_stretches_are_of_the_reads_as_they_were_sequenced() -> None:
    bases = genome(12_000, 1)
    first = placed(np.delete(bases[:8000], slice(1000, 1010)), bases[:8000], 0, clip=5)
    second = placed(bases[4000:11_000], bases[4000:11_000], 4000, reverse=True)
    columns = [Columns(first), Columns(second)]
    (one,) = placed_overlaps(columns, 0, np.array([1]))
    (other,) = placed_overlaps(columns, 1, np.array([0]))
    # Ten bases deleted before it, five clipped ones.
    assert one == Overlap(3995, 7995, 1, 3000, 7000, True, 4000)
    assert other == one.of_other(0)
    stretch = second.draft.bases[one.other_start : one.other_stop]
    assert np.array_equal(first.draft.bases[one.start : one.stop], reverse_complement(stretch))


def test_overlaps_begin_and_end_where_both_have_a_base() -> None:
    bases = genome(9000, 2)
    first = placed(bases, bases, 0)
    # It lacks bases where the other one ends.
    gap = Alignment(1000, np.array([7, 2, 7], np.uint8), np.array([4000, 30, 970], np.int32))
    second = PlacedRead(Draft("r", np.concatenate([bases[1000:5000], bases[5030:6000]]), None), gap)
    third = placed(bases[5010:8000], bases[5010:8000], 5010)
    columns = [Columns(first), Columns(second), Columns(third)]
    (one,) = placed_overlaps(columns, 1, np.array([0]))
    assert (one.start, one.stop, one.other_start, one.other_stop) == (0, 4970, 1000, 6000)
    assert placed_overlaps(columns, 1, np.array([2])) == []
    assert columns[1].shared(columns[2]) == (5030, 6000)


def test_neighbours_share_two_thousand_bases_of_one_reference() -> None:
    places = Placements(
        rows((0, 0, 9000), (0, 1000, 4000), (0, 7000, 12_000), (0, 7001, 12_000), (1, 0, 9000), (UNPLACED, 0, 0)), 60
    )
    assert places.neighbours(0).tolist() == [1, 2]
    assert places.neighbours(1).tolist() == [0]
    assert places.neighbours(2).tolist() == [3, 0]
    assert places.neighbours(4).tolist() == []
    assert places.neighbours(5).tolist() == []


def test_the_longest_overlaps_are_kept() -> None:
    places = Placements(rows(*((0, start, start + 5000) for start in range(0, 3000, 500))), 2)
    assert places.neighbours(3).tolist() == [2, 4]
    assert places.neighbours(0).tolist() == [1, 2]
