"""Alignments along a guide have the least edit distance, put gaps to the left, and follow edits of the template."""

import edlib
import numpy as np
import pytest
from noise import from_end_to_end, noisy, random_bases

from deepconsensus_py.align.guides import Template
from deepconsensus_py.align.traces import Trace, carried, trace
from deepconsensus_py.pacbio.molecule import encode_bases

Array = np.ndarray


def edits(template: Array, one: Trace) -> int:
    """Errors of an alignment from end to end."""
    paired = one.pairs >= 0
    wrong = np.count_nonzero(template[paired] != one.bases[one.pairs[paired]])
    return wrong + len(template) + len(one.bases) - 2 * np.count_nonzero(paired)


@pytest.mark.parametrize("length", [1, 5, 64, 65, 700, 5_000])
@pytest.mark.parametrize("scale", [0.0, 1.0, 2.0])
def test_it_has_the_least_edit_distance(length: int, scale: float) -> None:
    rng = np.random.default_rng(length)
    template = random_bases(rng, length)
    bases = noisy(template, rng, scale)[0] if length > 1 else template.copy()
    placed = Template(template).place(bases) or from_end_to_end(template, bases)
    one = trace(template, placed)
    assert edits(template, one) == edlib.align(bases.tobytes(), template.tobytes())["editDistance"]
    pairs = one.pairs[one.pairs >= 0]
    assert (np.diff(pairs) > 0).all()
    # The number of bases before a template base is that of its pair, less those inserted there.
    assert (one.guide.before[:-1][one.pairs >= 0] <= pairs).all()
    assert (one.guide.before[1:][one.pairs >= 0] == pairs + 1).all()


def test_it_follows_jumps_that_are_longer_than_the_band() -> None:
    rng = np.random.default_rng(1)
    template = random_bases(rng, 2_000)
    bases = np.concatenate([template[:700], random_bases(rng, 300), template[700:1_200], template[1_500:]])
    placed = Template(template).place(bases)
    assert placed is not None
    pairs = trace(template, placed).pairs
    assert np.array_equal(pairs[:660], np.arange(660))
    assert np.array_equal(pairs[740:1_140], np.arange(1_040, 1_440))
    assert np.array_equal(pairs[1_560:], np.arange(1_560, 2_000))


@pytest.mark.parametrize(
    ("template", "bases", "pairs"),
    [
        ("ACGGGGTA", "ACGGGTA", [0, 1, -1, 2, 3, 4, 5, 6]),
        ("ACGGGTA", "ACGGGGTA", [0, 1, 3, 4, 5, 6, 7]),
        ("TCACACAG", "TCACAG", [0, -1, -1, 1, 2, 3, 4, 5]),
        ("ACGTACGT", "ACGAACGT", [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_gaps_are_as_far_left_as_they_can_be(template: str, bases: str, pairs: list[int]) -> None:
    one, other = encode_bases(template), encode_bases(bases)
    assert trace(one, from_end_to_end(one, other)).pairs.tolist() == pairs


def test_a_pass_keeps_its_place_when_the_template_is_edited() -> None:
    rng = np.random.default_rng(2)
    truth = random_bases(rng, 1_000)
    template = np.insert(np.delete(truth, slice(300, 305)), 600, [1, 2, 3])
    index = np.concatenate([np.arange(300), np.full(5, -1), np.arange(300, 600), np.arange(603, 998)]).astype(np.int32)
    placed = Template(template).place(truth)
    assert placed is not None
    moved = carried(trace(template, placed), index)
    assert (moved.guide.first, moved.guide.stop) == (0, 1_000)
    assert np.abs(moved.guide.before - np.arange(1_001)).max() <= 5
    assert np.array_equal(trace(truth, moved).pairs, np.arange(1_000))


def test_the_ends_of_a_partial_pass_move_with_their_bases() -> None:
    rng = np.random.default_rng(3)
    truth = random_bases(rng, 1_000)
    placed = Template(truth).place(truth[300:800])
    assert placed is not None
    index = np.concatenate([np.arange(10, 500), [-1], np.arange(500, 1_000)]).astype(np.int32)
    moved = carried(trace(truth, placed), index)
    assert (moved.guide.first, moved.guide.stop) == (290, 791)
