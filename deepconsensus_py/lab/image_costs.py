"""What a network over images costs on one image, counted where it runs."""

from dataclasses import asdict

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.cost import LayerCost, cost
from deepconsensus_py.attention.relative import Halves
from deepconsensus_py.attention.spatial import PixelAttention
from deepconsensus_py.lab.claim import CostLine


def parameters(module: nn.Module) -> int:
    """Weights of a network, one by one."""
    return sum(weight.numel() for weight in module.parameters())


@torch.inference_mode()
def layer_costs(network: nn.Module, image: Tensor) -> list[LayerCost]:
    """What each convolution, linear layer and attention costs on an image ``float32[1, channels, height, width]``.

    An image is the one token of all; scores, values and tables are attention, its projections linear layers.
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
    """FLOPs of all products on one image, in thousand millions."""
    return sum(layer.gemm + layer.attention + layer.extra for layer in layer_costs(network, image)) / 1e9


def image_cost(system: str, network: nn.Module, images: Tensor, *, repeats: int = 3) -> CostLine:
    """Count a network on one image, and time it on all of these."""

    @torch.inference_mode()
    def run() -> None:
        network(images)

    layers = layer_costs(network, images[:1])
    return CostLine(system, asdict(cost(run, network, layers, items=len(images), repeats=repeats)))
