"""Patches have no order but that of their positions; residual networks are those published, but for the layer given."""

import pytest
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.spatial import BoT, Halo, StandAlone
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.heads.vision import Bottleneck, BottleneckStage, Residual, Vision, convolution

LAYERS = {
    "convolution": convolution,
    "stand-alone": lambda width: StandAlone(width, width, kernel=3, heads=2),
    "bot": lambda width: BoT(width, width, reach=3, heads=2),
    "halo": lambda width: Halo(width, width, around=(2, 1), heads=2),
}


def vision(attention: str = "full", **options: bool) -> Vision:
    torch.manual_seed(1)
    trunk = Trunk(TrunkConfig(2, 16, 2, 24, preset(attention), norm="layer", position="none"))
    return Vision(trunk, classes=3, shape=(1, 8, 12), patch=4, **options)


def swapped(image: Tensor) -> Tensor:
    """The image with its first and its last patch exchanged."""
    other = image.clone()
    other[..., :4, :4], other[..., 4:, 8:] = image[..., 4:, 8:], image[..., :4, :4]
    return other


@torch.no_grad()
def test_without_positions_patches_have_no_order_and_with_them_they_have() -> None:
    head, image = vision().eval(), torch.randn(3, 1, 8, 12)
    before, after = head({"image": image}), head({"image": swapped(image)})
    assert (before - after).abs().max() > 1e-4
    assert head.positions is not None
    for table in head.positions.tables:
        table.zero_()
    torch.testing.assert_close(head({"image": image}), head({"image": swapped(image)}))


@torch.no_grad()
def test_the_class_is_read_from_its_token_alone() -> None:
    head, image = vision(), torch.randn(2, 1, 8, 12)
    tokens = head.tokens({"image": image})
    assert tokens.x.shape == (2, 1 + 6, 16)
    assert tokens.coords is not None
    assert tokens.coords.tolist() == [[-1, -1], [0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    torch.testing.assert_close(head({"image": image}), head.classify(head.trunk(tokens)[:, 0]))


@pytest.mark.parametrize("attention", ["sasa", "halo", "bot"])
def test_tokens_of_local_trunks_are_the_patches(attention: str) -> None:
    head, image = vision(attention, cls=False, positions=False), torch.randn(2, 1, 8, 12)
    check_batch(head, {"image": image, "label": torch.tensor([0, 2])})
    assert head.tokens({"image": image}).x.shape == (2, 6, 16)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("stride", [1, 2])
def test_bottlenecks_of_every_layer_stride_alike(name: str, stride: int) -> None:
    block = Bottleneck(6, BottleneckStage(4, 1, LAYERS[name]), stride=stride)
    assert block(torch.randn(2, 6, 8, 12)).shape == (2, 16, 8 // stride, 12 // stride)


@torch.no_grad()
def test_a_bottleneck_adds_to_its_input() -> None:
    block, x = Bottleneck(16, BottleneckStage(4, 1), stride=1), torch.randn(2, 16, 4, 4)
    nn.init.zeros_(block.change[-1].weight)
    torch.testing.assert_close(block(x), x.relu())


def test_a_residual_network_gives_features_or_classes() -> None:
    stages = [BottleneckStage(2, 1), BottleneckStage(3, 2, stride=2)]
    image = torch.randn(2, 1, 8, 8)
    network = Residual(nn.Conv2d(1, 5, 3, padding=1), 5, stages)
    assert network(image).shape == (2, network.channels, 4, 4) == (2, 12, 4, 4)
    assert Residual(nn.Conv2d(1, 5, 3, padding=1), 5, stages, classes=7)(image).shape == (2, 7)


def test_metrics_count_the_right_ones() -> None:
    head, out = vision(), torch.tensor([[0.0, 3.0, 1.0], [2.0, 0.0, 0.0]])
    batch = {"label": torch.tensor([1, 2])}
    assert head.metrics(out, batch) == {"accuracy": 0.5}
    torch.testing.assert_close(head.loss(out, batch), nn.functional.cross_entropy(out, batch["label"]))
