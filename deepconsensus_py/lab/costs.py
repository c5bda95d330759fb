"""What networks cost, in counts: heads on a trunk, and networks over images.

There are no times: they would need an idle machine, which a run of all claims is not.
"""

from collections.abc import Sequence
from dataclasses import asdict

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Block, Trunk
from deepconsensus_py.attention.cost import Cost, LayerCost, cost, layer_cost
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.relative import Halves, Relative
from deepconsensus_py.attention.spatial import PixelAttention
from deepconsensus_py.heads.head import Batch, Head
from deepconsensus_py.lab.claim import CostLine

TIMES = {"ms", "per_second"}
"""Columns of ``Cost`` that depend on the machine."""


def layer_costs(trunk: Trunk, shape: Sequence[int]) -> list[LayerCost]:
    """The cost of each layer of an encoder, for one item whose tokens fill a grid of this shape."""
    blocks = list(trunk.encoder.blocks)
    return [_layer(blocks[layer % len(blocks)], trunk, shape) for layer in range(trunk.config.layers)]


def counts(system: str, cost: Cost) -> CostLine:
    """A line of the table of costs: all columns but those of time."""
    return CostLine(system, {name: of for name, of in asdict(cost).items() if name not in TIMES})


def cost_line(system: str, head: Head, batch: Batch, shape: Sequence[int]) -> CostLine:
    """Count the cost of a head.

    Args:
        system: name of the line.
        head: the head; its mode does not change.
        batch: what it is run on.
        shape: of the grid that the tokens of one item fill.
    """

    @torch.inference_mode()
    def run() -> None:
        head(batch)

    training = head.training
    head.eval()
    items = len(next(iter(batch.values())))
    counted = cost(run, head, layer_costs(head.trunk, shape), items=items, repeats=1)
    head.train(training)
    return counts(system, counted)


def _layer(block: torch.nn.Module, trunk: Trunk, shape: Sequence[int]) -> LayerCost:
    assert isinstance(block, Block)
    (attending,) = (module for module in block.attention.modules() if isinstance(module, MultiHead))
    rows = attending.bias.rows if isinstance(attending.bias, Relative) else 0
    return layer_cost(attending.pattern, shape, d=trunk.config.d, ff=trunk.config.ff, rows=rows)


def parameters(module: nn.Module) -> int:
    """Number of parameters of a network."""
    return sum(weight.numel() for weight in module.parameters())


@torch.inference_mode()
def image_layer_costs(network: nn.Module, image: Tensor) -> list[LayerCost]:
    """The cost of each convolution, linear layer and attention for an image ``float32[1, channels, height, width]``.

    The image counts as a single token; scores, values and tables are attention, its projections are linear layers.
    """
    found: list[LayerCost] = []

    def product(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:  # noqa: ARG001
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        found.append(LayerCost(1, 0, 2 * out.numel() * layer.weight[0].numel(), 0, 0))

    def attention(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        assert isinstance(layer, PixelAttention)
        pairs = layer.pattern.pairs(given[0].shape[2:])
        width = layer.query.out_features // (2 if isinstance(layer.bias, Halves) else 1)
        tables = 2 * out[0, 0].numel() * layer.bias.rows * width
        found.append(LayerCost(1, pairs, 0, 2 * pairs * (layer.query.out_features + layer.value.out_features), tables))

    hooks = [
        module.register_forward_hook(attention if isinstance(module, PixelAttention) else product)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear | PixelAttention)
    ]
    network.eval()(image)
    for hook in hooks:
        hook.remove()
    return found


def gflops(network: nn.Module, image: Tensor) -> float:
    """GFLOP of all products, for one image."""
    return sum(layer.gemm + layer.attention + layer.extra for layer in image_layer_costs(network, image)) / 1e9


def image_cost(system: str, network: nn.Module, images: Tensor) -> CostLine:
    """Count the cost of a network for one image; it is run on all of these."""
    return counts(system, counted_on_images(network, images))


def counted_on_images(network: nn.Module, images: Tensor) -> Cost:
    """The cost of a network for one image; it is run on all of these."""

    @torch.inference_mode()
    def run() -> None:
        network(images)

    return cost(run, network, image_layer_costs(network, images[:1]), items=len(images), repeats=1)
