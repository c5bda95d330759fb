"""Alignments of sequences that differ little are those of edlib."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overlap_reads import genome, with_errors

from deepconsensus_py.align import cigar
from deepconsensus_py.align.mapping import end_to_end
from deepconsensus_py.align.wavefront import few_differences

Array = np.ndarray
short = st.lists(st.integers(1, 3), max_size=30).map(lambda codes: np.array(codes, np.uint8))


@given(short, short)
@settings(max_examples=300, deadline=None)
def test_any_two_sequences_are_aligned_as_by_edlib(query: Array, target: Array) -> None:
    found = few_differences(query, target, 60)
    assert found is not None
    # edlib is not to be asked for empty sequences.
    if len(query) and len(target):
        assert list(zip(*(part.tolist() for part in found), strict=True)) == end_to_end(query, target)


def test_long_reads_are_aligned_at_the_least_distance() -> None:
    rng, truth = np.random.default_rng(1), genome(12_000, 1)
    for _ in range(5):
        query, target = with_errors(truth, 40, rng), with_errors(truth, 40, rng)
        found = few_differences(query, target, 200)
        assert found is not None
        operations, lengths = found
        differences = int(lengths[operations != cigar.EQUAL].sum())
        assert differences == sum(n for code, n in end_to_end(query, target) if code != cigar.EQUAL)
        assert int(lengths @ cigar.ON_PASS[operations]) == len(query)
        assert int(lengths @ cigar.ON_DRAFT[operations]) == len(target)
        assert few_differences(query, target, differences) is not None
        assert few_differences(query, target, differences - 1) is None


@pytest.mark.parametrize(("query", "target"), [([], [1, 2]), ([1, 2], []), ([], [])])
def test_empty_sequences(query: list[int], target: list[int]) -> None:
    found = few_differences(np.array(query, np.uint8), np.array(target, np.uint8), 5)
    assert found is not None
    assert int(found[1].sum()) == 2 * (len(query) + len(target) > 0)
