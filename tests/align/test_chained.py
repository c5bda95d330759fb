"""Passes are aligned along chains as minimap2 aligns them, or left to it."""

import numpy as np
import pytest
from noise import noisy, random_bases

from deepconsensus_py.align import cigar
from deepconsensus_py.align.chained import along_chain
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.guides import Template
from deepconsensus_py.align.mapping import DraftMap
from deepconsensus_py.pacbio.molecule import decode_bases, reverse_complement

Array = np.ndarray
LENGTH = 4_000


@pytest.fixture
def draft() -> Array:
    return random_bases(np.random.default_rng(5), LENGTH)


def positions(draft: Array, bases: Array) -> Array:
    """Position in the pass of the base at each draft position, -1 for none."""
    found = along_chain(Template(draft), bases)
    assert found is not None
    alignment = left_normalise(found[0], bases, draft)
    pairs = np.full(len(draft), -1)
    in_pass, in_draft = cigar.paired_positions(alignment)
    pairs[in_draft] = in_pass
    return pairs


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("reverse", [False, True])
def test_alignments_score_as_those_of_minimap2(draft: Array, seed: int, reverse: bool) -> None:
    bases = noisy(draft, np.random.default_rng(seed))[0]
    found = along_chain(Template(draft), reverse_complement(bases) if reverse else bases)
    hit = DraftMap(decode_bases(draft)).find(decode_bases(bases))
    assert found is not None
    assert hit is not None
    assert found[1] == reverse
    equal = cigar.counts(left_normalise(found[0], bases, draft))[cigar.EQUAL]
    assert equal == pytest.approx(hit.equal, rel=0.003)


@pytest.mark.parametrize("size", [6, 20, 60])
def test_a_gap_is_in_one_piece(draft: Array, size: int) -> None:
    deleted = positions(draft, np.delete(draft, slice(2_000, 2_000 + size)))
    assert np.count_nonzero(deleted < 0) == size
    assert np.ptp(np.flatnonzero(deleted < 0)) == size - 1
    extra = random_bases(np.random.default_rng(1), size)
    inserted = positions(draft, np.insert(draft, 2_000, extra))
    assert (inserted >= 0).all()
    assert np.count_nonzero(np.diff(inserted) > 1) == 1


def test_what_lies_beyond_the_draft_is_clipped(draft: Array) -> None:
    adapter = random_bases(np.random.default_rng(2), 45)
    found = along_chain(Template(draft), np.concatenate([adapter, draft, adapter]))
    assert found is not None
    assert found[0].operations.tolist() == [cigar.SOFT_CLIP, cigar.EQUAL, cigar.SOFT_CLIP]
    assert abs(found[0].lengths - [45, LENGTH, 45]).max() <= 3


@pytest.mark.parametrize("kind", ["long deletion", "long insertion", "foreign end", "unrelated"])
def test_others_are_left_to_minimap2(draft: Array, kind: str) -> None:
    foreign = random_bases(np.random.default_rng(3), LENGTH)
    bases = {
        "long deletion": np.delete(draft, slice(1_000, 1_300)),
        "long insertion": np.insert(draft, 1_000, foreign[:300]),
        "foreign end": np.concatenate([draft[:3_500], foreign[:500]]),
        "unrelated": foreign,
    }[kind]
    assert along_chain(Template(draft), bases) is None
