"""Bases at homopolymers, against the columns of the alignment one by one."""

import numpy as np
from edit_molecules import zmws
from hypothesis import given

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.labels import homopolymer_spans
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import Alignment, Zmw


def columns_of(alignment: Alignment) -> list[tuple[int | None, int | None]]:
    """(pass position, draft position) of every column but clipped ones."""
    columns, i, j = [], 0, alignment.start
    for operation in np.repeat(alignment.operations, alignment.lengths):
        on_pass, on_draft = cigar.ON_PASS[operation], cigar.ON_DRAFT[operation]
        if operation != cigar.SOFT_CLIP:
            columns.append((i if on_pass else None, j if on_draft else None))
        i, j = i + int(on_pass), j + int(on_draft)
    return columns


@given(zmws())
def test_a_homopolymer_has_the_bases_of_its_columns_and_those_inserted_in_front(zmw: Zmw) -> None:
    homopolymers = find_homopolymers(zmw.draft.bases)
    for p in zmw.passes:
        columns = columns_of(p.alignment)
        places = [j for _, j in columns if j is not None]
        spans = homopolymer_spans(p.alignment, homopolymers)
        assert spans.covered.tolist() == [
            places[0] < start and stop <= places[-1]
            for start, stop in zip(homopolymers.start, homopolymers.stop, strict=True)
        ]
        for homopolymer in np.flatnonzero(spans.covered):
            begin, body, end = spans.positions[homopolymer]
            first, last = (
                next(k for k, (_, j) in enumerate(columns) if j == place)
                for place in (homopolymers.start[homopolymer], homopolymers.stop[homopolymer] - 1)
            )
            behind = next(k for k, (_, j) in enumerate(columns) if j == homopolymers.start[homopolymer] - 1)
            assert list(range(begin, body)) == [i for i, _ in columns[behind + 1 : first]]
            assert list(range(body, end)) == [i for i, _ in columns[first : last + 1] if i is not None]


@given(zmws())
def test_covered_homopolymers_are_contiguous_and_so_are_their_bases(zmw: Zmw) -> None:
    for p in zmw.passes:
        spans = homopolymer_spans(p.alignment, find_homopolymers(zmw.draft.bases))
        covered = np.flatnonzero(spans.covered)
        assert (np.diff(covered) == 1).all()
        positions = spans.positions[covered]
        assert np.array_equal(positions[1:, 0], positions[:-1, 2])
