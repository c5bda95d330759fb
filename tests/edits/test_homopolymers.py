"""Homopolymers divide a sequence."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import encode_bases


@given(st.text("ATN"))
def test_homopolymers_partition_a_sequence_and_neighbours_differ(sequence: str) -> None:
    bases = encode_bases(sequence)
    homopolymers = find_homopolymers(bases)
    assert np.array_equal(np.repeat(homopolymers.base, homopolymers.length), bases)
    assert (homopolymers.base[1:] != homopolymers.base[:-1]).all()
    assert np.array_equal(homopolymers.start, np.cumsum(homopolymers.length) - homopolymers.length)
