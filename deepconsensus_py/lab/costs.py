"""The cost of a head on its trunk, as a line of a row's table."""

from collections.abc import Sequence
from dataclasses import asdict

import torch

from deepconsensus_py.attention.blocks import Block, Trunk
from deepconsensus_py.attention.cost import LayerCost, cost, layer_cost
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.relative import Relative
from deepconsensus_py.heads.head import Batch, Head
from deepconsensus_py.lab.claim import CostLine


def layer_costs(trunk: Trunk, shape: Sequence[int]) -> list[LayerCost]:
    """The cost of each layer of an encoder over the tokens of one item, which fill a grid of this shape."""
    blocks = list(trunk.encoder.blocks)
    return [_layer(blocks[layer % len(blocks)], trunk, shape) for layer in range(trunk.config.layers)]


def cost_line(system: str, head: Head, batch: Batch, shape: Sequence[int], *, repeats: int = 3) -> CostLine:
    """Count a head, and time it on a batch.

    Args:
        system: what the line is to be called.
        head: it is left in its mode.
        batch: what it is timed on.
        shape: of the grid that the tokens of one item fill.
        repeats: runs, of which the fastest counts.
    """

    @torch.inference_mode()
    def run() -> None:
        head(batch)

    training = head.training
    head.eval()
    items = len(next(iter(batch.values())))
    counted = cost(run, head, layer_costs(head.trunk, shape), items=items, repeats=repeats)
    head.train(training)
    return CostLine(system, asdict(counted))


def _layer(block: torch.nn.Module, trunk: Trunk, shape: Sequence[int]) -> LayerCost:
    assert isinstance(block, Block)
    (attending,) = (module for module in block.attention.modules() if isinstance(module, MultiHead))
    rows = attending.bias.rows if isinstance(attending.bias, Relative) else 0
    return layer_cost(attending.pattern, shape, d=trunk.config.d, ff=trunk.config.ff, rows=rows)
