"""What the three heads are to say is what was drawn, right answers have full scores, and convolutions see 3x3."""

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.lab.scenes import QUADRANT, SHAPES, scenes
from deepconsensus_py.lab.systems.vision_survey.heads import (
    DETECTION,
    EMPTY,
    RECOGNITION,
    SEGMENTATION,
    SIDE,
    TRUNK,
    Convolutions,
    Labelled,
    ThreeHeads,
    labelled,
    overlap,
    scores,
)


@pytest.fixture(scope="module")
def drawn() -> Labelled:
    return labelled(scenes(100, seed=3))


def test_kinds_and_boxes_are_where_the_ink_is(drawn: Labelled) -> None:
    assert ((drawn.kind != EMPTY).sum(1) == 2).all()
    for kinds, boxes, mask in zip(drawn.kind.tolist(), drawn.box, drawn.mask, strict=True):
        for place, kind in enumerate(kinds):
            top, left = QUADRANT * (place // 2), QUADRANT * (place % 2)
            quadrant = mask[top : top + QUADRANT, left : left + QUADRANT]
            assert bool(quadrant.any()) is (kind != EMPTY)
            if kind != EMPTY:
                assert set(quadrant.unique().tolist()) <= {0, 1 + kind % len(SHAPES)}
                ys, xs = quadrant.nonzero().unbind(1)
                high, near, low, far = boxes[place].tolist()
                assert high <= ys.min()
                assert ys.max() < low
                assert near <= xs.min()
                assert xs.max() < far


def test_right_answers_have_full_scores_and_others_less(drawn: Labelled) -> None:
    said: dict[str, Tensor] = {RECOGNITION: drawn.kind, DETECTION: drawn.box, SEGMENTATION: drawn.mask}
    assert all((of == 1).all() for of in scores(said, drawn).values())
    wrong = {head: of.roll(1, 0) for head, of in said.items()}
    assert all(of.mean() < 0.9 for of in scores(wrong, drawn).values())


def test_overlap_is_intersection_over_union() -> None:
    one = torch.tensor([[0, 0, 4, 4], [0, 0, 4, 4], [3, 3, 1, 1]])
    other = torch.tensor([[2, 2, 6, 6], [4, 4, 6, 6], [0, 0, 4, 4]])
    assert overlap(one, other).tolist() == pytest.approx([4 / 28, 0, 0])


def test_quadrants_and_pixels_come_out_where_they_are() -> None:
    network = ThreeHeads(Convolutions(TRUNK)).eval()
    image = torch.randn(1, 3, 16, 16, requires_grad=True)
    out = network(image)
    assert out[RECOGNITION].shape == (1, 4, EMPTY + 1)
    out[SEGMENTATION][0, 5, 12].square().sum().backward()
    assert image.grad is not None
    ys, xs = image.grad[0].abs().sum(0).nonzero().unbind(1)
    reach = TRUNK.layers  # tokens of 2x2 pixels to each side
    assert (ys.min(), ys.max()) == (0, 2 * (2 + reach) + 1)
    assert (xs.min(), xs.max()) == (2 * (6 - reach), 15)


def test_convolutions_keep_the_order_of_tokens() -> None:
    x = torch.randn(2, SIDE**2, TRUNK.d)
    assert Convolutions(TRUNK)(Tokens(x)).shape == x.shape
