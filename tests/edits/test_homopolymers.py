"""Runs divide a sequence."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.edits.repeats import find_runs
from deepconsensus_py.pacbio.molecule import encode_bases


@given(st.text("ATN"))
def test_runs_are_the_sequence_and_neighbours_differ(sequence: str) -> None:
    bases = encode_bases(sequence)
    runs = find_runs(bases)
    assert np.array_equal(np.repeat(runs.base, runs.length), bases)
    assert (runs.base[1:] != runs.base[:-1]).all()
    assert np.array_equal(runs.start, np.cumsum(runs.length) - runs.length)
