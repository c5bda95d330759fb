"""An example and its bytes."""

from dataclasses import replace

import numpy as np
import pytest
from example_molecules import assert_equal, random_example
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.examples.example import Example, pack, unpack
from deepconsensus_py.pacbio.molecule import Zmw


@given(st.integers(0, 2**32), st.sampled_from([0, 0.4, 1]))
def test_round_trip(seed: int, lacking: float) -> None:
    example = random_example(np.random.default_rng(seed), lacking=lacking)
    assert_equal(unpack(pack(example)), example)


def test_tags_that_say_nothing_are_left_out() -> None:
    example = random_example(np.random.default_rng(1))
    draft = replace(example.zmw.draft, tags=(("RG", "x", "Z"), *example.zmw.draft.tags, ("zm", 7, "i")))
    more = Example(Zmw(draft, example.zmw.passes), example.truth)
    assert_equal(unpack(pack(more)), example)


def test_an_alignment_that_does_not_fit_is_refused() -> None:
    example = random_example(np.random.default_rng(1))
    shorter = replace(example.truth, bases=example.truth.bases[1:])
    with pytest.raises(MoleculeError, match="m/1/ccs: an alignment does not fit"):
        pack(Example(example.zmw, shorter))


def test_a_pass_that_is_not_aligned_is_refused() -> None:
    example = random_example(np.random.default_rng(1))
    raw = replace(example.zmw.passes[0], alignment=None)
    with pytest.raises(MoleculeError, match="is not aligned"):
        pack(Example(Zmw(example.zmw.draft, (raw,)), example.truth))
