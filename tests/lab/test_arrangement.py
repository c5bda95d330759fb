"""Arrangements hold the same glyphs, and only a network that relates places can tell them apart."""

import pytest
import torch
from torch import Tensor

from deepconsensus_py.lab.glyphs import GLYPH
from deepconsensus_py.lab.systems.attention_augmented_convolution.arrangement import (
    APART,
    BLIND,
    BORDER,
    CELLS,
    SEEING,
    arrangements,
    told_apart,
)


def cells(image: Tensor) -> Tensor:
    """``[count, CELLS, CELLS, GLYPH * GLYPH]``."""
    parts = image[:, 0].unfold(1, GLYPH, GLYPH).unfold(2, GLYPH, GLYPH)
    return parts.flatten(3)


def test_both_arrangements_hold_the_same_glyphs_at_the_same_places() -> None:
    drawn = arrangements(200, seed=1)
    equal, crossed = cells(drawn.equal), cells(drawn.crossed)
    inked = equal.any(-1)
    assert (inked == crossed.any(-1)).all()
    assert (inked.sum((1, 2)) == 4).all()
    for one, other, at in zip(equal, crossed, inked, strict=True):
        (a, b, c, d), (e, f, g, h) = one[at], other[at]
        assert torch.equal(a, b)
        assert torch.equal(c, d)
        assert not torch.equal(a, c)
        assert torch.equal(e, h)
        assert torch.equal(f, g)
        assert {tuple(a.tolist()), tuple(c.tolist())} == {tuple(e.tolist()), tuple(f.tolist())}


def test_glyphs_are_out_of_reach_of_each_other_and_of_the_border() -> None:
    inked = cells(arrangements(500, seed=2).equal).any(-1)
    for axis in (1, 2):
        for row in inked.any(axis):
            low, high = row.nonzero().flatten().tolist()
            assert high - low >= APART
            assert low >= BORDER
            assert high < CELLS - BORDER


@pytest.mark.parametrize("system", BLIND)
def test_networks_without_places_give_equal_logits(system: str) -> None:
    assert told_apart(system) <= 1e-12


@pytest.mark.parametrize("system", SEEING)
def test_networks_that_relate_places_do_not(system: str) -> None:
    assert told_apart(system) >= 1e-8
