"""Networks of published size are counted to the last weight, and operations as they are by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from deepconsensus_py.attention.spatial import BoT, StandAlone
from deepconsensus_py.lab.costs import image_layer_costs, parameters
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.glyphs import receptive_field
from deepconsensus_py.lab.images import (
    LAYERS,
    SEEN,
    SIDE,
    Images,
    SqueezeExcitation,
    accuracy,
    glyph_network,
    learn,
    pair_images,
    resnet50,
)


@pytest.mark.parametrize(
    ("system", "weights"), [("convolution", 25_557_032), ("sasa", 18_038_632), ("bot", 20_859_176)]
)
def test_resnet_50_is_counted_to_the_last_weight(system: str, weights: int) -> None:
    assert parameters(resnet50(system)) == weights


def test_products_are_counted_by_the_sizes_they_meet() -> None:
    network = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(5 * 4 * 4, 2))
    costs = image_layer_costs(network, torch.zeros(1, 3, 8, 8))
    assert [layer.gemm for layer in costs] == [2 * 16 * 5 * 27, 2 * 80 * 2]


def test_attention_is_counted_by_pairs_and_tables() -> None:
    *projections, bot = image_layer_costs(BoT(4, 8, reach=2, heads=2, d_k=4), torch.zeros(1, 4, 3, 5))
    assert sum(layer.gemm for layer in projections) == 2 * 15 * 4 * (4 + 4 + 8)
    assert (bot.pairs, bot.attention, bot.extra) == (225, 2 * 225 * (4 + 8), 2 * 15 * 10 * 4)
    alone = image_layer_costs(StandAlone(4, 8, kernel=3, heads=2), torch.zeros(1, 4, 3, 5))[-1]
    assert (alone.pairs, alone.extra) == (7 * 13, 2 * 15 * 6 * 4)


def test_a_pixel_of_the_convolutional_network_sees_what_it_is_said_to_see() -> None:
    network = glyph_network("convolution", 1).double().eval()
    image = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    network.blocks(network.stem(image + torch.randn_like(image)))[0, :, 4, 4].abs().sum().backward()
    assert image.grad is not None
    ys, xs = np.nonzero(image.grad[0, 0].numpy())
    assert max(np.ptp(ys), np.ptp(xs)) + 1 <= receptive_field(SEEN) <= 11


@torch.no_grad()
def test_channel_gates_know_the_mean_of_the_image_alone() -> None:
    layer, x = SqueezeExcitation(32), torch.randn(1, 32, 4, 4)
    swapped = x.flip(3)
    torch.testing.assert_close(layer(swapped), layer(x).flip(3))
    assert (layer(x) / x).flatten(2).std(-1).max() < 1e-5


def test_arms_that_are_compared_have_as_many_weights() -> None:
    counts = [parameters(glyph_network(system, 0)) for system in ("convolution", "squeeze-excitation", "augmented")]
    assert max(counts) <= 1.02 * min(counts)
    assert set(LAYERS) >= {"stand-alone", "bot", "halo"}


def test_learning_goes_through_all_images_in_every_epoch() -> None:
    made, seen = pair_images(128, 1), []

    class Brightness(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            seen.extend(image.sum((1, 2, 3)).tolist())
            return image.sum((1, 2, 3))[:, None] * self.weight

    network = Brightness()
    learn(network, network, made, Training(4), seed=1)
    assert sorted(seen[:128]) == sorted(seen[128:]) == sorted(made.image.sum((1, 2, 3)).tolist())


def test_accuracy_is_the_share_that_is_right() -> None:
    images = Images(torch.zeros(5, 1, 2, 2), torch.tensor([0, 0, 0, 1, 1]))
    assert accuracy(lambda image: torch.tensor([[1.0, 0.0]]).expand(len(image), 2), images) == pytest.approx(0.6)
